// Owns: the checks of the testing door: one cluster for all processes, one database each.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import postgres from 'postgres'
import t from 'tap'
import { acquireTestDatabase, withTestCluster } from '#src/testing.js'

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
  const [left] = await postgresOnce(
    two.connection,
    `select count(*)::int as n from pg_database where datname = '${one.connection.database}'`,
  )
  t.equal(left?.['n'], 0)
})

const postgresOnce = async (connection: postgres.Options<Record<string, never>>, query: string) => {
  const sql = postgres({ ...connection, max: 1 })
  const rows = await sql.unsafe(query)
  await sql.end()
  return rows
}

t.test('[unit] a template is copied with its tables', async (t) => {
  const template = await acquireTestDatabase()
  t.teardown(template.release)
  await postgresOnce(template.connection, 'create table kept (id int); insert into kept values (7)')
  const copy = await acquireTestDatabase({ template: template.connection.database })
  t.teardown(copy.release)
  const [row] = await postgresOnce(copy.connection, 'select id from kept')
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
