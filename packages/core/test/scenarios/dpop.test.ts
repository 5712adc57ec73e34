// Owns tokens bound to keys at every endpoint of ours: issue, refresh, use, binding of the code, nonces. How a proof is judged by itself is in
// ../dpop.

import { readFile } from 'node:fs/promises'
import type { ClientRecord, ProviderConfig, Reply } from '@vouchsafe/core'
import t, { type Test } from 'tap'
import { claimsFor, clientKey, signedBy } from './assertions.ts'
import { authorizationRequest, basic, bodyOf, errorOf, exchange, obtainCode, type Parameters, redeem } from './flows.ts'
import { proofOf, SAME_URLS, thumbprintOf, type Use, WRONG_CLAIMS, WRONG_FORMS, type WrongProof } from './proofs.ts'
import { changeClient, headerOf, openStores, refused, statusOf, tokensOf } from './token-steps.ts'
import { CLIENT_SECRET, createWorld, encode, type World } from './world.ts'

const KEY = clientKey('ES256')
const OTHER = clientKey('ES256')
const JKT = thumbprintOf(KEY)
const SECRETS = [new Uint8Array(32).fill(7)]
const FORM: [string, string[]] = ['content-type', ['application/x-www-form-urlencoded']]

const worldWith = async (
  over: Partial<ClientRecord> = {},
  features: ProviderConfig['features'] = { dpop: { nonce: 'never' }, par: true },
  config: Partial<ProviderConfig> = {},
): Promise<World> => {
  const world = createWorld({ ...config, features })
  await world.client({
    grantTypes: ['authorization_code', 'refresh_token'],
    scopes: ['openid', 'email', 'offline_access'],
    ...over,
  })
  return world
}
const PUBLIC = { authMethod: 'none', secrets: [] } as const
const NONCES = { dpop: { nonce: 'required', secrets: SECRETS }, par: true } as const

type Got = Awaited<ReturnType<typeof obtainCode>>
type Headers = readonly string[]

const useAt = (world: World, over: Partial<Use> = {}): Use => ({ now: world.clock.now(), ...over })
const withProofs = (proofs: Headers): [string, string[]][] => (proofs.length === 0 ? [] : [['dpop', [...proofs]]])

/** Redeems a code with these DPoP headers. */
const redeemWith = (world: World, got: Got, proofs: Headers, isPublic = false): Promise<Reply> =>
  exchange(
    world,
    {
      grant_type: 'authorization_code',
      code: got.code,
      redirect_uri: got.redirectUri,
      code_verifier: got.verifier,
      ...(isPublic ? { client_id: 'app' } : {}),
    },
    { authorization: isPublic ? '' : basic('app', CLIENT_SECRET), headers: withProofs(proofs) },
  )

const refreshWith = (world: World, token: unknown, proofs: Headers, isPublic = false): Promise<Reply> =>
  exchange(
    world,
    { grant_type: 'refresh_token', refresh_token: String(token), ...(isPublic ? { client_id: 'app' } : {}) },
    { authorization: isPublic ? '' : basic('app', CLIENT_SECRET), headers: withProofs(proofs) },
  )

const USERINFO = { htm: 'GET', htu: 'https://op.example/userinfo' } as const

const askUserinfo = (world: World, authorization: string, proofs: Headers = []): Promise<Reply> =>
  world.send({ path: '/userinfo', headers: new Map([['authorization', [authorization]], ...withProofs(proofs)]) })

const bound = async (world: World, over: Parameters = {}, isPublic = false) => {
  const got = await obtainCode(world, { scope: 'openid offline_access', prompt: 'consent', ...over })
  return tokensOf(await redeemWith(world, got, [proofOf(KEY, useAt(world))], isPublic))
}

