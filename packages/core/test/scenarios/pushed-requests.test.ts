// Owns pushed authorization requests: what may be pushed, by whom, and that each is answered once, whoever comes with it.

import { clientId, type Reply } from '@vouchsafe/core'
import t from 'tap'
import { claimsFor, clientKey, keyedClient, redeemBy, signedBy } from './assertions.ts'
import {
  answerOf,
  ask,
  askedOf,
  authorizationRequest,
  basic,
  bodyOf,
  errorOf,
  kindOf,
  obtainCode,
  type Parameters,
  pageOf,
  passThrough,
  redeem,
} from './flows.ts'
import { push, pushed, pushForm, pushingWorld, requestUriOf, visit } from './pushes.ts'
import { changeClient, headerOf, openStores, refused, setPerson, statusOf, tokensOf } from './token-steps.ts'
import { type Browser, CLIENT_SECRET, createWorld, REDIRECT_URI, type World } from './world.ts'

const opened = async (over: ClientOver = {}): Promise<World> => {
  const world = pushingWorld()
  await world.client(over)
  return world
}

type ClientOver = NonNullable<globalThis.Parameters<World['client']>[0]>

const UNKNOWN = `urn:ietf:params:oauth:request_uri:${'a'.repeat(43)}`

/** A browser in which Alice is signed in and has allowed the app. */
const signedInBrowser = async (world: World): Promise<Browser> => {
  const browser = world.browser()
  await passThrough(browser, await visit(browser, (await pushed(world)).requestUri))
  return browser
}

t.test(
  '[ADJ-12, CONF-G-par-answer, FAPI-12, OIDC-32] a push is answered 201 with a reference of 256 bits that is kept as a digest and good for a minute',
  async (t) => {
    const { stores, state } = openStores()
    const world = pushingWorld({ stores })
    await world.client()
    const replies = [await push(world), await push(world)]
    for (const reply of replies) {
      t.match(reply, { kind: 'json', status: 201, contentType: 'application/json' })
      t.same(Object.keys(bodyOf(reply)).sort(), ['expires_in', 'request_uri'])
      t.equal(bodyOf(reply)['expires_in'], 60)
      t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
      t.match(requestUriOf(reply), /^urn:ietf:params:oauth:request_uri:[\w-]{43}$/)
      const secret = requestUriOf(reply).slice(-43)
      t.notOk(JSON.stringify([...state.pushedRequests]).includes(secret), 'it is not kept in clear')
    }
    t.not(requestUriOf(replies[0] ?? (await push(world))), requestUriOf(replies[1] ?? (await push(world))))
    const requestUri = requestUriOf(await push(world))
    world.clock.advance(59)
    t.equal(kindOf(await visit(world.browser(), requestUri)), 'login', 'to its last second')
    world.clock.advance(1)
    t.equal(errorOf(await visit(world.browser(), requestUri)), 'invalid_request_uri')
  },
)

t.test(
  '[CONF-G-par-without-duplicate-parameters] what was pushed counts, and nothing else that the browser brings',
  async (t) => {
    const world = await opened()
    const { requestUri, verifier } = await pushed(world, {
      state: 'pushed-state',
      nonce: 'pushed-nonce',
      scope: 'openid',
    })
    const repeats: Parameters = {
      response_type: 'token',
      redirect_uri: 'https://evil.example/callback',
      scope: 'openid email phone',
      state: ['evil', 'twice'],
      nonce: 'evil',
      prompt: 'none',
      code_challenge: 'evil',
      response_mode: 'form_post',
      resource: 'https://api.example',
    }
    const browser = world.browser()
    const answer = answerOf(await passThrough(browser, await visit(browser, requestUri, repeats)))
    t.equal(answer.get('state'), 'pushed-state')
    const redirectUri = REDIRECT_URI
    const tokens = tokensOf(await redeem(world, { code: String(answer.get('code')), verifier, redirectUri }))
    t.equal(tokens.body['scope'], 'openid')
  },
)

