// Owns tokens that the issuer is asked about: what is believed, for how long, and what an outage does. Real issuer, real HTTP.

import type { IntrospectedTokens } from '@vouchsafe/resource-server'
import { exportJWK, generateKeyPair } from 'jose'
import t, { type Test } from 'tap'
import { call, startWorld, type World } from './api.ts'
import { assertionKeys, CREDENTIALS } from './issuer.ts'

const startOpaque = (t: Test, over: Partial<IntrospectedTokens> = {}): Promise<World> =>
  startWorld(t, () => ({ tokens: { format: 'introspection', credentials: CREDENTIALS, ...over } }))

const judge = async (
  { api }: World,
  token: string,
  init: RequestInit & { readonly at?: string } = {},
): Promise<string> => {
  const { status } = await call(`${api.url}${init.at ?? '/v1/me'}`, token, init)
  const last = api.seen.at(-1)
  if (status === 200) return 'accepted'
  return last !== undefined && 'reason' in last ? `${status} ${last.reason}` : `${status}`
}

/** Makes the issuer know an opaque token of this API. */
const grant = ({ issuer, api, clock }: World, token: string, over: Readonly<Record<string, unknown>> = {}): string => {
  const known = {
    active: true,
    aud: `${api.url}/v1`,
    sub: 'alice',
    client_id: 'app',
    scope: 'notes:read',
    exp: clock.now() + 600,
  }
  issuer.tokens.set(token, { ...known, ...over })
  return token
}

const questions = ({ issuer }: World): number => issuer.asked.get('/introspect') ?? 0

t.test('[unit] an opaque token is good when the issuer says so, for this API and now', async (t) => {
  const world = await startOpaque(t)
  const now = world.clock.now()
  t.equal(await judge(world, grant(world, 'good')), 'accepted')
  t.match(world.api.seen.at(-1), { subject: 'alice', clientId: 'app', scope: ['notes:read'], issuer: world.issuer.url })
  t.equal(await judge(world, 'unknown'), '401 tokenInactive')
  const cases: readonly (readonly [claims: Readonly<Record<string, unknown>>, verdict: string])[] = [
    [{ active: false }, '401 tokenInactive'],
    [{ active: 'true' }, '503 issuerAnswerMalformed'],
    [{ active: undefined }, '503 issuerAnswerMalformed'],
    [{ aud: 'https://other.example' }, '401 tokenAudienceWrong'],
    [{ aud: undefined }, '401 tokenAudienceWrong'],
    [{ iss: 'https://evil.example' }, '401 tokenIssuerWrong'],
    [{ iss: world.issuer.url }, 'accepted'],
    [{ exp: now }, '401 tokenExpired'],
    [{ exp: undefined, sub: undefined }, 'accepted'],
    [{ nbf: now + 60 }, '401 tokenNotYetValid'],
    [{ cnf: { other: 'x' } }, '401 tokenClaimsMalformed'],
    [{ token_type: 'DPoP' }, '401 confirmationUnknown'],
  ]
  for (const [index, [claims, verdict]] of cases.entries()) {
    t.equal(await judge(world, grant(world, `token-${index}`, claims)), verdict, JSON.stringify(claims))
  }
  const trusting = await startOpaque(t, { audienceMayBeAbsent: true })
  t.equal(await judge(trusting, grant(trusting, 'none', { aud: undefined })), 'accepted')
  t.equal(await judge(trusting, grant(trusting, 'other', { aud: 'https://other.example' })), '401 tokenAudienceWrong')
})

t.test(
  '[ADV-049, ADV-153] an answer is remembered for its own token alone and decides nothing by itself',
  async (t) => {
    const world = await startOpaque(t)
    const [one, two] = [
      grant(world, `${'a'.repeat(100)}1`),
      grant(world, `${'a'.repeat(100)}2`, { sub: 'bob', scope: 'other' }),
    ]
    t.equal(await judge(world, one, { at: '/v1/notes' }), 'accepted')
    t.equal(
      await judge(world, one, { at: '/v1/notes', method: 'POST' }),
      '403 scopeInsufficient',
      'another scope is judged anew',
    )
    t.equal(await judge(world, one, { at: '/v1/payments', method: 'POST' }), '401 authenticationTooWeak')
    t.equal(questions(world), 1)
    t.equal(await judge(world, two, { at: '/v1/notes' }), '403 scopeInsufficient')
    t.equal(questions(world), 2)
    for (const near of [one.slice(0, -1), `${one}=`, one.toUpperCase(), `${'a'.repeat(100)}3`]) {
      t.equal(await judge(world, near), '401 tokenInactive')
    }
  },
)

