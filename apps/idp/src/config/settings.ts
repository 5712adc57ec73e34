// Owns the list of settings. Never judges how they go together: see rules.ts.

import { DEFAULT_LIFETIMES } from '@vouchsafe/core'
import { DEFAULT_KEY_TIMING, JWKS_MAX_AGE } from '@vouchsafe/core/keys'
import { choice, duration, flag, integer, list, type Setting, text } from './setting.ts'

/** Every setting by its key in the file, with the value it has when it was read. */
export interface RawSettings {
  readonly environment: 'development' | 'production'
  readonly issuer: string | undefined
  readonly host: string
  readonly port: number
  readonly brandName: string
  readonly logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent'
  readonly dataFolder: string
  readonly databaseUrl: string | undefined
  readonly databaseConnections: number
  readonly databasePrepare: boolean
  readonly migrateOnStart: boolean | undefined
  readonly tlsCert: string | undefined
  readonly tlsKey: string | undefined
  readonly tlsMinVersion: 'TLSv1.2' | 'TLSv1.3'
  readonly trustedProxies: readonly string[]
  readonly dpopNonce: 'never' | 'required'
  readonly mtlsPort: number
  readonly mtlsClientCa: string | undefined
  readonly clientCertHeader: 'off' | 'verified' | 'unverified'
  readonly mtlsEndpointBase: string | undefined
  readonly fetchLoopback: boolean | undefined
  readonly fetchAllowedNetworks: readonly string[]
  readonly keyEncryptionSecret: string | undefined
  readonly keyEncryptionSecretPrevious: readonly string[]
  readonly keyRotateEvery: number
  readonly keyPublishAhead: number
  readonly keyKeepAfter: number
  readonly authorizationCodeLifetime: number
  readonly interactionLifetime: number
  readonly sessionIdle: number
  readonly sessionAbsolute: number
  readonly accessTokenLifetime: number
  readonly jwtAccessTokenLifetime: number
  readonly refreshIdle: number
  readonly refreshAbsolute: number
  readonly refreshWindow: number
  readonly idTokenLifetime: number
  readonly consentLifetime: number
  readonly hashMemory: number
  readonly hashPasses: number
  readonly hashConcurrency: number
  readonly hashQueue: number
  readonly loginFreeAttempts: number
  readonly loginBaseDelay: number
  readonly loginMaxDelay: number
  readonly loginForgetAfter: number
  readonly networkFreeAttempts: number
  readonly networkBaseDelay: number
  readonly networkMaxDelay: number
  readonly networkForgetAfter: number
  readonly dynamicClients: 'off' | 'token' | 'open'
  readonly dynamicClientScopes: readonly string[]
  readonly unusedClientLifetime: number
  readonly shutdownGrace: number
  readonly pagesPerMinute: number
}

/** A setting for every key. */
export type SettingTable = { readonly [Key in keyof RawSettings]: Setting<RawSettings[Key]> }

const MINUTE = 60
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const YEAR = 365 * DAY

/** The groups of the reference page, in its order. */
export const GROUPS: readonly { readonly title: string; readonly keys: readonly (keyof RawSettings)[] }[] = [
  {
    title: 'Server',
    keys: ['environment', 'issuer', 'host', 'port', 'brandName', 'logLevel', 'shutdownGrace', 'pagesPerMinute'],
  },
  {
    title: 'Database',
    keys: ['databaseUrl', 'dataFolder', 'databaseConnections', 'databasePrepare', 'migrateOnStart'],
  },
  { title: 'TLS and proxies', keys: ['tlsCert', 'tlsKey', 'tlsMinVersion', 'trustedProxies'] },
  { title: 'Requests to others', keys: ['fetchLoopback', 'fetchAllowedNetworks'] },
  {
    title: 'Tokens bound to keys, and client certificates',
    keys: ['dpopNonce', 'mtlsPort', 'mtlsClientCa', 'clientCertHeader', 'mtlsEndpointBase'],
  },
  {
    title: 'Signing keys',
    keys: ['keyEncryptionSecret', 'keyEncryptionSecretPrevious', 'keyRotateEvery', 'keyPublishAhead', 'keyKeepAfter'],
  },
  {
    title: 'Lifetimes',
    keys: [
      'authorizationCodeLifetime',
      'interactionLifetime',
      'sessionIdle',
      'sessionAbsolute',
      'accessTokenLifetime',
      'jwtAccessTokenLifetime',
      'refreshIdle',
      'refreshAbsolute',
      'refreshWindow',
      'idTokenLifetime',
      'consentLifetime',
    ],
  },
  {
    title: 'Apps that register themselves',
    keys: ['dynamicClients', 'dynamicClientScopes', 'unusedClientLifetime'],
  },
  { title: 'Passwords', keys: ['hashMemory', 'hashPasses', 'hashConcurrency', 'hashQueue'] },
  {
    title: 'Failed sign-ins',
    keys: [
      'loginFreeAttempts',
      'loginBaseDelay',
      'loginMaxDelay',
      'loginForgetAfter',
      'networkFreeAttempts',
      'networkBaseDelay',
      'networkMaxDelay',
      'networkForgetAfter',
    ],
  },
]

