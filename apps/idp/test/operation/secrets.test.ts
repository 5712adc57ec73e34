// Owns the search for known secrets in everything that a server leaves behind after a whole life: its output, its audit log, its tables.

import { createHash } from 'node:crypto'
import t from 'tap'
import { createIssuer, PASSWORD } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import {
  ask,
  basic,
  codeRequest,
  cookieHeader,
  FORM,
  openForm,
  REDIRECT_URI,
  redeem,
  setUpLinkOf,
} from '../web/wire.ts'

const SEALING = 'yaGNyj8MM1BZBj0d4pMDkkGUyCcYQ2vGcl3gF0w2Fs0='
const canary = (name: string): string => `canary-${name}-7f3a9c`

const issuer = await createIssuer({ LOG_LEVEL: 'debug', KEY_ENCRYPTION_SECRET: SEALING })
t.teardown(() => issuer.close())
const node = await issuer.start()

/** Everything that could be spent, by what it is. */
const spendable = new Map<string, string>([['key encryption secret', SEALING]])
/** What a person or an app said in confidence: it may be stored for as long as it is needed, and is never logged. */
const confidential = new Map<string, string>()

const keepCookies = (what: string, visitor: { readonly cookies: ReadonlyMap<string, string> }): void => {
  for (const [name, value] of visitor.cookies) spendable.set(`${what}: cookie ${name}`, value)
}

/** The first start: somebody uses the link and becomes the administrator. */
const setUp = async (): Promise<void> => {
  const link = await setUpLinkOf(node)
  spendable.set('set-up link', link.split('/').at(-1) ?? '')
  const visitor = createVisitor(issuer.issuer)
  const { action, fields } = await openForm(visitor, link)
  spendable.set('token of the set-up form', fields.get('csrf') ?? '')
  spendable.set('password of the administrator', canary('admin-password'))
  const typed = {
    username: 'root-person',
    displayName: 'Root',
    email: 'root@example.org',
    password: canary('admin-password'),
    passwordRepeat: canary('admin-password'),
  }
  await visitor.open(action, new Map([...fields, ...Object.entries(typed)]))
  keepCookies('administrator', visitor)
}

/** Somebody mistypes everything that can be mistyped, then signs in; his app redeems the code. */
const signIn = async (method: 'client_secret_basic' | 'client_secret_post'): Promise<void> => {
  const client = await issuer.client({
    client_name: `App ${method}`,
    redirect_uris: [REDIRECT_URI],
    token_endpoint_auth_method: method,
  })
  spendable.set(`${method}: client secret`, client.clientSecret)
  const said = { state: canary('state'), nonce: canary('nonce'), login_hint: canary('login-hint') }
  for (const [name, value] of Object.entries(said)) confidential.set(name, value)
  const visitor = createVisitor(issuer.issuer)
  const { url, verifier } = codeRequest(issuer.issuer, client.clientId, {
    ...said,
    scope: 'openid email',
    prompt: 'login',
  })
  spendable.set(`${method}: verifier`, verifier)
  const { action, fields } = await openForm(visitor, url)
  spendable.set(`${method}: token of the form`, fields.get('csrf') ?? '')
  const mistakes = [
    ['alice', canary('wrong-password')],
    [canary('password-typed-as-name'), ''],
    ['alice', canary('long').repeat(200)],
  ] as const
  for (const [username, password] of mistakes) {
    await visitor.open(action, new Map([...fields, ['username', username], ['password', password]]))
  }
  spendable.set('wrong password', canary('wrong-password'))
  spendable.set('password typed as a name', canary('password-typed-as-name'))
  spendable.set('long password', canary('long'))
  const { url: end } = await visitor.signIn(url, { username: 'alice', password: PASSWORD })
  keepCookies(method, visitor)
  const code = new URL(end).searchParams.get('code') ?? ''
  spendable.set(`${method}: code`, code)
  await redeem(node.origin, { client: { ...client, clientSecret: canary('wrong-secret') }, code, verifier })
  spendable.set('wrong client secret', canary('wrong-secret'))
  await redeem(node.origin, { client, code, verifier: canary('wrong-verifier') })
  const posted = `&client_id=${client.clientId}&client_secret=${client.clientSecret}`
  const answer = await ask(node.origin, {
    method: 'POST',
    path: '/token',
    headers: { 'content-type': FORM, ...(method === 'client_secret_basic' ? { authorization: basic(client) } : {}) },
    body: `grant_type=authorization_code&code=${code}&redirect_uri=${encodeURIComponent(REDIRECT_URI)}&code_verifier=${verifier}${
      method === 'client_secret_post' ? posted : ''
    }`,
  })
  const tokens: { readonly access_token: string; readonly id_token: string } = JSON.parse(answer.body)
  spendable.set(`${method}: access token`, tokens.access_token)
  spendable.set(`${method}: ID token`, tokens.id_token)
  await useTokens(tokens, cookieHeader(visitor))
}

