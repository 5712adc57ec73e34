// Owns the configuration as the rest of the server sees it: read once at start, checked whole, credentials hidden. Never changes later.

import { access, constants } from 'node:fs/promises'
import { resolve } from 'node:path'
import {
  type AttemptPolicy,
  DEFAULT_LIFETIMES,
  err,
  type Lifetimes,
  ok,
  type RegistrationConfig,
  type Result,
  type Secret,
  secret,
} from '@vouchsafe/core'
import type { KeyTiming } from '@vouchsafe/core/keys'
import { type FileValues, readConfigFile } from './file.ts'
import { isLoopbackIssuer } from './issuer.ts'
import { type ConfigProblem, problem } from './problem.ts'
import { checkRules, defaultIssuer } from './rules.ts'
import { CONFIG_FILE_ENV, type RawSettings, SETTING_KEYS, SETTINGS } from './settings.ts'

/** Where everything is kept. */
export type DatabaseConfig =
  | { readonly kind: 'url'; readonly url: Secret }
  /** A Postgres of our own, in the data folder. */
  | { readonly kind: 'embedded' }

/** How passwords are hashed, and how many at once. */
export interface HashingConfig {
  /** KiB of memory for one hash. */
  readonly memory: number
  readonly passes: number
  readonly concurrency: number
  /** How many may wait. */
  readonly queue: number
}

/** How certificates of clients come in (RFC 8705). */
export interface MtlsConfig {
  /** The port that asks for one. */
  readonly port: number | undefined
  /** Authorities for clients. */
  readonly clientCaFile: string | undefined
  readonly proxyHeader: 'verified' | 'unverified' | undefined
  /** Undefined where the issuer's own endpoints ask. */
  readonly endpointBase: string | undefined
}

/** The configuration of the identity provider; printing it shows no credential. */
export interface Config {
  readonly production: boolean
  readonly issuer: string
  readonly host: string
  readonly port: number
  readonly brandName: string
  readonly logLevel: RawSettings['logLevel']
  /** Seconds that running requests have to finish at the end. */
  readonly shutdownGrace: number
  /** Requests for pages that one network address may make on one node in a minute. */
  readonly pagesPerMinute: number
  /** Absolute path. */
  readonly dataFolder: string
  readonly database: DatabaseConfig & {
    readonly connections: number
    readonly prepare: boolean
    readonly migrateOnStart: boolean
  }
  readonly tls:
    | { readonly certFile: string; readonly keyFile: string; readonly minVersion: RawSettings['tlsMinVersion'] }
    | undefined
  /** Addresses and networks whose `X-Forwarded-For` is believed. */
  readonly trustedProxies: readonly string[]
  /** Whether proofs of keys must carry a nonce of ours. */
  readonly dpopNonce: RawSettings['dpopNonce']
  /** How certificates of clients come in; undefined when they do not. */
  readonly mtls: MtlsConfig | undefined
  /** Where requests to addresses that clients named may go besides public addresses. */
  readonly outgoing: { readonly loopback: boolean; readonly networks: readonly string[] }
  /** What seals signing keys; undefined outside production, where a key file does. */
  readonly keyEncryption: { readonly current: Secret; readonly previous: readonly Secret[] } | undefined
  readonly keyTiming: KeyTiming
  /** How apps may register themselves; undefined where none can. */
  readonly registration: RegistrationConfig | undefined
  readonly lifetimes: Lifetimes
  readonly hashing: HashingConfig
  readonly throttle: { readonly account: AttemptPolicy; readonly network: AttemptPolicy }
}

/** Variables of the environment. */
export type Environment = Readonly<Record<string, string | undefined>>

interface Read {
  readonly settings: RawSettings
  readonly problems: readonly ConfigProblem[]
}

const shown = (raw: unknown): string => {
  const text = typeof raw === 'string' ? raw : JSON.stringify(raw)
  return JSON.stringify((text ?? '').slice(0, 80))
}

