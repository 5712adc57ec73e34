// The public door of the core.

export * from './audit/index.ts'
export * from './base/index.ts'
export type * from './ports/index.ts'
export * from './provider.ts'
export type { DpopConfig, MtlsConfig } from './provider-binding.ts'
export {
  ConfigurationError,
  type DeviceConfig,
  type Features,
  type ProviderConfig,
  parseIssuer,
  type RegistrationConfig,
} from './provider-config.ts'
export type * from './provider-types.ts'
export type { AuthenticationFacts } from './session/index.ts'
export * from './spec/index.ts'
export type * from './store/index.ts'
export * from './wire/index.ts'