const SERVER = {
  pagesPerMinute: integer('PAGES_PER_MINUTE', {
    least: 10,
    most: 1_000_000,
    fallback: 1200,
    words: 'How often one network address may open sign-in pages and authorization requests on one node in a minute.',
  }),
  environment: choice('VOUCHSAFE_ENV', {
    choices: ['development', 'production'],
    fallback: 'development',
    fallbackWords: '`production` if `NODE_ENV` is, else `development`',
    words: 'In production, settings that are unsafe on a network are refused at start.',
  }),
  issuer: text('ISSUER', {
    form: 'the address of this server as people reach it, such as https://id.example.org',
    fallback: undefined,
    fallbackWords: '`http://localhost:3000` in development, with the port that is set; needed in production',
    words:
      'The issuer identifier, and the only source of every address that this server gives out. It may have a path.',
  }),
  host: text('HOST', {
    form: 'a host name or an address of this machine',
    most: 255,
    fallback: 'localhost',
    words: 'Where to listen. `0.0.0.0` or `::` opens the port to the network.',
  }),
  port: integer('PORT', {
    least: 0,
    most: 65_535,
    fallback: 3000,
    words: 'The port to listen on; 0 takes any free one.',
  }),
  brandName: text('BRAND_NAME', {
    form: 'a name of at most 60 characters',
    most: 60,
    fallback: 'Vouchsafe',
    words: 'What the pages call this server.',
  }),
  logLevel: choice('LOG_LEVEL', {
    choices: ['fatal', 'error', 'warn', 'info', 'debug', 'silent'],
    fallback: 'info',
    words: 'How much is logged. No level logs a credential.',
  }),
  shutdownGrace: duration('SHUTDOWN_GRACE', {
    least: 0,
    most: 5 * MINUTE,
    fallback: 20,
    words: 'How long running requests may take to finish when the server is asked to stop.',
  }),
} as const

const DATABASE = {
  databaseUrl: text('DATABASE_URL', {
    form: 'an address such as postgres://user:password@host:5432/database',
    fallback: undefined,
    fallbackWords: 'none: a Postgres of its own is run in the data folder',
    credential: true,
    words: 'The Postgres to keep everything in, version 14 or later.',
  }),
  dataFolder: text('DATA_FOLDER', {
    form: 'the path of a folder',
    fallback: '.data',
    words:
      'Where the own Postgres and, outside production, the key file live. Relative to where the server is started.',
  }),
  databaseConnections: integer('DATABASE_CONNECTIONS', {
    least: 2,
    most: 500,
    fallback: 10,
    words: 'Connections to the database at most, for this node.',
  }),
  databasePrepare: flag('DATABASE_PREPARE', {
    fallback: true,
    words: 'Whether statements are prepared under a name; `false` behind a connection proxy that does not know them.',
  }),
  migrateOnStart: flag('MIGRATE_ON_START', {
    fallback: undefined,
    fallbackWords: '`true` for the own Postgres, `false` with `DATABASE_URL`',
    words:
      'Whether the start brings the database to the schema of this version. Otherwise it only checks, and `vouchsafe migrate` does it.',
  }),
} as const