t.test(
  '[R9449-07, R9700-12, R9449-09] a proof at the token endpoint makes the token one of its key, and says so; without one nothing changes',
  async (t) => {
    const { stores, state } = openStores()
    const world = await worldWith({}, undefined, { stores })
    const { body } = await bound(world)
    t.equal(body['token_type'], 'DPoP')
    t.same(
      [...state.tokens.values()].map(({ token }) => token.binding),
      [{ method: 'jkt', thumbprint: JKT }],
      'kept with the token',
    )
    const plain = tokensOf(await redeem(world, await obtainCode(world)))
    t.equal(plain.body['token_type'], 'Bearer')
    t.match(await askUserinfo(world, `Bearer ${plain.accessToken}`), { status: 200 })
    const metadata = bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
    t.same(metadata['dpop_signing_alg_values_supported'], ['ES256', 'ES384', 'ES512', 'PS256', 'EdDSA', 'Ed25519'])

    const off = await worldWith({}, {})
    const unheard = tokensOf(await redeemWith(off, await obtainCode(off), ['nonsense']))
    t.equal(unheard.body['token_type'], 'Bearer', 'where it is not offered, a client is told by the type')
    const without = bodyOf(await off.send({ path: '/.well-known/openid-configuration' }))
    t.notOk('dpop_signing_alg_values_supported' in without)
    t.match(headerOf(await askUserinfo(off, `DPoP ${unheard.accessToken}`), 'WWW-Authenticate'), /^Bearer$/)
  },
)

t.test('[R9449-07] a JWT access token names the key that it is bound to', async (t) => {
  const world = await worldWith({
    grantTypes: ['client_credentials'],
    scopes: ['read'],
    dpopBoundTokens: true,
  })
  const resource = {
    identifier: 'https://api.example',
    version: 1,
    name: 'API',
    scopes: [{ name: 'read', description: 'read', sensitive: false }],
    tokenFormat: 'jwt',
    accessTokenLifetime: undefined,
    signingAlg: 'ES256',
    introspectionClients: [],
  } as const
  t.equal(await world.stores.resources.saveResource(resource, { now: world.clock.now(), events: [] }), 'saved')
  const proof = proofOf(KEY, useAt(world))
  const ask = (headers: Headers): Promise<Reply> =>
    exchange(world, { grant_type: 'client_credentials', scope: 'read' }, { headers: withProofs(headers) })
  const { body, accessToken } = tokensOf(await ask([proof]))
  t.equal(body['token_type'], 'DPoP')
  t.match(JSON.parse(Buffer.from(accessToken.split('.')[1] ?? '', 'base64url').toString()), { cnf: { jkt: JKT } })
  refused(t, await ask([proof]), 400, 'invalid_dpop_proof', 'the same proof again, though nothing of a JWT is stored')
  refused(t, await ask([]), 400, 'invalid_dpop_proof', 'none')
})

