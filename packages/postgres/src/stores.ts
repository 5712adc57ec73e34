// Owns the composition of the stores on one pool. Never opens or closes the pool: who made it does.

import type { Stores } from '@vouchsafe/core'
import type postgres from 'postgres'
import { createDatabase, DEFAULT_DEADLINE } from './database.ts'
import { storeError } from './errors.ts'
import { createAccessTokenStore } from './stores/access-tokens.ts'
import { createAttemptStore } from './stores/attempts.ts'
import { createAuditStore } from './stores/audit.ts'
import { createClientStore } from './stores/clients.ts'
import { createConsentStore } from './stores/consents.ts'
import { createDeviceStore } from './stores/devices.ts'
import { createGrantStore } from './stores/grants.ts'
import { createInteractionStore } from './stores/interactions.ts'
import { createKeyStore } from './stores/keys.ts'
import { createLogoutStore } from './stores/logouts.ts'
import { createPushedRequestStore } from './stores/pushed-requests.ts'
import { createRegistrationTokenStore } from './stores/registration-tokens.ts'
import { createReservationStore } from './stores/reservations.ts'
import { createResourceStore } from './stores/resources.ts'
import { createSessionStore } from './stores/sessions.ts'
import { createSubjectStore } from './stores/subjects.ts'
import { createSweepStore } from './stores/sweeps.ts'

/** Settings of the stores. */
export interface PostgresStoresOptions {
  /** Seconds that one transition may take in all, waiting for a connection included; 10 unless set. */
  readonly deadline?: number
}

/** Refuses a driver that renames columns or rewrites values: the stores would read undefined everywhere. */
const assertUsable = (options: postgres.Sql['options']): void => {
  const { column, value, row } = options.transform
  if (column.from !== undefined || value.from !== undefined || row.from !== undefined) {
    throw storeError('store_misconfigured', 'the stores need a driver without transforms of columns, values or rows')
  }
}

/**
 * The stores on a pool of the `postgres` driver, whose database has the protocol migrations. Every transition rejects with
 * `store_unavailable` when the database cannot be reached, or does not answer in time; see the README for the pool's settings.
 */
export const createPostgresStores = (sql: postgres.Sql, options: PostgresStoresOptions = {}): Stores => {
  assertUsable(sql.options)
  const database = createDatabase(sql, options.deadline ?? DEFAULT_DEADLINE)
  return {
    clients: createClientStore(database),
    registrationTokens: createRegistrationTokenStore(database),
    resources: createResourceStore(database),
    subjects: createSubjectStore(database),
    sessions: createSessionStore(database),
    consents: createConsentStore(database),
    grants: createGrantStore(database),
    accessTokens: createAccessTokenStore(database),
    interactions: createInteractionStore(database),
    pushedRequests: createPushedRequestStore(database),
    devices: createDeviceStore(database),
    reservations: createReservationStore(database),
    logouts: createLogoutStore(database),
    attempts: createAttemptStore(database),
    keys: createKeyStore(database),
    audit: createAuditStore(database),
    sweeps: createSweepStore(database),
  }
}
