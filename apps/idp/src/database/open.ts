// Owns how the identity provider gets at its database: the one that is configured, or a Postgres of its own. Never migrates it.

import { join } from 'node:path'
import { reveal, type Stores } from '@vouchsafe/core'
import { EmbeddedPostgresError, openEmbeddedPostgres, startEmbeddedPostgres } from '@vouchsafe/embedded-postgres'
import {
  connect,
  createDatabase,
  createPostgresStores,
  type Database,
  type DatabaseAddress,
  DEFAULT_DEADLINE,
  isStoreError,
} from '@vouchsafe/postgres'
import type postgres from 'postgres'
import type { Config } from '../config/index.ts'
import { addressOf } from './address.ts'

/** A database that is open. */
export interface OpenDatabase {
  readonly sql: postgres.Sql
  /** For what takes long and is not part of a request: its connections may be silent for as long as it takes. */
  readonly patientSql: postgres.Sql
  readonly stores: Stores
  /** Runs the identity provider's own statements, under the deadlines and error rules of the stores. */
  readonly database: Database
  /** `attached` is another process's own Postgres, which goes on when this one is closed. */
  readonly origin: 'url' | 'embedded' | 'attached'
  /** Settles with a description when our own Postgres ended by itself; undefined where it is not ours to watch. */
  readonly ended: Promise<string> | undefined
  /** Ends the connections, and the Postgres that was started here; safe to repeat. */
  readonly close: () => Promise<void>
}

/** A database that cannot be used; the message is for the operator and holds no credential. */
export class DatabaseError extends Error {
  readonly code: 'unreachable' | 'too_old' | 'not_started' | 'not_migrated'

  constructor(code: DatabaseError['code'], message: string) {
    super(message)
    this.name = 'DatabaseError'
    this.code = code
  }
}

/** How to open it. */
export interface OpenOptions {
  /** A server starts its own Postgres; a command attaches to a running server's, and starts one only where there is none. */
  readonly role: 'server' | 'command'
  /** Told what an operator may want to know. */
  readonly log: (line: string) => void
}

interface Source {
  readonly address: string | DatabaseAddress
  readonly origin: OpenDatabase['origin']
  readonly ended: Promise<string> | undefined
  readonly release: () => Promise<void>
}

// The launcher owns its folder alone, so the key file lies beside it.
const clusterFolder = (config: Config): string => join(config.dataFolder, 'postgres')

const MIN_VERSION = 140_000

// Seconds without a word after which a connection of a server is given up: no statement of a request may run for more than 5.
const SILENCE = 15

const sourceOf = async (config: Config, options: OpenOptions): Promise<Source> => {
  if (config.database.kind === 'url') {
    const nothing = async (): Promise<void> => undefined
    return { address: addressOf(reveal(config.database.url)), origin: 'url', ended: undefined, release: nothing }
  }
  const place = { dataFolder: clusterFolder(config), log: options.log }
  try {
    if (options.role === 'server') {
      const own = await startEmbeddedPostgres(place)
      return { address: own.connection, origin: 'embedded', ended: own.ended, release: own.stop }
    }
    const opened = await openEmbeddedPostgres(place)
    const origin = opened.origin === 'attached' ? 'attached' : 'embedded'
    return { address: opened.connection, origin, ended: undefined, release: opened.close }
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw new DatabaseError('not_started', error.message)
    throw error
  }
}

const assertUsable = async (database: Database, origin: OpenDatabase['origin']): Promise<void> => {
  const where = origin === 'url' ? 'The database that DATABASE_URL names' : 'The own Postgres'
  try {
    const [row] = await database.statement<{ version: number }>(
      (sql) => sql`select current_setting('server_version_num')::integer as version`,
    )
    if ((row?.version ?? 0) < MIN_VERSION) throw new DatabaseError('too_old', `${where} is older than Postgres 14.`)
  } catch (error) {
    if (error instanceof DatabaseError) throw error
    const reason = isStoreError(error) ? ` (${error.reason ?? error.code})` : ''
    throw new DatabaseError('unreachable', `${where} cannot be reached${reason}.`)
  }
}

/** Opens the database and makes sure that it answers; rejects with a `DatabaseError`. */
export const openDatabase = async (config: Config, options: OpenOptions): Promise<OpenDatabase> => {
  const source = await sourceOf(config, options)
  const { connections, prepare } = config.database
  const isServer = options.role === 'server'
  const patientSql = connect({ database: source.address, max: 2, prepare })
  const sql = isServer ? connect({ database: source.address, max: connections, prepare, silence: SILENCE }) : patientSql
  const database = createDatabase(sql, DEFAULT_DEADLINE)
  let closing: Promise<void> | undefined
  const end = async (): Promise<void> => {
    await Promise.all([sql.end({ timeout: 5 }), patientSql.end({ timeout: 5 })])
    await source.release()
  }
  const close = (): Promise<void> => {
    closing ??= end()
    return closing
  }
  try {
    await assertUsable(database, source.origin)
  } catch (error) {
    await close()
    throw error
  }
  const { origin, ended } = source
  return { sql, patientSql, database, stores: createPostgresStores(sql), origin, ended, close }
}
