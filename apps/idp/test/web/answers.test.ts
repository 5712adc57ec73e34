// Owns what every answer of the running server has in common: who gets one, under which headers, on which host, within which limits.

import { acquireTestDatabase } from '@vouchsafe/embedded-postgres/testing'
import Fastify from 'fastify'
import { pino } from 'pino'
import t, { type Test } from 'tap'
import { compose } from '#src/compose.js'
import { loadConfig } from '#src/config/index.js'
import { requireAccess } from '#src/server/access.js'
import { buildServer } from '#src/server/server.js'
import { createIssuer, PASSWORD, urlOf } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import {
  type Answered,
  type Asked,
  ask,
  askRaw,
  basic,
  codeRequest,
  cookieHeader,
  FORM,
  formBody,
  openForm,
  REDIRECT_URI,
  redeem,
} from './wire.ts'

const ORIGIN = 'https://app.example'
const OTHER_ORIGIN = 'https://other-app.example'

const issuer = await createIssuer()
t.teardown(() => issuer.close())
const node = await issuer.start()
const client = await issuer.client({ client_name: 'App', redirect_uris: [REDIRECT_URI], cors_origins: [ORIGIN] })
await issuer.client({ client_name: 'Other', redirect_uris: [REDIRECT_URI], cors_origins: [OTHER_ORIGIN] })
await issuer.person('alice')

/** A visitor who is signed in, and an access token for the app. */
const signIn = async () => {
  const visitor = createVisitor(issuer.issuer)
  const { url, verifier } = codeRequest(issuer.issuer, client.clientId)
  const { url: end } = await visitor.signIn(url, { username: 'alice', password: PASSWORD })
  const code = new URL(end).searchParams.get('code') ?? ''
  const answer = await redeem(node.origin, { client, code, verifier })
  const tokens: { readonly access_token?: string } = JSON.parse(answer.body)
  return { visitor, token: tokens.access_token ?? '' }
}
const { visitor, token } = await signIn()

type Rule = Readonly<Record<string, number>>

// Every route there is, and what a stranger who brings nothing gets by each verb. A verb that is not named is not answered.
const VERBS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'PROPFIND']
const REFUSED = [404, 405]
const PAGE: Rule = { GET: 200, HEAD: 200 }
const DOCUMENT: Rule = { GET: 200, HEAD: 200, OPTIONS: 204 }
const ROUTES: Readonly<Record<string, Rule>> = {
  '/': PAGE,
  '/authorize': { GET: 400, HEAD: 400, POST: 400 },
  // Nobody is signed in; a post comes again by GET.
  '/end_session': { ...PAGE, POST: 303 },
  '/token': { POST: 400, OPTIONS: 204 },
  '/par': { POST: 401, OPTIONS: 204 },
  '/revoke': { POST: 401, OPTIONS: 204 },
  '/introspect': { POST: 401 },
  '/device_authorization': { POST: 401, OPTIONS: 204 },
  '/register': { GET: 401, HEAD: 401, POST: 401, PUT: 401, DELETE: 401, OPTIONS: 204 },
  '/userinfo': { GET: 401, HEAD: 401, POST: 401, OPTIONS: 204 },
  '/jwks': DOCUMENT,
  '/.well-known/openid-configuration': DOCUMENT,
  '/.well-known/oauth-authorization-server': DOCUMENT,
  '/healthz': PAGE,
  '/readyz': PAGE,
  '/device': { ...PAGE, POST: 403 },
  '/device/sign-in': { POST: 403 },
  '/device/answer': { POST: 403 },
  '/sign-in': { ...PAGE, POST: 403 },
  '/sign-out': { ...PAGE, POST: 403 },
  '/signed-out': PAGE,
  '/set-up/:token': { GET: 410, HEAD: 410, POST: 403 },
  '/interaction/:id': { GET: 404, HEAD: 404, POST: 403 },
  '/assets/:file': PAGE,
}