const TRANSPORT = {
  tlsCert: text('TLS_CERT', {
    form: 'the path of a PEM file',
    fallback: undefined,
    fallbackWords: 'none',
    words: 'The certificate chain to serve https with. Together with `TLS_KEY`.',
  }),
  tlsKey: text('TLS_KEY', {
    form: 'the path of a PEM file',
    fallback: undefined,
    fallbackWords: 'none',
    words: 'The private key of the certificate.',
  }),
  tlsMinVersion: choice('TLS_MIN_VERSION', {
    choices: ['TLSv1.2', 'TLSv1.3'],
    fallback: 'TLSv1.2',
    words: 'The oldest version of TLS that is spoken.',
  }),
  trustedProxies: list('TRUSTED_PROXIES', {
    form: 'addresses or networks such as 10.0.0.5, 10.0.0.0/8, fd00::/8',
    most: 100,
    fallback: [],
    fallbackWords: 'none',
    words: 'Proxies whose `X-Forwarded-For` is believed. Nobody else’s is.',
  }),
} as const

const CERTIFICATES = {
  dpopNonce: choice('DPOP_NONCE', {
    choices: ['never', 'required'],
    fallback: 'never',
    words:
      'Whether DPoP proofs must carry a nonce of the server: then none can be prepared for later, and a client whose clock is wrong is served too. It costs a client one more request now and then.',
  }),
  mtlsPort: integer('MTLS_PORT', {
    least: 0,
    most: 65_535,
    fallback: 0,
    fallbackWords: 'none',
    words:
      'A second port that asks clients for a certificate, with the certificate and the oldest version of TLS of the first. Browsers are not sent there.',
  }),
  mtlsClientCa: text('MTLS_CLIENT_CA', {
    form: 'the path of a PEM file',
    fallback: undefined,
    fallbackWords: 'none: certificates are known by their registered key alone',
    words: 'The authorities whose certificates `tls_client_auth` believes on that port, and no others.',
  }),
  clientCertHeader: choice('CLIENT_CERT_HEADER', {
    choices: ['off', 'verified', 'unverified'],
    fallback: 'off',
    words:
      'Takes the certificate of a client from the `Client-Cert` header (RFC 9440) of `TRUSTED_PROXIES`, which must set it or take it away on every request. `verified` where they let through only what an authority for clients signed.',
  }),
  mtlsEndpointBase: text('MTLS_ENDPOINT_BASE', {
    form: 'an https address without a slash at the end',
    fallback: undefined,
    fallbackWords: 'the issuer, on `MTLS_PORT` where that is set',
    words:
      'Where clients reach the endpoints that ask for a certificate, if not at the issuer; published in the metadata.',
  }),
} as const

const FETCH = {
  fetchLoopback: flag('FETCH_LOOPBACK', {
    fallback: undefined,
    fallbackWords: '`true` outside production while the issuer is on this machine, else `false`',
    words:
      'Whether addresses that apps name (their keys, for instance) may be on this machine, by http too. Refused in production.',
  }),
  fetchAllowedNetworks: list('FETCH_ALLOWED_NETWORKS', {
    form: 'networks such as 10.20.0.0/16, fd12:3456::/32',
    most: 100,
    fallback: [],
    fallbackWords: 'none: public addresses only',
    words: 'Networks that addresses named by apps may lead to besides public ones. Names come from DNS alone.',
  }),
} as const

