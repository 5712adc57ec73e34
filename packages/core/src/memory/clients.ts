// Owns the clients of the in-memory store. Never validates a registration.

import type { Digest, Instant } from '../base/index.ts'
import type { ClientStore, RegistrationTokenRecord } from '../store/index.ts'
import { keep, type MemoryState, record } from './state.ts'

/** The token as it is after one more use, or why it has none. */
const spend = (
  state: MemoryState,
  tokenDigest: Digest,
  now: Instant,
): RegistrationTokenRecord | 'tokenUnknown' | 'tokenExpired' | 'tokenSpent' => {
  const token = [...state.registrationTokens.values()].find(({ digest }) => digest === tokenDigest)
  if (token === undefined) return 'tokenUnknown'
  if (token.expiresAt <= now) return 'tokenExpired'
  return token.usesLeft > 0 ? { ...token, usesLeft: token.usesLeft - 1 } : 'tokenSpent'
}

/** Clients over a shared state. */
export const memoryClients = (state: MemoryState): ClientStore => ({
  findClient: async (clientId) => state.clients.get(clientId)?.record,

  isRegisteredOrigin: async (origin) =>
    [...state.clients.values()].some(({ record }) => !record.disabled && record.corsOrigins.includes(origin)),

  listClients: async ({ after, limit }) => {
    const ids = [...state.clients.keys()].sort().filter((id) => after === undefined || id > after)
    const shown = ids.slice(0, limit)
    return {
      items: shown.flatMap((id) => state.clients.get(id)?.record ?? []),
      next: ids.length > shown.length ? shown.at(-1) : undefined,
    }
  },

  createClient: async (client, occasion) => {
    if (state.clients.has(client.clientId)) return 'taken'
    state.clients.set(client.clientId, { record: keep(client), incarnation: ++state.serial })
    record(state, occasion.events)
    return 'created'
  },

  registerClient: async ({ client, tokenDigest }, occasion) => {
    const spent = tokenDigest === undefined ? undefined : spend(state, tokenDigest, occasion.now)
    if (typeof spent === 'string') return spent
    if (state.clients.has(client.clientId)) return 'taken'
    if (spent !== undefined) state.registrationTokens.set(spent.id, keep(spent))
    state.clients.set(client.clientId, { record: keep(client), incarnation: ++state.serial })
    record(state, occasion.events)
    return 'registered'
  },

  keepClient: async (clientId) => {
    const stored = state.clients.get(clientId)
    if (stored === undefined) return 'unknown'
    const { record: client } = stored
    if (client.unusedExpiresAt === undefined) return 'alreadyKept'
    const kept = { ...client, unusedExpiresAt: undefined, version: client.version + 1 }
    state.clients.set(clientId, { ...stored, record: keep(kept) })
    return 'kept'
  },

  updateClient: async (client, occasion) => {
    const stored = state.clients.get(client.clientId)
    if (stored === undefined) return 'unknown'
    if (stored.record.version !== client.version - 1) return 'stale'
    state.clients.set(client.clientId, { ...stored, record: keep(client) })
    record(state, occasion.events)
    return 'updated'
  },

  deleteClient: async (clientId, occasion) => {
    if (!state.clients.delete(clientId)) return 'unknown'
    for (const [key, consent] of state.consents) if (consent.clientId === clientId) state.consents.delete(key)
    record(state, occasion.events)
    return 'deleted'
  },
})
