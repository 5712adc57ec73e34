// Owns giving tokens back (RFC 7009) and asking what they are worth (RFC 7662, RFC 9701).

import { clientId, digest, type GrantHandle, type JsonObject, type Reply, type ResourceRecord } from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import t from 'tap'
import { basic, bodyOf, claimsOf, exchange, obtainCode, type Parameters, redeem, userinfo } from './flows.ts'
import {
  changeClient,
  headerOf,
  occasionIn,
  refused,
  setPerson,
  statusOf,
  tokensOf,
  unreachable,
} from './token-steps.ts'
import { CLIENT_SECRET, createWorld, encode, sha256, type World } from './world.ts'

const NOTES = 'https://notes.example'
const FILES = 'https://files.example'
const API_SECRET = 'an-api-secret-0123456789abcdefghijklmnopqrstuvwx'
const FEATURES = { revocation: true, introspection: true }

const resourceOf = (identifier: string, scope: string, more: Partial<ResourceRecord> = {}): ResourceRecord => ({
  identifier,
  version: 1,
  name: 'An API',
  scopes: [{ name: scope, description: scope, sensitive: false }],
  tokenFormat: 'opaque',
  accessTokenLifetime: undefined,
  signingAlg: 'ES256',
  introspectionClients: [],
  ...more,
})

const opened = async (tokenFormat: ResourceRecord['tokenFormat'] = 'opaque'): Promise<World> => {
  const world = createWorld({ features: FEATURES })
  const scopes = ['openid', 'email', 'notes.read', 'files.read', 'own']
  await world.client({ scopes, grantTypes: ['authorization_code', 'refresh_token', 'client_credentials'] })
  for (const id of ['notes-api', 'files-api']) {
    const secrets = [{ digest: digest(sha256(API_SECRET)), expiresAt: undefined }]
    await world.client({ clientId: clientId(id), secrets, grantTypes: ['client_credentials'] })
  }
  const notes = { tokenFormat, introspectionClients: [clientId('notes-api')] }
  await world.stores.resources.saveResource(resourceOf(NOTES, 'notes.read', notes), occasionIn(world))
  const files = { introspectionClients: [clientId('files-api')] }
  await world.stores.resources.saveResource(resourceOf(FILES, 'files.read', files), occasionIn(world))
  return world
}

const FORM: [string, string[]] = ['content-type', ['application/x-www-form-urlencoded']]

const call = (
  world: World,
  path: string,
  form: Parameters,
  authorization: string | undefined = basic('app', CLIENT_SECRET),
  headers: [string, string[]][] = [],
): Promise<Reply> => {
  const sent: [string, string[]][] = authorization === '' ? [FORM] : [FORM, ['authorization', [authorization]]]
  return world.send({ path, method: 'POST', headers: new Map([...sent, ...headers]), body: encode(form) })
}

const revoke = (world: World, token: string, over: Parameters = {}, authorization?: string): Promise<Reply> =>
  call(world, '/revoke', { token, ...over }, authorization)

const asApi = (id: string): string => basic(id, API_SECRET)

const introspect = async (world: World, token: string, by = basic('app', CLIENT_SECRET)): Promise<JsonObject> => {
  const reply = await call(world, '/introspect', { token }, by)
  t.equal(statusOf(reply), 200)
  return bodyOf(reply)
}

const begin = async (world: World, scope = 'openid notes.read offline_access') => {
  const { body, accessToken, idToken } = tokensOf(await redeem(world, await obtainCode(world, { scope })))
  return { accessToken, idToken, refreshToken: String(body['refresh_token']) }
}

const revoked = (reply: Reply, why: string): void => {
  t.match(reply, { kind: 'json', status: 200, contentType: 'application/json', body: '' }, why)
  t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
}

for (const format of ['opaque', 'jwt'] as const) {
  t.test(
    `[ADJ-03, ADJ-05, ADV-060] an access token (${format}) is given back alone, whatever the hint says`,
    async (t) => {
      const world = await opened(format)
      const family = await begin(world)
      const other = await begin(world)
      for (const hint of ['refresh_token', 'access_token', 'nonsense', undefined]) {
        revoked(await revoke(world, family.accessToken, { token_type_hint: hint }), `hint ${hint}`)
      }
      t.equal(statusOf(await userinfo(world, family.accessToken)), 401)
      t.same(await introspect(world, family.accessToken), { active: false })
      t.equal((await introspect(world, other.accessToken))['active'], true)
      const again = { grant_type: 'refresh_token', refresh_token: family.refreshToken }
      t.equal(statusOf(await exchange(world, again)), 200, 'its grant lives on')
      for (const unknown of ['x', 'a.b.c', family.accessToken.slice(1), 'A'.repeat(64), 'A'.repeat(86)]) {
        revoked(await revoke(world, unknown), unknown)
      }
      t.same(world.faults, [])
    },
  )
}

