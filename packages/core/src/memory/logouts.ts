// Owns who was signed in where in a session of the in-memory store, and the outbox of those who are to be told of its end. Never
// speaks to anybody.

import type { Instant, SessionId } from '../base/index.ts'
import type { GrantRecord, LogoutDeliveryRecord, LogoutStore, SessionRecord } from '../store/index.ts'
import { keep, keyOf, type MemoryState, record } from './state.ts'

/** Notes that a client was issued a code in a session. */
export const noteSessionClient = (state: MemoryState, { sid, clientId }: GrantRecord, incarnation: number): void => {
  state.sessionClients.set(keyOf(sid, clientId), { sid, clientId, incarnation })
}

const clientsIn = (state: MemoryState, sid: SessionId) =>
  [...state.sessionClients.values()].filter(
    (entry) => entry.sid === sid && state.clients.get(entry.clientId)?.incarnation === entry.incarnation,
  )

/** Ends a session: the one way in which any of them does. */
export const endSession = (state: MemoryState, session: SessionRecord, now: Instant): void => {
  state.sessions.set(session.sid, keep({ ...session, endedAt: now }))
  for (const { sid, clientId } of clientsIn(state, session.sid)) {
    const client = state.clients.get(clientId)?.record
    if (client === undefined || client.disabled || client.logout.backchannelUri === undefined) continue
    const delivery: LogoutDeliveryRecord = {
      sid,
      clientId,
      subject: session.subject,
      state: 'waiting',
      attempts: 0,
      takenAt: undefined,
      failure: undefined,
      createdAt: now,
      dueAt: now,
      expiresAt: now,
    }
    state.deliveries.set(keyOf(sid, clientId), keep(delivery))
  }
}

const byKey = (state: MemoryState): readonly (readonly [string, LogoutDeliveryRecord])[] =>
  [...state.deliveries].sort(([left], [right]) => (left < right ? -1 : 1))

/** The outbox over a shared state. */
export const memoryLogouts = (state: MemoryState): LogoutStore => ({
  listSessionClients: async (sids) =>
    [...new Set(sids)].flatMap((sid) => clientsIn(state, sid)).map(({ sid, clientId }) => ({ sid, clientId })),

  claimDeliveries: async ({ sids, limit, now, leaseUntil }) => {
    const due = byKey(state)
      .filter(([, one]) => one.state === 'waiting' && one.dueAt <= now && (sids === 'any' || sids.includes(one.sid)))
      .sort(([, left], [, right]) => left.dueAt - right.dueAt)
      .slice(0, limit)
    return due.map(([key, delivery]) => {
      const taken = keep({ ...delivery, attempts: delivery.attempts + 1, takenAt: now, dueAt: leaseUntil })
      state.deliveries.set(key, taken)
      return taken
    })
  },

  settleDelivery: async ({ sid, clientId, attempt, ...ending }, occasion) => {
    const key = keyOf(sid, clientId)
    const delivery = state.deliveries.get(key)
    if (delivery?.takenAt === undefined || delivery.attempts !== attempt) return 'stale'
    state.deliveries.set(key, keep({ ...delivery, ...ending, takenAt: undefined }))
    record(state, occasion.events)
    return 'settled'
  },

  listDeliveries: async ({ state: wanted, after, limit }) => {
    const found = byKey(state).filter(
      ([key, one]) => (wanted === undefined || one.state === wanted) && (after === undefined || key > after),
    )
    const shown = found.slice(0, limit)
    return { items: shown.map(([, one]) => one), next: found.length > shown.length ? shown.at(-1)?.[0] : undefined }
  },
})
