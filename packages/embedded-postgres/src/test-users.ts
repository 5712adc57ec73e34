// Owns: the meeting place of test processes and the keeper of their shared cluster: who uses it, and whether it is closing.
// Never: starts or stops anything.
//
// A user first writes its name and then looks for `closing`; the keeper first writes `closing` and then looks for users. So
// at least one sees the other, and no user is left with a server that is about to end.
import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { lstat, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runsAsRoot } from './account.ts'
import { EmbeddedPostgresError } from './errors.ts'
import { lives, ownIdentity } from './process-facts.ts'

/** The folders and files of one shared cluster. */
export type MeetingPlace = {
  readonly base: string
  readonly users: string
  readonly closing: string
  readonly data: string
  readonly keeperLog: string
}

/** Names the meeting place of a user of this machine, one for each set of programs. */
export const meetingPlaceFor = (binaries: string | undefined): MeetingPlace => {
  const kind = createHash('sha256')
    .update(binaries ?? fileURLToPath(import.meta.url))
    .digest('hex')
    .slice(0, 8)
  const base = join(tmpdir(), `vouchsafe-test-${process.geteuid?.() ?? 0}-${kind}`)
  return meetingPlaceIn(base)
}

/** Names the parts of the meeting place in a folder. */
export const meetingPlaceIn = (base: string): MeetingPlace => ({
  base,
  users: join(base, 'users'),
  closing: join(base, 'closing'),
  data: join(base, 'data'),
  keeperLog: join(base, 'keeper.log'),
})

/** Makes the meeting place; throws `data_folder_unusable` when somebody else made it first. */
export const makeMeetingPlace = async (place: MeetingPlace): Promise<void> => {
  // Root's unprivileged user passes through to the data.
  await mkdir(place.base, { recursive: true, mode: runsAsRoot() ? 0o711 : 0o700 })
  const facts = await lstat(place.base)
  if (!facts.isDirectory() || facts.uid !== process.geteuid?.() || (facts.mode & 0o022) !== 0) {
    throw new EmbeddedPostgresError('data_folder_unusable', `${place.base} is not this user's own folder; remove it.`)
  }
  await mkdir(place.users, { recursive: true, mode: 0o700 })
}

/** Writes this process down as a user; the answer takes the entry back. A process that dies without doing so is not counted. */
export const enter = async (place: MeetingPlace): Promise<() => Promise<void>> => {
  const { pid, began } = ownIdentity()
  const name = `${pid}.${Buffer.from(began).toString('base64url')}.${randomBytes(6).toString('hex')}`
  const entry = join(place.users, name)
  await writeFile(entry, '', { flag: 'wx', mode: 0o600 })
  return () => rm(entry, { force: true })
}

/** Says whether a living process uses the cluster, and removes the entries of dead ones. */
export const isUsed = async (place: MeetingPlace): Promise<boolean> => {
  let used = false
  for (const name of await readdir(place.users)) {
    const [pid, began] = name.split('.')
    if (lives({ pid: Number(pid), began: Buffer.from(began ?? '', 'base64url').toString() })) used = true
    else await rm(join(place.users, name), { force: true })
  }
  return used
}

/** Says whether the keeper has announced its end. */
export const isClosing = (place: MeetingPlace): boolean => existsSync(place.closing)
