// Owns the races of the in-memory store at full size. Never the only place where a case runs: memory.test.ts runs them all, shorter.

import assert from 'node:assert/strict'
import t from 'tap'
import { raceCases, runCase, titleOf } from '#src/store-contract/index.js'
import { openMemory } from './memory-harness.ts'

for (const storeCase of raceCases) {
  t.test(`${titleOf(storeCase)}, 200 rounds`, async () => {
    const { failure } = await runCase(storeCase, { open: openMemory, assert, rounds: 200 })
    if (failure !== undefined) throw failure
  })
}
