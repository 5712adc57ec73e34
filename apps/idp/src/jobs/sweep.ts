// Owns deleting what expired, in small batches. Never decides what is expired: expiry is judged at use, and this is housekeeping.

import { type Clock, later, type SweepStore } from '@vouchsafe/core'

const BATCH = 1000
// At most this many batches at a time, so that one sweep never becomes a load of its own.
const MOST_BATCHES = 100
// A used code is kept for a day after its end, so that a late replay is still seen as one.
const KEEP = 24 * 60 * 60

/** One sweep, until a batch is not full; every node does it, and two do not wait for one another. */
export const sweep = async (sweeps: SweepStore, clock: Clock): Promise<void> => {
  const before = later(clock.now(), -KEEP)
  for (let batches = 0; batches < MOST_BATCHES; batches++) {
    if ((await sweeps.sweepExpired({ before, limit: BATCH })) < BATCH) return
  }
}
