// Owns what an endpoint demands of a token beyond being good: scope, and how and when the person signed in. Pure.

import { ResourceServerConfigError } from './config.ts'
import type { Rejection } from './rejection.ts'
import { err, ok, type Result } from './result.ts'
import type { VerifiedToken } from './token.ts'

/** What one endpoint demands. */
export interface Requirement {
  /** Scopes that the token must all have; a string may hold several, separated by spaces. */
  readonly scope?: string | readonly string[]
  /** Authentication context classes of which the sign-in must have had one, the preferred first (RFC 9470 §3). */
  readonly acr?: string | readonly string[]
  /** Whole seconds that may have passed since the person signed in (RFC 9470 §3). */
  readonly maxAge?: number
}

/** A requirement in one form. */
export interface ParsedRequirement {
  readonly scope: readonly string[]
  readonly acr: readonly string[]
  readonly maxAge: number | undefined
}

// RFC 6749 §3.3: these stand in a challenge as they are, so nothing in them may end its quotes.
const TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]+$/

const parseWords = (
  given: string | readonly string[] | undefined,
  code: 'scopeInvalid' | 'acrInvalid',
): readonly string[] => {
  const words = [given ?? []].flat().flatMap((one) => one.split(' ').filter((word) => word !== ''))
  const wrong = words.find((word) => !TOKEN.test(word))
  if (wrong !== undefined) throw new ResourceServerConfigError(code, JSON.stringify(wrong))
  return words
}

/** Takes what an endpoint demands; throws `ResourceServerConfigError` where no token could meet it. */
export const parseRequirement = ({ scope, acr, maxAge }: Requirement): ParsedRequirement => {
  if (maxAge !== undefined && !(Number.isInteger(maxAge) && maxAge >= 0)) {
    throw new ResourceServerConfigError('requiredMaxAgeInvalid', String(maxAge))
  }
  return { scope: parseWords(scope, 'scopeInvalid'), acr: parseWords(acr, 'acrInvalid'), maxAge }
}

/**
 * Whether a token meets a requirement. The sign-in comes first: its challenge names the scope too, so that one new authorization mends both
 * (RFC 9470 §3).
 */
export const judgeRequirement = (
  token: VerifiedToken,
  { scope, acr, maxAge }: ParsedRequirement,
  now: number,
): Result<VerifiedToken, Rejection> => {
  if (acr.length > 0 && !acr.some((one) => one === token.acr)) return err({ reason: 'authenticationTooWeak' })
  const age = token.authTime === undefined ? Number.POSITIVE_INFINITY : now - token.authTime
  if (maxAge !== undefined && age > maxAge) return err({ reason: 'authenticationTooOld' })
  const missing = scope.filter((one) => !token.scope.includes(one))
  return missing.length > 0 ? err({ reason: 'scopeInsufficient', missing }) : ok(token)
}
