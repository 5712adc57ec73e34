// Owns the signing keys of the in-memory store. Never opens a sealed key.

import type { KeyStore } from '../store/index.ts'
import { keep, type MemoryState, record } from './state.ts'

/** The key ring over a shared state. */
export const memoryKeys = (state: MemoryState): KeyStore => ({
  loadKeyRing: async () => state.ring,

  saveKeyRing: async ({ revision, keys }, occasion) => {
    if (state.ring.revision !== revision) return 'stale'
    state.ring = keep({ revision: revision + 1, keys })
    record(state, occasion.events)
    return 'saved'
  },
})
