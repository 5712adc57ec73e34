// Owns writing the events that rode in no transition: in bounded batches, behind the requests. Never fails a request and never grows
// without limit; what a crash or a full buffer loses is at most the last second, and it is counted.

import type { AuditEntry, AuditStore } from '@vouchsafe/core'

/** A sink that requests hand events to. */
export interface AuditBatch {
  /** Takes events; returns at once. */
  record(events: readonly AuditEntry[]): void
  /** Writes what is left; for the end of the process. */
  flush(): Promise<void>
}

// Written at the latest after this many milliseconds.
const INTERVAL = 500
const BATCH = 500
// About 5 MB; beyond it the newest are dropped, and the loss is reported.
const CAPACITY = 10_000

/** Makes the sink; `onTrouble` is told of every batch that could not be written and of every loss. */
export const createAuditBatch = (
  store: AuditStore,
  onTrouble: (trouble: { readonly lost: number; readonly error: unknown }) => void,
): AuditBatch => {
  let waiting: AuditEntry[] = []
  let writing: Promise<void> = Promise.resolve()
  let timer: NodeJS.Timeout | undefined

  const writeAll = async (): Promise<void> => {
    while (waiting.length > 0) {
      const batch = waiting.slice(0, BATCH)
      try {
        await store.appendEvents(batch)
        waiting = waiting.slice(batch.length)
      } catch (error) {
        onTrouble({ lost: 0, error })
        return
      }
    }
  }
  const write = (): Promise<void> => {
    clearTimeout(timer)
    timer = undefined
    writing = writing.then(writeAll).then(() => {
      if (waiting.length > 0) schedule()
    })
    return writing
  }
  const schedule = (): void => {
    if (timer !== undefined) return
    timer = setTimeout(() => void write(), INTERVAL)
    timer.unref()
  }
  return {
    record: (events) => {
      const room = CAPACITY - waiting.length
      waiting.push(...events.slice(0, room))
      if (events.length > room) onTrouble({ lost: events.length - room, error: undefined })
      if (waiting.length >= BATCH) void write()
      else if (waiting.length > 0) schedule()
    },
    flush: write,
  }
}
