// Owns how the in-memory store is opened for the contract suite. Never shares a state between two cases.

import { emptyState } from '#src/memory/state.js'
import { storesOver } from '#src/memory/stores.js'
import type { StoreHarness } from '#src/store-contract/index.js'

/** An empty in-memory store with a door to its audit events. */
export const openMemory = async (): Promise<StoreHarness> => {
  const state = emptyState()
  return { stores: storesOver(state), readEvents: async () => [...state.events], close: async () => undefined }
}
