// Owns the checks of a client's JWT assertion (RFC 7523 §3). Never reserves its `jti`: that rides in the transition it serves.

import {
  type ClientId,
  err,
  type Instant,
  instant,
  type Json,
  type JsonObject,
  member,
  ok,
  type Result,
} from '../base/index.ts'
import { CLOCK_TOLERANCE } from '../spec/index.ts'

/** Why an assertion was refused. */
export type AssertionRejection = {
  readonly reason:
    | 'assertionIssuerWrong'
    | 'assertionAudienceWrong'
    | 'assertionExpiryMissing'
    | 'assertionExpired'
    | 'assertionExpiresTooLate'
    | 'assertionNotYetValid'
    | 'assertionIdMissing'
}

/** What an assertion is checked against. */
export interface AssertionExpectation {
  readonly clientId: ClientId
  readonly issuer: string
  readonly tokenEndpoint: string
  /** `client-authentication+jwt` binds the audience to the issuer alone, as a single string. */
  readonly strictAudience: boolean
  readonly now: Instant
}

// An assertion proves possession now; an hour is more than any client needs and bounds what is kept of its `jti`.
const MAX_LIFETIME = 3600

// A NumericDate may have a fraction (RFC 7519 §2).
const isSeconds = (value: Json | undefined): value is number => typeof value === 'number' && Number.isFinite(value)

const audienceHolds = (aud: Json | undefined, expected: AssertionExpectation): boolean => {
  const accepted: readonly (Json | undefined)[] = expected.strictAudience
    ? [expected.issuer]
    : [expected.issuer, expected.tokenEndpoint]
  if (typeof aud === 'string') return accepted.includes(aud)
  // An array that names anybody else could be replayed from there (the audience injection finding of 2025).
  return !expected.strictAudience && Array.isArray(aud) && aud.length > 0 && aud.every((one) => accepted.includes(one))
}

/** Checks the claims of a verified assertion; answers its `jti` and when it expires. */
export const checkAssertion = (
  claims: JsonObject,
  expected: AssertionExpectation,
): Result<{ readonly jti: string; readonly expiresAt: Instant }, AssertionRejection> => {
  const { now } = expected
  if (member(claims, 'iss') !== expected.clientId || member(claims, 'sub') !== expected.clientId) {
    return err({ reason: 'assertionIssuerWrong' })
  }
  if (!audienceHolds(member(claims, 'aud'), expected)) return err({ reason: 'assertionAudienceWrong' })
  const exp = member(claims, 'exp')
  if (!isSeconds(exp)) return err({ reason: 'assertionExpiryMissing' })
  if (exp <= now - CLOCK_TOLERANCE) return err({ reason: 'assertionExpired' })
  if (exp > now + MAX_LIFETIME + CLOCK_TOLERANCE) return err({ reason: 'assertionExpiresTooLate' })
  for (const name of ['nbf', 'iat']) {
    const value = member(claims, name)
    if (value !== undefined && !(isSeconds(value) && value <= now + CLOCK_TOLERANCE)) {
      return err({ reason: 'assertionNotYetValid' })
    }
  }
  const jti = member(claims, 'jti')
  if (typeof jti !== 'string' || jti === '' || jti.length > 256) return err({ reason: 'assertionIdMissing' })
  return ok({ jti, expiresAt: instant(Math.ceil(exp) + CLOCK_TOLERANCE) })
}
