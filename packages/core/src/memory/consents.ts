// Owns the remembered consents of the in-memory store, and how a new one is merged in. Never decides whether one is needed.

import type { Instant } from '../base/index.ts'
import type { ConsentRecord, ConsentStore, InteractionSettlement } from '../store/index.ts'
import { keep, keyOf, type MemoryState, record } from './state.ts'

/** Unites a consent with what is remembered and not expired; a fresh version each time, so that none returns after a withdrawal. */
export const rememberConsent = (
  state: MemoryState,
  given: NonNullable<InteractionSettlement['consent']>,
  now: Instant,
): void => {
  const key = keyOf(given.subject, given.clientId)
  const stored = state.consents.get(key)
  const before: ConsentRecord | undefined = stored !== undefined && now < stored.expiresAt ? stored : undefined
  state.consents.set(
    key,
    keep({
      ...given,
      scope: [...new Set([...(before?.scope ?? []), ...given.scope])],
      claims: [...new Set([...(before?.claims ?? []), ...given.claims])],
      resources: [...new Set([...(before?.resources ?? []), ...given.resources])],
      version: ++state.serial,
    }),
  )
}

/** Consents over a shared state. */
export const memoryConsents = (state: MemoryState): ConsentStore => ({
  findConsent: async ({ subject, clientId }) => state.consents.get(keyOf(subject, clientId)),

  withdrawConsent: async ({ subject, clientId }, occasion) => {
    const forgotten = state.consents.delete(keyOf(subject, clientId))
    const open = [...state.grants.values()].filter(
      (entry) => entry.grant.subject === subject && entry.grant.clientId === clientId && entry.revokedAt === undefined,
    )
    if (!forgotten && open.length === 0) return 'unknown'
    for (const entry of open) state.grants.set(entry.grant.handle, { ...entry, revokedAt: occasion.now })
    record(state, occasion.events)
    return 'withdrawn'
  },
})
