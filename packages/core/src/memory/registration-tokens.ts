// Owns the initial access tokens of the in-memory store. Never sees one in clear; spending one is `registerClient`'s.

import type { RegistrationTokenStore } from '../store/index.ts'
import { keep, type MemoryState, record } from './state.ts'

/** Initial access tokens over a shared state. */
export const memoryRegistrationTokens = (state: MemoryState): RegistrationTokenStore => ({
  createRegistrationToken: async (token, occasion) => {
    if (state.registrationTokens.has(token.id)) return 'taken'
    state.registrationTokens.set(token.id, keep(token))
    record(state, occasion.events)
    return 'created'
  },

  findRegistrationToken: async (digest) =>
    [...state.registrationTokens.values()].find((token) => token.digest === digest),

  listRegistrationTokens: async ({ after, limit }) => {
    const ids = [...state.registrationTokens.keys()].sort().filter((id) => after === undefined || id > after)
    const shown = ids.slice(0, limit)
    return {
      items: shown.flatMap((id) => state.registrationTokens.get(id) ?? []),
      next: ids.length > shown.length ? shown.at(-1) : undefined,
    }
  },

  revokeRegistrationToken: async (id, occasion) => {
    if (!state.registrationTokens.delete(id)) return 'unknown'
    record(state, occasion.events)
    return 'revoked'
  },
})
