// Owns: which process of ours owns a data folder, held in numbered files so that a dead owner is replaced without a race.
// Never: looks at Postgres itself (its own postmaster.pid is a second, independent guard).
//
// A file `owner.<n>` names its process; the highest number holds, and numbers only grow: releasing empties the file and leaves
// it. Who finds the highest, n, held by nobody links n+1, which only one can do, and then looks whether n+1 is the highest:
// somebody with an old view of n sees a higher number and withdraws. Replacing one file in place has no such property
// (between reading a dead owner and removing the file a new owner may have put its own), nor have numbers that begin anew.
import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { link, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { EmbeddedPostgresError, systemCodeOf } from './errors.ts'
import { lives, ownIdentity, type ProcessIdentity } from './process-facts.ts'

/** The right to a folder, until it is released or its process ends. */
export type Ownership = { readonly release: () => Promise<void> }

type Highest = { readonly generation: number; readonly owner: ProcessIdentity | undefined }

const NAME = /^owner\.(\d+)$/
const ATTEMPTS = 100

const generationsIn = async (folder: string): Promise<readonly number[]> => {
  const found: number[] = []
  for (const name of await readdir(folder)) {
    const digits = NAME.exec(name)?.[1]
    if (digits !== undefined) found.push(Number(digits))
  }
  return found.sort((a, b) => a - b)
}

const parseIdentity = (text: string): ProcessIdentity | undefined => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('began' in value)) return undefined
    return typeof value.pid === 'number' && typeof value.began === 'string'
      ? { pid: value.pid, began: value.began }
      : undefined
  } catch {
    // The content is complete before the name exists, so only a power loss leaves half a file: nobody's.
    return undefined
  }
}

const changing = (folder: string): EmbeddedPostgresError =>
  new EmbeddedPostgresError('folder_in_use', `The database folder ${folder} is being taken by others again and again.`)

const fileOf = (folder: string, generation: number): string => join(folder, `owner.${generation}`)

// Reads the highest file. Undefined when it went away meanwhile, since then a higher one exists.
const readHighest = async (folder: string): Promise<Highest | undefined> => {
  const generation = (await generationsIn(folder)).at(-1)
  if (generation === undefined) return { generation: 0, owner: undefined }
  try {
    const identity = parseIdentity(await readFile(fileOf(folder, generation), 'utf8'))
    return { generation, owner: identity !== undefined && lives(identity) ? identity : undefined }
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

/** Names the living owner of a data folder, or undefined when there is none. */
export const livingOwnerOf = async (folder: string): Promise<ProcessIdentity | undefined> => {
  if (!existsSync(folder)) return undefined
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const highest = await readHighest(folder)
    if (highest !== undefined) return highest.owner
  }
  throw changing(folder)
}

const linked = async (from: string, to: string): Promise<boolean> => {
  try {
    await link(from, to)
    return true
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false
    throw error
  }
}

// The number follows the one that was seen to be nobody's, never a later look at the folder, which may show a new owner.
const tryTake = async (folder: string, draft: string, seen: number): Promise<number | undefined> => {
  const generation = seen + 1
  if (!(await linked(draft, fileOf(folder, generation)))) return undefined
  const now = await generationsIn(folder)
  if (now.at(-1) !== generation) {
    await rm(fileOf(folder, generation), { force: true })
    return undefined
  }
  for (const older of now) if (older < generation) await rm(fileOf(folder, older), { force: true })
  return generation
}

const inUse = (folder: string, owner: ProcessIdentity): EmbeddedPostgresError => {
  const who = owner.pid === process.pid ? 'this process itself' : `process ${owner.pid}`
  return new EmbeddedPostgresError(
    'folder_in_use',
    `The database folder ${folder} is in use by ${who}. One folder serves one server: stop the other one, or give this one a folder of its own (or set DATABASE_URL).`,
  )
}

/** Takes a data folder for this process, replacing a dead owner; throws `folder_in_use` while another (or this) process has it. */
export const takeOwnership = async (folder: string): Promise<Ownership> => {
  const draft = join(folder, `.owner-draft-${randomBytes(8).toString('hex')}`)
  await writeFile(draft, JSON.stringify(ownIdentity()), { flag: 'wx', mode: 0o644 })
  try {
    for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
      const highest = await readHighest(folder)
      if (highest?.owner !== undefined) throw inUse(folder, highest.owner)
      const generation = highest === undefined ? undefined : await tryTake(folder, draft, highest.generation)
      if (generation !== undefined) return { release: () => truncate(fileOf(folder, generation)) }
    }
    throw changing(folder)
  } finally {
    await rm(draft, { force: true })
  }
}
