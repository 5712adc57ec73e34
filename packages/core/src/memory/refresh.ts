// Owns the refreshing of a grant in the in-memory store: one synchronous step, so that nothing runs between its checks and its writes.
// Never sees a token, only its digest.

import type { Instant } from '../base/index.ts'
import type { GrantRefresh, GrantStore, RefreshOutcome, RefreshRecord, TokenBinding } from '../store/index.ts'
import { anyReserved, isLive, standsAt, stateAround } from './judge.ts'
import { type GrantEntry, keep, type MemoryState, record } from './state.ts'
import { reserveAll, revoke, storeToken } from './writes.ts'

type Occasion = Parameters<GrantStore['refreshGrant']>[1]

const isBoundAs = (bound: TokenBinding | undefined, proven: TokenBinding | undefined): boolean =>
  bound === undefined || (bound.method === proven?.method && bound.thumbprint === proven.thumbprint)

const isInWindow = (state: RefreshRecord, refresh: GrantRefresh, now: Instant): boolean => {
  const window = refresh.rotation?.window ?? 0
  // Where there is none, a request that read the clock before the one that rotated is late all the same.
  return (
    window > 0 &&
    refresh.presented === state.previous &&
    state.rotatedAt !== undefined &&
    now < state.rotatedAt + window
  )
}

/** The judgement alone, in the order of the contract. */
const judge = (
  state: MemoryState,
  refresh: GrantRefresh,
  now: Instant,
): { readonly ruling: RefreshOutcome; readonly entry: GrantEntry | undefined } => {
  const entry = state.grants.get(refresh.handle)
  const before = entry?.refresh
  const known =
    before !== undefined && (refresh.minted || [before.current, before.previous].includes(refresh.presented))
  if (entry === undefined || before === undefined || !known) return { ruling: { outcome: 'unknown' }, entry: undefined }
  const rule = (): RefreshOutcome => {
    if (entry.grant.clientId !== refresh.clientId || !isBoundAs(before.binding, refresh.binding)) {
      return { outcome: 'mismatched' }
    }
    if (anyReserved(state, refresh.proofs, now)) return { outcome: 'proofReplayed' }
    if (entry.revokedAt !== undefined) return { outcome: 'revoked' }
    if (now >= before.idleExpiresAt || now >= before.absoluteExpiresAt) return { outcome: 'expired' }
    const current = refresh.presented === before.current
    if (!current && !isInWindow(before, refresh, now)) {
      return { outcome: 'replayed', handle: entry.grant.handle, subject: entry.grant.subject }
    }
    const around = stateAround(state, entry)
    const sessionHolds = entry.grant.offline || isLive(around.session, now)
    if (!standsAt(around, refresh.basis) || !sessionHolds) return { outcome: 'stale' }
    if (!current) return { outcome: 'retried', salt: before.salt ?? '' }
    return { outcome: refresh.rotation === undefined ? 'kept' : 'rotated' }
  }
  return { ruling: rule(), entry }
}

const moved = (before: RefreshRecord, refresh: GrantRefresh, now: Instant): RefreshRecord => {
  const { rotation } = refresh
  const idleExpiresAt =
    refresh.idleExpiresAt < before.absoluteExpiresAt ? refresh.idleExpiresAt : before.absoluteExpiresAt
  if (rotation === undefined) return keep({ ...before, idleExpiresAt })
  const turned = { current: rotation.successor, previous: before.current, salt: rotation.salt, rotatedAt: now }
  return keep({ ...before, ...turned, idleExpiresAt })
}

/** Honours, answers again, or refuses a refresh token; a replay revokes the grant. */
export const refreshIn = (state: MemoryState, refresh: GrantRefresh, occasion: Occasion): RefreshOutcome => {
  const { ruling, entry } = judge(state, refresh, occasion.now)
  if (entry?.refresh === undefined) return ruling
  switch (ruling.outcome) {
    case 'replayed':
      reserveAll(state, refresh.proofs)
      revoke(state, entry, occasion.now)
      record(state, occasion.replayEvents)
      return ruling
    case 'retried':
      reserveAll(state, refresh.proofs)
      storeToken(state, refresh.accessToken)
      record(state, occasion.retryEvents)
      return ruling
    case 'rotated':
    case 'kept':
      reserveAll(state, refresh.proofs)
      storeToken(state, refresh.accessToken)
      state.grants.set(entry.grant.handle, { ...entry, refresh: moved(entry.refresh, refresh, occasion.now) })
      record(state, occasion.events)
      return ruling
    default:
      return ruling
  }
}
