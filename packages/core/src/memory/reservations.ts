// Owns the one-time identifiers of the in-memory store. Never verifies a proof.

import type { ReservationStore } from '../store/index.ts'
import { anyReserved } from './judge.ts'
import type { MemoryState } from './state.ts'
import { reserveAll } from './writes.ts'

/** One-time identifiers over a shared state. */
export const memoryReservations = (state: MemoryState): ReservationStore => ({
  reserve: async (reservations, now) => {
    if (anyReserved(state, reservations, now)) return 'replayed'
    reserveAll(state, reservations)
    return 'reserved'
  },
})
