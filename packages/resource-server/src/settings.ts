// Owns the check of a configuration: what is wrong is thrown when the resource server is made, never found out by a request.

import {
  type DpopConfig,
  type IntrospectedTokens,
  type JwtTokens,
  type ResourceServerConfig,
  ResourceServerConfigError,
  type ResourceServerProblem,
} from './config.ts'
import { type Algorithm, isAlgorithm } from './jwk.ts'
import { createMemoryReplayStore, type ReplayStore } from './replay.ts'

/** DPoP as it is judged, with every default filled in. */
export interface DpopSettings {
  readonly algorithms: readonly Algorithm[]
  readonly maxAge: number
  readonly replay: ReplayStore
  readonly nonceSecret: Uint8Array<ArrayBuffer> | undefined
}

/** A configuration that was checked, with every default filled in. */
export interface Settings {
  readonly issuer: string
  readonly resource: string
  readonly audience: string
  readonly origin: string
  readonly tokens:
    | (Required<Pick<JwtTokens, 'format' | 'algorithms'>> & Pick<JwtTokens, 'jwksUri'>)
    | (IntrospectedTokens & Required<Pick<IntrospectedTokens, 'cacheSeconds' | 'audienceMayBeAbsent'>>)
  readonly dpop: DpopSettings | undefined
  readonly senderConstraint: 'optional' | 'dpop' | 'mtls' | 'either'
  readonly bodyToken: boolean
  readonly timeoutMs: number
  /** Integer seconds since 1970. */
  readonly now: () => number
}

const fault = (code: ResourceServerProblem, detail: string): never => {
  throw new ResourceServerConfigError(code, detail)
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

/** A URL that keys, tokens and credentials may travel to and from: https, or http on loopback, without credentials and fragment; else thrown with the code. */
export const parseSafeUrl = (text: string, code: ResourceServerProblem): URL => {
  const url = URL.canParse(text) ? new URL(text) : fault(code, `not an absolute URL: ${text}`)
  const safe = url.protocol === 'https:' || (url.protocol === 'http:' && LOOPBACK.test(url.hostname))
  if (!safe) fault(code, `neither https nor http on loopback: ${text}`)
  if (url.username !== '' || url.password !== '' || text.includes('#'))
    fault(code, `has credentials or a fragment: ${text}`)
  return url
}

const ALL: readonly Algorithm[] = ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'RS256', 'ES384', 'ES512']
// RS256 has a padding that newer profiles leave behind (FAPI 2.0 §5.4), and no client must have it for DPoP.
const FOR_PROOFS = ALL.filter((alg) => alg !== 'RS256')

const parseAlgorithms = (given: readonly Algorithm[] | undefined, all: readonly Algorithm[]): readonly Algorithm[] => {
  // Callers without types can pass any string: an unknown or symmetric one may not widen the list.
  if (given?.length === 0 || given?.some((alg) => !isAlgorithm(alg))) {
    return fault('algorithmUnsupported', `${JSON.stringify(given)}; known are ${ALL.join(', ')}`)
  }
  return given ?? all
}

const parseWhole = (
  value: number,
  range: readonly [least: number, most: number],
  code: ResourceServerProblem,
): number =>
  Number.isInteger(value) && value >= range[0] && value <= range[1]
    ? value
    : fault(code, `${value} is no whole number from ${range[0]} to ${range[1]}`)

const parseTokens = (tokens: ResourceServerConfig['tokens']): Settings['tokens'] => {
  if (tokens.format === 'jwt') {
    if (tokens.jwksUri !== undefined) parseSafeUrl(tokens.jwksUri, 'urlInvalid')
    return { ...tokens, algorithms: parseAlgorithms(tokens.algorithms, ALL) }
  }
  const { credentials, endpoint, cacheSeconds = 5, audienceMayBeAbsent = false } = tokens
  if (endpoint !== undefined) parseSafeUrl(endpoint, 'urlInvalid')
  const empty = credentials.method === 'client_secret_basic' && credentials.clientSecret === ''
  if (credentials.clientId === '' || empty) fault('credentialsInvalid', 'client id or secret is empty')
  if (credentials.method === 'private_key_jwt') {
    parseAlgorithms([credentials.alg], ALL)
    if (credentials.key.type !== 'private') fault('credentialsInvalid', 'private_key_jwt takes a private key')
  }
  return { ...tokens, cacheSeconds: parseWhole(cacheSeconds, [0, 60], 'cacheSecondsInvalid'), audienceMayBeAbsent }
}

const MIN_NONCE_SECRET = 32

const parseDpop = ({ algorithms, maxAge = 60, replay, nonceSecret }: DpopConfig): DpopSettings => {
  if (nonceSecret !== undefined && nonceSecret.length < MIN_NONCE_SECRET) {
    fault('nonceSecretTooShort', `it has ${nonceSecret.length} bytes and needs ${MIN_NONCE_SECRET}`)
  }
  return {
    algorithms: parseAlgorithms(algorithms, FOR_PROOFS),
    maxAge: parseWhole(maxAge, [10, 300], 'maxAgeInvalid'),
    replay: replay ?? createMemoryReplayStore(),
    nonceSecret: nonceSecret === undefined ? undefined : Uint8Array.from(nonceSecret),
  }
}

const parseOrigin = (config: ResourceServerConfig, resource: URL): string => {
  if (config.origin === undefined) return resource.origin
  const url = parseSafeUrl(config.origin, 'originInvalid')
  return url.pathname === '/' && url.search === ''
    ? url.origin
    : fault('originInvalid', 'has more than a host and a port')
}

// Compared with what is no number, nothing would be too old.
const wholeSeconds = (now: () => number) => (): number => {
  const seconds = Math.floor(now())
  if (!Number.isSafeInteger(seconds)) throw new TypeError('the clock told no time')
  return seconds
}

/** Checks a configuration and fills in what it leaves out; throws `ResourceServerConfigError`. */
export const parseSettings = (config: ResourceServerConfig): Settings => {
  const issuer = parseSafeUrl(config.issuer, 'issuerInvalid')
  if (issuer.search !== '') fault('issuerInvalid', 'an issuer has no query (RFC 8414 §2)')
  const resource = parseSafeUrl(config.resource, 'resourceInvalid')
  const senderConstraint = config.senderConstraint ?? 'optional'
  if (senderConstraint === 'dpop' && config.dpop === false)
    fault('dpopRequiredButOff', 'tokens must be bound by DPoP, which is off')
  if (config.audience === '') fault('audienceInvalid', 'is empty')
  const now = config.now ?? ((): number => Date.now() / 1000)
  return {
    issuer: config.issuer,
    resource: config.resource,
    audience: config.audience ?? config.resource,
    origin: parseOrigin(config, resource),
    tokens: parseTokens(config.tokens),
    dpop: config.dpop === false ? undefined : parseDpop(config.dpop ?? {}),
    senderConstraint,
    bodyToken: config.bodyToken ?? false,
    // A request waits for this answer, and its own client waits behind it.
    timeoutMs: parseWhole(config.timeoutMs ?? 5_000, [100, 30_000], 'timeoutInvalid'),
    now: wholeSeconds(now),
  }
}
