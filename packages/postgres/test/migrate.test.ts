// Owns the tests of the migration runner on real databases. Never edits the migrations that ship: each test writes its own.

import { spawn } from 'node:child_process'
import { readdirSync, readFileSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { acquireTestDatabase } from '@vouchsafe/embedded-postgres/testing'
import { checkMigrations, connect, type MigrationSource, migrate, protocolMigrations } from '@vouchsafe/postgres'
import t from 'tap'

const database = await acquireTestDatabase()
const sql = connect({ database: database.connection, max: 8 })
t.teardown(async () => {
  await sql.end({ timeout: 1 })
  await database.release()
})

const FIRST = 'create table made (id integer primary key);\ninsert into made values (1);'

/** A ledger of its own for each test, with these files. */
const ledgerOf = (folder: string, ledger: string, files: Readonly<Record<string, string>>): MigrationSource => {
  for (const [name, text] of Object.entries(files)) writeFileSync(`${folder}/${name}`, text)
  return { ledger, folder }
}

const tableExists = async (name: string): Promise<boolean> => {
  const [row] = await sql<{ present: boolean }[]>`select to_regclass(${name}) is not null as present`
  return row?.present === true
}

t.test('[unit] the protocol migrations apply once, in order, and the database is current', async (t) => {
  const before = await checkMigrations(sql, [protocolMigrations])
  t.ok(typeof before === 'object' && 'pending' in before && before.pending.length >= 5)
  const applied = await migrate(sql, [protocolMigrations])
  t.same(before, { pending: applied })
  t.same(applied, [...applied].sort())
  t.equal(await checkMigrations(sql, [protocolMigrations]), 'current')
  t.same(await migrate(sql, [protocolMigrations]), [])
})

t.test('[unit] every table that grows has an index for its expiry, and no hot table holds JSON', async (t) => {
  const growing = [
    'access_tokens',
    'refresh_states',
    'revoked_jwts',
    'grants',
    'interactions',
    'device_requests',
    'pushed_requests',
    'registration_tokens',
    'reservations',
    'attempts',
    'consents',
    'sessions',
    'logout_deliveries',
  ]
  const indexed = await sql<{ name: string }[]>`
    select tablename as name from pg_indexes where indexdef like '%(expires_at)' or indexdef like '%(idle_expires_at)' or indexdef like '%(sweep_at)'`
  t.same(indexed.map(({ name }) => name).sort(), [...growing].sort())
  const hot = [
    'access_tokens',
    'refresh_states',
    'grants',
    'reservations',
    'attempts',
    'consents',
    'sessions',
    'subjects',
  ]
  const json = await sql`
    select 1 from information_schema.columns where table_name::text = any (${hot}::text[]) and data_type in ('json', 'jsonb')`
  t.equal(json.length, 0)
})

t.test(
  '[OPS-042] of four nodes that migrate at once each migration is applied by one, and all end current',
  async (t) => {
    const source = ledgerOf(t.testdir(), 'at_once', {
      '0001_one.sql': 'create table at_once (id integer primary key); select pg_sleep(0.2);',
      '0002_two.sql': 'insert into at_once values (1);',
      '0003_three.sql': 'insert into at_once values (2);',
    })
    const answers = await Promise.all([1, 2, 3, 4].map(() => migrate(sql, [source])))
    t.same(answers.flat().sort(), ['at_once/0001_one', 'at_once/0002_two', 'at_once/0003_three'])
    t.equal(await checkMigrations(sql, [source]), 'current')
    t.equal((await sql`select 1 from at_once`).length, 2)
  },
)

t.test('[OPS-042] a node waits for another one longer than its connection would wait for a lock', async (t) => {
  const source = ledgerOf(t.testdir(), 'patient', { '0001_one.sql': 'select pg_sleep(0.6);' })
  const hasty = connect({ database: database.connection, lockTimeout: 0.1, statementTimeout: 0.2, max: 2 })
  t.teardown(() => hasty.end({ timeout: 1 }))
  const answers = await Promise.all([migrate(hasty, [source]), migrate(hasty, [source])])
  t.same(answers.flat(), ['patient/0001_one'])
})

t.test(
  '[OPS-043] a node that is killed within a migration leaves nothing of it, and the next one applies it',
  async (t) => {
    const folder = t.testdir()
    const source = ledgerOf(folder, 'killed', {
      '0001_half.sql': 'create table half_made (id integer); select pg_sleep(60);',
    })
    const program = fileURLToPath(new URL('./migrate-child.js', import.meta.url))
    const child = spawn(process.execPath, [program, JSON.stringify({ database: database.connection, source })], {
      stdio: 'inherit',
    })
    const ended = new Promise((resolve) => child.once('exit', resolve))
    const isAtWork = async (): Promise<boolean> =>
      (
        await sql`
        select 1 from pg_stat_activity
        where datname = current_database() and application_name = 'to-be-killed' and state = 'active'`
      ).length > 0
    while (!(await isAtWork())) await sleep(20)
    child.kill('SIGKILL')
    await ended
    // The server notices at its next look at the socket; here it is told, as a restart of it would.
    await sql`
    select pg_terminate_backend(pid) from pg_stat_activity
    where datname = current_database() and application_name = 'to-be-killed'`
    while (await isAtWork()) await sleep(20)
    t.equal(await tableExists('half_made'), false)
    t.same(await checkMigrations(sql, [source]), { pending: ['killed/0001_half'] })
    writeFileSync(`${folder}/0001_half.sql`, 'create table half_made (id integer);')
    t.same(await migrate(sql, [source]), ['killed/0001_half'])
    t.equal(await tableExists('half_made'), true)
  },
)

t.test('[OPS-043] a migration that fails leaves nothing of it, and those before it stay', async (t) => {
  const source = ledgerOf(t.testdir(), 'failing', {
    '0001_good.sql': 'create table good (id integer);',
    '0002_bad.sql': 'create table bad (id integer); select 1 / 0;',
  })
  await t.rejects(migrate(sql, [source]), { code: '22012' })
  t.equal(await tableExists('good'), true)
  t.equal(await tableExists('bad'), false)
  t.same(await checkMigrations(sql, [source]), { pending: ['failing/0002_bad'] })
})

t.test('[OPS-046] a database that is newer than the code is refused by name', async (t) => {
  const folder = t.testdir({ newer: {}, older: {} })
  const newer = ledgerOf(`${folder}/newer`, 'newer', { '0001_one.sql': FIRST, '0002_two.sql': 'select 1;' })
  const older = ledgerOf(`${folder}/older`, 'newer', { '0001_one.sql': FIRST })
  await migrate(sql, [newer])
  t.same(await checkMigrations(sql, [older]), { unknown: ['newer/0002_two'] })
  await t.rejects(migrate(sql, [older]), { code: 'migration_unknown', message: /newer\/0002_two/ })
})

t.test(
  '[unit] a migration that was edited after it was applied is refused by name; line ends do not count',
  async (t) => {
    const folder = t.testdir()
    const source = ledgerOf(folder, 'edited', { '0001_one.sql': 'create table edited (id integer);\n' })
    await migrate(sql, [source])
    writeFileSync(`${folder}/0001_one.sql`, 'create table edited (id integer);\r\n')
    t.equal(await checkMigrations(sql, [source]), 'current')
    writeFileSync(`${folder}/0001_one.sql`, 'create table edited (id bigint);\n')
    writeFileSync(`${folder}/0002_two.sql`, 'create table never (id integer);')
    t.same(await checkMigrations(sql, [source]), { changed: ['edited/0001_one'] })
    await t.rejects(migrate(sql, [source]), { code: 'migration_changed', message: /edited\/0001_one/ })
    t.equal(await tableExists('never'), false)
  },
)

t.test('[unit] two ledgers are kept apart and applied in the order given', async (t) => {
  const folder = t.testdir({ a: {}, b: {} })
  const a = ledgerOf(`${folder}/a`, 'ledger_a', { '0001_one.sql': 'create table shared (id integer);' })
  const b = ledgerOf(`${folder}/b`, 'ledger_b', { '0001_one.sql': 'insert into shared values (1);' })
  t.same(await migrate(sql, [a, b]), ['ledger_a/0001_one', 'ledger_b/0001_one'])
  t.equal(await checkMigrations(sql, [b]), 'current')
})

t.test('[unit] a migration that comes before an applied one is refused', async (t) => {
  const folder = t.testdir()
  const source = ledgerOf(folder, 'order', { '0002_two.sql': 'select 1;' })
  await migrate(sql, [source])
  writeFileSync(`${folder}/0001_one.sql`, 'select 1;')
  await t.rejects(migrate(sql, [source]), { code: 'migration_out_of_order' })
})

t.test('[unit] a folder with a stray file, a repeated number or nothing in it is refused', async (t) => {
  const folder = t.testdir({ stray: {}, twice: {}, empty: {} })
  const stray = ledgerOf(`${folder}/stray`, 'stray', { 'notes.txt': '' })
  const twice = ledgerOf(`${folder}/twice`, 'twice', { '0001_one.sql': '', '0001_other.sql': '' })
  for (const source of [stray, twice, { ledger: 'empty', folder: `${folder}/empty` }]) {
    await t.rejects(migrate(sql, [source]), { code: 'migration_invalid' })
  }
})

/** Runs a program to its end and answers what it printed. */
const outputOf = async (program: string, args: readonly string[], cwd: string): Promise<string> => {
  const running = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  running.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text
  })
  await new Promise((resolve) => running.once('close', resolve))
  return output
}