t.test('[ADJ-04] with a refresh token, even one that was rotated away, everything of its grant dies', async (t) => {
  const world = await opened()
  const family = await begin(world)
  const one = tokensOf(await exchange(world, { grant_type: 'refresh_token', refresh_token: family.refreshToken }))
  revoked(await revoke(world, family.refreshToken), 'the one before')
  for (const token of [family.accessToken, one.accessToken]) t.equal(statusOf(await userinfo(world, token)), 401)
  const next = { grant_type: 'refresh_token', refresh_token: String(one.body['refresh_token']) }
  refused(t, await exchange(world, next), 400, 'invalid_grant')
})

t.test(
  "[ADV-116, ADV-143] a client gives back its own tokens alone, a public one too, and learns nothing of others'",
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('spa'), authMethod: 'none', secrets: [] })
    const family = await begin(world)
    for (const token of [family.accessToken, family.refreshToken]) {
      revoked(await revoke(world, token, {}, asApi('notes-api')), 'by another client')
      revoked(await revoke(world, token, { client_id: 'spa' }, ''), 'by a public client')
    }
    t.equal(statusOf(await userinfo(world, family.accessToken)), 200)
    await changeClient(world, { authMethod: 'none', secrets: [] })
    revoked(await revoke(world, family.accessToken, { client_id: 'app' }, ''), 'by its own, now public')
    t.equal(statusOf(await userinfo(world, family.accessToken)), 401)
  },
)

t.test('[ADV-042] a store that cannot be reached revokes nothing and says so', async (t) => {
  const stores = createMemoryStores()
  let away = false
  const grants = {
    ...stores.grants,
    findRefresh: async (handle: GrantHandle) =>
      away ? Promise.reject(unreachable()) : stores.grants.findRefresh(handle),
  }
  const world = createWorld({ features: FEATURES, stores: { ...stores, grants } })
  await world.client({ grantTypes: ['authorization_code', 'refresh_token'] })
  const { body } = tokensOf(await redeem(world, await obtainCode(world, { scope: 'openid offline_access' })))
  away = true
  t.equal(statusOf(await revoke(world, String(body['refresh_token']))), 503)
  away = false
  t.equal(
    statusOf(await exchange(world, { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) })),
    200,
  )
})

t.test(
  '[ADJ-06, ADV-124] who is not authenticated is told 401, a public client too, and malformed requests their fault',
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('spa'), authMethod: 'none', secrets: [] })
    const { accessToken } = await begin(world)
    for (const path of ['/introspect', '/revoke']) {
      refused(t, await call(world, path, { token: accessToken }, ''), 401, 'invalid_client', `${path} by nobody`)
      refused(t, await call(world, path, { token: accessToken }, basic('app', 'wrong')), 401, 'invalid_client', path)
      refused(t, await call(world, path, {}), 400, 'invalid_request', `${path} without a token`)
      refused(t, await call(world, path, { token: ['a', 'b'] }), 400, 'invalid_request', `${path} with two`)
      t.equal(statusOf(await world.send({ path, query: encode({ token: accessToken }) })), 405, `${path} by GET`)
    }
    refused(t, await call(world, '/introspect', { token: accessToken, client_id: 'spa' }, ''), 401, 'invalid_client')
    t.equal(statusOf(await userinfo(world, accessToken)), 200)
  },
)

t.test(
  '[ADJ-07, ADV-007] each caller is told of what is for it, and of anything else that it is not active',
  async (t) => {
    const world = await opened()
    const got = await obtainCode(world, { scope: 'openid notes.read files.read' })
    const { accessToken, idToken } = tokensOf(await redeem(world, got))
    const iat = world.clock.now()
    const shared = {
      active: true,
      iss: 'https://op.example',
      sub: 'alice',
      client_id: 'app',
      token_type: 'Bearer',
      iat,
    }
    const signIn = { auth_time: iat, acr: '1', amr: ['pwd'], exp: iat + 3600 }
    const whole = { ...shared, ...signIn, scope: 'openid notes.read files.read', aud: [FILES, NOTES] }
    t.same(await introspect(world, accessToken), whole)
    const notes = { ...shared, ...signIn, scope: 'notes.read', aud: NOTES }
    t.same(await introspect(world, accessToken, asApi('notes-api')), notes, 'its own scopes alone')
    const narrow = tokensOf(await redeem(world, await obtainCode(world, { scope: 'files.read' }))).accessToken
    t.same(await introspect(world, narrow, asApi('notes-api')), { active: false }, "another resource's")
    for (const token of [idToken, 'unknown', `${accessToken}x`])
      t.same(await introspect(world, token), { active: false })
    await setPerson(world, 'disabled')
    t.same(await introspect(world, accessToken), { active: false }, 'of a disabled person')
    await setPerson(world, 'active')
    world.clock.advance(3600)
    t.same(await introspect(world, accessToken), { active: false }, 'expired')
  },
)

