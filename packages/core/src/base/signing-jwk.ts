// Owns what a private signing key may look like as a JWK, by members alone. Never does cryptography, and never says what a member held.

import { type JsonObject, member } from './json.ts'
import { type JwkRejection, type KeyKind, type PublicJwk, parsePublicJwk } from './jwk.ts'
import { err, ok, type Result } from './result.ts'

/** Why a JWK is no signing key for its algorithm. */
export type SigningJwkRejection =
  | JwkRejection
  | 'noPrivateMember'
  | 'otherKeyType'
  | 'otherAlg'
  | 'otherKid'
  | 'notForSigning'

/** Why a key cannot sign. */
export type SigningKeyProblem =
  | SigningJwkRejection
  | 'unknownKey'
  | 'repeatedKid'
  | 'notPrivate'
  | 'unsupportedAlg'
  | 'unreadable'
  | 'halvesDiffer'

/** A signing key that is unknown, weak or unfit: a fault of configuration. Its text names the key and never holds any of it. */
export class SigningKeyError extends Error {
  readonly code: SigningKeyProblem
  constructor(code: SigningKeyProblem, key: { readonly kid: string; readonly alg: string }) {
    super(`signing key ${JSON.stringify(key.kid)} for ${JSON.stringify(key.alg)}: ${code}`)
    this.name = 'SigningKeyError'
    this.code = code
  }
}

/** The one kind of key that fits each algorithm (RFC 7518 §3.3, §3.4, RFC 8037 §3.1). */
export const KEY_KIND_OF_ALG: Readonly<Record<'RS256' | 'ES256' | 'EdDSA', KeyKind>> = {
  RS256: 'RSA',
  ES256: 'P-256',
  EdDSA: 'Ed25519',
}

/** A private key reduced to the members that an import needs, beside its public half. */
export interface SigningJwk {
  readonly publicJwk: PublicJwk
  /** Private: never logged, never published. */
  readonly members: JsonObject
}

// Runtimes import an RSA key from all of these or not at all (RFC 7518 §6.3.2); a third prime (`oth`) is known to none.
const PRIVATE_PARTS: Readonly<Record<string, readonly string[]>> = {
  RSA: ['d', 'p', 'q', 'dp', 'dq', 'qi'],
  EC: ['d'],
  OKP: ['d'],
}

const publicPart = (jwk: JsonObject): JsonObject => {
  const { kty, crv, n, e, x, y } = jwk
  return Object.fromEntries(Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => value !== undefined))
}

const contradicts = (jwk: JsonObject, name: string, expected: string): boolean => {
  const value = member(jwk, name)
  return value !== undefined && value !== expected
}

/** Takes a JWK for the private signing key of a name: right type for the algorithm, strong enough, and not marked for anything else (RFC 7517 §4). */
export const parseSigningJwk = (
  jwk: JsonObject,
  named: { readonly kid: string; readonly alg: keyof typeof KEY_KIND_OF_ALG },
): Result<SigningJwk, SigningJwkRejection> => {
  const parsed = parsePublicJwk(publicPart(jwk))
  if (!parsed.ok) return parsed
  const publicJwk = parsed.value
  if (publicJwk.kind !== KEY_KIND_OF_ALG[named.alg]) return err('otherKeyType')
  if (contradicts(jwk, 'alg', named.alg)) return err('otherAlg')
  if (contradicts(jwk, 'kid', named.kid)) return err('otherKid')
  if (contradicts(jwk, 'use', 'sig')) return err('notForSigning')
  const names = PRIVATE_PARTS[String(publicJwk.members['kty'])] ?? []
  const parts = names.map((name) => [name, member(jwk, name)] as const)
  if (parts.some(([, value]) => typeof value !== 'string') || Object.hasOwn(jwk, 'oth')) return err('noPrivateMember')
  return ok({ publicJwk, members: { ...publicJwk.members, ...Object.fromEntries(parts) } })
}
