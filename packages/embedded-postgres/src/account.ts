// Owns: under which user initdb and postgres run, and what that user can reach.
// Never: changes the user of this process.
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

/** The user and group Postgres runs under; `dropped` when that is not the user of this process (root may not run Postgres). */
export type Account = { readonly uid: number; readonly gid: number; readonly dropped: boolean }

/** What a probe of the operating system answered. */
export type ProbeOutcome =
  | { readonly outcome: 'succeeded'; readonly output: string }
  | { readonly outcome: 'refused'; readonly systemCode: string | undefined; readonly output: string }

const UNPRIVILEGED_ID = 65_534

/**
 * The whole environment of the programs we start: never this process' own, which holds secrets that the unprivileged user
 * could read, and PG* settings that would point Postgres elsewhere. C messages, because some of them are read by us.
 */
export const BARE_ENVIRONMENT: Readonly<Record<string, string>> = {
  PATH: '/usr/bin:/bin:/usr/sbin:/sbin',
  LC_ALL: 'C',
  TZ: 'UTC',
}

const nobodyOf = (passwd: string): Account | undefined => {
  for (const line of passwd.split('\n')) {
    const [name, , uid, gid] = line.split(':')
    if (name !== 'nobody' || uid === undefined || gid === undefined) continue
    // macOS writes -2; the kernel's own answer for the same user is the unsigned form.
    const [parsedUid, parsedGid] = [Number(uid) >>> 0, Number(gid) >>> 0]
    if (parsedUid > 0 && parsedGid > 0) return { uid: parsedUid, gid: parsedGid, dropped: true }
  }
  return undefined
}

const readPasswd = (): string => {
  try {
    return readFileSync('/etc/passwd', 'utf8')
  } catch {
    // A bare container may have no user list; the fallback id below is what the kernel itself calls nobody.
    return ''
  }
}

/** Says whether this process is root, which Postgres refuses to run as. */
export const runsAsRoot = (): boolean => process.geteuid?.() === 0

/** Chooses the account: one's own for an ordinary user; for root the present owner of the cluster, else nobody. */
export const chooseAccount = (clusterOwner: { readonly uid: number; readonly gid: number } | undefined): Account => {
  if (!runsAsRoot()) return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0, dropped: false }
  if (clusterOwner !== undefined && clusterOwner.uid !== 0) return { ...clusterOwner, dropped: true }
  return nobodyOf(readPasswd()) ?? { uid: UNPRIVILEGED_ID, gid: UNPRIVILEGED_ID, dropped: true }
}

/** Gives the spawn options that start a program under the account, in a folder it can reach, with nothing of our environment. */
export const spawnOptionsFor = (
  account: Account,
): { readonly cwd: string; readonly env: Record<string, string>; readonly uid?: number; readonly gid?: number } => ({
  cwd: '/',
  env: { ...BARE_ENVIRONMENT },
  // Node takes signed 32-bit ids here. It also drops root's supplementary groups on the way.
  ...(account.dropped ? { uid: account.uid | 0, gid: account.gid | 0 } : {}),
})

/** Runs a short program under the account and tells how it ended; the kernel's own answer is worth more than reading mode bits. */
export const probe = (account: Account, command: string, args: readonly string[]): ProbeOutcome => {
  const done = spawnSync(command, args, { ...spawnOptionsFor(account), encoding: 'utf8', timeout: 30_000 })
  const output = `${done.stdout ?? ''}${done.stderr ?? ''}`.trim()
  if (done.error === undefined && done.status === 0) return { outcome: 'succeeded', output }
  const systemCode =
    done.error !== undefined && 'code' in done.error && typeof done.error.code === 'string'
      ? done.error.code
      : undefined
  return { outcome: 'refused', systemCode, output: output === '' ? (done.error?.message ?? '') : output }
}

/** Says whether the account can enter a folder, every parent included. */
export const canEnter = (account: Account, folder: string): ProbeOutcome =>
  probe(account, '/bin/sh', ['-c', 'cd -- "$1"', 'sh', folder])
