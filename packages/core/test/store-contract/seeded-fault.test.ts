// Owns the proof that the contract suite sees an `await` between check and write, in each transition. Never runs on what ships.

import assert from 'node:assert/strict'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { type MethodName, raceCases, runCases, storeCases } from '#src/store-contract/index.js'
import { openAwaited } from './awaited-store.ts'
import { demandsOf } from './contract-source.ts'

const CONTRACT = fileURLToPath(new URL('../../src/store/stores.ts', import.meta.url))

const all = [...storeCases, ...raceCases]

/** Every method that some case races: the self-audit shows that none is missing which the contract demands. */
const raced: readonly MethodName[] = [...new Set(raceCases.flatMap((one) => one.races))]

/** An append checks nothing, so that nothing can come between. */
const CHECKS_NOTHING: readonly MethodName[] = ['audit.appendEvents']

t.test('[unit] every transition that the contract wants raced is seeded here', async (t) => {
  const seeded = new Set<string>(raced.filter((method) => !CHECKS_NOTHING.includes(method)))
  t.strictSame(
    [...demandsOf(CONTRACT).races].filter((method) => !seeded.has(method)),
    [],
  )
})

for (const method of raced.filter((one) => !CHECKS_NOTHING.includes(one))) {
  t.test(
    `[unit] an await between check and write of ${method} fails a race, and no case of a single caller`,
    async (t) => {
      const results = await runCases(all, { open: openAwaited(method), assert, rounds: 1 })
      const failed = results.filter((result) => result.failure !== undefined).map((result) => result.case)
      t.strictSame(
        failed.filter((one) => storeCases.includes(one)).map((one) => one.title),
        [],
        'one caller alone cannot see it',
      )
      t.ok(
        failed.some((one) => one.races.includes(method)),
        'a race of this method sees it',
      )
      t.ok(results.length === all.length, 'the others ran nevertheless')
    },
  )
}
