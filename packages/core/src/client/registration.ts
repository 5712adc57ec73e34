// Owns what a client may be: every rule on client metadata, one function for every way that a client is registered or changed.
// Never stores a client and never makes a secret.

import { err, type JsonObject, member, ok, type Result } from '../base/index.ts'
import { CLIENT_AUTH_METHODS, JWT_BEARER, SIGNING_ALGS, TOKEN_EXCHANGE } from '../spec/index.ts'
import type { ClientRecord } from '../store/index.ts'
import { isOnDevice } from './redirect-uri.ts'
import { checkProofs, readTlsName, TLS_NAME_MEMBERS } from './registration-certificates.ts'
import {
  type Read,
  readAll,
  readChoice,
  readCount,
  readFlag,
  readList,
  readText,
  refuse,
} from './registration-fields.ts'
import { checkClientJwks } from './registration-keys.ts'
import { LOGOUT_FIELDS, readLogout } from './registration-logout.ts'
import { NOT_BUILT_FIELDS } from './registration-not-built.ts'
import type { ClientRejection, ClientRejectionReason } from './registration-rejection.ts'
import { REQUEST_FIELDS, readRequestSettings } from './registration-requests.ts'
import { checkCalledUri, checkLinkUri, checkOrigin, checkRedirectUri, type UriPolicy } from './registration-uris.ts'

/** What the place of registration allows. */
export interface RegistrationPolicy {
  /** Whether web clients may have `http` redirect URIs and origins on loopback. */
  readonly development: boolean
  /** Grant types that are built and may be registered. */
  readonly grantTypes: readonly string[]
  /** Scopes that may be registered; any where an administrator registers. */
  readonly scopes: 'any' | ReadonlySet<string>
  /** Unknown members are ignored at a registration endpoint (RFC 7591 §2) and refused from an administrator, who meant something. */
  readonly unknownFields: 'refuse' | 'ignore'
  /** Whether the provider has the port `fetcher`; without it (the default), what it would have to fetch is refused. */
  readonly fetches?: boolean
}

/** The part of a client that its registration decides. */
export type ClientSettings = Omit<
  ClientRecord,
  | 'clientId'
  | 'version'
  | 'disabled'
  | 'origin'
  | 'registrationTokenDigest'
  | 'unusedExpiresAt'
  | 'secrets'
  | 'createdAt'
  | 'updatedAt'
>

/** What is allowed and still worth a word to the administrator. */
export type ClientWarning = 'localhostByName' | 'pkceOptional' | 'nonceOptional' | 'secretInNativeApp'

