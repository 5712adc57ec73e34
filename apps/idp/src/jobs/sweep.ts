// Owns deleting what expired, in small batches. Never decides what is expired: expiry is judged at use, and this is housekeeping.

import { type Clock, later, type Stores } from '@vouchsafe/core'

const BATCH = 1000
// At most this many batches at a time, so that one sweep never becomes a load of its own.
const MOST_BATCHES = 100
// A used code is kept for a day after its end, so that a late replay is still seen as one.
const KEEP = 24 * 60 * 60

/** Ends sessions that are over by time, as any other ending would: their apps are told. */
const endExpired = async (sessions: Stores['sessions'], clock: Clock): Promise<void> => {
  for (let batches = 0; batches < MOST_BATCHES; batches++) {
    if ((await sessions.endExpiredSessions({ now: clock.now(), limit: BATCH })) < BATCH) return
  }
}

/** One sweep, until a batch is not full; every node does it, and two do not wait for one another. What is over is ended before it is deleted. */
export const sweep = async ({ sessions, sweeps }: Pick<Stores, 'sessions' | 'sweeps'>, clock: Clock): Promise<void> => {
  await endExpired(sessions, clock)
  const before = later(clock.now(), -KEEP)
  for (let batches = 0; batches < MOST_BATCHES; batches++) {
    if ((await sweeps.sweepExpired({ before, limit: BATCH })) < BATCH) return
  }
}
