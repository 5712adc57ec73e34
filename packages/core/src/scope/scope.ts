// Owns scope values: their syntax and which of them a client may have. Never decides what a scope releases.

import { err, ok, type Result } from '../base/index.ts'
import { LIMITS } from '../spec/index.ts'

/** Why a scope was refused. */
export type ScopeRejection =
  | { readonly reason: 'scopeMalformed' }
  | { readonly reason: 'scopeMissing' }
  | { readonly reason: 'scopeNotAllowed'; readonly scope: string }

const TOKEN = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Splits a scope parameter into its distinct values, in order (RFC 6749 §3.3). */
export const parseScope = (text: string): Result<readonly string[], ScopeRejection> => {
  if (text.length > LIMITS.scope) return err({ reason: 'scopeMalformed' })
  const values = text.split(' ')
  return values.every((value) => TOKEN.test(value)) ? ok([...new Set(values)]) : err({ reason: 'scopeMalformed' })
}

/** Scopes that are accepted and have no effect: refresh tokens are not built, and an ignored one must not be an error (OIDC Core §11). */
const WITHOUT_EFFECT: ReadonlySet<string> = new Set(['offline_access'])

/** Limits what was asked to what the client is registered for; asking for more is refused, never silently cut (RFC 6749 §3.3). */
export const decideScope = (
  requested: readonly string[],
  allowed: readonly string[],
): Result<readonly string[], ScopeRejection> => {
  const wanted = requested.filter((value) => !WITHOUT_EFFECT.has(value))
  if (wanted.length === 0) return err({ reason: 'scopeMissing' })
  const foreign = wanted.find((value) => !allowed.includes(value))
  return foreign === undefined ? ok(wanted) : err({ reason: 'scopeNotAllowed', scope: foreign })
}