const useTokens = async (
  { access_token, id_token }: { readonly access_token: string; readonly id_token: string },
  cookie: string,
): Promise<void> => {
  const query = new URLSearchParams({
    access_token,
    id_token_hint: id_token,
    code: canary('code-in-query'),
    client_secret: canary('secret-in-query'),
    password: canary('password-in-query'),
  })
  for (const name of ['code-in-query', 'secret-in-query', 'password-in-query', 'bearer', 'assertion']) {
    spendable.set(name, canary(name))
  }
  const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
  await ask(node.origin, { path: '/userinfo', headers: bearer(access_token) })
  await ask(node.origin, { path: '/userinfo', headers: bearer(canary('bearer')) })
  for (const path of ['/', '/sign-in', '/authorize', '/userinfo', '/nowhere', `/set-up/${canary('bearer')}`]) {
    await ask(node.origin, { path: `${path}?${query}`, headers: { cookie } })
  }
  const assertion = `eyJhbGciOiJSUzI1NiJ9.${Buffer.from(canary('assertion')).toString('base64url')}.c2lnbmF0dXJl`
  spendable.set('assertion', assertion)
  await ask(node.origin, {
    method: 'POST',
    path: '/token',
    headers: { 'content-type': FORM },
    body: `grant_type=authorization_code&code=x&client_assertion=${assertion}&client_assertion_type=${encodeURIComponent('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')}`,
  })
}

/** A fault in the middle of an exchange: what is logged about it is the most that is ever logged. */
const meetFaults = async (): Promise<void> => {
  const client = await issuer.client({ client_name: 'Unlucky', redirect_uris: [REDIRECT_URI] })
  spendable.set('secret of the unlucky client', client.clientSecret)
  const visitor = createVisitor(issuer.issuer)
  const { url, verifier } = codeRequest(issuer.issuer, client.clientId)
  const { url: end } = await visitor.signIn(url, { username: 'alice', password: PASSWORD })
  const code = new URL(end).searchParams.get('code') ?? ''
  spendable.set('code of the unlucky client', code)
  keepCookies('unlucky', visitor)
  const { sql } = issuer.database
  await sql`alter table access_tokens rename to access_tokens_away`
  await sql`alter table users rename to users_away`
  const statuses = [(await redeem(node.origin, { client, code, verifier })).status]
  const { action, fields } = await openForm(visitor, `${issuer.issuer}/sign-in`)
  const typed = { username: 'alice', password: PASSWORD }
  statuses.push((await visitor.open(action, new Map([...fields, ...Object.entries(typed)]))).status)
  await sql`alter table access_tokens_away rename to access_tokens`
  await sql`alter table users_away rename to users`
  if (statuses.join() !== '500,500') throw new Error(`no faults were met: ${statuses}`)
}

/** All tables as text. */
const dump = async (): Promise<ReadonlyMap<string, string>> => {
  const { sql } = issuer.database
  const tables = await sql<{ name: string }[]>`
    select table_name as name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`
  const rows = await Promise.all(
    tables.map(async ({ name }) => {
      const found = await sql<{ row: string }[]>`select t::text as row from ${sql(name)} t`
      return [name, found.map(({ row }) => row).join('\n')] as const
    }),
  )
  return new Map(rows)
}

/** A secret in the forms in which it might be written down. */
const formsOf = (secret: string): readonly string[] => {
  const bytes = Buffer.from(secret)
  const decoded = Buffer.from(secret, 'base64url')
  const forms = [secret, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('hex'), encodeURIComponent(secret)]
  // Random texts are base64url of bytes, which a table might hold as such.
  return decoded.length >= 16 && decoded.toString('base64url') === secret ? [...forms, decoded.toString('hex')] : forms
}

const leaks = (secrets: ReadonlyMap<string, string>, text: string): readonly string[] =>
  [...secrets].filter(([, secret]) => formsOf(secret).some((form) => text.includes(form))).map(([name]) => name)

