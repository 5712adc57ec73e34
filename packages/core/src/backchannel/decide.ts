// Owns what becomes of a delivery after an attempt. Pure.

import { type Instant, later } from '../base/index.ts'
import type { FetchOutcome } from '../ports/index.ts'
import { LOGOUT_DELIVERY } from '../spec/index.ts'
import type { LogoutSettlement } from '../store/index.ts'

/** What an attempt came to: delivered, or why not, and whether it may still come right. */
export type AttemptVerdict =
  | { readonly kind: 'delivered' }
  | { readonly kind: 'failed'; readonly reason: string; readonly retry: boolean }

// What may be otherwise in a moment. The other refusals rest on what is registered, and stay until that is changed.
const PASSING: ReadonlySet<string> = new Set(['timedOut', 'unreachable', 'coolingDown', 'tooLarge', 'notText'])

/** Any 2xx will do (OIDC Back-Channel Logout §2.8); a client's own no is final, a server's fault is not. */
export const judgeAttempt = (outcome: FetchOutcome): AttemptVerdict => {
  if (outcome.outcome === 'refused') {
    return { kind: 'failed', reason: outcome.reason, retry: PASSING.has(outcome.reason) }
  }
  const { status } = outcome
  if (status >= 200 && status < 300) return { kind: 'delivered' }
  const retry = status >= 500 || status === 408 || status === 429
  return { kind: 'failed', reason: `answered${status}`, retry }
}

/** Where a delivery stands after its attempt of this number. */
export const decideSettlement = (
  verdict: AttemptVerdict,
  attempt: number,
  now: Instant,
): Pick<LogoutSettlement, 'state' | 'failure' | 'dueAt' | 'expiresAt'> => {
  if (verdict.kind === 'delivered') {
    return { state: 'delivered', failure: undefined, dueAt: now, expiresAt: later(now, LOGOUT_DELIVERY.keepDelivered) }
  }
  const pause = verdict.retry ? LOGOUT_DELIVERY.pauses[attempt - 1] : undefined
  const expiresAt = later(now, LOGOUT_DELIVERY.keepDead)
  if (pause === undefined) return { state: 'dead', failure: verdict.reason, dueAt: now, expiresAt }
  return { state: 'waiting', failure: verdict.reason, dueAt: later(now, pause), expiresAt }
}
