// Owns how migrations are found and named on disk. Never talks to a database.

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { storeError } from './errors.ts'

/** A ledger of migrations and the folder with its `NNNN_name.sql` files. */
export interface MigrationSource {
  readonly ledger: string
  readonly folder: string
}

/** One migration as it stands on disk. */
export interface Migration {
  readonly ledger: string
  /** File name without its ending, as in `0001_registry`. */
  readonly name: string
  readonly number: number
  readonly text: string
  /** SHA-256 of the text with line ends as `\n`, in hexadecimal. */
  readonly checksum: string
}

const FILE = /^(\d{4})_[a-z0-9_]+\.sql$/

// In the repository the protocol's migrations lie at its root, beside those of the identity provider. `npm pack` copies them into the
// package, so that an installed package brings its own; a copy left in the repository is never read, since it may be old.
const REPOSITORY = fileURLToPath(new URL('../../../migrations/protocol', import.meta.url))
const OWN = fileURLToPath(new URL('../migrations/protocol', import.meta.url))
const isInstalled = import.meta.url.includes('/node_modules/') || !existsSync(REPOSITORY)

/** The ledger `protocol`: the tables of `createPostgresStores`. */
export const protocolMigrations: MigrationSource = { ledger: 'protocol', folder: isInstalled ? OWN : REPOSITORY }

const readMigration = async (source: MigrationSource, file: string): Promise<Migration> => {
  const number = FILE.exec(file)?.[1]
  if (number === undefined) {
    throw storeError('migration_invalid', `${source.ledger}/${file} is not named NNNN_name.sql`)
  }
  const text = (await readFile(join(source.folder, file), 'utf8')).replaceAll('\r\n', '\n')
  return {
    ledger: source.ledger,
    name: file.slice(0, -'.sql'.length),
    number: Number(number),
    text,
    checksum: createHash('sha256').update(text).digest('hex'),
  }
}

/** The migrations of a ledger in order. Rejects with `migration_invalid` for a stray file, a repeated number or an empty folder. */
export const readMigrations = async (source: MigrationSource): Promise<readonly Migration[]> => {
  const files = (await readdir(source.folder)).filter((file) => !file.startsWith('.')).sort()
  if (files.length === 0) throw storeError('migration_invalid', `the ledger ${source.ledger} has no migrations`)
  const migrations = await Promise.all(files.map((file) => readMigration(source, file)))
  const twice = migrations.find((migration, index) => migrations[index + 1]?.number === migration.number)
  if (twice !== undefined) {
    throw storeError('migration_invalid', `${twice.ledger} has two migrations with the number ${twice.number}`)
  }
  return migrations
}
