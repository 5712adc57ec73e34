// Owns the proof of the Fastify plugin: a real provider, listening servers, and raw sockets where a client library would tidy up.

import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import { type PresentedInteraction, subject } from '@vouchsafe/core'
import Fastify, { type FastifyInstance } from 'fastify'
import t, { type Test } from 'tap'
import { escapeHtml, readRawBodies, type VouchsafeOptions, vouchsafe } from '#src/index.js'
import { type Real, real } from './real.js'

interface App extends Real {
  readonly app: FastifyInstance
  readonly origin: string
  readonly port: number
}

/** Listens first on a free port, because the issuer is configured and never taken from a request. */
const freePort = async (): Promise<number> => {
  const probe = Fastify()
  await probe.listen({ port: 0, host: '127.0.0.1' })
  const port = Number(new URL(probe.listeningOrigin).port)
  await probe.close()
  return port
}

const listen = async (
  t: Test,
  over: Partial<VouchsafeOptions> & { readonly path?: string; readonly around?: (app: FastifyInstance) => void } = {},
): Promise<App> => {
  const { path = '', around, ...options } = over
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const made = await real(`${origin}${path}`)
  const app = Fastify()
  t.teardown(() => app.close())
  around?.(app)
  await app.register(vouchsafe, { provider: made.provider, ...options })
  app.post('/theirs', async (request) => ({ body: request.body }))
  await app.listen({ port, host: '127.0.0.1' })
  return { ...made, app, origin, port }
}

const raw = (port: number, bytes: string | Uint8Array): Promise<number> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const settle = (): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve(Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0))
    }
    const timer = setTimeout(settle, 2000)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n\r\n')) settle()
    })
    socket.on('close', settle)
    socket.on('error', () => undefined)
    socket.write(bytes)
  })

