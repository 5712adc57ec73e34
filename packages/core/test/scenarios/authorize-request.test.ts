// Owns what the authorization endpoint takes and what it refuses, before anybody is asked anything.

import { type ClientRecord, clientId, type Reply } from '@vouchsafe/core'
import t from 'tap'
import {
  answerOf,
  ask,
  askedOf,
  authorizationRequest,
  bodyOf,
  claimsOf,
  errorOf,
  kindOf,
  obtainCode,
  type Parameters,
  pageOf,
  passThrough,
  redeem,
} from './flows.ts'
import { createWorld, encode, pkcePair, type World } from './world.ts'

const opened = async (over: Partial<ClientRecord> = {}): Promise<World> => {
  const world = createWorld()
  await world.client(over)
  return world
}

/** Asks in a fresh browser. */
const askFresh = (world: World, over: Parameters): Promise<Reply> => ask(world.browser(), over)

t.test('[CONF-B-oidcc-response-type-missing] a request without response_type is answered at the client', async (t) => {
  const world = await opened()
  const answer = answerOf(await askFresh(world, { response_type: undefined }))
  t.equal(answer.get('error'), 'invalid_request')
  t.equal(answer.get('state'), 'state-1')
})

t.test(
  '[R9700-11, R9700-47] every response type but code and every mode but query and form_post is refused',
  async (t) => {
    const world = await opened()
    for (const type of [
      'token',
      'id_token',
      'code token',
      'code id_token',
      'none',
      'CODE',
      'code code',
      'code ',
      'urn:x',
    ]) {
      t.equal(errorOf(await askFresh(world, { response_type: type })), 'unsupported_response_type', type)
    }
    for (const mode of ['fragment', 'web_message', 'query.jwt', 'form_post.jwt', 'jwt', 'Query']) {
      const reply = await askFresh(world, { response_mode: mode })
      t.equal(errorOf(reply), 'invalid_request', mode)
      t.equal(reply.kind, 'redirect')
    }
    const metadata = bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
    t.same(metadata['response_types_supported'], ['code'])
    t.same(metadata['response_modes_supported'], ['query', 'form_post'])
  },
)

