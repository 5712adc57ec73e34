// Owns what the program refuses to start with. The rules one by one are in test/config; here is what an operator sees of them.

import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { acquireTestDatabase } from '@vouchsafe/embedded-postgres/testing'
import { connect } from '@vouchsafe/postgres'
import t from 'tap'
import { freePort, startNode, urlOf } from '../support/idp.ts'
import { makeDataFolder, startToFail } from './processes.ts'

const SEALING = 'yaGNyj8MM1BZBj0d4pMDkkGUyCcYQ2vGcl3gF0w2Fs0='
const PRODUCTION = {
  VOUCHSAFE_ENV: 'production',
  ISSUER: 'https://id.example.org',
  TRUSTED_PROXIES: '10.0.0.5',
  KEY_ENCRYPTION_SECRET: SEALING,
  DATABASE_URL: 'postgres://nobody:database-password@127.0.0.1:1/none',
}

const lent = await acquireTestDatabase()
t.teardown(() => lent.release())
const folder = await makeDataFolder()
t.teardown(() => folder.remove())

t.test(
  '[ADV-111, WEB-043, WEB-019, R9700-20, R6819-07, R6819-11] production does not start with settings that are unsafe; each is named, all at once, and none is printed',
  async (t) => {
    // Settings go wrong together, and are told together: three starts say it all.
    const unsafe: readonly (readonly [Record<string, string>, readonly string[]])[] = [
      [
        {
          ISSUER: 'http://id.example.org',
          KEY_ENCRYPTION_SECRET: 'changeme-changeme-changeme-changeme-changeme',
          DATABASE_URL: 'mysql://a:hidden-word@b/c',
          TRUSTED_PROXIES: '0.0.0.0/0',
          PORT: 'many',
        },
        ['ISSUER', 'KEY_ENCRYPTION_SECRET', 'DATABASE_URL', 'TRUSTED_PROXIES', 'PORT'],
      ],
      [{ ISSUER: '', KEY_ENCRYPTION_SECRET: '' }, ['ISSUER', 'KEY_ENCRYPTION_SECRET']],
      [{ TRUSTED_PROXIES: '', KEY_ENCRYPTION_SECRET: 'weak-secret' }, ['TLS_CERT', 'KEY_ENCRYPTION_SECRET']],
    ]
    await Promise.all(
      unsafe.map(async ([over, named]) => {
        const { code, output } = await startToFail({ ...PRODUCTION, ...over })
        t.equal(code, 1, JSON.stringify(named))
        for (const name of named) t.match(output, new RegExp(`^ {2}${name}\\b`, 'm'))
        t.notMatch(
          output,
          /\bat .*\.js|changeme|weak-secret|hidden-word|database-password/,
          'no stack and no credential',
        )
        t.notMatch(output, /listening/)
      }),
    )
  },
)

t.test(
  '[ADV-111, WEB-078] a start that fails says why in words, without a stack or a credential, and leaves nothing running',
  async (t) => {
    const taken = createServer()
    const port = await new Promise<number>((resolve) =>
      taken.listen(0, 'localhost', () => {
        const address = taken.address()
        resolve(typeof address === 'object' && address !== null ? address.port : 0)
      }),
    )
    t.teardown(() => new Promise((resolve) => taken.close(resolve)))
    const nonsense = join(folder.path, 'nonsense.pem')
    await writeFile(nonsense, 'no certificate')
    const sound = { DATABASE_URL: urlOf(lent.connection), DATA_FOLDER: folder.path, MIGRATE_ON_START: 'true' }
    const https = { ISSUER: 'https://localhost:1', TLS_CERT: nonsense, TLS_KEY: nonsense }
    const starts: readonly (readonly [Record<string, string>, RegExp])[] = [
      [{ ...sound, DATABASE_URL: PRODUCTION.DATABASE_URL }, /DATABASE_URL names cannot be reached/],
      [
        { ...sound, PORT: String(port) },
        new RegExp(`cannot listen on localhost:${port}: another program has the port; set PORT`),
      ],
      [{ ...sound, ...https }, /TLS_CERT, TLS_KEY or MTLS_CLIENT_CA cannot be used: .*PEM/i],
    ]
    for (const [env, words] of starts) {
      const { code, output } = await startToFail(env)
      t.equal(code, 1, String(words))
      t.match(output, words)
      t.notMatch(output, /database-password|node:internal/, 'no credential and no trace of the runtime')
    }
  },
)

t.test(
  '[OPS-042, OPS-046] two processes that start on an empty database at once both come up, and a schema that is newer than the code is refused',
  async (t) => {
    const empty = await acquireTestDatabase()
    t.teardown(() => empty.release())
    const ports = [await freePort(), await freePort()]
    const env = {
      DATABASE_URL: urlOf(empty.connection),
      KEY_ENCRYPTION_SECRET: SEALING,
      HASH_MEMORY: '8192',
      LOG_LEVEL: 'info',
    }
    const unmigrated = await startToFail(env)
    t.equal(unmigrated.code, 1)
    t.match(unmigrated.output, /lacks migrations; run `vouchsafe migrate`/)
    const nodes = await Promise.all(
      ports.map((port) =>
        startNode(`http://localhost:${port}`, {
          ...env,
          MIGRATE_ON_START: 'true',
          PORT: String(port),
          ISSUER: `http://localhost:${ports[0]}`,
        }),
      ),
    )
    const applied = nodes.flatMap(({ output }) =>
      output()
        .split('\n')
        .filter((line) => line.includes('the database was migrated'))
        .flatMap((line): readonly string[] => JSON.parse(line).applied),
    )
    t.ok(applied.length > 0)
    t.equal(new Set(applied).size, applied.length, 'each migration was done by one of them')
    const keys = await Promise.all(ports.map(async (port) => (await fetch(`http://localhost:${port}/jwks`)).text()))
    t.equal(keys[0], keys[1], 'both sign with one ring')
    t.same(await Promise.all(nodes.map((node) => node.stop())), [0, 0])
    const sql = connect({ database: urlOf(empty.connection), max: 1 })
    await sql`insert into vouchsafe_migrations (ledger, name, checksum) select ledger, '9999_future', checksum from vouchsafe_migrations limit 1`
    await sql.end()
    const { code, output } = await startToFail({ ...env, MIGRATE_ON_START: 'true' })
    t.equal(code, 1)
    t.match(output, /newer than this version.*9999_future/s)
  },
)
