// Owns: the file that Postgres and initdb write their messages to.
// Never: reads meaning into them.
import { constants, fchownSync, openSync } from 'node:fs'
import { open, rename, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { runsAsRoot } from './account.ts'
import { systemCodeOf } from './errors.ts'

const LOG_LIMIT_BYTES = 10 * 1024 * 1024

/** Gives the last lines of the server's log that were written after the given size in bytes. */
export const logSince = async (logFile: string, from: number): Promise<string> => {
  const handle = await open(logFile, 'r')
  try {
    const { size } = await handle.stat()
    const start = Math.max(from, size - 4096)
    const { buffer, bytesRead } = await handle.read(
      Buffer.alloc(Math.max(size - start, 0)),
      0,
      Math.max(size - start, 0),
      start,
    )
    return buffer.toString('utf8', 0, bytesRead).trim().split('\n').slice(-12).join('\n')
  } finally {
    await handle.close()
  }
}

/** Opens the log for adding to, putting a large one aside, and tells its present size in bytes. */
export const openLog = async (logFile: string): Promise<{ readonly descriptor: number; readonly size: number }> => {
  const size = await stat(logFile).then(
    (facts) => facts.size,
    (error: unknown) => {
      if (systemCodeOf(error) === 'ENOENT') return 0
      throw error
    },
  )
  if (size > LOG_LIMIT_BYTES) await rename(logFile, `${logFile}.1`)
  const flags = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | constants.O_NOFOLLOW
  const descriptor = openSync(logFile, flags, 0o600)
  // Root's log in an ordinary user's folder must not lock that user out of the next start.
  const { uid, gid } = await stat(dirname(logFile))
  if (runsAsRoot()) fchownSync(descriptor, uid, gid)
  return { descriptor, size: size > LOG_LIMIT_BYTES ? 0 : size }
}
