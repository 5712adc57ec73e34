// The door of the contract suite: cases as data for any store, and the small loop that runs them.

import { bindingCases } from './cases/bindings.ts'
import { clientCases } from './cases/clients.ts'
import { devicePollCases } from './cases/device-polls.ts'
import { deviceCases } from './cases/devices.ts'
import { exchangeCases } from './cases/exchange.ts'
import { interactionCases } from './cases/interactions.ts'
import { issueCases } from './cases/issue.ts'
import { logoutCases } from './cases/logouts.ts'
import { pushedRequestCases } from './cases/pushed-requests.ts'
import { redeemCases } from './cases/redeem.ts'
import { refreshCases } from './cases/refresh.ts'
import { selfRegistrationCases } from './cases/registration.ts'
import { resourceCases } from './cases/resources.ts'
import { sessionCases, subjectCases } from './cases/sessions.ts'
import { consentCases, settleCases } from './cases/settle.ts'
import { tokenCases } from './cases/tokens.ts'
import { upkeepCases } from './cases/upkeep.ts'
import type { StoreCase } from './contract.ts'
import { codeRaces } from './races/codes.ts'
import { counterRaces } from './races/counters.ts'
import { deviceRaces } from './races/devices.ts'
import { endingRaces } from './races/endings.ts'
import { interactionRaces } from './races/interactions.ts'
import { logoutRaces } from './races/logouts.ts'
import { pushedRequestRaces } from './races/pushed-requests.ts'
import { recordRaces } from './races/records.ts'
import { refreshRaces } from './races/refresh.ts'
import { registrationRaces } from './races/registration.ts'

export type * from './contract.ts'
export { armOf } from './recorder.ts'
export { runCase, runCases, titleOf } from './run.ts'

/** Cases of one caller: every transition, every outcome, every order of judgement. */
export const storeCases: readonly StoreCase[] = [
  ...clientCases,
  ...selfRegistrationCases,
  ...resourceCases,
  ...subjectCases,
  ...sessionCases,
  ...issueCases,
  ...redeemCases,
  ...bindingCases,
  ...refreshCases,
  ...tokenCases,
  ...exchangeCases,
  ...interactionCases,
  ...settleCases,
  ...pushedRequestCases,
  ...deviceCases,
  ...devicePollCases,
  ...consentCases,
  ...logoutCases,
  ...upkeepCases,
]

/** Cases of many callers at once: who wins, what the others are told, and what holds after somebody's word that it is done. */
export const raceCases: readonly StoreCase[] = [
  ...codeRaces,
  ...refreshRaces,
  ...recordRaces,
  ...interactionRaces,
  ...pushedRequestRaces,
  ...deviceRaces,
  ...endingRaces,
  ...counterRaces,
  ...registrationRaces,
  ...logoutRaces,
]
