// Owns the contract suite at full size on one version of Postgres; registered by a file per version. Never runs by itself.

import assert from 'node:assert/strict'
import { raceCases, runCase, type StoreCase, storeCases, titleOf } from '@vouchsafe/core/store-contract'
import type { TestDatabaseOptions } from '@vouchsafe/embedded-postgres/testing'
import t from 'tap'
import { openBench } from './harness.ts'

/** Rounds of a race: those of a code's redemption are the promise this server is built on. */
const roundsOf = (storeCase: StoreCase): number =>
  storeCase.title.startsWith('of twenty redemptions of one code') ? 200 : 30

/** Registers every case against the server of `binaries`, which must be of this major version. */
export const registerFullContract = async (major: number, options: TestDatabaseOptions = {}): Promise<void> => {
  t.setTimeout(600_000)
  const bench = await openBench(options)
  t.teardown(() => bench.close())
  t.test(`[unit] the server under test is Postgres ${major}`, async (t) => {
    const [row] = await bench.sql<{ version: string }[]>`select current_setting('server_version') as version`
    t.equal(Number.parseInt(row?.version ?? '', 10), major)
  })
  for (const storeCase of [...storeCases, ...raceCases]) {
    t.test(`${titleOf(storeCase)} (Postgres ${major}, full size)`, { timeout: 300_000 }, async () => {
      const { failure } = await runCase(storeCase, { open: bench.factory(), assert, rounds: roundsOf(storeCase) })
      if (failure !== undefined) throw failure
    })
  }
  t.test(`[OPS-005, OPS-022] no transition met a deadlock on Postgres ${major}`, async (t) => {
    const [row] = await bench.sql<{ deadlocks: number }[]>`
      select deadlocks::integer as deadlocks from pg_stat_database where datname = current_database()`
    t.equal(row?.deadlocks, 0)
  })
}
