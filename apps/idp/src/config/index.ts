// The door of the configuration.

export {
  type Config,
  type DatabaseConfig,
  type Environment,
  type HashingConfig,
  loadConfig,
  type MtlsConfig,
} from './config.ts'
export { isLoopbackIssuer } from './issuer.ts'
export { type ConfigProblem, describeProblem } from './problem.ts'
export { configurationReference } from './reference.ts'
