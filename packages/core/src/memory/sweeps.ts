// Owns the upkeep of the in-memory store. Never takes what still counts: a grant goes after its last token.

import type { GrantHandle, Instant } from '../base/index.ts'
import type { SessionRecord, SweepStore } from '../store/index.ts'
import type { MemoryState } from './state.ts'

/** Deletes at most `limit` entries that are over; answers how many went. */
const sweepMap = <K, V>(
  map: Map<K, V>,
  limit: number,
  isOver: (value: V) => boolean,
  after?: (value: V) => void,
): number => {
  let gone = 0
  for (const [key, value] of map) {
    if (gone === limit) break
    if (!isOver(value)) continue
    map.delete(key)
    after?.(value)
    gone++
  }
  return gone
}

const handlesInUse = (state: MemoryState): ReadonlySet<GrantHandle> =>
  new Set([...state.tokens.values()].map(({ token }) => token.handle))

const forgetSession = (state: MemoryState, { sid, secretDigest }: SessionRecord): void => {
  state.sessionIds.delete(secretDigest)
  for (const [key, entry] of state.sessionClients) if (entry.sid === sid) state.sessionClients.delete(key)
}

/** Upkeep over a shared state. */
export const memorySweeps = (state: MemoryState): SweepStore => ({
  sweepExpired: async ({ before, limit }) => {
    const isOver = (end: Instant): boolean => end < before
    const tokens = sweepMap(state.tokens, limit, ({ token }) => isOver(token.expiresAt))
    const used = handlesInUse(state)
    return (
      tokens +
      sweepMap(state.revokedJwts, limit, (jwt) => isOver(jwt.expiresAt)) +
      sweepMap(
        state.grants,
        limit,
        ({ grant, refresh }) =>
          isOver(grant.codeExpiresAt) &&
          (refresh === undefined || isOver(refresh.idleExpiresAt)) &&
          !used.has(grant.handle),
      ) +
      sweepMap(
        state.sessions,
        limit,
        (session) => isOver(session.idleExpiresAt) || isOver(session.absoluteExpiresAt),
        (session) => forgetSession(state, session),
      ) +
      sweepMap(state.deliveries, limit, (delivery) => isOver(delivery.expiresAt)) +
      sweepMap(state.consents, limit, (consent) => isOver(consent.expiresAt)) +
      sweepMap(state.interactions, limit, (interaction) => isOver(interaction.expiresAt)) +
      sweepMap(state.pushedRequests, limit, ({ pushed }) => isOver(pushed.keptUntil)) +
      sweepMap(state.devices, limit, ({ device }) => isOver(device.keptUntil)) +
      sweepMap(state.reservations, limit, isOver) +
      sweepMap(state.registrationTokens, limit, (token) => isOver(token.expiresAt)) +
      sweepMap(
        state.clients,
        limit,
        ({ record }) => record.unusedExpiresAt !== undefined && isOver(record.unusedExpiresAt),
      ) +
      sweepMap(state.attempts, limit, (entry) => isOver(entry.blockedUntil) && isOver(entry.forgottenAt))
    )
  },
})
