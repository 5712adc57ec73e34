// Owns: the order of a start (folder, owner, programs, leftovers, cluster, server, database) and its undoing.
// Never: stays silent about an end that nobody asked for: `ended` tells it.
import { rm, rmdir } from 'node:fs/promises'
import { type Binaries, findBinaries } from './binaries.ts'
import { ensureCluster } from './cluster.ts'
import { connectionIn, createDatabaseOn, DEFAULT_DATABASE, type EmbeddedConnection } from './connection.ts'
import { EmbeddedPostgresError, messageOf, systemCodeOf } from './errors.ts'
import { type DataFolder, makeSocketFolder, prepareFolder } from './folder.ts'
import { type Ownership, takeOwnership } from './owner.ts'
import { clearLeftover, type Postmaster, startPostmaster, stopPostmaster } from './postmaster.ts'

/** What may be said about a start; only the data folder must be. */
export type EmbeddedPostgresOptions = {
  /** The folder the server's data goes to; it is made if need be and belongs to the launcher alone. */
  readonly dataFolder: string
  /** The database that `connection` names, created if it is missing; `vouchsafe` by default. */
  readonly database?: string
  /** False gives up safety against power loss for speed: for tests only. */
  readonly durable?: boolean
  /** Connections the server accepts; 100 by default. */
  readonly maxConnections?: number
  /** Milliseconds until a start counts as failed (recovery after a crash included); 60,000 by default. */
  readonly startTimeoutMs?: number
  /** A folder with `initdb` and `postgres` to use in place of those of the npm package. */
  readonly binaries?: string
  /** Where a copy of the programs goes when they cannot be run in place; /var/cache/vouchsafe or the user's cache by default. */
  readonly cacheFolder?: string
  /** Where the data goes when root starts the server and the data folder is closed to others; /var/lib/vouchsafe by default. */
  readonly fallbackFolder?: string
  /** Receives a line for each thing an operator may want to know. */
  readonly log?: (line: string) => void
}

/** A running server of ours. */
export type EmbeddedPostgres = {
  readonly connection: EmbeddedConnection
  readonly connectionFor: (database: string) => EmbeddedConnection
  readonly createDatabase: (name: string) => Promise<EmbeddedConnection>
  /** Where the data really lies. */
  readonly folder: string
  readonly logFile: string
  readonly version: string
  readonly pid: number
  /** Settles with a description when the server has ended, whether asked to or not; never rejects. */
  readonly ended: Promise<string>
  /** Ends the server in order and gives the folder free; every call gives the same promise; throws `stop_failed`. */
  readonly stop: () => Promise<void>
}

/** A start whose cluster, if `fresh`, begins empty and is thrown away at the stop, both while the folder is owned. */
export type StartOptions = EmbeddedPostgresOptions & { readonly fresh?: boolean }

type Prepared = { readonly folder: DataFolder; readonly binaries: Binaries; readonly log: (line: string) => void }

const removeIfEmpty = async (folder: string): Promise<void> => {
  try {
    await rmdir(folder)
  } catch (error) {
    if (!['ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(systemCodeOf(error) ?? '')) throw error
  }
}

const runServer = async (
  options: StartOptions,
  prepared: Prepared,
  ownership: Ownership,
): Promise<EmbeddedPostgres> => {
  const { folder, binaries, log } = prepared
  const durable = options.durable ?? true
  await clearLeftover(folder, log)
  if (options.fresh === true) await rm(folder.cluster, { recursive: true, force: true, maxRetries: 3 })
  await ensureCluster({ folder, binaries, durable, log })
  const socketFolder = await makeSocketFolder(folder)
  const startTimeoutMs = options.startTimeoutMs ?? 60_000
  const maxConnections = options.maxConnections ?? 100
  const postmaster = await startPostmaster(
    { folder, binaries, socketFolder, durable, maxConnections, startTimeoutMs },
    log,
  )
  const stop = stopOnce({
    postmaster,
    ownership,
    socketFolder,
    discard: options.fresh === true ? folder.cluster : undefined,
  })
  const maintenance = connectionIn(socketFolder, 'postgres')
  const createDatabase = async (name: string): Promise<EmbeddedConnection> => {
    await createDatabaseOn(maintenance, name)
    return connectionIn(socketFolder, name)
  }
  try {
    const connection = await createDatabase(options.database ?? DEFAULT_DATABASE)
    const connectionFor = (database: string): EmbeddedConnection => connectionIn(socketFolder, database)
    const { pid, ended } = postmaster
    return {
      connection,
      connectionFor,
      createDatabase,
      folder: folder.root,
      logFile: folder.logFile,
      version: binaries.version,
      pid,
      ended,
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

const stopOnce = (running: {
  readonly postmaster: Postmaster
  readonly ownership: Ownership
  readonly socketFolder: string
  readonly discard: string | undefined
}): (() => Promise<void>) => {
  const stop = async (): Promise<void> => {
    await stopPostmaster(running.postmaster)
    await removeIfEmpty(running.socketFolder)
    if (running.discard !== undefined) await rm(running.discard, { recursive: true, force: true, maxRetries: 3 })
    await running.ownership.release()
  }
  let stopping: Promise<void> | undefined
  return () => {
    stopping ??= stop()
    return stopping
  }
}

/** Starts a server with the internal options; throws as `startEmbeddedPostgres` does. */
export const startServer = async (options: StartOptions): Promise<EmbeddedPostgres> => {
  const log = options.log ?? (() => undefined)
  const folder = await prepareFolder({ dataFolder: options.dataFolder, fallbackFolder: options.fallbackFolder, log })
  const ownership = await takeOwnership(folder.root)
  try {
    const binaries = await findBinaries({
      account: folder.account,
      named: options.binaries,
      cacheFolder: options.cacheFolder,
      log,
    })
    return await runServer(options, { folder, binaries, log }, ownership)
  } catch (error) {
    await ownership.release()
    if (error instanceof EmbeddedPostgresError) throw error
    throw new EmbeddedPostgresError(
      'start_failed',
      `The embedded Postgres could not be started: ${messageOf(error)}`,
      error,
    )
  }
}

/**
 * Starts a real Postgres on a data folder, on a unix socket only, and waits until it accepts connections. An orphan of a killed
 * run is stopped first. Throws an `EmbeddedPostgresError`; code `folder_in_use` while another process of ours has the folder.
 */
export const startEmbeddedPostgres = (options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> =>
  startServer({ ...options, fresh: false })