t.test(
  '[ADJ-10, FAPI-10] a client proves itself as at the token endpoint, and one that fails is answered as there',
  async (t) => {
    const world = await opened()
    for (const [authorization, why] of [
      ['', 'no credentials at all'],
      [basic('app', 'wrong'), 'a wrong secret'],
      [basic('nobody', CLIENT_SECRET), 'an unknown client'],
    ] as const) {
      const reply = await push(world, authorization === '' ? {} : { client_id: undefined }, { authorization })
      refused(t, reply, 401, 'invalid_client', why)
      t.equal(headerOf(reply, 'WWW-Authenticate') !== undefined, authorization !== '', why)
      t.equal(world.events.at(-1)?.name, 'client_authentication.failed')
    }
    refused(t, await push(world, { client_id: 'other' }), 401, 'invalid_client', 'another client_id in the form')
    refused(t, await push(world, { client_secret: CLIENT_SECRET }), 400, 'invalid_request', 'two ways at once')
    refused(t, await push(world, { client_id: ['app', 'app'] }), 400, 'invalid_request', 'client_id repeated')
    t.equal(statusOf(await push(world, { client_id: undefined })), 201, 'the header names the client')
    await changeClient(world, { disabled: true })
    refused(t, await push(world), 401, 'invalid_client', 'a disabled client')
    let last: Reply | undefined
    for (let tries = 0; tries < 12; tries++)
      last = await push(world, { client_id: undefined }, { authorization: basic('nobody', 'x') })
    refused(t, last ?? (await push(world)), 429, 'temporarily_unavailable', 'guesses are slowed down')
    const publicClient = clientId('spa')
    await world.client({ clientId: publicClient, authMethod: 'none', secrets: [] })
    t.equal(
      statusOf(await push(world, { client_id: 'spa' }, { authorization: '' })),
      201,
      'a public client names itself',
    )
  },
)

t.test(
  '[ADJ-10, CONF-G-par-test-par-endpoint-url-as-audience-fails, OPS-021] an assertion counts once at this endpoint, at the token endpoint and between them, and not for the endpoint’s own URL',
  async (t) => {
    const world = pushingWorld()
    const key = clientKey('ES256')
    await keyedClient(world, [key])
    const withAssertion = (assertion: string, over: Parameters = {}): Promise<Reply> =>
      push(
        world,
        {
          client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
          client_assertion: assertion,
          ...over,
        },
        { authorization: '' },
      )
    const sign = (over: Record<string, unknown> = {}): string =>
      signedBy(key, claimsFor(world, { aud: 'https://op.example', ...over }))
    refused(t, await withAssertion(sign({ aud: 'https://op.example/par' })), 401, 'invalid_client')
    const assertion = sign()
    refused(
      t,
      await withAssertion(assertion, { scope: 'a"b' }),
      400,
      'invalid_scope',
      'what is refused uses nothing up',
    )
    t.equal(statusOf(await withAssertion(assertion, { client_id: undefined })), 201)
    refused(t, await withAssertion(assertion), 401, 'invalid_client', 'the second use')
    t.match(world.events.at(-1), { fields: { reason: 'proofReplayed', clientId: 'app' } })
    const got = await obtainCode(world)
    refused(t, await redeemBy(world, got, assertion), 401, 'invalid_client', 'nor is it good for a token')
    const other = sign()
    t.equal(statusOf(await redeemBy(world, got, other)), 200)
    refused(t, await withAssertion(other), 401, 'invalid_client', 'and the other way round')
  },
)

t.test(
  '[ADJ-11, FAPI-16, CONF-G-par-authorization-request-containing-request_uri-form-param] a reference inside a push is refused, whatever it refers to',
  async (t) => {
    const world = await opened()
    for (const requestUri of [UNKNOWN, requestUriOf(await push(world)), 'https://rp.example/request', ['x', 'x']]) {
      refused(t, await push(world, { request_uri: requestUri }), 400, 'invalid_request', String(requestUri))
    }
  },
)

