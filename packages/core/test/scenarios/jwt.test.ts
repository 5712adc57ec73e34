// Owns the ID token as a relying party meets it: verified by jose against the published keys, claim by claim.

import { createHash } from 'node:crypto'
import type { ClientRecord, JsonObject } from '@vouchsafe/core'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import t from 'tap'
import { bodyOf, claimsOf, obtainCode, type Parameters, redeem, userinfo } from './flows.ts'
import { tokensOf } from './token-steps.ts'
import { ALICE, createWorld, type World } from './world.ts'

const ISSUER = 'https://op.example'

const keysOf = async (world: World) => {
  const reply = await world.send({ path: '/jwks' })
  return createLocalJWKSet(bodyOf(reply) as unknown as JSONWebKeySet)
}

const issue = async (world: World, over: Parameters = {}): Promise<ReturnType<typeof tokensOf>> =>
  tokensOf(await redeem(world, await obtainCode(world, over)))

const verify = async (world: World, idToken: string, alg: string): Promise<JsonObject> => {
  const { payload } = await jwtVerify(idToken, await keysOf(world), {
    issuer: ISSUER,
    audience: 'app',
    algorithms: [alg],
    currentDate: new Date(world.clock.now() * 1000),
    requiredClaims: ['iss', 'sub', 'aud', 'exp', 'iat'],
    typ: 'JWT',
  })
  return payload as JsonObject
}

const HASHES: readonly (readonly [ClientRecord['idTokenAlg'], string])[] = [
  ['RS256', 'sha256'],
  ['ES256', 'sha256'],
  ['EdDSA', 'sha512'],
]

t.test(
  '[CONF-A7, OIDC-01, OIDC-16, OIDC-31, R9700-30, R9700-33] an ID token of each algorithm verifies with the published key, and its hash is of the access token beside it',
  async (t) => {
    for (const [alg, hash] of HASHES) {
      const world = createWorld()
      await world.client({ idTokenAlg: alg })
      const { idToken, accessToken } = await issue(world)
      const header = decodeProtectedHeader(idToken)
      t.match(header, { alg, typ: 'JWT', kid: /^.+$/ })
      t.same(Object.keys(header).sort(), ['alg', 'kid', 'typ'])
      const claims = await verify(world, idToken, alg)
      const now = world.clock.now()
      t.same(
        { ...claims, jti: typeof claims['jti'], sid: typeof claims['sid'] },
        {
          iss: ISSUER,
          sub: 'alice',
          aud: 'app',
          exp: now + 3600,
          iat: now,
          auth_time: now,
          nonce: 'nonce-1',
          acr: '1',
          amr: ['pwd'],
          jti: 'string',
          sid: 'string',
          at_hash: createHash(hash)
            .update(accessToken)
            .digest()
            .subarray(0, hash === 'sha512' ? 32 : 16)
            .toString('base64url'),
        },
      )
    }
  },
)

t.test(
  '[CONF-B-oidcc-idtoken-signature, CONF-B-oidcc-idtoken-unsigned] RS256 with a key id is what a client gets that asks for nothing, and "none" is never offered',
  async (t) => {
    const world = createWorld()
    await world.client()
    const { idToken } = await issue(world)
    t.match(decodeProtectedHeader(idToken), { alg: 'RS256', kid: /^.+$/ })
    const metadata = bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
    t.same(metadata['id_token_signing_alg_values_supported'], ['RS256', 'ES256', 'EdDSA'])
  },
)

t.test('[OIDC-34, OIDC-46] a change anywhere in an ID token breaks its signature', async (t) => {
  const world = createWorld()
  await world.client({ idTokenAlg: 'ES256' })
  const { idToken } = await issue(world)
  const [head = '', body = '', signature = ''] = idToken.split('.')
  const claims = { ...claimsOf(idToken), sub: 'bob' }
  const forged = Buffer.from(JSON.stringify(claims)).toString('base64url')
  const none = Buffer.from(JSON.stringify({ alg: 'none', typ: 'JWT' })).toString('base64url')
  const flip = (text: string): string => (text.startsWith('A') ? `B${text.slice(1)}` : `A${text.slice(1)}`)
  for (const altered of [
    `${head}.${forged}.${signature}`,
    `${none}.${body}.`,
    `${none}.${body}.${signature}`,
    `${head}.${flip(body)}.${signature}`,
    `${head}.${body}.${flip(signature)}`,
  ])
    await t.rejects(verify(world, altered, 'ES256'))
  await t.resolves(verify(world, idToken, 'ES256'))
})

t.test(
  '[R9700-32, CONF-A7, CONF-B-oidcc-ensure-request-without-nonce-succeeds-for-code-flow] the nonce comes back as it was sent, and not at all when none was',
  async (t) => {
    const world = createWorld()
    await world.client()
    for (const nonce of ['n'.repeat(43), 'n'.repeat(64), ' +/=%20"\\ü€𝄞', '0']) {
      const { idToken } = await issue(world, { nonce })
      t.equal(claimsOf(idToken)['nonce'], nonce)
    }
    const { idToken } = await issue(world, { nonce: undefined })
    t.notOk('nonce' in claimsOf(idToken))
  },
)

t.test(
  '[CONF-A8, OIDC-20] the claims of the scopes are in the ID token for a client registered so, and for no other',
  async (t) => {
    const scope = 'openid profile email address phone groups'
    const world = createWorld()
    await world.client({ idTokenClaims: 'scoped' })
    const { idToken, accessToken } = await issue(world, { scope })
    const told = claimsOf(idToken)
    const info = bodyOf(await userinfo(world, accessToken))
    for (const name of Object.keys(ALICE)) t.same(told[name], info[name], name)
    const minimal = createWorld()
    await minimal.client()
    const { idToken: plain } = await issue(minimal, { scope })
    t.same(
      Object.keys(claimsOf(plain)).sort(),
      ['acr', 'amr', 'at_hash', 'aud', 'auth_time', 'exp', 'iat', 'iss', 'jti', 'nonce', 'sid', 'sub'],
      'protocol claims alone',
    )
  },
)

t.test('[R9700-32, OIDC-01] every ID token has a name of its own', async (t) => {
  const world = createWorld()
  await world.client()
  const names = new Set<unknown>()
  for (let round = 0; round < 5; round++) names.add(claimsOf((await issue(world)).idToken)['jti'])
  t.equal(names.size, 5)
})

t.test('[OIDC-20] a person who is gone by the time his claims are asked for gets no tokens', async (t) => {
  const world = createWorld()
  await world.client({ idTokenClaims: 'scoped' })
  const got = await obtainCode(world, { scope: 'openid email' })
  const alice = world.accounts.get('alice') ?? {}
  world.accounts.delete('alice')
  t.match(await redeem(world, got), { kind: 'json', status: 400 })
  t.match(world.events.at(-1), { fields: { reason: 'personDisabled' } })
  world.accounts.set('alice', alice)
  t.match(await redeem(world, got), { status: 200 }, 'nothing was consumed')
})
