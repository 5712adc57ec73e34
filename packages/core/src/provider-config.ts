// Owns checking a provider's configuration. Every configuration error is raised here, at composition, never at a request.

import type { Result } from './base/index.ts'
import { createRemoteKeys } from './client/index.ts'
import type { Context, CookieNames, EnabledFeatures } from './context/index.ts'
import { DEFAULT_GRANT_TYPES, deviceCode, type OpenGrantType } from './grant-types/index.ts'
import type { Accounts, Ports } from './ports/index.ts'
import { type DpopConfig, type MtlsConfig, parseDpop, parseMtls } from './provider-binding.ts'
import { DEFAULT_LIFETIMES, DEVICE_CODE_GRANT, type Lifetimes } from './spec/index.ts'
import type { AuditEntry, Stores } from './store/index.ts'

/** Where people let devices in. */
export interface DeviceConfig {
  /** Address of the embedder's page that asks for the code, short enough to type (RFC 8628 §3.3); https, or http on loopback. */
  readonly verificationUri: string
}

/** Parts of the protocol that an embedder switches on; what is left out is refused and not in the metadata. */
export interface Features {
  /** Pushed authorization requests (RFC 9126 §2); `required` refuses requests that were not pushed, of every client (RFC 9126 §5). */
  readonly par?: boolean | 'required'
  /** An endpoint at which a client gives back its tokens (RFC 7009 §2). */
  readonly revocation?: boolean
  /** An endpoint at which a client asks what a token is worth, with answers as signed JWTs too (RFC 7662 §2, RFC 9701 §5). */
  readonly introspection?: boolean
  /** Devices without a browser of their own (RFC 8628 §3); brings its grant type along where `grantTypes` names none. */
  readonly device?: DeviceConfig
  /** Tokens bound to a key of the client's (RFC 9449). */
  readonly dpop?: DpopConfig
  /** Client certificates, for authentication and binding (RFC 8705). Doors must be told too: by themselves they read none. */
  readonly mtls?: MtlsConfig
  /** Signing out at a client's request (OIDC RP-Initiated Logout §2). */
  readonly endSession?: boolean
  /** Telling clients, server to server, that a session ended (OIDC Back-Channel Logout §2.5); needs `ports.fetcher`. */
  readonly backchannelLogout?: boolean
  /** Signed request objects (RFC 9101 §5): by value, and by reference where `ports.fetcher` is given. */
  readonly requestObjects?: boolean
  /** Signed authorization responses (JARM): the response modes jwt, query.jwt and form_post.jwt. */
  readonly jarm?: boolean
}

/** What a provider is composed of. */
export interface ProviderConfig {
  /** Issuer identifier: https (http on loopback alone), no query, fragment, user or trailing slash (OIDC Discovery §3). */
  readonly issuer: string
  readonly ports: Ports
  readonly stores: Stores
  readonly lifetimes?: Partial<Lifetimes>
  readonly features?: Features
  /** Grant types of the token endpoint; code, refresh and client credentials unless set. An embedder adds his own as one more value. */
  readonly grantTypes?: readonly OpenGrantType[]
  /** Authentication context classes that the embedder's sign-in can reach, weakest first. */
  readonly acrValues?: readonly string[]
  /** Languages of the embedder's pages (BCP 47). */
  readonly uiLocales?: readonly string[]
  /** Lets clients register themselves (RFC 7591 §3); without it none can. */
  readonly registration?: RegistrationConfig
  /** Receives the events that rode in no transition. What it throws or rejects with goes to `onFault`: it fails no request. */
  readonly onEvents?: (events: readonly AuditEntry[]) => void
  /** Receives what was thrown behind a 500 or a 503, for the operator's log; never shown to anybody else. What it throws is dropped. */
  readonly onFault?: (error: unknown) => void
}

/** How clients may register themselves. */
export interface RegistrationConfig {
  /** `token` asks for an initial access token made by an operator; `open` takes anybody, at a limited rate for each network. */
  readonly mode: 'token' | 'open'
  /** Scopes that such clients may have at most, and have where they name none; `openid profile email address phone offline_access` unless set. */
  readonly scopes?: readonly string[]
  /** Whether web clients may have `http` redirect URIs on loopback, for development. */
  readonly development?: boolean
}

/** A configuration that cannot be worked with; `code` is stable, `setting` names what is wrong. */
export class ConfigurationError extends Error {
  readonly code: string = 'configuration_invalid'
  readonly setting: string