/** One setting: from the environment, else the file, else its default. An empty variable counts as unset. */
const readSetting = <Key extends keyof RawSettings>(
  key: Key,
  env: Environment,
  file: FileValues,
): { readonly value: RawSettings[Key]; readonly problem: ConfigProblem | undefined } => {
  const setting = SETTINGS[key]
  const fromEnvironment = env[setting.env]
  const set = fromEnvironment !== undefined && fromEnvironment.trim() !== ''
  const raw = set ? fromEnvironment : file.get(key)
  if (raw === undefined) return { value: setting.fallback, problem: undefined }
  const value = setting.parse(raw)
  if (value !== undefined) return { value, problem: undefined }
  const what = setting.credential ? '' : ` (it is ${shown(raw)}, from the ${set ? 'environment' : 'file'})`
  return { value: setting.fallback, problem: problem(key, `must be ${setting.form}${what}.`) }
}

const readSettings = (env: Environment, file: FileValues): Read => {
  const reads = SETTING_KEYS.map((key) => [key, readSetting(key, env, file)] as const)
  const values = Object.fromEntries(reads.map(([key, read]) => [key, read.value]))
  const environment =
    !file.has('environment') && !env[SETTINGS.environment.env]?.trim() && env['NODE_ENV'] === 'production'
  return {
    // Each value was checked by the schema of its own key; the compiler loses that in fromEntries.
    settings: { ...(values as unknown as RawSettings), ...(environment ? { environment: 'production' as const } : {}) },
    problems: reads.flatMap(([, read]) => read.problem ?? []),
  }
}

const unreadableFiles = async (settings: RawSettings): Promise<readonly ConfigProblem[]> => {
  const problems: ConfigProblem[] = []
  for (const key of ['tlsCert', 'tlsKey', 'mtlsClientCa'] as const) {
    const path = settings[key]
    if (path === undefined) continue
    try {
      await access(path, constants.R_OK)
    } catch {
      problems.push(problem(key, `names ${JSON.stringify(path)}, which cannot be read.`))
    }
  }
  return problems
}

const lifetimesOf = (settings: RawSettings): Lifetimes => ({
  ...DEFAULT_LIFETIMES,
  authorizationCode: settings.authorizationCodeLifetime,
  interaction: settings.interactionLifetime,
  sessionIdle: settings.sessionIdle,
  sessionAbsolute: settings.sessionAbsolute,
  opaqueAccessToken: settings.accessTokenLifetime,
  jwtAccessToken: settings.jwtAccessTokenLifetime,
  refreshIdle: settings.refreshIdle,
  refreshAbsolute: settings.refreshAbsolute,
  refreshWindow: settings.refreshWindow,
  idToken: settings.idTokenLifetime,
  consent: settings.consentLifetime,
  unusedClient: settings.unusedClientLifetime,
})

const registrationOf = (settings: RawSettings): RegistrationConfig | undefined =>
  settings.dynamicClients === 'off'
    ? undefined
    : {
        mode: settings.dynamicClients,
        scopes: settings.dynamicClientScopes,
        development: settings.environment !== 'production',
      }

const throttleOf = (settings: RawSettings): Config['throttle'] => ({
  account: {
    free: settings.loginFreeAttempts,
    baseDelay: settings.loginBaseDelay,
    maxDelay: settings.loginMaxDelay,
    forgetAfter: settings.loginForgetAfter,
  },
  network: {
    free: settings.networkFreeAttempts,
    baseDelay: settings.networkBaseDelay,
    maxDelay: settings.networkMaxDelay,
    forgetAfter: settings.networkForgetAfter,
  },
})

const databaseOf = (settings: RawSettings): Config['database'] => ({
  ...(settings.databaseUrl === undefined
    ? { kind: 'embedded' as const }
    : { kind: 'url' as const, url: secret(settings.databaseUrl) }),
  connections: settings.databaseConnections,
  prepare: settings.databasePrepare,
  migrateOnStart: settings.migrateOnStart ?? settings.databaseUrl === undefined,
})

