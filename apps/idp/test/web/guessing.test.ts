// Owns what two running processes make of somebody who guesses passwords and client secrets.

import t from 'tap'
import { createIssuer, PASSWORD } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { type Answered, ask, basic, cookieHeader, FORM, formBody, openForm, REDIRECT_URI } from './wire.ts'

const FREE = 3

const issuer = await createIssuer({
  LOGIN_FREE_ATTEMPTS: String(FREE),
  LOGIN_BASE_DELAY: '2',
  LOGIN_MAX_DELAY: '2',
  NETWORK_FREE_ATTEMPTS: '40',
  HASH_QUEUE: '4',
  LOG_LEVEL: 'error',
})
t.teardown(() => issuer.close())
// The second one stands behind a proxy on this machine, whose word about addresses it takes.
const [first, second] = [await issuer.start(), await issuer.start({ TRUSTED_PROXIES: '127.0.0.1' })]
const origins = [first.origin, second.origin] as const
for (const name of ['alice', 'bob', 'carol', 'dave', 'erin'])
  await issuer.person(name, { name, email: `${name}@example.org` })

const pages = await Promise.all(
  origins.map(async () => {
    const visitor = createVisitor(issuer.issuer)
    return { ...(await openForm(visitor, `${issuer.issuer}/sign-in`)), cookie: cookieHeader(visitor) }
  }),
)

/** Tries to sign in at one of the two processes, from an address that only the second believes. */
const attempt = (at: number, username: string, password: string, from?: string): Promise<Answered> => {
  const page = pages[at]
  if (page === undefined) throw new Error('there are two processes')
  return ask(origins[at] ?? '', {
    method: 'POST',
    path: '/sign-in',
    headers: {
      // A proxy passes on the host that the browser asked for; without one the test names it itself.
      host: new URL(issuer.issuer).host,
      cookie: page.cookie,
      'content-type': FORM,
      'sec-fetch-site': 'same-origin',
      ...(from === undefined ? {} : { 'x-forwarded-for': from }),
    },
    body: formBody(new Map([...page.fields, ['username', username], ['password', password]])),
  })
}

const failuresOf = async (): Promise<number> => {
  const [row] = await issuer.database.sql<
    { sum: number }[]
  >`select coalesce(sum(failures), 0)::integer as sum from attempts`
  return row?.sum ?? 0
}

const forget = async (): Promise<void> => {
  await issuer.database.sql`delete from attempts`
}

const wait = (seconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, seconds * 1000))

/** What a person is shown, without what differs from page to page. */
const essence = ({ status, headers, body }: Answered) => ({
  status,
  headers: [...headers]
    .filter(([name]) => name !== 'date' && name !== 'keep-alive' && name !== 'content-length')
    // How long is left depends on how long the test took.
    .map(([name, value]) => [name, name === 'retry-after' ? 'N' : value]),
  body: body
    .replace(/name="csrf" value="[^"]*"/g, '')
    .replaceAll(/(?:alice|nobody)/g, 'NAME')
    .replace(/\b\d+ seconds?/g, 'N seconds'),
})

t.test(
  '[WEB-020, WEB-022, WEB-026, ADV-028, OPS-020] failures at either process count together, for names that exist and for others alike; who waits gets in',
  async (t) => {
    await forget()
    const answers = { alice: [] as Answered[], nobody: [] as Answered[] }
    for (const name of ['alice', 'nobody'] as const) {
      for (let at = 0; at < FREE + 2; at++) answers[name].push(await attempt(at % 2, name, `wrong password ${at}`))
    }
    t.same(
      answers.alice.map(({ status }) => status),
      [...Array.from({ length: FREE + 1 }, () => 401), 429],
      'three are free, the next begins the wait, then 429 at the other process too',
    )
    for (const [at, known] of answers.alice.entries()) {
      const unknown = answers.nobody[at]
      t.same(
        unknown && essence(unknown),
        essence(known),
        `failure ${at + 1}: the same status, headers and page for both`,
      )
    }
    const last = answers.alice.at(-1)
    t.match(last?.headers.get('retry-after') ?? '', /^[12]$/, 'a machine is told how long')
    t.match(last?.body ?? '', /second/, 'a person too')
    for (const at of [0, 1])
      t.equal((await attempt(at, 'alice', PASSWORD)).status, 429, 'the right password waits as well')
    await wait(3)
    t.equal((await attempt(1, 'alice', PASSWORD)).status, 303, 'and then it is taken')
    t.equal((await attempt(0, 'alice', 'wrong password')).status, 401, 'and the count began anew')
  },
)

t.test('[OPS-020, WEB-020] failures at the same time are all counted, at both processes', async (t) => {
  await forget()
  const names = ['bob', 'carol', 'dave', 'erin']
  await Promise.all(names.flatMap((name) => [0, 1].map((at) => attempt(at, name, 'wrong password'))))
  const answered = await failuresOf()
  // Each is counted for its name and for its network; what was too busy to be judged is not.
  const [busy] = await issuer.database.sql<{ count: number }[]>`
    select count(*)::integer as count from audit_events where name = 'sign_in.failed' and fields ->> 'reason' = 'busy'`
  t.equal(answered, 2 * (2 * names.length - (busy?.count ?? 0)))
})

