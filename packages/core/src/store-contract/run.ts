// Owns the running of cases on a freshly opened store. Never prints and never leaves a case out: there is no skip.

import { clientId } from '../base/index.ts'
import type { CaseResult, RunOptions, StoreCase } from './contract.ts'
import { createFresh } from './fresh.ts'
import { raceOf } from './race.ts'
import { type Recorder, recordStores } from './recorder.ts'

/** The title to register a case under: its ids in brackets, or `[unit]`. */
export const titleOf = (storeCase: StoreCase): string =>
  `[${storeCase.ids.length === 0 ? 'unit' : storeCase.ids.join(', ')}] ${storeCase.title}`

const errorOf = (thrown: unknown): Error => (thrown instanceof Error ? thrown : new Error(String(thrown)))

/** Fails a case that did not do what it says of itself. */
const assertCovered = (storeCase: StoreCase, seen: Recorder): void => {
  const missing = [
    ...storeCase.covers.filter((arm) => !seen.observed.has(arm)),
    ...storeCase.races.filter((method) => !seen.raced.has(method)).map((method) => `race of ${method}`),
  ]
  if (missing.length > 0) throw new Error(`the case claims to cover what it never reached: ${missing.join('; ')}`)
}

/** Runs one case on a store of its own; a failure is returned, not thrown. */
export const runCase = async (storeCase: StoreCase, options: RunOptions): Promise<CaseResult> => {
  const harness = await options.open()
  const seen = recordStores(harness.stores)
  const warmUp = (): Promise<unknown> => harness.stores.clients.findClient(clientId('warm-up'))
  let failure: Error | undefined
  try {
    await storeCase.run({
      stores: seen.stores,
      assert: options.assert,
      fresh: createFresh(),
      rounds: options.rounds,
      readEvents: () => harness.readEvents(),
      race: (contenders) => raceOf(contenders, { warmUp, begin: seen.beginRace, end: seen.endRace }),
    })
    assertCovered(storeCase, seen)
  } catch (thrown) {
    failure = errorOf(thrown)
  } finally {
    await harness.close()
  }
  return { case: storeCase, failure, observed: seen.observed, raced: seen.raced }
}

/** Runs cases one after another, all of them, whatever fails. */
export const runCases = async (cases: readonly StoreCase[], options: RunOptions): Promise<readonly CaseResult[]> => {
  const results: CaseResult[] = []
  for (const storeCase of cases) results.push(await runCase(storeCase, options))
  return results
}
