// Owns the tests of the pool's settings. Never tests the driver itself.

import { connect, createPostgresStores, migrate, protocolMigrations } from '@vouchsafe/postgres'
import t from 'tap'
import { openBench } from './harness.ts'
import { newWorld, occasion } from './world.ts'

const bench = await openBench()
t.teardown(() => bench.close())

t.test('[OPS-030] a pool carries statement, lock and idle timeouts to each connection', async (t) => {
  const [row] = await bench.sql`
    select current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
      current_setting('idle_in_transaction_session_timeout') as idle, current_setting('application_name') as name`
  t.same(row, { statement: '5s', lock: '2s', idle: '10s', name: 'vouchsafe' })
})

t.test('[unit] of several hosts only a primary is taken', async (t) => {
  const asked = (database: string): unknown => connect({ database }).options.target_session_attrs
  t.equal(asked('postgres://user:a,b@one:5432,two:5433/name'), 'primary')
  t.equal(asked('postgres://one,two/name'), 'primary')
  t.equal(asked('postgres://user:a,b@one/name?list=1,2'), undefined)
})

t.test('[unit] a socket folder is read from the address as libpq does', async (t) => {
  const path = '/run/some where/.s.PGSQL.5432'
  const read = (database: string) => connect({ database }).options
  t.match(read('postgres://user@/name?host=/run/some%20where'), { path, user: 'user', database: 'name' })
  t.match(read('postgres://user:p%40ss@localhost/name?host=/run/some%20where'), { path, user: 'user', pass: 'p@ss' })
  t.match(read('postgres:///name?host=/run'), { path: '/run/.s.PGSQL.5432', database: 'name' })
  t.match(read('postgres://localhost:6000/name?host=/run'), { path: '/run/.s.PGSQL.6000' })
  t.match(read('postgres://there:6000/name'), { host: ['there'], port: [6000] })
})

t.test('[unit] two schemas of one database hold two sets of tables that know nothing of one another', async (t) => {
  await bench.sql`create schema another`
  const pool = bench.connect({ schema: 'another', max: 2 })
  t.ok((await migrate(pool, [protocolMigrations])).length > 0)
  const stores = createPostgresStores(pool)
  const world = await newWorld(stores)
  t.same(
    await stores.grants.redeemAuthorizationCode(world.redemptionOf(await world.issued()), {
      ...occasion,
      replayEvents: [],
    }),
    { outcome: 'redeemed' },
  )
  t.equal(await bench.stores.clients.findClient(world.client.clientId), undefined)
})
