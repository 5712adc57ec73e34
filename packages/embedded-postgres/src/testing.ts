// Owns: a fresh database for a test file: on the shared throw-away cluster of this machine, or on TEST_DATABASE_URL's server.
// Never: serves production: the shared cluster forgets everything at a power loss and at its end.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, openSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { attachEmbeddedPostgres } from './attach.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import { livingOwnerOf } from './owner.ts'
import { logSince } from './server-log.ts'
import { enter, isClosing, type MeetingPlace, makeMeetingPlace, meetingPlaceFor } from './test-users.ts'
import { queryOnce, quoteName, type WireTarget } from './wire.ts'

/** Connection options as the `postgres` driver takes them. */
export type TestConnection = WireTarget

/** A database of one's own, empty, until it is released. */
export type TestDatabase = {
  /** Spread into the driver's options: `postgres({ ...database.connection })`. */
  readonly connection: TestConnection
  /** Drops the database, connections or not; a second call does nothing. */
  readonly release: () => Promise<void>
}

/** Which programs to run, and what to copy the new database from. */
export type TestDatabaseOptions = {
  /** A folder with another version's `initdb` and `postgres`; it gets a shared cluster of its own, TEST_DATABASE_URL or not. */
  readonly binaries?: string
  /** An existing database of the same server, without connections, to copy; the empty one by default. */
  readonly template?: string
}

type Stay = { readonly target: WireTarget; readonly leave: () => Promise<void> }
type Keeper = { readonly outcome: () => 'running' | 'left' | 'failed' }

const PATIENCE_MS = 90_000

const parseServerUrl = (value: string): WireTarget => {
  // Without the input, which holds a password and which Node's own error would repeat.
  if (!URL.canParse(value)) throw new EmbeddedPostgresError('query_failed', 'TEST_DATABASE_URL is not a URL.')
  const url = new URL(value)
  if (url.protocol !== 'postgres:' && url.protocol !== 'postgresql:') {
    throw new EmbeddedPostgresError('query_failed', 'TEST_DATABASE_URL must begin with postgres:// or postgresql://')
  }
  const database = decodeURIComponent(url.pathname.slice(1)) || 'postgres'
  const user = decodeURIComponent(url.username) || 'postgres'
  const secret = url.password === '' ? {} : { password: decodeURIComponent(url.password) }
  const port = Number(url.port || 5432)
  const host = url.searchParams.get('host') ?? decodeURIComponent(url.hostname)
  const place = host.startsWith('/')
    ? { path: `${host}/.s.PGSQL.${port}` }
    : { host: host.replace(/^\[|\]$/g, ''), port }
  return { ...place, user, ...secret, database }
}

const sendForKeeper = (place: MeetingPlace, binaries: string | undefined): Keeper => {
  const log = openSync(place.keeperLog, 'w', 0o600)
  try {
    const program = fileURLToPath(new URL('./test-keeper.js', import.meta.url))
    const env = Object.fromEntries(
      ['PATH', 'HOME', 'TMPDIR', 'XDG_CACHE_HOME'].map((name) => [name, process.env[name]]),
    )
    // It outlives the process that sent for it, and holds none of the pipes that a test runner waits on.
    const child = spawn(process.execPath, [program, place.base, ...(binaries === undefined ? [] : [binaries])], {
      detached: true,
      stdio: ['ignore', log, log],
      env,
      cwd: '/',
    })
    let state: ReturnType<Keeper['outcome']> = 'running'
    child.once('error', () => {
      state = 'failed'
    })
    child.once('exit', (code) => {
      state = code === 0 ? 'left' : 'failed'
    })
    child.unref()
    return { outcome: () => state }
  } finally {
    closeSync(log)
  }
}

const joinCluster = async (place: MeetingPlace, binaries: string | undefined): Promise<WireTarget> => {
  const deadline = performance.now() + PATIENCE_MS
  let keeper: Keeper | undefined
  while (performance.now() < deadline) {
    if ((await livingOwnerOf(place.data)) !== undefined) {
      const leaving = isClosing(place)
      const attached = leaving
        ? undefined
        : await attachEmbeddedPostgres({ dataFolder: place.data, database: 'postgres', waitMs: PATIENCE_MS })
      if (attached !== undefined) return attached.connection
    } else if (keeper?.outcome() === 'failed') {
      throw new EmbeddedPostgresError(
        'start_failed',
        `The shared test cluster could not be started:\n${await logSince(place.keeperLog, 0)}`,
      )
    } else if (keeper?.outcome() !== 'running') keeper = sendForKeeper(place, binaries)
    await sleep(20)
  }
  throw new EmbeddedPostgresError(
    'start_failed',
    `No shared test cluster came up within ${PATIENCE_MS} ms; see ${place.keeperLog}.`,
  )
}

const stayAt = async (binaries: string | undefined): Promise<Stay> => {
  const url = process.env['TEST_DATABASE_URL']
  if (url !== undefined && url !== '' && binaries === undefined) {
    return { target: parseServerUrl(url), leave: async () => undefined }
  }
  const place = meetingPlaceFor(binaries)
  await makeMeetingPlace(place)
  const leave = await enter(place)
  try {
    return { target: await joinCluster(place, binaries), leave }
  } catch (error) {
    await leave()
    throw error instanceof EmbeddedPostgresError
      ? error
      : new EmbeddedPostgresError('start_failed', messageOf(error), error)
  }
}

/**
 * Creates an empty database for one test file, on TEST_DATABASE_URL's server if that is set, else on a cluster that all test
 * processes of this user share and that ends by itself two seconds after the last of them. Throws an `EmbeddedPostgresError`.
 */
export const acquireTestDatabase = async (options: TestDatabaseOptions = {}): Promise<TestDatabase> => {
  const { target, leave } = await stayAt(options.binaries)
  const database = `vouchsafe_test_${randomBytes(8).toString('hex')}`
  try {
    const template = options.template === undefined ? '' : ` template ${quoteName(options.template)}`
    await queryOnce(target, `create database ${quoteName(database)}${template}`)
  } catch (error) {
    await leave()
    throw error
  }
  let released: Promise<void> | undefined
  const drop = async (): Promise<void> => {
    try {
      await queryOnce(target, `drop database if exists ${quoteName(database)} with (force)`)
    } finally {
      await leave()
    }
  }
  return {
    connection: { ...target, database },
    release: () => {
      released ??= drop()
      return released
    },
  }
}

/** Keeps the shared cluster up for as long as the work runs, so that a suite of many processes pays for one start. */
export const withTestCluster = async <T>(work: () => Promise<T>): Promise<T> => {
  const { leave } = await stayAt(undefined)
  try {
    return await work()
  } finally {
    await leave()
  }
}
