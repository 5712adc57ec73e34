// Owns: running one suite of built tests and counting honestly: a line per file, the whole output of what failed, and
//   `N passed, N failed` at the end. A test is a `t.test` at the top level of its file.
// Never: builds, skips, retries, or runs a built test whose source is gone.
//
// node scripts/run-suite.js <suite> [part of a path ...]   runs the suite, or those of its files that a part fits
// node scripts/run-suite.js --list                         prints the suites that have files, one per line
//
// Each file is a plain Node process. tap's own command line would first rebuild itself inside node_modules whenever it is
// started with another set of plugins, and two that do so at once leave it broken.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { countTests } from './count-tap.js'

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)))

/** Per suite: files at once, and minutes after which a file that still runs has failed. Browsers and races want the machine for themselves. */
const SUITES = {
  test: { jobs: 2, minutes: 5 },
  browser: { jobs: 1, minutes: 5 },
  debian: { jobs: 1, minutes: 5 },
  full: { jobs: 1, minutes: 30 },
}

/** What a file may take beyond its minutes to say itself what it was waiting for, before it is told to end. */
const LAST_WORD_MS = 10_000

/** What a test that was told to end has to clean up before it is killed. */
const GRACE_MS = 10_000

/** How long what an ended process had printed may take to arrive. */
const DRAIN_MS = 2_000

const workspaces = ['packages', 'apps'].flatMap((group) =>
  readdirSync(join(ROOT, group), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map((entry) => join(group, entry.name)),
)

/** Paths below a folder that end as given, relative to it; nothing when the folder is missing. */
const filesEndingIn = (folder, ending) =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, encoding: 'utf8' })
        .filter((path) => path.endsWith(ending))
        .sort()
    : []

/** The suite's test sources, and where the build puts each. */
const findTests = (suite) =>
  workspaces.flatMap((workspace) =>
    filesEndingIn(join(ROOT, workspace, 'test'), `.${suite}.ts`).map((path) => ({
      source: join(workspace, 'test', path),
      built: join(workspace, 'dist-test', path.replace(/\.ts$/, '.js')),
    })),
  )

/** Built tests of the suite whose source is gone; they are named and not run. */
const findStale = (suite, tests) => {
  const living = new Set(tests.map(({ built }) => built))
  return workspaces
    .flatMap((workspace) =>
      filesEndingIn(join(ROOT, workspace, 'dist-test'), `.${suite}.js`).map((path) =>
        join(workspace, 'dist-test', path),
      ),
    )
    .filter((path) => !living.has(path))
}

const running = new Set()
let interrupted = false
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.on(signal, () => {
    interrupted = true
    for (const child of running) child.kill(signal)
  })
}

/** Runs one built file to its end; answers all it printed, in order, and its counts. */
const runFile = (file, minutes) =>
  new Promise((resolve, reject) => {
    // tap's own limit is 30 s per file; a skip or a todo is a failure here.
    const env = { ...process.env, TAP_TIMEOUT: String(minutes * 60), TAP_FAIL_SKIP: '1', TAP_FAIL_TODO: '1' }
    const stdio = ['ignore', 'pipe', 'pipe']
    const child = spawn(process.execPath, ['--enable-source-maps', file], { cwd: ROOT, env, stdio })
    const said = []
    const tap = []
    let late = false
    let killer
    const deadline = setTimeout(
      () => {
        late = true
        child.kill('SIGTERM')
        killer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS)
      },
      minutes * 60_000 + LAST_WORD_MS,
    )
    child.stdout.setEncoding('utf8').on('data', (text) => {
      said.push(text)
      tap.push(text)
    })
    child.stderr.setEncoding('utf8').on('data', (text) => said.push(text))
    running.add(child)
    const settle = () => {
      running.delete(child)
      clearTimeout(deadline)
      clearTimeout(killer)
    }
    child.once('error', (error) => {
      settle()
      reject(error)
    })
    let ended = false
    const end = (code, signal) => {
      if (ended) return
      ended = true
      const exitCode = late || code === null ? 1 : code
      if (late) said.push(`\nstill ran after ${minutes} minutes and was ended\n`)
      else if (signal !== null) said.push(`\nended by ${signal}\n`)
      child.stdout.destroy()
      child.stderr.destroy()
      resolve({ output: said.join(''), ...countTests(tap.join(''), exitCode) })
    }
    child.once('close', end)
    // A process that the test left behind may hold the pipes for ever, and then there is no `close`.
    child.once('exit', (code, signal) => {
      settle()
      setTimeout(() => end(code, signal), DRAIN_MS)
    })
  })

/** Runs files, some at once, printing each as it ends; answers the sum. */
const runFiles = async (files, { jobs, minutes }) => {
  const sum = { passed: 0, failed: 0 }
  const waiting = [...files]
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined && !interrupted; file = waiting.shift()) {
      if (jobs === 1) console.log(`running ${file}`)
      const began = performance.now()
      const { output, passed, failed } = await runFile(file, minutes)
      if (failed > 0) console.log(output)
      const seconds = ((performance.now() - began) / 1000).toFixed(1)
      console.log(`${failed > 0 ? 'FAILED' : 'ok'} ${file}: ${passed} passed, ${failed} failed, ${seconds} s`)
      sum.passed += passed
      sum.failed += failed
    }
  }
  await Promise.all(Array.from({ length: jobs }, work))
  return { passed: sum.passed, failed: sum.failed + waiting.length }
}

/** Keeps one database cluster up for the whole run; each file takes its own database from it. */
const withDatabases = async (work) => {
  const { withTestCluster } = await import('@vouchsafe/embedded-postgres/testing')
  return withTestCluster(work)
}

const runSuite = async (suite, parts) => {
  const tests = findTests(suite)
  for (const path of findStale(suite, tests)) console.log(`not run, its source is gone: ${path}`)
  const chosen = tests.filter(({ source }) => parts.length === 0 || parts.some((part) => source.includes(part)))
  const [built, unbuilt] = [true, false].map((yes) =>
    chosen.filter((test) => existsSync(join(ROOT, test.built)) === yes),
  )
  for (const { source } of unbuilt) console.log(`FAILED ${source}: not built`)
  if (chosen.length === 0) console.log(`the ${suite} suite has no such file`)

  const files = built.map((test) => test.built)
  const sum = files.length === 0 ? { passed: 0, failed: 0 } : await withDatabases(() => runFiles(files, SUITES[suite]))
  const failed = sum.failed + unbuilt.length
  console.log(`${sum.passed} passed, ${failed} failed`)
  return failed === 0 && sum.passed > 0 ? 0 : 1
}

const [suite, ...parts] = process.argv.slice(2)
if (suite === '--list') {
  for (const name of Object.keys(SUITES)) if (findTests(name).length > 0) console.log(name)
} else if (suite === undefined || !Object.hasOwn(SUITES, suite)) {
  console.error(`usage: node scripts/run-suite.js <${Object.keys(SUITES).join('|')}> [part of a path ...] | --list`)
  process.exitCode = 2
} else process.exitCode = await runSuite(suite, parts)
