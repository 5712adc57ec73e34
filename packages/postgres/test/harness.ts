// Owns a migrated database for a test file and an empty store for each case on it. Never mocks the database.

import type { Stores } from '@vouchsafe/core'
import type { StoreFactory } from '@vouchsafe/core/store-contract'
import { acquireTestDatabase, type TestDatabaseOptions } from '@vouchsafe/embedded-postgres/testing'
import {
  type ConnectOptions,
  connect,
  createPostgresStores,
  type DatabaseAddress,
  migrate,
  protocolMigrations,
} from '@vouchsafe/postgres'
import type postgres from 'postgres'

/** A migrated database, with a pool wide enough for twenty contenders. */
export interface TestBench {
  readonly sql: postgres.Sql
  readonly stores: Stores
  readonly address: DatabaseAddress
  /** Another pool on the same database. */
  connect(options?: Omit<ConnectOptions, 'database'>): postgres.Sql
  /** Opens an empty store for the contract suite; `compose` may put a fault into it. */
  factory(compose?: (stores: Stores, sql: postgres.Sql) => Stores): StoreFactory
  close(): Promise<void>
}

const TABLES = [
  'clients',
  'registration_tokens',
  'resources',
  'signing_keys',
  'subjects',
  'sessions',
  'consents',
  'grants',
  'grant_claims',
  'access_tokens',
  'token_details',
  'refresh_states',
  'revoked_jwts',
  'interactions',
  'device_requests',
  'pushed_requests',
  'reservations',
  'session_clients',
  'logout_deliveries',
  'attempts',
  'audit_events',
]

// Cheaper than truncating, which makes new files for every table and index of a case with five rows.
const EMPTY = `${TABLES.map((table) => `delete from ${table};`).join('')} update key_ring set revision = 0`

const readEvents = async (sql: postgres.Sql) => {
  const rows = await sql<{ at: string; name: string; fields: never }[]>`select at, name, fields from audit_events`
  return rows.map((row) => ({ at: Number(row.at) as never, name: row.name, fields: row.fields }))
}

/** Acquires a database of one's own and migrates it. */
export const openBench = async (options: TestDatabaseOptions = {}): Promise<TestBench> => {
  const database = await acquireTestDatabase(options)
  const pools: postgres.Sql[] = []
  const open = (settings: Omit<ConnectOptions, 'database'> = {}): postgres.Sql => {
    const pool = connect({ database: database.connection, ...settings })
    pools.push(pool)
    return pool
  }
  const sql = open({ max: 22 })
  await migrate(sql, [protocolMigrations])
  const stores = createPostgresStores(sql)
  return {
    sql,
    stores,
    address: database.connection,
    connect: open,
    factory:
      (compose = (plain) => plain) =>
      async () => {
        await sql.unsafe(EMPTY)
        return { stores: compose(stores, sql), readEvents: () => readEvents(sql), close: async () => undefined }
      },
    close: async () => {
      await Promise.all(pools.map((pool) => pool.end({ timeout: 1 })))
      await database.release()
    },
  }
}
