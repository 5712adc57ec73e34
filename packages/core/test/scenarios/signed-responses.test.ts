// Owns signed authorization responses (JARM): one JWT and nothing beside it, for a code and for every error.

import { type ClientRecord, clientId, type JsonObject, type Reply } from '@vouchsafe/core'
import { generateSigningKey } from '@vouchsafe/core/ports-node'
import { createLocalJWKSet, jwtVerify } from 'jose'
import t from 'tap'
import { ask, authorizationRequest, bodyOf, errorOf, obtainCode, pageOf, passThrough, redeem } from './flows.ts'
import { push, pushed, pushingWorld, visit } from './pushes.ts'
import { changeClient, openStores, refused, statusOf } from './token-steps.ts'
import { createWorld, REDIRECT_URI, type World } from './world.ts'

const opened = async (over: Partial<ClientRecord> = {}): Promise<World> => {
  const world = createWorld({ features: { jarm: true, par: true } })
  await world.client(over)
  return world
}

/** What was sent to the client, which must be one JWT alone; verified by the published keys. */
const read = async (
  world: World,
  reply: Reply,
): Promise<{ readonly claims: Readonly<Record<string, unknown>>; readonly header: { readonly alg: string } }> => {
  const sent =
    reply.kind === 'redirect'
      ? [...new URL(reply.location).searchParams]
      : reply.kind === 'formPost'
        ? reply.parameters
        : []
  const [only, ...others] = sent
  if (only?.[0] !== 'response' || others.length > 0) throw new Error(`not one JWT alone: ${JSON.stringify(reply)}`)
  const { keys } = bodyOf(await world.send({ path: '/jwks' })) as unknown as { keys: never[] }
  const { payload, protectedHeader } = await jwtVerify(only[1], createLocalJWKSet({ keys }), {
    issuer: 'https://op.example',
    audience: 'app',
    typ: 'JWT',
    currentDate: new Date(world.clock.now() * 1000),
    requiredClaims: ['exp', 'iss', 'aud'],
  })
  return { claims: payload, header: protectedHeader }
}

t.test('[CONF-H3] a code is answered by one JWT for its client, in the query or in a form, and works', async (t) => {
  const world = await opened()
  for (const [mode, kind] of [
    ['jwt', 'redirect'],
    ['query.jwt', 'redirect'],
    ['form_post.jwt', 'formPost'],
  ] as const) {
    const browser = world.browser()
    const { parameters, verifier } = authorizationRequest({ response_mode: mode })
    const reply = await passThrough(browser, await browser.get('/authorize', parameters))
    t.equal(reply.kind, kind, mode)
    const { claims, header } = await read(world, reply)
    const now = world.clock.now()
    const { code, ...rest } = claims
    t.same(rest, { iss: 'https://op.example', aud: 'app', state: 'state-1', iat: now, exp: now + 300 }, mode)
    t.equal(header.alg, 'RS256')
    t.equal(statusOf(await redeem(world, { code: String(code), verifier, redirectUri: REDIRECT_URI })), 200)
  }
  const { requestUri } = await pushed(world, { response_mode: 'jwt' })
  const browser = world.browser()
  const { claims } = await read(world, await passThrough(browser, await visit(browser, requestUri)))
  t.equal(claims['state'], 'state-1', 'a pushed request keeps its way of being answered')
})

