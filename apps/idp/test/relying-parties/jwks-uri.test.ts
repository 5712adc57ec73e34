// Owns clients that publish their keys, signing in by openid-client: a rotation, an outage, and addresses that lead inside.

import { clientId } from '@vouchsafe/core'
import { updateClient } from '@vouchsafe/core/admin'
import { cryptoRandom, nodeHasher, systemClock } from '@vouchsafe/core/ports-node'
import * as client from 'openid-client'
import t from 'tap'
import { createVisitor } from '../support/person.ts'
import { assertionKey, claimsOf, prepare, refusalOf, register, signIn } from './openid-client.ts'
import { AS_ALICE, openWorld, serve } from './world.ts'

const world = await openWorld(t)
const { issuer, alice } = world

t.test(
  '[CONF-D-oidcc-registration-jwks-uri, OPS-059] a client publishes its keys, and signs in with a new one as soon as it is published',
  async (t) => {
    const first = await assertionKey('ES256')
    const second = await assertionKey('PS256')
    let keys: readonly unknown[] = [first.jwk]
    let asked = 0
    const rp = await serve(t, () => (_, response) => {
      asked += 1
      response.setHeader('Content-Type', 'application/jwk-set+json')
      response.end(JSON.stringify({ keys }))
    })
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: `${rp}/jwks.json` }
    let signing = { key: first.key, kid: 'by-ES256' }
    const config = await register(
      world,
      metadata,
      () =>
        (...call) =>
          client.PrivateKeyJwt(signing)(...call),
    )
    const visitor = createVisitor(issuer)
    t.equal(claimsOf(await signIn(config, visitor)).sub, alice)
    t.equal(claimsOf(await signIn(config, visitor)).sub, alice)
    t.equal(asked, 1, 'fetched once')
    keys = [second.jwk]
    signing = { key: second.key, kid: 'by-PS256' }
    t.equal(claimsOf(await signIn(config, visitor)).sub, alice, 'with the key it has rotated to')
    t.equal(asked, 2)
    signing = { key: first.key, kid: 'by-ES256' }
    t.match(
      await refusalOf(signIn(config, visitor)),
      { error: 'invalid_client', status: 401 },
      'no longer with the old one',
    )
  },
)

t.test(
  '[WEB-048, ADV-017] a client whose keys cannot be had is refused as one that does not prove itself',
  async (t) => {
    const { key, jwk } = await assertionKey('ES256')
    let reached = 0
    const inside = await serve(t, () => (_, response) => {
      reached += 1
      response.end(JSON.stringify({ keys: [jwk] }))
    })
    const away = await serve(t, () => (_, response) => response.writeHead(302, { Location: inside }).end())
    const metadata = { token_endpoint_auth_method: 'private_key_jwt', jwks_uri: away }
    const config = await register(world, metadata, () => client.PrivateKeyJwt({ key, kid: 'by-ES256' }))
    const { url, checks } = await prepare(config)
    const arrival = await createVisitor(issuer).signIn(url, AS_ALICE)
    const exchange = (): Promise<unknown> =>
      refusalOf(client.authorizationCodeGrant(config, new URL(arrival.url), checks))
    const told = { error: 'invalid_client', status: 401, error_description: /cannot be had from its jwks_uri$/ }
    t.match(await exchange(), told)
    t.equal(reached, 0, 'a redirect is not followed')
    // The code is still good: nothing is consumed by a client that has not proved itself.
    const ports = { clock: systemClock, random: cryptoRandom, hasher: nodeHasher }
    const changed = await updateClient(
      { stores: world.database.stores, ports },
      {
        actor: 'test',
        clientId: clientId(config.clientMetadata().client_id),
        change: { jwks_uri: inside },
        policy: {
          development: true,
          grantTypes: ['authorization_code'],
          scopes: 'any',
          unknownFields: 'refuse',
          fetches: true,
        },
        version: undefined,
      },
    )
    t.ok(changed.ok)
    const node = await world.start({ FETCH_LOOPBACK: 'false' })
    const strict = new URL(`${node.origin}/token`)
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      code: new URL(arrival.url).searchParams.get('code') ?? '',
    })
    await client.PrivateKeyJwt({ key, kid: 'by-ES256' })(
      config.serverMetadata(),
      config.clientMetadata(),
      body,
      new Headers(),
    )
    const refused = await fetch(strict, { method: 'POST', body })
    t.equal(refused.status, 401)
    t.match(await refused.json(), { error: 'invalid_client', error_description: told.error_description })
    t.equal(reached, 0, 'a node that may not reach this machine does not')
    const tokens = await client.authorizationCodeGrant(config, new URL(arrival.url), checks)
    t.equal(claimsOf(tokens).sub, alice)
    t.equal(reached, 1)
  },
)
