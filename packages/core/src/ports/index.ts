// Owns what the core asks of its surroundings, as types only. Never implements anything: see ports-node and ports-web.

import type { Instant, JsonObject, Subject } from '../base/index.ts'
import type { SigningAlg } from '../spec/index.ts'

/** A value now or later; lets a port answer synchronously where that is faster. */
export type MaybePromise<T> = T | Promise<T>

/** The only source of time. */
export interface Clock {
  /** The current instant in whole seconds. */
  now(): Instant
}

/** The only source of randomness: a CSPRNG. */
export interface Random {
  /** `length` fresh random bytes. */
  bytes(length: number): Uint8Array
}

/** The hash functions that credentials and PKCE rest on. */
export interface Hasher {
  /** SHA-256 of bytes. */
  sha256(data: Uint8Array): MaybePromise<Uint8Array>
  /** SHA-384 or SHA-512 of bytes, for hashes that follow a signature algorithm (OIDC Core §3.1.3.6). */
  sha512(data: Uint8Array): MaybePromise<Uint8Array>
  /** HMAC-SHA-256 (RFC 2104 §2). */
  hmacSha256(key: Uint8Array, data: Uint8Array): MaybePromise<Uint8Array>
}

/** Names a private key without holding it, so that a key management service fits. */
export interface SigningKeyName {
  readonly kid: string
  readonly alg: SigningAlg
}

/** Signs with private keys that the core never sees. */
export interface Signer {
  /** The JWS signature over the ASCII of `signingInput` (RFC 7515 §5.1). Rejects for an unknown key. */
  sign(key: SigningKeyName, signingInput: string): MaybePromise<Uint8Array>
}

/** A public signing key and its place in the ring. */
export interface PublicSigningKey extends SigningKeyName {
  /** `active` keys sign; the others are published or, once `retired`, gone. */
  readonly state: 'next' | 'active' | 'retiring' | 'retired'
  /** Public members alone. */
  readonly publicJwk: JsonObject
}

/** Where the public signing keys come from; at most one second old. */
export interface KeySource {
  keys(): MaybePromise<readonly PublicSigningKey[]>
}

/** One person as the embedder knows him. */
export interface Account {
  /** Standard and own claims by name (OIDC Core §5.1); what is unknown is left out. `sub` is ignored. */
  readonly claims: JsonObject
}

/** Where claims about people come from. */
export interface Accounts {
  /** The person, or undefined when there is none any more. A rejected promise means "cannot be known now": the request is refused with 503. */
  find(subject: Subject): MaybePromise<Account | undefined>
}

/** One request to an address that a client, or a document of a client's, named. */
export interface FetchRequest {
  /** An absolute URL, as it was registered or sent. */
  readonly url: string
  readonly method: 'GET' | 'POST'
  /** Names in any case. `Host`, `Content-Length`, `Cookie`, `Accept-Encoding`, `User-Agent` and whatever concerns the connection are the fetcher's. */
  readonly headers: ReadonlyMap<string, string>
  /** Sent as UTF-8; undefined for none. */
  readonly body: string | undefined
  /** The most bytes of an answer's body that are read; a longer answer is refused as `tooLarge`. */
  readonly maxBytes: number
}

/**
 * Why nothing came back: the URL is not one that is ever fetched; it leads to an address that is not allowed; the answer was a
 * redirect, too large, not UTF-8; none came in time, or at all; or the URL failed a moment ago and rests (`coolingDown`).
 */
export type FetchRefusal =
  | 'urlUnacceptable'
  | 'addressForbidden'
  | 'redirected'
  | 'tooLarge'
  | 'timedOut'
  | 'unreachable'
  | 'coolingDown'
  | 'notText'

/** What became of a request; an answer of any status but a redirect is `answered`. */
export type FetchOutcome =
  | {
      readonly outcome: 'answered'
      readonly status: number
      /** Names in lower case. */
      readonly headers: ReadonlyMap<string, string>
      readonly body: string
    }
  | { readonly outcome: 'refused'; readonly reason: FetchRefusal }

/** The one guarded way out to the network (RFC 9101 §10.4.1 for one of its callers). Follows no redirects, keeps no cookies. */
export interface Fetcher {
  /** Never rejects: every failure is an outcome. */
  fetch(request: FetchRequest): Promise<FetchOutcome>
}

/** Everything the core asks of its surroundings besides its stores. */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly hasher: Hasher
  readonly signer: Signer
  readonly keys: KeySource
  readonly accounts: Accounts
  /** Without it, whatever needs the network is refused at composition. */
  readonly fetcher?: Fetcher
}
