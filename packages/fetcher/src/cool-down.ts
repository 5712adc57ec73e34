// Owns the rest that a URL gets after it failed. Never judges why it failed.

/** How long a URL rests, in milliseconds: `first` after one failure, doubled by each further one, never more than `most`. */
export interface CoolDownTimes {
  readonly first: number
  readonly most: number
}

/** Remembers which URLs failed a moment ago. */
export interface CoolDown {
  isResting(url: string): boolean
  failed(url: string): void
  answered(url: string): void
}

// Who names a thousand dead URLs makes the oldest forgotten, and is asked about no more than the gate lets through.
const MOST_URLS = 1000

/** Makes an empty memory; `now` is a monotonic clock in milliseconds. */
export const createCoolDown = (times: CoolDownTimes, now: () => number): CoolDown => {
  const resting = new Map<string, { readonly until: number; readonly rest: number }>()
  return {
    isResting: (url) => (resting.get(url)?.until ?? Number.NEGATIVE_INFINITY) > now(),
    failed: (url) => {
      const rest = Math.min(times.most, (resting.get(url)?.rest ?? times.first / 2) * 2)
      resting.delete(url)
      resting.set(url, { until: now() + rest, rest })
      const [oldest] = resting.keys()
      if (resting.size > MOST_URLS && oldest !== undefined) resting.delete(oldest)
    },
    answered: (url) => {
      resting.delete(url)
    },
  }
}
