// Owns signed request objects: what one must be, by value, pushed and by reference, and that nothing beside it counts.

import {
  type ClientRecord,
  clientId,
  type Fetcher,
  type FetchRequest,
  type JsonObject,
  type Reply,
} from '@vouchsafe/core'
import t from 'tap'
import { claimsFor, clientKey, part, redeemBy, signedBy } from './assertions.ts'
import {
  answerOf,
  ask,
  askedOf,
  authorizationRequest,
  bodyOf,
  errorOf,
  exchange,
  kindOf,
  type Parameters,
  pageOf,
  passThrough,
  redeem,
} from './flows.ts'
import { pushForm, pushingWorld, requestUriOf, visit } from './pushes.ts'
import { changeClient, refused, statusOf, tokensOf } from './token-steps.ts'
import { createWorld, encode, REDIRECT_URI, type World } from './world.ts'

const KEY = clientKey('ES256')
const STRANGER = clientKey('ES256', KEY.kid)

const FEATURES = { par: true, requestObjects: true, jarm: true } as const

const opened = async (over: Partial<ClientRecord> = {}): Promise<World> => {
  const world = createWorld({ features: FEATURES })
  await world.client({ jwks: [KEY.jwk], ...over })
  return world
}

type Claims = Readonly<Record<string, unknown>>

/** The claims of an object that holds, changed as given (undefined leaves one out), with the verifier that goes with it. */
const claimsOfObject = (world: World, over: Claims = {}): { readonly claims: Claims; readonly verifier: string } => {
  const { parameters, verifier } = authorizationRequest()
  const now = world.clock.now()
  const times = { iat: now, nbf: now, exp: now + 60 }
  return { claims: { ...parameters, iss: 'app', aud: 'https://op.example', ...times, jti: 'j', ...over }, verifier }
}

const TYP = { typ: 'oauth-authz-req+jwt' }

const objectOf = (world: World, over: Claims = {}, header: Claims = TYP, key = KEY): string =>
  signedBy(key, claimsOfObject(world, over).claims, header)

/** What stands beside an object, so that an error finds its way back. */
const BESIDE: Parameters = { client_id: 'app', redirect_uri: REDIRECT_URI, state: 'beside' }

const send = (world: World, request: string, over: Parameters = {}): Promise<Reply> =>
  world.browser().get('/authorize', { ...BESIDE, request, ...over })

const pushObject = (world: World, request: string, over: Parameters = {}): Promise<Reply> =>
  pushForm(world, encode({ request, ...over }))

t.test(
  '[OIDC-23, ADJ-16, CONF-B-oidcc-ensure-request-object-with-redirect-uri] only what is inside a signed object counts, by GET, by POST and pushed',
  async (t) => {
    const world = await opened({ redirectUris: [REDIRECT_URI, 'https://rp.example/second'] })
    const inside = {
      redirect_uri: 'https://rp.example/second',
      state: 'inside',
      scope: 'openid email',
      prompt: 'login',
    }
    const outside: Parameters = {
      response_type: 'code',
      state: 'beside',
      scope: 'openid phone groups',
      nonce: 'beside',
      prompt: 'none',
      max_age: 'x',
      code_challenge: 'x',
      response_mode: 'form_post',
      resource: 'https://api.example',
    }
    const ways: readonly ((request: string, beside: Parameters) => Promise<readonly [World, Reply]>)[] = [
      async (request, beside) => [
        world,
        await world.browser().get('/authorize', { client_id: 'app', request, ...beside }),
      ],
      async (request, beside) => {
        const browser = world.browser()
        const bare = await browser.post('/authorize', { client_id: 'app', request, ...beside })
        return [world, bare.kind === 'resume' ? await browser.resume(bare.interactionId) : bare]
      },
    ]
    for (const way of ways) {
      for (const beside of [{}, outside, { ...outside, redirect_uri: 'https://evil.example/' }]) {
        const [, reply] = await way(objectOf(world, inside), beside)
        t.equal(kindOf(reply), 'login')
        t.equal(askedOf(reply).client.destination, 'rp.example')
      }
    }
    for (const beside of [{}, outside]) {
      const { claims, verifier } = claimsOfObject(world, inside)
      const pushed = await pushObject(world, signedBy(KEY, claims, TYP), beside)
      const browser = world.browser()
      const done = await passThrough(browser, await visit(browser, requestUriOf(pushed)))
      const answer = answerOf(done)
      t.match(done, { kind: 'redirect', location: /^https:\/\/rp\.example\/second\?/ })
      t.equal(answer.get('state'), 'inside')
      const code = { code: String(answer.get('code')), verifier, redirectUri: 'https://rp.example/second' }
      t.equal(tokensOf(await redeem(world, code)).body['scope'], 'openid email')
    }
    const nowhere = objectOf(world, { redirect_uri: 'https://evil.example/' })
    t.equal(pageOf(await send(world, nowhere)).problem, 'unregisteredRedirectUri', 'never back to the one beside')
    const missing = objectOf(world, { redirect_uri: undefined })
    t.equal(pageOf(await send(world, missing)).problem, 'invalidRequest')
  },
)