t.test(
  '[ADJ-13, CONF-G-ensure-response-type-code-idtoken-fails, CONF-G-ensure-response-type-token-fails, CONF-G-ensure-redirect-uri-in-authorization-request, CONF-G-plain-fapi-tolerate-unregistered-redirect-uri, CONF-G-par-ensure-pkce-required, CONF-G-par-plain-pkce-rejected, CONF-G-par-attempt-invalid-http-method, FAPI-10] what the authorization endpoint refuses is refused at the push, in JSON',
  async (t) => {
    const world = await opened({ scopes: ['openid', 'profile'] })
    const cases: readonly (readonly [Parameters, string])[] = [
      [{ response_type: 'code id_token' }, 'unsupported_response_type'],
      [{ response_type: 'token' }, 'unsupported_response_type'],
      [{ response_type: undefined }, 'invalid_request'],
      [{ response_mode: 'fragment' }, 'invalid_request'],
      [{ redirect_uri: undefined }, 'invalid_request'],
      [{ redirect_uri: 'https://evil.example/callback' }, 'invalid_request'],
      [{ redirect_uri: `${REDIRECT_URI}/` }, 'invalid_request'],
      [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
      [{ code_challenge_method: 'plain' }, 'invalid_request'],
      [{ code_challenge_method: undefined }, 'invalid_request'],
      [{ scope: undefined }, 'invalid_scope'],
      [{ scope: 'openid admin' }, 'invalid_scope'],
      [{ state: ['a', 'b'] }, 'invalid_request'],
      [{ redirect_uri: [REDIRECT_URI, REDIRECT_URI] }, 'invalid_request'],
      [{ nonce: 'n'.repeat(513) }, 'invalid_request'],
      [{ prompt: 'none login' }, 'invalid_request'],
      [{ max_age: '-1' }, 'invalid_request'],
      [{ claims: '{' }, 'invalid_request'],
      [{ id_token_hint: 'x' }, 'invalid_request'],
      [{ request: 'x.y.z' }, 'request_not_supported'],
      [{ registration: '{}' }, 'registration_not_supported'],
    ]
    for (const [over, error] of cases) {
      refused(t, await push(world, over), 400, error, JSON.stringify(over))
      t.equal(world.events.at(-1)?.name, 'authorization.refused')
    }
    for (const method of ['GET', 'PUT', 'DELETE']) {
      const reply = await pushForm(world, '', { method })
      t.equal(statusOf(reply), 405, method)
      t.equal(headerOf(reply, 'Allow'), 'POST, OPTIONS')
    }
    refused(t, await pushForm(world, `a=${'b'.repeat(70_000)}`), 413, 'invalid_request', 'too large')
    refused(t, await pushForm(world, 'a=%zz'), 400, 'invalid_request', 'ill encoded')
    const json = new Map([['content-type', ['application/json']]])
    refused(t, await pushForm(world, '{}', { headers: json }), 415, 'invalid_request', 'no form')
    t.equal(
      statusOf(await push(world, { request_uri: '', unheard_of: 'x' })),
      201,
      'empty is absent, unknown is ignored',
    )
    await changeClient(world, { grantTypes: ['client_credentials'] })
    refused(t, await push(world), 400, 'unauthorized_client')
  },
)

t.test('[ADJ-13] clients that prove nothing may push a burst, and then slowly; others are not slowed', async (t) => {
  const world = await opened()
  await world.client({ clientId: clientId('spa'), authMethod: 'none', secrets: [] })
  const byPublic = (remoteAddress: string): Promise<Reply> =>
    push(world, { client_id: 'spa' }, { authorization: '', remoteAddress })
  for (let count = 0; count < 301; count++) t.equal(statusOf(await byPublic('192.0.2.7')), 201)
  const slowed = await byPublic('192.0.2.7')
  refused(t, slowed, 429, 'temporarily_unavailable')
  t.equal(headerOf(slowed, 'Retry-After'), '1')
  t.equal(statusOf(await byPublic('192.0.2.8')), 201, 'another network')
  t.equal(statusOf(await push(world, {}, { remoteAddress: '192.0.2.7' })), 201, 'a client that proved itself')
  world.clock.advance(1)
  t.equal(statusOf(await byPublic('192.0.2.7')), 201)
})

t.test(
  '[ADJ-14, CONF-G-par-attempt-to-use-expired-request_uri, CONF-G-par-attempt-to-use-request_uri-for-different-client] an expired, unknown or foreign reference leads nowhere but to its own client or a page',
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('other'), redirectUris: [REDIRECT_URI] })
    const { requestUri } = await pushed(world)
    const onPage = async (uri: string, over: Parameters = {}): Promise<void> => {
      const page = pageOf(await visit(world.browser(), uri, over))
      t.match(page, { status: 400, problem: 'invalidRequest', detail: /^invalid_request_uri: / })
    }
    await onPage(UNKNOWN)
    await onPage(UNKNOWN, { redirect_uri: REDIRECT_URI, state: 's' })
    await onPage(`${requestUri}x`)
    await onPage('urn:ietf:params:oauth:request_uri:')
    await onPage(requestUri, { client_id: 'other' })
    t.equal(pageOf(await visit(world.browser(), requestUri, { client_id: undefined })).problem, 'invalidRequest')
    t.equal(kindOf(await visit(world.browser(), requestUri)), 'login', 'none of that used it up')
    world.clock.advance(60)
    const late = answerOf(await visit(world.browser(), requestUri))
    t.same(
      [late.get('error'), late.get('state'), late.get('iss')],
      ['invalid_request_uri', 'state-1', 'https://op.example'],
    )
    await changeClient(world, { redirectUris: ['https://rp.example/moved'] })
    t.equal(pageOf(await visit(world.browser(), requestUri)).problem, 'unregisteredRedirectUri')
  },
)

