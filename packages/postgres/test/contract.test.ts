// Owns the registration of the contract suite against Postgres, and the proof that the suite catches a store that checks and then
// writes. Never adds cases of its own: they belong to the suite.

import assert from 'node:assert/strict'
import { raceCases, runCase, storeCases, titleOf } from '@vouchsafe/core/store-contract'
import t from 'tap'
import { openBench } from './harness.ts'

const bench = await openBench()
t.teardown(() => bench.close())

for (const storeCase of [...storeCases, ...raceCases]) {
  t.test(titleOf(storeCase), async () => {
    const { failure } = await runCase(storeCase, { open: bench.factory(), assert, rounds: 5 })
    if (failure !== undefined) throw failure
  })
}
