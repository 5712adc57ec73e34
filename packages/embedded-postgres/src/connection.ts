// Owns: how a database of the embedded server is addressed, and creating one.
// Never: keeps a connection.
import { SUPERUSER } from './cluster.ts'
import { socketIn } from './folder.ts'
import { queryOnce, quoteName, quoteText, type WireTarget } from './wire.ts'

/** Connection options as the `postgres` driver takes them: spread them into its options object. */
export type EmbeddedConnection = { readonly path: string; readonly user: string; readonly database: string }

/** The database every cluster made here has from its first start on. */
export const DEFAULT_DATABASE = 'vouchsafe'

/** Addresses a database by the folder of the server's socket. */
export const connectionIn = (socketFolder: string, database: string): EmbeddedConnection => ({
  path: socketIn(socketFolder),
  user: SUPERUSER,
  database,
})

/** Creates a database; says `existed` when there already was one of that name; throws `query_failed`. */
export const createDatabaseOn = async (maintenance: WireTarget, name: string): Promise<'created' | 'existed'> => {
  const quoted = quoteName(name)
  const present = await queryOnce(maintenance, `select 1 from pg_database where datname = ${quoteText(name)}`)
  if (present.length > 0) return 'existed'
  await queryOnce(maintenance, `create database ${quoted}`)
  return 'created'
}
