// Owns oauth4webapi as a relying party: the strictest reader of answers, which judges status, content type, members and headers of each.

import * as oauth from 'oauth4webapi'
import t from 'tap'
import { ALICE } from '../support/idp.ts'
import { createVisitor, type Visitor } from '../support/person.ts'
import { AS_ALICE, openWorld, type World } from './world.ts'

const INSECURE = { [oauth.allowInsecureRequests]: true } as const
const REDIRECT_URI = 'http://127.0.0.1:9/callback'

const world = await openWorld(t)

/** A relying party: the server's own metadata, its registration, and how it authenticates. */
interface Party {
  readonly server: oauth.AuthorizationServer
  readonly client: oauth.Client
  readonly auth: oauth.ClientAuth
  readonly secret: string
}

const discover = async (issuer: string, algorithm: 'oidc' | 'oauth2'): Promise<oauth.AuthorizationServer> => {
  const url = new URL(issuer)
  return oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm, ...INSECURE }))
}

const register = async ({ issuer, client }: World, metadata: Parameters<World['client']>[0] = {}): Promise<Party> => {
  const made = await client({ client_name: 'oauth4webapi', redirect_uris: [REDIRECT_URI], ...metadata })
  return {
    server: await discover(issuer, 'oidc'),
    client: { client_id: made.clientId },
    auth: oauth.ClientSecretBasic(made.clientSecret),
    secret: made.clientSecret,
  }
}

/** A visit that came back with a code. */
interface Returned {
  readonly parameters: URLSearchParams
  readonly verifier: string
  readonly nonce: string
}

const visit = async (party: Party, visitor: Visitor, redirectUri = REDIRECT_URI): Promise<Returned> => {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = ['~'.repeat(128), oauth.generateRandomNonce()]
  const url = new URL(party.server.authorization_endpoint ?? '')
  url.search = new URLSearchParams({
    client_id: party.client.client_id,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    nonce,
  }).toString()
  const { url: back } = await visitor.signIn(url.href, AS_ALICE)
  if (!back.startsWith(redirectUri)) throw new Error(`the person did not come back: ${back}`)
  return { parameters: oauth.validateAuthResponse(party.server, party.client, new URL(back), state), verifier, nonce }
}

const redeem = (party: Party, { parameters, verifier }: Returned, redirectUri = REDIRECT_URI): Promise<Response> =>
  oauth.authorizationCodeGrantRequest(
    party.server,
    party.client,
    party.auth,
    parameters,
    redirectUri,
    verifier,
    INSECURE,
  )

const finish = async (party: Party, returned: Returned, response: Response): Promise<oauth.TokenEndpointResponse> => {
  const tokens = await oauth.processAuthorizationCodeResponse(party.server, party.client, response, {
    expectedNonce: returned.nonce,
    requireIdToken: true,
  })
  await oauth.validateApplicationLevelSignature(party.server, response, INSECURE)
  return tokens
}

t.test(
  '[OIDC-48, R9700-29, R9207-01, R9207-04, OIDC-15] discovery, answer, tokens and userinfo pass every check',
  async (t) => {
    const party = await register(world)
    t.equal(party.server.authorization_response_iss_parameter_supported, true)
    const returned = await visit(party, createVisitor(world.issuer))
    const response = await redeem(party, returned)
    t.match(response.headers.get('content-type'), /^application\/json/)
    t.equal(response.headers.get('cache-control'), 'no-store')
    const tokens = await finish(party, returned, response)
    t.equal(tokens.scope, 'openid email')
    const answer = await oauth.userInfoRequest(party.server, party.client, tokens.access_token, INSECURE)
    const userinfo = await oauth.processUserInfoResponse(party.server, party.client, world.alice, answer)
    t.strictSame(userinfo, { sub: world.alice, email: ALICE.email, email_verified: true })
  },
)

t.test('[CONF-D-oidcc-redirect-uri-query-OK, CONF-A3] the query of a redirect URI comes back whole', async (t) => {
  const redirectUri = `${REDIRECT_URI}?tenant=a%20b&x=%2F`
  const party = await register(world, { redirect_uris: [redirectUri] })
  const returned = await visit(party, createVisitor(world.issuer), redirectUri)
  t.equal(returned.parameters.get('tenant'), 'a b')
  t.ok(await finish(party, returned, await redeem(party, returned, redirectUri)))
})

t.test('[ADJ-22, OIDC-48] an issuer with a path answers both well-known forms with one document', async (t) => {
  const inPath = await openWorld(t, '/team')
  const [oidc, oauth2] = [await discover(inPath.issuer, 'oidc'), await discover(inPath.issuer, 'oauth2')]
  t.strictSame(oidc, oauth2)
  t.equal(oidc.issuer, inPath.issuer)
  const party = await register(inPath)
  const returned = await visit(party, createVisitor(inPath.issuer))
  t.ok(await finish(party, returned, await redeem(party, returned)))
})

const challengesOf = async (work: Promise<unknown>): Promise<readonly oauth.WWWAuthenticateChallenge[]> => {
  try {
    await work
  } catch (error) {
    if (error instanceof oauth.WWWAuthenticateChallengeError) return error.cause
    throw error
  }
  return []
}

t.test('[V21-11, CONF-A10] a wrong secret by Basic is challenged for Basic, and costs nobody the code', async (t) => {
  const party = await register(world)
  const returned = await visit(party, createVisitor(world.issuer))
  const response = await redeem({ ...party, auth: oauth.ClientSecretBasic('wrong') }, returned)
  t.match(response.headers.get('content-type'), /^application\/json/)
  t.match(await response.clone().json(), { error: 'invalid_client' })
  const challenges = await challengesOf(finish(party, returned, response))
  t.match(challenges, [{ scheme: 'basic', parameters: { realm: String } }])
  t.equal(response.status, 401)
  t.ok(await finish(party, returned, await redeem(party, returned)))
})

t.test('[V21-22, OIDC-34] userinfo challenges a token that is none, and one changed by a character', async (t) => {
  const party = await register(world)
  const returned = await visit(party, createVisitor(world.issuer))
  const { access_token: good } = await finish(party, returned, await redeem(party, returned))
  for (const token of ['nonsense', `${good.slice(0, -1)}${good.endsWith('A') ? 'B' : 'A'}`, `${good}A`]) {
    const answer = await oauth.userInfoRequest(party.server, party.client, token, INSECURE)
    const challenges = await challengesOf(
      oauth.processUserInfoResponse(party.server, party.client, world.alice, answer),
    )
    t.match(challenges, [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }])
    t.equal(answer.status, 401)
  }
  const bare = await fetch(party.server.userinfo_endpoint ?? '')
  t.equal(bare.status, 401)
  t.notMatch(bare.headers.get('www-authenticate'), /error/, 'no error where no token was sent')
})

t.test('[R9700-30, R9207-03] issuer and audience tell a mix-up, and are one constant everywhere', async (t) => {
  const party = await register(world)
  const returned = await visit(party, createVisitor(world.issuer))
  t.equal(returned.parameters.get('iss'), world.issuer)
  const claims = oauth.getValidatedIdTokenClaims(await finish(party, returned, await redeem(party, returned)))
  t.match(claims, { iss: world.issuer, aud: party.client.client_id })
  t.equal(party.server.issuer, world.issuer)
  const other = { ...party.server, issuer: 'https://other.example' }
  const raw = new URLSearchParams([...returned.parameters])
  t.throws(() => oauth.validateAuthResponse(other, party.client, raw, oauth.skipStateCheck), /iss/)
})