t.test(
  '[ADJ-16, OIDC-23, CONF-H1] an object that is unsigned, encrypted, by another algorithm, key or type, or for somebody else, is refused',
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('other'), jwks: [STRANGER.jwk], redirectUris: [REDIRECT_URI] })
    const { claims } = claimsOfObject(world)
    const secret = clientKey('RS256', 'unregistered')
    const cases: readonly (readonly [string, string, string])[] = [
      ['unsigned', `${part({ alg: 'none' })}.${part(claims)}.`, 'jwtMalformed'],
      ['unsigned with a signature', `${part({ alg: 'none' })}.${part(claims)}.AAAA`, 'jwtAlgorithmRefused'],
      ['encrypted', `${part({ alg: 'RSA-OAEP', enc: 'A256GCM' })}.AA.AA.AA.AA`, 'jwtMalformed'],
      ['no JWT', 'x', 'jwtMalformed'],
      ['HMAC', signedBy({ ...KEY, alg: 'ES256' }, claims, { alg: 'HS256', ...TYP }), 'jwtAlgorithmRefused'],
      ['another key', objectOf(world, {}, TYP, STRANGER), 'jwtSignatureInvalid'],
      ['an unknown key', objectOf(world, {}, TYP, secret), 'jwtKeyUnknown'],
      ['a broken signature', `${objectOf(world).slice(0, -4)}AAAA`, 'jwtSignatureInvalid'],
      ['an assertion by its type', objectOf(world, {}, { typ: 'client-authentication+jwt' }), 'jwtTypeRefused'],
      ['a proof by its type', objectOf(world, {}, { typ: 'dpop+jwt' }), 'jwtTypeRefused'],
      ['critical headers', objectOf(world, {}, { ...TYP, crit: ['x'], x: 1 }), 'jwtMalformed'],
      ['no issuer', objectOf(world, { iss: undefined }), 'objectIssuerWrong'],
      ['another issuer', objectOf(world, { iss: 'other' }), 'objectIssuerWrong'],
      ['no audience', objectOf(world, { aud: undefined }), 'objectAudienceWrong'],
      ['another server', objectOf(world, { aud: 'https://other.example' }), 'objectAudienceWrong'],
      ['an endpoint', objectOf(world, { aud: 'https://op.example/authorize' }), 'objectAudienceWrong'],
      ['other servers', objectOf(world, { aud: ['https://a.example', 'https://b.example'] }), 'objectAudienceWrong'],
      ['a subject', objectOf(world, { sub: 'app' }), 'objectHasSubject'],
      ['another subject', objectOf(world, { sub: 'alice' }), 'objectHasSubject'],
      ['no client', objectOf(world, { client_id: undefined }), 'objectClientWrong'],
      ['another client', objectOf(world, { client_id: 'other' }), 'objectClientWrong'],
      ['a nested object', objectOf(world, { request: 'x' }), 'objectNested'],
      ['a nested reference', objectOf(world, { request_uri: 'urn:x' }), 'objectNested'],
      ['expired', objectOf(world, { exp: world.clock.now() - 10 }), 'objectExpired'],
      ['an exp that is no number', objectOf(world, { exp: '9999999999' }), 'objectExpired'],
      ['not yet valid', objectOf(world, { nbf: world.clock.now() + 11 }), 'objectNotYetValid'],
      ['from the future', objectOf(world, { iat: world.clock.now() + 60 }), 'objectNotYetValid'],
      ['a list', objectOf(world, { scope: ['openid'] }), 'objectParameterMalformed'],
      ['true', objectOf(world, { prompt: true }), 'objectParameterMalformed'],
      ['null', objectOf(world, { state: null }), 'objectParameterMalformed'],
      ['U+0000', objectOf(world, { state: 'a\0b' }), 'objectParameterMalformed'],
      ['half a pair', objectOf(world, { login_hint: '\ud800' }), 'objectParameterMalformed'],
    ]
    for (const [name, request, reason] of cases) {
      const answer = answerOf(await send(world, request))
      t.same([answer.get('error'), answer.get('state')], ['invalid_request_object', 'beside'], name)
      t.match(world.events.at(-1), { name: 'authorization.refused', fields: { reason } }, name)
      refused(t, await pushObject(world, request), 400, 'invalid_request_object', name)
      const page = pageOf(await world.browser().get('/authorize', { client_id: 'app', request }))
      t.match(page, { status: 400, detail: /^invalid_request_object: / }, name)
    }
    const differs = await send(world, objectOf(world), { response_type: 'code id_token' })
    t.equal(errorOf(differs), 'invalid_request_object', 'another response_type beside it')
    t.equal(errorOf(await send(world, objectOf(world, { response_type: 'token' }))), 'unsupported_response_type')
    t.equal(errorOf(await send(world, objectOf(world, { scope: undefined }), { scope: 'openid' })), 'invalid_scope')
    t.equal(pageOf(await send(world, objectOf(world), { client_id: 'nobody' })).problem, 'unknownClient')
    t.equal(errorOf(await send(world, objectOf(world), { client_id: 'other' })), 'invalid_request_object')
    t.equal(errorOf(await send(world, objectOf(world), { request_uri: 'https://rp.example/r' })), 'invalid_request')
    const twice = await world.browser().get('/authorize', { ...BESIDE, request: [objectOf(world), objectOf(world)] })
    t.equal(errorOf(twice), 'invalid_request')
  },
)

