// Owns pushed authorization requests as client libraries make them, over HTTP: openid-client and oauth4webapi, by secret and by assertion.

import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import t from 'tap'
import { createVisitor } from '../support/person.ts'
import { assertionKey, CALLBACK, claimsOf, prepare, refusalOf, register } from './openid-client.ts'
import { AS_ALICE, openWorld } from './world.ts'

const INSECURE = { [oauth.allowInsecureRequests]: true } as const

const world = await openWorld(t)
const { issuer, alice } = world

/** Pushes the parameters of a prepared request, and answers where the browser goes with the reference. */
const pushPrepared = async (config: client.Configuration, more: Readonly<Record<string, string>> = {}) => {
  const { url, checks } = await prepare(config, more)
  const parameters = Object.fromEntries(new URL(url).searchParams)
  const { href } = await client.buildAuthorizationUrlWithPAR(config, parameters)
  return { href, checks }
}

t.test(
  '[ADJ-12, CONF-G-par-without-duplicate-parameters, ADJ-15] openid-client signs in by a pushed request, of a client that must push',
  async (t) => {
    const config = await register(world, { require_pushed_authorization_requests: true })
    const { href, checks } = await pushPrepared(config, { scope: 'openid email' })
    t.same([...new URL(href).searchParams.keys()].sort(), ['client_id', 'request_uri'])
    const visitor = createVisitor(issuer)
    const arrival = await visitor.signIn(href, AS_ALICE)
    const tokens = await client.authorizationCodeGrant(config, new URL(arrival.url), checks)
    t.match(claimsOf(tokens), { sub: alice, nonce: checks.expectedNonce })
    const again = await visitor.open(href)
    t.equal(again.status, 409)
    t.match(again.body, /finished/)
    const plain = await visitor.open((await prepare(config)).url)
    t.equal(new URL(plain.url).searchParams.get('error'), 'invalid_request')
  },
)

t.test(
  '[ADJ-10, CONF-G-par-test-par-endpoint-url-as-audience-fails] openid-client pushes by private_key_jwt, for the issuer and never for the endpoint itself',
  async (t) => {
    const { key, jwk } = await assertionKey('ES256')
    const metadata = {
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: JSON.parse(JSON.stringify({ keys: [jwk] })),
    }
    let audience: string | undefined
    const config = await register(world, metadata, () =>
      client.PrivateKeyJwt(
        { key, kid: 'by-ES256' },
        {
          [client.modifyAssertion]: (_header, payload) => {
            if (audience !== undefined) payload['aud'] = audience
          },
        },
      ),
    )
    const { href, checks } = await pushPrepared(config)
    const arrival = await createVisitor(issuer).signIn(href, AS_ALICE)
    const tokens = await client.authorizationCodeGrant(config, new URL(arrival.url), checks)
    t.equal(claimsOf(tokens).sub, alice)
    audience = config.serverMetadata().pushed_authorization_request_endpoint
    t.equal(audience, `${issuer}/par`)
    t.match(await refusalOf(pushPrepared(config)), { error: 'invalid_client', status: 401 })
  },
)

t.test('[ADJ-12, ADJ-13] oauth4webapi accepts both the answer to a push and the refusal of one', async (t) => {
  const made = await world.client({ client_name: 'oauth4webapi', redirect_uris: [CALLBACK] })
  const url = new URL(issuer)
  const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, INSECURE))
  const party = { client_id: made.clientId }
  const auth = oauth.ClientSecretBasic(made.clientSecret)
  const verifier = oauth.generateRandomCodeVerifier()
  const parameters = {
    response_type: 'code',
    redirect_uri: CALLBACK,
    scope: 'openid',
    nonce: 'n-1',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  const send = (over: Readonly<Record<string, string>> = {}) =>
    oauth.pushedAuthorizationRequest(server, party, auth, { ...parameters, ...over }, INSECURE)
  const response = await send()
  t.equal(response.headers.get('cache-control'), 'no-store')
  const { request_uri, expires_in } = await oauth.processPushedAuthorizationResponse(server, party, response)
  t.equal(expires_in, 60)
  const visit = new URL(server.authorization_endpoint ?? '')
  visit.search = new URLSearchParams({ client_id: made.clientId, request_uri }).toString()
  const { url: back } = await createVisitor(issuer).signIn(visit.href, AS_ALICE)
  const answer = oauth.validateAuthResponse(server, party, new URL(back), oauth.expectNoState)
  t.ok(answer.get('code'))
  const refused = await send({ redirect_uri: 'https://evil.example/' })
  t.match(await refusalOf(oauth.processPushedAuthorizationResponse(server, party, refused)), {
    error: 'invalid_request',
    status: 400,
  })
})
