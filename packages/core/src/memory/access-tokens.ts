// Owns the reading of access tokens in the in-memory store. Never writes one: the transitions that issue them do.

import type { AccessTokenStore } from '../store/index.ts'
import { stateAround } from './judge.ts'
import { keyOf, type MemoryState } from './state.ts'

/** Access tokens over a shared state. */
export const memoryAccessTokens = (state: MemoryState): AccessTokenStore => ({
  findAccessToken: async ({ handle, digest }) => {
    const token = state.tokens.get(keyOf(handle, digest))
    const entry = state.grants.get(handle)
    // No transition revokes a single token yet: what kills it is its grant.
    return token && entry && { token, revokedAt: undefined, grant: entry.grant, state: stateAround(state, entry) }
  },
})
