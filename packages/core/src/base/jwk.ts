// Owns what a public JSON Web Key may look like, by members alone. Never does cryptography and never keeps a private member.

import { fromBase64url } from './encoding.ts'
import { type JsonObject, member } from './json.ts'
import { err, ok, type Result } from './result.ts'

/** Why a JWK is no public key that is accepted here. */
export type JwkRejection =
  | 'privateMember'
  | 'unknownType'
  | 'unknownCurve'
  | 'malformedMember'
  | 'rsaTooShort'
  | 'rsaTooLong'
  | 'weakExponent'

/** The kind of a public key, as fine as an algorithm needs it (RFC 7518 §6, RFC 8037 §2). */
export type KeyKind = 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519'

/** A public key reduced to the members that define it, in the order of RFC 7638 §3.2. */
export interface PublicJwk {
  readonly kind: KeyKind
  readonly members: JsonObject
}

// `k` makes a symmetric key; the others are the private halves of RSA, EC and OKP keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

const EC_BYTES: ReadonlyMap<string, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
])

// Below 2048 bits a key can be factored; above 8192 one verification costs as much as a denial of service needs.
const RSA_BITS = { least: 2048, most: 8192 } as const

const text = (jwk: JsonObject, name: string): string | undefined => {
  const value = member(jwk, name)
  return typeof value === 'string' ? value : undefined
}

const bytesOf = (jwk: JsonObject, name: string): Uint8Array | undefined => {
  const value = text(jwk, name)
  // 8192 bits are 1366 characters: anything longer is not worth decoding.
  return value === undefined || value.length > 1400 ? undefined : fromBase64url(value)
}

const bitsOf = (bytes: Uint8Array): number => bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24

const parseRsa = (jwk: JsonObject): Result<PublicJwk, JwkRejection> => {
  const n = bytesOf(jwk, 'n')
  const e = bytesOf(jwk, 'e')
  if (n === undefined || e === undefined || n[0] === 0) return err('malformedMember')
  if (bitsOf(n) < RSA_BITS.least) return err('rsaTooShort')
  if (bitsOf(n) > RSA_BITS.most) return err('rsaTooLong')
  if (((n.at(-1) ?? 0) & 1) === 0) return err('malformedMember')
  // An exponent of 1 verifies anything, an even one nothing; beyond 32 bits libraries disagree.
  if (e.length === 0 || e.length > 4 || e[0] === 0 || ((e.at(-1) ?? 0) & 1) === 0) return err('weakExponent')
  if (e.length === 1 && (e[0] ?? 0) < 3) return err('weakExponent')
  return ok({ kind: 'RSA', members: { e: text(jwk, 'e'), kty: 'RSA', n: text(jwk, 'n') } })
}

const parseEc = (jwk: JsonObject): Result<PublicJwk, JwkRejection> => {
  const crv = text(jwk, 'crv')
  if (crv !== 'P-256' && crv !== 'P-384' && crv !== 'P-521') return err('unknownCurve')
  const length = EC_BYTES.get(crv)
  if (bytesOf(jwk, 'x')?.length !== length || bytesOf(jwk, 'y')?.length !== length) return err('malformedMember')
  return ok({ kind: crv, members: { crv, kty: 'EC', x: text(jwk, 'x'), y: text(jwk, 'y') } })
}

const parseOkp = (jwk: JsonObject): Result<PublicJwk, JwkRejection> => {
  if (text(jwk, 'crv') !== 'Ed25519') return err('unknownCurve')
  if (bytesOf(jwk, 'x')?.length !== 32) return err('malformedMember')
  return ok({ kind: 'Ed25519', members: { crv: 'Ed25519', kty: 'OKP', x: text(jwk, 'x') } })
}

/** Takes a JWK for a public key: RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519; refuses private and symmetric ones (RFC 7517 §4, RFC 7591 §2). */
export const parsePublicJwk = (jwk: JsonObject): Result<PublicJwk, JwkRejection> => {
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return err('privateMember')
  const kty = text(jwk, 'kty')
  if (kty === 'RSA') return parseRsa(jwk)
  if (kty === 'EC') return parseEc(jwk)
  if (kty === 'OKP') return parseOkp(jwk)
  return err('unknownType')
}
