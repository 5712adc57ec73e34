// Owns signed authorization requests and answers as client libraries make and read them, over HTTP: JAR, JARM, and both with PAR.

import type { JsonWebKey } from 'node:crypto'
import type { CryptoKey } from 'jose'
import * as oauth from 'oauth4webapi'
import * as client from 'openid-client'
import t from 'tap'
import { createVisitor } from '../support/person.ts'
import { assertionKey, CALLBACK, claimsOf, type Metadata, prepare, refusalOf, register } from './openid-client.ts'
import { AS_ALICE, openWorld } from './world.ts'

const INSECURE = { [oauth.allowInsecureRequests]: true } as const

const world = await openWorld(t)
const { issuer, alice } = world

const keysOf = (jwk: JsonWebKey): Metadata => ({ jwks: JSON.parse(JSON.stringify({ keys: [jwk] })) })

/** Parameters of a request with what its answer must fit. */
const prepared = async (config: client.Configuration, more: Readonly<Record<string, string>> = {}) => {
  const { url, checks } = await prepare(config, more)
  return { parameters: Object.fromEntries(new URL(url).searchParams), checks }
}

const finish = async (
  config: client.Configuration,
  url: string,
  checks: client.AuthorizationCodeGrantChecks,
): Promise<void> => {
  const arrival = await createVisitor(issuer).signIn(url, AS_ALICE)
  const answer =
    arrival.posted === undefined
      ? new URL(arrival.url)
      : new Request(arrival.url, { method: 'POST', body: new URLSearchParams([...arrival.posted]) })
  const tokens = await client.authorizationCodeGrant(config, answer, checks)
  t.equal(claimsOf(tokens).sub, alice)
}

t.test(
  '[OIDC-23, ADJ-16] openid-client signs its requests by each algorithm, and an attacker between changes nothing',
  async (t) => {
    for (const alg of ['RS256', 'PS256', 'ES256', 'EdDSA']) {
      const { key, jwk } = await assertionKey(alg)
      const config = await register(world, { ...keysOf(jwk), require_signed_request_object: true })
      const { parameters, checks } = await prepared(config)
      const { href } = await client.buildAuthorizationUrlWithJAR(config, parameters, { key, kid: `by-${alg}` })
      await finish(config, href, checks)
      const tampered = new URL(href)
      tampered.searchParams.set('scope', 'openid email')
      tampered.searchParams.set('state', 'another')
      await finish(config, tampered.href, checks)
      const plain = await createVisitor(issuer).open((await prepare(config)).url)
      t.equal(new URL(plain.url).searchParams.get('error'), 'invalid_request', 'unsigned it has no way in')
    }
  },
)

t.test('[CONF-H3] openid-client reads signed answers, in the query and in a form, errors too', async (t) => {
  for (const alg of ['RS256', 'ES256', 'EdDSA']) {
    const config = await register(world, { authorization_signed_response_alg: alg })
    client.useJwtResponseMode(config)
    for (const mode of ['jwt', 'form_post.jwt']) {
      const { parameters, checks } = await prepared(config, { response_mode: mode })
      const { href } = client.buildAuthorizationUrl(config, { ...parameters, response_mode: mode })
      await finish(config, href, checks)
    }
    const { parameters, checks } = await prepared(config, { prompt: 'none' })
    const { href } = client.buildAuthorizationUrl(config, parameters)
    const arrival = await createVisitor(issuer).open(href)
    t.match(await refusalOf(client.authorizationCodeGrant(config, new URL(arrival.url), checks)), {
      error: 'login_required',
    })
  }
})

/** A client that authenticates and signs by one key, and pushes everything signed. */
const strictClient = async (alg: string): Promise<{ readonly metadata: Metadata; readonly key: CryptoKey }> => {
  const { key, jwk } = await assertionKey(alg)
  const metadata = {
    ...keysOf(jwk),
    token_endpoint_auth_method: 'private_key_jwt',
    require_pushed_authorization_requests: true,
    require_signed_request_object: true,
    request_object_signing_alg: alg,
    authorization_signed_response_alg: 'ES256',
    id_token_signed_response_alg: 'ES256',
  }
  return { metadata, key }
}

t.test(
  '[CONF-H1, CONF-H3, FAPI-21] openid-client pushes a signed request by private_key_jwt and reads a signed answer',
  async (t) => {
    for (const alg of ['PS256', 'ES256']) {
      const { metadata, key } = await strictClient(alg)
      const signing = { key, kid: `by-${alg}` }
      const config = await register(world, metadata, () => client.PrivateKeyJwt(signing))
      client.useJwtResponseMode(config)
      const { parameters, checks } = await prepared(config)
      const signed = await client.buildAuthorizationUrlWithJAR(config, parameters, signing)
      const { href } = await client.buildAuthorizationUrlWithPAR(config, signed.searchParams)
      t.same([...new URL(href).searchParams.keys()].sort(), ['client_id', 'request_uri'])
      await finish(config, href, checks)
      const unsigned = client.buildAuthorizationUrlWithPAR(config, parameters)
      t.match(await refusalOf(unsigned), { error: 'invalid_request', status: 400 })
      const late = await client.buildAuthorizationUrlWithJAR(config, parameters, signing, {
        [client.modifyAssertion]: (_header, payload) => {
          payload['exp'] = Number(payload['nbf']) + 4200
        },
      })
      const refused = client.buildAuthorizationUrlWithPAR(config, late.searchParams)
      t.match(await refusalOf(refused), { error: 'invalid_request_object', status: 400 })
    }
  },
)

t.test(
  '[CONF-H1, CONF-H3, OIDC-23] oauth4webapi pushes a request object by private_key_jwt and validates the signed answer',
  async (t) => {
    const { metadata, key } = await strictClient('ES256')
    const made = await world.client({ client_name: 'oauth4webapi', redirect_uris: [CALLBACK], ...metadata })
    const url = new URL(issuer)
    const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, INSECURE))
    t.match(server, {
      request_parameter_supported: true,
      response_modes_supported: ['query', 'form_post', 'jwt', 'query.jwt', 'form_post.jwt'],
    })
    const party = { client_id: made.clientId, authorization_signed_response_alg: 'ES256' }
    const signing = { key, kid: 'by-ES256' }
    const verifier = oauth.generateRandomCodeVerifier()
    const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
    const request = await oauth.issueRequestObject(
      server,
      party,
      {
        response_type: 'code',
        response_mode: 'jwt',
        redirect_uri: CALLBACK,
        scope: 'openid',
        state,
        nonce,
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      },
      signing,
    )
    const auth = oauth.PrivateKeyJwt(signing)
    const response = await oauth.pushedAuthorizationRequest(server, party, auth, { request }, INSECURE)
    const { request_uri } = await oauth.processPushedAuthorizationResponse(server, party, response)
    const visit = new URL(server.authorization_endpoint ?? '')
    visit.search = new URLSearchParams({ client_id: made.clientId, request_uri }).toString()
    const { url: back } = await createVisitor(issuer).signIn(visit.href, AS_ALICE)
    const answer = await oauth.validateJwtAuthResponse(server, party, new URL(back), state, INSECURE)
    t.same([...new URL(back).searchParams.keys()], ['response'])
    const redeemed = await oauth.authorizationCodeGrantRequest(
      server,
      party,
      auth,
      answer,
      CALLBACK,
      verifier,
      INSECURE,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(
      server,
      { ...party, id_token_signed_response_alg: 'ES256' },
      redeemed,
      { expectedNonce: nonce, requireIdToken: true },
    )
    t.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, alice)
  },
)
