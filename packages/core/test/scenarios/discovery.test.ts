// Owns what the provider publishes of itself: the metadata at its well-known addresses and the key set; and that each line of it is true.

import { instant, type JsonObject, type StoredKey } from '@vouchsafe/core'
import { advance, DEFAULT_KEY_TIMING, loadedKeys, rotate } from '@vouchsafe/core/keys'
import { createNodeSigner, generateSigningKey } from '@vouchsafe/core/ports-node'
import { importJWK } from 'jose'
import t from 'tap'
import { answerOf, authorizationRequest, bodyOf, claimsOf, obtainCode, passThrough, redeem } from './flows.ts'
import { headerOf, openStores, statusOf, tokensOf } from './token-steps.ts'
import { createWorld, encode, type World } from './world.ts'

const CONFIGURATION = '/.well-known/openid-configuration'
const METADATA = '/.well-known/oauth-authorization-server'

const metadataOf = async (world: World, path = CONFIGURATION): Promise<JsonObject> => bodyOf(await world.send({ path }))

t.test(
  '[CONF-A2, CONF-C1, CONF-C5, OIDC-48, R9700-18, OIDC-33, R9207-05] the document is JSON, at its address, and every URL in it is https on the issuer',
  async (t) => {
    const world = createWorld()
    const reply = await world.send({ path: CONFIGURATION })
    t.match(reply, { kind: 'json', status: 200, contentType: 'application/json' })
    const document = bodyOf(reply)
    t.equal(document['issuer'], 'https://op.example')
    t.equal(`${String(document['issuer'])}${CONFIGURATION}`, `https://op.example${CONFIGURATION}`)
    for (const name of ['authorization_endpoint', 'token_endpoint', 'userinfo_endpoint', 'jwks_uri'])
      t.type(document[name], 'string', name)
    for (const [name, value] of Object.entries(document).filter(([name]) => /(_endpoint|_uri)$/.test(name))) {
      const url = new URL(String(value))
      t.same([url.origin, url.href], ['https://op.example', value], name)
      t.not(statusOf(await world.send({ path: url.pathname })), 404, name)
    }
  },
)

t.test(
  '[CONF-C2, CONF-C3, CONF-C4, CONF-C6, CONF-C7, CONF-C8, R9700-10, R9700-11, R9207-04, V21-29, ADV-015, ADV-099, CONF-D-oidcc-request-uri-unsigned] the document lists what is built, in the types of the registry, and nothing else',
  async (t) => {
    const world = createWorld({ uiLocales: ['en', 'pt-BR', 'zh-Hant'] })
    const document = await metadataOf(world)
    const claims = document['claims_supported']
    t.same(
      { ...document, claims_supported: Array.isArray(claims) && claims.length },
      {
        issuer: 'https://op.example',
        authorization_endpoint: 'https://op.example/authorize',
        token_endpoint: 'https://op.example/token',
        userinfo_endpoint: 'https://op.example/userinfo',
        jwks_uri: 'https://op.example/jwks',
        scopes_supported: ['openid', 'profile', 'email', 'address', 'phone', 'groups', 'offline_access'],
        response_types_supported: ['code'],
        response_modes_supported: ['query', 'form_post'],
        grant_types_supported: [
          'authorization_code',
          'refresh_token',
          'client_credentials',
          'urn:ietf:params:oauth:grant-type:token-exchange',
          'urn:ietf:params:oauth:grant-type:jwt-bearer',
        ],
        subject_types_supported: ['public'],
        id_token_signing_alg_values_supported: ['RS256', 'ES256', 'EdDSA'],
        token_endpoint_auth_methods_supported: ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'],
        token_endpoint_auth_signing_alg_values_supported: [
          'RS256',
          'PS256',
          'ES256',
          'ES384',
          'ES512',
          'EdDSA',
          'Ed25519',
        ],
        code_challenge_methods_supported: ['S256'],
        claim_types_supported: ['normal'],
        claims_supported: 12 + 20,
        claims_parameter_supported: true,
        request_parameter_supported: false,
        request_uri_parameter_supported: false,
        prompt_values_supported: ['none', 'login', 'consent', 'select_account'],
        authorization_response_iss_parameter_supported: true,
        acr_values_supported: ['1'],
        ui_locales_supported: ['en', 'pt-BR', 'zh-Hant'],
      },
    )
    const bare = await metadataOf(createWorld({ acrValues: [] }))
    t.notOk('acr_values_supported' in bare || 'ui_locales_supported' in bare, 'an empty list is left out')
  },
)

