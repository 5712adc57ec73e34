// Owns the check that a family of refresh tokens behaves as its model whatever happens in whatever order, in memory and on Postgres.

import { createMemoryStores } from '@vouchsafe/core/memory'
import fc from 'fast-check'
import t from 'tap'
import { openBench } from './harness.ts'
import { histories, play, type Step } from './refresh-interleavings.ts'

const bench = await openBench()
t.teardown(() => bench.close())

t.test(
  '[OPS-006, OPS-010, ADV-064] whatever tabs, thieves and lost answers do, one token lives and a used one ends the family, in memory',
  async (t) => {
    const property = fc.asyncProperty(
      histories,
      async (steps) => (await play(createMemoryStores(), steps)) === undefined,
    )
    await fc.assert(property, { numRuns: 150 })
    t.pass('no history differs')
  },
)

t.test('[OPS-006, OPS-010] the same on Postgres', async (t) => {
  const stores = bench.stores
  const property = fc.asyncProperty(histories, async (steps) => (await play(stores, steps)) === undefined)
  await fc.assert(property, { numRuns: 40 })
  t.pass('no history differs')
})

t.test('[unit] a history that the model forbids is told from one that it allows', async (t) => {
  const refresh = (by: 'one' | 'other' | 'thief'): Step => ({ kind: 'refresh', by, fate: 'arrives' })
  const stolen: readonly Step[] = [
    { kind: 'steal', from: 'one' },
    refresh('one'),
    refresh('one'),
    refresh('thief'),
    refresh('one'),
  ]
  t.equal(await play(createMemoryStores(), stolen), undefined, 'the thief ends the family')
  const lenient = createMemoryStores()
  const kind: typeof lenient.grants = {
    ...lenient.grants,
    refreshGrant: (given, occasion) =>
      lenient.grants.refreshGrant(
        { ...given, rotation: given.rotation && { ...given.rotation, window: 10_000 } },
        occasion,
      ),
  }
  const slow: readonly Step[] = [refresh('one'), { kind: 'wait', seconds: 300 }, refresh('other')]
  t.same(await play({ ...lenient, grants: kind }, slow), refresh('other'), 'a window that is too long is seen')
})
