// Owns: where the data of a server really lies, who owns it, and where its socket goes.
// Never: looks into the cluster itself.
//
// Layout of a data folder: `cluster/` (Postgres' own), `socket/`, `postgres.log`, `owner.<n>`. The folder belongs to whoever
// starts us, so that the unprivileged user of a root start can neither replace the lock nor the log; the first two belong to
// the account. Root under a closed home (0700) cannot give its unprivileged user a way in; then the data goes to a folder
// under /var/lib/vouchsafe, and `moved.json` in the wanted folder names it. That file alone decides: deleting the wanted
// folder means a new database, never an old one coming back.
import { createHash, randomBytes } from 'node:crypto'
import { constants, existsSync } from 'node:fs'
import { access, chmod, chown, link, lstat, mkdir, readFile, realpath, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { type Account, canEnter, chooseAccount, runsAsRoot } from './account.ts'
import { EmbeddedPostgresError, messageOf, systemCodeOf } from './errors.ts'

/** A data folder ready for use: its real place and the account that Postgres runs under there. */
export type DataFolder = {
  readonly root: string
  readonly cluster: string
  readonly logFile: string
  readonly account: Account
}

/** Where the data of a closed data folder goes when root starts the server. */
export const FALLBACK_FOLDER = '/var/lib/vouchsafe'

/** The fixed port number: without a network address it is only a part of the socket's name. */
export const PORT = 5432

const MARKER = 'moved.json'
const SOCKET_NAME = `.s.PGSQL.${PORT}`
// sockaddr_un holds 104 bytes on macOS and 108 on Linux, its ending zero included.
const SOCKET_PATH_LIMIT = 103

const unusable = (folder: string, error: unknown): EmbeddedPostgresError =>
  error instanceof EmbeddedPostgresError
    ? error
    : new EmbeddedPostgresError(
        'data_folder_unusable',
        `The database folder ${folder} cannot be used: ${messageOf(error)}`,
        error,
      )

const hashOf = (path: string): string => createHash('sha256').update(path).digest('hex').slice(0, 16)

const movedTo = async (wanted: string, fallback: string): Promise<string | undefined> => {
  let marker: unknown
  try {
    marker = JSON.parse(await readFile(join(wanted, MARKER), 'utf8'))
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
  const place = typeof marker === 'object' && marker !== null && 'movedTo' in marker ? marker.movedTo : undefined
  // Root follows this file, so it may name nothing outside the one folder that we make such places in.
  if (typeof place !== 'string' || dirname(resolve(place)) !== fallback) {
    throw new EmbeddedPostgresError('data_folder_unusable', `${join(wanted, MARKER)} names no folder of ${fallback}.`)
  }
  if (existsSync(place)) return place
  throw new EmbeddedPostgresError(
    'data_folder_unusable',
    `${join(wanted, MARKER)} says that the database is in ${place}, which does not exist. Bring it back, or delete that file to begin with an empty database.`,
  )
}

const makeReachable = async (folder: string): Promise<void> => {
  const mode = runsAsRoot() ? 0o711 : 0o700
  const first = await mkdir(folder, { recursive: true, mode })
  if (first === undefined) return
  // The umask may have closed what the unprivileged user must pass through.
  let step = first
  await chmod(step, mode)
  for (const name of relative(first, folder).split(sep).filter(Boolean)) {
    step = join(step, name)
    await chmod(step, mode)
  }
}

const move = async (wanted: string, fallback: string): Promise<string> => {
  const place = join(fallback, `${hashOf(wanted)}-${randomBytes(4).toString('hex')}`)
  await makeReachable(place)
  const draft = join(wanted, `.${MARKER}-${randomBytes(6).toString('hex')}`)
  try {
    await writeFile(
      draft,
      `${JSON.stringify({ movedTo: place, because: 'the user that Postgres runs as cannot enter this folder' })}\n`,
    )
    await link(draft, join(wanted, MARKER))
    return place
  } catch (error) {
    await rm(place, { recursive: true, force: true })
    const earlier = systemCodeOf(error) === 'EEXIST' ? await movedTo(wanted, fallback) : undefined
    if (earlier !== undefined) return earlier
    throw error
  } finally {
    await rm(draft, { force: true })
  }
}

const clusterOwner = async (cluster: string): Promise<{ readonly uid: number; readonly gid: number } | undefined> => {
  try {
    const { uid, gid } = await stat(cluster)
    return { uid, gid }
  } catch (error) {
    if (systemCodeOf(error) === 'ENOENT') return undefined
    throw error
  }
}

const describe = (root: string, account: Account): DataFolder => ({
  root,
  cluster: join(root, 'cluster'),
  logFile: join(root, 'postgres.log'),
  account,
})

const settle = async (wanted: string, fallback: string, log: (line: string) => void): Promise<DataFolder> => {
  const moved = await movedTo(wanted, fallback)
  const place = moved ?? wanted
  const owner = await clusterOwner(join(place, 'cluster'))
  const account = chooseAccount(owner)
  const entrance = account.dropped ? canEnter(account, place) : undefined
  if (entrance?.outcome !== 'refused') return describe(place, account)
  if (entrance.systemCode === 'EPERM' || entrance.systemCode === 'EINVAL') {
    throw new EmbeddedPostgresError(
      'cannot_drop_root',
      `Postgres may not run as root, and the system refused to start a program as user ${account.uid}: ${entrance.output}. Run as an ordinary user, or set DATABASE_URL.`,
    )
  }
  if (moved !== undefined || owner !== undefined) {
    throw new EmbeddedPostgresError(
      'data_folder_unusable',
      `The database in ${place} belongs to user ${account.uid}, who cannot enter that folder (${entrance.output}). Open its parent folders for passing through (chmod o+x).`,
    )
  }
  const chosen = await move(wanted, fallback)
  log(`user ${account.uid}, under which root must run Postgres, cannot enter ${wanted}; the database is in ${chosen}`)
  return describe(chosen, account)
}

/** Makes the data folder if need be and says where its data really lies; throws `data_folder_unusable` or `cannot_drop_root`. */
export const prepareFolder = async (settings: {
  readonly dataFolder: string
  readonly fallbackFolder: string | undefined
  readonly log: (line: string) => void
}): Promise<DataFolder> => {
  const asked = resolve(settings.dataFolder)
  try {
    await makeReachable(asked)
    const wanted = await realpath(asked)
    const folder = await settle(wanted, resolve(settings.fallbackFolder ?? FALLBACK_FOLDER), settings.log)
    await access(folder.root, constants.R_OK | constants.W_OK | constants.X_OK)
    return folder
  } catch (error) {
    throw unusable(asked, error)
  }
}

/** Says where the data of an existing data folder lies, making nothing; undefined when there is no such folder. */
export const locateFolder = async (settings: {
  readonly dataFolder: string
  readonly fallbackFolder: string | undefined
}): Promise<string | undefined> => {
  const asked = resolve(settings.dataFolder)
  if (!existsSync(asked)) return undefined
  try {
    const wanted = await realpath(asked)
    return (await movedTo(wanted, resolve(settings.fallbackFolder ?? FALLBACK_FOLDER))) ?? wanted
  } catch (error) {
    throw unusable(asked, error)
  }
}

const closeToOthers = async (folder: string, account: Account): Promise<void> => {
  const made = await mkdir(folder, { mode: 0o700 }).then(
    () => true,
    (error: unknown) => {
      if (systemCodeOf(error) === 'EEXIST') return false
      throw error
    },
  )
  const facts = await lstat(folder)
  const ours = facts.isDirectory() && (facts.uid === account.uid || facts.uid === process.geteuid?.())
  // In a temporary folder anybody may have made this name first, to catch our connections.
  if (!ours || (!made && (facts.mode & 0o077) !== 0)) {
    throw new EmbeddedPostgresError(
      'data_folder_unusable',
      `${folder} is not a folder closed to other users; remove it.`,
    )
  }
  if (facts.uid !== account.uid) await chown(folder, account.uid, account.gid)
  await chmod(folder, 0o700)
}

/** Makes the folder of the server's socket, closed to everybody else: within the data folder, or a short temporary one where the path would be too long. */
export const makeSocketFolder = async (folder: DataFolder): Promise<string> => {
  const name = `vouchsafe-${hashOf(folder.root)}`
  const fits = (path: string): boolean => Buffer.byteLength(join(path, SOCKET_NAME)) <= SOCKET_PATH_LIMIT
  const enters = (path: string): boolean =>
    !folder.account.dropped || canEnter(folder.account, dirname(path)).outcome === 'succeeded'
  for (const path of [join(folder.root, 'socket'), join(tmpdir(), name), join('/tmp', name)]) {
    if (!fits(path) || !enters(path)) continue
    await closeToOthers(path, folder.account)
    return path
  }
  throw new EmbeddedPostgresError('data_folder_unusable', 'No folder with a path short enough for a socket was found.')
}

/** Gives the path of the socket in its folder. */
export const socketIn = (socketFolder: string): string => join(socketFolder, SOCKET_NAME)
