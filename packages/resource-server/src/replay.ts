// Owns the memory of proofs that were used, for one process, bounded. Never forgets one that is still good: when it is full it refuses.

/** Remembers used proofs. Whoever shares one between processes makes the check and the write one step, e.g. `SET key 1 NX EX ttl`. */
export interface ReplayStore {
  /**
   * Takes a key until a time in seconds since 1970. Of any number of calls for one key before that time exactly one answers `reserved`;
   * `full` when it cannot remember more. What it throws is answered 503.
   */
  readonly reserve: (
    key: string,
    until: number,
    now: number,
  ) => 'reserved' | 'replayed' | 'full' | Promise<'reserved' | 'replayed' | 'full'>
}

// About 10 MB when full; with proofs good for 90 s, a process then serves over a thousand bound requests in each second.
const DEFAULT_CAPACITY = 100_000

/** A replay store in memory, for one process; `capacity` is how many proofs it remembers at a time (RFC 9449 §11.1). */
export const createMemoryReplayStore = (capacity: number = DEFAULT_CAPACITY): ReplayStore => {
  const taken = new Map<string, number>()
  // Keys are reserved for one span each, so they end in the order in which they came.
  const forget = (now: number): void => {
    for (const [key, until] of taken) {
      if (until > now) return
      taken.delete(key)
    }
  }
  return {
    reserve: (key, until, now) => {
      forget(now)
      if (taken.has(key)) return 'replayed'
      if (taken.size >= capacity) return 'full'
      taken.set(key, until)
      return 'reserved'
    },
  }
}
