// Owns what a client is told, by a real API over HTTP: each situation, its status and its challenge. Never looks inside.

import t, { type Test } from 'tap'
import { type Answer, call, callRaw, challengesOf, startApi, startWorld, type World } from './api.ts'

const refusedFor = (world: World): unknown => {
  const last = world.api.seen.at(-1)
  return last !== undefined && 'reason' in last ? last.reason : last
}

/** The error of the first challenge, with the status. */
const errorOf = async (answer: Answer): Promise<readonly [number, string | undefined]> => {
  const [first] = await challengesOf(answer)
  return [answer.status, first?.parameters['error']]
}

const INVALID = [401, 'invalid_token'] as const

t.test('[V21-22, V21-21] a request without a token gets a challenge without an error code, and no body', async (t) => {
  const { api } = await startWorld(t)
  const answer = await call(`${api.url}/v1/me`)
  t.equal(answer.status, 401)
  t.equal(answer.body, '')
  t.equal(answer.headers.get('cache-control'), 'no-store')
  const challenges = await challengesOf(answer)
  t.same(
    challenges.map(({ scheme }) => scheme),
    ['bearer', 'dpop'],
  )
  for (const { parameters } of challenges) {
    t.notOk('error' in parameters || 'error_description' in parameters)
    t.equal(parameters['resource_metadata'], `${api.url}/.well-known/oauth-protected-resource/v1`)
  }
  t.match(challenges[1]?.parameters, { algs: /^ES256 / })
  t.same(await errorOf(await call(`${api.url}/v1/me`, undefined, { headers: { authorization: 'Basic YTpi' } })), [
    401,
    undefined,
  ])
  const [wanted] = await challengesOf(await call(`${api.url}/v1/notes`))
  t.equal(wanted?.parameters['scope'], 'notes:read', 'what to ask for is said at once')
})

t.test('[V21-22] expired, revoked, unknown and foreign tokens are one and the same invalid_token', async (t) => {
  const world = await startWorld(t)
  const url = `${world.api.url}/v1/notes`
  const expired = await world.mint({ exp: world.clock.now() })
  const bodies = new Set<string>()
  for (const [token, reason] of [
    [expired, 'tokenExpired'],
    [await world.mint({ aud: 'https://other.example' }), 'tokenAudienceWrong'],
    ['unknown', 'tokenMalformed'],
  ] as const) {
    const answer = await call(url, token)
    t.same(await errorOf(answer), INVALID)
    t.equal(refusedFor(world), reason)
    bodies.add(answer.body + answer.headers.get('www-authenticate'))
  }
  t.equal(bodies.size, 1, 'the client is not told which')
  const good = await world.mint()
  t.equal((await call(url, good)).status, 200)
  world.clock.advance(601)
  t.same(await errorOf(await call(url, good)), INVALID)
})

t.test('[ADJ-02, V21-22] a missing scope is 403 insufficient_scope and names all that is needed', async (t) => {
  const world = await startWorld(t)
  const url = `${world.api.url}/v1/notes`
  const answer = await call(url, await world.mint(), { method: 'POST' })
  t.equal(answer.status, 403)
  const [challenge] = await challengesOf(answer)
  t.match(challenge?.parameters, { error: 'insufficient_scope', scope: 'notes:read notes:write' })
  t.match(JSON.parse(answer.body), { error: 'insufficient_scope' })
  t.match(world.api.seen.at(-1), { rejection: { missing: ['notes:write'] } })
  for (const scope of ['notes:read notes:write', 'notes:write  other notes:read']) {
    t.equal((await call(url, await world.mint({ scope }), { method: 'POST' })).status, 200, 'in any order')
  }
  for (const scope of [undefined, '', 'notes:readnotes:write', 'NOTES:READ NOTES:WRITE']) {
    t.equal((await call(url, await world.mint({ scope }), { method: 'POST' })).status, 403, String(scope))
  }
})

t.test("[unit] the application's own no is 403 with its own body and no bearer error", async (t) => {
  const world = await startWorld(t)
  const answer = await call(`${world.api.url}/v1/notes/private`, await world.mint())
  t.equal(answer.status, 403)
  t.same(JSON.parse(answer.body), { detail: 'not your note' })
  t.equal(answer.headers.get('www-authenticate'), null)
})

