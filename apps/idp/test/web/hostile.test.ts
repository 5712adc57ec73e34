// Owns hostile text in everything that the running server takes, keeps and shows: it stays text, in tables, on pages and in answers.

import t from 'tap'
import { createIssuer, PASSWORD } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import {
  ask,
  basic,
  codeRequest,
  cookieHeader,
  FORM,
  formBody,
  openForm,
  REDIRECT_URI,
  redeem,
  stateOf,
} from './wire.ts'

const QUERIES = [
  `'; drop table users; --`,
  `' or '1'='1`,
  `") or 1=1 --`,
  `\\'; select pg_sleep(20); --`,
  `$1 $$ ::text`,
  `%' or username like '%`,
  `{"a":1}'::json`,
  `{alice,bob}`,
  `\\x27`,
  `a\u0000b`,
  `*)(uid=*))(|(uid=*`,
  `\${7*7} <%= 7*7 %> {{7*7}}`,
]
const MARKUP = `</script><script>alert(1)</script><img src=x onerror=alert(1)>" onfocus='alert(1)' <%= it %> &lt; \u2028 \u202e`

const issuer = await createIssuer({ LOG_LEVEL: 'info', LOGIN_FREE_ATTEMPTS: '1000', NETWORK_FREE_ATTEMPTS: '100000' })
t.teardown(() => issuer.close())
const node = await issuer.start()
await issuer.person('alice')
const client = await issuer.client({ client_name: 'App', redirect_uris: [REDIRECT_URI] })

const counts = async (): Promise<string> => {
  const { sql } = issuer.database
  const [row] = await sql`select (select count(*) from users) as users, (select count(*) from clients) as clients,
    (select count(*) from subjects) as subjects, (select count(*) from sessions) as sessions`
  return JSON.stringify(row)
}

t.test('[ADV-093, R6819-10, WEB-070] metacharacters of a query language are data wherever they come in', async (t) => {
  const visitor = createVisitor(issuer.issuer)
  const page = await openForm(visitor, `${issuer.issuer}/sign-in`)
  const before = await counts()
  for (const text of QUERIES) {
    const began = performance.now()
    const encoded = encodeURIComponent(text)
    const form = { cookie: cookieHeader(visitor), 'content-type': FORM, 'sec-fetch-site': 'same-origin' }
    const signIn = (username: string, password: string) =>
      ask(node.origin, {
        method: 'POST',
        path: '/sign-in',
        headers: form,
        body: formBody(new Map([...page.fields, ['username', username], ['password', password]])),
      })
    const secret = Buffer.from(`${encoded}:${encoded}`).toString('base64')
    const answers = await Promise.all([
      signIn(text, PASSWORD),
      signIn('alice', text),
      ...[
        '/authorize?client_id=',
        '/interaction/',
        '/set-up/',
        `/authorize?client_id=${client.clientId}&redirect_uri=`,
      ].map((path) => ask(node.origin, { path: `${path}${encoded}` })),
      ask(node.origin, {
        method: 'POST',
        path: '/token',
        headers: { 'content-type': FORM, authorization: `Basic ${secret}` },
        body: `grant_type=authorization_code&code=${encoded}&redirect_uri=${encoded}&code_verifier=${encoded}`,
      }),
      ask(node.origin, {
        method: 'POST',
        path: '/token',
        headers: { 'content-type': FORM, authorization: basic(client) },
        body: `grant_type=authorization_code&code=${encoded}&redirect_uri=${encoded}&code_verifier=${encoded}`,
      }),
      ask(node.origin, { path: '/userinfo', headers: { authorization: `Bearer ${encoded}` } }),
      ask(node.origin, { path: '/', headers: { cookie: `vouchsafe-session=${encoded}` } }),
    ])
    const statuses = answers.map(({ status }) => status)
    t.notOk(
      statuses.some((status) => status >= 500),
      `${JSON.stringify(text)}: ${statuses}`,
    )
    t.notOk(statuses.slice(0, 2).includes(303), 'nobody is signed in')
    t.ok(performance.now() - began < 15_000, 'nothing sleeps')
  }
  t.equal(await counts(), before, 'nothing was made or dropped')
  t.notMatch(node.output(), /syntax error|unterminated/)
})

