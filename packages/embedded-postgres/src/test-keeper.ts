// Owns: the life of the shared test cluster: a program of its own, which starts it and ends it when nobody has used it for a while.
// Never: runs in production, nor keeps data: every run begins with an empty cluster and leaves none.
import { rm, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import { type EmbeddedPostgres, startServer } from './start.ts'
import { isUsed, type MeetingPlace, meetingPlaceIn } from './test-users.ts'

// Asking for a process' start costs a program run on macOS, nothing on Linux.
const LOOK_EVERY_MS = process.platform === 'linux' ? 200 : 1000
// Bridges the gap between two test files, so that a suite pays for one start.
const LINGER_MS = 2000
const MAX_CONNECTIONS = 200

const serveUntilUnused = async (place: MeetingPlace, server: EmbeddedPostgres): Promise<'unused' | 'ended'> => {
  let ended = false
  void server.ended.then(() => {
    ended = true
  })
  let unusedSince = performance.now()
  for (;;) {
    await sleep(LOOK_EVERY_MS)
    if (ended) return 'ended'
    if (await isUsed(place)) unusedSince = performance.now()
    if (performance.now() - unusedSince < LINGER_MS) continue
    await writeFile(place.closing, '')
    if (!(await isUsed(place))) return 'unused'
    await rm(place.closing, { force: true })
    unusedSince = performance.now()
  }
}

const keep = async (base: string, binaries: string | undefined): Promise<void> => {
  const place = meetingPlaceIn(base)
  const server = await startServer({
    dataFolder: place.data,
    database: 'postgres',
    durable: false,
    fresh: true,
    maxConnections: MAX_CONNECTIONS,
    log: (line) => process.stderr.write(`${line}\n`),
    ...(binaries === undefined ? {} : { binaries }),
  })
  await rm(place.closing, { force: true })
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.once(name, () => void server.stop().then(() => process.exit(0)))
  }
  const why = await serveUntilUnused(place, server)
  await server.stop()
  if (why === 'ended') throw new Error(`Postgres ended by itself: ${await server.ended}`)
}

const [base, binaries] = process.argv.slice(2)
if (base === undefined) throw new Error('usage: test-keeper <folder> [<programs>]')
try {
  await keep(base, binaries)
} catch (error) {
  // Two test processes may each send for a keeper; the second finds the first at work and leaves.
  if (!(error instanceof EmbeddedPostgresError && error.code === 'folder_in_use')) {
    process.stderr.write(`${messageOf(error)}\n`)
    process.exitCode = 1
  }
}
