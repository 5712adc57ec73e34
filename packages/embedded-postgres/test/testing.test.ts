// Owns: the checks of the testing door: one cluster for all processes, one database each.
import { spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import t from 'tap'
import { startEmbeddedPostgres } from '#src/index.js'
import { parentOf } from '#src/process-facts.js'
import { acquireTestDatabase, type TestConnection, withTestCluster } from '#src/testing.js'
import { alive, eventually, query, scratch } from './stage.ts'

const serverStart = async (connection: postgres.Options<Record<string, never>>): Promise<string> => {
  const sql = postgres({ ...connection, max: 1 })
  const [row] = await sql`select pg_postmaster_start_time()::text as began, current_database() as name`
  await sql.end()
  return String(row?.['began'])
}

t.test('[unit] two databases of one process are apart, on one server, and gone when released', async (t) => {
  const [one, two] = await Promise.all([acquireTestDatabase(), acquireTestDatabase()])
  t.teardown(() => Promise.all([one.release(), two.release()]))
  t.not(one.connection.database, two.connection.database)
  const [a, b] = [postgres({ ...one.connection }), postgres({ ...two.connection })]
  await a`create table only_here (id int)`
  const [found] = await b`select to_regclass('only_here') as it`
  t.equal(found?.['it'], null)
  await Promise.all([a.end(), b.end()])
  t.equal(await serverStart(one.connection), await serverStart(two.connection))

  await one.release()
  await one.release()
  const [left] = await query(
    two.connection,
    `select count(*)::int as n from pg_database where datname = '${one.connection.database}'`,
  )
  t.equal(left?.['n'], 0)
})

t.test('[unit] a template is copied with its tables', async (t) => {
  const template = await acquireTestDatabase()
  t.teardown(template.release)
  await query(template.connection, 'create table kept (id int); insert into kept values (7)')
  const copy = await acquireTestDatabase({ template: template.connection.database })
  t.teardown(copy.release)
  const [row] = await query(copy.connection, 'select id from kept')
  t.equal(row?.['id'], 7)
})

t.test('[unit] processes that ask at the same time share one server', async (t) => {
  const program = `
    const { acquireTestDatabase } = await import(${JSON.stringify(fileURLToPath(new URL('../dist/testing.js', import.meta.url)))})
    const { default: postgres } = await import(${JSON.stringify(import.meta.resolve('postgres'))})
    const db = await acquireTestDatabase()
    const sql = postgres({ ...db.connection, max: 1 })
    const [row] = await sql\`select pg_postmaster_start_time()::text as began\`
    console.log(row.began)
    await sql.end()
    await db.release()
  `
  const run = (): Promise<string> =>
    new Promise((settled) => {
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let output = ''
      child.stdout.on('data', (chunk) => {
        output += chunk
      })
      child.on('close', (code) => settled(`${code}:${output.trim()}`))
    })
  await withTestCluster(async () => {
    const answers = await Promise.all([run(), run(), run()])
    t.match(answers[0], /^0:20/)
    t.equal(new Set(answers).size, 1)
  })
})

t.test('[unit] TEST_DATABASE_URL names the server to use, with its password proven by SCRAM', async (t) => {
  const server = await startEmbeddedPostgres({ dataFolder: join(await scratch(t), 'data'), durable: false })
  t.teardown(server.stop)
  await query(server.connection, `alter user vouchsafe password 'p@ss word'`)
  await writeFile(join(server.folder, 'cluster', 'pg_hba.conf'), 'local all all scram-sha-256\n')
  await query(server.connection, 'select pg_reload_conf()')
  const socketFolder = dirname(server.connection.path)
  const url = (password: string): string =>
    `postgres://vouchsafe:${encodeURIComponent(password)}@localhost/postgres?host=${socketFolder}`
  t.teardown(() => {
    delete process.env['TEST_DATABASE_URL']
  })
  const refused = async (): Promise<boolean> => {
    process.env['TEST_DATABASE_URL'] = url('guess')
    return acquireTestDatabase().then(
      (database) => database.release().then(() => false),
      (error: unknown) => /28P01/.test(String(error)),
    )
  }
  t.ok(await eventually(refused), 'a wrong password is refused')
  process.env['TEST_DATABASE_URL'] = url('p@ss word')
  const database = await acquireTestDatabase()
  t.match(database.connection, { path: server.connection.path, password: 'p@ss word' })
  t.equal(
    (await query(database.connection, 'select current_database() as name'))[0]?.['name'],
    database.connection.database,
  )
  await withTestCluster(() => database.release())
  process.env['TEST_DATABASE_URL'] = 'mysql://localhost/x'
  await t.rejects(acquireTestDatabase(), { code: 'query_failed', message: /postgres:/ })
})

t.test('[unit] a keeper that was killed is replaced, and the last user takes the server with it', async (t) => {
  const folder = await scratch(t)
  const before = process.env['TMPDIR']
  process.env['TMPDIR'] = folder
  t.teardown(() => {
    if (before === undefined) delete process.env['TMPDIR']
    else process.env['TMPDIR'] = before
  })
  const serverOf = (connection: TestConnection): Promise<number> =>
    readFile(join(dirname(dirname(connection.path ?? '')), 'cluster', 'postmaster.pid'), 'utf8').then((text) =>
      Number(text.split('\n')[0]),
    )
  const first = await acquireTestDatabase()
  t.match(first.connection.path, folder)
  const postmaster = await serverOf(first.connection)
  const keeper = parentOf(postmaster) ?? 0
  process.kill(keeper, 'SIGKILL')
  t.ok(await eventually(() => !alive(keeper)))
  const second = await acquireTestDatabase()
  t.not(await serverOf(second.connection), postmaster)
  t.notOk(alive(postmaster))
  const last = await serverOf(second.connection)
  await second.release()
  await first.release()
  t.ok(await eventually(() => !alive(last)))
})
