// Owns: what the operating system says about a process: whether it lives, when it began, where it works.
// Never: signals or ends a process.
import { execFileSync } from 'node:child_process'
import { readFileSync, readlinkSync, realpathSync } from 'node:fs'

/** A process named for good: a pid alone is reused, a pid with the moment it began is not. */
export type ProcessIdentity = { readonly pid: number; readonly began: string }

const UNKNOWN_START = 'unknown'

const readOrUndefined = (file: string): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    // Absent and unreadable are the same answer here: the caller goes on to ask the kernel by signal 0.
    return undefined
  }
}

// Signal 0 asks without disturbing. EPERM means that it lives and belongs to somebody else.
const answersSignal = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return error instanceof Error && 'code' in error && error.code === 'EPERM'
  }
}

const ps = (pid: number, field: string): string | undefined => {
  try {
    const env = { PATH: '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
    return execFileSync('ps', ['-o', `${field}=`, '-p', String(pid)], { encoding: 'utf8', env }).trim()
  } catch {
    // ps exits with 1 when there is no such process.
    return undefined
  }
}

const linuxStart = (pid: number): string | undefined => {
  const stat = readOrUndefined(`/proc/${pid}/stat`)
  if (stat === undefined) return answersSignal(pid) ? UNKNOWN_START : undefined
  // The command name is in parentheses and may itself hold spaces and parentheses, so fields are counted after the last one.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const [state, ticks] = [fields[0], fields[19]]
  // A zombie has ended; it only waits for its parent to ask.
  if (state === 'Z' || state === 'X' || ticks === undefined) return undefined
  const boot = readOrUndefined('/proc/sys/kernel/random/boot_id')?.trim() ?? ''
  return `${boot}/${ticks}`
}

/** Gives the pid of a living process' parent, or undefined when the process does not live. */
export const parentOf = (pid: number): number | undefined => {
  const stat = readOrUndefined(`/proc/${pid}/stat`)
  const parent = process.platform === 'linux' ? stat?.slice(stat.lastIndexOf(')') + 2).split(' ')[1] : ps(pid, 'ppid')
  return parent === undefined || parent === '' ? undefined : Number(parent)
}

const portableStart = (pid: number): string | undefined => {
  if (!answersSignal(pid)) return undefined
  if (ps(pid, 'state')?.startsWith('Z') === true) return undefined
  const began = ps(pid, 'lstart')
  return began === undefined || began === '' ? UNKNOWN_START : began
}

/** Says when a process began, as an opaque text that tells two users of one pid apart; undefined when it does not live. */
export const startOf = (pid: number): string | undefined =>
  process.platform === 'linux' ? linuxStart(pid) : portableStart(pid)

/** Says whether exactly this process still lives; an unreadable start counts as living, so that doubt never takes a folder away. */
export const lives = (identity: ProcessIdentity): boolean => {
  const began = startOf(identity.pid)
  if (began === undefined) return false
  return began === identity.began || began === UNKNOWN_START || identity.began === UNKNOWN_START
}

/** Names the process that runs this code. */
export const ownIdentity = (): ProcessIdentity => ({ pid: process.pid, began: startOf(process.pid) ?? UNKNOWN_START })

/** Says whether a living process is the postmaster of this cluster folder, and not another program that was given its pid. */
export const servesCluster = (pid: number, clusterFolder: string): boolean => {
  if (startOf(pid) === undefined) return false
  if (process.platform !== 'linux') return (ps(pid, 'command') ?? '').includes(clusterFolder)
  try {
    // A postmaster works inside its data folder, wherever that was moved to since.
    return readlinkSync(`/proc/${pid}/cwd`) === realpathSync(clusterFolder)
  } catch {
    // Root in a container lacks the capability to read that link of another user's process; its arguments are open to all.
    return (readOrUndefined(`/proc/${pid}/cmdline`) ?? '').split('\0').includes(clusterFolder)
  }
}