t.test('[OIDC-23, ADJ-16, CONF-H1] an object that holds is taken in every form that libraries send', async (t) => {
  const algs = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
  const keys = algs.map((alg) => clientKey(alg))
  const world = await opened({ jwks: keys.map(({ jwk }) => jwk) })
  for (const key of keys) t.equal(kindOf(await send(world, objectOf(world, {}, TYP, key))), 'login', key.alg)
  const key = keys[0] ?? KEY
  const now = world.clock.now()
  const variants: readonly (readonly [string, Claims, Claims])[] = [
    ['no type', {}, {}],
    ['JWT', {}, { typ: 'JWT' }],
    ['a type in capitals', {}, { typ: 'OAUTH-AUTHZ-REQ+JWT' }],
    ['an audience among others', { aud: ['https://op.example', 'https://other.example'] }, TYP],
    ['no times', { exp: undefined, nbf: undefined, iat: undefined, jti: undefined }, TYP],
    ['eight seconds ahead', { nbf: now + 8, iat: now + 8 }, TYP],
    ['a number for max_age', { max_age: 0 }, TYP],
    ['claims as an object', { claims: { userinfo: { email: null } } }, TYP],
    ['claims as text', { claims: '{"userinfo":{"email":null}}' }, TYP],
    ['what nobody knows', { purpose: [1, null, true], display: 'page' }, TYP],
  ]
  for (const [name, over, header] of variants)
    t.equal(kindOf(await send(world, objectOf(world, over, header, key))), 'login', name)
  t.equal(errorOf(await send(world, objectOf(world, { resource: ['https://a.example'] }, TYP, key))), 'invalid_target')
  t.equal(errorOf(await send(world, objectOf(world, { claims: [] }, TYP, key))), 'invalid_request')
  const again = objectOf(world, {}, TYP, key)
  for (const _ of [1, 2]) t.equal(kindOf(await send(world, again)), 'login', 'the same object may come again')
  await changeClient(world, { requestObjectAlg: 'PS256' })
  t.equal(
    errorOf(await send(world, objectOf(world, {}, TYP, key))),
    'invalid_request_object',
    'RS256 was its other one',
  )
  t.equal(kindOf(await send(world, objectOf(world, {}, TYP, keys[1]))), 'login')
})