const ready = async (register: (app: FastifyInstance) => unknown): Promise<void> => {
  const app = Fastify()
  register(app)
  await app.ready()
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

t.test('[unit] every route of the provider answers, the rest of the app is untouched', async (t) => {
  const { app, origin, provider } = await listen(t)
  for (const { path } of provider.routes) t.not((await fetch(origin + path)).status, 404, path)
  const discovery = await (await fetch(`${origin}/.well-known/openid-configuration`)).json()
  t.match(discovery, { issuer: origin, token_endpoint: `${origin}/token` })
  const slash = await fetch(`${origin}/.well-known/openid-configuration/`)
  t.equal(slash.status, 200, 'a trailing slash is tolerated')
  const head = await fetch(`${origin}/jwks`, { method: 'HEAD' })
  t.equal(head.status, 200)
  t.equal(await head.text(), '')
  const token = await fetch(`${origin}/token`, { method: 'POST', body: 'grant_type=x&client_id=nobody', headers: FORM })
  t.equal(token.status, 400)
  t.match(await token.json(), { error: 'unsupported_grant_type' })
  const get = await fetch(`${origin}/token`)
  t.equal(get.status, 405)
  t.equal(get.headers.get('allow'), 'POST, OPTIONS')
  for (const method of ['PUT', 'DELETE', 'PATCH'])
    t.equal((await fetch(`${origin}/token`, { method })).status, 405, method)
  const json = { method: 'POST', body: '{"a":1}', headers: { 'content-type': 'application/json' } }
  t.same(await (await fetch(`${origin}/theirs`, json)).json(), { body: { a: 1 } }, 'its parsers are its own')
  t.equal((await fetch(`${origin}/theirs`, { method: 'POST', body: 'a=b', headers: FORM })).status, 415)
  t.notOk(app.hasContentTypeParser('application/x-www-form-urlencoded'))
})

t.test('[WEB-038, WEB-034, WEB-054] answers carry the headers of the doors and name no server', async (t) => {
  const { origin } = await listen(t)
  for (const path of ['/authorize?client_id=nobody', '/token', '/jwks', '/userinfo']) {
    const { headers } = await fetch(origin + path, { redirect: 'manual' })
    t.equal(headers.get('x-content-type-options'), 'nosniff', path)
    t.equal(headers.get('x-frame-options'), 'DENY')
    t.equal(headers.get('referrer-policy'), 'no-referrer')
    t.match(headers.get('content-security-policy'), /^default-src 'none'.*frame-ancestors 'none'/)
    t.equal(headers.get('server'), null)
    t.equal(headers.get('x-powered-by'), null)
  }
})

t.test('[unit] an issuer with a path is served at its paths, both well-known forms included', async (t) => {
  const { origin, provider } = await listen(t, { path: '/auth', prefix: '/auth' })
  for (const path of ['/auth/.well-known/openid-configuration', '/.well-known/oauth-authorization-server/auth']) {
    t.match(await (await fetch(origin + path)).json(), { issuer: `${origin}/auth` }, path)
  }
  t.equal((await fetch(`${origin}/token`, { method: 'POST' })).status, 404)
  t.match(await (await fetch(`${origin}/auth/token`, { method: 'POST' })).json(), { error: /./ })
  await t.rejects(
    ready((app) =>
      app.register(async (scope) => void (await scope.register(vouchsafe, { provider })), { prefix: '/auth' }),
    ),
    { message: /outside the prefix/ },
    'the other form would be missing',
  )
  await t.rejects(
    ready((app) => app.register(vouchsafe, { provider, prefix: '/other' })),
    {
      message: /path of its issuer/,
    },
  )
  const { provider: plain } = await real('http://127.0.0.1:1/odd:name')
  await t.resolves(
    ready((app) => app.register(vouchsafe, { provider: plain })),
    'a colon is a letter, not a parameter',
  )
})

t.test('[WEB-056, ADV-039, ADV-160] bodies keep the limits of the doors, answered in their words', async (t) => {
  const { port, origin } = await listen(t)
  const post = (body: string | Uint8Array, headers: Record<string, string> = FORM): Promise<Response> =>
    fetch(`${origin}/token`, { method: 'POST', body, headers })
  const large = await post('a'.repeat(65_537))
  t.equal(large.status, 413)
  t.match(await large.json(), { error: 'invalid_request' })
  t.equal(large.headers.get('x-frame-options'), 'DENY')
  const head = 'POST /token HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-www-form-urlencoded\r\n'
  t.equal(await raw(port, `${head}Content-Length: 100000000\r\n\r\n`), 413, 'announced alone')
  t.equal(
    await raw(port, `${head}Transfer-Encoding: chunked\r\n\r\n10001\r\n${'a'.repeat(65_537)}\r\n`),
    413,
    'not ended',
  )
  t.equal((await post(gzipSync('a=b'), { ...FORM, 'content-encoding': 'gzip' })).status, 415)
  const parts = new FormData()
  parts.set('grant_type', 'authorization_code')
  t.equal((await fetch(`${origin}/token`, { method: 'POST', body: parts })).status, 415)
  t.equal((await post(Uint8Array.from([0x61, 0xff]))).status, 400)
  const largest = await post(`grant_type=${'a'.repeat(65_525)}`)
  t.match(await largest.json(), { error: 'unsupported_grant_type' }, 'the largest that the core sees')
})

t.test('[ADV-112, ADV-156] malformed headers are answered 4xx, and the process lives', async (t) => {
  const { port, origin, faults } = await listen(t)
  const lines = [
    'Authorization:',
    'Authorization: Basic',
    'Authorization: Basic \xff\xfe',
    'Authorization: \x01',
    'Authorization: Basic OmE=',
    `Authorization: Basic ${'A'.repeat(15_000)}`,
    'Authorization: Basic YTpi\r\nAuthorization: Bearer x',
    'Authorization:  Basic  YTpi',
    'Cookie: ;;;=;=\x80',
    `Cookie: ${'a=b; '.repeat(2500)}`,
    'Cookie: __proto__=1',
    'Cookie: %',
    'Content-Type: ',
    'Content-Type: /',
    'Content-Type: ;;;',
    'Content-Type: a/b\tc',
    'Content-Type: *',
    'Content-Type: __proto__',
    'Content-Type: application/x-www-form-urlencoded; charset=\xff',
    `Content-Type: ${'a/'.repeat(7000)}`,
    'Content-Type: text/plain\r\nContent-Type: x/y',
    'Content-Encoding: \xff',
    'Transfer-Encoding: nonsense',
    'Host: y',
    'no colon',
    'Expect: nonsense',
    'Origin: \x80',
    'Upgrade: x\r\nConnection: upgrade',
  ]
  for (const path of ['/token', '/userinfo', '/authorize']) {
    for (const line of lines) {
      const request = `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${line}\r\nContent-Length: 3\r\n\r\na=b`
      const status = await raw(port, Buffer.from(request, 'latin1'))
      t.ok(status >= 400 && status < 500, `${status} at ${path} for ${JSON.stringify(line.slice(0, 60))}`)
    }
  }
  t.strictSame(faults, [])
  t.equal((await fetch(`${origin}/jwks`)).status, 200)
})

t.test('[WEB-041, WEB-042] host and forwarded headers are judged as at the other doors', async (t) => {
  const { port } = await listen(t)
  const get = (...lines: readonly string[]): Promise<number> =>
    raw(port, `GET /authorize HTTP/1.1\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`)
  t.equal(await get('Host: evil.example'), 421)
  t.equal(await get(`Host: evil.example`, `X-Forwarded-Host: 127.0.0.1:${port}`), 421)
  t.equal(await get(`Host: 127.0.0.1:${port}`), 400, 'the core speaks: no client_id')
  const behind = await listen(t, { trustProxy: ['127.0.0.1'] })
  const forwarded = `GET /authorize HTTP/1.1\r\nHost: inner\r\nX-Forwarded-Host: 127.0.0.1:${behind.port}\r\n\r\n`
  t.equal(await raw(behind.port, forwarded), 400)
})

t.test('[unit] an error of a hook is answered without a word of it', async (t) => {
  const { origin } = await listen(t, {
    around: (app) => {
      app.addHook('onRequest', async (request) => {
        if (request.headers['x-break'] !== undefined) throw new Error('secret of a hook')
      })
    },
  })
  const answer = await fetch(`${origin}/jwks`, { headers: { 'x-break': '1' } })
  t.equal(answer.status, 500)
  t.same(await answer.json(), { error: 'server_error' })
})

const pages = (app: FastifyInstance, { provider }: Pick<Real, 'provider'>): void => {
  app.register(async (scope) => {
    readRawBodies(scope)
    scope.get<{ Params: { id: string } }>('/interaction/:id', async (request, to) => {
      const wire = app.wireRequest(request)
      if (!wire.ok) return app.sendReply(wire.error, to)
      const reply = await provider.interactions.resume(wire.value, request.params.id)
      const draw = ({ prompt, csrf, id }: PresentedInteraction) => ({
        html: `${prompt.kind} ${escapeHtml(csrf)} ${escapeHtml(id)}`,
      })
      return app.showReply(reply, draw, to)
    })
    scope.post<{ Params: { id: string } }>('/interaction/:id', async (request, to) => {
      const wire = app.wireRequest(request)
      if (!wire.ok) return app.sendReply(wire.error, to)
      const form = new URLSearchParams(wire.value.body)
      const submission = { id: request.params.id, csrf: form.get('csrf') ?? '' }
      const facts = { subject: subject('alice'), amr: ['pwd'], acr: undefined }
      const reply =
        form.get('do') === 'login'
          ? await provider.interactions.authenticated(wire.value, { ...submission, facts })
          : await provider.interactions.consented(wire.value, submission)
      return app.sendReply(reply, to)
    })
  })
}

t.test('[unit] own interaction pages sign a person in through the same path', async (t) => {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const made = await real(origin)
  const own = Fastify()
  t.teardown(() => own.close())
  await own.register(vouchsafe, { provider: made.provider })
  pages(own, made)
  await own.listen({ port, host: '127.0.0.1' })

  const jar = new Map<string, string>()
  const go = async (url: string, form?: Record<string, string>): Promise<Response> => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, {
      redirect: 'manual',
      headers: { cookie, ...(form && { ...FORM, 'sec-fetch-site': 'same-origin' }) },
      ...(form && { method: 'POST', body: new URLSearchParams(form).toString() }),
    })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    return response
  }
  const parameters = new URLSearchParams({
    client_id: made.clientId,
    redirect_uri: 'https://rp.example/callback',
    response_type: 'code',
    scope: 'openid profile',
    state: 's',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const started = await go(`${origin}/authorize?${parameters}`)
  t.equal(started.status, 303)
  const location = started.headers.get('location') ?? ''
  t.match(location, `${origin}/interaction/`)
  const login = await go(location)
  const [kind, csrf = ''] = (await login.text()).split(' ')
  t.equal(kind, 'login')
  t.match(login.headers.get('content-type'), /^text\/html/)
  t.equal((await go(location, { csrf: 'wrong', do: 'login' })).status, 403)
  const signedIn = await go(location, { csrf, do: 'login' })
  t.equal(signedIn.headers.get('location'), location)
  const [asked, again = ''] = (await (await go(location)).text()).split(' ')
  t.equal(asked, 'consent')
  const done = await go(location, { csrf: again, do: 'consent' })
  t.equal(done.status, 303)
  const back = new URL(done.headers.get('location') ?? '')
  t.equal(back.origin + back.pathname, 'https://rp.example/callback')
  t.equal(back.searchParams.get('state'), 's')
  const token = await go(`${origin}/token`, {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: 'https://rp.example/callback',
    client_id: made.clientId,
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  })
  t.equal(token.status, 200)
  t.match(await token.json(), { token_type: 'Bearer', id_token: /^ey/ })
  const large = await go(location, { csrf: 'a'.repeat(70_000) })
  t.equal(large.status, 413)
  t.match(large.headers.get('content-type'), /^text\/html/, 'refusals at pages are pages')
})