t.test(
  '[WEB-050, ADV-062, WEB-051] what a person, a client or a request is called stays text on every page, and comes back byte for byte',
  async (t) => {
    const hostile = await issuer.client({
      client_name: `App ${MARKUP.slice(0, 70)}`,
      redirect_uris: [REDIRECT_URI],
      scope: 'openid profile email groups',
    })
    await issuer.person('mallory', {
      name: MARKUP.replace(/[\u2028\u202e]/g, '').slice(0, 150),
      email: 'mallory@example.org',
      emailVerified: true,
      groups: ['<b>admins</b>', '"]};alert(1)//'],
    })
    const visitor = createVisitor(issuer.issuer)
    // What an answer carries in a URL is ASCII (RFC 6749 appendix A.5).
    const state = MARKUP.replace(/[^ -~]/g, '')
    const { url, verifier } = codeRequest(issuer.issuer, hostile.clientId, {
      scope: 'openid profile email groups',
      state,
      login_hint: MARKUP,
      ui_locales: 'en <script>',
      nonce: state,
    })
    const asked = await openForm(visitor, url)
    const consent = await visitor.open(
      asked.action,
      new Map([...asked.fields, ['username', 'mallory'], ['password', PASSWORD]]),
    )
    const home = await visitor.open(`${issuer.issuer}/`)
    const failed = await visitor.open(
      `${issuer.issuer}/authorize?client_id=${encodeURIComponent(MARKUP)}&error_description=${encodeURIComponent(MARKUP)}`,
    )
    for (const [name, body] of [
      ['sign-in', asked.body],
      ['consent', consent.body],
      ['front page', home.body],
      ['error', failed.body],
    ] as const) {
      t.notMatch(body, /<script|<img[^>]*onerror|onfocus='alert|<b>admins|<%/, name)
      t.notMatch(body, /type="application\/(?:ld\+)?json"/, `${name}: no JSON stands in a page`)
    }
    t.match(consent.body, '&lt;b&gt;admins&lt;/b&gt;', 'it is shown, as text')
    const arrival = await visitor.signIn(url, { username: 'mallory', password: PASSWORD })
    const answered = new URL(arrival.url).searchParams
    t.equal(answered.get('state'), state, 'the state is what was sent')
    const answer = await redeem(node.origin, { client: hostile, code: answered.get('code') ?? '', verifier })
    const [, payload = ''] = JSON.parse(answer.body).id_token.split('.')
    t.equal(JSON.parse(Buffer.from(payload, 'base64url').toString()).nonce, state, 'and the nonce')
    for (const line of node
      .output()
      .split('\n')
      .filter((text) => text.startsWith('{')))
      t.type(JSON.parse(line).level, 'string')
  },
)

t.test(
  '[V21-32, R6819-09] a native app that ships no secret of its own instance is recorded as a public client, and no secret makes it another',
  async (t) => {
    const made = await issuer.client({
      client_name: 'Native',
      application_type: 'native',
      redirect_uris: ['http://127.0.0.1/callback'],
      token_endpoint_auth_method: 'none',
    })
    t.equal(made.clientSecret, '', 'it is given no secret')
    const [row] = await issuer.database
      .sql`select auth_method, application_type, pkce, cardinality(secret_digests) as secrets from clients where client_id = ${made.clientId}`
    t.same(row, { auth_method: 'none', application_type: 'native', pkce: 'required', secrets: 0 })
    const before = await stateOf(issuer)
    const answer = await ask(node.origin, {
      method: 'POST',
      path: '/token',
      headers: { 'content-type': FORM, authorization: basic({ ...made, clientSecret: 'guessed' }) },
      body: 'grant_type=authorization_code&code=x&redirect_uri=x&code_verifier=x',
    })
    t.equal(answer.status, 401)
    t.equal(await stateOf(issuer), before)
  },
)
