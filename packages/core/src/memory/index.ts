// The door of the in-memory reference store. Never outlives its process: it is for tests, for trying out and for one node that may forget.

import type { Stores } from '../store/index.ts'
import { emptyState } from './state.ts'
import { storesOver } from './stores.ts'

/** New, empty stores in memory; they answer as the contract says, and forget everything when the process ends. */
export const createMemoryStores = (): Stores => storesOver(emptyState())