t.test(
  '[unit] too weak and too old a sign-in are challenged for a better one, which names what would do',
  async (t) => {
    const world = await startWorld(t)
    const url = `${world.api.url}/v1/payments`
    const now = world.clock.now()
    const pay = async (claims: Record<string, unknown>): Promise<Answer> =>
      call(url, await world.mint({ scope: 'payments', ...claims }), { method: 'POST' })
    for (const [claims, reason] of [
      [{}, 'authenticationTooWeak'],
      [{ acr: 'pwd', auth_time: now }, 'authenticationTooWeak'],
      [{ acr: 'phr phrh', auth_time: now }, 'authenticationTooWeak'],
      [{ acr: 'phr' }, 'authenticationTooOld'],
      [{ acr: 'phr', auth_time: now - 301 }, 'authenticationTooOld'],
      [{ acr: 'pwd', auth_time: now, scope: 'other' }, 'authenticationTooWeak'],
    ] as const) {
      const answer = await pay(claims)
      t.equal(answer.status, 401)
      const [challenge] = await challengesOf(answer)
      t.match(challenge?.parameters, {
        error: 'insufficient_user_authentication',
        acr_values: 'phr phrh',
        max_age: '300',
        scope: 'payments',
      })
      t.equal(refusedFor(world), reason)
    }
    t.equal((await pay({ acr: 'phrh', auth_time: now - 300 })).status, 200)
    t.same(await errorOf(await pay({ acr: 'phr', auth_time: now, scope: 'other' })), [403, 'insufficient_scope'])
  },
)

t.test('[ADJ-01, V21-21] a token counts in one Authorization header alone; a second way is 400', async (t) => {
  const world = await startWorld(t)
  const url = `${world.api.url}/v1/notes`
  const token = await world.mint()
  const raw = (...headers: string[]): Promise<Answer> => callRaw(url, headers)
  t.equal((await raw('Authorization', `Bearer ${token}`)).status, 200)
  t.equal((await raw('AUTHORIZATION', `bEARER ${token}`)).status, 200, 'case does not matter')
  const twice = await raw('Authorization', `Bearer ${token}`, 'authorization', `Bearer ${token}`)
  t.same(await errorOf(twice), [400, 'invalid_request'])
  t.equal(refusedFor(world), 'authorizationRepeated')
  for (const value of [
    'Bearer',
    'Bearer ',
    `Bearer  ${token}`,
    `Bearer ${token} x`,
    `Bearer ${token}, Bearer ${token}`,
    `Bearer "${token}"`,
  ]) {
    t.same(await errorOf(await raw('Authorization', value)), [400, 'invalid_request'], value.slice(0, 20))
  }
  t.same(await errorOf(await call(`${url}?access_token=${token}`)), [401, undefined], 'a token in the query is none')
  t.same(await errorOf(await call(`${url}?access%5Ftoken=${token}`, token)), [400, 'invalid_request'])
  const form = {
    method: 'POST',
    body: new URLSearchParams({ access_token: await world.mint({ scope: 'notes:read notes:write' }) }),
  }
  t.same(await errorOf(await call(url, undefined, form)), [401, undefined], 'nor one in a body, by default')
  const long = await world.api.guard.authorize({
    method: 'GET',
    url,
    headers: { authorization: `Bearer ${'a'.repeat(16_385)}` },
  })
  t.match(long, { ok: false, status: 400, reason: 'authorizationMalformed' })
  const nowhere = await world.api.guard.authorize({ method: 'OPTIONS', url: '*', headers: {} })
  t.match(nowhere, { ok: false, status: 400, reason: 'requestMalformed' })
})

t.test('[unit] where it is turned on, a form body may hold the token, once and nowhere else', async (t) => {
  const world = await startWorld(t, () => ({ bodyToken: true }))
  const url = `${world.api.url}/v1/notes`
  const token = await world.mint({ scope: 'notes:read notes:write' })
  const send = (
    body: string,
    more: Readonly<Record<string, string>> = {},
    type = 'application/x-www-form-urlencoded',
  ): Promise<Answer> => call(url, undefined, { method: 'POST', body, headers: { 'content-type': type, ...more } })
  t.equal((await send(`access_token=${token}`)).status, 200)
  t.equal((await send(`access_token=${token}`, {}, 'application/x-www-form-urlencoded; charset=utf-8')).status, 200)
  t.same(await errorOf(await send(`access_token=${token}&access_token=${token}`)), [400, 'invalid_request'])
  t.same(await errorOf(await send(`access_token=${token}`, { authorization: `Bearer ${token}` })), [
    400,
    'invalid_request',
  ])
  t.same(await errorOf(await send(`access_token=${token}`, {}, 'text/plain')), [401, undefined])
  t.same(await errorOf(await send('access_token=a%20b')), [400, 'invalid_request'])
  t.match(world.api.guard.metadata.document, { bearer_methods_supported: ['header', 'body'] })
})

