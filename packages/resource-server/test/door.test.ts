// Owns the public door: what a wrong configuration says, and the published document.

import { once } from 'node:events'
import { connect, createServer as createHttp2Server } from 'node:http2'
import {
  createMemoryReplayStore,
  createResourceServer,
  forbid,
  fromNodeRequest,
  type ResourceServerConfig,
  ResourceServerConfigError,
} from '@vouchsafe/resource-server'
import Fastify from 'fastify'
import { generateKeyPair } from 'jose'
import * as oauth from 'oauth4webapi'
import t from 'tap'
import { startWorld } from './api.ts'

const GOOD: ResourceServerConfig = {
  issuer: 'https://id.example',
  resource: 'https://api.example/v1',
  tokens: { format: 'jwt' },
}
const CREDENTIALS = { method: 'client_secret_basic', clientId: 'api', clientSecret: 's' } as const

const problemOf = (make: () => unknown): string => {
  try {
    make()
    return 'none'
  } catch (thrown) {
    return thrown instanceof ResourceServerConfigError ? thrown.code : `threw ${String(thrown)}`
  }
}

t.test('[unit] a configuration that cannot be right is refused by its code, before any request', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const asserted = { method: 'private_key_jwt', clientId: 'api', alg: 'ES256', key: publicKey } as const
  const opaque = (over: object): Partial<ResourceServerConfig> => ({
    tokens: { format: 'introspection', credentials: CREDENTIALS, ...over },
  })
  const cases: readonly (readonly [over: Partial<ResourceServerConfig>, problem: string])[] = [
    [{}, 'none'],
    [{ issuer: 'http://localhost:3000', resource: 'http://[::1]:1/x?y=z' }, 'none'],
    [{ issuer: 'id.example' }, 'issuerInvalid'],
    [{ issuer: 'http://id.example' }, 'issuerInvalid'],
    [{ issuer: 'http://localhost.example' }, 'issuerInvalid'],
    [{ issuer: 'https://id.example?x=1' }, 'issuerInvalid'],
    [{ issuer: 'https://id.example#' }, 'issuerInvalid'],
    [{ issuer: 'https://user:pass@id.example' }, 'issuerInvalid'],
    [{ resource: 'urn:api' }, 'resourceInvalid'],
    [{ resource: 'https://api.example/#x' }, 'resourceInvalid'],
    [{ audience: '' }, 'audienceInvalid'],
    [{ origin: 'https://api.example/x' }, 'originInvalid'],
    [{ origin: 'https://api.example:8443' }, 'none'],
    [{ tokens: { format: 'jwt', jwksUri: 'http://keys.example' } }, 'urlInvalid'],
    [{ tokens: { format: 'jwt', algorithms: [] } }, 'algorithmUnsupported'],
    [JSON.parse('{"tokens":{"format":"jwt","algorithms":["ES256","HS256"]}}'), 'algorithmUnsupported'],
    [JSON.parse('{"tokens":{"format":"jwt","algorithms":["none"]}}'), 'algorithmUnsupported'],
    [JSON.parse('{"dpop":{"algorithms":["constructor"]}}'), 'algorithmUnsupported'],
    [opaque({}), 'none'],
    [opaque({ credentials: { ...CREDENTIALS, clientSecret: '' } }), 'credentialsInvalid'],
    [opaque({ credentials: { ...CREDENTIALS, clientId: '' } }), 'credentialsInvalid'],
    [opaque({ credentials: asserted }), 'credentialsInvalid'],
    [opaque({ credentials: { ...asserted, key: privateKey } }), 'none'],
    [opaque({ endpoint: 'ftp://id.example' }), 'urlInvalid'],
    [opaque({ cacheSeconds: 61 }), 'cacheSecondsInvalid'],
    [opaque({ cacheSeconds: -1 }), 'cacheSecondsInvalid'],
    [opaque({ cacheSeconds: 0.5 }), 'cacheSecondsInvalid'],
    [{ dpop: { maxAge: 301 } }, 'maxAgeInvalid'],
    [{ dpop: { nonceSecret: new Uint8Array(31) } }, 'nonceSecretTooShort'],
    [{ dpop: false, senderConstraint: 'dpop' }, 'dpopRequiredButOff'],
    [{ timeoutMs: 0 }, 'timeoutInvalid'],
  ]
  for (const [over, problem] of cases) {
    t.equal(
      problemOf(() => createResourceServer({ ...GOOD, ...over })),
      problem,
      JSON.stringify(over),
    )
  }
})

