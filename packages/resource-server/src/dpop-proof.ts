// Owns the check of one DPoP proof against the request it came with (RFC 9449 §4.3). Never remembers it: that is reserved last, when all
// else holds. A proof covers method, address and token; it does not cover the body (RFC 9449 §11.7).

import { calculateJwkThumbprint } from 'jose'
import { digestOf, utf8 } from './encoding.ts'
import { type JsonObject, member, objectMember, textMember } from './json.ts'
import { type PublicJwk, parsePublicJwk } from './jwk.ts'
import { type DecodedJws, decodeJws, importKey, isSignedBy, type JwsFault } from './jws.ts'
import type { ProofReason } from './rejection.ts'
import { err, ok, type Result } from './result.ts'
import type { DpopSettings } from './settings.ts'

/** A proof that fits its request. */
export interface VerifiedProof {
  readonly jti: string
  /** SHA-256 thumbprint of the key that signed it (RFC 7638 §3). */
  readonly jkt: string
  readonly nonce: string | undefined
}

/** What a proof is checked against. */
export interface ProofExpectation {
  readonly method: string
  /** The target of the request, at the API's own origin. */
  readonly target: URL
  readonly token: string
  /** Integer seconds since 1970. */
  readonly now: number
}

// An RSA key of 8192 bits and its signature have 3 KiB together.
const MAX_PROOF = 8_192

const MAX_JTI = 512

/** Seconds by which a client's clock may be ahead: certification sends 10, and a phone is off by more. */
export const AHEAD = 30

const REASON_OF_FAULT: Readonly<Record<JwsFault, ProofReason>> = {
  malformed: 'proofMalformed',
  algorithmRefused: 'proofAlgorithmRefused',
  typeRefused: 'proofTypeRefused',
}

const UNRESERVED = /^[A-Za-z0-9\-._~]$/

// URL parsing has put scheme, host, port and dots into one form; of percent-encoding it leaves the case and the needless (RFC 3986 §6.2.2).
const normalisePath = (path: string): string =>
  path.replace(/%[0-9A-Fa-f]{2}/g, (escaped) => {
    const letter = String.fromCharCode(Number.parseInt(escaped.slice(1), 16))
    return UNRESERVED.test(letter) ? letter : escaped.toUpperCase()
  })

const addressOf = ({ protocol, username, password, host, pathname }: URL): string =>
  JSON.stringify([protocol, username, password, host, normalisePath(pathname)])

/** Whether an `htu` names a target; its query and fragment do not count (RFC 9449 §4.3). */
const namesTarget = (htu: string, target: URL): boolean =>
  URL.canParse(htu) && addressOf(new URL(htu)) === addressOf(target)

const isSigned = async (jws: DecodedJws, jwk: PublicJwk): Promise<boolean> => {
  const key = await importKey(jwk, jws.alg)
  return key !== undefined && (await isSignedBy(jws, key))
}

const checkClaims = (
  claims: JsonObject,
  expected: ProofExpectation & { readonly ath: string; readonly maxAge: number },
): ProofReason | undefined => {
  const { now, maxAge } = expected
  const [htm, htu, iat] = [textMember(claims, 'htm'), textMember(claims, 'htu'), member(claims, 'iat')]
  if (htm === undefined || htu === undefined || typeof iat !== 'number') return 'proofClaimsMalformed'
  if (htm !== expected.method) return 'proofMethodWrong'
  if (!namesTarget(htu, expected.target)) return 'proofTargetWrong'
  if (!(iat >= now - maxAge && iat <= now + AHEAD)) return 'proofTimeWrong'
  return textMember(claims, 'ath') === expected.ath ? undefined : 'proofTokenWrong'
}

/** Checks the values of the DPoP header against a request: one proof, its form, its signature by its own key, its claims. */
export const verifyProof = async (
  headers: readonly string[],
  expected: ProofExpectation,
  { algorithms, maxAge }: Pick<DpopSettings, 'algorithms' | 'maxAge'>,
): Promise<Result<VerifiedProof, { readonly reason: ProofReason }>> => {
  const [compact, ...more] = headers
  if (compact === undefined) return err({ reason: 'proofMissing' })
  // A web `Headers` joins repeated ones by a comma, which no proof holds.
  if (more.length > 0 || compact.includes(',')) return err({ reason: 'proofRepeated' })
  const decoded = decodeJws(compact, { algorithms, types: ['dpop+jwt'], limit: MAX_PROOF })
  if (!decoded.ok) return err({ reason: REASON_OF_FAULT[decoded.error] })
  const { header, claims } = decoded.value
  const given = objectMember(header, 'jwk')
  const jwk = given === undefined ? undefined : parsePublicJwk(given)
  if (jwk === undefined) return err({ reason: 'proofKeyMalformed' })
  const jti = textMember(claims, 'jti')
  const nonce = member(claims, 'nonce')
  if (jti === undefined || jti.length > MAX_JTI || (nonce !== undefined && typeof nonce !== 'string')) {
    return err({ reason: 'proofClaimsMalformed' })
  }
  const fault = checkClaims(claims, { ...expected, ath: await digestOf(utf8(expected.token)), maxAge })
  if (fault !== undefined) return err({ reason: fault })
  if (!(await isSigned(decoded.value, jwk))) return err({ reason: 'proofSignatureInvalid' })
  return ok({ jti, jkt: await calculateJwkThumbprint(jwk.members, 'sha256'), nonce })
}