t.test(
  '[CONF-G-par-ensure-reused-request-uri-prior-to-auth-completion-succeeds] opened again before it is answered, a reference works, also after its minute where a page is open',
  async (t) => {
    const world = await opened()
    const { requestUri } = await pushed(world)
    const browser = world.browser()
    const first = await visit(browser, requestUri)
    const again = await visit(browser, requestUri)
    t.same([kindOf(first), kindOf(again)], ['login', 'login'])
    world.clock.advance(300)
    const done = await passThrough(browser, again)
    t.ok(answerOf(done).get('code'))
    const stale = await passThrough(browser, first)
    t.match(pageOf(stale), { status: 409, problem: 'interactionFinished' }, 'the other page comes too late')
  },
)

t.test(
  '[ADJ-12, CONF-G-par-attempt-reuse-request_uri] a reference is answered once: a code, a refusal, a silent code or a silent refusal each use it up',
  async (t) => {
    const world = await opened()
    const signedIn = await signedInBrowser(world)
    const ways: readonly (readonly [
      string,
      Parameters,
      () => Browser,
      (browser: Browser, r: Reply) => Promise<Reply>,
    ])[] = [
      ['a code', {}, () => world.browser(), passThrough],
      ['a refusal', { prompt: 'consent' }, () => signedIn, (browser, reply) => browser.deny(reply)],
      ['a silent code', { prompt: 'none' }, () => signedIn, async (_, reply) => reply],
      ['a silent refusal', { prompt: 'none' }, () => world.browser(), async (_, reply) => reply],
    ]
    for (const [name, over, browserFor, finish] of ways) {
      const { requestUri } = await pushed(world, over)
      const browser = browserFor()
      const answer = answerOf(await finish(browser, await visit(browser, requestUri)))
      t.ok(answer.has('code') || answer.has('error'), name)
      for (const next of [browser, signedIn, world.browser()]) {
        const page = pageOf(await visit(next, requestUri))
        t.match(page, { status: 409, problem: 'interactionFinished', detail: /^invalid_request_uri/ }, name)
      }
      t.match(world.events.at(-1), {
        name: 'authorization.refused',
        fields: { clientId: 'app', reason: 'pushedRequestSpent' },
      })
    }
  },
)

