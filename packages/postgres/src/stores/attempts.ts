// Owns the counters of failed attempts. Never loses a count: a counter is raised by the write that reads it.

import type { AttemptKey, AttemptStore, Instant } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { storeError } from '../errors.ts'
import { bytesArray, type Int8, instantOf, numberArray } from '../values.ts'
import type { Part } from './events.ts'

/** How an admission went: some counters may have become blocked between the look at them and the count. */
interface Admission {
  readonly counted: number
  readonly until: Int8 | null
}

const keysTable = (sql: Queries, keys: readonly AttemptKey[]): Part => sql`
  unnest(
    ${bytesArray(keys.map(({ key }) => key))}::bytea[], ${numberArray(keys.map(({ policy }) => policy.free))}::bigint[],
    ${numberArray(keys.map(({ policy }) => policy.baseDelay))}::float8[],
    ${numberArray(keys.map(({ policy }) => policy.maxDelay))}::float8[],
    ${numberArray(keys.map(({ policy }) => policy.forgetAfter))}::bigint[]
  ) as asked (key, free, base_delay, max_delay, forget_after)`

/**
 * The end of the block after `failures`: none within the free ones (not even `now`, which would block an attempt that read the clock a
 * second earlier and came later), then doubling. The exponent is bounded, so that no count is too large to compute with.
 */
const blockedUntil = (sql: Queries, failures: Part, now: Instant): Part => sql`
  (case
    when ${failures} <= asked.free then 0
    else ${now}::bigint
      + ceil(least(asked.max_delay, asked.base_delay * power(2::float8, least(${failures} - asked.free - 1, 60)::float8)))::bigint
  end)`

/**
 * Counts against every key that is not blocked, if none was seen blocked. The policy of a key that is counted anew is in the row
 * of `counting`, which the conflict arm reads again by its key.
 */
const admitIn = async (
  run: Database['statement'],
  keys: readonly AttemptKey[],
  now: Instant,
): Promise<Admission | undefined> => {
  const [row] = await run<Admission>((sql) => {
    const failures = sql`(case when known.forget_at <= ${now}::bigint then 0 else known.failures end + 1)`
    const policy = sql`from ${keysTable(sql, keys)} where asked.key = known.key`
    return sql`
      with held as materialized (
        select known.blocked_until from attempts known
        where known.key = any (${bytesArray(keys.map(({ key }) => key))}::bytea[])
        order by known.key for update
      ), blocked as materialized (select max(blocked_until) as until from held where blocked_until > ${now}::bigint),
      counted as (
        insert into attempts as known (key, failures, blocked_until, forget_at)
        select asked.key, 1, ${blockedUntil(sql, sql`1`, now)}, ${now}::bigint + asked.forget_after
        from ${keysTable(sql, keys)}
        where (select until from blocked) is null
        order by asked.key
        on conflict (key) do update set
          failures = ${failures},
          blocked_until = (select ${blockedUntil(sql, failures, now)} ${policy}),
          forget_at = (select ${now}::bigint + asked.forget_after ${policy})
        where known.blocked_until <= ${now}::bigint
        returning 1
      )
      select (select count(*)::integer from counted) as counted, (select until from blocked) as until`
  })
  return row
}

const ROUNDS = 5

/** The store of counters in Postgres. */
export const createAttemptStore = (database: Database): AttemptStore => ({
  admitAttempt: async (asked, now) => {
    const keys = [...new Map(asked.map((each) => [each.key, each])).values()]
    if (keys.length === 0) return { outcome: 'admitted' }
    // A round ends without an answer only when a key that was free at the look was blocked by another attempt at the count.
    for (let round = 0; round < ROUNDS; round++) {
      const admission =
        keys.length === 1
          ? await admitIn(database.statement, keys, now)
          : await database.undoable(
              (sql) => admitIn(async (write) => await write(sql), keys, now),
              (answer) => answer?.counted !== keys.length,
            )
      if (admission?.counted === keys.length) return { outcome: 'admitted' }
      if (admission !== undefined && admission.until !== null) {
        return { outcome: 'throttled', until: instantOf(admission.until) }
      }
    }
    throw storeError('store_unavailable', 'too many attempts at once on the same counters')
  },

  absolveAttempt: async ({ reset, undo }) => {
    await database.statement(
      (sql) => sql`
        with held as materialized (
          select key from attempts
          where key = any (${bytesArray([...reset, ...undo])}::bytea[])
          order by key for update
        ), forgotten as (
          delete from attempts a using held where a.key = held.key and a.key = any (${bytesArray(reset)}::bytea[])
        )
        update attempts a set failures = greatest(a.failures - 1, 0), blocked_until = 0
        from held
        where a.key = held.key and a.key = any (${bytesArray(undo)}::bytea[])
          and not a.key = any (${bytesArray(reset)}::bytea[])`,
    )
  },
})
