// Owns whom tokens are for: resources that are named or implied, JWTs for those that take them, and what clients are given in their own name.

import { clientId, type ResourceRecord } from '@vouchsafe/core'
import t from 'tap'
import { answerOf, ask, basic, bodyOf, claimsOf, exchange, obtainCode, passThrough, redeem, userinfo } from './flows.ts'
import {
  changeClient,
  headerOf,
  occasionIn,
  openStores,
  refused,
  setPerson,
  statusOf,
  tokensOf,
} from './token-steps.ts'
import { CLIENT_SECRET, createWorld, type World } from './world.ts'

const NOTES = 'https://notes.example'
const FILES = 'https://files.example/v1'

const resourceOf = (changes: Partial<ResourceRecord> & Pick<ResourceRecord, 'identifier'>): ResourceRecord => ({
  version: 1,
  name: 'An API',
  scopes: [],
  tokenFormat: 'opaque',
  accessTokenLifetime: undefined,
  signingAlg: 'RS256',
  introspectionClients: [],
  ...changes,
})

const scoped = (...names: string[]): ResourceRecord['scopes'] =>
  names.map((name) => ({ name, description: name, sensitive: false }))

const opened = async (): Promise<World> => {
  const world = createWorld()
  const scopes = ['openid', 'email', 'notes.read', 'notes.write', 'files.read', 'orphan']
  const grantTypes = ['authorization_code', 'refresh_token', 'client_credentials']
  await world.client({ scopes, grantTypes })
  const records = [
    resourceOf({
      identifier: NOTES,
      scopes: scoped('notes.read', 'notes.write'),
      tokenFormat: 'jwt',
      signingAlg: 'ES256',
    }),
    resourceOf({ identifier: FILES, scopes: scoped('files.read'), accessTokenLifetime: 120 }),
  ]
  for (const record of records) await world.stores.resources.saveResource(record, occasionIn(world))
  return world
}

const client = (world: World, over: Record<string, string | string[]> = {}) =>
  exchange(world, { grant_type: 'client_credentials', ...over })

t.test(
  '[ADJ-20] a JWT access token says for whom, by whom and about whom it is, and never more than that',
  async (t) => {
    const world = await opened()
    const got = await obtainCode(world, { scope: 'openid notes.read', resource: NOTES })
    const { accessToken, body } = tokensOf(await redeem(world, got))
    t.match(body, { expires_in: 600, scope: 'notes.read', token_type: 'Bearer' })
    const header = JSON.parse(Buffer.from(accessToken.split('.')[0] ?? '', 'base64url').toString())
    t.match(header, { typ: 'at+jwt', alg: 'ES256' })
    const claims = claimsOf(accessToken)
    t.match(claims, {
      iss: 'https://op.example',
      aud: NOTES,
      sub: 'alice',
      client_id: 'app',
      scope: 'notes.read',
      acr: '1',
    })
    t.equal(Number(claims['exp']) - Number(claims['iat']), 600)
    t.notOk('nonce' in claims || 'email' in claims)
    t.equal(statusOf(await userinfo(world, accessToken)), 403)
  },
)

t.test('[unit] a JWT without a named resource keeps openid, and is dead at userinfo with its grant', async (t) => {
  const world = await opened()
  const got = await obtainCode(world, { scope: 'openid notes.read' })
  const { accessToken } = tokensOf(await redeem(world, got))
  t.same(claimsOf(accessToken)['aud'], NOTES)
  t.equal(statusOf(await userinfo(world, accessToken)), 200)
  const [head, , signature] = accessToken.split('.')
  const forged = Buffer.from(JSON.stringify({ ...claimsOf(accessToken), sub: 'bob' })).toString('base64url')
  refused(t, await userinfo(world, `${head}.${forged}.${signature}`), 401, 'invalid_token')
  await setPerson(world, 'disabled')
  refused(t, await userinfo(world, accessToken), 401, 'invalid_token')
  await setPerson(world, 'active')
  refused(t, await redeem(world, got), 400, 'invalid_grant', 'a replay of its code')
  refused(t, await userinfo(world, accessToken), 401, 'invalid_token')
  const { idToken } = tokensOf(await redeem(world, await obtainCode(world, { scope: 'openid notes.read' })))
  refused(t, await userinfo(world, idToken), 401, 'invalid_token', 'an ID token is no access token')
})