t.test('[OIDC-31] each listed response mode, prompt and claim works', async (t) => {
  const world = createWorld()
  await world.client({ idTokenClaims: 'scoped' })
  const document = await metadataOf(world)
  const list = (name: string): readonly string[] => {
    const value = document[name]
    return Array.isArray(value) ? value.map(String) : []
  }
  const browser = world.browser()
  const scope = list('scopes_supported').join(' ')
  for (const mode of list('response_modes_supported')) {
    const { parameters } = authorizationRequest({ response_mode: mode, scope })
    const reply = await passThrough(browser, await browser.get('/authorize', parameters))
    t.ok(answerOf(reply).get('code'), mode)
  }
  for (const prompt of list('prompt_values_supported')) {
    const { parameters } = authorizationRequest({ prompt, scope })
    const reply = await browser.get('/authorize', parameters)
    t.equal(reply.kind, prompt === 'none' ? 'redirect' : 'interact', prompt)
  }
  const { idToken } = tokensOf(await redeem(world, await obtainCode(world, { scope })))
  t.same(Object.keys(claimsOf(idToken)).sort(), [...list('claims_supported')].sort())
})

t.test(
  '[ADJ-22, OIDC-48, R9207-03] an issuer with a path answers at both well-known forms, with one document',
  async (t) => {
    const world = createWorld({ issuer: 'https://op.example/tenant/one' })
    await world.client()
    const paths = [
      `/tenant/one${CONFIGURATION}`,
      `${CONFIGURATION}/tenant/one`,
      `/tenant/one${METADATA}`,
      `${METADATA}/tenant/one`,
    ]
    const documents = await Promise.all(paths.map((path) => metadataOf(world, path)))
    for (const document of documents) t.same(document, documents[0])
    t.match(documents[0], {
      issuer: 'https://op.example/tenant/one',
      authorization_endpoint: 'https://op.example/tenant/one/authorize',
      token_endpoint: 'https://op.example/tenant/one/token',
      userinfo_endpoint: 'https://op.example/tenant/one/userinfo',
      jwks_uri: 'https://op.example/tenant/one/jwks',
    })
    for (const path of [CONFIGURATION, METADATA, '/token', '/jwks', '/tenant/token'])
      await t.rejects(world.send({ path }), /no route/, `${path} is not of this issuer`)
    const { parameters, verifier } = authorizationRequest()
    const browser = world.browser()
    const reply = await passThrough(browser, await browser.get('/tenant/one/authorize', parameters))
    t.equal(answerOf(reply).get('iss'), 'https://op.example/tenant/one')
    const exchanged = await world.send({
      path: '/tenant/one/token',
      method: 'POST',
      headers: new Map([
        ['content-type', ['application/x-www-form-urlencoded']],
        [
          'authorization',
          [`Basic ${Buffer.from('app:scenario-secret-0123456789abcdefghijklmnopqrstu').toString('base64')}`],
        ],
      ]),
      body: encode({ grant_type: 'authorization_code', code: answerOf(reply).get('code'), code_verifier: verifier }),
    })
    t.equal(claimsOf(tokensOf(exchanged).idToken)['iss'], 'https://op.example/tenant/one')
    const root = createWorld()
    t.same(await metadataOf(root, METADATA), await metadataOf(root))
  },
)

t.test('[OIDC-49, R9207-03] no header of a request changes a URL that is published', async (t) => {
  const world = createWorld()
  const plain = await metadataOf(world)
  const headers = new Map([
    ['host', ['evil.example']],
    ['x-forwarded-host', ['evil.example']],
    ['x-forwarded-proto', ['http']],
    ['forwarded', ['host=evil.example;proto=http']],
    ['x-original-url', ['/evil']],
  ])
  t.same(bodyOf(await world.send({ path: CONFIGURATION, query: 'issuer=https://evil.example', headers })), plain)
})

