// Owns scope values: their syntax and which of them a client may have. Never decides what a scope releases.

import { err, ok, type Result } from '../base/index.ts'
import { LIMITS, OFFLINE_ACCESS } from '../spec/index.ts'

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

/** What a client may have. */
export interface AllowedScope {
  readonly scopes: readonly string[]
  /** Whether offline access means anything for it: without refresh tokens it is ignored, never an error (OIDC Core §11). */
  readonly offline: boolean
}

/** Limits what was asked to what the client may have; asking for more is refused, never silently cut (RFC 6749 §3.3). */
export const decideScope = (
  requested: readonly string[],
  allowed: AllowedScope,
): Result<readonly string[], ScopeRejection> => {
  const wanted = requested.filter((value) => value !== OFFLINE_ACCESS)
  if (wanted.length === 0) return err({ reason: 'scopeMissing' })
  const foreign = wanted.find((value) => !allowed.scopes.includes(value))
  if (foreign !== undefined) return err({ reason: 'scopeNotAllowed', scope: foreign })
  return ok(allowed.offline ? requested : wanted)
}