const unavailable = async (t: Test, world: World, token: string, reason: string): Promise<void> => {
  const answer = await call(`${world.api.url}/v1/me`, token)
  t.equal(answer.status, 503)
  t.equal(answer.headers.get('retry-after'), '5')
  t.equal(answer.headers.get('www-authenticate'), null)
  t.match(JSON.parse(answer.body), { error: 'temporarily_unavailable' })
  t.equal(refusedFor(world), reason)
}

t.test('[unit] an issuer that cannot be asked, or answers nonsense, is 503 and lets nobody in', async (t) => {
  const world = await startWorld(t)
  const token = await world.mint()
  const at = '/.well-known/oauth-authorization-server'
  const faults: readonly (readonly [path: string, answer: (end: (status: number, body: string) => void) => void])[] = [
    [at, (end) => end(500, '')],
    [at, (end) => end(200, 'no json')],
    [at, (end) => end(200, JSON.stringify({ ...world.issuer.metadata, issuer: 'https://evil.example' }))],
    [at, (end) => end(200, JSON.stringify({ issuer: world.issuer.url }))],
    [at, (end) => end(200, JSON.stringify({ ...world.issuer.metadata, jwks_uri: 'http://keys.example/jwks' }))],
    ['/jwks', (end) => end(200, JSON.stringify({ keys: 'none' }))],
    [
      '/jwks',
      (end) => end(200, JSON.stringify({ keys: Array.from({ length: 101 }, () => world.issuer.key.publicJwk) })),
    ],
    ['/jwks', (end) => end(200, `{"keys":[],"x":"${'x'.repeat(140_000)}"}`)],
    ['/jwks', (end) => end(200, `{"keys":${'['.repeat(30)}${']'.repeat(30)}}`)],
  ]
  for (const [path, answer] of faults) {
    world.issuer.faults.set(path, (_, response) => answer((status, body) => response.writeHead(status).end(body)))
    // Past what is remembered of the metadata and of the last failure.
    world.clock.advance(4000)
    await unavailable(t, world, token, 'issuerAnswerMalformed')
    world.issuer.faults.clear()
  }
  world.clock.advance(4000)
  t.same(await errorOf(await call(`${world.api.url}/v1/me`, token)), INVALID, 'and mends by itself')
  await world.issuer.stop()
  world.clock.advance(4000)
  await unavailable(t, world, token, 'issuerUnreachable')
})

t.test('[unit] a redirect of the issuer is not followed', async (t) => {
  const world = await startWorld(t)
  const elsewhere = await startApi(t, (origin) => ({ issuer: origin, resource: origin, tokens: { format: 'jwt' } }))
  let visits = 0
  world.issuer.faults.set('/elsewhere', (_, response) => {
    visits++
    response.end(JSON.stringify(world.issuer.jwks))
  })
  for (const [status, location] of [
    [302, '/elsewhere'],
    [307, '/elsewhere'],
    [308, elsewhere.url],
  ] as const) {
    world.issuer.faults.set('/jwks', (_, response) => response.writeHead(status, { location }).end())
    await unavailable(t, world, await world.mint(), 'issuerAnswerMalformed')
    world.clock.advance(10)
  }
  t.equal(visits, 0)
  t.same(elsewhere.seen, [])
})

t.test('[unit] what a clock or a fetch function throws lets nobody in', async (t) => {
  let now: (() => number) | undefined
  const world = await startWorld(t, () => ({ now: () => now?.() ?? 0 }))
  const token = await world.mint()
  for (const broken of [
    () => Number.NaN,
    () => {
      throw new Error('no time')
    },
  ]) {
    now = broken
    await unavailable(t, world, token, 'dependencyFailed')
  }
  const deaf = await startWorld(t, () => ({ fetch: () => Promise.reject(new Error('no network')) }))
  await unavailable(t, deaf, token, 'issuerUnreachable')
  const silent = await startWorld(t, () => ({ timeoutMs: 100, fetch: () => new Promise(() => undefined) }))
  await unavailable(t, silent, token, 'issuerUnreachable')
})