/** Sends each wrong proof with a code that stays good, and then a right one. */
const refuseEach = async (t: Test, wrong: readonly WrongProof[]): Promise<void> => {
  const world = await worldWith()
  const got = await obtainCode(world)
  for (const { title, reason, make } of wrong) {
    const reply = await redeemWith(world, got, [make(KEY, useAt(world))])
    refused(t, reply, 400, 'invalid_dpop_proof', title)
    t.match(world.events.at(-1), { name: 'token.refused', fields: { reason } }, title)
  }
  t.match(await redeemWith(world, got, [proofOf(KEY, useAt(world))]), { status: 200 }, 'nothing was used up')

  const { accessToken } = await bound(world)
  for (const { title, reason, make } of wrong) {
    const use = useAt(world, { ...USERINFO, token: accessToken })
    const reply = await askUserinfo(world, `DPoP ${accessToken}`, [make(KEY, use)])
    // A GET that is refused for its method or address there may be right here.
    if (title === 'a method in small letters' || title.startsWith('another endpoint')) continue
    refused(t, reply, 401, 'invalid_dpop_proof', `userinfo: ${title}`)
    t.match(headerOf(reply, 'WWW-Authenticate'), /^DPoP error="invalid_dpop_proof".* algs="ES256 /)
    t.match(world.events.at(-1), { name: 'userinfo.refused', fields: { reason } }, `userinfo: ${title}`)
  }
}

t.test(
  '[R9449-01, R9449-05, R9449-22, CONF-G-dpop-negative-tests] a proof of the wrong form, key or signature is refused as such and uses nothing up',
  (t) => refuseEach(t, WRONG_FORMS),
)

t.test(
  '[R9449-02, R9449-04, CONF-G-dpop-negative-tests] a proof without its claims, or for another request, is refused as such and uses nothing up',
  (t) => refuseEach(t, WRONG_CLAIMS),
)

t.test(
  '[R9449-03, CONF-G-dpop-negative-tests] more than one DPoP header is refused, an empty first one too',
  async (t) => {
    const world = await worldWith()
    const got = await obtainCode(world)
    const proof = (): string => proofOf(KEY, useAt(world))
    refused(t, await redeemWith(world, got, [proof(), proof()]), 400, 'invalid_dpop_proof')
    refused(t, await redeemWith(world, got, ['', proof()]), 400, 'invalid_dpop_proof')
    const { accessToken } = await bound(world)
    const use = useAt(world, { ...USERINFO, token: accessToken })
    const reply = await askUserinfo(world, `DPoP ${accessToken}`, ['', proofOf(KEY, use)])
    refused(t, reply, 401, 'invalid_dpop_proof')
  },
)

t.test(
  '[R9449-04, CONF-G-dpop-accepted] a proof is taken however its address is written, with more in it than is needed, and ten seconds off',
  async (t) => {
    const world = await worldWith()
    const claims = [
      ...SAME_URLS.map((htu) => ({ htu })),
      { nbf: 1, exp: 2, client: 'x' },
      { iat: world.clock.now() - 10 },
      { iat: world.clock.now() + 10 },
    ]
    for (const over of claims) {
      const proof = proofOf(KEY, useAt(world), over, { kid: 'mine', x: 1 })
      t.match(await redeemWith(world, await obtainCode(world), [proof]), { status: 200 }, JSON.stringify(over))
    }
  },
)

t.test('[R9449-06, CONF-G-dpop-negative-tests] a proof out of its time is refused', async (t) => {
  const world = await worldWith()
  const got = await obtainCode(world)
  for (const off of [-3600, -71, 11, 3600]) {
    const reply = await redeemWith(world, got, [proofOf(KEY, useAt(world), { iat: world.clock.now() + off })])
    refused(t, reply, 400, 'invalid_dpop_proof', String(off))
  }
})

t.test(
  '[R9449-20, R9700-38] a proof counts once: of twenty requests with one, one is answered, at either endpoint',
  async (t) => {
    const world = await worldWith()
    const codes = await Promise.all(Array.from({ length: 20 }, () => obtainCode(world)))
    const proof = proofOf(KEY, useAt(world))
    const replies = await Promise.all(codes.map((got) => redeemWith(world, got, [proof])))
    const won = replies.filter((reply) => statusOf(reply) === 200)
    t.equal(won.length, 1)
    for (const reply of replies) if (statusOf(reply) !== 200) refused(t, reply, 400, 'invalid_dpop_proof')
    for (const [i, got] of codes.entries()) {
      if (statusOf(replies[i] as Reply) === 200) continue
      t.match(await redeemWith(world, got, [proofOf(KEY, useAt(world))]), { status: 200 }, 'its code was kept')
    }
    // The jti is the key's: another key may have the same.
    const same = { jti: 'one' }
    t.match(await redeemWith(world, await obtainCode(world), [proofOf(KEY, useAt(world), same)]), { status: 200 })
    t.match(await redeemWith(world, await obtainCode(world), [proofOf(OTHER, useAt(world), same)]), { status: 200 })

    const { accessToken } = await bound(world)
    const use = proofOf(KEY, useAt(world, { ...USERINFO, token: accessToken }))
    const uses = await Promise.all(Array.from({ length: 20 }, () => askUserinfo(world, `DPoP ${accessToken}`, [use])))
    t.equal(uses.filter((reply) => statusOf(reply) === 200).length, 1)
    for (const reply of uses) if (statusOf(reply) !== 200) refused(t, reply, 401, 'invalid_dpop_proof')
    world.clock.advance(69)
    refused(t, await askUserinfo(world, `DPoP ${accessToken}`, [use]), 401, 'invalid_dpop_proof')
  },
)

t.test(
  '[R9449-10] a client that is registered for keys is refused without a proof, and nothing is used up',
  async (t) => {
    const world = await worldWith({ dpopBoundTokens: true })
    const got = await obtainCode(world)
    refused(t, await redeemWith(world, got, []), 400, 'invalid_dpop_proof')
    t.match(world.events.at(-1), { fields: { reason: 'dpopNeeded' } })
    const { body } = tokensOf(await redeemWith(world, got, [proofOf(KEY, useAt(world))]))
    t.equal(body['token_type'], 'DPoP')
    await changeClient(world, { grantTypes: ['authorization_code', 'refresh_token'] })
    const off = await worldWith({ dpopBoundTokens: true }, {})
    const unoffered = await redeemWith(off, await obtainCode(off), [proofOf(KEY, useAt(off))])
    refused(t, unoffered, 400, 'invalid_dpop_proof', 'where keys are switched off, it is not given less in silence')
  },
)

t.test(
  '[R9449-12, R9449-13, R9449-14, ADV-123, R9700-38, R9700-34, CONF-G-access-token-type-header-case-sensitivity] userinfo takes a bound token with its proof alone, and an unbound one by no other scheme',
  async (t) => {
    const world = await worldWith()
    const { accessToken } = await bound(world)
    const right = (): string => proofOf(KEY, useAt(world, { ...USERINFO, token: accessToken }))
    const bearer = await askUserinfo(world, `Bearer ${accessToken}`, [right()])
    refused(t, bearer, 401, 'invalid_token', 'as a bearer token, a proof beside it')
    t.match(headerOf(bearer, 'WWW-Authenticate'), /^DPoP error="invalid_token".* algs=/)
    const body = await world.send({
      path: '/userinfo',
      method: 'POST',
      headers: new Map([FORM, ['dpop', [right()]]]),
      body: encode({ access_token: accessToken }),
    })
    refused(t, body, 401, 'invalid_token', 'in a body')
    const wrong: readonly (readonly [string, string[]])[] = [
      ['no proof', []],
      ['another key', [proofOf(OTHER, useAt(world, { ...USERINFO, token: accessToken }))]],
      ['another token', [proofOf(KEY, useAt(world, { ...USERINFO, token: `${accessToken}x` }))]],
      ['no token', [proofOf(KEY, useAt(world, USERINFO))]],
      ['another method', [proofOf(KEY, useAt(world, { ...USERINFO, htm: 'POST', token: accessToken }))]],
      ['the token endpoint', [proofOf(KEY, useAt(world, { htm: 'GET', token: accessToken }))]],
    ]
    for (const [why, proofs] of wrong) {
      const reply = await askUserinfo(world, `DPoP ${accessToken}`, proofs)
      refused(t, reply, 401, 'invalid_dpop_proof', why)
    }
    for (const scheme of ['DPoP', 'dpop', 'DPOP']) {
      t.match(await askUserinfo(world, `${scheme} ${accessToken}`, [right()]), { status: 200 }, scheme)
    }
    const plain = tokensOf(await redeem(world, await obtainCode(world))).accessToken
    const proof = proofOf(KEY, useAt(world, { ...USERINFO, token: plain }))
    refused(t, await askUserinfo(world, `DPoP ${plain}`, [proof]), 401, 'invalid_token', 'an unbound token')
    t.match(await askUserinfo(world, `bearer ${plain}`), { status: 200 })
    const nobody = await world.send({ path: '/userinfo' })
    t.match(headerOf(nobody, 'WWW-Authenticate'), /^Bearer, DPoP algs="/)
  },
)

t.test(
  '[R9449-08, V21-19, R9700-13, OPS-011] a public client’s refresh token is its key’s: another key or none is refused, and changes nothing',
  async (t) => {
    const world = await worldWith(PUBLIC)
    const { body } = await bound(world, {}, true)
    const again = (key: typeof KEY): Promise<Reply> =>
      refreshWith(world, body['refresh_token'], [proofOf(key, useAt(world))], true)
    refused(t, await again(OTHER), 400, 'invalid_grant', 'another key')
    refused(t, await refreshWith(world, body['refresh_token'], [], true), 400, 'invalid_grant', 'none')
    const next = tokensOf(await again(KEY))
    t.equal(next.body['token_type'], 'DPoP')
    world.clock.advance(3600)
    refused(t, await again(OTHER), 400, 'invalid_grant', 'an old token, by a thief without the key')
    const last = await refreshWith(world, next.body['refresh_token'], [proofOf(KEY, useAt(world))], true)
    t.match(last, { status: 200 }, 'the family lives: a thief without the key cannot end it')
    t.match(await again(KEY), { status: 400 }, 'an old token, by the key')
    const dead = await refreshWith(world, bodyOf(last)['refresh_token'], [proofOf(KEY, useAt(world))], true)
    refused(t, dead, 400, 'invalid_grant', 'which ends the family')
  },
)

t.test(
  '[R9449-08] a confidential client may change its key when it refreshes, since it proves itself besides',
  async (t) => {
    const world = await worldWith()
    const { body } = await bound(world)
    const next = tokensOf(await refreshWith(world, body['refresh_token'], [proofOf(OTHER, useAt(world))]))
    t.equal(next.body['token_type'], 'DPoP')
    const token = next.accessToken
    const by = (key: typeof KEY): string => proofOf(key, useAt(world, { ...USERINFO, token }))
    refused(t, await askUserinfo(world, `DPoP ${token}`, [by(KEY)]), 401, 'invalid_dpop_proof')
    t.match(await askUserinfo(world, `DPoP ${token}`, [by(OTHER)]), { status: 200 })
    const unauthenticated = await refreshWith(world, next.body['refresh_token'], [proofOf(OTHER, useAt(world))], true)
    refused(t, unauthenticated, 401, 'invalid_client')
  },
)

t.test(
  '[R9449-18, FAPI-14, CONF-G-dpop-jkt] a code that was asked for with a key’s thumbprint is redeemed by that key alone',
  async (t) => {
    const world = await worldWith(PUBLIC)
    const got = await obtainCode(world, { dpop_jkt: JKT })
    refused(t, await redeemWith(world, got, [proofOf(OTHER, useAt(world))], true), 400, 'invalid_grant', 'another key')
    refused(t, await redeemWith(world, got, [], true), 400, 'invalid_grant', 'none')
    const redeemed = await redeemWith(world, got, [proofOf(KEY, useAt(world))], true)
    t.match(redeemed, { status: 200 }, 'the code was kept')
    const browser = world.browser()
    for (const dpop_jkt of ['short', `${JKT}=`, 'x'.repeat(44)]) {
      const { parameters } = authorizationRequest({ dpop_jkt })
      t.equal(errorOf(await browser.get('/authorize', parameters)), 'invalid_request', dpop_jkt)
    }
    const replayed = await redeemWith(world, got, [proofOf(OTHER, useAt(world))], true)
    refused(t, replayed, 400, 'invalid_grant', 'a replay by another key')
    const use = proofOf(KEY, useAt(world, { ...USERINFO, token: tokensOf(redeemed).accessToken }))
    t.match(await askUserinfo(world, `DPoP ${tokensOf(redeemed).accessToken}`, [use]), { status: 200 }, 'kills nothing')
  },
)

/** Pushes an authorization request with these DPoP headers. */
const pushWith = async (world: World, parameters: Parameters, proofs: Headers): Promise<Reply> =>
  world.send({
    path: '/par',
    method: 'POST',
    headers: new Map([FORM, ['authorization', [basic('app', CLIENT_SECRET)]], ...withProofs(proofs)]),
    body: encode(parameters),
  })

t.test(
  '[R9449-19, CONF-G-dpop-jkt] a proof with a pushed request binds its code, and contradicts no thumbprint in it',
  async (t) => {
    const world = await worldWith()
    const proof = (key = KEY, over = {}): string => proofOf(key, useAt(world, { htu: 'https://op.example/par' }), over)
    const { parameters, verifier } = authorizationRequest({ dpop_jkt: undefined })
    refused(
      t,
      await pushWith(world, { ...parameters, dpop_jkt: thumbprintOf(OTHER) }, [proof()]),
      400,
      'invalid_dpop_proof',
    )
    const elsewhere = proofOf(KEY, useAt(world))
    refused(
      t,
      await pushWith(world, parameters, [elsewhere]),
      400,
      'invalid_dpop_proof',
      'a proof for the token endpoint',
    )
    const once = proof()
    const pushed = await pushWith(world, { ...parameters, dpop_jkt: JKT }, [once])
    t.equal(statusOf(pushed), 201)
    refused(t, await pushWith(world, parameters, [once]), 400, 'invalid_dpop_proof', 'the proof again')
    for (const reply of [pushed, await pushWith(world, parameters, [proof()])]) {
      const request_uri = String(bodyOf(reply)['request_uri'])
      const got = await obtainByReference(world, request_uri, verifier)
      refused(t, await redeemWith(world, got, [proofOf(OTHER, useAt(world))]), 400, 'invalid_grant')
      t.match(await redeemWith(world, got, [proofOf(KEY, useAt(world))]), { status: 200 })
    }
  },
)

const obtainByReference = async (world: World, request_uri: string, verifier: string): Promise<Got> => {
  const browser = world.browser()
  let reply = await browser.get('/authorize', { client_id: 'app', request_uri })
  for (let steps = 0; reply.kind === 'interact' && steps < 4; steps++) {
    reply = reply.interaction.prompt.kind === 'consent' ? await browser.allow(reply) : await browser.signIn(reply)
  }
  if (reply.kind !== 'redirect') throw new Error(JSON.stringify(reply))
  const code = new URL(reply.location).searchParams.get('code') ?? ''
  return { code, verifier, browser, redirectUri: 'https://rp.example/callback' }
}

t.test(
  '[R9449-15, R9449-16, R9449-17, R9449-21, R9449-06] where nonces are required, a proof without a fresh one is asked to try again, at every endpoint and on every node',
  async (t) => {
    const { stores } = openStores()
    const world = await worldWith({}, NONCES, { stores })
    const node = createWorld({ features: NONCES, stores })
    const got = await obtainCode(world)
    const first = await redeemWith(world, got, [proofOf(KEY, useAt(world))])
    refused(t, first, 400, 'use_dpop_nonce')
    const nonce = headerOf(first, 'DPoP-Nonce') ?? ''
    t.match(nonce, /^[\w-]{22}$/)
    refused(t, await redeemWith(world, got, [proofOf(KEY, useAt(world, { nonce: 'made-up' }))]), 400, 'use_dpop_nonce')
    const wrongSecret = await exchange(
      world,
      { grant_type: 'authorization_code', code: got.code },
      { authorization: basic('app', 'wrong'), headers: withProofs([proofOf(KEY, useAt(world))]) },
    )
    refused(t, wrongSecret, 400, 'use_dpop_nonce', 'nothing else of the request is looked at')
    // Prepared long ago, with a clock that is wrong: the nonce alone tells when it was made.
    const early = proofOf(KEY, useAt(world, { now: 5, nonce }))
    const tokens = tokensOf(await redeemWith(world, got, [early]))
    const use = (over: Partial<Use>): string =>
      proofOf(KEY, useAt(world, { ...USERINFO, token: tokens.accessToken, ...over }))
    const asked = await askUserinfo(world, `DPoP ${tokens.accessToken}`, [use({})])
    refused(t, asked, 401, 'use_dpop_nonce')
    t.match(headerOf(asked, 'WWW-Authenticate'), /^DPoP error="use_dpop_nonce"/)
    const elsewhere = await askUserinfo(node, `DPoP ${tokens.accessToken}`, [use({ nonce })])
    t.match(elsewhere, { status: 200 }, 'the same nonce, at another endpoint of another node')
    t.ok(headerOf(elsewhere, 'DPoP-Nonce'), 'a good answer brings the next one')
    for (const other of [world, node]) other.clock.advance(121)
    const later = await askUserinfo(world, `DPoP ${tokens.accessToken}`, [use({ nonce })])
    refused(t, later, 401, 'use_dpop_nonce', 'prepared too early')
    const fresh = headerOf(later, 'DPoP-Nonce') ?? ''
    t.not(fresh, nonce)
    t.match(await askUserinfo(world, `DPoP ${tokens.accessToken}`, [use({ nonce: fresh })]), { status: 200 })
    const push = await pushWith(world, authorizationRequest().parameters, [
      proofOf(KEY, useAt(world, { htu: 'https://op.example/par' })),
    ])
    refused(t, push, 400, 'use_dpop_nonce')
    t.equal(headerOf(push, 'DPoP-Nonce'), fresh)
    const plain = await redeem(world, await obtainCode(world))
    t.equal(bodyOf(plain)['token_type'], 'Bearer', 'a client without a key is asked for nothing')
  },
)

t.test('[unit] a browser app of a registered origin may send proofs and read nonces', async (t) => {
  const origin = 'https://spa.example'
  const world = await worldWith({ ...PUBLIC, corsOrigins: [origin] }, NONCES)
  const preflight = await world.send({ path: '/token', method: 'OPTIONS', headers: new Map([['origin', [origin]]]) })
  t.match(headerOf(preflight, 'Access-Control-Allow-Headers'), /\bDPoP\b/)
  const headers = [...withProofs([proofOf(KEY, useAt(world))]), ['origin', [origin]] as [string, string[]]]
  const reply = await exchange(
    world,
    { grant_type: 'authorization_code', client_id: 'app', code: 'x' },
    { authorization: '', headers },
  )
  refused(t, reply, 400, 'use_dpop_nonce')
  t.match(headerOf(reply, 'Access-Control-Expose-Headers'), /\bDPoP-Nonce\b/)
})

t.test('[unit] an assertion and a proof in one request are each used once', async (t) => {
  const signer = clientKey('ES256')
  const world = await worldWith({ authMethod: 'private_key_jwt', secrets: [], jwks: [signer.jwk] })
  const send = async (assertion: string, proof: string): Promise<Reply> => {
    const got = await obtainCode(world)
    const request = {
      grant_type: 'authorization_code',
      code: got.code,
      redirect_uri: got.redirectUri,
      code_verifier: got.verifier,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
    }
    return exchange(world, request, { authorization: '', headers: withProofs([proof]) })
  }
  const fresh = (): [string, string] => [signedBy(signer, claimsFor(world)), proofOf(KEY, useAt(world))]
  const [assertion, proof] = fresh()
  t.match(await send(assertion, proof), { status: 200 })
  t.match(await send(fresh()[0], proof), { status: 401 }, 'the proof again')
  t.match(await send(assertion, fresh()[1]), { status: 401 }, 'the assertion again')
  t.match(await send(...fresh()), { status: 200 })
})

t.test('[R9449-11] introspection names the key of a bound token, and its type', async (t) => {
  const world = await worldWith({}, { dpop: { nonce: 'never' }, introspection: true })
  const { accessToken } = await bound(world)
  const asked = await world.send({
    path: '/introspect',
    method: 'POST',
    headers: new Map([FORM, ['authorization', [basic('app', CLIENT_SECRET)]]]),
    body: encode({ token: accessToken }),
  })
  t.match(bodyOf(asked), { active: true, token_type: 'DPoP', cnf: { jkt: JKT } })
})

t.test('[R9449-23] a proof covers method and address, not the body, and the guide says so', async (t) => {
  const world = await worldWith()
  const got = await obtainCode(world)
  const proof = proofOf(KEY, useAt(world))
  refused(t, await redeemWith(world, { ...got, verifier: 'x'.repeat(43) }, [proof]), 400, 'invalid_grant')
  t.match(await redeemWith(world, got, [proof]), { status: 200 }, 'the same proof, another body')
  const guide = await readFile(new URL('../../../../docs/guide/bound-tokens.md', import.meta.url), 'utf8')
  t.match(guide, /does not cover the body/)
})

t.test('[unit] nonces need secrets that nobody guesses', (t) => {
  for (const secrets of [[], [new Uint8Array(31)]]) {
    t.throws(() => createWorld({ features: { dpop: { nonce: 'required', secrets } } }), {
      code: 'configuration_invalid',
      setting: 'features.dpop.secrets',
    })
  }
  t.end()
})
