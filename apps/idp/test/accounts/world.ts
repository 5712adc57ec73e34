// Owns a database with both ledgers and accounts over it, for the tests of this folder. Never used by a server.

import { type Instant, instant, later, type Stores } from '@vouchsafe/core'
import { nodePorts } from '@vouchsafe/core/ports-node'
import { acquireTestDatabase } from '@vouchsafe/embedded-postgres/testing'
import { connect, createDatabase, createPostgresStores, type Database, DEFAULT_DEADLINE } from '@vouchsafe/postgres'
import type postgres from 'postgres'
import { type AccountDeps, type AccountService, createAccounts } from '#src/accounts/index.js'
import type { Config } from '#src/config/index.js'
import { migrateDatabase } from '#src/database/index.js'

/** Everything a test of accounts needs. */
export interface World {
  readonly sql: postgres.Sql
  readonly database: Database
  readonly stores: Stores
  readonly accounts: AccountService
  readonly deps: AccountDeps
  readonly config: AccountDeps['config']
  readonly now: () => Instant
  readonly wait: (seconds: number) => void
  readonly close: () => Promise<void>
}

/** The cheapest hashing that the configuration allows: tests ask whether it is done, not how strong it is. */
export const CHEAP: Config['hashing'] = { memory: 7168, passes: 1, concurrency: 2, queue: 16 }

const THROTTLE: Config['throttle'] = {
  account: { free: 3, baseDelay: 2, maxDelay: 60, forgetAfter: 3600 },
  network: { free: 8, baseDelay: 2, maxDelay: 60, forgetAfter: 3600 },
}

/** A fresh world, with a clock that the test moves. */
export const makeWorld = async (config: Partial<AccountDeps['config']> = {}): Promise<World> => {
  const lent = await acquireTestDatabase()
  const sql = connect({ database: lent.connection, max: 20 })
  await migrateDatabase({ sql })
  const database = createDatabase(sql, DEFAULT_DEADLINE)
  const stores = createPostgresStores(sql)
  let now = instant(1_800_000_000)
  const deps: AccountDeps = {
    database,
    stores,
    ports: { ...nodePorts, clock: { now: () => now } },
    config: { hashing: CHEAP, throttle: THROTTLE, ...config },
  }
  const close = async (): Promise<void> => {
    await sql.end({ timeout: 5 })
    await lent.release()
  }
  const wait = (seconds: number): void => {
    now = later(now, seconds)
  }
  return {
    sql,
    database,
    stores,
    accounts: await createAccounts(deps),
    deps,
    config: deps.config,
    now: () => now,
    wait,
    close,
  }
}
