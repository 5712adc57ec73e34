// Owns what a store says and does when its database is gone, slow or held by somebody else. Never waits for real timeouts of minutes:
// each test sets its own.

import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { clientId, type Stores, subject } from '@vouchsafe/core'
import { type ConnectOptions, connect, createPostgresStores, isStoreError } from '@vouchsafe/postgres'
import postgres from 'postgres'
import t, { type Test } from 'tap'
import { openBench } from './harness.ts'
import { newWorld, occasion } from './world.ts'

const bench = await openBench()
t.teardown(() => bench.close())

const SECRETS = /people-table|s3cret-password|db-user|127\.0\.0\.1|::1|sock|select|insert|update|from|\/tmp/i

/** What a rejected store call says, everything that a logger might print included. */
const saidBy = async (calling: Promise<unknown>): Promise<{ readonly code: unknown; readonly text: string }> => {
  const thrown: unknown = await calling.then(
    () => new Error('it answered'),
    (error: unknown) => error,
  )
  if (!isStoreError(thrown)) throw thrown
  // The stack names files of this package, no data.
  const { stack: _, ...rest } = Object.fromEntries(
    Reflect.ownKeys(thrown).map((key) => [String(key), Reflect.get(thrown, key)] as const),
  )
  return { code: thrown.code, text: inspect(rest, { depth: 5 }) + thrown.message }
}

const storesAt = (
  t: Test,
  database: ConnectOptions['database'],
  settings: Omit<ConnectOptions, 'database'> = {},
  deadline = 10,
): Stores => {
  const pool = connect({ database, connectTimeout: 1, ...settings })
  t.teardown(() => pool.end({ timeout: 0 }))
  return createPostgresStores(pool, { deadline })
}