t.test('[ADV-008] a JWT is asked about like any other token, and dies with what it rests on', async (t) => {
  const world = await opened('jwt')
  const { accessToken } = await begin(world)
  t.match(await introspect(world, accessToken, asApi('notes-api')), { active: true, aud: NOTES, scope: 'notes.read' })
  t.same(await introspect(world, accessToken, asApi('files-api')), { active: false })
  const own = tokensOf(await exchange(world, { grant_type: 'client_credentials', resource: NOTES })).accessToken
  t.match(await introspect(world, own, asApi('notes-api')), { active: true, sub: 'app', client_id: 'app' })
  t.notOk('auth_time' in (await introspect(world, own, asApi('notes-api'))))
  await changeClient(world, { disabled: true })
  t.same(await introspect(world, own, asApi('notes-api')), { active: false })
  t.same(await introspect(world, accessToken, asApi('notes-api')), { active: false })
})

t.test('[unit] a refresh token is active to its own client while it is the current one', async (t) => {
  const world = await opened()
  const family = await begin(world)
  t.match(await introspect(world, family.refreshToken), { active: true, scope: 'openid notes.read offline_access' })
  t.same(await introspect(world, family.refreshToken, asApi('notes-api')), { active: false })
  await exchange(world, { grant_type: 'refresh_token', refresh_token: family.refreshToken })
  t.same(await introspect(world, family.refreshToken), { active: false })
})

t.test('[ADJ-08] a caller that asks for a thousand unknown tokens is slowed down, and each is on record', async (t) => {
  const world = await opened()
  const { accessToken } = await begin(world)
  for (let guess = 0; guess <= 1000; guess++) await introspect(world, `guess-${guess}`)
  refused(t, await call(world, '/introspect', { token: 'one more' }), 429, 'temporarily_unavailable')
  t.equal((await introspect(world, accessToken))['active'], true, 'what is known is still answered')
  const told = world.events.filter(({ name }) => name === 'token.introspected')
  t.ok(told.length > 1000 && told.some(({ fields }) => fields['active'] === false))
})

t.test('[ADJ-09] a caller that asks for a JWT gets one that is for it alone', async (t) => {
  const world = await opened()
  const { accessToken } = await begin(world)
  const ask = (token: string): Promise<Reply> =>
    call(world, '/introspect', { token }, undefined, [
      ['accept', ['application/token-introspection+jwt, application/json']],
    ])
  const reply = await ask(accessToken)
  t.match(reply, { kind: 'json', status: 200, contentType: 'application/token-introspection+jwt' })
  const jwt = reply.kind === 'json' ? reply.body : ''
  t.match(JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString()), { typ: 'token-introspection+jwt' })
  t.match(claimsOf(jwt), { iss: 'https://op.example', aud: 'app', token_introspection: { active: true, sub: 'alice' } })
  t.notOk('sub' in claimsOf(jwt) || 'exp' in claimsOf(jwt), 'so that it passes for no access token and no ID token')
  const dead = await ask('unknown')
  t.same(claimsOf(dead.kind === 'json' ? dead.body : '')['token_introspection'], { active: false })
})

t.test('[unit] both endpoints are there, and in the metadata, where they are switched on', async (t) => {
  const metadata = async (world: World): Promise<JsonObject> =>
    bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
  const on = await metadata(createWorld({ features: FEATURES }))
  t.match(on, {
    revocation_endpoint: 'https://op.example/revoke',
    introspection_endpoint: 'https://op.example/introspect',
  })
  t.notOk(JSON.stringify(on['introspection_endpoint_auth_methods_supported']).includes('none'))
  const off = createWorld()
  t.notMatch(JSON.stringify(await metadata(off)), /revo|introspect/)
  await t.rejects(call(off, '/revoke', { token: 'x' }), /no route/)
  await t.rejects(call(off, '/introspect', { token: 'x' }), /no route/)
})