t.test(
  '[unit] a requirement that no token can meet, or that would break a challenge, is an error of its author',
  async (t) => {
    const api = createResourceServer(GOOD)
    const request = { method: 'GET', url: '/v1', headers: {} }
    for (const [requirement, code] of [
      [{ scope: 'a", error="x' }, 'scopeInvalid'],
      [{ scope: ['a\n'] }, 'scopeInvalid'],
      [{ acr: 'a\\b' }, 'acrInvalid'],
      [{ maxAge: -1 }, 'requiredMaxAgeInvalid'],
      [{ maxAge: Number.NaN }, 'requiredMaxAgeInvalid'],
    ] as const) {
      await t.rejects(api.authorize(request, requirement), { code })
    }
    t.match(await api.authorize(request, { scope: 'a  b', maxAge: 0 }), { status: 401 })
  },
)

t.test('[unit] the document says what is enabled, and stands where a client library looks for it', async (t) => {
  const world = await startWorld(t, () => ({ description: { scopes: ['notes:read'], name: 'Notes' } }))
  const url = new URL(`${world.api.url}/v1`)
  const insecure = { [oauth.allowInsecureRequests]: true }
  const answer = await oauth.resourceDiscoveryRequest(url, insecure)
  t.equal(answer.headers.get('access-control-allow-origin'), '*')
  const found = await oauth.processResourceDiscoveryResponse(url, answer)
  t.same(found, {
    resource: url.href,
    authorization_servers: [world.issuer.url],
    scopes_supported: ['notes:read'],
    bearer_methods_supported: ['header'],
    resource_name: 'Notes',
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA', 'Ed25519', 'PS256', 'ES384', 'ES512'],
  })
  const pathOf = (resource: string): readonly string[] => {
    const { path, url: whole } = createResourceServer({ ...GOOD, resource }).metadata
    return [path, whole]
  }
  const base = '/.well-known/oauth-protected-resource'
  t.same(pathOf('https://api.example'), [base, `https://api.example${base}`])
  t.same(pathOf('https://api.example/'), [base, `https://api.example${base}`])
  t.same(pathOf('https://api.example/a/b?c=d'), [`${base}/a/b`, `https://api.example${base}/a/b?c=d`])
  const plain = createResourceServer({ ...GOOD, dpop: false, senderConstraint: 'mtls' }).metadata.document
  t.same(Object.keys(plain).sort(), [
    'authorization_servers',
    'bearer_methods_supported',
    'resource',
    'tls_client_certificate_bound_access_tokens',
  ])
})

t.test('[unit] nothing is asked before the first request, nor for one without a token', async (t) => {
  const world = await startWorld(t)
  await world.api.guard.authorize({ method: 'GET', url: '/v1', headers: {} })
  t.equal(world.issuer.asked.size, 0)
  t.same(forbid().body, '{"error":"forbidden"}')
  t.equal(forbid(undefined).status, 403)
})

t.test(
  '[unit] of calls for one key at once a memory of proofs lets one through, and forgets none before its time',
  async (t) => {
    const store = createMemoryReplayStore(3)
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => store.reserve('a', 110, 100)))
    t.same(outcomes, ['reserved', 'replayed', 'replayed', 'replayed', 'replayed'])
    t.equal(await store.reserve('a', 119, 109), 'replayed')
    t.equal(await store.reserve('a', 120, 110), 'reserved')
  },
)

t.test('[unit] the standard Request is a request as it stands', async (t) => {
  const world = await startWorld(t)
  const headers = { authorization: `Bearer ${await world.mint()}` }
  const judged = await world.api.guard.authorize(new Request(`${world.api.url}/v1/me`, { headers }), {
    scope: 'notes:read',
  })
  t.match(judged, { ok: true, token: { subject: 'alice' }, headers: {} })
})

t.test("[unit] a request is read the same under HTTP/2 and under a framework's own injection", async (t) => {
  const world = await startWorld(t)
  const authorization = `Bearer ${await world.mint()}`
  const app = Fastify()
  app.get('/v1/me', async ({ raw }) => (await world.api.guard.authorize(fromNodeRequest(raw))).ok)
  t.equal((await app.inject({ url: '/v1/me', headers: { authorization } })).body, 'true')
  const server = createHttp2Server(async (request, response) => {
    response.end(String((await world.api.guard.authorize(fromNodeRequest(request))).ok))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const session = connect(`http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`)
  t.teardown(() => {
    session.destroy()
    server.close()
  })
  const stream = session.request({ ':path': '/v1/me', authorization })
  let body = ''
  for await (const piece of stream) body += String(piece)
  t.equal(body, 'true')
})
