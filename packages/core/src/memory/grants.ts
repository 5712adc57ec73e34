// Owns the grants and codes of the in-memory store: issuing, redeeming, revoking. Each transition is one synchronous step, so that
// nothing runs between its checks and its writes. Never sees a code, only its digest.

import type { Instant } from '../base/index.ts'
import type { CodeIssue, CodeRedemption, CodeRedemptionOutcome, GrantStore, ReservationRecord } from '../store/index.ts'
import { anyReserved, basisHolds, canSpend, isLive, standsAt, stateAround } from './judge.ts'
import { type GrantEntry, insertNew, keep, keyOf, type MemoryState, record, spend } from './state.ts'

/** Stores a grant whose basis was found to hold. */
export const insertGrant = (state: MemoryState, { grant, codeDigest }: CodeIssue): void => {
  const client = state.clients.get(grant.clientId)
  if (client === undefined) throw new TypeError('a grant needs its client')
  const entry = { grant: keep(grant), codeDigest, clientIncarnation: client.incarnation }
  insertNew(state.grants, grant.handle, { ...entry, redeemedAt: undefined, revokedAt: undefined })
}

/** Reserves identifiers that were found free. */
export const reserveAll = (state: MemoryState, proofs: readonly ReservationRecord[]): void => {
  for (const proof of proofs) state.reservations.set(keyOf(proof.namespace, proof.digest), proof.expiresAt)
}

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

const revoke = (state: MemoryState, entry: GrantEntry, now: Instant): 'revoked' | 'alreadyRevoked' => {
  if (entry.revokedAt !== undefined) return 'alreadyRevoked'
  state.grants.set(entry.grant.handle, { ...entry, revokedAt: now })
  return 'revoked'
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
      const { accessToken } = redemption
      insertNew(state.tokens, keyOf(accessToken.handle, accessToken.digest), keep(accessToken))
      state.grants.set(entry.grant.handle, { ...entry, redeemedAt: occasion.now })
      reserveAll(state, redemption.proofs)
      record(state, occasion.events)
    }
    return judged
  },

  revokeGrant: async (handle, occasion) => {
    const entry = state.grants.get(handle)
    if (entry === undefined) return 'unknown'
    const outcome = revoke(state, entry, occasion.now)
    if (outcome === 'revoked') record(state, occasion.events)
    return outcome
  },
})