t.test('[ADJ-16] a request object is no assertion, and an assertion is no request object', async (t) => {
  const world = await opened({ authMethod: 'private_key_jwt', secrets: [] })
  const got = { code: 'x'.repeat(64), verifier: 'v'.repeat(43), redirectUri: REDIRECT_URI }
  for (const header of [{}, { typ: 'JWT' }, TYP]) {
    const object = signedBy(KEY, { ...claimsOfObject(world).claims, jti: 'object' }, header)
    refused(t, await redeemBy(world, got, object), 401, 'invalid_client', JSON.stringify(header))
  }
  const assertion = signedBy(KEY, {
    ...claimsFor(world),
    aud: 'https://op.example',
    ...authorizationRequest().parameters,
  })
  t.equal(errorOf(await send(world, assertion)), 'invalid_request_object')
  t.equal(statusOf(await exchange(world, {}, { authorization: '' })), 400)
})

t.test(
  '[FAPI-21, CONF-H1] a client that signs everything may send nothing unsigned, and what it pushes is an hour long and old at the most',
  async (t) => {
    const world = await opened({ requireSignedRequests: true })
    t.equal(errorOf(await ask(world.browser())), 'invalid_request')
    refused(t, await pushForm(world, encode(authorizationRequest().parameters)), 400, 'invalid_request')
    const now = world.clock.now()
    const cases: readonly (readonly [string, Claims, boolean])[] = [
      ['an hour', { nbf: now, exp: now + 3600 }, true],
      ['nearly an hour ago', { nbf: now - 3500, exp: now + 60 }, true],
      ['eight seconds ahead', { nbf: now + 8, exp: now + 60 }, true],
      ['no nbf', { nbf: undefined }, false],
      ['no exp', { exp: undefined }, false],
      ['70 minutes', { nbf: now, exp: now + 4200 }, false],
      ['70 minutes ago', { nbf: now - 4200, exp: now + 60 }, false],
    ]
    for (const [name, over, good] of cases) {
      const reply = await pushObject(world, objectOf(world, over))
      if (good) t.equal(statusOf(reply), 201, name)
      else refused(t, reply, 400, 'invalid_request_object', name)
    }
    const requestUri = requestUriOf(await pushObject(world, objectOf(world)))
    t.equal(kindOf(await visit(world.browser(), requestUri)), 'login')
    const off = createWorld()
    await off.client({ requireSignedRequests: true })
    t.equal(errorOf(await ask(off.browser())), 'invalid_request', 'switched off, such a client has no way in')
    const both = await opened({ requirePushedRequests: true })
    t.equal(errorOf(await send(both, objectOf(both))), 'invalid_request', 'signed is not yet pushed')
  },
)

/** A provider that can fetch: `answers` holds bodies by URL, a number an answer of that status, undefined a refusal. */
const fetchingWorld = async (
  answers: Readonly<Record<string, (world: World) => string | number>>,
  over: Partial<ClientRecord> = {},
): Promise<{ readonly world: World; readonly asked: FetchRequest[] }> => {
  const asked: FetchRequest[] = []
  const fetcher: Fetcher = {
    fetch: async (request) => {
      asked.push(request)
      const answer = answers[request.url]?.(world)
      if (answer === undefined) return { outcome: 'refused', reason: 'addressForbidden' }
      return typeof answer === 'number'
        ? { outcome: 'answered', status: answer, headers: new Map(), body: objectOf(world) }
        : { outcome: 'answered', status: 200, headers: new Map(), body: answer }
    },
  }
  const world = createWorld({ features: FEATURES }, { fetcher })
  await world.client({
    jwks: [KEY.jwk],
    requestUris: ['https://rp.example/r.jwt#v1', 'https://rp.example/bad'],
    ...over,
  })
  return { world, asked }
}

const byReference = (world: World, requestUri: string, over: Parameters = {}): Promise<Reply> =>
  world.browser().get('/authorize', { ...BESIDE, request_uri: requestUri, ...over })