  constructor(setting: string, message: string) {
    super(`${setting}: ${message}`)
    this.name = 'ConfigurationError'
    this.setting = setting
  }
}

const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Checks an issuer identifier; throws a `ConfigurationError` for anything a relying party could compare wrongly. */
export const parseIssuer = (issuer: string): URL => {
  const wrong = (message: string): never => {
    throw new ConfigurationError('issuer', message)
  }
  if (!URL.canParse(issuer)) return wrong('is not a URL')
  const url = new URL(issuer)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && LOOPBACK_HOSTS.has(url.hostname))) {
    wrong('must be https; http is for loopback alone')
  }
  if (url.search !== '' || url.hash !== '' || issuer.includes('?') || issuer.includes('#')) {
    wrong('must have no query and no fragment')
  }
  if (url.username !== '' || url.password !== '') wrong('must have no user')
  const canonical = url.pathname === '/' ? url.origin : `${url.origin}${url.pathname}`
  // Byte for byte, or `iss` would differ between endpoints (RFC 9207 §4).
  if (issuer !== canonical || issuer.endsWith('/')) wrong(`must be written ${canonical.replace(/\/+$/, '')}`)
  return url
}

const STORES: readonly (keyof Stores)[] = [
  'clients',
  'resources',
  'subjects',
  'sessions',
  'consents',
  'grants',
  'accessTokens',
  'interactions',
  'reservations',
  'attempts',
  'audit',
]

const lifetimesOf = (given: Partial<Lifetimes> | undefined): Lifetimes => {
  const lifetimes = { ...DEFAULT_LIFETIMES, ...given }
  for (const [name, seconds] of Object.entries(lifetimes)) {
    // A window of 0 is a choice: then every token is honoured once.
    if (!Number.isInteger(seconds) || seconds < 0 || (seconds === 0 && name !== 'refreshWindow')) {
      throw new ConfigurationError(`lifetimes.${name}`, 'must be a positive whole number of seconds')
    }
  }
  // A code is a step of one redirect (RFC 6749 §4.1.2 allows ten minutes at the most).
  if (lifetimes.authorizationCode > 600)
    throw new ConfigurationError('lifetimes.authorizationCode', 'must be at most 600')
  // A pushed request is a step of one redirect too (RFC 9126 §2.2; FAPI 2.0 allows less than ten minutes).
  if (lifetimes.pushedRequest >= 600) throw new ConfigurationError('lifetimes.pushedRequest', 'must be less than 600')
  // Longer, and somebody has the time to be talked into typing a stranger's code (RFC 8628 §5.4).
  if (lifetimes.deviceCode > 900) throw new ConfigurationError('lifetimes.deviceCode', 'must be at most 900')
  return lifetimes
}

const cookieNames = (url: URL): CookieNames => {
  const prefix = url.protocol === 'https:' ? '__Host-' : ''
  return { browser: `${prefix}vouchsafe_browser`, session: `${prefix}vouchsafe_session` }
}

/** A dependency that cannot answer now: the request is answered with 503, and nothing is consumed. */
export class UnavailableError extends Error {
  readonly code: string = 'dependency_unavailable'

  constructor(dependency: string, cause: unknown) {
    super(`${dependency} cannot answer`, { cause })
    this.name = 'UnavailableError'
  }
}

const checkedAccounts = (accounts: Accounts): Accounts => ({
  find: async (subject) => {
    try {
      return await accounts.find(subject)
    } catch (cause) {
      throw new UnavailableError('ports.accounts', cause)
    }
  },
})

const checkGrantTypes = (grantTypes: readonly OpenGrantType[] = DEFAULT_GRANT_TYPES): void => {
  const names = grantTypes.map(({ grantType }) => grantType)
  if (names.some((name, index) => name === '' || names.indexOf(name) !== index)) {
    throw new ConfigurationError('grantTypes', 'must have different names')
  }
  // Every refresh token begins with a code or with another grant that a person allowed.
  if (!names.includes('authorization_code')) throw new ConfigurationError('grantTypes', 'must have authorization_code')
}

const isCanonicalLocale = (tag: string): boolean => {
  try {
    return Intl.getCanonicalLocales(tag)[0] === tag
  } catch {
    return false
  }
}

