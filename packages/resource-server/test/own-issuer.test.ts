// Owns the two ends together: tokens of our own core, over HTTP and by a client library that others wrote, at an API that this package
// guards. Never reaches into either.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import {
  clientId,
  createProvider,
  type Instant,
  instant,
  type Provider,
  reveal,
  type Stores,
  subject,
} from '@vouchsafe/core'
import { createClient } from '@vouchsafe/core/admin'
import { staticKeys } from '@vouchsafe/core/keys'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { createNodeSigner, generateSigningKey, nodePorts } from '@vouchsafe/core/ports-node'
import { createNodeDoor, type NodeDoor } from '@vouchsafe/http/node'
import * as oauth from 'oauth4webapi'
import t, { type Test } from 'tap'
import { call, challengesOf, createClock, startApi, type TestApi, type TestClock } from './api.ts'

const REDIRECT_URI = 'http://localhost:4000/callback'
const OTHER = 'https://other.example'
const API = 'notes-api'
const insecure = { [oauth.allowInsecureRequests]: true }

interface OwnIssuer {
  readonly url: string
  readonly stores: Stores
  readonly occasion: () => { readonly now: Instant; readonly events: readonly [] }
  readonly secret: string
  /** Of the API, which asks what tokens are worth. */
  readonly apiSecret: string
}

/** Signs alice in and allows everything at once, where a person would be asked. */
const agree = async (
  provider: Provider,
  door: NodeDoor,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> => {
  const id = /^\/interaction\/([\w-]+)$/.exec(request.url ?? '')?.[1] ?? ''
  const wire = await door.readRequest(request)
  if (!wire.ok) return door.send(wire.error, response)
  const reply = await provider.interactions.resume(wire.value, id)
  if (reply.kind !== 'interact') return door.send(reply, response)
  const { prompt, csrf } = reply.interaction
  const submission = { id, csrf }
  const facts = { subject: subject('alice'), amr: ['pwd'], acr: undefined }
  const next =
    prompt.kind === 'consent'
      ? await provider.interactions.consented(wire.value, submission)
      : await provider.interactions.authenticated(wire.value, { ...submission, facts })
  return door.send(next, response)
}

const startOwnIssuer = async (t: Test, clock: TestClock): Promise<OwnIssuer> => {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const url = `http://localhost:${typeof address === 'object' ? address?.port : ''}`
  const generated = await Promise.all((['RS256', 'ES256'] as const).map((alg) => generateSigningKey(alg)))
  const keys = staticKeys(generated.map((key) => ({ ...key, state: 'active' })))
  const accounts = { find: (id: string) => (id === 'alice' ? { claims: { name: 'Alice' } } : undefined) }
  const now = { now: () => instant(clock.now()) }
  const ports = { ...nodePorts, clock: now, signer: createNodeSigner(generated), keys, accounts }
  const stores = createMemoryStores()
  const provider = createProvider({ issuer: url, stores, ports, features: { introspection: true, revocation: true } })
  const door = createNodeDoor(provider)
  server.on('request', async (request, response) => {
    if (!(await door.serve(request, response))) await agree(provider, door, request, response)
  })
  const grants = ['authorization_code', 'refresh_token', 'client_credentials']
  const policy = { development: true, grantTypes: grants, scopes: 'any', unknownFields: 'refuse' } as const
  const metadata = {
    client_name: 'ERP',
    redirect_uris: [REDIRECT_URI],
    grant_types: grants,
    scope: 'openid offline_access notes:read notes:write',
  }
  const register = async (clientId: string, over: object): Promise<string> => {
    const creation = { clientId, actor: 'test', metadata: { ...metadata, ...over }, policy }
    const made = await createClient({ stores, ports }, creation)
    if (!made.ok || made.value.secret === undefined) throw new Error('no client')
    return reveal(made.value.secret)
  }
  const secret = await register('erp', {})
  const apiSecret = await register(API, { redirect_uris: [], grant_types: ['client_credentials'] })
  const occasion = (): ReturnType<OwnIssuer['occasion']> => ({ now: instant(clock.now()), events: [] })
  return { url, stores, occasion, secret, apiSecret }
}

const RESOURCE = { version: 1, name: 'Notes', accessTokenLifetime: undefined } as const

/** An ERP at our own issuer, and an API that takes its tokens in one of the two forms. */
const start = async (t: Test, tokenFormat: 'jwt' | 'opaque') => {
  const clock = createClock()
  const issuer = await startOwnIssuer(t, clock)
  const credentials = { method: 'client_secret_basic', clientId: API, clientSecret: issuer.apiSecret } as const
  const api = await startApi(t, (origin) => ({
    issuer: issuer.url,
    resource: `${origin}/v1`,
    tokens: tokenFormat === 'jwt' ? { format: 'jwt' } : { format: 'introspection', credentials, cacheSeconds: 0 },
    now: clock.now,
  }))
  const scopes = ['notes:read', 'notes:write'].map((name) => ({ name, description: name, sensitive: false }))
  const record = { ...RESOURCE, scopes, tokenFormat, signingAlg: 'ES256' } as const
  const { resources } = issuer.stores
  const own = { ...record, identifier: `${api.url}/v1`, introspectionClients: [clientId(API)] }
  await resources.saveResource(own, issuer.occasion())
  await resources.saveResource({ ...record, identifier: OTHER, introspectionClients: [] }, issuer.occasion())
  const url = new URL(issuer.url)
  const as = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, insecure))
  const client: oauth.Client = { client_id: 'erp', [oauth.clockSkew]: clock.now() - Math.floor(Date.now() / 1000) }
  return { clock, issuer, api, as, client, auth: oauth.ClientSecretBasic(issuer.secret) }
}

