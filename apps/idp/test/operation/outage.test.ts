// Owns what a running process does while its database is away, slow or broken. The stores' own part is in packages/postgres.

import t, { type Test } from 'tap'
import { createIssuer, PASSWORD } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import {
  type Answered,
  ask,
  codeRequest,
  cookieHeader,
  FORM,
  formBody,
  openForm,
  REDIRECT_URI,
  redeem,
} from '../web/wire.ts'
import { layWire } from './cut.ts'

const issuer = await createIssuer()
const wire = await layWire(issuer.database)
const node = await issuer.start({ DATABASE_URL: wire.url, DATABASE_CONNECTIONS: '3' })
t.teardown(async () => {
  wire.set('whole')
  await issuer.close()
  await wire.close()
})
await issuer.person('alice')
const client = await issuer.client({ client_name: 'App', redirect_uris: [REDIRECT_URI] })
const ALICE = { username: 'alice', password: PASSWORD }

const visitor = createVisitor(issuer.issuer)
const obtainCode = async () => {
  const { url, verifier } = codeRequest(issuer.issuer, client.clientId)
  const { url: end } = await visitor.signIn(url, ALICE)
  return { client, verifier, code: new URL(end).searchParams.get('code') ?? '' }
}
const issued = await obtainCode()
const { access_token: token }: { readonly access_token: string } = JSON.parse(
  (await redeem(node.origin, await obtainCode())).body,
)
const strangers = createVisitor(issuer.issuer)
const signInPage = await openForm(strangers, `${issuer.issuer}/sign-in`)
const interactionPage = await openForm(strangers, codeRequest(issuer.issuer, client.clientId).url)

/** Everything that needs the database, each once: what a machine asks, and what a person does. */
const everything = async (): Promise<readonly (readonly [string, Answered])[]> => {
  const post = (path: string, fields: ReadonlyMap<string, string>): Promise<Answered> =>
    ask(node.origin, {
      method: 'POST',
      path,
      headers: { cookie: cookieHeader(strangers), 'content-type': FORM, 'sec-fetch-site': 'same-origin' },
      body: formBody(new Map([...fields, ...Object.entries(ALICE)])),
    })
  const cookie = cookieHeader(visitor)
  const asked = {
    token: redeem(node.origin, issued),
    userinfo: ask(node.origin, { path: '/userinfo', headers: { authorization: `Bearer ${token}` } }),
    authorize: ask(node.origin, { path: codeRequest('', client.clientId).url, headers: { cookie } }),
    'front page': ask(node.origin, { path: '/', headers: { cookie } }),
    'sign-out page': ask(node.origin, { path: '/sign-out', headers: { cookie } }),
    'set-up page': ask(node.origin, { path: `/set-up/${'A'.repeat(43)}` }),
    'sign-in': post('/sign-in', signInPage.fields),
    interaction: ask(node.origin, {
      path: new URL(interactionPage.url).pathname,
      headers: { cookie: cookieHeader(strangers) },
    }),
    'sign-in for an app': post(new URL(interactionPage.action).pathname, interactionPage.fields),
  }
  return Promise.all(Object.entries(asked).map(async ([name, answer]) => [name, await answer] as const))
}

const INSIDE = /\bat .*\.js|select |insert |postgres|relation|column|127\.0\.0\.1|ECONN|SQL|stack/i

const isRefusedKindly = (t: Test, name: string, answer: Answered, status: number): void => {
  t.equal(answer.status, status, `${name}: ${status}`)
  t.notMatch(answer.body, INSIDE, `${name}: nothing of the inside`)
  t.same(answer.cookies, [], `${name}: nobody is signed in`)
  if (status === 503) t.match(answer.headers.get('retry-after') ?? '', /^\d+$/, `${name}: Retry-After`)
  if (!answer.body.startsWith('{')) t.match(answer.body, /[A-Z0-9]{4}-?[A-Z0-9]{4}/, `${name}: a reference`)
}

const probe = async (path: string): Promise<number> => (await ask(node.origin, { path })).status

const DOCUMENTS = ['/jwks', '/.well-known/openid-configuration']

const untilReady = async (): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    if ((await probe('/readyz')) === 200) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`not ready again: ${node.output()}`)
}

t.test(
  '[OPS-026, OPS-031, OPS-061, WEB-025, WEB-097, OPS-004] a database that is away is a 503 with a time to wait, not a lost code, and no reason to start anew',
  async (t) => {
    for (const path of DOCUMENTS) t.equal(await probe(path), 200)
    for (let outage = 0; outage < 2; outage++) {
      wire.set('cut')
      for (const [name, answer] of await everything()) isRefusedKindly(t, name, answer, 503)
      t.equal(await probe('/healthz'), 200, 'alive')
      t.equal(await probe('/readyz'), 503, 'not ready')
      for (const path of DOCUMENTS) {
        t.equal(await probe(path), 200, `${path} is what a cache would have`)
      }
      t.equal(await probe('/sign-in'), 200, 'a page that needs no database is served')
      wire.set('whole')
      await untilReady()
    }
    t.equal((await redeem(node.origin, issued)).status, 200, 'the code that was refused meanwhile is redeemed')
    t.equal((await redeem(node.origin, issued)).status, 400, 'once')
    t.equal(node.process.exitCode, null)
  },
)

t.test(
  '[OPS-029, OPS-030] with every connection waiting for a lock, requests end soon with 503, health says so, and recovery needs nobody',
  async (t) => {
    const held = await issuer.database.sql.reserve()
    await held`begin`
    await held`lock table sessions in access exclusive mode`
    const began = performance.now()
    const cookie = cookieHeader(visitor)
    const waiting = Array.from({ length: 6 }, () => ask(node.origin, { path: '/', headers: { cookie } }))
    await new Promise((resolve) => setTimeout(resolve, 300))
    t.equal(await probe('/healthz'), 200, 'alive')
    for (const answer of await Promise.all(waiting)) isRefusedKindly(t, 'front page', answer, 503)
    t.ok(performance.now() - began < 10_500, 'none hangs over its time')
    await held`rollback`
    held.release()
    await untilReady()
    t.equal((await ask(node.origin, { path: '/', headers: { cookie } })).status, 200)
  },
)

t.test(
  '[WEB-097, WEB-098] a statement that fails is a 500 with a reference, rolled back, and the process lives',
  async (t) => {
    const { sql } = issuer.database
    const fresh = await obtainCode()
    await sql`alter table access_tokens rename to access_tokens_away`
    const answer = await redeem(node.origin, fresh)
    isRefusedKindly(t, 'token', answer, 500)
    t.match(answer.body, /"server_error"/)
    await sql`alter table access_tokens_away rename to access_tokens`
    t.equal((await redeem(node.origin, fresh)).status, 200, 'nothing of the failed exchange was kept')
    await sql`alter table users rename to users_away`
    const page = await ask(node.origin, {
      method: 'POST',
      path: '/sign-in',
      headers: { cookie: cookieHeader(strangers), 'content-type': FORM, 'sec-fetch-site': 'same-origin' },
      body: formBody(new Map([...signInPage.fields, ...Object.entries(ALICE)])),
    })
    isRefusedKindly(t, 'sign-in', page, 500)
    await sql`alter table users_away rename to users`
    const [, reference = 'none'] = /<code[^>]*>([A-Z0-9-]+)</.exec(page.body) ?? []
    t.match(node.output(), reference, 'the log has the reference that the person was shown')
    t.equal(await probe('/readyz'), 200)
  },
)
