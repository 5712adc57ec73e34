// Owns: the checks of a server's life: first start, restart, stop, every way of dying, and what the next start makes of it.
// Never: touches a server that it did not start.
import { execFileSync, spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import postgres from 'postgres'
import t from 'tap'
import { attachEmbeddedPostgres, openEmbeddedPostgres, startEmbeddedPostgres } from '#src/index.js'
import { takeOwnership } from '#src/owner.js'
import { alive, eventually, ownerOf, plainUser, query, runServer, scratch } from './stage.ts'

// One cluster for most of the file, since making one is what takes long; each test has tables of its own.
const dataFolder = join(await scratch(t), 'a', 'data')

const parentsChildren = (pid: number): readonly number[] =>
  execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .filter(([, parent]) => parent === pid)
    .map(([child]) => child ?? 0)

t.test(
  '[unit] a first start, a clean stop and a restart keep rows, under an unprivileged user, with no network',
  async (t) => {
    process.env['VOUCHSAFE_TEST_SECRET'] = 'not for the database'
    const first = await startEmbeddedPostgres({ dataFolder })
    t.teardown(first.stop)
    t.equal(await ownerOf(join(dataFolder, 'cluster')), plainUser.uid)
    t.equal(Number(execFileSync('ps', ['-o', 'uid=', '-p', String(first.pid)], { encoding: 'utf8' })), plainUser.uid)
    t.equal((await stat(dirname(first.connection.path))).mode & 0o777, 0o700)
    if (process.platform === 'linux') {
      t.notMatch(readFileSync(`/proc/${first.pid}/environ`, 'latin1'), 'VOUCHSAFE_TEST_SECRET')
    }
    const [facts] = await query(
      first.connection,
      `select current_setting('listen_addresses') as net, current_setting('fsync') as fsync, current_setting('synchronous_commit') as sync,
     current_setting('server_encoding') as encoding, current_database() as name, 'B' < 'a' as bytewise`,
    )
    t.same(facts, { net: '', fsync: 'on', sync: 'on', encoding: 'UTF8', name: 'vouchsafe', bytewise: true })
    await query(first.connection, 'create table kept (id int); insert into kept values (1), (2)')
    t.same(await first.createDatabase('it"s another'), first.connectionFor('it"s another'))
    t.equal(
      (await query(first.connectionFor('it"s another'), 'select current_database() as name'))[0]?.['name'],
      'it"s another',
    )
    await first.stop()
    t.equal(await first.ended, 'ended with code 0')
    t.notOk(alive(first.pid))
    t.same((await readdir(dataFolder)).sort(), ['cluster', 'owner.1', 'postgres.log'])
    t.match(readFileSync(first.logFile, 'utf8'), /database system is shut down/)

    const again = await startEmbeddedPostgres({ dataFolder })
    t.teardown(again.stop)
    t.equal((await query(again.connection, 'select count(*)::int as n from kept'))[0]?.['n'], 2)
    t.notMatch(readFileSync(again.logFile, 'utf8'), /not properly shut down/)
    await again.stop()
  },
)

t.test('[unit] one folder serves one server, and another process may attach to it', async (t) => {
  const nowhere = `${dataFolder}-nowhere`
  t.equal(await attachEmbeddedPostgres({ dataFolder: nowhere }), undefined)
  t.notOk(existsSync(nowhere))
  const starting = runServer({ dataFolder, durable: false })
  const server = await starting
  t.teardown(() => server.child.kill('SIGKILL'))
  await t.rejects(startEmbeddedPostgres({ dataFolder }), {
    code: 'folder_in_use',
    message: new RegExp(`process ${server.child.pid}`),
  })
  const attached = await attachEmbeddedPostgres({ dataFolder })
  t.same(attached?.connection, server.answer.connection)
  const opened = await openEmbeddedPostgres({ dataFolder })
  t.equal(opened.origin, 'attached')
  await opened.close()
  t.equal((await query(opened.connection, 'select 1 as one'))[0]?.['one'], 1)
  server.say('stop')
  t.equal(await server.over, 0)
  t.equal(await attachEmbeddedPostgres({ dataFolder }), undefined)

  const own = await openEmbeddedPostgres({ dataFolder, durable: false })
  t.equal(own.origin, 'started')
  await t.rejects(startEmbeddedPostgres({ dataFolder }), { code: 'folder_in_use', message: /this process itself/ })
  await own.close()
})

t.test('[unit] rows that were acknowledged survive kill -9 of the process, whose server ends by itself', async (t) => {
  const run = await runServer({ dataFolder })
  const sql = postgres({ ...run.answer.connection, max: 4, onnotice: () => undefined })
  await sql`create table acknowledged (id int)`
  let acknowledged = 0
  let dying = false
  const writer = async (from: number): Promise<void> => {
    for (let id = from; ; id += 4) {
      try {
        await sql`insert into acknowledged values (${id})`
      } catch {
        return
      }
      acknowledged += 1
      if (acknowledged > 400 && !dying) {
        dying = true
        run.child.kill('SIGKILL')
      }
    }
  }
  await Promise.all([0, 1, 2, 3].map(writer))
  await sql.end({ timeout: 1 })
  t.equal(await run.over, 'SIGKILL')
  const next = await startEmbeddedPostgres({ dataFolder })
  t.teardown(next.stop)
  t.notOk(alive(run.answer.pid ?? 0))
  const [row] = await query(next.connection, 'select count(*)::int as n from acknowledged')
  t.ok(Number(row?.['n']) >= acknowledged && acknowledged > 400, `${row?.['n']} kept of ${acknowledged}`)
  await next.stop()
})

t.test('[unit] an orphan is ended by the next start, a killed server is recovered from at once', async (t) => {
  const run = await runServer({ dataFolder })
  const orphan = run.answer.pid ?? 0
  await query(run.answer.connection, 'create table orphaned (id int); insert into orphaned values (1)')
  for (const pid of parentsChildren(run.child.pid ?? 0)) if (pid !== orphan) process.kill(pid, 'SIGKILL')
  run.child.kill('SIGKILL')
  await run.over
  t.equal((await query(run.answer.connection, 'select id from orphaned'))[0]?.['id'], 1, 'the orphan still serves')
  t.equal(await attachEmbeddedPostgres({ dataFolder }), undefined)

  const lines: string[] = []
  const next = await startEmbeddedPostgres({ dataFolder, log: (line) => lines.push(line) })
  t.match(lines.join('\n'), new RegExp(`earlier run \\(process ${orphan}\\)`))
  t.notOk(alive(orphan))
  const busy = postgres({ ...next.connection, max: 3 })
  const lost = Promise.allSettled([1, 2, 3].map(() => busy`select pg_sleep(20)`))
  t.ok(
    await eventually(
      async () =>
        Number(
          (
            await query(next.connection, `select count(*)::int as n from pg_stat_activity where wait_event = 'PgSleep'`)
          )[0]?.['n'],
        ) === 3,
    ),
  )
  process.kill(next.pid, 'SIGKILL')
  t.ok(await eventually(() => !alive(next.pid)))
  t.equal(await next.ended, 'was ended by SIGKILL')
  await next.stop()
  const last = await startEmbeddedPostgres({ dataFolder })
  t.teardown(last.stop)
  t.equal((await query(last.connection, 'select id from orphaned'))[0]?.['id'], 1)
  await lost
  await busy.end({ timeout: 0 })
  await last.stop()
})

t.test(
  '[unit] a process that ends without stopping leaves no server, and no start is hindered by a lock file of nobody',
  async (t) => {
    const run = await runServer({ dataFolder, durable: false })
    run.say('exit')
    t.equal(await run.over, 0)
    t.ok(await eventually(() => !alive(run.answer.pid ?? 0)))

    const stranger = spawn('sleep', ['60'])
    t.teardown(() => stranger.kill())
    const pidFile = join(dataFolder, 'cluster', 'postmaster.pid')
    for (const content of [
      `${stranger.pid}\n/elsewhere\n1700000000\n5432\n\n\n`,
      '',
      '\0\0\0\0',
      '4194000\n',
      `${process.pid}\n`,
    ]) {
      await writeFile(pidFile, content)
      const server = await startEmbeddedPostgres({ dataFolder, durable: false })
      t.equal((await query(server.connection, 'select 1 as one'))[0]?.['one'], 1, JSON.stringify(content))
      await server.stop()
    }
    t.ok(alive(stranger.pid ?? 0))
  },
)

t.test('[unit] kill -9 in the middle of the first start leaves no half cluster', async (t) => {
  const dataFolder = join(await scratch(t), 'data')
  const draft = async (): Promise<boolean> =>
    existsSync(dataFolder) && (await readdir(dataFolder)).some((name) => name.startsWith('cluster-draft-'))
  const program = `import(${JSON.stringify(import.meta.resolve('#src/index.js'))}).then((it) => it.startEmbeddedPostgres({ dataFolder: process.argv[1] }))`
  const child = spawn(process.execPath, ['-e', program, dataFolder], { stdio: 'inherit' })
  const over = new Promise((ended) => child.once('exit', ended))
  t.ok(await eventually(draft))
  child.kill('SIGKILL')
  await over
  t.notOk(existsSync(join(dataFolder, 'cluster')))
  t.ok(await draft())
  const server = await startEmbeddedPostgres({ dataFolder, durable: false })
  t.teardown(server.stop)
  t.equal((await query(server.connection, 'select 1 as one'))[0]?.['one'], 1)
  await server.stop()
})

t.test('[unit] a data folder whose path is too long for a socket gets a closed short folder for it', async (t) => {
  const dataFolder = join(await scratch(t), 'x'.repeat(90), 'data')
  const server = await startEmbeddedPostgres({ dataFolder, durable: false })
  t.teardown(server.stop)
  const socketFolder = dirname(server.connection.path)
  t.equal(dirname(socketFolder), tmpdir())
  t.equal((await stat(socketFolder)).mode & 0o777, 0o700)
  t.equal((await query(server.connection, 'select 1 as one'))[0]?.['one'], 1)
  await server.stop()
  t.notOk(existsSync(socketFolder))
  await mkdir(socketFolder, { mode: 0o755 })
  t.teardown(() => execFileSync('rm', ['-rf', socketFolder]))
  await t.rejects(startEmbeddedPostgres({ dataFolder, durable: false }), {
    code: 'data_folder_unusable',
    message: /closed to other users/,
  })
})

t.test('[unit] of many that take a folder from a dead owner exactly one gets it', async (t) => {
  const folder = await scratch(t)
  for (let round = 0; round < 10; round += 1) {
    await writeFile(join(folder, `owner.${100 * (round + 1)}`), JSON.stringify({ pid: process.pid, began: 'long ago' }))
    const taken = await Promise.allSettled(Array.from({ length: 30 }, () => takeOwnership(folder)))
    const winners = taken.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    t.equal(winners.length, 1)
    for (const loss of taken) if (loss.status === 'rejected') t.equal(loss.reason.code, 'folder_in_use')
    await Promise.all(winners.map((one) => one.release()))
    t.same(await readdir(folder), [`owner.${100 * (round + 1) + 1}`])
  }
})
