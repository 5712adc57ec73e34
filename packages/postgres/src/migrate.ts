// Owns the bringing of a database to the schema of the code: forward only, each migration once. Never runs inside a request, and
// never touches a database whose history differs from the files.

import type postgres from 'postgres'
import type { Queries } from './database.ts'
import { storeError, translateError } from './errors.ts'
import { type Migration, type MigrationSource, readMigrations } from './migration-files.ts'

/** How a database compares with the code; names are `ledger/NNNN_name`. */
export type MigrationStatus =
  | 'current'
  /** To be applied by `migrate`. */
  | { readonly pending: readonly string[] }
  /** Applied by a newer version: this code does not know them. */
  | { readonly unknown: readonly string[] }
  /** Applied, and edited since. */
  | { readonly changed: readonly string[] }

interface Applied {
  readonly ledger: string
  readonly name: string
  readonly checksum: string
}

interface Comparison {
  readonly pending: readonly Migration[]
  readonly unknown: readonly string[]
  readonly changed: readonly string[]
  readonly outOfOrder: readonly string[]
}

const nameOf = ({ ledger, name }: Pick<Migration, 'ledger' | 'name'>): string => `${ledger}/${name}`

const readLedger = async (sql: Queries, ledgers: readonly string[]): Promise<readonly Applied[]> => {
  const [table] = await sql<{ present: boolean }[]>`select to_regclass('vouchsafe_migrations') is not null as present`
  if (table?.present !== true) return []
  return sql<Applied[]>`
    select ledger, name, checksum from vouchsafe_migrations
    where ledger in (select json_array_elements_text(${JSON.stringify(ledgers)}::text::json))
    order by ledger, name`
}

const compare = (files: readonly Migration[], applied: readonly Applied[]): Comparison => {
  const byName = new Map(files.map((migration) => [nameOf(migration), migration]))
  const done = new Set(applied.map(nameOf))
  const pending = files.filter((migration) => !done.has(nameOf(migration)))
  const lastDone = (ledger: string): string =>
    applied.reduce((last, each) => (each.ledger === ledger && each.name > last ? each.name : last), '')
  return {
    pending,
    unknown: applied.filter((each) => !byName.has(nameOf(each))).map(nameOf),
    changed: applied
      .filter((each) => (byName.get(nameOf(each))?.checksum ?? each.checksum) !== each.checksum)
      .map(nameOf),
    outOfOrder: pending.filter(({ ledger, name }) => name < lastDone(ledger)).map(nameOf),
  }
}

const assertSound = (found: Comparison): void => {
  if (found.changed.length > 0) {
    const names = found.changed.join(', ')
    throw storeError('migration_changed', `these migrations were edited after they were applied: ${names}`)
  }
  if (found.unknown.length > 0) {
    const names = found.unknown.join(', ')
    throw storeError('migration_unknown', `the database is newer than this version, which does not know: ${names}`)
  }
  if (found.outOfOrder.length > 0) {
    const names = found.outOfOrder.join(', ')
    throw storeError('migration_out_of_order', `these migrations come before one that was applied already: ${names}`)
  }
}

const readAll = async (sources: readonly MigrationSource[]): Promise<readonly Migration[]> =>
  (await Promise.all(sources.map(readMigrations))).flat()

const ledgersOf = (sources: readonly MigrationSource[]): readonly string[] => sources.map(({ ledger }) => ledger)

/**
 * Takes the lock that lets one node migrate at a time. It belongs to the transaction, so that it works behind a connection proxy and
 * is gone when the node dies. Others wait for it as long as a migration takes.
 */
const lock = async (sql: Queries): Promise<void> => {
  await sql`set local statement_timeout = 0`
  await sql`set local lock_timeout = 0`
  await sql`set local idle_in_transaction_session_timeout = 0`
  await sql`select pg_advisory_xact_lock(hashtextextended('vouchsafe migrations in ' || current_schema(), 0))`
  // A migration that cannot get a table's lock gives up, rather than making every request queue behind it.
  await sql`set local lock_timeout = '10s'`
  await sql`
    create table if not exists vouchsafe_migrations (
      ledger text collate "C" not null,
      name text collate "C" not null,
      checksum text not null,
      applied_at timestamptz not null default now(),
      primary key (ledger, name)
    )`
}

/** Applies the first pending migration together with its row in the ledger; undefined when there is none. */
const applyNext = async (
  sql: postgres.Sql,
  files: readonly Migration[],
  ledgers: readonly string[],
): Promise<string | undefined> => {
  const { applied } = await sql.begin('isolation level read committed', async (queries) => {
    await lock(queries)
    const found = compare(files, await readLedger(queries, ledgers))
    assertSound(found)
    const [next] = found.pending
    if (next === undefined) return { applied: undefined }
    await queries.unsafe(next.text)
    await queries`
      insert into vouchsafe_migrations (ledger, name, checksum) values (${next.ledger}, ${next.name}, ${next.checksum})`
    return { applied: nameOf(next) }
  })
  return applied
}

/**
 * Applies what is pending, ledger by ledger in the order given, and answers the names of what it applied. Each migration is one
 * transaction with its row in the ledger, under one advisory lock: of two nodes one waits, and a node that dies leaves no half of
 * one. Rejects with `migration_changed`, `migration_unknown`, `migration_out_of_order` or `migration_invalid` before it writes
 * anything, and with the database's own error when a migration fails.
 */
export const migrate = async (sql: postgres.Sql, sources: readonly MigrationSource[]): Promise<readonly string[]> => {
  const files = await readAll(sources)
  const done: string[] = []
  for (;;) {
    const applied = await applyNext(sql, files, ledgersOf(sources)).catch((thrown: unknown) => {
      throw translateMigrationError(thrown)
    })
    if (applied === undefined) return done
    done.push(applied)
  }
}

/** Migrations hold no secrets, so that the database's word on why one failed may be told; a lost connection's may not. */
const translateMigrationError = (thrown: unknown): unknown => {
  const translated = translateError(thrown)
  return translated instanceof Error && 'code' in translated && translated.code === 'store_fault' ? thrown : translated
}

/** How the database compares with the code; reads only, to be asked at start. */
export const checkMigrations = async (
  sql: postgres.Sql,
  sources: readonly MigrationSource[],
): Promise<MigrationStatus> => {
  const files = await readAll(sources)
  const applied = await readLedger(sql, ledgersOf(sources)).catch((thrown: unknown) => {
    throw translateError(thrown)
  })
  const { pending, unknown, changed } = compare(files, applied)
  if (changed.length > 0) return { changed }
  if (unknown.length > 0) return { unknown }
  return pending.length > 0 ? { pending: pending.map(nameOf) } : 'current'
}