/** Both lists are published, and clients pick from them (OIDC Discovery §3). */
const checkLists = ({ uiLocales = [], acrValues = [] }: ProviderConfig): void => {
  if (!uiLocales.every(isCanonicalLocale)) {
    throw new ConfigurationError('uiLocales', 'must be language tags in canonical form, such as en or pt-BR')
  }
  // Clients send them apart by spaces (OIDC Core §3.1.2.1 `acr_values`).
  if (!acrValues.every((value) => /^[\x21-\x7e]+$/.test(value))) {
    throw new ConfigurationError('acrValues', 'must be words of printable ASCII without spaces')
  }
}

const unwrap = <T>(parsed: Result<T, { readonly setting: string; readonly message: string }>): T => {
  if (!parsed.ok) throw new ConfigurationError(parsed.error.setting, parsed.error.message)
  return parsed.value
}

const parseVerificationUri = (text: string): string => {
  const url = URL.canParse(text) ? new URL(text) : undefined
  const secure = url?.protocol === 'https:' || (url?.protocol === 'http:' && LOOPBACK_HOSTS.has(url.hostname))
  if (!secure || text.includes('?') || text.includes('#')) {
    throw new ConfigurationError('features.device.verificationUri', 'must be an https URL without query and fragment')
  }
  return text
}

/** The grant types of a provider: those named, or the usual ones with those that its features bring along. */
export const grantTypesOf = ({ grantTypes, features }: ProviderConfig): readonly OpenGrantType[] =>
  grantTypes ?? (features?.device === undefined ? DEFAULT_GRANT_TYPES : [...DEFAULT_GRANT_TYPES, deviceCode])

const deviceOf = (config: ProviderConfig): EnabledFeatures['device'] => {
  const device = config.features?.device
  const hasGrantType = grantTypesOf(config).some(({ grantType }) => grantType === DEVICE_CODE_GRANT)
  if (hasGrantType !== (device !== undefined)) {
    throw new ConfigurationError(
      'grantTypes',
      'and features.device go together: codes are of no use without the grant type',
    )
  }
  if (device === undefined) return undefined
  if (config.stores.devices === undefined) {
    throw new ConfigurationError('stores.devices', 'is missing, and features.device needs it')
  }
  return { verificationUri: parseVerificationUri(device.verificationUri) }
}

const featuresOf = (config: ProviderConfig): EnabledFeatures => {
  const { features = {}, stores, ports } = config
  const { par = false, endSession = false, backchannelLogout = false, requestObjects = false, jarm = false } = features
  if (par !== false && stores.pushedRequests === undefined) {
    throw new ConfigurationError('stores.pushedRequests', 'is missing, and features.par needs it')
  }
  if (backchannelLogout && ports.fetcher === undefined) {
    throw new ConfigurationError('ports.fetcher', 'is missing, and features.backchannelLogout needs it')
  }
  return {
    par: par === true ? 'on' : par === false ? 'off' : par,
    revocation: features.revocation ?? false,
    introspection: features.introspection ?? false,
    device: deviceOf(config),
    dpop: unwrap(parseDpop(features.dpop)),
    requestObjects,
    jarm,
    mtls: unwrap(parseMtls(features.mtls)),
    endSession,
    backchannelLogout,
  }
}

/** Checks a configuration and makes the context of every endpoint. */
export const contextOf = (config: ProviderConfig): Context => {
  const url = parseIssuer(config.issuer)
  const missing = STORES.find((name) => config.stores[name] === undefined)
  if (missing !== undefined) throw new ConfigurationError(`stores.${missing}`, 'is missing')
  for (const port of ['clock', 'random', 'hasher', 'signer', 'keys', 'accounts'] as const) {
    if (config.ports[port] === undefined) throw new ConfigurationError(`ports.${port}`, 'is missing')
  }
  checkLists(config)
  checkGrantTypes(grantTypesOf(config))
  if (config.registration !== undefined && config.stores.registrationTokens === undefined) {
    throw new ConfigurationError('stores.registrationTokens', 'is missing, and registration needs it')
  }
  return {
    issuer: config.issuer,
    tokenEndpoint: `${config.issuer}/token`,
    lifetimes: lifetimesOf(config.lifetimes),
    features: featuresOf(config),
    acrValues: config.acrValues ?? [],
    cookies: cookieNames(url),
    ports: { ...config.ports, accounts: checkedAccounts(config.ports.accounts) },
    stores: config.stores,
    remoteKeys: createRemoteKeys(config.ports),
    onEnded: () => undefined,
  }
}
