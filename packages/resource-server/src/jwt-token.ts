// Owns access tokens that are JWTs (RFC 9068 §4): form, signature, claims. Never takes an ID token or any other JWT of the issuer for one.

import type { FindKeys } from './issuer-keys.ts'
import type { Algorithm } from './jwk.ts'
import { decodeJws, isSignedBy, type JwsFault } from './jws.ts'
import type { Rejection, TokenReason } from './rejection.ts'
import { err, type Result } from './result.ts'
import { parseToken, type VerifiedToken } from './token.ts'

/** Judges an access token at a time in integer seconds since 1970. */
export type VerifyToken = (token: string, now: number) => Promise<Result<VerifiedToken, Rejection>>

/** What access tokens that are JWTs are verified with. */
export interface JwtTokenPolicy {
  readonly issuer: string
  readonly audience: string
  readonly algorithms: readonly Algorithm[]
  readonly findKeys: FindKeys
}

// The whole type and its short form; an ID token has neither, and a logout token another (RFC 9068 §2.1).
const TYPES = ['at+jwt', 'application/at+jwt'] as const

// What the profile demands of every token, beside the audience (RFC 9068 §2.2).
const REQUIRED = ['iss', 'exp', 'sub', 'client_id', 'iat', 'jti'] as const

const MAX_JWT = 16_384

const REASON_OF_FAULT: Readonly<Record<JwsFault, TokenReason>> = {
  malformed: 'tokenMalformed',
  algorithmRefused: 'tokenAlgorithmRefused',
  typeRefused: 'tokenTypeRefused',
}

/** Makes the judge of access tokens that are JWTs. */
export const createJwtVerifier = ({ issuer, audience, algorithms, findKeys }: JwtTokenPolicy): VerifyToken => {
  const policy = { algorithms, types: TYPES, limit: MAX_JWT }
  return async (token, now) => {
    const decoded = decodeJws(token, policy)
    if (!decoded.ok) return err({ reason: REASON_OF_FAULT[decoded.error] })
    const jws = decoded.value
    const keys = await findKeys(jws)
    if (!keys.ok) return keys
    if (keys.value.length === 0) return err({ reason: 'tokenKeyUnknown' })
    for (const key of keys.value) {
      if (!(await isSignedBy(jws, key))) continue
      return parseToken(jws.claims, { issuer, audience, audienceMayBeAbsent: false, required: REQUIRED, now })
    }
    return err({ reason: 'tokenSignatureInvalid' })
  }
}
