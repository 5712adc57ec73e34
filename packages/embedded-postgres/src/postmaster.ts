// Owns: one running postmaster: reading postmaster.pid, starting, waiting until it is ready, and stopping it.
// Never: decides whether a folder may be used; the owner lock is held before anything here runs.
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { spawnOptionsFor } from './account.ts'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresError, messageOf, systemCodeOf } from './errors.ts'
import { type DataFolder, PORT } from './folder.ts'
import { guardPostmaster } from './guard.ts'
import { servesCluster, startOf } from './process-facts.ts'
import { logSince, openLog } from './server-log.ts'

/** What postmaster.pid says: the pid, the socket's folder, and whether connections are accepted. */
export type PostmasterFile = { readonly pid: number; readonly socketFolder: string; readonly ready: boolean }

/** How a server is to run. */
export type ServerSettings = {
  readonly folder: DataFolder
  readonly binaries: Binaries
  readonly socketFolder: string
  readonly durable: boolean
  readonly maxConnections: number
  readonly startTimeoutMs: number
}

/** A postmaster that is our child and accepts connections; `ended` settles with a description once it has ended, however it came. */
export type Postmaster = { readonly child: ChildProcess; readonly pid: number; readonly ended: Promise<string> }

const POLL_MS = 10
// A folder whose previous postmaster was killed stays taken until its last child has noticed.
const LEFTOVER_PATIENCE_MS = 15_000
const FAST_STOP_MS = 60_000
const IMMEDIATE_STOP_MS = 10_000
const LEFTOVER =
  /pre-existing shared memory block|lock file ".*" already exists|lock file ".*" is empty|bogus data in lock file/
// A power loss leaves a lock file without its content, which Postgres does not dare to remove.
const UNREADABLE = /lock file ".*" is empty|bogus data in lock file/

