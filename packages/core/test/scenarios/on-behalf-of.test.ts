// Owns token exchange by both of its doors: who may exchange what, what comes out, and when it dies. Asserts on answers and on the store.

import {
  clientId,
  digest,
  grantHandle,
  instant,
  type JsonObject,
  type Reply,
  type ResourceRecord,
} from '@vouchsafe/core'
import { authorizationCode } from '@vouchsafe/core/grant-types'
import t from 'tap'
import { basic, bodyOf, claimsOf, exchange, obtainCode, type Parameters, redeem, userinfo } from './flows.ts'
import {
  changeClient,
  endSessions,
  headerOf,
  occasionIn,
  openStores,
  refused,
  setPerson,
  statusOf,
  tokensOf,
} from './token-steps.ts'
import { CLIENT_SECRET, createWorld, encode, sha256, type World } from './world.ts'

const EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
const ACCESS_TOKEN = 'urn:ietf:params:oauth:token-type:access_token'
const JWT = 'urn:ietf:params:oauth:token-type:jwt'

/** One API behind the other; each is a client that acts for its own resource. */
const API = ['https://one.example', 'https://two.example', 'https://three.example', 'https://four.example'] as const
const [ONE, TWO, THREE, FOUR] = API

const scoped = (...names: string[]): ResourceRecord['scopes'] =>
  names.map((name) => ({ name, description: name, sensitive: false }))

const resourceOf = (identifier: string, index: number, format: ResourceRecord['tokenFormat']): ResourceRecord => ({
  version: 1,
  identifier,
  name: 'An API',
  scopes: scoped(`${index + 1}.read`, `${index + 1}.write`),
  tokenFormat: format,
  accessTokenLifetime: 900,
  signingAlg: 'ES256',
  introspectionClients: [clientId(`api${index + 1}`)],
})

const GRANTS = ['authorization_code', 'refresh_token', 'client_credentials', EXCHANGE, JWT_BEARER]
const SCOPES: Readonly<Record<string, readonly string[]>> = {
  api1: ['openid', 'email', '1.read', '1.write', '2.read', '2.write'],
  api2: ['3.read'],
  api3: ['4.read'],
  api4: ['1.read'],
}

interface Opened extends World {
  /** The exchanges in the audit log. */
  exchanges(): readonly JsonObject[]
  /** Binds every token that is stored to some key, as if its request had proved one. */
  bindAll(): void
}

const opened = async (format: ResourceRecord['tokenFormat']): Promise<Opened> => {
  const { stores, state } = openStores()
  const world = createWorld({ stores, features: { introspection: true } })
  await world.client({ scopes: ['openid', 'email', '1.read', '1.write'], grantTypes: GRANTS, refreshTokens: 'always' })
  for (const [id, scopes] of Object.entries(SCOPES)) {
    await world.client({ clientId: clientId(id), scopes, grantTypes: GRANTS, redirectUris: [] })
  }
  for (const [index, identifier] of API.entries()) {
    await stores.resources.saveResource(resourceOf(identifier, index, format), occasionIn(world))
  }
  const binding = { method: 'jkt', thumbprint: digest('A'.repeat(43)) } as const
  return {
    ...world,
    exchanges: () => state.events.filter(({ name }) => name === 'token.exchanged').map(({ fields }) => fields),
    bindAll: () => {
      for (const [key, entry] of state.tokens) state.tokens.set(key, { ...entry, token: { ...entry.token, binding } })
    },
  }
}

const by = (id: string): { authorization: string } => ({ authorization: basic(id, CLIENT_SECRET) })

const ask = (world: World, token: string | undefined, over: Parameters = {}, id = 'api1'): Promise<Reply> =>
  exchange(world, { grant_type: EXCHANGE, subject_token: token, subject_token_type: ACCESS_TOKEN, ...over }, by(id))

const askOnBehalf = (world: World, token: string, over: Parameters = {}, id = 'api1'): Promise<Reply> =>
  exchange(world, { grant_type: JWT_BEARER, assertion: token, requested_token_use: 'on_behalf_of', ...over }, by(id))

