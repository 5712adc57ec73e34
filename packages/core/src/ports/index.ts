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

/** Everything the core asks of its surroundings besides its stores. */
export interface Ports {
  readonly clock: Clock
  readonly random: Random
  readonly hasher: Hasher
  readonly signer: Signer
  readonly keys: KeySource
  readonly accounts: Accounts
}
