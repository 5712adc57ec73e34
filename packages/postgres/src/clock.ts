// Owns one time for all nodes: the database's, carried on between measurements by this node's monotonic clock. Never reads the
// node's own wall clock, so that no result depends on which node a request reached.

import { type Instant, instant } from '@vouchsafe/core'
import type postgres from 'postgres'
import { withDeadline } from './database.ts'
import { storeError, translateError } from './errors.ts'

/** The database's time on this node. */
export interface DatabaseClock {
  /** The current instant in whole seconds. */
  now(): Instant
  /** How far this clock was from the database's at the last measurement, in seconds. */
  drift(): number
  /** Whether the last measurement is fresh and found no more than two seconds of drift. */
  ready(): boolean
  /** Measures no more. */
  stop(): void
}

/** Settings of the clock, all in seconds. */
export interface DatabaseClockOptions {
  /** Time between two measurements; 10 unless set. */
  readonly interval?: number
  /** Age of the last good measurement beyond which the clock is not ready; 60 unless set. */
  readonly maxAge?: number
}

/** Seconds of drift beyond which a node must serve nothing: a code lives 60 s and an assertion is forgiven 10 s. */
export const MAX_DRIFT = 2

/** A round trip above this says too little about the time in its middle, in seconds. */
const MAX_ROUND_TRIP = 1

/** Seconds that a measurement is waited for; on a connection that fell silent the driver waits without end. */
const PATIENCE = 10

/** One look at the database's clock: the offset from this node's monotonic clock, in seconds, and when it was made. */
interface Measurement {
  readonly offset: number
  readonly at: number
}

const monotonic = (): number => performance.now() / 1000

const measureOnce = async (sql: postgres.Sql): Promise<Measurement | undefined> => {
  const sent = monotonic()
  const [row] = await sql<{ now: number }[]>`select extract(epoch from clock_timestamp())::float8 as now`
  const received = monotonic()
  if (row === undefined || received - sent > MAX_ROUND_TRIP) return undefined
  return { offset: Number(row.now) - (sent + received) / 2, at: received }
}

/** What the clock goes by, and a step that one measurement saw and none has confirmed. */
interface State {
  readonly trusted: Measurement
  readonly drift: number
  readonly doubted: Measurement | undefined
}

/**
 * What follows from a measurement. Small drift is corrected at once. A step (of the database's clock, or of a node that was
 * asleep) makes the clock unready, and is believed when a second measurement agrees with the first.
 */
export const judgeMeasurement = (state: State, measured: Measurement): State => {
  const drift = measured.offset - state.trusted.offset
  if (Math.abs(drift) <= MAX_DRIFT) return { trusted: measured, drift, doubted: undefined }
  const confirmed = state.doubted !== undefined && Math.abs(measured.offset - state.doubted.offset) <= MAX_DRIFT
  return confirmed ? { trusted: measured, drift: 0, doubted: undefined } : { ...state, drift, doubted: measured }
}

/** The first measurement; a slow one is tried again. */
const begin = async (sql: postgres.Sql): Promise<State> => {
  for (let attempt = 0; attempt < 3; attempt++) {
    const trusted = await withDeadline(PATIENCE, () => measureOnce(sql)).catch((thrown: unknown) => {
      throw translateError(thrown)
    })
    if (trusted !== undefined) return { trusted, drift: 0, doubted: undefined }
  }
  throw storeError('store_unavailable', 'the database answers too slowly to tell the time')
}

/**
 * Starts a clock that follows the database's. Rejects with `store_unavailable` when the first measurement fails; a later one that
 * fails leaves the clock going and, after `maxAge`, not ready.
 */
export const createDatabaseClock = async (
  sql: postgres.Sql,
  options: DatabaseClockOptions = {},
): Promise<DatabaseClock> => {
  const interval = options.interval ?? 10
  const maxAge = options.maxAge ?? 60
  let state = await begin(sql)
  let measuredAt = state.trusted.at
  let stopped = false
  let timer: NodeJS.Timeout | undefined

  const measure = async (): Promise<void> => {
    // A failure is not lost: the age of the last good measurement tells of it.
    const measured = await withDeadline(PATIENCE, () => measureOnce(sql)).catch(() => undefined)
    if (stopped) return
    if (measured !== undefined) {
      state = judgeMeasurement(state, measured)
      measuredAt = measured.at
    }
    schedule()
  }
  const schedule = (): void => {
    // In doubt it looks again soon.
    const seconds = state.doubted === undefined ? interval : Math.min(interval, 1)
    timer = setTimeout(() => void measure(), seconds * 1000)
    timer.unref()
  }
  schedule()

  return {
    now: () => instant(Math.floor(monotonic() + state.trusted.offset)),
    drift: () => state.drift,
    ready: () => Math.abs(state.drift) <= MAX_DRIFT && monotonic() - measuredAt <= maxAge,
    stop: () => {
      stopped = true
      clearTimeout(timer)
    },
  }
}
