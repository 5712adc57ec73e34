// Owns the counters of failed attempts in the in-memory store. Never knows whose they are: keys are digests.

import { type Instant, instant, later } from '../base/index.ts'
import type { AttemptPolicy, AttemptStore } from '../store/index.ts'
import type { AttemptEntry, MemoryState } from './state.ts'

// A free failure blocks nobody, not even an attempt that read the clock a second earlier and came later.
const blockAfter = (failures: number, policy: AttemptPolicy, now: Instant): Instant => {
  if (failures <= policy.free) return instant(0)
  return later(now, Math.min(policy.maxDelay, policy.baseDelay * 2 ** (failures - policy.free - 1)))
}

const count = (stored: AttemptEntry | undefined, policy: AttemptPolicy, now: Instant): AttemptEntry => {
  const failures = 1 + (stored !== undefined && now < stored.forgottenAt ? stored.failures : 0)
  return {
    failures,
    blockedUntil: blockAfter(failures, policy, now),
    forgottenAt: later(now, policy.forgetAfter),
  }
}

/** Counters over a shared state. */
export const memoryAttempts = (state: MemoryState): AttemptStore => ({
  admitAttempt: async (keys, now) => {
    const until = Math.max(...keys.map(({ key }) => state.attempts.get(key)?.blockedUntil ?? now), now)
    if (until > now) return { outcome: 'throttled', until: instant(until) }
    for (const { key, policy } of keys) state.attempts.set(key, count(state.attempts.get(key), policy, now))
    return { outcome: 'admitted' }
  },

  absolveAttempt: async ({ reset, undo }) => {
    for (const key of reset) state.attempts.delete(key)
    for (const key of undo) {
      const stored = state.attempts.get(key)
      if (stored === undefined) continue
      const failures = Math.max(0, stored.failures - 1)
      state.attempts.set(key, { ...stored, failures, blockedUntil: instant(0) })
    }
  },
})