const KEYS = {
  keyEncryptionSecret: text('KEY_ENCRYPTION_SECRET', {
    form: 'at least 32 random bytes in base64 or hexadecimal, as `openssl rand -base64 32` prints them',
    most: 512,
    fallback: undefined,
    fallbackWords: 'needed in production; else a key file in the data folder',
    credential: true,
    words: 'Seals the private signing keys in the database.',
  }),
  keyEncryptionSecretPrevious: list('KEY_ENCRYPTION_SECRET_PREVIOUS', {
    form: 'secrets that were used before, each as KEY_ENCRYPTION_SECRET',
    most: 5,
    fallback: [],
    fallbackWords: 'none',
    credential: true,
    words: 'Opens keys that an earlier secret sealed; they are sealed anew at start.',
  }),
  keyRotateEvery: duration('KEY_ROTATE_EVERY', {
    least: DAY,
    most: 2 * YEAR,
    fallback: DEFAULT_KEY_TIMING.rotateEvery,
    words: 'Age at which a signing key gets a successor.',
  }),
  keyPublishAhead: duration('KEY_PUBLISH_AHEAD', {
    least: JWKS_MAX_AGE,
    most: 30 * DAY,
    fallback: DEFAULT_KEY_TIMING.publishAhead,
    words: 'How long a new key is published before it signs, so that every cache knows it.',
  }),
  keyKeepAfter: duration('KEY_KEEP_AFTER', {
    least: HOUR,
    most: YEAR,
    fallback: DEFAULT_KEY_TIMING.keepAfter,
    words: 'How long a key is published after its last signature.',
  }),
} as const

const LIFETIMES = {
  authorizationCodeLifetime: duration('AUTHORIZATION_CODE_LIFETIME', {
    least: 5,
    most: 10 * MINUTE,
    fallback: DEFAULT_LIFETIMES.authorizationCode,
    words: 'How long an authorization code can be redeemed.',
  }),
  interactionLifetime: duration('INTERACTION_LIFETIME', {
    least: MINUTE,
    most: DAY,
    fallback: DEFAULT_LIFETIMES.interaction,
    words: 'How long a person may take to sign in and consent.',
  }),
  sessionIdle: duration('SESSION_IDLE', {
    least: MINUTE,
    most: YEAR,
    fallback: DEFAULT_LIFETIMES.sessionIdle,
    words: 'After how long without use a person is signed out.',
  }),
  sessionAbsolute: duration('SESSION_ABSOLUTE', {
    least: MINUTE,
    most: YEAR,
    fallback: DEFAULT_LIFETIMES.sessionAbsolute,
    words: 'After how long a person is signed out in any case.',
  }),
  accessTokenLifetime: duration('ACCESS_TOKEN_LIFETIME', {
    least: MINUTE,
    most: DAY,
    fallback: DEFAULT_LIFETIMES.opaqueAccessToken,
    words: 'How long an access token is good for.',
  }),
  jwtAccessTokenLifetime: duration('JWT_ACCESS_TOKEN_LIFETIME', {
    least: MINUTE,
    most: DAY,
    fallback: DEFAULT_LIFETIMES.jwtAccessToken,
    words: 'How long an access token is good for that is a JWT: others see nothing but its end.',
  }),
  refreshIdle: duration('REFRESH_IDLE', {
    least: MINUTE,
    most: YEAR,
    fallback: DEFAULT_LIFETIMES.refreshIdle,
    words: 'After how long without use a refresh token ends.',
  }),
  refreshAbsolute: duration('REFRESH_ABSOLUTE', {
    least: MINUTE,
    most: 10 * YEAR,
    fallback: DEFAULT_LIFETIMES.refreshAbsolute,
    words: 'After how long refresh tokens end in any case, and the person allows anew.',
  }),
  refreshWindow: duration('REFRESH_WINDOW', {
    least: 0,
    most: 5 * MINUTE,
    fallback: DEFAULT_LIFETIMES.refreshWindow,
    words:
      'How long after a rotation the refresh token before it is answered with the same successor, for a second tab and a lost answer. 0 honours each once.',
  }),
  idTokenLifetime: duration('ID_TOKEN_LIFETIME', {
    least: MINUTE,
    most: DAY,
    fallback: DEFAULT_LIFETIMES.idToken,
    words: 'How long an ID token is good for.',
  }),
  consentLifetime: duration('CONSENT_LIFETIME', {
    least: 0,
    most: 10 * YEAR,
    fallback: DEFAULT_LIFETIMES.consent,
    words: 'How long it is remembered what a person allowed an app.',
  }),
} as const