const tlsOf = ({ tlsCert, tlsKey, tlsMinVersion }: RawSettings): Config['tls'] =>
  tlsCert === undefined || tlsKey === undefined
    ? undefined
    : { certFile: resolve(tlsCert), keyFile: resolve(tlsKey), minVersion: tlsMinVersion }

const mtlsOf = (settings: RawSettings): Config['mtls'] => {
  const { mtlsPort, mtlsClientCa, clientCertHeader } = settings
  if (mtlsPort === 0 && clientCertHeader === 'off') return undefined
  const issuer = new URL(settings.issuer ?? defaultIssuer(settings))
  issuer.port = String(mtlsPort)
  const onOwnPort = mtlsPort === 0 ? undefined : issuer.href.replace(/\/$/, '')
  return {
    port: mtlsPort === 0 ? undefined : mtlsPort,
    clientCaFile: mtlsClientCa === undefined ? undefined : resolve(mtlsClientCa),
    proxyHeader: clientCertHeader === 'off' ? undefined : clientCertHeader,
    endpointBase: settings.mtlsEndpointBase ?? onOwnPort,
  }
}

const outgoingOf = (settings: RawSettings): Config['outgoing'] => {
  const local = settings.environment !== 'production' && isLoopbackIssuer(settings.issuer ?? defaultIssuer(settings))
  return { loopback: settings.fetchLoopback ?? local, networks: settings.fetchAllowedNetworks }
}

const configOf = (settings: RawSettings): Config => ({
  production: settings.environment === 'production',
  issuer: settings.issuer ?? defaultIssuer(settings),
  host: settings.host,
  port: settings.port,
  brandName: settings.brandName,
  logLevel: settings.logLevel,
  shutdownGrace: settings.shutdownGrace,
  pagesPerMinute: settings.pagesPerMinute,
  dataFolder: resolve(settings.dataFolder),
  database: databaseOf(settings),
  tls: tlsOf(settings),
  trustedProxies: settings.trustedProxies,
  dpopNonce: settings.dpopNonce,
  mtls: mtlsOf(settings),
  outgoing: outgoingOf(settings),
  keyEncryption:
    settings.keyEncryptionSecret === undefined
      ? undefined
      : {
          current: secret(settings.keyEncryptionSecret),
          previous: settings.keyEncryptionSecretPrevious.map(secret),
        },
  keyTiming: {
    rotateEvery: settings.keyRotateEvery,
    publishAhead: settings.keyPublishAhead,
    keepAfter: settings.keyKeepAfter,
  },
  registration: registrationOf(settings),
  lifetimes: lifetimesOf(settings),
  hashing: {
    memory: settings.hashMemory,
    passes: settings.hashPasses,
    concurrency: settings.hashConcurrency,
    queue: settings.hashQueue,
  },
  throttle: throttleOf(settings),
})

/**
 * Reads the configuration from the environment and, where `VOUCHSAFE_CONFIG` names one, a YAML or JSON file; the environment wins. Answers
 * every fault at once.
 */
export const loadConfig = async (env: Environment): Promise<Result<Config, readonly ConfigProblem[]>> => {
  const path = env[CONFIG_FILE_ENV]?.trim()
  const file = path === undefined || path === '' ? ok<FileValues>(new Map()) : await readConfigFile(path)
  const { settings, problems } = readSettings(env, file.ok ? file.value : new Map())
  const found = [...(file.ok ? [] : file.error), ...problems]
  // What could not be read stands as its default, about which a rule would only mislead.
  const wrong = new Set(found.map(({ key }) => key))
  const together = [...checkRules(settings), ...(await unreadableFiles(settings))].filter(({ key }) => !wrong.has(key))
  const all = [...found, ...together]
  return all.length === 0 ? ok(configOf(settings)) : err(all)
}