type Ends = Awaited<ReturnType<typeof start>>

/** Follows redirects with cookies until the address of the app. */
const visit = async (from: URL): Promise<URL> => {
  const cookies = new Map<string, string>()
  for (let url = from, steps = 0; steps < 10; steps++) {
    const cookie = [...cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { redirect: 'manual', headers: { cookie } })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      cookies.set(name, value)
    }
    const location = response.headers.get('location')
    if (location === null) throw new Error(`${response.status} ${await response.text()}`)
    url = new URL(location, url)
    if (url.href.startsWith(REDIRECT_URI)) return url
  }
  throw new Error('no end of redirects')
}

const signIn = async ({ as, client, auth }: Ends, scope: string, resource: string) => {
  const verifier = oauth.generateRandomCodeVerifier()
  const [state, nonce] = [oauth.generateRandomState(), oauth.generateRandomNonce()]
  const url = new URL(as.authorization_endpoint ?? '')
  const asked = {
    client_id: client.client_id,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope,
    resource,
    state,
    nonce,
    prompt: 'consent',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  }
  for (const [name, value] of Object.entries(asked)) url.searchParams.set(name, value)
  const back = oauth.validateAuthResponse(as, client, await visit(url), state)
  const response = await oauth.authorizationCodeGrantRequest(as, client, auth, back, REDIRECT_URI, verifier, insecure)
  return oauth.processAuthorizationCodeResponse(as, client, response, { expectedNonce: nonce })
}

const verdictOf = async (api: TestApi, token: string, path = '/v1/notes', method = 'GET') => {
  const answer = await call(`${api.url}${path}`, token, { method })
  const [challenge] = await challengesOf(answer)
  return `${answer.status} ${challenge?.parameters['error'] ?? ''}`.trim()
}

t.test(
  '[ADJ-20, ADJ-21, R9700-34] a JWT of our own core is good at its API, for its scopes, until it ends; then it is refreshed',
  async (t) => {
    const ends = await start(t, 'jwt')
    const { api, as, client, auth, clock } = ends
    const tokens = await signIn(ends, 'openid offline_access notes:read', `${api.url}/v1`)
    t.equal(await verdictOf(api, tokens.access_token), '200')
    t.match(api.seen.at(-1), { subject: 'alice', clientId: 'erp', scope: ['notes:read'], amr: ['pwd'], act: undefined })
    t.equal(await verdictOf(api, tokens.access_token, '/v1/notes', 'POST'), '403 insufficient_scope')
    t.equal(await verdictOf(api, tokens.access_token, '/v1/notes/private'), '403')
    t.equal(await verdictOf(api, tokens.id_token ?? ''), '401 invalid_token', 'an ID token is no access token')
    clock.advance(600)
    t.equal(await verdictOf(api, tokens.access_token), '401 invalid_token')
    const request = (): Promise<Response> =>
      oauth.refreshTokenGrantRequest(as, client, auth, tokens.refresh_token ?? '', insecure)
    const renewed = await oauth.processRefreshTokenResponse(as, client, await request())
    t.equal(await verdictOf(api, renewed.access_token), '200')
    const disabled = { subject: subject('alice'), status: 'disabled' } as const
    t.equal(await ends.issuer.stores.subjects.changeSubject(disabled, ends.issuer.occasion()), 'changed')
    const refused = await oauth
      .refreshTokenGrantRequest(as, client, auth, renewed.refresh_token ?? '', insecure)
      .then((response) => oauth.processRefreshTokenResponse(as, client, response))
      .catch((thrown: unknown) => thrown)
    t.match(refused, { error: 'invalid_grant' })
    clock.advance(600)
    t.equal(
      await verdictOf(api, renewed.access_token),
      '401 invalid_token',
      'and the API sees it at the end of the JWT',
    )
  },
)