/** The paths of the router's own print, in which a child hangs below its parent. */
const pathsOf = (print: string): readonly string[] => {
  const stack: string[] = []
  return print.split('\n').flatMap((line) => {
    const [, indent = '', part] = /^((?:│ {3}| {4})*)[├└]── (\S+) \(/.exec(line) ?? []
    if (part === undefined) return []
    const depth = indent.length / 4
    stack.length = depth
    stack.push(part)
    const path = stack.join('').replace(/\/+/g, '/')
    return [path.length > 1 ? path.replace(/\/$/, '') : path]
  })
}

const SECURITY = {
  'x-content-type-options': /^nosniff$/,
  'referrer-policy': /^no-referrer$/,
  'permissions-policy': /camera=\(\)/,
  'x-frame-options': /^DENY$/,
  'content-security-policy': /^default-src 'none'.*frame-ancestors 'none'/,
}

const checkHeaders = (t: Test, what: string, { headers, body }: Answered): void => {
  for (const [name, value] of Object.entries(SECURITY)) t.match(headers.get(name) ?? 'none', value, `${what}: ${name}`)
  const csp = headers.get('content-security-policy') ?? ''
  t.notMatch(csp, /unsafe|\*|data:|https:;/, `${what}: nothing unsafe in the policy`)
  for (const banner of ['server', 'x-powered-by', 'via'])
    t.equal(headers.get(banner), undefined, `${what}: no ${banner}`)
  const type = headers.get('content-type') ?? ''
  if (body.startsWith('{')) t.match(type, /^application\/(?:jwk-set\+)?json/, `${what}: JSON says so`)
  if (body.startsWith('<!doctype')) {
    t.match(type, /^text\/html; charset=utf-8$/, `${what}: a page says so`)
    t.equal(headers.get('cache-control'), 'no-store', `${what}: no cache keeps the page`)
    t.notMatch(body, /\sat .*\.js|node_modules|fastify|postgres|FST_ERR/i, `${what}: nothing of the inside`)
  }
}

t.test(
  '[ADV-040, ADV-075, ADV-015, WEB-038, WEB-034, WEB-035, WEB-054, V21-30, R6819-20] every route and verb is declared, refuses a stranger as declared, and answers under the same headers',
  async (t) => {
    const lent = await acquireTestDatabase()
    const config = await loadConfig({
      ISSUER: issuer.issuer,
      DATABASE_URL: urlOf(lent.connection),
      MIGRATE_ON_START: 'true',
      KEY_ENCRYPTION_SECRET: 'yaGNyj8MM1BZBj0d4pMDkkGUyCcYQ2vGcl3gF0w2Fs0=',
    })
    if (!config.ok) throw new Error(JSON.stringify(config.error))
    const log = pino({ level: 'silent' })
    const idp = await compose(config.value, log)
    const app = await buildServer({ config: config.value, around: idp.around, readiness: idp.readiness, log })
    await app.ready()
    const found = [...new Set(pathsOf(app.printRoutes({ commonPrefix: false })))]
    await app.close()
    await idp.close()
    await lent.release()
    const assets = found.filter((path) => path.startsWith('/assets/'))
    t.same(
      found.filter((path) => !assets.includes(path)).sort(),
      Object.keys(ROUTES)
        .filter((path) => path !== '/assets/:file')
        .sort(),
      'the routes are those of this table',
    )
    for (const [template, rule] of Object.entries(ROUTES)) {
      const path = template.replace(':file', assets[0]?.split('/').at(-1) ?? '').replace(/:\w+/, 'nothing')
      for (const method of VERBS) {
        const answer = await ask(node.origin, {
          method,
          path,
          headers: { 'content-type': FORM, 'content-length': '0' },
        })
        t.ok([rule[method] ?? REFUSED].flat().includes(answer.status), `${method} ${path}: ${answer.status}`)
        checkHeaders(t, `${method} ${path}`, answer)
        t.same(
          answer.cookies.filter((line) => /session/.test(line)),
          [],
          'nobody is signed in by it',
        )
      }
    }
  },
)

t.test('[ADV-075] a route that does not say who may use it keeps the server from starting', async (t) => {
  const app = Fastify()
  requireAccess(app, {
    routes: [{ name: 'own', path: '/own', methods: ['GET'], access: 'anyone', crossOrigin: false }],
  })
  app.get('/own', () => 'declared by the provider')
  app.get('/page', { config: { access: 'thisBrowser' } }, () => 'declared')
  t.throws(() => app.get('/forgotten', () => 'open'), /GET \/forgotten does not say who may use it/)
  await app.close()
})

t.test(
  '[WEB-038, WEB-097, R9700-37] what is refused before any route is answered under the same headers, without a word about the inside',
  async (t) => {
    const head = `Host: ${new URL(node.origin).host}\r\nConnection: close\r\n`
    const refused: Readonly<Record<string, readonly [string, number]>> = {
      'no HTTP': ['GARBAGE secret-word\r\n\r\n', 400],
      'both lengths': [
        `POST /token HTTP/1.1\r\n${head}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\na=b`,
        400,
      ],
      'a bad target': [`GET /%zz-secret-word HTTP/1.1\r\n${head}\r\n`, 404],
      'a long parameter': [`GET /interaction/${'s'.repeat(300)} HTTP/1.1\r\n${head}\r\n`, 404],
      'long headers': [`GET / HTTP/1.1\r\n${head}X: ${'a'.repeat(40_000)}\r\n\r\n`, 431],
      'a prototype': [`GET /__proto__ HTTP/1.1\r\n${head}\r\n`, 404],
      'a foreign type': [`POST /sign-in HTTP/1.1\r\n${head}Content-Type: ;;;\r\nContent-Length: 3\r\n\r\na=b`, 415],
    }
    for (const [what, [text, status]] of Object.entries(refused)) {
      const said = await askRaw(node.origin, text)
      const [top = '', body = ''] = said.split('\r\n\r\n')
      const [line = '', ...fields] = top.split('\r\n')
      t.equal(Number(line.split(' ')[1]), status, what)
      const headers = new Map(
        fields.map((field): [string, string] => [
          field.split(':', 1)[0]?.toLowerCase() ?? '',
          field.slice(field.indexOf(':') + 1).trim(),
        ]),
      )
      checkHeaders(t, what, { status, headers, cookies: [], body })
      t.notMatch(body, /secret-word|ssss|FST|Client Error/, `${what}: nothing is repeated`)
    }
    t.notMatch(node.output(), /secret-word/, 'nor is it in the log')
  },
)

t.test(
  '[WEB-041, OIDC-49, WEB-042, R9700-40] neither a Host nor a header of a proxy is believed from somebody who is none',
  async (t) => {
    const foreign = ['evil.example', 'localhost', 'localhost:1', `evil.example:${new URL(node.origin).port}`]
    for (const host of foreign) {
      for (const path of ['/', '/sign-in', '/sign-out', '/authorize', '/set-up/x', '/interaction/x']) {
        const answer = await ask(node.origin, { path, headers: { host } })
        t.equal(answer.status, 421, `${path} on ${host}`)
        t.notMatch(answer.body, /evil/)
      }
    }
    const lies = {
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'https',
      'x-forwarded-port': '1',
      'x-forwarded-prefix': '/evil',
      forwarded: 'host=evil.example;proto=https',
      'x-original-host': 'evil.example',
      'x-original-url': '/evil',
      'x-rewrite-url': '/evil',
      'x-http-method-override': 'DELETE',
      'x-remote-user': 'alice',
      'remote-user': 'alice',
      'x-forwarded-user': 'alice',
      'x-client-cert': 'alice',
      'x-ssl-client-cert': 'alice',
      'ssl-client-cert': 'alice',
    }
    const plain = await ask(node.origin, { path: '/.well-known/openid-configuration' })
    for (const headers of [lies, { ...lies, host: 'evil.example' }]) {
      const told = await ask(node.origin, { path: '/.well-known/openid-configuration', headers })
      t.equal(told.body, plain.body, 'discovery does not change')
    }
    const home = await ask(node.origin, { path: '/', headers: lies })
    t.equal(home.status, 200)
    t.notMatch(home.body, /Alice|evil/, 'nobody is signed in by a header')
    t.equal((await ask(node.origin, { path: '/userinfo', headers: lies })).status, 401)
    const exchange = { method: 'POST', path: '/token', headers: { ...lies, 'content-type': FORM } }
    const answer = await ask(node.origin, {
      ...exchange,
      body: `grant_type=authorization_code&code=x&client_id=${client.clientId}`,
    })
    t.equal(answer.status, 401, 'no client is authenticated by a header')
  },
)

t.test(
  '[WEB-095, WEB-096, ADV-033, ADV-055, R9700-21, OIDC-48] other origins read what is public, their own client’s answers, and nothing else',
  async (t) => {
    const allowed = ({ headers }: Answered): string | undefined => headers.get('access-control-allow-origin')
    const userinfo = (origin: string, method = 'GET') =>
      ask(node.origin, { method, path: '/userinfo', headers: { origin, authorization: `Bearer ${token}` } })
    const preflight = (origin: string, path: string) =>
      ask(node.origin, { method: 'OPTIONS', path, headers: { origin, 'access-control-request-method': 'POST' } })
    t.equal(allowed(await userinfo(ORIGIN)), ORIGIN)
    t.equal(allowed(await userinfo(OTHER_ORIGIN)), undefined, 'not the origin of another client')
    for (const path of ['/token', '/userinfo']) {
      const answer = await preflight(ORIGIN, path)
      t.equal(allowed(answer), ORIGIN, path)
      t.equal(answer.headers.get('access-control-allow-credentials'), undefined, 'without credentials')
      t.equal(answer.headers.get('access-control-max-age'), '0', 'and kept by nobody')
    }
    for (const origin of [
      'null',
      'https://app.example.evil.example',
      'http://app.example',
      'https://app.example:444',
      '*',
      'https://App.example',
      'file://',
    ]) {
      t.equal(allowed(await userinfo(origin)), undefined, `userinfo, ${origin}`)
      t.equal(allowed(await preflight(origin, '/token')), undefined, `token, ${origin}`)
    }
    for (const path of ['/jwks', '/.well-known/openid-configuration']) {
      t.equal(allowed(await ask(node.origin, { path, headers: { origin: 'https://any.example' } })), '*', path)
    }
    for (const path of [
      '/',
      '/authorize',
      '/sign-in',
      '/sign-out',
      '/signed-out',
      '/end_session',
      '/set-up/x',
      '/interaction/x',
      '/healthz',
      '/readyz',
    ]) {
      for (const method of ['GET', 'OPTIONS', 'POST']) {
        const answer = await ask(node.origin, {
          method,
          path,
          headers: { origin: ORIGIN, 'access-control-request-method': 'POST' },
        })
        t.same(
          [...answer.headers.keys()].filter((name) => name.startsWith('access-control-')),
          [],
          `${method} ${path}`,
        )
      }
    }
    const record = await issuer.database.stores.clients.findClient(client.clientId as never)
    if (record === undefined) throw new Error('the client is gone')
    const occasion = { now: Math.floor(Date.now() / 1000) as never, events: [] }
    const without = { ...record, corsOrigins: [], version: record.version + 1 }
    await issuer.database.stores.clients.updateClient(without, occasion)
    await new Promise((resolve) => setTimeout(resolve, 1100))
    t.equal(allowed(await preflight(ORIGIN, '/token')), undefined, 'an origin taken away gets no preflight')
    t.equal(allowed(await userinfo(ORIGIN)), undefined, 'and reads nothing')
    await issuer.database.stores.clients.updateClient({ ...record, version: record.version + 2 }, occasion)
  },
)

t.test(
  '[V21-21, V21-22, R9700-28, CONF-A12] userinfo takes a token in one proper place, and says what was wrong',
  async (t) => {
    const bearer = { authorization: `Bearer ${token}` }
    const form = { 'content-type': FORM }
    const at = (over: Partial<Asked>) => ask(node.origin, { path: '/userinfo', ...over })
    t.equal((await at({ headers: bearer })).status, 200)
    t.equal((await at({ method: 'POST', headers: bearer })).status, 200)
    t.equal((await at({ method: 'POST', headers: form, body: `access_token=${token}` })).status, 200)
    const inQuery = await at({ path: `/userinfo?access_token=${token}` })
    t.equal(inQuery.status, 401, 'in the query it is not read')
    t.match(inQuery.headers.get('www-authenticate') ?? '', /^Bearer\b/)
    t.notMatch(
      inQuery.headers.get('www-authenticate') ?? '',
      /error=/,
      'and as nothing was sent, there is no error code',
    )
    const twice = await at({ method: 'POST', headers: { ...bearer, ...form }, body: `access_token=${token}` })
    t.equal(twice.status, 400, 'in two places')
    const wrong = await at({ headers: { authorization: 'Bearer nonsense' } })
    t.equal(wrong.status, 401)
    t.match(wrong.headers.get('www-authenticate') ?? '', /error="invalid_token"/)
  },
)

t.test(
  '[ADV-112, ADV-156, ADV-160, ADV-019, WEB-056, WEB-057, WEB-060, WEB-062, WEB-063, ADV-039] malformed, oversized and repeated input is answered 4xx, and the process lives',
  async (t) => {
    const many = (count: number): string => Array.from({ length: count }, (_, at) => `a${at}=b`).join('&')
    const exchange = { method: 'POST', path: '/token' }
    const cookies = { cookie: cookieHeader(visitor) }
    const authorizations = [
      '',
      'Basic',
      'Basic ',
      'Basic !!!',
      `Basic ${'A'.repeat(20_000)}`,
      'Basic OnNlY3JldA==',
      'Bearer',
      'Bearer a b',
      'Digest x="',
      '\u0001',
      'Basic /w==',
    ].filter((text) => text !== '\u0001')
    for (const authorization of authorizations) {
      for (const path of ['/token', '/userinfo']) {
        const headers = { authorization, 'content-type': FORM }
        const answer = await ask(node.origin, {
          method: 'POST',
          path,
          headers,
          body: 'grant_type=authorization_code&code=x',
        })
        t.ok(
          answer.status >= 400 && answer.status < 500,
          `${path} with Authorization ${authorization.slice(0, 20)}: ${answer.status}`,
        )
      }
    }
    for (const cookie of [
      ';',
      '=',
      '=;=',
      'a',
      '%',
      `x=${'y'.repeat(9000)}`,
      '__Host-=',
      'session="',
      'a=b; a=c; a',
      '\t',
      'vouchsafe-session=%00',
    ]) {
      for (const path of ['/', '/sign-in', `/authorize?client_id=${client.clientId}`]) {
        const answer = await ask(node.origin, { path, headers: { cookie } })
        t.ok(answer.status < 500, `${path} with Cookie ${JSON.stringify(cookie.slice(0, 20))}: ${answer.status}`)
      }
    }
    for (const type of [
      'application/json',
      'text/plain',
      'application/x-www-form-urlencoded; charset=utf-16',
      'multipart/form-data',
      'multipart/form-data; boundary=x',
      ';',
      'a/b/c',
      'x'.repeat(5000),
    ]) {
      for (const path of ['/token', '/sign-in']) {
        const headers = { ...cookies, 'content-type': type }
        const body = `--x\r\n\r\na\r\n`.repeat(2000)
        const answer = await ask(node.origin, { method: 'POST', path, headers, body })
        t.ok(answer.status >= 400 && answer.status < 500, `${path} as ${type.slice(0, 40)}: ${answer.status}`)
        if (type.startsWith('multipart/')) t.equal(answer.status, 415, `${path}: multipart is not taken`)
      }
    }
    const form = { 'content-type': FORM }
    const statusOf = async (asked: Asked): Promise<number> => (await ask(node.origin, asked)).status
    t.equal(await statusOf({ ...exchange, headers: form, body: `a=${'b'.repeat(70_000)}` }), 413, 'a large body')
    t.equal(
      await statusOf({
        method: 'POST',
        path: '/sign-in',
        headers: { ...cookies, ...form },
        body: `a=${'b'.repeat(70_000)}`,
      }),
      413,
      'a large body for a page',
    )
    t.equal(
      await statusOf({ ...exchange, headers: { ...form, 'content-encoding': 'gzip' }, body: 'x' }),
      415,
      'a compressed body',
    )
    t.equal(await statusOf({ ...exchange, headers: form, body: many(400) }), 400, 'many fields')
    t.equal(await statusOf({ ...exchange, headers: form, body: `${'a['.repeat(500)}=b` }), 400, 'deep brackets')
    t.ok([414, 431].includes(await statusOf({ path: `/authorize?a=${'b'.repeat(17_000)}` })), 'a long target')
    const known = { headers: { ...form, authorization: basic(client) } }
    for (const body of [
      'grant_type=authorization_code&grant_type=authorization_code&code=x',
      'grant_type=authorization_code&code=x&code=y',
      'grant_type=authorization_code&code=x&code=',
    ]) {
      const answer = await ask(node.origin, { ...exchange, ...known, body })
      t.same([answer.status, JSON.parse(answer.body).error], [400, 'invalid_request'], body)
    }
    const brackets = await ask(node.origin, {
      ...exchange,
      ...known,
      body: 'grant_type[]=authorization_code&grant_type.x=y&code=x',
    })
    t.same([brackets.status, JSON.parse(brackets.body).error], [400, 'invalid_request'], 'brackets make no grant_type')
    const page = await openForm(createVisitor(issuer.issuer), `${issuer.issuer}/sign-in`)
    const doubled = `${formBody(page.fields)}&username=alice&username=bob`
    t.equal(
      await statusOf({ method: 'POST', path: '/sign-in', headers: { ...cookies, ...form }, body: doubled }),
      403,
      'a field twice',
    )
    t.equal(await statusOf({ path: '/readyz' }), 200, 'and the process lives')
    t.equal(node.process.exitCode, null)
  },
)

t.test(
  '[OIDC-22, OIDC-40, R6819-28, WEB-039] what is personal is kept by no cache, and the subject stays the same',
  async (t) => {
    const userinfo = await ask(node.origin, { path: '/userinfo', headers: { authorization: `Bearer ${token}` } })
    t.equal(userinfo.headers.get('cache-control'), 'no-store')
    const again = await signIn()
    const second = await ask(node.origin, { path: '/userinfo', headers: { authorization: `Bearer ${again.token}` } })
    t.equal(JSON.parse(second.body).sub, JSON.parse(userinfo.body).sub, 'at the next sign-in too')
    const home = await ask(node.origin, { path: '/', headers: { cookie: cookieHeader(visitor) } })
    t.match(home.body, /Alice Example/)
    t.equal(home.headers.get('cache-control'), 'no-store')
    const out = await openForm(visitor, `${issuer.issuer}/sign-out`)
    const before = cookieHeader(visitor)
    await visitor.open(out.action, out.fields)
    const back = await ask(node.origin, { path: '/', headers: { cookie: before } })
    t.notMatch(back.body, /Alice/, 'after signing out the old cookie shows nothing')
  },
)
