// Owns the interactions of the in-memory store. Never decides what a person is asked next.

import type { Digest, Instant } from '../base/index.ts'
import type { InteractionMove, InteractionRecord, InteractionRefusal, InteractionStore } from '../store/index.ts'
import { rememberConsent } from './consents.ts'
import { basisHolds, canSpend } from './judge.ts'
import { insertNew, keep, type MemoryState, record, spend } from './state.ts'
import { insertGrant } from './writes.ts'

type Judged =
  | { readonly open: InteractionRecord }
  | { readonly open: undefined; readonly refusal: Exclude<InteractionRefusal, 'stale'> }

const refuse = (refusal: Exclude<InteractionRefusal, 'stale'>): Judged => ({ open: undefined, refusal })

/** What comes before the revision: there, this browser's, not settled, not expired. */
const judge = (
  state: MemoryState,
  id: string,
  by: { readonly mayMove: (bound: Digest | undefined) => boolean; readonly now: Instant },
): Judged => {
  const stored = state.interactions.get(id)
  if (stored === undefined) return refuse('unknown')
  if (!by.mayMove(stored.browserDigest)) return refuse('mismatched')
  if (stored.settledAt !== undefined) return refuse('alreadySettled')
  if (by.now >= stored.expiresAt) return refuse('expired')
  return { open: stored }
}

const judgeMove = (
  state: MemoryState,
  move: InteractionMove,
  now: Instant,
): Judged | { readonly open: undefined; readonly refusal: 'stale' } => {
  const judged = judge(state, move.id, { mayMove: (bound) => bound === move.browserDigest, now })
  if (judged.open === undefined || judged.open.revision === move.revision) return judged
  return { open: undefined, refusal: 'stale' }
}

/** Interactions over a shared state. */
export const memoryInteractions = (state: MemoryState): InteractionStore => ({
  openInteraction: async (interaction) => {
    insertNew(state.interactions, interaction.id, keep(interaction))
    return 'opened'
  },

  findInteraction: async (id) => state.interactions.get(id),

  bindInteraction: async ({ id, browserDigest, now }) => {
    const mayMove = (bound: Digest | undefined): boolean => bound === undefined || bound === browserDigest
    const judged = judge(state, id, { mayMove, now })
    if (judged.open === undefined) return judged.refusal
    state.interactions.set(id, keep({ ...judged.open, browserDigest }))
    return 'bound'
  },

  advanceInteraction: async ({ progress, now, ...move }) => {
    const judged = judgeMove(state, move, now)
    if (judged.open === undefined) return judged.refusal
    state.interactions.set(move.id, keep({ ...judged.open, progress, revision: judged.open.revision + 1 }))
    return 'advanced'
  },

  settleInteraction: async ({ settlement, ...move }, { now, events }) => {
    const judged = judgeMove(state, move, now)
    if (judged.open === undefined) return judged.refusal
    const { issue, consent } = settlement
    const against = { now, consent: consent === undefined ? 'compared' : 'recorded' } as const
    if (issue !== undefined && !basisHolds(state, issue, against)) return 'stale'
    if (!canSpend(state, judged.open.pushedRequest)) return 'requestSpent'
    spend(state, judged.open.pushedRequest, now)
    if (issue !== undefined) insertGrant(state, issue)
    if (consent !== undefined) rememberConsent(state, consent, now)
    state.interactions.set(move.id, keep({ ...judged.open, settledAt: now }))
    record(state, events)
    return 'settled'
  },
})
