// Owns: the scenery of the launcher's tests: scratch folders, a copy of the package as npm would leave it, programs under other users.
// Never: asserts.
import { type ChildProcess, spawn } from 'node:child_process'
import { accessSync, constants, readFileSync } from 'node:fs'
import { chmod, chown, copyFile, cp, link, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'

export const isRoot = process.geteuid?.() === 0
export const platform = `${process.platform}-${process.arch}`

/** The unprivileged user of the tests: nobody for root, else the user at hand. */
export const plainUser = (() => {
  if (!isRoot) return { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 }
  const fields = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((line) => line.startsWith('nobody:'))
    ?.split(':')
  return { uid: Number(fields?.[2] ?? 65_534), gid: Number(fields?.[3] ?? 65_534) }
})()

export type Cleaner = { readonly teardown: (work: () => unknown) => void }

/** Makes a folder that everybody may pass through, and removes it after the test. */
export const scratch = async (t: Cleaner): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'vs-'))
  await chmod(folder, 0o755)
  t.teardown(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))
  return folder
}

// Hard links, since the programs are 60 MB and nothing writes into them; the symbolic links are left out.
const linkTree = async (from: string, to: string): Promise<void> => {
  await mkdir(to, { recursive: true })
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) await linkTree(source, target)
    else if (entry.isFile()) await link(source, target).catch(() => copyFile(source, target))
  }
}

/** Copies the built package and its programs as `npm ci --ignore-scripts` leaves them: without the links. */
export const stagePackage = async (folder: string, extent: 'whole' | 'without programs' = 'whole'): Promise<string> => {
  const modules = join(folder, 'node_modules')
  const home = join(modules, '@vouchsafe', 'embedded-postgres')
  const source = dirname(fileURLToPath(import.meta.resolve('#src/index.js')))
  const programs = join(dirname(createRequire(import.meta.url).resolve(`@embedded-postgres/${platform}`)), '..')
  await mkdir(home, { recursive: true })
  await cp(source, join(home, 'dist'), { recursive: true })
  await cp(join(source, '..', 'package.json'), join(home, 'package.json'))
  if (extent === 'without programs') return join(home, 'dist', 'index.js')
  const target = join(modules, '@embedded-postgres', platform)
  await linkTree(programs, target)
  return join(home, 'dist', 'index.js')
}

const reachable = (file: string): boolean => {
  try {
    accessSync(file, constants.X_OK)
    return file.startsWith('/usr/')
  } catch {
    return false
  }
}

/** Gives a node that the plain user can run: a version manager keeps it in a home closed to others. */
export const nodeFor = async (folder: string): Promise<string> => {
  if (!isRoot || reachable(process.execPath)) return process.execPath
  const copy = join(folder, 'node')
  await cp(process.execPath, copy)
  await chmod(copy, 0o755)
  return copy
}

export type Answer = {
  readonly pid?: number
  readonly connection?: { readonly path: string; readonly user: string; readonly database: string }
  readonly folder?: string
  readonly code?: string
  readonly message?: string
}

export type Runner = {
  readonly child: ChildProcess
  readonly answer: Answer
  readonly say: (word: 'stop' | 'exit') => void
  readonly over: Promise<number | string>
}

export type RunOptions = {
  readonly entry?: string
  readonly node?: string
  readonly as?: { readonly uid: number; readonly gid: number }
  readonly prelude?: string
  readonly env?: Record<string, string>
}

const PROGRAM = `
const [entry, options] = process.argv.slice(1)
const { startEmbeddedPostgres } = await import(entry)
try {
  const server = await startEmbeddedPostgres(JSON.parse(options))
  console.log(JSON.stringify({ pid: server.pid, connection: server.connection, folder: server.folder }))
  process.stdin.once('data', async (word) => {
    if (String(word) === 'exit') process.exit(0)
    await server.stop()
    process.stdin.destroy()
  })
} catch (error) {
  console.log(JSON.stringify({ code: error.code, message: error.message }))
}`

/** Starts a server in a process of its own and waits until it is ready or refused. */
export const runServer = (options: object, run: RunOptions = {}): Promise<Runner> =>
  new Promise((settled) => {
    const entry = run.entry ?? fileURLToPath(import.meta.resolve('#src/index.js'))
    const child = spawn(
      run.node ?? process.execPath,
      ['--input-type=module', '-e', `${run.prelude ?? ''}${PROGRAM}`, entry, JSON.stringify(options)],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        cwd: '/',
        env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '/', ...run.env },
        ...run.as,
      },
    )
    const over = new Promise<number | string>((ended) => child.once('exit', (code, name) => ended(name ?? code ?? -1)))
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += chunk
      if (!output.includes('\n')) return
      settled({ child, answer: JSON.parse(output), say: (word) => void child.stdin.write(word), over })
    })
    void over.then((how) =>
      settled({ child, answer: { code: 'no_answer', message: String(how) }, say: () => undefined, over }),
    )
  })

export const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
  } catch {
    return false
  }
  return process.platform !== 'linux' || !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
}

/** Waits until something holds; false after ten seconds. */
export const eventually = async (holds: () => boolean | Promise<boolean>): Promise<boolean> => {
  for (let tries = 0; tries < 1000; tries += 1) {
    if (await holds()) return true
    await sleep(10)
  }
  return false
}

/** Runs statements on one connection. */
export const query = async (connection: postgres.Options<Record<string, never>> | undefined, statement: string) => {
  const sql = postgres({ ...connection, max: 1 })
  try {
    return await sql.unsafe(statement)
  } finally {
    await sql.end()
  }
}

/** Makes a folder that only its owner may enter. */
export const closedFolder = async (path: string): Promise<string> => {
  await mkdir(path, { mode: 0o700 })
  if (isRoot) await chown(path, 0, 0)
  return path
}

export const ownerOf = async (path: string): Promise<number> => (await stat(path)).uid
