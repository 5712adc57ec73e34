// Owns the grants and codes of the in-memory store: issuing, redeeming, revoking. Each transition is one synchronous step, so that
// nothing runs between its checks and its writes. Never sees a code, only its digest.

import type { Instant } from '../base/index.ts'
import type { CodeRedemption, CodeRedemptionOutcome, GrantStore } from '../store/index.ts'
import { anyReserved, basisHolds, canSpend, isLive, standsAt, stateAround } from './judge.ts'
import { refreshIn } from './refresh.ts'
import { type GrantEntry, keep, type MemoryState, record, spend } from './state.ts'
import { insertGrant, reserveAll, revoke, storeToken } from './writes.ts'

const findCode = (state: MemoryState, code: Pick<CodeRedemption, 'handle' | 'codeDigest'>): GrantEntry | undefined => {
  const entry = state.grants.get(code.handle)
  return entry?.codeDigest === code.codeDigest ? entry : undefined
}

const isBoundAs = ({ grant }: GrantEntry, presented: CodeRedemption): boolean =>
  grant.clientId === presented.clientId &&
  grant.codeChallenge === presented.codeChallenge &&
  (presented.redirectUriDigest === undefined
    ? grant.codeChallenge !== undefined
    : grant.redirectUriDigest === presented.redirectUriDigest)

/** The judgement alone, in the order of the contract. */
const judge = (state: MemoryState, redemption: CodeRedemption, now: Instant): CodeRedemptionOutcome => {
  const entry = findCode(state, redemption)
  if (entry === undefined) return { outcome: 'unknown' }
  if (!isBoundAs(entry, redemption)) return { outcome: 'mismatched' }
  if (anyReserved(state, redemption.proofs, now)) return { outcome: 'proofReplayed' }
  if (entry.redeemedAt !== undefined) {
    return { outcome: 'replayed', handle: entry.grant.handle, subject: entry.grant.subject }
  }
  if (entry.revokedAt !== undefined) return { outcome: 'revoked' }
  if (now >= entry.grant.codeExpiresAt) return { outcome: 'expired' }
  const around = stateAround(state, entry)
  if (!standsAt(around, redemption.basis)) return { outcome: 'stale' }
  if (!entry.grant.offline && !isLive(around.session, now)) return { outcome: 'stale' }
  return { outcome: 'redeemed' }
}

/** Grants over a shared state. */
export const memoryGrants = (state: MemoryState): GrantStore => ({
  issueAuthorizationCode: async (issue, occasion) => {
    if (!basisHolds(state, issue, { now: occasion.now, consent: 'compared' })) return 'stale'
    if (!canSpend(state, issue.pushedRequest)) return 'requestSpent'
    spend(state, issue.pushedRequest, occasion.now)
    insertGrant(state, issue)
    record(state, occasion.events)
    return 'issued'
  },

  findAuthorizationCode: async (code) => {
    const entry = findCode(state, code)
    return entry && { grant: entry.grant, redeemedAt: entry.redeemedAt, state: stateAround(state, entry) }
  },

  redeemAuthorizationCode: async (redemption, occasion) => {
    const judged = judge(state, redemption, occasion.now)
    const entry = state.grants.get(redemption.handle)
    if (entry === undefined) return judged
    if (judged.outcome === 'replayed') {
      reserveAll(state, redemption.proofs)
      if (revoke(state, entry, occasion.now) === 'revoked') record(state, occasion.replayEvents)
    }
    if (judged.outcome === 'redeemed') {
      storeToken(state, redemption.accessToken)
      const refresh = redemption.refresh && keep(redemption.refresh)
      state.grants.set(entry.grant.handle, { ...entry, redeemedAt: occasion.now, refresh })
      reserveAll(state, redemption.proofs)
      record(state, occasion.events)
    }
    return judged
  },

  findRefresh: async (handle) => {
    const entry = state.grants.get(handle)
    if (entry?.refresh === undefined) return undefined
    return { grant: entry.grant, refresh: entry.refresh, state: stateAround(state, entry) }
  },

  refreshGrant: async (refresh, occasion) => refreshIn(state, refresh, occasion),

  revokeGrant: async (handle, occasion) => {
    const entry = state.grants.get(handle)
    if (entry === undefined) return 'unknown'
    const outcome = revoke(state, entry, occasion.now)
    if (outcome === 'revoked') record(state, occasion.events)
    return outcome
  },
})
