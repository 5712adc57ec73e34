// The door of the contract suite: cases as data for any store, and the small loop that runs them.

import { clientCases } from './cases/clients.ts'
import type { StoreCase } from './contract.ts'
import { codeRaces, recordRaces } from './races/single-winner.ts'

export type * from './contract.ts'
export { armOf } from './recorder.ts'
export { runCase, runCases, titleOf } from './run.ts'

/** Cases of one caller: every transition, every outcome, every order of judgement. */
export const storeCases: readonly StoreCase[] = [...clientCases]

/** Cases of many callers at once: who wins, what the others are told, and what holds after somebody's word that it is done. */
export const raceCases: readonly StoreCase[] = [...codeRaces, ...recordRaces]