const DYNAMIC_CLIENTS = {
  dynamicClients: choice('DYNAMIC_CLIENTS', {
    choices: ['off', 'token', 'open'],
    fallback: 'token',
    words:
      'Whether apps may register themselves: not at all, with a token that `vouchsafe registration-token create` makes, or without. Nobody vouches for such an app: people are always asked, and told so.',
  }),
  dynamicClientScopes: list('DYNAMIC_CLIENT_SCOPES', {
    form: 'scopes such as openid, profile',
    most: 100,
    fallback: ['openid', 'profile', 'email', 'address', 'phone', 'offline_access'],
    fallbackWords: '`openid, profile, email, address, phone, offline_access`',
    words: 'The scopes that apps which register themselves may have at most, and have where they name none.',
  }),
  unusedClientLifetime: duration('UNUSED_CLIENT_LIFETIME', {
    least: HOUR,
    most: YEAR,
    fallback: DEFAULT_LIFETIMES.unusedClient,
    words: 'How long an app that registered itself stays when nobody has allowed it anything.',
  }),
} as const

const PASSWORDS = {
  hashMemory: integer('HASH_MEMORY', {
    least: 7168,
    most: 1_048_576,
    unit: 'KiB',
    fallback: 19_456,
    words: 'Memory that hashing one password takes (argon2id). Raised, it upgrades a hash at its next sign-in.',
  }),
  hashPasses: integer('HASH_PASSES', { least: 1, most: 20, fallback: 2, words: 'Passes over that memory.' }),
  hashConcurrency: integer('HASH_CONCURRENCY', {
    least: 1,
    most: 64,
    fallback: 2,
    words: 'Passwords hashed at once; `HASH_MEMORY` times this is all the memory that hashing takes.',
  }),
  hashQueue: integer('HASH_QUEUE', {
    least: 0,
    most: 10_000,
    fallback: 64,
    words: 'Sign-ins that may wait for their turn; the next one is told to try again (503).',
  }),
} as const

const THROTTLE = {
  loginFreeAttempts: integer('LOGIN_FREE_ATTEMPTS', {
    least: 1,
    most: 1000,
    fallback: 5,
    words: 'Failures for one name before it has to wait.',
  }),
  loginBaseDelay: duration('LOGIN_BASE_DELAY', {
    least: 1,
    most: HOUR,
    fallback: 2,
    words: 'The first wait; it doubles with each further failure.',
  }),
  loginMaxDelay: duration('LOGIN_MAX_DELAY', {
    least: 1,
    most: DAY,
    fallback: 15 * MINUTE,
    words: 'The longest wait: nobody is locked out for good.',
  }),
  loginForgetAfter: duration('LOGIN_FORGET_AFTER', {
    least: MINUTE,
    most: 30 * DAY,
    fallback: DAY,
    words: 'After how long without a failure the count starts anew.',
  }),
  networkFreeAttempts: integer('NETWORK_FREE_ATTEMPTS', {
    least: 1,
    most: 100_000,
    fallback: 50,
    words: 'Failures from one network (an IPv4 address, an IPv6 /64) before it has to wait.',
  }),
  networkBaseDelay: duration('NETWORK_BASE_DELAY', {
    least: 1,
    most: HOUR,
    fallback: 2,
    words: 'The first wait of a network; it doubles with each further failure.',
  }),
  networkMaxDelay: duration('NETWORK_MAX_DELAY', {
    least: 1,
    most: DAY,
    fallback: 5 * MINUTE,
    words: 'The longest wait of a network.',
  }),
  networkForgetAfter: duration('NETWORK_FORGET_AFTER', {
    least: MINUTE,
    most: 30 * DAY,
    fallback: HOUR,
    words: 'After how long without a failure the count of a network starts anew.',
  }),
} as const

/** Every setting by its key in the file. */
export const SETTINGS: SettingTable = {
  ...SERVER,
  ...DATABASE,
  ...TRANSPORT,
  ...CERTIFICATES,
  ...FETCH,
  ...KEYS,
  ...LIFETIMES,
  ...DYNAMIC_CLIENTS,
  ...PASSWORDS,
  ...THROTTLE,
}

/** The keys of the settings. */
export const SETTING_KEYS: readonly (keyof RawSettings)[] = GROUPS.flatMap(({ keys }) => keys)

/** Names in the environment that are read besides the settings: the file, and what sets the default of `VOUCHSAFE_ENV`. */
export const CONFIG_FILE_ENV = 'VOUCHSAFE_CONFIG'