const introspect = (world: World, token: string, id: string): Promise<Reply> =>
  world.send({
    path: '/introspect',
    method: 'POST',
    headers: new Map([
      ['content-type', ['application/x-www-form-urlencoded']],
      ['authorization', [by(id).authorization]],
    ]),
    body: encode({ token }),
  })

const actingBy = ([id, ...before]: readonly string[]): JsonObject =>
  id === undefined ? {} : { act: { sub: id, client_id: id, ...actingBy(before) } }

const NEXT = { resource: TWO, scope: '2.read' } as const

/** A person's token for the first API, in the format of the world. */
const personToken = async (world: World, scope = '1.read'): Promise<string> =>
  tokensOf(await redeem(world, await obtainCode(world, { scope, resource: ONE }))).accessToken

/** A client's own token. */
const ownToken = async (world: World, id: string, over: Parameters): Promise<string> =>
  tokensOf(await exchange(world, { grant_type: 'client_credentials', ...over }, by(id))).accessToken

for (const [door, send] of [
  ['token exchange', ask],
  ['on-behalf-of', askOnBehalf],
] as const) {
  t.test(
    `[R8693-05, R8693-08, R8693-10] by ${door} an API gets a token for the next one: for the person, itself the actor, narrowed, no longer than it had`,
    async (t) => {
      const world = await opened('jwt')
      const token = await personToken(world)
      world.clock.advance(300)
      const reply = await send(world, token, NEXT)
      t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
      const { accessToken, body } = tokensOf(reply)
      const [before, after] = [claimsOf(token), claimsOf(accessToken)]
      t.match(after, { iss: 'https://op.example', sub: 'alice', aud: TWO, client_id: 'api1', scope: '2.read' })
      t.same(after['act'], { sub: 'api1', client_id: 'api1' })
      t.same([after['exp'], after['gid']], [before['exp'], before['gid']], 'as long, and on the same grant')
      t.match(body, { token_type: 'Bearer', expires_in: 600, scope: '2.read' })
      t.notOk('refresh_token' in body || 'id_token' in body)
      t.equal(body['issued_token_type'], door === 'token exchange' ? ACCESS_TOKEN : undefined)
      const [event, ...more] = world.exchanges()
      t.same(more, [])
      const known = {
        clientId: 'api1',
        from: 'app',
        subject: 'alice',
        actors: ['api1'],
        scope: '2.read',
        audience: [TWO],
      }
      t.match(event, known)
      t.ok(event?.['parent'] !== event?.['child'] && typeof event?.['parent'] === 'string')
      t.notOk([token, accessToken].some((secret) => JSON.stringify(event).includes(secret)))
    },
  )

  t.test(
    `[R8693-06, R8693-07, R8693-11, R8693-12, ADV-125, ADV-126] by ${door} a token that does not count is refused in one way, and nothing is issued`,
    async (t) => {
      const told = new Set<string>()
      const no = async (why: string, reply: Reply): Promise<void> => {
        refused(t, reply, 400, 'invalid_grant', why)
        told.add(JSON.stringify(reply.kind === 'json' && reply.body))
      }
      for (const format of ['opaque', 'jwt'] as const) {
        const world = await opened(format)
        const token = await personToken(world)
        await no('no token', await send(world, 'made-up', NEXT))
        await no('of another store', await send(await opened(format), token, NEXT))
        if (format === 'jwt') {
          // The same keys and the same records, so that nothing but the issuer tells them apart.
          const other = createWorld({ issuer: 'https://other.example', stores: world.stores })
          await no('of another issuer', await send(other, token, NEXT))
        }
        await no('for another API', await send(world, token, { resource: THREE, scope: '3.read' }, 'api2'))
        await no('for another API, by its own holder', await send(world, token, { scope: '1.read' }, 'app'))
        await no("an app's own", await send(world, await ownToken(world, 'api4', { resource: ONE }), NEXT))
        const signedIn = tokensOf(await redeem(world, await obtainCode(world, { scope: 'openid 1.read' })))
        await no('an ID token', await send(world, signedIn.idToken, NEXT))
        await no('a refresh token', await send(world, String(signedIn.body['refresh_token']), NEXT))
        await no(
          'for userinfo',
          await send(world, tokensOf(await redeem(world, await obtainCode(world))).accessToken, NEXT),
        )
        await setPerson(world, 'disabled')
        await no('of a disabled person', await send(world, token, NEXT))
        await setPerson(world, 'active')
        // Disabling ended the session that the first one rests on.
        const fresh = await personToken(world)
        await changeClient(world, { disabled: true })
        await no('of a disabled client', await send(world, fresh, NEXT))
        await changeClient(world, { disabled: false })
        tokensOf(await send(world, fresh, NEXT))
        await endSessions(world)
        await no('of a session that ended', await send(world, fresh, NEXT))
        const late = await personToken(world)
        const [grant] = world.exchanges().map((event) => event['grant'])
        t.ok(grant)
        world.clock.advance(900)
        await no('expired', await send(world, late, NEXT))
        t.equal(world.exchanges().length, 1)
      }
      const world = await opened('opaque')
      const token = await personToken(world)
      world.bindAll()
      await no('bound to a key that the API cannot prove', await send(world, token, NEXT))
      t.equal(told.size, 1, 'in the same words')
    },
  )
}