await setUp()
await issuer.person('alice')
spendable.set('password', PASSWORD)
await signIn('client_secret_basic')
await signIn('client_secret_post')
await meetFaults()
// The batch of events is written behind the requests.
await new Promise((resolve) => setTimeout(resolve, 1200))
const tables = await dump()

t.test(
  '[WEB-080, WEB-082, R9700-37, ADV-067] no line of the log holds a secret or what was said in confidence, at debug level and about faults too',
  async (t) => {
    t.ok(spendable.size > 20 && [...spendable.values()].every((secret) => secret.length > 3), 'there is much to find')
    const log = node
      .output()
      .split('\n')
      .filter((line) => line.startsWith('{'))
    t.ok(log.length > 30, `${log.length} lines`)
    t.match(log.join('\n'), /store_fault/, 'the faults are among them')
    t.same(leaks(spendable, log.join('\n')), [])
    t.same(leaks(confidential, log.join('\n')), [])
    const terminal = node
      .output()
      .split('\n')
      .filter((line) => !line.startsWith('{'))
    t.same(
      leaks(spendable, terminal.join('\n')),
      ['set-up link'],
      'the terminal has the link of the first start and nothing else',
    )
  },
)

t.test(
  '[ADV-067, R6819-08, R6819-13, WEB-009, R9700-37, ADV-045] no table holds anything that can be spent: digests alone',
  async (t) => {
    for (const [name, text] of tables) t.same(leaks(spendable, text), [], name)
    const all = [...tables.values()].join('\n')
    for (const [name, secret] of spendable) {
      if (!/client secret$/.test(name) || name.startsWith('wrong')) continue
      t.match(
        all,
        createHash('sha256').update(secret).digest('hex'),
        `${name}: its digest is there, so the search sees what is stored`,
      )
    }
    t.match(tables.get('users') ?? '', /\$argon2id\$/)
    t.notMatch(tables.get('signing_keys') ?? '', /\\?"(?:d|p|q|dp|dq|qi|k)\\?"+ ?:/, 'private keys are sealed')
    t.match(tables.get('signing_keys') ?? '', /kty/)
  },
)

t.test(
  '[WEB-081, R9700-37] the audit log says who, which client, when, from where and how it ended, and holds no secret',
  async (t) => {
    const { sql } = issuer.database
    const events = await sql<
      { name: string; at: string; fields: Record<string, unknown> }[]
    >`select name, at, fields from audit_events order by id`
    t.same(leaks(spendable, JSON.stringify(events)), [])
    t.same(leaks(confidential, JSON.stringify(events)), [])
    const now = Date.now() / 1000
    t.notOk(
      events.some(({ at }) => Math.abs(Number(at) - now) > 600),
      'each has its time',
    )
    const expected = {
      'subject.created': ['subject', 'actor'],
      'client.created': ['clientId', 'actor'],
      'session.started': ['subject', 'network'],
      'sign_in.failed': ['reason', 'network'],
      'consent.recorded': ['clientId', 'subject', 'scope'],
      'authorization_code.issued': ['clientId', 'subject'],
      'authorization_code.redeemed': ['clientId', 'subject'],
      'client_authentication.failed': ['reason', 'network'],
      'token.refused': ['reason', 'network'],
      'userinfo.served': ['clientId', 'subject'],
      'userinfo.refused': ['reason', 'network'],
      'server.fault': ['route', 'reference'],
    }
    for (const [name, fields] of Object.entries(expected)) {
      const found = events.find((event) => event.name === name)
      t.ok(found, name)
      for (const field of fields) t.ok(found?.fields[field], `${name} says ${field}`)
    }
    const failed = events.find(({ name }) => name === 'sign_in.failed')
    t.match(JSON.stringify(failed?.fields), /127\.0\.0\.1|::1/)
  },
)

t.test('[V21-23, WEB-017] cookies hold random names of sessions and no token', async (t) => {
  const cookies = [...spendable].filter(([name]) => / cookie /.test(name)).map(([, value]) => value)
  const tokens = [...spendable].filter(([name]) => /access token|ID token|code$/.test(name)).map(([, value]) => value)
  t.ok(cookies.length >= 4 && tokens.length >= 4)
  for (const cookie of cookies) {
    t.match(cookie, /^[\w-]{43}(?:\.[\w-]{43})*$/)
    t.notOk(tokens.some((token) => cookie.includes(token) || token.includes(cookie)))
  }
})