t.test('[CONF-H3] every error is signed too: at once, by the person, and late', async (t) => {
  const world = await opened()
  const errorIn = async (reply: Reply): Promise<unknown> => {
    const { claims } = await read(world, reply)
    t.equal(claims['state'], 'state-1')
    t.notOk('code' in claims)
    t.type(claims['error_description'], 'string')
    return claims['error']
  }
  const jwt = { response_mode: 'jwt' }
  t.equal(await errorIn(await ask(world.browser(), { ...jwt, scope: 'openid nonsense' })), 'invalid_scope')
  t.equal(await errorIn(await ask(world.browser(), { ...jwt, response_type: 'token' })), 'unsupported_response_type')
  t.equal(await errorIn(await ask(world.browser(), { ...jwt, prompt: 'none' })), 'login_required')
  const browser = world.browser()
  const consent = await browser.signIn(await ask(browser, { ...jwt, response_mode: 'form_post.jwt' }))
  t.equal(await errorIn(await browser.deny(consent)), 'access_denied')
  const { requestUri } = await pushed(world, jwt)
  world.clock.advance(60)
  t.equal(await errorIn(await visit(world.browser(), requestUri)), 'invalid_request_uri')
  await changeClient(world, { requirePushedRequests: true })
  t.equal(await errorIn(await ask(world.browser(), jwt)), 'invalid_request')
  await changeClient(world, { requirePushedRequests: false })
  t.equal(pageOf(await ask(world.browser(), { ...jwt, redirect_uri: 'https://evil.example/' })).status, 400)
  t.equal(pageOf(await ask(world.browser(), { ...jwt, client_id: 'nobody' })).status, 400)
})

t.test('[CONF-H3] it is signed with the client’s own algorithm, or that of its ID tokens', async (t) => {
  const world = await opened({ idTokenAlg: 'EdDSA' })
  const algOf = async (): Promise<string> =>
    (await read(world, await ask(world.browser(), { response_mode: 'jwt', prompt: 'none' }))).header.alg
  t.equal(await algOf(), 'EdDSA')
  await changeClient(world, { authorizationResponseAlg: 'ES256' })
  t.equal(await algOf(), 'ES256')
})

t.test(
  '[unit] modes that would use a fragment do not exist, and an unknown one is answered in the query',
  async (t) => {
    const world = await opened()
    for (const mode of ['fragment.jwt', 'fragment', 'JWT', 'query.JWT', 'jwt query', '__proto__', 'toString']) {
      t.equal(errorOf(await ask(world.browser(), { response_mode: mode })), 'invalid_request', mode)
      refused(t, await push(world, { response_mode: mode }), 400, 'invalid_request', mode)
    }
  },
)

t.test('[ADV-015, OIDC-31] signed answers are in the metadata exactly when they are switched on', async (t) => {
  const documentOf = async (world: World): Promise<JsonObject> =>
    bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
  const on = await documentOf(await opened())
  t.same(on['response_modes_supported'], ['query', 'form_post', 'jwt', 'query.jwt', 'form_post.jwt'])
  t.same(on['authorization_signing_alg_values_supported'], ['RS256', 'ES256', 'EdDSA'])
  const off = pushingWorld()
  await off.client()
  const without = await documentOf(off)
  t.same(without['response_modes_supported'], ['query', 'form_post'])
  t.notOk('authorization_signing_alg_values_supported' in without)
  for (const mode of ['jwt', 'query.jwt', 'form_post.jwt'])
    t.equal(errorOf(await ask(off.browser(), { response_mode: mode })), 'invalid_request', mode)
})

t.test(
  '[OPS-004] a signer that fails spends neither the interaction nor the pushed request, and issues no code',
  async (t) => {
    const { stores, state } = openStores()
    const key = { ...(await generateSigningKey('RS256')), state: 'active' as const }
    let broken = false
    const signer = { sign: () => (broken ? Promise.reject(new Error('the key service is away')) : new Uint8Array(256)) }
    const world = createWorld({ stores, features: { jarm: true, par: true } }, { signer, keys: { keys: () => [key] } })
    await world.client()
    const { browser } = await obtainCode(world)
    const { requestUri } = await pushed(world, { response_mode: 'jwt' })
    const grants = state.grants.size
    broken = true
    t.match(await visit(browser, requestUri), { kind: 'page', status: 500 })
    t.equal(state.grants.size, grants)
    broken = false
    t.equal((await visit(browser, requestUri)).kind, 'redirect')
    t.equal(state.grants.size, grants + 1)
    t.equal(clientId('app'), [...state.grants.values()].at(-1)?.grant.clientId)
  },
)
