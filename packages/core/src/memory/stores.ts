// Owns the composition of the in-memory stores over one state. Never keeps anything itself.

import type { AuditStore, Stores } from '../store/index.ts'
import { memoryAccessTokens } from './access-tokens.ts'
import { memoryAttempts } from './attempts.ts'
import { memoryClients } from './clients.ts'
import { memoryConsents } from './consents.ts'
import { memoryDevices } from './devices.ts'
import { memoryGrants } from './grants.ts'
import { memoryInteractions } from './interactions.ts'
import { memoryKeys } from './keys.ts'
import { memoryLogouts } from './logouts.ts'
import { memoryPushedRequests } from './pushed-requests.ts'
import { memoryRegistrationTokens } from './registration-tokens.ts'
import { memoryReservations } from './reservations.ts'
import { memoryResources } from './resources.ts'
import { memorySessions } from './sessions.ts'
import { type MemoryState, record } from './state.ts'
import { memorySubjects } from './subjects.ts'
import { memorySweeps } from './sweeps.ts'

const memoryAudit = (state: MemoryState): AuditStore => ({
  appendEvents: async (events) => record(state, events),
})

/** All stores over one state, so that a transition sees what another one wrote. */
export const storesOver = (state: MemoryState): Stores => ({
  clients: memoryClients(state),
  registrationTokens: memoryRegistrationTokens(state),
  resources: memoryResources(state),
  subjects: memorySubjects(state),
  sessions: memorySessions(state),
  consents: memoryConsents(state),
  grants: memoryGrants(state),
  accessTokens: memoryAccessTokens(state),
  interactions: memoryInteractions(state),
  pushedRequests: memoryPushedRequests(state),
  devices: memoryDevices(state),
  reservations: memoryReservations(state),
  logouts: memoryLogouts(state),
  attempts: memoryAttempts(state),
  keys: memoryKeys(state),
  audit: memoryAudit(state),
  sweeps: memorySweeps(state),
})