/** A server of one's own on the loopback, with its port. */
const listen = async (t: Test, onSocket: (socket: Socket) => void): Promise<number> => {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    onSocket(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : 0
}

const userAt = (port: number): ConnectOptions['database'] => ({
  host: '127.0.0.1',
  port,
  user: 'db-user',
  password: 's3cret-password',
  database: 'people-table',
})

t.test('[ADV-090] a database that refuses connections is unavailable, and the error names nothing', async (t) => {
  const port = await listen(t, (socket) => socket.destroy())
  for (const at of [port, 1]) {
    const stores = storesAt(t, userAt(at), {}, 0.5)
    const { code, text } = await saidBy(stores.clients.findClient(clientId('someone')))
    t.equal(code, 'store_unavailable')
    t.notMatch(text, SECRETS)
  }
})

t.test('[ADV-090] a database that rejects the credentials is unavailable, and the error names nothing', async (t) => {
  const { path, host, port } = { path: undefined, host: undefined, port: undefined, ...bench.address }
  const place = path === undefined ? { host, port } : { path }
  const stores = storesAt(t, {
    ...place,
    user: 'db-user',
    password: 's3cret-password',
    database: 'people-table',
  } as never)
  const { code, text } = await saidBy(stores.subjects.createSubject(subject('someone'), occasion))
  t.equal(code, 'store_unavailable')
  t.notMatch(text, SECRETS)
})

t.test('[OPS-029] a database that never answers is unavailable when the time is up', async (t) => {
  const port = await listen(t, () => undefined)
  const stores = storesAt(t, userAt(port), { connectTimeout: 30 }, 0.3)
  const began = performance.now()
  const { code, text } = await saidBy(stores.clients.findClient(clientId('someone')))
  t.equal(code, 'store_unavailable')
  t.notMatch(text, SECRETS)
  t.ok(performance.now() - began < 3000)
})

t.test(
  '[OPS-029] with every connection busy a call waits no longer than its deadline, and the next one works',
  async (t) => {
    const pool = bench.connect({ max: 1 })
    const stores = createPostgresStores(pool, { deadline: 0.3 })
    await stores.clients.findClient(clientId('someone'))
    const busy = pool.begin(async (sql) => sql`select pg_sleep(1)`)
    const { code } = await saidBy(stores.clients.findClient(clientId('someone')))
    t.equal(code, 'store_unavailable')
    await busy
    t.equal(await stores.clients.findClient(clientId('someone')), undefined)
  },
)

t.test(
  '[OPS-030] a row that an operator holds makes a transition unavailable, and nothing of it is written',
  async (t) => {
    const world = await newWorld(bench.stores)
    const issue = await world.issued()
    const stores = createPostgresStores(bench.connect({ max: 2, lockTimeout: 0.2 }))
    const operator = bench.connect({ max: 1 })
    await operator.begin(async (sql) => {
      await sql`select from subjects where subject = ${world.session.subject} for update`
      const { code, text } = await saidBy(
        stores.grants.redeemAuthorizationCode(world.redemptionOf(issue), { ...occasion, replayEvents: [] }),
      )
      t.equal(code, 'store_unavailable')
      t.match(text, /55P03/)
    })
    t.equal((await stores.grants.findAuthorizationCode(world.redemptionOf(issue)))?.redeemedAt, undefined)
  },
)

t.test('[OPS-026] a pool whose connections were all cut works again without a restart', async (t) => {
  const pool = bench.connect({ max: 4, applicationName: 'to-be-cut' })
  const stores = createPostgresStores(pool)
  await Promise.all([1, 2, 3, 4].map(() => stores.clients.findClient(clientId('someone'))))
  const cut = await bench.sql`
    select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'to-be-cut'`
  t.ok(cut.length > 0)
  await sleep(100)
  const answers = await Promise.allSettled([1, 2, 3, 4].map(() => stores.clients.findClient(clientId('someone'))))
  for (const answer of answers) t.ok(answer.status === 'fulfilled' || isStoreError(answer.reason))
  t.equal(await stores.clients.findClient(clientId('someone')), undefined)
})

t.test('[OPS-031] a network that falls silent makes calls unavailable, and working again once it speaks', async (t) => {
  let silent = false
  const pairs = new Set<readonly [Socket, Socket]>()
  const { path, host, port } = { path: undefined, host: undefined, port: undefined, ...bench.address }
  const proxy = await listen(t, (near) => {
    const far = path === undefined ? connectSocket(port ?? 5432, host) : connectSocket(path)
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    pairs.add([near, far])
    near.on('data', (bytes) => far.write(bytes))
    far.on('data', (bytes) => near.write(bytes))
    if (silent) near.pause()
  })
  const turn = (quiet: boolean): void => {
    silent = quiet
    for (const pair of pairs) for (const socket of pair) quiet ? socket.pause() : socket.resume()
  }
  const { path: _, ...rest } = { path: undefined, ...bench.address }
  const stores = storesAt(t, { ...rest, host: '127.0.0.1', port: proxy }, { max: 2, connectTimeout: 30 }, 0.3)
  t.equal(await stores.clients.findClient(clientId('someone')), undefined)
  turn(true)
  for (let count = 0; count < 3; count++) {
    t.equal((await saidBy(stores.clients.findClient(clientId('someone')))).code, 'store_unavailable')
  }
  turn(false)
  t.equal(await stores.clients.findClient(clientId('someone')), undefined)
})

t.test('[OPS-026] a connection whose server vanished without a word is given up, and a new one serves', async (t) => {
  let vanished = false
  const old = new Set<Socket>()
  const { path, host, port } = { path: undefined, host: undefined, port: undefined, ...bench.address }
  const proxy = await listen(t, (near) => {
    const far = path === undefined ? connectSocket(port ?? 5432, host) : connectSocket(path)
    far.on('error', () => near.destroy())
    near.on('close', () => far.destroy())
    near.pipe(far).pipe(near)
    if (!vanished) old.add(near)
  })
  const { path: _, ...rest } = { path: undefined, ...bench.address }
  const stores = storesAt(t, { ...rest, host: '127.0.0.1', port: proxy }, { max: 1, silence: 1 }, 0.3)
  t.equal(await stores.clients.findClient(clientId('someone')), undefined)
  vanished = true
  for (const socket of old) socket.unpipe().pause()
  for (let count = 0; count < 2; count++) {
    t.equal((await saidBy(stores.clients.findClient(clientId('someone')))).code, 'store_unavailable')
  }
  await sleep(1500)
  t.equal(await stores.clients.findClient(clientId('someone')), undefined)
})

t.test('[unit] a broken invariant is a fault that names no value', async (t) => {
  const world = await newWorld(bench.stores)
  const issue = await world.issued()
  const { code, text } = await saidBy(bench.stores.grants.issueAuthorizationCode(issue, occasion))
  t.equal(code, 'store_fault')
  t.match(text, /23505/)
  t.notMatch(text, new RegExp(`${world.client.clientId}|${issue.grant.handle}|Key|grants`))
})

t.test('[unit] a driver that renames columns is refused at once', async (t) => {
  const camel = postgres({ transform: postgres.camel })
  t.throws(() => createPostgresStores(camel), { code: 'store_misconfigured' })
  await camel.end()
})

t.test('[unit] the stores read the same through a driver with its own settings', async (t) => {
  const world = await newWorld(bench.stores)
  const pool = postgres({ ...bench.address, max: 1 } as postgres.Options<Record<string, never>>)
  t.teardown(() => pool.end({ timeout: 1 }))
  const plain = createPostgresStores(pool)
  const changed = {
    ...world.client,
    version: 2,
    scopes: ['a,b', 'c"d', 'e\\f', '{g}', 'NULL', '', ' h '],
    secrets: [...world.client.secrets, { digest: world.session.secretDigest, expiresAt: occasion.now }],
  }
  t.equal(await plain.clients.updateClient(changed, occasion), 'updated')
  t.same(await plain.clients.findClient(world.client.clientId), changed)
  t.same(await bench.stores.clients.findClient(world.client.clientId), changed)
})

t.test('[unit] pools of connect take and give lists of texts, numbers and bytes', async (t) => {
  const [row] = await bench.sql`
    select ${['a,b', 'c"d\\', 'NULL', '']}::text[] as texts, ${[1, 2]}::integer[] as numbers,
      ${bench.sql.typed([Buffer.from('ab')], 1001)}::bytea[] as bytes, '{}'::text[] as none, '{a,NULL}'::text[] as some`
  t.same(row, {
    texts: ['a,b', 'c"d\\', 'NULL', ''],
    numbers: [1, 2],
    bytes: [Buffer.from('ab')],
    none: [],
    some: ['a', null],
  })
})

t.test('[OPS-032] the stores work without named statements, as behind a connection proxy', async (t) => {
  const pool = bench.connect({ max: 1, prepare: false })
  const stores = createPostgresStores(pool)
  const world = await newWorld(stores)
  const redemption = world.redemptionOf(await world.issued())
  t.same(await stores.grants.redeemAuthorizationCode(redemption, { ...occasion, replayEvents: [] }), {
    outcome: 'redeemed',
  })
  t.equal((await pool`select name from pg_prepared_statements`).length, 0)
  t.equal((await pool`select 1 from pg_locks where locktype = 'advisory'`).length, 0)
})

t.test('[unit] text that Postgres cannot hold is found nowhere', async (t) => {
  const nul = 'a\0b'
  t.equal(await bench.stores.clients.findClient(clientId(nul)), undefined)
  t.equal(await bench.stores.clients.isRegisteredOrigin(nul), false)
  t.equal(await bench.stores.subjects.findSubject(subject(nul)), undefined)
  t.equal(await bench.stores.interactions.findInteraction(nul), undefined)
  await bench.stores.audit.appendEvents([
    { name: 'unit.checked', at: occasion.now, fields: { value: nul, lone: '\ud800', list: ['\0'] } },
  ])
  const [event] = await bench.sql`select fields from audit_events where name = 'unit.checked'`
  t.same(event, { fields: { value: 'a\ufffdb', lone: '\ufffd', list: ['\ufffd'] } })
})
