// Owns: finding a server that another process of ours runs on a folder, and the CLI's way: attach, else start.
// Never: attaches to an orphan, which the next start will end.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connectionIn, DEFAULT_DATABASE, type EmbeddedConnection } from './connection.ts'
import { EmbeddedPostgresError, messageOf, systemCodeOf } from './errors.ts'
import { locateFolder } from './folder.ts'
import { livingOwnerOf } from './owner.ts'
import { readPostmasterFile } from './postmaster.ts'
import { parentOf } from './process-facts.ts'
import { type EmbeddedPostgresOptions, startEmbeddedPostgres } from './start.ts'
import { queryOnce } from './wire.ts'

/** A server of another process of ours. */
export type AttachedPostgres = {
  readonly connection: EmbeddedConnection
  readonly connectionFor: (database: string) => EmbeddedConnection
  readonly folder: string
}

/** Which server to look for. */
export type AttachOptions = Pick<EmbeddedPostgresOptions, 'dataFolder' | 'database' | 'fallbackFolder'> & {
  /** Milliseconds to wait for a server that is just starting or stopping; 10,000 by default. */
  readonly waitMs?: number
}

const POLL_MS = 20

// On a first start the database is made a moment after the server is ready.
const refusalOf = async (connection: EmbeddedConnection): Promise<EmbeddedPostgresError | undefined> => {
  try {
    await queryOnce(connection, 'select 1')
    return undefined
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) return error
    throw error
  }
}

const attach = async (options: AttachOptions): Promise<AttachedPostgres | undefined> => {
  const folder = await locateFolder({ dataFolder: options.dataFolder, fallbackFolder: options.fallbackFolder })
  if (folder === undefined) return undefined
  const deadline = performance.now() + (options.waitMs ?? 10_000)
  for (;;) {
    const owner = await livingOwnerOf(folder)
    if (owner === undefined) return undefined
    const state = await readPostmasterFile(join(folder, 'cluster'))
    // An orphan answers too, until the owner that has just taken its folder ends it; only the owner's child will do.
    if (state?.ready === true && parentOf(state.pid) === owner.pid) {
      const connectionFor = (database: string): EmbeddedConnection => connectionIn(state.socketFolder, database)
      const connection = connectionFor(options.database ?? DEFAULT_DATABASE)
      const refusal = await refusalOf(connection)
      if (refusal === undefined) return { connection, connectionFor, folder }
      if (performance.now() > deadline) throw refusal
    }
    if (performance.now() > deadline) {
      throw new EmbeddedPostgresError(
        'start_failed',
        `Process ${owner.pid} owns ${folder}, but its Postgres is not ready.`,
      )
    }
    await sleep(POLL_MS)
  }
}

/**
 * Finds the server that a living process of ours runs on the data folder, waiting for one that is just starting; undefined
 * when nobody owns the folder. Throws `start_failed` when its owner does not get ready in time.
 */
export const attachEmbeddedPostgres = async (options: AttachOptions): Promise<AttachedPostgres | undefined> => {
  try {
    return await attach(options)
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error
    const whose = systemCodeOf(error) === 'EACCES' ? ' Another user runs it: run this as that user, or as root.' : ''
    throw new EmbeddedPostgresError(
      'data_folder_unusable',
      `The database folder ${options.dataFolder} cannot be read: ${messageOf(error)}.${whose}`,
      error,
    )
  }
}
/** A server that is there for as long as it is needed: attached to, or started for the purpose. */
export type OpenedPostgres = AttachedPostgres & {
  readonly origin: 'attached' | 'started'
  /** Ends the server if it was started here; leaves another process' server alone. */
  readonly close: () => Promise<void>
}

const tryOpen = async (options: EmbeddedPostgresOptions): Promise<OpenedPostgres> => {
  const attached = await attachEmbeddedPostgres(options)
  if (attached !== undefined) return { ...attached, origin: 'attached', close: async () => undefined }
  const started = await startEmbeddedPostgres(options)
  const { connection, connectionFor, folder, stop } = started
  return { connection, connectionFor, folder, origin: 'started', close: stop }
}

/** Attaches to the server of another process of ours on the data folder, else starts one until `close` is called: the way of a command line. */
export const openEmbeddedPostgres = async (options: EmbeddedPostgresOptions): Promise<OpenedPostgres> => {
  try {
    return await tryOpen(options)
  } catch (error) {
    // Somebody took the folder between the look and the start: now there is a server to attach to.
    if (error instanceof EmbeddedPostgresError && error.code === 'folder_in_use') return tryOpen(options)
    throw error
  }
}