t.test(
  '[unit] an active answer is believed for seconds, never beyond the end, and an inactive one not at all',
  async (t) => {
    const world = await startOpaque(t)
    const { issuer, clock } = world
    grant(world, 'revoked')
    t.equal(await judge(world, 'revoked'), 'accepted')
    issuer.tokens.delete('revoked')
    clock.advance(4)
    t.equal(await judge(world, 'revoked'), 'accepted', 'within the five seconds')
    clock.advance(1)
    t.equal(await judge(world, 'revoked'), '401 tokenInactive')
    t.equal(await judge(world, 'revoked'), '401 tokenInactive')
    t.equal(questions(world), 3)
    grant(world, 'revoked')
    t.equal(await judge(world, 'revoked'), 'accepted', 'that it was inactive is not remembered')
    grant(world, 'ending', { exp: clock.now() + 2 })
    t.equal(await judge(world, 'ending'), 'accepted')
    clock.advance(2)
    grant(world, 'ending', { exp: clock.now() })
    t.equal(await judge(world, 'ending'), '401 tokenExpired')
    const strict = await startOpaque(t, { cacheSeconds: 0 })
    grant(strict, 'once')
    t.equal(await judge(strict, 'once'), 'accepted')
    strict.issuer.tokens.delete('once')
    t.equal(await judge(strict, 'once'), '401 tokenInactive')
    grant(strict, 'once')
    t.equal(await judge(strict, 'once'), 'accepted')
    clock.advance(-3600)
    issuer.tokens.clear()
    t.equal(await judge(world, 'revoked'), '401 tokenInactive', 'a clock that was set back stretches nothing')
  },
)

t.test('[unit] an issuer that does not answer, or not us, is 503', async (t) => {
  const world = await startOpaque(t)
  grant(world, 'good')
  for (const [status, verdict] of [
    [401, '503 introspectionRefused'],
    [403, '503 introspectionRefused'],
    [429, '503 issuerAnswerMalformed'],
    [500, '503 issuerAnswerMalformed'],
    [302, '503 issuerAnswerMalformed'],
  ] as const) {
    world.issuer.faults.set('/introspect', (_, response) =>
      response.writeHead(status, { location: '/' }).end('{"active":true}'),
    )
    t.equal(await judge(world, 'good'), verdict)
  }
  world.issuer.faults.set('/introspect', (request) => request.socket.destroy())
  t.equal(await judge(world, 'good'), '503 issuerUnreachable')
  world.issuer.faults.clear()
  t.equal(await judge(world, 'good'), 'accepted')
  const stranger = await startOpaque(t, { credentials: { ...CREDENTIALS, clientSecret: 'wrong' } })
  t.equal(await judge(stranger, grant(stranger, 'good')), '503 introspectionRefused')
  await world.issuer.stop()
  t.equal(await judge(world, 'good'), 'accepted', 'what was just said still holds')
  world.clock.advance(5)
  t.equal(await judge(world, 'good'), '503 issuerUnreachable')
})

t.test('[unit] an API proves itself by private_key_jwt, for the issuer alone', async (t) => {
  const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
  assertionKeys.set('api-2', await exportJWK(publicKey))
  const credentials = { method: 'private_key_jwt', clientId: 'api-2', key: privateKey, alg: 'ES256', kid: 'k' } as const
  const world = await startOpaque(t, { credentials, cacheSeconds: 0 })
  grant(world, 'good')
  t.equal(await judge(world, 'good'), 'accepted')
  t.equal(await judge(world, 'good'), 'accepted')
  const other = await generateKeyPair('ES256')
  const wrong = await startOpaque(t, { credentials: { ...credentials, key: other.privateKey } })
  t.equal(await judge(wrong, grant(wrong, 'good')), '503 introspectionRefused')
})