t.test(
  '[ADJ-18, ADJ-19, ADV-101, ADV-117] resources limit a token to themselves, and what was not granted is refused',
  async (t) => {
    const world = await opened()
    const scope = 'openid notes.read files.read'
    const got = await obtainCode(world, { scope, resource: [NOTES, FILES] })
    refused(t, await redeem(world, got, { resource: 'https://other.example' }), 400, 'invalid_target', 'unknown')
    refused(t, await redeem(world, got, { resource: 'not a URI' }), 400, 'invalid_target', 'no URI')
    refused(t, await redeem(world, got, { resource: `${NOTES}#x` }), 400, 'invalid_target', 'a fragment')
    refused(t, await redeem(world, got), 400, 'invalid_target', 'both at once, of which one takes JWTs')
    const { body } = tokensOf(await redeem(world, got, { resource: FILES }))
    t.match(body, { scope: 'files.read', expires_in: 120 })
    const limited = await obtainCode(world, { scope, resource: FILES })
    refused(t, await redeem(world, limited, { resource: NOTES }), 400, 'invalid_target', 'not among those granted')
    for (const resource of ['https://other.example', 'x', `${NOTES}#f`]) {
      t.equal(answerOf(await ask(world.browser(), { scope, resource })).get('error'), 'invalid_target', resource)
    }
    const without = await ask(world.browser(), { scope: 'openid', resource: NOTES })
    t.equal(answerOf(without).get('error'), 'invalid_target', 'none of its scopes is asked for')
  },
)

t.test('[unit] a resource that was not consented to is asked for again', async (t) => {
  const world = await opened()
  const browser = world.browser()
  const request = { scope: 'openid notes.read' }
  await passThrough(browser, await ask(browser, request))
  t.equal((await ask(browser, request)).kind, 'redirect')
  const named = await ask(browser, { ...request, resource: NOTES })
  t.equal(named.kind, 'interact')
  await passThrough(browser, named)
  t.equal((await ask(browser, { ...request, resource: NOTES })).kind, 'redirect')
})

t.test(
  '[V21-17, R6819-26] a client in its own name is given its own scopes, never a person, an ID token or a refresh token',
  async (t) => {
    const world = await opened()
    const { body, accessToken } = tokensOf(await client(world, { scope: 'files.read' }))
    t.same(Object.keys(body).sort(), ['access_token', 'expires_in', 'scope', 'token_type'])
    t.match(body, { scope: 'files.read', expires_in: 120 })
    refused(t, await userinfo(world, accessToken), 401, 'invalid_token')
    for (const scope of ['openid', 'files.read openid', 'offline_access', 'unknown']) {
      refused(t, await client(world, { scope }), 400, 'invalid_scope', scope)
    }
    refused(t, await client(world), 400, 'invalid_target', 'all its scopes are for two resources')
    const jwt = tokensOf(await client(world, { resource: NOTES }))
    t.match(claimsOf(jwt.accessToken), { aud: NOTES, sub: 'app', client_id: 'app', scope: 'notes.read notes.write' })
    t.notOk('gid' in claimsOf(jwt.accessToken))
    refused(t, await client(world, { resource: NOTES, scope: 'files.read' }), 400, 'invalid_target')
    await world.client({
      clientId: clientId('spa'),
      authMethod: 'none',
      secrets: [],
      grantTypes: ['client_credentials'],
    })
    const form = { grant_type: 'client_credentials', client_id: 'spa' }
    refused(t, await exchange(world, form, { authorization: '' }), 400, 'unauthorized_client', 'a public client')
    await changeClient(world, { grantTypes: ['authorization_code'] })
    refused(t, await client(world, { scope: 'files.read' }), 400, 'unauthorized_client')
  },
)

t.test('[unit] what a client holds in its own name dies with it', async (t) => {
  const { stores } = openStores()
  const world = createWorld({ stores })
  await world.client({ scopes: ['orphan'], grantTypes: ['client_credentials'] })
  const reply = await exchange(
    world,
    { grant_type: 'client_credentials' },
    { authorization: basic('app', CLIENT_SECRET) },
  )
  t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
  t.equal(bodyOf(reply)['scope'], 'orphan')
  await changeClient(world, { disabled: true })
  refused(t, await exchange(world, { grant_type: 'client_credentials' }), 401, 'invalid_client')
})