t.test('[R8693-06, ADV-125] a token that was revoked, alone or with its grant, is not exchanged', async (t) => {
  const world = await opened('jwt')
  const [alone, whole] = [await personToken(world), await personToken(world)]
  const { jti, exp } = claimsOf(alone)
  const handle = grantHandle(String(claimsOf(alone)['gid']))
  const revoked = { handle, digest: digest(sha256(String(jti))), expiresAt: instant(Number(exp)) }
  tokensOf(await ask(world, alone, NEXT))
  t.equal(await world.stores.accessTokens.revokeJwt(revoked, occasionIn(world)), 'revoked')
  refused(t, await ask(world, alone, NEXT), 400, 'invalid_grant', 'the token')
  await world.stores.grants.revokeGrant(grantHandle(String(claimsOf(whole)['gid'])), occasionIn(world))
  refused(t, await ask(world, whole, NEXT), 400, 'invalid_grant', 'the grant')
  const reasons = world.events.filter(({ name }) => name === 'token.refused').map(({ fields }) => fields['reason'])
  t.same(reasons, ['tokenRevoked', 'grantRevoked'], 'who looks into the log sees which')
})

t.test('[R8693-01, R8693-02] tokens and their types come in pairs, and only types that are taken', async (t) => {
  const world = await opened('opaque')
  const token = await personToken(world)
  const invalid: readonly (readonly [why: string, over: Parameters])[] = [
    ['no subject token', { subject_token: undefined }],
    ['no type', { subject_token_type: undefined }],
    ['an empty type', { subject_token_type: '' }],
    ['neither', { subject_token: undefined, subject_token_type: undefined }],
    ['an unknown type', { subject_token_type: 'access_token' }],
    ['an ID token', { subject_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['a refresh token', { subject_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['an actor without a type', { actor_token: token }],
    ['a type without an actor', { actor_token_type: ACCESS_TOKEN }],
    ['an actor of unknown type', { actor_token: token, actor_token_type: 'x' }],
    ['to get a refresh token', { requested_token_type: 'urn:ietf:params:oauth:token-type:refresh_token' }],
    ['to get an ID token', { requested_token_type: 'urn:ietf:params:oauth:token-type:id_token' }],
    ['to get a JWT for an API that takes none', { requested_token_type: JWT }],
    ['two subject tokens', { subject_token: [token, token] }],
  ]
  for (const [why, over] of invalid)
    refused(t, await ask(world, token, { ...NEXT, ...over }), 400, 'invalid_request', why)
  refused(t, await ask(world, token, { ...NEXT, subject_token_type: JWT }), 400, 'invalid_grant', 'opaque, not a JWT')
  const other = { grant_type: JWT_BEARER, assertion: token }
  refused(t, await exchange(world, other, by('api1')), 400, 'invalid_request', 'no use named')
  refused(t, await askOnBehalf(world, token, { requested_token_use: 'login' }), 400, 'invalid_request', 'another use')
  refused(t, await askOnBehalf(world, '', NEXT), 400, 'invalid_request', 'no assertion')
  t.same(world.exchanges(), [])
  const jwts = await opened('jwt')
  const jwt = await personToken(jwts)
  const typed = { ...NEXT, subject_token_type: JWT, requested_token_type: JWT }
  t.equal(tokensOf(await ask(jwts, jwt, typed)).body['issued_token_type'], JWT)
})

t.test(
  '[R8693-03, R8693-04, ADV-011] a target or a scope that this client may not have is refused, and so is more of its own API than the token had',
  async (t) => {
    const world = await opened('jwt')
    const token = await personToken(world)
    const no = async (error: string, over: Parameters): Promise<void> =>
      refused(t, await ask(world, token, over), 400, error, JSON.stringify(over))
    await no('invalid_target', { resource: 'https://unknown.example' })
    await no('invalid_target', { audience: 'https://unknown.example' })
    await no('invalid_target', { audience: 'api2' })
    await no('invalid_target', { resource: THREE })
    await no('invalid_target', { audience: THREE })
    await no('invalid_target', { resource: TWO, audience: ONE })
    await no('invalid_target', { resource: [ONE, TWO] })
    await no('invalid_scope', { resource: THREE, scope: '3.read' })
    await no('invalid_scope', { resource: TWO, scope: '2.read 3.read' })
    await no('invalid_scope', { scope: 'openid' })
    await no('invalid_scope', { scope: 'email 2.read' })
    await no('invalid_scope', { scope: '1.write' })
    const greedy = { ...resourceOf(TWO, 1, 'jwt'), version: 2, scopes: scoped('2.read', '2.write', 'email') }
    await world.stores.resources.saveResource(greedy, occasionIn(world))
    await no('invalid_scope', { resource: TWO, scope: 'email' })
    t.same(world.exchanges(), [])
    const all = tokensOf(await ask(world, token, { audience: TWO }))
    t.match(claimsOf(all.accessToken), { aud: TWO, scope: '2.read 2.write' })
    t.match(claimsOf(tokensOf(await ask(world, token, { resource: TWO, audience: TWO })).accessToken), { aud: TWO })
    const own = tokensOf(await ask(world, await personToken(world, '1.read 1.write'), { scope: '1.read' }))
    t.match(claimsOf(own.accessToken), { aud: ONE, scope: '1.read' })
    t.equal(statusOf(await userinfo(world, own.accessToken)), 403, 'what the person told the app stays there')
  },
)

t.test(
  '[R8693-02, R8693-06, R8693-08] an actor is the client itself, proved by a token of its own or not at all',
  async (t) => {
    for (const format of ['opaque', 'jwt'] as const) {
      const world = await opened(format)
      const token = await personToken(world)
      const actor = (actor_token: string): Promise<Reply> =>
        ask(world, token, { ...NEXT, actor_token, actor_token_type: ACCESS_TOKEN })
      const own = await ownToken(world, 'api1', { resource: TWO })
      refused(t, await actor(await ownToken(world, 'api2', {})), 400, 'invalid_grant', "another client's")
      refused(t, await actor(token), 400, 'invalid_grant', "a person's")
      refused(t, await actor('made-up'), 400, 'invalid_grant', 'nobody’s')
      t.equal(world.exchanges().length, 0)
      const held = tokensOf(await ask(world, await personToken(world), NEXT)).accessToken
      refused(t, await actor(held), 400, 'invalid_grant', "a person's, though the client holds it")
      tokensOf(await actor(own))
      t.same(world.exchanges().at(-1)?.['actors'], ['api1'])
      world.clock.advance(900)
      refused(
        t,
        await ask(world, await personToken(world), { ...NEXT, actor_token: own, actor_token_type: ACCESS_TOKEN }),
        400,
        'invalid_grant',
        'expired',
      )
    }
  },
)

t.test('[R8693-08, R8693-10] a chain names everybody who acted, the latest first, and ends after four', async (t) => {
  for (const format of ['opaque', 'jwt'] as const) {
    const world = await opened(format)
    const first = await personToken(world)
    const second = tokensOf(await ask(world, first, NEXT)).accessToken
    const third = tokensOf(await askOnBehalf(world, second, { resource: THREE }, 'api2')).accessToken
    const fourth = tokensOf(await ask(world, third, { resource: FOUR }, 'api3')).accessToken
    const back = tokensOf(await ask(world, fourth, { resource: ONE }, 'api4')).accessToken
    const chain = ['api4', 'api3', 'api2', 'api1']
    t.same(
      world.exchanges().map((event) => event['actors']),
      [1, 2, 3, 4].map((length) => chain.slice(-length)),
    )
    t.same(
      world
        .exchanges()
        .slice(1)
        .map((event) => event['parent']),
      world
        .exchanges()
        .slice(0, -1)
        .map((event) => event['child']),
      'each is the child of the one before',
    )
    const acts = actingBy(chain)
    if (format === 'jwt') t.match(claimsOf(back), { sub: 'alice', client_id: 'api4', ...acts })
    const seen = bodyOf(await introspect(world, back, 'api1'))
    t.match(seen, { active: true, sub: 'alice', client_id: 'api4', aud: ONE, scope: '1.read', ...acts })
    t.notOk('act' in bodyOf(await introspect(world, first, 'api1')), 'nobody acts by the first')
    refused(t, await ask(world, back, NEXT), 400, 'invalid_request', 'a fifth')
  }
})

t.test(
  '[R8693-11] an exchanged token dies with its person, its grant, the client it began with, and the client that holds it',
  async (t) => {
    for (const format of ['opaque', 'jwt'] as const) {
      const endings: readonly (readonly [why: string, end: (world: World) => Promise<unknown>, error?: string])[] = [
        ['person', (world) => setPerson(world, 'disabled')],
        ['session', (world) => endSessions(world)],
        ['first client', (world) => changeClient(world, { disabled: true })],
        ['own client', (world) => changeClient(world, { disabled: true }, 'api1')],
        [
          'grant',
          async (world) => {
            const [event] = (world as Opened).exchanges()
            return world.stores.grants.revokeGrant(grantHandle(String(event?.['grant'])), occasionIn(world))
          },
        ],
      ]
      for (const [why, end] of endings) {
        const world = await opened(format)
        const held = tokensOf(await ask(world, await personToken(world), NEXT)).accessToken
        tokensOf(await ask(world, held, { resource: THREE }, 'api2'))
        await end(world)
        refused(t, await ask(world, held, { resource: THREE }, 'api2'), 400, 'invalid_grant', `${format}: ${why}`)
      }
    }
  },
)

t.test(
  '[unit] only a confidential client that is registered for it exchanges, by the door that it is registered for',
  async (t) => {
    const world = await opened('opaque')
    const token = await personToken(world)
    await changeClient(world, { grantTypes: [EXCHANGE] }, 'api1')
    refused(t, await askOnBehalf(world, token, NEXT), 400, 'unauthorized_client', 'the other door')
    tokensOf(await ask(world, token, NEXT))
    await changeClient(world, { grantTypes: [] }, 'api1')
    refused(t, await ask(world, token, NEXT), 400, 'unauthorized_client', 'none')
    await changeClient(world, { grantTypes: [EXCHANGE], authMethod: 'none', secrets: [] }, 'api1')
    const form = {
      grant_type: EXCHANGE,
      subject_token: token,
      subject_token_type: ACCESS_TOKEN,
      client_id: 'api1',
      ...NEXT,
    }
    refused(t, await exchange(world, form, { authorization: '' }), 400, 'unauthorized_client', 'a public client')
    await changeClient(
      world,
      {
        grantTypes: [EXCHANGE],
        scopes: ['openid'],
        authMethod: 'client_secret_basic',
        secrets: [{ digest: digest(sha256(CLIENT_SECRET)), expiresAt: undefined }],
      },
      'api1',
    )
    refused(t, await ask(world, token), 400, 'invalid_scope', 'nothing of any API')
    refused(t, await ask(world, token, { resource: TWO }), 400, 'invalid_target', 'nothing of that API')
  },
)

t.test('[unit] a provider without the two grant types neither takes nor advertises them', async (t) => {
  const world = createWorld({ grantTypes: [authorizationCode] })
  await world.client({ grantTypes: GRANTS })
  for (const reply of [await ask(world, 'x', {}, 'app'), await askOnBehalf(world, 'x', {}, 'app')]) {
    refused(t, reply, 400, 'unsupported_grant_type')
  }
})
