// Owns the protected resources of the in-memory store. Never decides who may use one.

import type { ResourceStore } from '../store/index.ts'
import { keep, type MemoryState, record } from './state.ts'

/** Protected resources over a shared state. */
export const memoryResources = (state: MemoryState): ResourceStore => ({
  listResources: async () =>
    [...state.resources.keys()].sort().flatMap((identifier) => state.resources.get(identifier) ?? []),

  saveResource: async (resource, occasion) => {
    const version = state.resources.get(resource.identifier)?.version ?? 0
    if (version !== resource.version - 1) return 'stale'
    state.resources.set(resource.identifier, keep(resource))
    record(state, occasion.events)
    return 'saved'
  },

  deleteResource: async (identifier, occasion) => {
    if (!state.resources.delete(identifier)) return 'unknown'
    record(state, occasion.events)
    return 'deleted'
  },
})
