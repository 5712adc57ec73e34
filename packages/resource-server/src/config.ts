// Owns what a resource server is configured with. Never checks it; settings.ts does.

import type { CryptoKey } from 'jose'
import type { Algorithm } from './jwk.ts'
import type { FetchLike } from './outbound.ts'
import type { ReplayStore } from './replay.ts'

/** Access tokens are JWTs of the issuer, verified here with its public keys (RFC 9068 §4). */
export interface JwtTokens {
  readonly format: 'jwt'
  /** Where the issuer's keys are; by default what its metadata says. */
  readonly jwksUri?: string
  /** Accepted signature algorithms; by default every asymmetric one that is known here. */
  readonly algorithms?: readonly Algorithm[]
}

/** How this API proves itself at the introspection endpoint. */
export type IntrospectionCredentials =
  | { readonly method: 'client_secret_basic'; readonly clientId: string; readonly clientSecret: string }
  | {
      readonly method: 'private_key_jwt'
      readonly clientId: string
      /** Its private key, with the algorithm that the issuer expects and the key id that it knows. */
      readonly key: CryptoKey
      readonly alg: Algorithm
      readonly kid?: string
    }

/** Access tokens are anything; the issuer is asked about each (RFC 7662 §2). */
export interface IntrospectedTokens {
  readonly format: 'introspection'
  readonly credentials: IntrospectionCredentials
  /** The introspection endpoint; by default what the issuer's metadata says. */
  readonly endpoint?: string
  /** Seconds for which an active answer is believed again, 0 to 60, default 5, never beyond the token's end. A revoked token lives so much longer. */
  readonly cacheSeconds?: number
  /** Whether an answer without `aud` is taken: for issuers that answer an API about its own tokens alone. Default false. */
  readonly audienceMayBeAbsent?: boolean
}

/** How DPoP proofs are judged (RFC 9449 §4.3). */
export interface DpopConfig {
  /** Accepted signature algorithms; by default all but RS256. */
  readonly algorithms?: readonly Algorithm[]
  /** Seconds for which a proof is good after it was made, 10 to 300, default 60. */
  readonly maxAge?: number
  /** Remembers proofs that were used; by default in this process alone. Several processes share one, or a proof is good once in each. */
  readonly replay?: ReplayStore
  /** Turns server-provided nonces on (RFC 9449 §9): at least 32 bytes, secret and random, the same in every process of this API. */
  readonly nonceSecret?: Uint8Array
}

/** What is published about this API beyond what follows from the rest (RFC 9728 §2). */
export interface ResourceDescription {
  readonly scopes?: readonly string[]
  readonly name?: string
  readonly documentation?: string
  readonly policyUri?: string
  readonly tosUri?: string
}

/** The configuration of a resource server. */
export interface ResourceServerConfig {
  /** The one issuer whose tokens are accepted, exactly as it writes itself; https, or http on loopback. */
  readonly issuer: string
  /** This API's own identifier: the URL that clients name as `resource` (RFC 8707 §2, RFC 9728 §1.2). */
  readonly resource: string
  /** The audience that a token must name; by default `resource`. */
  readonly audience?: string
  /** Scheme, host and port that clients write in a request, for DPoP; by default those of `resource`. Never taken from a request. */
  readonly origin?: string
  readonly tokens: JwtTokens | IntrospectedTokens
  /** DPoP, which is accepted beside Bearer unless this is false. A bound token is refused then. */
  readonly dpop?: DpopConfig | false
  /** Whether tokens must be bound to a key or certificate of the sender, and by which; default `optional`: bound ones are checked, others taken. */
  readonly senderConstraint?: 'optional' | 'dpop' | 'mtls' | 'either'
  /** Whether a token may come in a form body, too (RFC 6750 §2.2); the adapter passes the body then. Default false. */
  readonly bodyToken?: boolean
  readonly description?: ResourceDescription
  /** Asks the issuer; by default the global `fetch`. */
  readonly fetch?: FetchLike
  /** Milliseconds for which a question to the issuer waits, 100 to 30000, default 5000; then the answer is 503. */
  readonly timeoutMs?: number
  /** The time in seconds since 1970; by default the system's. */
  readonly now?: () => number
}

/** What is wrong with a configuration, or with what an endpoint demands. */
export type ResourceServerProblem =
  | 'issuerInvalid'
  | 'resourceInvalid'
  | 'audienceInvalid'
  | 'originInvalid'
  | 'urlInvalid'
  | 'algorithmUnsupported'
  | 'credentialsInvalid'
  | 'cacheSecondsInvalid'
  | 'maxAgeInvalid'
  | 'timeoutInvalid'
  | 'nonceSecretTooShort'
  | 'dpopRequiredButOff'
  | 'scopeInvalid'
  | 'acrInvalid'
  | 'requiredMaxAgeInvalid'

/** A configuration that cannot be right, or a demand that no token can meet: a programmer's error, thrown where it is made. */
export class ResourceServerConfigError extends Error {
  readonly code: ResourceServerProblem
  constructor(code: ResourceServerProblem, detail: string) {
    super(`${code}: ${detail}`)
    this.name = 'ResourceServerConfigError'
    this.code = code
  }
}