t.test('[unit] an installed package brings the protocol migrations of the repository, and reads its own', async (t) => {
  const folder = t.testdir({ node_modules: { '@vouchsafe': { postgres: {} } } })
  const root = fileURLToPath(new URL('..', import.meta.url))
  const modules = `${folder}/node_modules`
  const tarball = (await outputOf('npm', ['pack', '--silent', '--pack-destination', folder], root)).trim()
  const own = `${modules}/@vouchsafe/postgres`
  await outputOf('tar', ['xzf', `${folder}/${tarball}`, '-C', own, '--strip-components=1'], folder)
  symlinkSync(fileURLToPath(new URL('../../core', import.meta.url)), `${modules}/@vouchsafe/core`)
  symlinkSync(
    dirname(dirname(createRequire(import.meta.url).resolve('postgres'))).replace(/\/cjs$/, ''),
    `${modules}/postgres`,
  )
  const script = `import { protocolMigrations } from '@vouchsafe/postgres'; console.log(protocolMigrations.folder)`
  const found = (await outputOf(process.execPath, ['--input-type=module', '-e', script], folder)).trim()
  t.equal(realpathSync(found), realpathSync(`${own}/migrations/protocol`))
  t.same(readdirSync(found).sort(), readdirSync(protocolMigrations.folder).sort())
  for (const file of readdirSync(found)) {
    t.equal(readFileSync(`${found}/${file}`, 'utf8'), readFileSync(`${protocolMigrations.folder}/${file}`, 'utf8'))
  }
})