t.test(
  '[CONF-A1] the key set holds the public side of every key that is not retired, each under a name of its own, and nothing else',
  async (t) => {
    const made = await Promise.all(
      (['RS256', 'ES256', 'EdDSA', 'RS256', 'RS256'] as const).map((alg) => generateSigningKey(alg)),
    )
    const states = ['active', 'active', 'active', 'next', 'retired'] as const
    const ring = made.map((key, index) => ({ ...key, state: states[index] ?? 'retired' }))
    const world = createWorld({}, { keys: { keys: () => ring }, signer: createNodeSigner(made) })
    const reply = await world.send({ path: '/jwks' })
    t.match(reply, { kind: 'json', status: 200, contentType: 'application/jwk-set+json' })
    t.match(headerOf(reply, 'Cache-Control'), /^public, max-age=900$/)
    const { keys } = bodyOf(reply)
    if (!Array.isArray(keys)) throw new Error('no keys')
    const set = keys as unknown as readonly Record<string, string>[]
    t.same(
      set.map((key) => key['kid']).sort(),
      made
        .slice(0, 4)
        .map((key) => key.kid)
        .sort(),
    )
    const members: Readonly<Record<string, readonly string[]>> = {
      RSA: ['alg', 'e', 'kid', 'kty', 'n', 'use'],
      EC: ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y'],
      OKP: ['alg', 'crv', 'kid', 'kty', 'use', 'x'],
    }
    for (const key of set) {
      t.same(Object.keys(key).sort(), members[String(key['kty'])])
      t.match(key, { use: 'sig', alg: /^(RS256|ES256|EdDSA)$/ })
      await t.resolves(importJWK({ ...key }, key['alg']))
    }
    await world.client()
    const { idToken } = tokensOf(await redeem(world, await obtainCode(world)))
    const header = JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }
    t.equal(header.kid, made[0]?.kid, 'a key that waits does not sign')
  },
)

t.test(
  '[CONF-D-oidcc-server-rotate-keys, OIDC-28, OPS-037] a rotated key is published a cache lifetime before it signs, and the old one stays for the life of what it signed',
  async (t) => {
    const { stores } = openStores()
    const pairs = await Promise.all((['RS256', 'RS256'] as const).map((alg) => generateSigningKey(alg)))
    const [first, second] = pairs
    if (first === undefined || second === undefined) throw new Error('two keys')
    let at = 1_900_000_000
    const clock = { now: () => instant(at) }
    const timing = DEFAULT_KEY_TIMING
    const save = async (move: (keys: readonly StoredKey[]) => readonly StoredKey[]): Promise<void> => {
      const { revision, keys } = await stores.keys.loadKeyRing()
      await stores.keys.saveKeyRing({ revision, keys: move(keys) }, { now: clock.now(), events: [] })
    }
    const add = (key: typeof first): Promise<void> =>
      save((keys) => {
        const fresh = { kid: key.kid, alg: key.alg, publicJwk: key.publicJwk, sealedPrivateKey: 'sealed' }
        const moved = rotate(keys, { fresh, now: clock.now(), timing, urgency: 'planned' })
        if (!moved.ok) throw new Error(moved.error.reason)
        return moved.value
      })
    await add(first)
    const world = createWorld(
      { stores },
      { clock, keys: loadedKeys({ store: stores.keys, clock }), signer: createNodeSigner(pairs) },
    )
    await world.client()
    const published = async (): Promise<readonly string[]> => {
      const { keys } = bodyOf(await world.send({ path: '/jwks' })) as unknown as { keys: readonly { kid: string }[] }
      return keys.map((key) => key.kid)
    }
    const signs = async (): Promise<string> => {
      const { idToken } = tokensOf(await redeem(world, await obtainCode(world)))
      return (JSON.parse(Buffer.from(idToken.split('.')[0] ?? '', 'base64url').toString()) as { kid: string }).kid
    }
    t.same([await published(), await signs()], [[first.kid], first.kid])
    await add(second)
    at += 1
    t.same([await published(), await signs()], [[first.kid, second.kid], first.kid], 'known before it signs')
    at += timing.publishAhead
    await save((keys) => advance(keys, clock.now(), timing))
    at += 1
    t.same([await published(), await signs()], [[second.kid, first.kid], second.kid], 'the old one stays')
    at += timing.keepAfter - 2
    await save((keys) => advance(keys, clock.now(), timing))
    t.same(await published(), [second.kid, first.kid], 'to its last second')
    at += 1
    await save((keys) => advance(keys, clock.now(), timing))
    at += 1
    t.same(await published(), [second.kid])
  },
)

t.test('[OIDC-48] the documents answer GET alone, and may be kept for a short while', async (t) => {
  const world = createWorld()
  for (const path of [CONFIGURATION, METADATA, '/jwks']) {
    const reply = await world.send({ path, method: 'POST' })
    t.match(reply, { kind: 'json', status: 405 })
    t.equal(headerOf(reply, 'Allow'), 'GET, OPTIONS')
    t.match(headerOf(await world.send({ path }), 'Cache-Control'), /^public, max-age=\d+$/)
    t.equal(statusOf(await world.send({ path: `${path}/` })), 200, 'with a slash behind')
  }
})
