// Owns the ring as a node last read it. Never older than one second, and never a stale answer where the store cannot be reached.

import type { Instant } from '../base/index.ts'
import type { Clock } from '../ports/index.ts'
import type { KeyStore, StoredKey } from '../store/index.ts'
import { assertSoundKeys, type KeySource } from './records.ts'

interface Loaded {
  readonly at: Instant
  readonly keys: Promise<readonly StoredKey[]>
}

/**
 * Reads the ring of a store, at most once in a second of the clock; concurrent askers share one read. Rejects when the store does, and
 * with a `KeyConfigurationError` for a ring that holds a weak key.
 */
export const loadedKeys = (from: {
  readonly store: Pick<KeyStore, 'loadKeyRing'>
  readonly clock: Clock
}): KeySource => {
  let loaded: Loaded | undefined
  const load = async (): Promise<readonly StoredKey[]> => {
    const { keys } = await from.store.loadKeyRing()
    assertSoundKeys(keys)
    return keys
  }
  return {
    keys: async () => {
      const now = from.clock.now()
      if (loaded !== undefined && loaded.at === now) return loaded.keys
      const mine: Loaded = { at: now, keys: load() }
      loaded = mine
      try {
        return await mine.keys
      } catch (error) {
        if (loaded === mine) loaded = undefined
        throw error
      }
    },
  }
}