t.test("[ADJ-20, R9700-34] a client's own JWT names the client, and one for another API is refused", async (t) => {
  const ends = await start(t, 'jwt')
  const { api, as, client, auth } = ends
  const grant = async (resource: string) => {
    const asked = new URLSearchParams({ scope: 'notes:read notes:write', resource })
    const response = await oauth.clientCredentialsGrantRequest(as, client, auth, asked, insecure)
    return oauth.processClientCredentialsResponse(as, client, response)
  }
  const own = await grant(`${api.url}/v1`)
  t.equal(await verdictOf(api, own.access_token, '/v1/notes', 'POST'), '200')
  t.match(api.seen.at(-1), { subject: 'erp', clientId: 'erp', authTime: undefined })
  const other = await grant(OTHER)
  t.equal(await verdictOf(api, other.access_token), '401 invalid_token')
  t.match(api.seen.at(-1), { reason: 'tokenAudienceWrong' })
})

t.test(
  '[ADV-007, ADJ-07, R9700-34] an opaque token of our own core is good for its scopes until it ends, is given back, or its person is stopped',
  async (t) => {
    const ends = await start(t, 'opaque')
    const { api, as, client, auth, clock, issuer } = ends
    const signedIn = (resource: string) => signIn(ends, 'openid offline_access notes:read', resource)
    const tokens = await signedIn(`${api.url}/v1`)
    t.equal(await verdictOf(api, tokens.access_token), '200')
    t.match(api.seen.at(-1), { subject: 'alice', clientId: 'erp', scope: ['notes:read'], amr: ['pwd'] })
    t.equal(await verdictOf(api, tokens.access_token, '/v1/notes', 'POST'), '403 insufficient_scope')
    t.equal(await verdictOf(api, tokens.access_token, '/v1/notes/private'), '403')
    t.equal(await verdictOf(api, tokens.refresh_token ?? ''), '401 invalid_token', 'a refresh token is no access token')
    t.equal(await verdictOf(api, 'unknown'), '401 invalid_token')
    t.equal(await verdictOf(api, (await signedIn(OTHER)).access_token), '401 invalid_token', 'nor one for another API')
    t.match(api.seen.at(-1), { reason: 'tokenInactive' })
    const change = (status: 'active' | 'disabled') =>
      issuer.stores.subjects.changeSubject({ subject: subject('alice'), status }, issuer.occasion())
    await change('disabled')
    t.equal(await verdictOf(api, tokens.access_token), '401 invalid_token', 'at once')
    await change('active')
    const next = await signedIn(`${api.url}/v1`)
    t.equal(await verdictOf(api, next.access_token), '200')
    await oauth.processRevocationResponse(await oauth.revocationRequest(as, client, auth, next.access_token, insecure))
    t.equal(await verdictOf(api, next.access_token), '401 invalid_token', 'at once')
    const last = await signedIn(`${api.url}/v1`)
    clock.advance(3600)
    t.equal(await verdictOf(api, last.access_token), '401 invalid_token')
    const request = oauth.refreshTokenGrantRequest(as, client, auth, last.refresh_token ?? '', insecure)
    const renewed = await oauth.processRefreshTokenResponse(as, client, await request)
    t.equal(await verdictOf(api, renewed.access_token), '200')
  },
)