t.test(
  '[WEB-021, WEB-042] a source that tries many names has to wait, by the address that a trusted proxy names and by no other',
  async (t) => {
    await forget()
    for (let at = 0; at < 41; at++) await attempt(1, `somebody-${at}`, 'Password1', '203.0.113.7, 198.51.100.9')
    t.equal((await attempt(1, 'carol', PASSWORD, '198.51.100.9')).status, 429, 'the source waits, whatever the name')
    t.equal(
      (await attempt(1, 'carol', PASSWORD, '203.0.113.7')).status,
      303,
      'what stands further left is not the source',
    )
    t.equal(
      (await attempt(0, 'carol', PASSWORD, '198.51.100.9')).status,
      303,
      'and where no proxy is trusted, the header is nothing',
    )
  },
)

t.test(
  '[WEB-020, V21-06, R6819-09, ADV-131] guesses at a client’s secret count at both processes; a probe of the other style with the right one does not',
  async (t) => {
    await forget()
    const metadata = { client_name: 'App', redirect_uris: [REDIRECT_URI] }
    const client = await issuer.client(metadata)
    const poster = await issuer.client({ ...metadata, token_endpoint_auth_method: 'client_secret_post' })
    const exchange = (at: number, headers: Record<string, string>, body = ''): Promise<Answered> =>
      ask(origins[at] ?? '', {
        method: 'POST',
        path: '/token',
        headers: { 'content-type': FORM, ...headers },
        body: `grant_type=authorization_code&code=none&redirect_uri=x&code_verifier=${'v'.repeat(43)}${body}`,
      })
    for (let probe = 0; probe < 15; probe++) {
      const refused = await exchange(probe % 2, { authorization: basic(poster) })
      t.equal(refused.status, 401, 'Basic for a client that posts')
    }
    const posted = `&client_id=${poster.clientId}&client_secret=${poster.clientSecret}`
    t.equal((await exchange(0, {}, posted)).status, 400, 'it is let in all the same: only its code is wrong')
    t.equal(await failuresOf(), 0, 'and nothing was counted')
    const wrong = { authorization: basic({ ...client, clientSecret: 'w'.repeat(43) }) }
    const statuses: number[] = []
    for (let guess = 0; guess < 11; guess++) statuses.push((await exchange(guess % 2, wrong)).status)
    t.same(new Set(statuses), new Set([401]), 'ten guesses, at either process, and the one that begins the wait')
    let throttled = await exchange(1, wrong)
    // On a busy machine a wait of a second may be over already; each further guess doubles it.
    for (let more = 0; more < 6 && throttled.status !== 429; more++) throttled = await exchange(more % 2, wrong)
    t.equal(throttled.status, 429)
    t.match(throttled.headers.get('retry-after') ?? '', /^\d+$/)
    t.equal(JSON.parse(throttled.body).error !== undefined, true, 'told in JSON')
    t.equal((await exchange(0, { authorization: basic(client) })).status, 400, 'its owner is not kept out')
  },
)

t.test('[WEB-083] a password above 1024 bytes is refused before it is hashed or counted', async (t) => {
  await forget()
  const answer = await attempt(0, 'alice', 'p'.repeat(1025))
  t.equal(answer.status, 401)
  t.equal(await failuresOf(), 0)
})

t.test(
  '[WEB-084] two hundred sign-ins at once leave a short queue, 503 for the rest, and everybody else served',
  async (t) => {
    await forget()
    const began = performance.now()
    const flood = Promise.all(Array.from({ length: 200 }, (_, at) => attempt(0, `flood-${at}`, 'wrong password')))
    let over = false
    void flood.finally(() => {
      over = true
    })
    const times: number[] = []
    while (!over || times.length === 0) {
      const asked = performance.now()
      const answers = await Promise.all(
        ['/healthz', '/jwks', '/.well-known/openid-configuration'].map((path) => ask(first.origin, { path })),
      )
      for (const { status } of answers) t.equal(status, 200)
      times.push(performance.now() - asked)
    }
    const statuses = (await flood).map(({ status }) => status)
    const took = performance.now() - began
    t.same(
      [...new Set(statuses)].filter((status) => ![401, 429, 503].includes(status)),
      [],
      'nothing but refusals',
    )
    t.ok(statuses.includes(503), 'the queue is bounded')
    const busy = (await flood).find(({ status }) => status === 503)
    t.match(busy?.headers.get('retry-after') ?? '', /^\d+$/)
    t.ok(
      Math.max(...times) < Math.max(took, 2000),
      `keys, metadata and health were answered meanwhile: ${Math.max(...times)} ms`,
    )
    t.equal((await attempt(1, 'bob', PASSWORD)).status, 303, 'and afterwards people get in')
  },
)