/** Reads a cluster's postmaster.pid; undefined when there is none, or it is not complete. */
export const readPostmasterFile = async (cluster: string): Promise<PostmasterFile | undefined> => {
  let lines: readonly string[]
  try {
    lines = (await readFile(join(cluster, 'postmaster.pid'), 'utf8')).split('\n')
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const pid = Number(lines[0])
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  return { pid, socketFolder: lines[4] ?? '', ready: lines[7]?.trim() === 'ready' }
}

const signal = (pid: number, name: 'SIGINT' | 'SIGQUIT'): void => {
  try {
    process.kill(pid, name)
  } catch (error) {
    // It ended between the look and the signal, which is what the signal was for.
    if (systemCodeOf(error) !== 'ESRCH') throw error
  }
}

const goneWithin = async (isGone: () => boolean, limitMs: number): Promise<boolean> => {
  const deadline = performance.now() + limitMs
  while (!isGone()) {
    if (performance.now() > deadline) return false
    await sleep(POLL_MS)
  }
  return true
}

const stopWith = async (pid: number, isGone: () => boolean): Promise<void> => {
  // Fast: open transactions are rolled back, a checkpoint is written. Immediate loses nothing either; the next start recovers.
  signal(pid, 'SIGINT')
  if (await goneWithin(isGone, FAST_STOP_MS)) return
  signal(pid, 'SIGQUIT')
  if (await goneWithin(isGone, IMMEDIATE_STOP_MS)) return
  throw new EmbeddedPostgresError('stop_failed', `Postgres (process ${pid}) does not stop.`)
}

/** Stops a postmaster that an earlier run left behind on this cluster, and removes a postmaster.pid that names nobody. */
export const clearLeftover = async (folder: DataFolder, log: (line: string) => void): Promise<void> => {
  const file = join(folder.cluster, 'postmaster.pid')
  const found = await readPostmasterFile(folder.cluster)
  if (found === undefined) return
  if (servesCluster(found.pid, folder.cluster)) {
    log(`Postgres of an earlier run (process ${found.pid}) still serves ${folder.cluster}; it is stopped first`)
    await stopWith(found.pid, () => !servesCluster(found.pid, folder.cluster))
    return
  }
  // Postgres refuses to start while the pid lives, even when it now is some other program.
  if (startOf(found.pid) !== undefined) {
    log(`${file} names process ${found.pid}, which is another program by now; it is removed`)
    await rm(file, { force: true })
  }
}

const argumentsOf = (settings: ServerSettings): readonly string[] => {
  const options: Record<string, string> = {
    listen_addresses: '',
    unix_socket_directories: settings.socketFolder,
    unix_socket_permissions: '0700',
    max_connections: String(settings.maxConnections),
    logging_collector: 'off',
    log_destination: 'stderr',
    log_checkpoints: 'off',
    timezone: 'UTC',
    log_timezone: 'UTC',
    lc_messages: 'C',
    fsync: settings.durable ? 'on' : 'off',
    full_page_writes: settings.durable ? 'on' : 'off',
    synchronous_commit: settings.durable ? 'on' : 'off',
  }
  return [
    '-D',
    settings.folder.cluster,
    '-p',
    String(PORT),
    ...Object.entries(options).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ]
}

const launch = async (
  settings: ServerSettings,
  log: (line: string) => void,
): Promise<Postmaster & { readonly hasEnded: () => boolean; readonly logFrom: number }> => {
  const { descriptor, size } = await openLog(settings.folder.logFile)
  try {
    const child = spawn(join(settings.binaries.bin, 'postgres'), argumentsOf(settings), {
      ...spawnOptionsFor(settings.folder.account),
      stdio: ['ignore', descriptor, descriptor],
      // A session of its own: Ctrl-C in a terminal reaches the whole foreground group, and the database must outlast the drain.
      detached: true,
    })
    // Node cannot wait in this event; Postgres ends on its own once told, and the next start waits for it.
    const onExit = (): void => {
      child.kill('SIGINT')
    }
    process.once('exit', onExit)
    const dismissGuard =
      child.pid === undefined ? () => undefined : guardPostmaster(settings.folder.account, child.pid, log)
    let over = false
    const ended = new Promise<string>((settled) => {
      const end = (how: string): void => {
        over = true
        process.removeListener('exit', onExit)
        dismissGuard()
        settled(how)
      }
      child.once('error', (error) => end(`could not be started: ${error.message}`))
      child.once('exit', (code, name) => end(name === null ? `ended with code ${code}` : `was ended by ${name}`))
    })
    return { child, pid: child.pid ?? 0, ended, hasEnded: () => over, logFrom: size }
  } finally {
    closeSync(descriptor)
  }
}

type Attempt =
  | { readonly outcome: 'ready'; readonly postmaster: Postmaster }
  | { readonly outcome: 'ended'; readonly how: string; readonly lines: string }

const attempt = async (settings: ServerSettings, log: (line: string) => void): Promise<Attempt> => {
  const { child, pid, ended, hasEnded, logFrom } = await launch(settings, log)
  const deadline = performance.now() + settings.startTimeoutMs
  for (;;) {
    if (hasEnded())
      return { outcome: 'ended', how: await ended, lines: await logSince(settings.folder.logFile, logFrom) }
    const file = await readPostmasterFile(settings.folder.cluster)
    if (file?.pid === pid && file.ready) {
      // A running database is no reason to keep a finished program alive.
      child.unref()
      return { outcome: 'ready', postmaster: { child, pid, ended } }
    }
    if (performance.now() > deadline) {
      if (pid > 0) await stopWith(pid, hasEnded)
      return {
        outcome: 'ended',
        how: `was not ready within ${settings.startTimeoutMs} ms`,
        lines: await logSince(settings.folder.logFile, logFrom),
      }
    }
    await sleep(POLL_MS)
  }
}

/** Starts Postgres on a cluster and waits until it accepts connections; throws `start_failed` with the last lines of its log. */
export const startPostmaster = async (settings: ServerSettings, log: (line: string) => void): Promise<Postmaster> => {
  const patience = performance.now() + LEFTOVER_PATIENCE_MS
  for (;;) {
    await clearLeftover(settings.folder, log)
    const result = await attempt(settings, log)
    if (result.outcome === 'ready') return result.postmaster
    if (!LEFTOVER.test(result.lines) || performance.now() > patience) {
      throw new EmbeddedPostgresError(
        'start_failed',
        `Postgres ${result.how}. The end of ${settings.folder.logFile}:\n${result.lines}`,
      )
    }
    if (UNREADABLE.test(result.lines)) await rm(join(settings.folder.cluster, 'postmaster.pid'), { force: true })
    log('what an earlier run left behind is still going away; trying again')
    await sleep(100)
  }
}

/** Stops our own postmaster: at once for its clients, in order for its data; throws `stop_failed`. */
export const stopPostmaster = async ({ child, pid }: Postmaster): Promise<void> => {
  const isGone = (): boolean => child.exitCode !== null || child.signalCode !== null
  if (isGone()) return
  child.ref()
  try {
    await stopWith(pid, isGone)
  } catch (error) {
    throw error instanceof EmbeddedPostgresError
      ? error
      : new EmbeddedPostgresError('stop_failed', messageOf(error), error)
  }
}
