// Owns compact JWS of others: taking it apart and checking one signature. Never picks an algorithm by the look of a key, and never trusts
// a key, a URL or a certificate that a header brings (RFC 8725 §3.1).

import { type CryptoKey, compactVerify, importJWK } from 'jose'
import { fromBase64url, fromUtf8 } from './encoding.ts'
import { type JsonObject, member, parseJsonObject } from './json.ts'
import { type Algorithm, isAlgorithm, KEY_KIND_OF_ALG, type PublicJwk } from './jwk.ts'
import { err, ok, type Result } from './result.ts'

/** A JWS whose header and form are acceptable; its signature is not verified yet. */
export interface DecodedJws {
  readonly compact: string
  readonly header: JsonObject
  readonly claims: JsonObject
  readonly alg: Algorithm
  readonly kid: string | undefined
}

/** What a use of JWS accepts. */
export interface JwsPolicy {
  readonly algorithms: readonly Algorithm[]
  /** Accepted `typ` values, in lower case. */
  readonly types: readonly string[]
  /** Characters; anything longer is refused before it is parsed. */
  readonly limit: number
}

/** Why a JWS was refused before its signature was looked at. */
export type JwsFault = 'malformed' | 'algorithmRefused' | 'typeRefused'

// A key id is compared and nothing else; this is longer than any digest.
const MAX_KID = 256

const decodePart = (part: string): JsonObject | undefined => {
  const bytes = fromBase64url(part)
  const text = bytes === undefined ? undefined : fromUtf8(bytes)
  return text === undefined ? undefined : parseJsonObject(text)
}

/** Takes a JWS of three canonical base64url segments apart, within a policy (RFC 7515 §5.2). */
export const decodeJws = (compact: string, policy: JwsPolicy): Result<DecodedJws, JwsFault> => {
  if (compact.length > policy.limit) return err('malformed')
  const [head, body, signature, ...more] = compact.split('.', 4)
  if (head === undefined || body === undefined || !signature || more.length > 0) return err('malformed')
  const [header, claims] = [decodePart(head), decodePart(body)]
  if (header === undefined || claims === undefined || fromBase64url(signature) === undefined) return err('malformed')
  const [alg, kid, typ] = [member(header, 'alg'), member(header, 'kid'), member(header, 'typ')]
  if (!isAlgorithm(alg) || !policy.algorithms.includes(alg)) return err('algorithmRefused')
  if (typeof typ !== 'string' || !policy.types.includes(typ.toLowerCase())) return err('typeRefused')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID)) return err('malformed')
  // No extension is understood here, so one that must be understood cannot be (RFC 7515 §4.1.11).
  if (member(header, 'crit') !== undefined || member(header, 'b64') !== undefined) return err('malformed')
  return ok({ compact, header, claims, alg, kid })
}

/** Imports a public key for one algorithm; undefined when the key is of another kind, or unreadable. */
export const importKey = async (jwk: PublicJwk, alg: Algorithm): Promise<CryptoKey | undefined> => {
  if (jwk.kind !== KEY_KIND_OF_ALG[alg]) return undefined
  try {
    const key = await importJWK({ ...jwk.members, alg }, alg)
    return key instanceof Uint8Array ? undefined : key
  } catch {
    return undefined
  }
}

/** Whether a key signed a JWS by its algorithm. */
export const isSignedBy = async (jws: DecodedJws, key: CryptoKey): Promise<boolean> => {
  try {
    await compactVerify(jws.compact, key, { algorithms: [jws.alg] })
    return true
  } catch {
    // jose throws JOSE errors for a wrong signature and TypeErrors for a wrong key; both mean "not signed by this key".
    return false
  }
}
