// Owns the checks of a DPoP proof (RFC 9449 §4.3). Never reserves its `jti`: that is done last, by the write that the proof serves, so
// that a refused request uses nothing up.

import {
  type Digest,
  digest,
  err,
  type Instant,
  instant,
  isJsonObject,
  type Json,
  type JsonObject,
  member,
  ok,
  type Result,
} from '../base/index.ts'
import { parsePublicJwk } from '../base/jwk.ts'
import { type Context, digestOf } from '../context/index.ts'
import { thumbprint } from '../keys/index.ts'
import { dpopReservation } from '../replay/index.ts'
import { CLOCK_TOLERANCE, DPOP_ALGS, DPOP_PROOF_AGE, LIMITS } from '../spec/index.ts'
import type { ReservationRecord } from '../store/index.ts'
import { decodeJws, type JwsRejection, verifyJws } from '../tokens/index.ts'
import { nonceHoldsUntil } from './nonce.ts'

/** Why a proof was refused. */
export type ProofRejection = {
  readonly reason:
    | 'dpopRepeated'
    | 'dpopMalformed'
    | 'dpopTypeWrong'
    | 'dpopAlgorithmRefused'
    | 'dpopKeyRefused'
    | 'dpopSignatureInvalid'
    | 'dpopClaimMissing'
    | 'dpopMethodWrong'
    | 'dpopUrlWrong'
    | 'dpopTimeWrong'
    | 'dpopTokenWrong'
    | 'dpopNonceMissing'
    | 'dpopNonceStale'
}

/** What a proof is checked against. */
export interface ProofExpectation {
  readonly method: string
  /** Our own URLs of the endpoint, from the configuration and never from the request. */
  readonly urls: readonly string[]
  /** Digest of the access token that the proof goes with (RFC 9449 §4.2 `ath`); undefined where none is used. */
  readonly tokenDigest: Digest | undefined
  readonly now: Instant
}

/** A proof that holds. */
export interface VerifiedProof {
  /** Thumbprint of the key (RFC 7638 §3): what tokens are bound to as `jkt`. */
  readonly jkt: Digest
  /** To be reserved last: a proof counts once (RFC 9449 §11.1). */
  readonly reservation: ReservationRecord
}

const MAX_JTI = 256

const SIGNATURE_REASONS: Readonly<Record<JwsRejection['reason'], ProofRejection['reason']>> = {
  jwtMalformed: 'dpopMalformed',
  jwtAlgorithmRefused: 'dpopAlgorithmRefused',
  jwtTypeRefused: 'dpopTypeWrong',
  jwtKeyUnknown: 'dpopAlgorithmRefused',
  jwtSignatureInvalid: 'dpopSignatureInvalid',
}

/** A URL without query and fragment, host in lower case and the scheme's own port left out (RFC 9449 §4.3, RFC 3986 §6.2.2, §6.2.3). */
export const normalizeHtu = (url: string): string | undefined => {
  // What a parser would skip over (blanks, line breaks) or complete (a missing host) is refused before it parses.
  if (url.length > LIMITS.redirectUri || !/^https?:\/\/[\x21-\x7e]+$/i.test(url) || !URL.canParse(url)) return undefined
  const { origin, pathname, username, password } = new URL(url)
  return username === '' && password === '' ? `${origin}${pathname}` : undefined
}

const urlHolds = (htu: string, urls: readonly string[]): boolean => {
  const presented = normalizeHtu(htu)
  return presented !== undefined && urls.some((url) => normalizeHtu(url) === presented)
}

// A NumericDate may have a fraction (RFC 7519 §2).
const isSeconds = (value: Json | undefined): value is number => typeof value === 'number' && Number.isFinite(value)

const isText = (value: Json | undefined): value is string => typeof value === 'string' && value !== ''

/** When the proof stops counting: by the nonce where the provider asks for one, whose time is our own; else by `iat` (RFC 9449 §4.3, §11.1). */
const timeOf = async (
  context: Context,
  claims: JsonObject,
  iat: number,
  now: Instant,
): Promise<Result<Instant, ProofRejection>> => {
  if ((context.features.dpop?.nonceSecrets.length ?? 0) > 0) {
    const nonce = member(claims, 'nonce')
    if (nonce === undefined) return err({ reason: 'dpopNonceMissing' })
    const until = isText(nonce) ? await nonceHoldsUntil(context, nonce, now) : undefined
    return until === undefined ? err({ reason: 'dpopNonceStale' }) : ok(until)
  }
  const end = Math.ceil(iat) + DPOP_PROOF_AGE + CLOCK_TOLERANCE
  return iat > now + CLOCK_TOLERANCE || end <= now ? err({ reason: 'dpopTimeWrong' }) : ok(instant(end))
}

const checkClaims = async (
  context: Context,
  claims: JsonObject,
  expected: ProofExpectation,
): Promise<Result<{ readonly jti: string; readonly expiresAt: Instant }, ProofRejection>> => {
  const [jti, htm, htu, iat] = ['jti', 'htm', 'htu', 'iat'].map((name) => member(claims, name))
  if (!isText(jti) || jti.length > MAX_JTI || !isText(htm) || !isText(htu) || !isSeconds(iat)) {
    return err({ reason: 'dpopClaimMissing' })
  }
  // Methods are compared as they are written (RFC 9110 §9.1).
  if (htm !== expected.method) return err({ reason: 'dpopMethodWrong' })
  if (!urlHolds(htu, expected.urls)) return err({ reason: 'dpopUrlWrong' })
  if (expected.tokenDigest !== undefined && member(claims, 'ath') !== expected.tokenDigest) {
    return err({ reason: 'dpopTokenWrong' })
  }
  const expiresAt = await timeOf(context, claims, iat, expected.now)
  return expiresAt.ok ? ok({ jti, expiresAt: expiresAt.value }) : expiresAt
}

/** Verifies a proof whole: type, algorithm, key, signature, then claims; a nonce is asked for only of a proof that holds otherwise. */
export const verifyProof = async (
  context: Context,
  proof: string,
  expected: ProofExpectation,
): Promise<Result<VerifiedProof, ProofRejection>> => {
  const decoded = proof.length > LIMITS.dpopProof ? undefined : decodeJws(proof)
  if (decoded === undefined) return err({ reason: 'dpopMalformed' })
  const jwk = member(decoded.header, 'jwk')
  const key = isJsonObject(jwk) ? parsePublicJwk(jwk) : undefined
  if (!key?.ok) return err({ reason: 'dpopKeyRefused' })
  // The key is the one in the header, whatever name the header gives it besides.
  const kid = member(decoded.header, 'kid')
  const keys = [{ ...key.value.members, ...(kid === undefined ? {} : { kid }) }]
  const verified = await verifyJws(proof, { keys, algs: DPOP_ALGS, types: ['dpop+jwt'] })
  if (!verified.ok) return err({ reason: SIGNATURE_REASONS[verified.error.reason] })
  const checked = await checkClaims(context, verified.value.claims, expected)
  if (!checked.ok) return checked
  const jkt = digest(await thumbprint(key.value, context.ports.hasher))
  return ok({
    jkt,
    reservation: dpopReservation(jkt, await digestOf(context, checked.value.jti), checked.value.expiresAt),
  })
}
