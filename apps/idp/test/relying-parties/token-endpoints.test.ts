// Owns openid-client and oauth4webapi at the machine's endpoints: refreshing, tokens of a client's own, asking and giving back.

import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import t from 'tap'
import { createVisitor } from '../support/person.ts'
import { claimsOf, refusalOf, register, signIn } from './openid-client.ts'
import { openWorld } from './world.ts'

const world = await openWorld(t)
const { issuer, alice, database } = world

const NOTES = 'https://notes.example'
const occasion = { now: Math.floor(Date.now() / 1000) as never, events: [] }
await database.stores.resources.saveResource(
  {
    identifier: NOTES,
    version: 1,
    name: 'Notes',
    scopes: [{ name: 'notes.read', description: 'Read your notes', sensitive: false }],
    tokenFormat: 'jwt',
    accessTokenLifetime: 300,
    signingAlg: 'ES256',
    introspectionClients: [],
  },
  occasion,
)

const LASTING = {
  scope: 'openid email notes.read',
  grant_types: ['authorization_code', 'refresh_token', 'client_credentials'],
}

t.test('[CONF-B-oidcc-refresh-token, OIDC-30] openid-client refreshes, narrows, asks and gives back', async (t) => {
  const config = await register(world, LASTING)
  const scope = 'openid email offline_access'
  const tokens = await signIn(config, createVisitor(issuer), { scope, prompt: 'consent' })
  t.equal(tokens.scope, scope)
  const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
  t.equal(claimsOf(refreshed).sub, alice)
  t.not(refreshed.refresh_token, tokens.refresh_token)
  const narrow = await client.refreshTokenGrant(config, refreshed.refresh_token ?? '', { scope: 'openid' })
  t.equal(narrow.scope, 'openid')
  const asked = await client.tokenIntrospection(config, narrow.access_token)
  t.match(asked, { active: true, sub: alice, scope: 'openid', client_id: config.clientMetadata().client_id })
  await client.tokenRevocation(config, narrow.refresh_token ?? '', { token_type_hint: 'refresh_token' })
  t.same(await client.tokenIntrospection(config, narrow.access_token), { active: false })
  const dead = await refusalOf(client.refreshTokenGrant(config, narrow.refresh_token ?? ''))
  t.match(dead, { error: 'invalid_grant', status: 400 })
})

t.test(
  '[V21-17] openid-client gets a token in its own name, as a JWT that its resource verifies by our keys',
  async (t) => {
    const config = await register(world, LASTING)
    const tokens = await client.clientCredentialsGrant(config, { resource: NOTES, scope: 'notes.read' })
    t.notOk(tokens.refresh_token ?? tokens.id_token)
    const as = { issuer, jwks_uri: `${issuer}/jwks` }
    const request = new Request(NOTES, { headers: { authorization: `Bearer ${tokens.access_token}` } })
    const options = { [oauth.allowInsecureRequests]: true }
    const claims = await oauth.validateJwtAccessToken(as, request, NOTES, options)
    t.match(claims, { sub: config.clientMetadata().client_id, scope: 'notes.read', aud: NOTES })
  },
)
