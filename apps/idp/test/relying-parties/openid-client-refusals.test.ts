// Owns what openid-client makes of refusals: each arrives as the error that the library names, and costs nobody what is his.

import { generateKeyPairSync } from 'node:crypto'
import * as client from 'openid-client'
import t from 'tap'
import { createVisitor } from '../support/person.ts'
import { assertionKey, CALLBACK, prepare, refusalOf, register, signIn } from './openid-client.ts'
import { AS_ALICE, openWorld } from './world.ts'

const world = await openWorld(t)
const { issuer, alice } = world

t.test('[unit] an assertion by another key is refused, and the code stays good for the right one', async (t) => {
  const { key, jwk } = await assertionKey('ES256')
  const jwks = JSON.parse(JSON.stringify({ keys: [jwk] }))
  const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks }
  const config = await register(world, metadata, () => client.PrivateKeyJwt({ key, kid: 'by-ES256' }))
  const { url, checks } = await prepare(config)
  const { url: back } = await createVisitor(issuer).signIn(url, AS_ALICE)
  const other = await assertionKey('ES256')
  const stranger = await client.discovery(
    new URL(issuer),
    config.clientMetadata().client_id,
    undefined,
    client.PrivateKeyJwt({ key: other.key, kid: 'by-ES256' }),
    { execute: [client.allowInsecureRequests] },
  )
  t.match(await refusalOf(client.authorizationCodeGrant(stranger, new URL(back), checks)), { error: 'invalid_client' })
  t.ok(await client.authorizationCodeGrant(config, new URL(back), checks))
})

t.test('[CONF-B-oidcc-prompt-none-not-logged-in, OIDC-03] nobody signed in is answered without a page', async (t) => {
  const config = await register(world)
  const { url, checks } = await prepare(config, { prompt: 'none' })
  const { url: back } = await createVisitor(issuer).open(url)
  t.match(await refusalOf(client.authorizationCodeGrant(config, new URL(back), checks)), { error: 'login_required' })

  const visitor = createVisitor(issuer)
  await signIn(config, visitor)
  const wider = await prepare(config, { prompt: 'none', scope: 'openid email' })
  const { url: again } = await visitor.open(wider.url)
  const refused = await refusalOf(client.authorizationCodeGrant(config, new URL(again), wider.checks))
  t.match(refused, { error: 'consent_required' })
})

t.test('[R7636-04, R9700-05, R9700-06, R9700-07] a request without PKCE S256 is refused', async (t) => {
  const confidential = await register(world)
  const native = await register(
    world,
    { application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: [CALLBACK] },
    client.None,
  )
  for (const config of [confidential, native]) {
    const without = client.buildAuthorizationUrl(config, { redirect_uri: CALLBACK, scope: 'openid', state: 's' })
    const plain = client.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid',
      state: 's',
      code_challenge: client.randomPKCECodeVerifier(),
      code_challenge_method: 'plain',
    })
    for (const url of [without, plain]) {
      const { url: back } = await createVisitor(issuer).open(url.href)
      const refused = client.authorizationCodeGrant(config, new URL(back), { expectedState: 's' })
      t.match(await refusalOf(refused), { error: 'invalid_request', error_description: /code_challenge/ })
    }
  }
})

t.test('[R7636-05, R9700-31, OIDC-14] a code under another verifier is refused and stays good', async (t) => {
  const config = await register(world)
  const { url, checks } = await prepare(config)
  const { url: back } = await createVisitor(issuer).signIn(url, AS_ALICE)
  const wrong = { ...checks, pkceCodeVerifier: client.randomPKCECodeVerifier() }
  const refused = await refusalOf(client.authorizationCodeGrant(config, new URL(back), wrong))
  t.match(refused, { error: 'invalid_grant', status: 400 })
  t.ok(await client.authorizationCodeGrant(config, new URL(back), checks))
})

t.test('[CONF-B-oidcc-codereuse, V21-16] a code used twice is refused, and its access token dies', async (t) => {
  const config = await register(world)
  const { url, checks } = await prepare(config)
  const { url: back } = await createVisitor(issuer).signIn(url, AS_ALICE)
  const tokens = await client.authorizationCodeGrant(config, new URL(back), checks)
  t.ok(await client.fetchUserInfo(config, tokens.access_token, alice))
  const again = await refusalOf(client.authorizationCodeGrant(config, new URL(back), checks))
  t.match(again, { error: 'invalid_grant', status: 400 })
  const dead = await refusalOf(client.fetchUserInfo(config, tokens.access_token, alice))
  t.match(dead, { cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }], status: 401 })
})

t.test('[OIDC-13] a person who denies comes back with access_denied, state and issuer', async (t) => {
  const config = await register(world)
  const { url, checks } = await prepare(config)
  const { url: back } = await createVisitor(issuer).signIn(url, { ...AS_ALICE, consent: 'deny' })
  const refused = await refusalOf(client.authorizationCodeGrant(config, new URL(back), checks))
  t.match(refused, { error: 'access_denied' })
  t.equal(new URL(back).searchParams.get('iss'), issuer)
})

t.test(
  '[CONF-B-oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported] no unsigned request object is offered, and one that a strange key signed is refused',
  async (t) => {
    const config = await register(world)
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
    const key = await crypto.subtle.importKey(
      'jwk',
      privateKey.export({ format: 'jwk' }),
      { name: 'ECDSA', namedCurve: 'P-256' },
      false,
      ['sign'],
    )
    const parameters = { redirect_uri: CALLBACK, scope: 'openid', state: 's' }
    const url = await client.buildAuthorizationUrlWithJAR(config, parameters, key)
    // The library sends what is inside only; the redirect URI outside lets the refusal come back at all.
    for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value)
    const { url: back } = await createVisitor(issuer).open(url.href)
    const refused = await refusalOf(client.authorizationCodeGrant(config, new URL(back), { expectedState: 's' }))
    t.match(refused, { error: 'invalid_request_object' })
    // Where the list is published without `none`, nobody may send an unsigned one.
    const { request_object_signing_alg_values_supported: algs = [] } = config.serverMetadata()
    t.ok(Array.isArray(algs) && algs.length > 0 && !algs.includes('none'))
  },
)