t.test(
  '[CONF-B-oidcc-unsigned-request-object-supported-correctly-or-rejected-as-unsupported, CONF-B-oidcc-request-uri-unsigned-supported-correctly-or-rejected-as-unsupported] what is not built is refused by its own error and not advertised',
  async (t) => {
    const world = await opened()
    const object = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${Buffer.from('{}').toString('base64url')}.`
    const expected: readonly (readonly [string, string, string])[] = [
      ['request', object, 'request_not_supported'],
      ['request_uri', 'https://rp.example/request.jwt', 'request_uri_not_supported'],
      ['registration', '{}', 'registration_not_supported'],
      ['resource', 'https://api.example', 'invalid_target'],
      ['authorization_details', '[]', 'invalid_authorization_details'],
    ]
    for (const [name, value, error] of expected) {
      const answer = answerOf(await askFresh(world, { [name]: value }))
      t.same([answer.get('error'), answer.get('state')], [error, 'state-1'], name)
    }
    // The suite leaves response_type inside the object.
    t.equal(errorOf(await askFresh(world, { request: object, response_type: undefined })), 'request_not_supported')
    const metadata = bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
    t.equal(metadata['request_parameter_supported'], false)
    t.equal(metadata['request_uri_parameter_supported'], false)
  },
)

const REPEATABLE = [
  'response_type',
  'response_mode',
  'scope',
  'state',
  'nonce',
  'code_challenge',
  'code_challenge_method',
  'prompt',
  'max_age',
  'login_hint',
  'id_token_hint',
  'ui_locales',
  'claims',
  'claims_locales',
  'acr_values',
  'display',
]

t.test('[V21-07, WEB-062] a parameter that is repeated is refused, whatever its values', async (t) => {
  const world = await opened()
  const { parameters } = authorizationRequest()
  for (const name of REPEATABLE) {
    const value = parameters[name] ?? 'x'
    const twice = { [name]: [String(value), String(value)] }
    const answer = answerOf(await askFresh(world, twice))
    t.equal(answer.get('error'), 'invalid_request', name)
    t.match(answer.get('error_description'), name)
    t.equal(answer.get('state'), name === 'state' ? undefined : 'state-1')
    const posted = await world.browser().post('/authorize', { ...parameters, ...twice })
    t.equal(errorOf(posted), 'invalid_request', `${name} in a body`)
    t.equal(errorOf(await askFresh(world, { [name]: [String(value), ''] })), 'invalid_request', `${name} and empty`)
  }
  t.equal(errorOf(await askFresh(world, { prompt: ['none', 'login'] })), 'invalid_request')
  // Padding between two values hides neither of them.
  const query = `${encode(parameters)}&${'&'.repeat(300)}&state=other`
  t.equal(errorOf(await world.browser().send({ path: '/authorize', query })), 'invalid_request')
  t.equal(pageOf(await askFresh(world, { client_id: ['app', 'app'] })).problem, 'invalidRequest')
  t.equal(pageOf(await askFresh(world, { redirect_uri: [REDIRECT, REDIRECT] })).problem, 'invalidRequest')
})

const REDIRECT = 'https://rp.example/callback'

t.test('[V21-07] an empty value counts as absent', async (t) => {
  const world = await opened()
  const empty = ['prompt', 'max_age', 'claims', 'id_token_hint', 'request', 'resource', 'response_mode', 'login_hint']
  const reply = await askFresh(world, Object.fromEntries(empty.map((name) => [name, ''])))
  t.equal(kindOf(reply), 'login')
  t.equal(errorOf(await askFresh(world, { response_type: '' })), 'invalid_request')
  t.equal(errorOf(await askFresh(world, { scope: '' })), 'invalid_scope')
  const answer = answerOf(await askFresh(world, { state: '', response_type: 'token' }))
  t.notOk(answer.has('state'), 'an empty state is not echoed')
})

t.test(
  '[OIDC-50, WEB-063, CONF-B-oidcc-ensure-request-with-unknown-parameter-succeeds] unknown parameters are ignored, and brackets and dots make no others',
  async (t) => {
    const world = await opened()
    const odd = {
      extra: 'foobar',
      __proto__x: '1',
      constructor: 'x',
      toString: 'x',
      hasOwnProperty: 'x',
      'prompt[]': 'none',
      'scope[0]': 'openid email',
      'request[uri]': 'x',
      'prompt.value': 'none',
      'redirect_uri[]': 'https://evil.example',
      return_to: '//evil.example',
    }
    const reply = await askFresh(world, odd)
    t.equal(kindOf(reply), 'login')
    // JavaScript will not hold this name in a literal.
    const { parameters } = authorizationRequest()
    const query = `${encode(parameters)}&__proto__=x&__proto__%5Bscope%5D=y`
    t.equal(kindOf(await world.browser().send({ path: '/authorize', query })), 'login')
    t.same(await obtainCode(world, odd).then(({ code }) => code.length), 64)
    const bracketed = await askFresh(world, { scope: undefined, 'scope[]': 'openid' })
    t.equal(errorOf(bracketed), 'invalid_scope', 'a bracketed name does not stand for the plain one')
  },
)

t.test(
  '[OIDC-51, CONF-B-oidcc-display-page, CONF-B-oidcc-display-popup, CONF-B-oidcc-ui-locales, CONF-B-oidcc-claims-locales, CONF-B-oidcc-login-hint, CONF-B-oidcc-ensure-request-with-acr-values-succeeds] hints of every kind are no error, and reach the page as they are',
  async (t) => {
    const world = await opened()
    const values: readonly Parameters[] = [
      { display: 'page' },
      { display: 'popup' },
      { display: 'hologram' },
      { ui_locales: 'se' },
      { ui_locales: '  xx-invalid-- 12 ' },
      { claims_locales: 'se' },
      { claims_locales: '%%% €' },
      { login_hint: 'buffy@op.example' },
      { acr_values: '1 2' },
      { acr_values: '1' },
    ]
    for (const value of values) {
      const tokens = bodyOf(await redeem(world, await obtainCode(world, value)))
      t.equal(claimsOf(tokens['id_token'])['acr'], '1', JSON.stringify(value))
    }
    const presented = askedOf(await askFresh(world, { ui_locales: 'se  en', login_hint: '"><b>buffy@op.example' }))
    t.same(presented.uiLocales, ['se', 'en'])
    t.equal(presented.loginHint, '"><b>buffy@op.example')
  },
)

t.test('[CONF-B-oidcc-alternate-happy-flow] the order of scopes and parameters changes nothing', async (t) => {
  const world = await opened()
  const { parameters, verifier } = authorizationRequest({ scope: 'email openid profile' })
  const reversed = Object.fromEntries(Object.entries(parameters).reverse())
  const browser = world.browser()
  const reply = await passThrough(browser, await browser.get('/authorize', reversed))
  const code = answerOf(reply).get('code') ?? ''
  const tokens = bodyOf(await redeem(world, { code, verifier, redirectUri: REDIRECT }))
  t.match(claimsOf(tokens['id_token']), { sub: 'alice', nonce: 'nonce-1' })
  t.same(new Set(String(tokens['scope'] ?? 'email openid profile').split(' ')), new Set(['openid', 'email', 'profile']))
})

t.test(
  '[CONF-B-oidcc-ensure-post-request-succeeds, OIDC-11] GET and POST are answered alike, right or wrong',
  async (t) => {
    const world = await opened()
    const cases: readonly Parameters[] = [
      {},
      { response_type: undefined },
      { scope: 'openid nothing' },
      { code_challenge: undefined },
      { prompt: 'none login' },
      { max_age: 'soon' },
      { claims: '[]' },
      { redirect_uri: 'https://evil.example' },
      { client_id: 'nobody' },
      { id_token_hint: 'x' },
      { request: 'x' },
      { prompt: 'none' },
    ]
    const told = (reply: Reply): unknown => {
      if (reply.kind === 'page') return { ...pageOf(reply), reference: '' }
      return reply.kind === 'redirect' ? reply.location : kindOf(reply)
    }
    for (const over of cases) {
      const browser = world.browser()
      // A browser that has been here sends its cookie with both.
      await ask(browser)
      const { parameters } = authorizationRequest(over)
      const got = told(await browser.get('/authorize', parameters))
      const posted = told(await browser.post('/authorize', parameters))
      t.same(posted, got, JSON.stringify(over))
    }
    const browser = world.browser()
    await ask(browser)
    const { parameters, verifier } = authorizationRequest()
    const reply = await passThrough(browser, await browser.post('/authorize', parameters))
    const code = answerOf(reply).get('code') ?? ''
    t.match(await redeem(world, { code, verifier, redirectUri: REDIRECT }), { status: 200 })
  },
)

t.test('[WEB-059] a parameter above its limit is refused, and one at its limit is taken whole', async (t) => {
  const world = await opened()
  const limits: readonly (readonly [string, number])[] = [
    ['state', 2048],
    ['nonce', 512],
    ['login_hint', 256],
    ['ui_locales', 256],
    ['acr_values', 1024],
  ]
  for (const [name, limit] of limits) {
    t.equal(kindOf(await askFresh(world, { [name]: 'a'.repeat(limit) })), 'login', `${name} of ${limit}`)
    const answer = answerOf(await askFresh(world, { [name]: 'a'.repeat(limit + 1) }))
    t.equal(answer.get('error'), 'invalid_request', `${name} of ${limit + 1}`)
    t.equal(answer.get('state'), name === 'state' ? undefined : 'state-1', 'never cut')
  }
  const claims = (length: number): string => `{"userinfo":{}}${' '.repeat(length - 15)}`
  t.equal(kindOf(await askFresh(world, { claims: claims(8192) })), 'login')
  t.equal(errorOf(await askFresh(world, { claims: claims(8193) })), 'invalid_request')
  t.equal(errorOf(await askFresh(world, { scope: `openid ${'a'.repeat(2048)}` })), 'invalid_request')
  t.equal(errorOf(await askFresh(world, { id_token_hint: 'a'.repeat(16_385) })), 'invalid_request')
  t.equal(pageOf(await askFresh(world, { client_id: 'a'.repeat(256) })).status, 400)
  t.equal(pageOf(await askFresh(world, { redirect_uri: `${REDIRECT}?${'a'.repeat(2048)}` })).status, 400)
  t.equal(pageOf(await askFresh(world, { extra: 'a'.repeat(65_536) })).status, 413)
  const many = Object.fromEntries(Array.from({ length: 200 }, (_, i) => [`p${i}`, 'x']))
  t.equal(pageOf(await askFresh(world, many)).status, 400)
})

t.test(
  '[ADV-057, R6819-05] a scope of odd characters and one beyond the registration are refused as invalid_scope',
  async (t) => {
    const world = await opened({ scopes: ['openid', 'email'] })
    for (const scope of [
      'openid\u0001',
      'openid "email"',
      'openid\\email',
      'openid\temail',
      'openid\nemail',
      'openid é',
    ]) {
      t.equal(errorOf(await askFresh(world, { scope })), 'invalid_scope', JSON.stringify(scope))
    }
    for (const scope of ['openid profile', 'openid admin', 'openid EMAIL', 'openid emai']) {
      t.equal(errorOf(await askFresh(world, { scope })), 'invalid_scope', scope)
    }
    t.equal(errorOf(await askFresh(world, { scope: undefined })), 'invalid_scope')
    t.equal(kindOf(await askFresh(world, { scope: 'openid email' })), 'login')
  },
)

t.test('[ADV-058] a claims parameter of the wrong shape is refused, not read as far as it goes', async (t) => {
  const world = await opened()
  const wrong = [
    'x',
    '[]',
    'null',
    '"userinfo"',
    '{"userinfo":[]}',
    '{"userinfo":"name"}',
    '{"userinfo":{"name":true}}',
    '{"userinfo":{"name":"x"}}',
    '{"userinfo":{"name":[]}}',
    '{"id_token":{"acr":{"essential":"true"}}}',
    '{"id_token":{"acr":{"values":"1"}}}',
    '{"id_token":{"acr":{"values":[]}}}',
    '{"id_token":{"acr":{"values":[{}]}}}',
    '{"id_token":{"acr":{"value":{}}}}',
    '{"id_token":{"sub":{"value":42}}}',
    `{"userinfo":${'['.repeat(30)}${']'.repeat(30)}}`,
  ]
  for (const claims of wrong) t.equal(errorOf(await askFresh(world, { claims })), 'invalid_request', claims)
  for (const claims of [
    '{}',
    '{"userinfo":null}',
    '{"userinfo":{"name":{}}}',
    '{"other":1,"id_token":{"x":{"y":1}}}',
  ]) {
    t.equal(kindOf(await askFresh(world, { claims })), 'login', claims)
  }
})

t.test('[OIDC-04] prompt=none goes with no other value, and unknown prompts and odd max_age are refused', async (t) => {
  const world = await opened()
  for (const prompt of ['none login', 'consent none', 'select_account none', 'create', 'Login', 'none none']) {
    t.equal(errorOf(await askFresh(world, { prompt })), 'invalid_request', prompt)
  }
  for (const max_age of ['-1', '1.5', 'soon', '1e3', '0x10', '99999999999', ' 1']) {
    t.equal(errorOf(await askFresh(world, { max_age })), 'invalid_request', max_age)
  }
})

t.test('[OIDC-02] without the openid scope the flow gives an access token and no ID token', async (t) => {
  const world = await opened()
  const body = bodyOf(await redeem(world, await obtainCode(world, { scope: 'email' })))
  t.type(body['access_token'], 'string')
  t.notOk('id_token' in body)
})

t.test(
  '[OIDC-29] a client without refresh tokens asks for offline_access in vain: no error, no refresh token, not in the granted scope',
  async (t) => {
    const world = await opened()
    for (const over of [{}, { prompt: 'consent' }]) {
      const { parameters, verifier } = authorizationRequest({ scope: 'openid offline_access', ...over })
      const browser = world.browser()
      const consent = await browser.signIn(await browser.get('/authorize', parameters))
      t.match(askedOf(consent).prompt, { scopes: [{ name: 'openid' }] })
      const code = answerOf(await browser.allow(consent)).get('code') ?? ''
      const body = bodyOf(await redeem(world, { code, verifier, redirectUri: REDIRECT }))
      t.notOk('refresh_token' in body)
      t.equal(body['scope'], 'openid')
    }
    t.equal(errorOf(await askFresh(world, { scope: 'offline_access' })), 'invalid_scope')
  },
)

t.test('[R7636-01, R7636-02, R9700-07] only an S256 challenge of 43 characters of base64url is taken', async (t) => {
  for (const over of [{}, { pkce: 'optional' as const, nonce: 'optional' as const }]) {
    const world = await opened(over)
    const { challenge, verifier } = pkcePair()
    for (const method of [undefined, 'plain', 's256', 'S512', 'S256 ']) {
      t.equal(errorOf(await askFresh(world, { code_challenge_method: method })), 'invalid_request', `method ${method}`)
      const asPlain = { code_challenge_method: method, code_challenge: verifier }
      t.equal(errorOf(await askFresh(world, asPlain)), 'invalid_request')
    }
    const odd = [
      challenge.slice(1),
      `${challenge}A`,
      `${challenge}=`,
      `+${challenge.slice(1)}`,
      ` ${challenge.slice(1)}`,
      'x',
    ]
    for (const code_challenge of odd) {
      t.equal(errorOf(await askFresh(world, { code_challenge })), 'invalid_request', code_challenge)
    }
    t.equal(errorOf(await askFresh(world, { code_challenge: undefined })), 'invalid_request', 'a method alone')
    t.equal(kindOf(await askFresh(world, { code_challenge: challenge })), 'login')
  }
})

const WITHOUT_PKCE = { code_challenge: undefined, code_challenge_method: undefined }

t.test(
  '[R9700-04, R9700-05, R9700-06, R7636-04, R8252-01, R8252-07] PKCE may be left out only by a confidential client that is set so, and then with a nonce',
  async (t) => {
    const world = await opened()
    const answer = answerOf(await askFresh(world, WITHOUT_PKCE))
    t.equal(answer.get('error'), 'invalid_request')
    t.match(answer.get('error_description'), /code_challenge/)
    // Records that no registration would make: the rule holds whatever they say.
    const unfit: readonly (readonly [string, Partial<ClientRecord>])[] = [
      ['public', { authMethod: 'none' }],
      ['native', { authMethod: 'none', applicationType: 'native' }],
      ['native-secret', { authMethod: 'client_secret_basic', applicationType: 'native' }],
      ['native-post', { authMethod: 'client_secret_post', applicationType: 'native' }],
    ]
    for (const [id, record] of unfit) {
      await world.client({ clientId: clientId(id), pkce: 'optional', nonce: 'optional', ...record })
      const reply = await askFresh(world, { client_id: id, ...WITHOUT_PKCE })
      t.equal(reply.kind, 'redirect', `${id} is told at its redirect URI`)
      t.equal(errorOf(reply), 'invalid_request', id)
      t.equal(kindOf(await askFresh(world, { client_id: id })), 'login')
    }
    await world.client({ clientId: clientId('excepted'), pkce: 'optional' })
    t.equal(kindOf(await askFresh(world, { client_id: 'excepted', ...WITHOUT_PKCE })), 'login')
    const bare = await askFresh(world, { client_id: 'excepted', ...WITHOUT_PKCE, nonce: undefined })
    t.equal(errorOf(bare), 'invalid_request', 'nothing would bind the code to the browser')
    await world.client({ clientId: clientId('wiki'), pkce: 'optional', nonce: 'optional' })
    t.equal(kindOf(await askFresh(world, { client_id: 'wiki', ...WITHOUT_PKCE, nonce: undefined })), 'login')
  },
)

t.test(
  '[CONF-B-oidcc-ensure-request-with-valid-pkce-succeeds, CONF-B-oidcc-ensure-request-without-nonce-succeeds-for-code-flow] a confidential client with PKCE needs no nonce, and none comes back',
  async (t) => {
    const world = await opened()
    const got = await obtainCode(world, { nonce: undefined })
    const body = bodyOf(await redeem(world, got))
    t.notOk('nonce' in claimsOf(body['id_token']))
  },
)

t.test('[R9700-21] the authorization endpoint lets no other origin read anything', async (t) => {
  const world = await opened({ corsOrigins: ['https://spa.example'] })
  const { parameters } = authorizationRequest({ redirect_uri: 'https://evil.example' })
  for (const method of ['GET', 'OPTIONS', 'POST']) {
    const headers = new Map([
      ['origin', ['https://spa.example']],
      ['access-control-request-method', ['GET']],
    ])
    const reply = await world.send({ path: '/authorize', method, headers, query: encode(parameters) })
    t.equal(reply.kind, 'page', method)
    const sent = reply.kind === 'page' ? [...reply.headers.keys()] : []
    t.notOk(
      sent.some((name) => name.toLowerCase().startsWith('access-control')),
      method,
    )
  }
})

t.test('[unit] other methods, bodies that are no form and ill-encoded text end on a page', async (t) => {
  const world = await opened()
  for (const method of ['PUT', 'DELETE', 'HEAD', 'OPTIONS', 'get']) {
    const reply = await world.send({ path: '/authorize', method })
    t.equal(pageOf(reply).problem, 'methodNotAllowed', method)
    t.equal(reply.kind === 'page' && reply.headers.get('Allow'), 'GET, POST')
  }
  const body = encode(authorizationRequest().parameters)
  for (const type of ['application/json', 'text/plain', 'multipart/form-data', '']) {
    const headers = new Map([['content-type', [type]]])
    t.equal(pageOf(await world.send({ path: '/authorize', method: 'POST', headers, body })).status, 415, type)
  }
  for (const odd of [
    'state=%ff',
    'state=%',
    'state=%zz',
    '%ff=x',
    'state=%ed%a0%80',
    'state=a%00b',
    'state=é',
    'state=a b',
  ]) {
    const query = `${encode({ ...authorizationRequest().parameters, state: undefined })}&${odd}`
    t.equal(pageOf(await world.send({ path: '/authorize', query })).status, 400, odd)
  }
})