t.test(
  '[OIDC-24, CONF-D-oidcc-request-uri-signed-rs256] an object is fetched from where its client registered one, whatever the fragment, and from nowhere else',
  async (t) => {
    const rs256 = clientKey('RS256')
    const { world, asked } = await fetchingWorld(
      {
        'https://rp.example/r.jwt': (at) => `${objectOf(at, { state: 'inside' }, {}, rs256)}\n`,
        'https://rp.example/bad': () => 404,
      },
      { jwks: [rs256.jwk] },
    )
    for (const fragment of ['', '#v1', '#v2']) {
      const reply = await byReference(world, `https://rp.example/r.jwt${fragment}`, {
        response_type: 'code',
        scope: 'openid',
        state: undefined,
      })
      t.equal(kindOf(reply), 'login', fragment)
    }
    t.match(asked[0], { method: 'GET', url: 'https://rp.example/r.jwt', maxBytes: 16_384 })
    t.match(asked[0]?.headers.get('accept'), /^application\/oauth-authz-req\+jwt/)
    asked.length = 0
    for (const elsewhere of [
      'https://rp.example/r.jwt?x=1',
      'https://rp.example/R.jwt',
      'https://rp.example/r.jwt/',
      'https://evil.example/r.jwt',
      'http://rp.example/r.jwt',
      'http://169.254.169.254/latest',
      `https://rp.example/r.jwt#${'v'.repeat(3000)}`,
      'urn:ietf:params:oauth:request_uri',
    ])
      t.equal(errorOf(await byReference(world, elsewhere)), 'invalid_request_uri', elsewhere.slice(0, 60))
    t.same(asked, [], 'nothing was asked of anybody')
    t.equal(errorOf(await byReference(world, 'https://rp.example/bad')), 'invalid_request_uri', 'a status but 200')
    await changeClient(world, { requestUris: ['https://rp.example/gone'] })
    t.equal(errorOf(await byReference(world, 'https://rp.example/gone')), 'invalid_request_uri', 'a refused fetch')
    await changeClient(world, { requestUris: [] })
    t.equal(errorOf(await byReference(world, 'https://rp.example/r.jwt')), 'request_uri_not_supported')
    const alone = await opened({ requestUris: ['https://rp.example/r.jwt'] })
    t.equal(errorOf(await byReference(alone, 'https://rp.example/r.jwt')), 'request_uri_not_supported', 'no way out')
    const fetched = (body: string) => fetchingWorld({ 'https://rp.example/bad': () => body })
    for (const body of ['', 'x', '<html>', `${part({ alg: 'none' })}.${part({})}.`]) {
      const { world: other } = await fetched(body)
      t.equal(errorOf(await byReference(other, 'https://rp.example/bad')), 'invalid_request_object', body)
    }
  },
)

t.test('[ADV-015, OIDC-31] request objects are in the metadata exactly as far as they work', async (t) => {
  const documentOf = async (world: World): Promise<JsonObject> =>
    bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
  const told = (document: JsonObject) => [
    document['request_parameter_supported'],
    document['request_uri_parameter_supported'],
    document['require_request_uri_registration'],
    document['request_object_signing_alg_values_supported'] !== undefined,
  ]
  const off = createWorld({ features: { par: true } })
  await off.client({ jwks: [KEY.jwk], requestUris: ['https://rp.example/r.jwt'] })
  t.same(told(await documentOf(off)), [false, false, undefined, false])
  t.equal(errorOf(await send(off, objectOf(off))), 'request_not_supported')
  t.equal(errorOf(await byReference(off, 'https://rp.example/r.jwt')), 'request_uri_not_supported')
  refused(t, await pushObject(off, objectOf(off), BESIDE), 400, 'request_not_supported')
  const byValue = await opened()
  t.same(told(await documentOf(byValue)), [true, false, undefined, true])
  const { world } = await fetchingWorld({})
  t.same(told(await documentOf(world)), [true, true, true, true])
  const algs = (await documentOf(world))['request_object_signing_alg_values_supported']
  t.ok(Array.isArray(algs) && algs.includes('RS256') && !algs.includes('none'))
  t.equal(statusOf(await pushForm(pushingWorld(), '')), 401)
})
