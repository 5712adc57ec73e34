// Owns how a running process ends: asked, asked twice, asked too early, by a fault of its own, and killed.

import { type ChildProcess, spawn } from 'node:child_process'
import { Agent, request } from 'node:http'
import type { Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { createIssuer, PASSWORD, type TestIssuer } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { type Answered, ask, codeRequest, cookieHeader, REDIRECT_URI, redeem } from '../web/wire.ts'
import { layWire } from './cut.ts'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))
const SECRET = 'yaGNyj8MM1BZBj0d4pMDkkGUyCcYQ2vGcl3gF0w2Fs0='
// A module that the test loads beside the program, so that it can make a fault of the program's own happen.
const FAULT = `process.on('SIGUSR2', () => { void Promise.reject(new Error('stray token=hidden-value')) })`
const WITH_FAULT = `--import=data:text/javascript;base64,${Buffer.from(FAULT).toString('base64')}`

const issuer = await createIssuer({ KEY_ENCRYPTION_SECRET: SECRET })
t.teardown(() => issuer.close())
await issuer.person('alice')
const client = await issuer.client({ client_name: 'App', redirect_uris: [REDIRECT_URI] })

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** The exit code of a process that ends by itself. */
const exitOf = (process: ChildProcess): Promise<number | null> =>
  new Promise((resolve) => {
    if (process.exitCode !== null) resolve(process.exitCode)
    else process.once('exit', (code) => resolve(code))
  })

const signedIn = async () => {
  const visitor = createVisitor(issuer.issuer)
  await visitor.signIn(`${issuer.issuer}/sign-in`, { username: 'alice', password: PASSWORD })
  return visitor
}

/** Holds the sessions for as long as `during` takes, so that a page that asks for them is under way. */
const withSessionsHeld = async <T>(
  { database }: TestIssuer,
  during: (release: () => Promise<void>) => Promise<T>,
): Promise<T> => {
  const held = await database.sql.reserve()
  await held`begin`
  await held`lock table sessions in access exclusive mode`
  let over = false
  const release = async (): Promise<void> => {
    if (over) return
    over = true
    await held`rollback`
    held.release()
  }
  try {
    return await during(release)
  } finally {
    await release()
  }
}

const connectionsOf = async ({ database }: TestIssuer): Promise<number> => {
  const [row] = await database.sql<{ count: number }[]>`
    select count(*)::integer as count from pg_stat_activity
    where datname = current_database() and application_name = 'vouchsafe'`
  return row?.count ?? 0
}

const first = await issuer.start({ VOUCHSAFE_ENV: 'production', LOG_LEVEL: 'info' })
const visitor = await signedIn()

t.test(
  '[OPS-052] SIGTERM: not ready first, then no new connections, what was accepted finished, idle sockets closed, exit 0',
  async (t) => {
    const cookie = cookieHeader(visitor)
    const agent = new Agent({ keepAlive: true })
    const idle = await new Promise<Socket>((resolve, reject) => {
      const sent = request(`${first.origin}/healthz`, { agent }, (response) => {
        const { socket } = response
        response.resume().on('end', () => resolve(socket))
      })
      sent.on('error', reject).end()
    })
    let closed = false
    idle.once('close', () => {
      closed = true
    })
    const before = await connectionsOf(issuer)
    await withSessionsHeld(issuer, async (release) => {
      const underWay = ask(first.origin, { path: '/', headers: { cookie } })
      await sleep(200)
      first.process.kill('SIGTERM')
      await sleep(200)
      const ready = await ask(first.origin, { path: '/readyz' })
      t.same(
        [ready.status, JSON.parse(ready.body).missing],
        [503, 'draining'],
        'whoever asks is told, before anything is refused',
      )
      t.equal((await ask(first.origin, { path: '/healthz' })).status, 200, 'and is still served')
      await release()
      const finished = await underWay
      t.equal(finished.status, 200, 'what was accepted is answered')
      t.match(finished.body, /Alice Example/)
    })
    t.equal(await exitOf(first.process), 0, 'exit 0')
    t.ok(closed, 'an idle connection is not kept')
    await t.rejects(ask(first.origin, { path: '/healthz' }), { code: 'ECONNREFUSED' })
    await sleep(100)
    t.ok((await connectionsOf(issuer)) < before, 'its connections to the database are gone')
    t.match(first.output(), /"signal":"SIGTERM".*stopping/)
    agent.destroy()
  },
)

t.test('[OPS-053] a second SIGTERM ends the process at once', async (t) => {
  const node = await issuer.start()
  await withSessionsHeld(issuer, async () => {
    const origin = node.origin
    const lost = ask(origin, {
      path: '/',
      headers: { host: new URL(issuer.issuer).host, cookie: cookieHeader(visitor) },
    }).catch(() => 'lost')
    await sleep(200)
    node.process.kill('SIGTERM')
    await sleep(200)
    t.equal(node.process.exitCode, null, 'the first one waits for what is under way')
    const began = performance.now()
    t.equal(await node.stop('SIGTERM'), 1, 'the second does not')
    t.ok(performance.now() - began < 1000)
    t.equal(await lost, 'lost')
  })
})

