// Owns: making a new cluster, whole or not at all, and refusing one that these programs cannot serve.
// Never: touches a cluster that exists, except to give a copy that root brought back to the account.
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { closeSync, existsSync, writeSync } from 'node:fs'
import { chown, lchown, mkdir, open, readdir, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type Account, spawnOptionsFor } from './account.ts'
import type { Binaries } from './binaries.ts'
import { EmbeddedPostgresError, messageOf } from './errors.ts'
import type { DataFolder } from './folder.ts'
import { openLog } from './server-log.ts'

/** The superuser of every cluster made here; only the socket's folder guards it. */
export const SUPERUSER = 'vouchsafe'

const DRAFT = 'cluster-draft-'
const BUILTIN_LOCALE_SINCE = 17

// Code point order everywhere, which no update of a system library can change under an index.
const localeArguments = (major: number): readonly string[] =>
  major >= BUILTIN_LOCALE_SINCE
    ? ['--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8']
    : ['--locale=C']

const runInitdb = (binaries: Binaries, account: Account, args: readonly string[]): Promise<string> =>
  new Promise((settled, failed) => {
    const child = spawn(join(binaries.bin, 'initdb'), args, {
      ...spawnOptionsFor(account),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    let output = ''
    const collect = (chunk: Buffer): void => {
      output += chunk.toString('utf8')
    }
    child.stdout.on('data', collect)
    child.stderr.on('data', collect)
    child.once('error', (error) =>
      failed(new EmbeddedPostgresError('init_failed', `initdb could not be started: ${error.message}`, error)),
    )
    child.once('close', (code, name) => {
      if (code === 0) return settled(output)
      const lines = output.trim().split('\n').slice(-8).join('\n')
      failed(new EmbeddedPostgresError('init_failed', `initdb ended with ${name ?? code}:\n${lines}`))
    })
  })

const syncFolder = async (folder: string): Promise<void> => {
  const handle = await open(folder, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const removeDrafts = async (root: string, log: (line: string) => void): Promise<void> => {
  for (const name of await readdir(root)) {
    if (!name.startsWith(DRAFT)) continue
    try {
      await rm(join(root, name), { recursive: true, force: true, maxRetries: 3 })
    } catch (error) {
      // An initdb that outlived its parent may still be writing there; the next start tries again.
      log(`${join(root, name)} could not be removed: ${messageOf(error)}`)
    }
  }
}

const writeLog = async (folder: DataFolder, output: string): Promise<void> => {
  const { descriptor } = await openLog(folder.logFile)
  try {
    writeSync(descriptor, output)
  } finally {
    closeSync(descriptor)
  }
}

const create = async (folder: DataFolder, binaries: Binaries, durable: boolean): Promise<void> => {
  const draft = join(folder.root, `${DRAFT}${randomBytes(6).toString('hex')}`)
  await mkdir(draft, { mode: 0o700 })
  try {
    if (folder.account.dropped) await chown(draft, folder.account.uid, folder.account.gid)
    const output = await runInitdb(binaries, folder.account, [
      '-D',
      draft,
      `--username=${SUPERUSER}`,
      '--encoding=UTF8',
      ...localeArguments(binaries.major),
      '--auth-local=trust',
      '--auth-host=reject',
      ...(durable ? ['--data-checksums'] : ['--no-sync']),
    ])
    await writeLog(folder, output)
    await rename(draft, folder.cluster)
    if (durable) await syncFolder(folder.root)
  } catch (error) {
    await rm(draft, { recursive: true, force: true, maxRetries: 3 })
    throw error
  }
}

const giveTo = async (account: Account, path: string): Promise<void> => {
  await lchown(path, account.uid, account.gid)
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name)
    if (entry.isDirectory()) await giveTo(account, inner)
    else await lchown(inner, account.uid, account.gid)
  }
}

const checkVersion = async (folder: DataFolder, binaries: Binaries): Promise<void> => {
  const made = (await readFile(join(folder.cluster, 'PG_VERSION'), 'utf8')).trim()
  if (made === String(binaries.major)) return
  throw new EmbeddedPostgresError(
    'version_mismatch',
    `The database in ${folder.cluster} was made by Postgres ${made}; the programs at hand are ${binaries.version}. Dump it with the old version and load it into the new one, or set DATABASE_URL.`,
  )
}

/** Makes the cluster if there is none, in a draft folder that gets its name only when complete; throws `init_failed` or `version_mismatch`. */
export const ensureCluster = async (settings: {
  readonly folder: DataFolder
  readonly binaries: Binaries
  readonly durable: boolean
  readonly log: (line: string) => void
}): Promise<void> => {
  const { folder, binaries, durable, log } = settings
  await removeDrafts(folder.root, log)
  if (!existsSync(folder.cluster)) {
    log(`making a new database in ${folder.cluster} (${binaries.version})`)
    return create(folder, binaries, durable)
  }
  await checkVersion(folder, binaries)
  // A backup that root unpacked belongs to root, as whom Postgres neither runs nor reads it.
  if (folder.account.dropped && (await stat(folder.cluster)).uid !== folder.account.uid)
    await giveTo(folder.account, folder.cluster)
}
