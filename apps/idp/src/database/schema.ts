// Owns bringing the database to the schema of this version, or saying what is missing. Never runs inside a request.

import { fileURLToPath } from 'node:url'
import { checkMigrations, isStoreError, type MigrationSource, migrate, protocolMigrations } from '@vouchsafe/postgres'
import { DatabaseError, type OpenDatabase } from './open.ts'

/** The ledger of the identity provider's own tables. */
const idpMigrations: MigrationSource = {
  ledger: 'idp',
  folder: fileURLToPath(new URL('../../../../migrations/idp', import.meta.url)),
}

/** Both ledgers, in the order in which they are applied. */
export const MIGRATIONS: readonly MigrationSource[] = [protocolMigrations, idpMigrations]

const differs = (what: string, names: readonly string[]): DatabaseError =>
  new DatabaseError('not_migrated', `${what}: ${names.join(', ')}.`)

/** Applies what is missing and answers its names; rejects with a `DatabaseError` that says why it could not. */
export const migrateDatabase = async ({ sql }: Pick<OpenDatabase, 'sql'>): Promise<readonly string[]> => {
  try {
    return await migrate(sql, MIGRATIONS)
  } catch (error) {
    if (isStoreError(error)) throw new DatabaseError('not_migrated', `The database was not migrated: ${error.message}.`)
    throw error
  }
}

/** Makes sure that the schema is that of this version; rejects with a `DatabaseError` that says what to do. */
export const assertMigrated = async ({ sql }: Pick<OpenDatabase, 'sql'>): Promise<void> => {
  const status = await checkMigrations(sql, MIGRATIONS)
  if (status === 'current') return
  if ('pending' in status) {
    throw differs(
      'The database lacks migrations; run `vouchsafe migrate` (or set MIGRATE_ON_START=true)',
      status.pending,
    )
  }
  if ('unknown' in status) {
    throw differs('The database is newer than this version; start the version that migrated it', status.unknown)
  }
  throw differs('Migrations were edited after they were applied; restore their files', status.changed)
}
