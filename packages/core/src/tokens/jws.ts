// Owns compact JWS: signing through the Signer port, and verifying what others send. Never trusts a header's key, a clock or the
// network, and never picks an algorithm by the look of a key (RFC 8725 §3.1).

import { compactVerify, importJWK } from 'jose'
import {
  base64url,
  err,
  fromBase64url,
  fromUtf8,
  isJsonObject,
  type Json,
  type JsonObject,
  member,
  ok,
  parseJson,
  type Result,
  utf8,
} from '../base/index.ts'
import type { Signer, SigningKeyName } from '../ports/index.ts'
import { LIMITS } from '../spec/index.ts'

/** Signs claims as a compact JWS (RFC 7515 §7.1). */
export const signJws = async (
  signer: Signer,
  key: SigningKeyName,
  token: { readonly typ: string; readonly claims: JsonObject },
): Promise<string> => {
  const header = base64url(utf8(JSON.stringify({ alg: key.alg, kid: key.kid, typ: token.typ })))
  const input = `${header}.${base64url(utf8(JSON.stringify(token.claims)))}`
  return `${input}.${base64url(await signer.sign(key, input))}`
}

/** A JWS taken apart, not verified. */
export interface DecodedJws {
  readonly header: JsonObject
  readonly claims: JsonObject
}

const decodePart = (part: string): JsonObject | undefined => {
  const bytes = fromBase64url(part)
  const text = bytes === undefined ? undefined : fromUtf8(bytes)
  const value = text === undefined ? undefined : parseJson(text, LIMITS.jwt)
  return isJsonObject(value) ? value : undefined
}

/** Takes a JWS apart; undefined unless it is three canonical base64url segments of JSON objects, within the size limit. */
export const decodeJws = (jwt: string): DecodedJws | undefined => {
  if (jwt.length > LIMITS.jwt) return undefined
  const [head, body, signature, ...more] = jwt.split('.', 4)
  if (head === undefined || body === undefined || !signature || more.length > 0) return undefined
  const header = decodePart(head)
  const claims = decodePart(body)
  if (header === undefined || claims === undefined || fromBase64url(signature) === undefined) return undefined
  return { header, claims }
}

/** Why a JWS was refused. */
export type JwsRejection = {
  readonly reason: 'jwtMalformed' | 'jwtAlgorithmRefused' | 'jwtTypeRefused' | 'jwtKeyUnknown' | 'jwtSignatureInvalid'
}

/** What a use of JWS accepts. */
export interface JwsPolicy {
  /** Public JWKs of the one party that may have signed. */
  readonly keys: readonly JsonObject[]
  readonly algs: readonly string[]
  /** Accepted `typ` values in lower case; undefined stands for an absent one. */
  readonly types: readonly (string | undefined)[]
}

// A set with many keys of one kid must not turn one request into many verifications (RFC 8725 §3.1).
const MAX_TRIES = 4

const KEY_TYPES: ReadonlyMap<string, { readonly kty: string; readonly crv?: readonly string[] }> = new Map([
  ['RS256', { kty: 'RSA' }],
  ['PS256', { kty: 'RSA' }],
  ['ES256', { kty: 'EC', crv: ['P-256'] }],
  ['ES384', { kty: 'EC', crv: ['P-384'] }],
  ['ES512', { kty: 'EC', crv: ['P-521'] }],
  ['EdDSA', { kty: 'OKP', crv: ['Ed25519'] }],
  ['Ed25519', { kty: 'OKP', crv: ['Ed25519'] }],
])

// A key may be registered under the one name and used under the other (RFC 9864 §2.2); its curve was compared before.
const nameOf = (alg: Json | undefined): Json | undefined => (alg === 'EdDSA' ? 'Ed25519' : alg)

const fits = (key: JsonObject, alg: string, kid: unknown): boolean => {
  const type = KEY_TYPES.get(alg)
  if (type === undefined || key['kty'] !== type.kty) return false
  if (type.crv !== undefined && !type.crv.some((curve) => curve === key['crv'])) return false
  if (key['alg'] !== undefined && nameOf(key['alg']) !== nameOf(alg)) return false
  if (key['use'] !== undefined && key['use'] !== 'sig') return false
  return kid === undefined || key['kid'] === kid
}

const verifies = async (jwt: string, jwk: JsonObject, alg: string): Promise<boolean> => {
  try {
    await compactVerify(jwt, await importJWK({ ...jwk, alg }, alg), { algorithms: [alg] })
    return true
  } catch {
    // jose throws JOSE errors for a wrong signature and TypeErrors for a wrong key; both mean "not signed by this key".
    return false
  }
}

/** Verifies a JWS against the keys of one party; claims are checked by the caller (RFC 7515 §5.2). */
export const verifyJws = async (jwt: string, policy: JwsPolicy): Promise<Result<DecodedJws, JwsRejection>> => {
  const decoded = decodeJws(jwt)
  if (decoded === undefined) return err({ reason: 'jwtMalformed' })
  const alg = member(decoded.header, 'alg')
  const kid = member(decoded.header, 'kid')
  const typ = member(decoded.header, 'typ')
  if (typeof alg !== 'string' || !policy.algs.includes(alg)) return err({ reason: 'jwtAlgorithmRefused' })
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > 256)) return err({ reason: 'jwtMalformed' })
  if (typ !== undefined && typeof typ !== 'string') return err({ reason: 'jwtTypeRefused' })
  if (!policy.types.includes(typ?.toLowerCase())) return err({ reason: 'jwtTypeRefused' })
  if (member(decoded.header, 'crit') !== undefined || member(decoded.header, 'b64') !== undefined) {
    return err({ reason: 'jwtMalformed' })
  }
  const keys = policy.keys.filter((key) => fits(key, alg, kid)).slice(0, MAX_TRIES)
  if (keys.length === 0) return err({ reason: 'jwtKeyUnknown' })
  for (const key of keys) if (await verifies(jwt, key, alg)) return ok(decoded)
  return err({ reason: 'jwtSignatureInvalid' })
}
