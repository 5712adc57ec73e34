// Owns the tests of the database's clock: on a real database, and of its judgement on measurements that a test makes up. Never sets the
// machine's time.

import { setTimeout as sleep } from 'node:timers/promises'
import { createDatabaseClock } from '@vouchsafe/postgres'
import t from 'tap'
import { judgeMeasurement, MAX_DRIFT } from '#src/clock.js'
import { openBench } from './harness.ts'

const bench = await openBench()
t.teardown(() => bench.close())

const databaseNow = async (): Promise<number> => {
  const [row] = await bench.sql<{ now: number }[]>`select extract(epoch from clock_timestamp())::float8 as now`
  return row?.now ?? 0
}

t.test("[OPS-033] a node's time is the database's, whatever the node's own clock says", async (t) => {
  const wallClock = Date.now
  Date.now = () => wallClock() + 3_600_000
  t.teardown(() => {
    Date.now = wallClock
  })
  const clock = await createDatabaseClock(bench.sql)
  t.teardown(() => clock.stop())
  const expected = await databaseNow()
  t.ok(Math.abs(clock.now() - expected) <= 1, `${clock.now()} is ${expected}`)
  t.ok(Number.isInteger(clock.now()))
  t.equal(clock.ready(), true)
  await sleep(1100)
  // The wall clock is an hour off; a busy machine may take a second or two to ask.
  t.ok(Math.abs(clock.now() - (await databaseNow())) <= 5, 'and goes on')
})

t.test('[OPS-031] a clock that cannot measure any more goes on, and is not ready', async (t) => {
  const pool = bench.connect({ max: 1 })
  const clock = await createDatabaseClock(pool, { interval: 0.05, maxAge: 0.3 })
  t.teardown(() => clock.stop())
  await sleep(200)
  t.equal(clock.ready(), true, 'it measures again and again')
  await pool.end({ timeout: 0 })
  await sleep(500)
  t.equal(clock.ready(), false)
  t.ok(Math.abs(clock.now() - (await databaseNow())) <= 1)
})

t.test('[unit] a clock whose first measurement fails is refused as unavailable', async (t) => {
  const pool = bench.connect({ max: 1 })
  await pool.end({ timeout: 0 })
  await t.rejects(createDatabaseClock(pool), { code: 'store_unavailable' })
})

t.test(
  '[OPS-034] small drift is corrected at once; a step makes the clock unready until a second look confirms it',
  async (t) => {
    const begun = { trusted: { offset: 1000, at: 0 }, drift: 0, doubted: undefined }
    const corrected = judgeMeasurement(begun, { offset: 1001.5, at: 10 })
    t.same(corrected, { trusted: { offset: 1001.5, at: 10 }, drift: 1.5, doubted: undefined })

    for (const step of [3600, -3600]) {
      const doubted = judgeMeasurement(begun, { offset: 1000 + step, at: 10 })
      t.equal(doubted.trusted.offset, 1000, 'one look is not believed')
      t.ok(Math.abs(doubted.drift) > MAX_DRIFT)
      const believed = judgeMeasurement(doubted, { offset: 1000.5 + step, at: 11 })
      t.same(believed, { trusted: { offset: 1000.5 + step, at: 11 }, drift: 0, doubted: undefined })
      const back = judgeMeasurement(doubted, { offset: 1000.1, at: 11 })
      t.equal(back.trusted.offset, 1000.1, 'a single outlier is forgotten')
      t.equal(back.doubted, undefined)
      const elsewhere = judgeMeasurement(doubted, { offset: 1000 - step, at: 11 })
      t.equal(elsewhere.trusted.offset, 1000, 'two that disagree confirm nothing')
    }
  },
)
