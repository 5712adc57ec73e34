// Owns what a public JSON Web Key may look like, by members alone. Never does cryptography and never keeps a private member.

import { fromBase64url } from './encoding.ts'
import { type JsonObject, member, textMember } from './json.ts'

/** The kind of a public key, as fine as an algorithm needs it (RFC 7518 §6, RFC 8037 §2). */
export type KeyKind = 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'Ed25519'

/** A public key reduced to the members that define it. */
export interface PublicJwk {
  readonly kind: KeyKind
  readonly members: Readonly<Record<string, string>> & { readonly kty: string }
}

/** Signature algorithms that can be accepted, each with the one kind of key it takes; all asymmetric (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9864 §2.2). */
export const KEY_KIND_OF_ALG: Readonly<Record<Algorithm, KeyKind>> = {
  RS256: 'RSA',
  PS256: 'RSA',
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
}

/** A signature algorithm by its JWA name. */
export type Algorithm = 'RS256' | 'PS256' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA' | 'Ed25519'

/** Whether a name is that of an algorithm that can be accepted at all. */
export const isAlgorithm = (name: unknown): name is Algorithm =>
  typeof name === 'string' && Object.hasOwn(KEY_KIND_OF_ALG, name)

// `k` makes a symmetric key; the others are the private halves of RSA, EC and OKP keys (RFC 7518 §6.2.2, §6.3.2, §6.4.1).
const PRIVATE_MEMBERS = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'] as const

const EC_BYTES: ReadonlyMap<string, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
])

// Below 2048 bits a key can be factored; above 8192 one verification costs as much as a denial of service needs.
const RSA_BITS = { least: 2048, most: 8192 } as const

// 8192 bits are 1366 characters: anything longer is not worth decoding.
const MAX_MEMBER = 1400

const bytesOf = (value: string | undefined): Uint8Array | undefined =>
  value === undefined || value.length > MAX_MEMBER ? undefined : fromBase64url(value)

const bitsOf = (bytes: Uint8Array): number => bytes.length * 8 - Math.clz32(bytes[0] ?? 0) + 24

const parseRsa = (jwk: JsonObject): PublicJwk | undefined => {
  const [n, e] = [textMember(jwk, 'n'), textMember(jwk, 'e')]
  const [modulus, exponent] = [bytesOf(n), bytesOf(e)]
  if (n === undefined || e === undefined || modulus === undefined || exponent === undefined) return undefined
  const bits = bitsOf(modulus)
  if (modulus[0] === 0 || bits < RSA_BITS.least || bits > RSA_BITS.most) return undefined
  // An exponent of 1 verifies anything, an even one nothing; beyond 32 bits libraries disagree.
  if (exponent.length > 4 || exponent[0] === 0 || ((exponent.at(-1) ?? 0) & 1) === 0) return undefined
  if (exponent.length === 1 && (exponent[0] ?? 0) < 3) return undefined
  return { kind: 'RSA', members: { e, kty: 'RSA', n } }
}

const parseEc = (jwk: JsonObject): PublicJwk | undefined => {
  const [crv, x, y] = [member(jwk, 'crv'), textMember(jwk, 'x'), textMember(jwk, 'y')]
  if ((crv !== 'P-256' && crv !== 'P-384' && crv !== 'P-521') || x === undefined || y === undefined) return undefined
  const length = EC_BYTES.get(crv)
  if (bytesOf(x)?.length !== length || bytesOf(y)?.length !== length) return undefined
  return { kind: crv, members: { crv, kty: 'EC', x, y } }
}

const parseOkp = (jwk: JsonObject): PublicJwk | undefined => {
  const x = textMember(jwk, 'x')
  if (member(jwk, 'crv') !== 'Ed25519' || x === undefined || bytesOf(x)?.length !== 32) return undefined
  return { kind: 'Ed25519', members: { crv: 'Ed25519', kty: 'OKP', x } }
}

/** Takes a JWK for a public key: RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519; undefined for private, symmetric and weak ones (RFC 7517 §4). */
export const parsePublicJwk = (jwk: JsonObject): PublicJwk | undefined => {
  if (PRIVATE_MEMBERS.some((name) => Object.hasOwn(jwk, name))) return undefined
  const kty = member(jwk, 'kty')
  if (kty === 'RSA') return parseRsa(jwk)
  if (kty === 'EC') return parseEc(jwk)
  return kty === 'OKP' ? parseOkp(jwk) : undefined
}