/** Metadata that keeps every rule. */
export interface ValidatedClient {
  readonly settings: ClientSettings
  readonly warnings: readonly ClientWarning[]
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set([
  ...REQUEST_FIELDS,
  'client_name',
  'application_type',
  'token_endpoint_auth_method',
  'jwks',
  ...Object.values(TLS_NAME_MEMBERS),
  'jwks_uri',
  'tls_client_certificate_bound_access_tokens',
  'dpop_bound_access_tokens',
  'redirect_uris',
  'localhost_any_port',
  'scope',
  'grant_types',
  'response_types',
  'pkce',
  'nonce',
  'id_token_signed_response_alg',
  'id_token_claims',
  'trusted',
  'default_max_age',
  'refresh_tokens',
  ...LOGOUT_FIELDS,
  'cors_origins',
  'client_uri',
  'logo_uri',
  'policy_uri',
  'tos_uri',
  'initiate_login_uri',
  'contacts',
  'subject_type',
])

const CONFIDENTIAL_GRANTS: readonly string[] = ['client_credentials', TOKEN_EXCHANGE, JWT_BEARER]
const MOST = { redirectUris: 50, scopes: 100, grantTypes: 10, origins: 20, contacts: 10 } as const
const REQUIREMENTS = ['required', 'optional'] as const
const MAX_NAME = 100
const MAX_SCOPE = 100
// The longest address that mail can be sent to (RFC 5321 §4.5.3.1.3).
const MAX_CONTACT = 254
const TEN_YEARS = 10 * 365 * 24 * 60 * 60
const DEFAULT_SCOPE = 'openid profile email'

// RFC 6749 §3.3 scope-token.
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/
// Control, format (bidirectional overrides, zero width), private and broken characters make a name look like another.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}]/u

const checkFieldNames = (metadata: JsonObject, policy: RegistrationPolicy): Read<undefined> => {
  for (const field of Object.keys(metadata)) {
    if (NOT_BUILT_FIELDS.includes(field)) return refuse(field, 'notBuilt')
    if (policy.unknownFields === 'refuse' && !KNOWN_FIELDS.has(field)) return refuse(field, 'unknownField')
  }
  return ok(undefined)
}

const readName = (metadata: JsonObject): Read<string> => {
  const name = readText(metadata, 'client_name', 4 * MAX_NAME)
  if (!name.ok) return name
  if (name.value === undefined) return refuse('client_name', 'missing')
  const normal = name.value.normalize('NFC').trim()
  if (normal === '') return refuse('client_name', 'missing')
  if ([...normal].length > MAX_NAME) return refuse('client_name', 'tooLong')
  return UNPRINTABLE.test(normal) ? refuse('client_name', 'unsafeCharacter') : ok(normal)
}

const readScopes = (metadata: JsonObject, policy: RegistrationPolicy): Read<readonly string[]> => {
  const scope = readText(metadata, 'scope', MOST.scopes * (MAX_SCOPE + 1))
  if (!scope.ok) return scope
  const names = (scope.value ?? DEFAULT_SCOPE).split(' ').filter((name) => name !== '')
  if (names.length > MOST.scopes) return refuse('scope', 'tooMany')
  for (const [item, name] of names.entries()) {
    if (!SCOPE_TOKEN.test(name)) return refuse('scope', 'unsafeCharacter', item)
    if (name.length > MAX_SCOPE) return refuse('scope', 'tooLong', item)
    if (policy.scopes !== 'any' && !policy.scopes.has(name)) return refuse('scope', 'scopeNotAllowed', item)
  }
  return ok([...new Set(names)])
}

const readGrantTypes = (metadata: JsonObject, policy: RegistrationPolicy): Read<readonly string[]> => {
  const oneOf = (known: readonly string[]) => (value: string) =>
    known.includes(value) ? ok(value) : { ok: false as const, error: 'unsupportedValue' as const }
  const responseTypes = readList(metadata, 'response_types', { most: MOST.grantTypes, check: oneOf(['code']) })
  if (!responseTypes.ok) return responseTypes
  const rules = { most: MOST.grantTypes, check: oneOf(policy.grantTypes) }
  const grantTypes = readList(metadata, 'grant_types', rules)
  if (!grantTypes.ok) return grantTypes
  const types = grantTypes.value.length === 0 ? ['authorization_code'] : grantTypes.value
  // Nothing that could be refreshed would ever be given.
  if (types.every((type) => type === 'refresh_token')) return refuse('grant_types', 'unsupportedValue')
  // A response type without its grant type could never be used, nor the other way round (RFC 7591 §2.1).
  if (responseTypes.value.length > 0 && !types.includes('authorization_code')) {
    return refuse('response_types', 'unsupportedValue')
  }
  return ok(types)
}

const readRedirectUris = (
  metadata: JsonObject,
  policy: UriPolicy,
  grantTypes: readonly string[],
): Read<readonly string[]> => {
  const check = (uri: string) => checkRedirectUri(uri, policy)
  const uris = readList(metadata, 'redirect_uris', { most: MOST.redirectUris, check })
  if (!uris.ok) return uris
  return uris.value.length === 0 && grantTypes.includes('authorization_code')
    ? refuse('redirect_uris', 'missing')
    : uris
}

const readKeysUri = (metadata: JsonObject, policy: RegistrationPolicy): Read<string | undefined> => {
  const uri = readText(metadata, 'jwks_uri', 2048)
  if (!uri.ok || uri.value === undefined) return uri
  if (!policy.fetches) return refuse('jwks_uri', 'notBuilt')
  // Two sets would be two answers to who the client is (RFC 7591 §2).
  if (member(metadata, 'jwks') !== undefined) return refuse('jwks_uri', 'notBoth')
  const checked = checkCalledUri(uri.value, policy)
  return checked.ok ? checked : refuse('jwks_uri', checked.error)
}

const readLink = (metadata: JsonObject, field: string): Read<string | undefined> => {
  const link = readText(metadata, field, 2048)
  if (!link.ok || link.value === undefined) return link
  const checked = checkLinkUri(link.value)
  return checked.ok ? checked : refuse(field, checked.error)
}

const checkContact = (contact: string): Result<string, ClientRejectionReason> => {
  if (contact.length > MAX_CONTACT) return err('tooLong')
  return contact.trim() === '' || UNPRINTABLE.test(contact) ? err('unsafeCharacter') : ok(contact)
}

/** Whether a client can keep what it authenticates with; a secret shipped in a native application is shared by all its copies (RFC 8252 §8.5). */
export const isConfidentialClient = (client: Pick<ClientRecord, 'authMethod' | 'applicationType'>): boolean =>
  client.authMethod !== 'none' && (client.applicationType === 'web' || !client.authMethod.startsWith('client_secret_'))

const checkConsistency = (settings: ClientSettings): Read<ClientSettings> => {
  const keyless = settings.jwks.length === 0 && settings.jwksUri === undefined
  const mustSign = settings.authMethod === 'private_key_jwt' || settings.requireSignedRequests
  if (mustSign && keyless) return refuse('jwks', 'keysNeeded')
  const named = checkProofs(settings)
  if (!named.ok) return named
  const confidential = isConfidentialClient(settings)
  if (settings.refreshTokens === 'always' && !settings.grantTypes.includes('refresh_token')) {
    return refuse('refresh_tokens', 'grantTypeNeeded')
  }
  // Anybody can name a public client (RFC 6749 §4.4, RFC 8693 §2.1).
  if (settings.grantTypes.some((one) => CONFIDENTIAL_GRANTS.includes(one)) && !confidential) {
    return refuse('grant_types', 'confidentialOnly')
  }
  if (settings.pkce === 'optional' && !confidential) return refuse('pkce', 'confidentialOnly')
  if (settings.nonce === 'optional' && !confidential) return refuse('nonce', 'confidentialOnly')
  if (settings.localhostAnyPort && settings.applicationType !== 'native') {
    return refuse('localhost_any_port', 'loopbackNeedsNative')
  }
  // Trust skips consent, and such a client must always confirm: anybody on the device can take its place.
  if (settings.trusted && !confidential && settings.redirectUris.some(isOnDevice)) {
    return refuse('trusted', 'provenOnly')
  }
  return ok(settings)
}

const warningsOf = (settings: ClientSettings): readonly ClientWarning[] => {
  const found: readonly (readonly [ClientWarning, boolean])[] = [
    ['localhostByName', settings.redirectUris.some((uri) => /^http:\/\/localhost(?:[:/?]|$)/i.test(uri))],
    ['pkceOptional', settings.pkce === 'optional'],
    ['nonceOptional', settings.nonce === 'optional'],
    ['secretInNativeApp', settings.authMethod !== 'none' && !isConfidentialClient(settings)],
  ]
  return found.filter(([, applies]) => applies).map(([warning]) => warning)
}

const readSettings = (
  metadata: JsonObject,
  policy: RegistrationPolicy,
  known: Pick<ClientSettings, 'applicationType' | 'grantTypes'>,
): Read<ClientSettings> => {
  const uriPolicy = { applicationType: known.applicationType, development: policy.development }
  const checkCorsOrigin = (origin: string) => checkOrigin(origin, policy)
  const requests = readRequestSettings(metadata, policy)
  if (!requests.ok) return requests
  const read = readAll({
    name: readName(metadata),
    authMethod: readChoice(metadata, 'token_endpoint_auth_method', CLIENT_AUTH_METHODS, 'client_secret_basic'),
    jwks: checkClientJwks(member(metadata, 'jwks')),
    tlsClientName: readTlsName(metadata),
    certificateBoundTokens: readFlag(metadata, 'tls_client_certificate_bound_access_tokens', false),
    dpopBoundTokens: readFlag(metadata, 'dpop_bound_access_tokens', false),
    jwksUri: readKeysUri(metadata, policy),
    redirectUris: readRedirectUris(metadata, uriPolicy, known.grantTypes),
    localhostAnyPort: readFlag(metadata, 'localhost_any_port', false),
    scopes: readScopes(metadata, policy),
    pkce: readChoice(metadata, 'pkce', REQUIREMENTS, 'required'),
    nonce: readChoice(metadata, 'nonce', REQUIREMENTS, 'required'),
    idTokenAlg: readChoice(metadata, 'id_token_signed_response_alg', SIGNING_ALGS, 'RS256'),
    idTokenClaims: readChoice(metadata, 'id_token_claims', ['minimal', 'scoped'] as const, 'minimal'),
    trusted: readFlag(metadata, 'trusted', false),
    defaultMaxAge: readCount(metadata, 'default_max_age', TEN_YEARS),
    refreshTokens: readChoice(metadata, 'refresh_tokens', ['offline', 'always'] as const, 'offline'),
    logout: readLogout(metadata, uriPolicy),
    corsOrigins: readList(metadata, 'cors_origins', { most: MOST.origins, check: checkCorsOrigin }),
    clientUri: readLink(metadata, 'client_uri'),
    logoUri: readLink(metadata, 'logo_uri'),
    policyUri: readLink(metadata, 'policy_uri'),
    tosUri: readLink(metadata, 'tos_uri'),
    initiateLoginUri: readLink(metadata, 'initiate_login_uri'),
    contacts: readList(metadata, 'contacts', { most: MOST.contacts, check: checkContact }),
  })
  return read.ok ? ok({ ...known, ...requests.value, ...read.value }) : read
}

/**
 * Reads client metadata by the names of RFC 7591 §2 (and our own for what has none there) against every rule: redirect URIs (RFC 9700
 * §4.1.3, RFC 8252 §7), links, origins, names, scopes, keys, and how they go together. Metadata is judged whole, so a change is
 * registered again with all that it leaves standing.
 */
export const validateClient = (
  metadata: JsonObject,
  policy: RegistrationPolicy,
): Result<ValidatedClient, ClientRejection> => {
  const names = checkFieldNames(metadata, policy)
  const type = readChoice(metadata, 'application_type', ['web', 'native'] as const, 'web')
  const grantTypes = readGrantTypes(metadata, policy)
  // Whoever asks to be told other identifiers than everybody else must not be told the same (OIDC Core §8).
  const subjects = readChoice(metadata, 'subject_type', ['public'] as const, 'public')
  if (!names.ok) return names
  if (!subjects.ok) return subjects
  if (!type.ok) return type
  if (!grantTypes.ok) return grantTypes
  const settings = readSettings(metadata, policy, { applicationType: type.value, grantTypes: grantTypes.value })
  const checked = settings.ok ? checkConsistency(settings.value) : settings
  return checked.ok ? ok({ settings: checked.value, warnings: warningsOf(checked.value) }) : checked
}