t.test('[OPS-053] SIGTERM during the start ends it at once', async (t) => {
  const wire = await layWire(issuer.database)
  wire.set('frozen')
  const env = { PATH: process.env['PATH'] ?? '', DATABASE_URL: wire.url, PORT: '0', KEY_ENCRYPTION_SECRET: SECRET }
  const child = spawn(process.execPath, [MAIN], { env, stdio: 'ignore' })
  const ended = new Promise<readonly [number | null, string | null]>((resolve) =>
    child.once('exit', (code, signal) => resolve([code, signal])),
  )
  await sleep(1500)
  t.equal(child.exitCode, null, 'it waits for its database')
  const began = performance.now()
  child.kill('SIGTERM')
  t.same(await ended, [null, 'SIGTERM'])
  t.ok(performance.now() - began < 1000)
  await wire.close()
})

t.test(
  '[OPS-025, WEB-097] a rejection that nobody waits for is logged without its secrets, and the process ends in order',
  async (t) => {
    const node = await issuer.start({ NODE_OPTIONS: WITH_FAULT })
    await withSessionsHeld(issuer, async (release) => {
      const headers = { host: new URL(issuer.issuer).host, cookie: cookieHeader(visitor) }
      const underWay = ask(node.origin, { path: '/', headers })
      await sleep(200)
      node.process.kill('SIGUSR2')
      await sleep(200)
      await release()
      t.equal((await underWay).status, 200, 'what was accepted is answered')
    })
    t.equal(await exitOf(node.process), 1)
    const line =
      node
        .output()
        .split('\n')
        .find((text) => text.includes('stray')) ?? ''
    t.match(JSON.parse(line), { level: 'fatal', err: { message: /^stray token=\[hidden\]$/ } })
    t.notMatch(node.output(), /hidden-value/)
  },
)

t.test(
  '[OPS-023, OPS-003, R6819-33] a process that is killed under load loses nothing that it acknowledged and issues nothing twice',
  async (t) => {
    const node = await issuer.start()
    const host = new URL(issuer.issuer).host
    const at = (url: string): Promise<Answered> => {
      const { pathname, search } = new URL(url)
      return ask(node.origin, { path: pathname + search, headers: { host, cookie: cookieHeader(visitor) } })
    }
    // With consent on record each request is answered with a code.
    const consented = await issuer.database.sql`
    insert into consents (subject, client_id, scope, claims, resources, granted_at, expires_at)
    select subject, ${client.clientId}, '{openid}', '{}', '{}', extract(epoch from now())::bigint, extract(epoch from now())::bigint + 3600 from users
    returning 1`
    t.equal(consented.length, 1)
    const codes: { readonly code: string; readonly verifier: string }[] = []
    for (let round = 0; round < 25; round++) {
      const { url, verifier } = codeRequest(issuer.issuer, client.clientId)
      const location = (await at(url)).headers.get('location') ?? ''
      codes.push({ verifier, code: new URL(location).searchParams.get('code') ?? '' })
    }
    t.notOk(
      codes.some(({ code }) => code === ''),
      'there are codes',
    )
    let acknowledged = 0
    const redeemed = codes.map(async (each) => {
      const answer = await redeem(node.origin, { client, ...each }).catch(() => undefined)
      if (answer?.status === 200 && ++acknowledged === 5) node.process.kill('SIGKILL')
      return answer
    })
    const answers = await Promise.all(redeemed)
    t.equal(await node.stop('SIGKILL'), null, 'it was killed')
    const next = await issuer.start()
    const answered = answers.filter((answer) => answer?.status === 200)
    t.ok(answered.length >= 5)
    for (const answer of answered.slice(0, 5)) {
      const { access_token }: { readonly access_token: string } = JSON.parse(answer?.body ?? '{}')
      const userinfo = await ask(next.origin, {
        path: '/userinfo',
        headers: { authorization: `Bearer ${access_token}` },
      })
      t.equal(userinfo.status, 200, 'a token that was acknowledged is good')
    }
    const statuses = new Map<string, number>()
    for (const [index, each] of codes.entries()) {
      const again = await redeem(next.origin, { client, ...each })
      const key = `${answers[index]?.status ?? 'lost'} then ${again.status}`
      statuses.set(key, (statuses.get(key) ?? 0) + 1)
    }
    t.equal(statuses.get('200 then 200'), undefined, 'what was acknowledged is not issued again')
    const known = ['200 then 400', 'lost then 200', 'lost then 400']
    t.same(
      [...statuses.keys()].filter((key) => !known.includes(key)),
      [],
      JSON.stringify([...statuses]),
    )
    const twice = await issuer.database.sql`select handle from access_tokens group by handle having count(*) > 1`
    t.equal(twice.length, 0, 'no code has two tokens')
    const half = await issuer.database.sql`
    select g.handle from grants g left join access_tokens a using (handle) where g.redeemed_at is not null and a.handle is null`
    t.equal(half.length, 0, 'and none was consumed without one')
  },
)
