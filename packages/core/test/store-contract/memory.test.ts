// Owns the registration of the contract suite for the in-memory store. Never holds a case of its own but on copying.

import assert from 'node:assert/strict'
import t from 'tap'
import { raceCases, runCase, storeCases, titleOf } from '#src/store-contract/index.js'
import { openMemory } from './memory-harness.ts'

for (const storeCase of [...storeCases, ...raceCases]) {
  t.test(titleOf(storeCase), async () => {
    const { failure } = await runCase(storeCase, { open: openMemory, assert, rounds: 5 })
    if (failure !== undefined) throw failure
  })
}