t.test('[ADJ-12] of twenty visits at once with one reference one yields a code', async (t) => {
  const world = await opened()
  const browser = await signedInBrowser(world)
  const { requestUri } = await pushed(world)
  const replies = await Promise.all(Array.from({ length: 20 }, () => visit(browser, requestUri)))
  const kinds = replies.map((reply) => reply.kind)
  t.equal(kinds.filter((kind) => kind === 'redirect').length, 1)
  t.equal(kinds.filter((kind) => kind === 'page').length, 19)
  const second = await pushed(world, { prompt: 'login' })
  const browsers = Array.from({ length: 5 }, () => world.browser())
  const asked = await Promise.all(browsers.map((one) => visit(one, second.requestUri)))
  const ends = await Promise.all(
    browsers.map((one, index) => passThrough(one, asked[index] ?? { kind: 'empty', status: 500, headers: new Map() })),
  )
  t.same(ends.map((reply) => reply.kind).sort(), ['page', 'page', 'page', 'page', 'redirect'])
})

t.test('[ADJ-13, OPS-017] what holds at the push is asked again when the browser comes', async (t) => {
  const changes: readonly (readonly [string, NonNullable<ClientOver>, (reply: Reply) => string | undefined, string])[] =
    [
      ['scope taken', { scopes: ['profile'] }, errorOf, 'invalid_scope'],
      ['code flow taken', { grantTypes: ['client_credentials'] }, errorOf, 'unauthorized_client'],
      [
        'redirect URI taken',
        { redirectUris: ['https://rp.example/x'] },
        (r) => pageOf(r).problem,
        'unregisteredRedirectUri',
      ],
      ['disabled', { disabled: true }, (r) => pageOf(r).problem, 'unknownClient'],
    ]
  for (const [name, change, told, expected] of changes) {
    const world = await opened()
    const { requestUri } = await pushed(world)
    await changeClient(world, change)
    t.equal(told(await visit(world.browser(), requestUri)), expected, name)
  }
  const world = await opened()
  const { requestUri } = await pushed(world)
  await world.stores.clients.deleteClient(clientId('app'), { now: world.clock.now(), events: [] })
  t.equal(pageOf(await visit(world.browser(), requestUri)).problem, 'unknownClient')
  await world.client()
  t.equal(pageOf(await visit(world.browser(), requestUri)).problem, 'invalidRequest', 'its successor inherits nothing')
  const people = await opened()
  const browser = await signedInBrowser(people)
  const waiting = await pushed(people, { prompt: 'consent' })
  const consent = await visit(browser, waiting.requestUri)
  await setPerson(people, 'disabled')
  t.equal(kindOf(await browser.allow(consent)), 'login', 'a person that was disabled meanwhile')
  await setPerson(people, 'active')
  t.equal(kindOf(await visit(browser, waiting.requestUri)), 'login')
})

t.test(
  '[ADJ-15, CONF-G-ensure-unsigned-authorization-request-without-using-par-fails] a client that must push, or the server whose clients all must, has every other request refused',
  async (t) => {
    const world = await opened({ requirePushedRequests: true })
    const answer = answerOf(await ask(world.browser()))
    t.same([answer.get('error'), answer.get('state')], ['invalid_request', 'state-1'])
    const posted = await world.browser().post('/authorize', authorizationRequest().parameters)
    t.equal(errorOf(posted), 'invalid_request')
    t.equal(kindOf(await visit(world.browser(), (await pushed(world)).requestUri)), 'login')
    const strict = pushingWorld({ features: { par: 'required' } })
    await strict.client()
    t.equal(errorOf(await ask(strict.browser())), 'invalid_request')
    t.equal(kindOf(await visit(strict.browser(), (await pushed(strict)).requestUri)), 'login')
    const lax = await opened()
    t.equal(kindOf(await ask(lax.browser())), 'login', 'others may go on as before')
    const off = createWorld()
    await off.client({ requirePushedRequests: true })
    t.equal(errorOf(await ask(off.browser())), 'invalid_request', 'switched off, such a client has no way in')
  },
)

t.test('[ADV-029] the browser is shown nothing of a pushed request but what a page asks', async (t) => {
  const world = await opened()
  const secrets = {
    state: 'secret-state',
    nonce: 'secret-nonce',
    ui_locales: 'tlh',
    acr_values: 'secret-acr',
    claims: '{"userinfo":{"secret_claim":{"value":"secret-value"}}}',
  }
  const { requestUri } = await pushed(world, secrets)
  const browser = world.browser()
  const seen: string[] = []
  const look = (reply: Reply): Reply => {
    seen.push(JSON.stringify([...browser.cookies]))
    if (reply.kind === 'interact') {
      const { uiLocales: _, ...shown } = askedOf(reply)
      seen.push(JSON.stringify(shown))
    }
    return reply
  }
  const consent = look(await browser.signIn(look(await visit(browser, requestUri))))
  t.equal(kindOf(consent), 'consent')
  const bare = look(
    await world
      .browser()
      .post('/authorize', { client_id: 'app', request_uri: (await pushed(world, secrets)).requestUri }),
  )
  t.equal(bare.kind, 'resume')
  for (const text of seen) t.notMatch(text, /secret-|tlh|request_uri|code_challenge/)
  t.equal(answerOf(look(await browser.allow(consent))).get('state'), 'secret-state')
})

t.test('[ADJ-12] a POST across sites brings a reference too, and is taken up by one browser', async (t) => {
  const world = await opened()
  const { requestUri } = await pushed(world)
  const bare = await world.browser().post('/authorize', { client_id: 'app', request_uri: requestUri })
  if (bare.kind !== 'resume') throw new Error(bare.kind)
  const browser = world.browser()
  const done = await passThrough(browser, await browser.resume(bare.interactionId))
  t.ok(answerOf(done).get('code'))
  t.match(pageOf(await visit(browser, requestUri)), { status: 409 })
})

t.test('[WEB-095] the answer to a push may be read by the origins of its client alone', async (t) => {
  const world = await opened({ corsOrigins: ['https://spa.example'] })
  for (const [origin, allowed] of [
    ['https://spa.example', 'https://spa.example'],
    ['https://other.example', undefined],
  ] as const) {
    const reply = await push(world, {}, { headers: new Map([['origin', [origin]]]) })
    t.same([statusOf(reply), headerOf(reply, 'Access-Control-Allow-Origin')], [201, allowed])
  }
  const preflight = await world.send({
    path: '/par',
    method: 'OPTIONS',
    headers: new Map([['origin', ['https://spa.example']]]),
  })
  t.equal(headerOf(preflight, 'Access-Control-Allow-Methods'), 'POST')
})

t.test(
  '[ADV-015, OIDC-31] pushed requests are in the metadata exactly when they are switched on, and then they work',
  async (t) => {
    const documentOf = async (world: World, base = '') =>
      bodyOf(await world.send({ path: `${base}/.well-known/openid-configuration` }))
    const off = createWorld()
    await off.client()
    t.notOk('pushed_authorization_request_endpoint' in (await documentOf(off)))
    t.notOk('require_pushed_authorization_requests' in (await documentOf(off)))
    await t.rejects(push(off), /no route/)
    t.equal(errorOf(await ask(off.browser(), { request_uri: UNKNOWN })), 'request_uri_not_supported')
    for (const [par, required] of [
      [true, false],
      ['required', true],
    ] as const) {
      const on = pushingWorld({ features: { par }, issuer: 'https://op.example/tenant' })
      await on.client()
      const document = await documentOf(on, '/tenant')
      t.equal(document['pushed_authorization_request_endpoint'], 'https://op.example/tenant/par')
      t.equal(document['require_pushed_authorization_requests'], required)
      t.equal(statusOf(await push(on, {}, { path: '/tenant/par' })), 201)
    }
  },
)
