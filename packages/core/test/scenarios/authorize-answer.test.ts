// Owns the authorization response: where it goes, what it carries, and what it never does.

import { type ClientRecord, clientId, type Reply } from '@vouchsafe/core'
import fc from 'fast-check'
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
import { type Browser, createWorld, encode, REDIRECT_URI, type World } from './world.ts'

const opened = async (over: Partial<ClientRecord> = {}): Promise<World> => {
  const world = createWorld()
  await world.client(over)
  return world
}

/** A browser in which Alice is signed in and has allowed the client what it asks for in these tests. */
const known = async (world: World, over: Parameters = {}): Promise<Browser> =>
  (await obtainCode(world, { scope: 'openid', ...over })).browser

const locationOf = (reply: Reply): string => {
  if (reply.kind !== 'redirect') throw new Error(`no redirect but ${JSON.stringify(reply)}`)
  return reply.location
}

t.test(
  '[CONF-A3, R6819-19] state comes back byte for byte, in codes and in errors, in a query and in a form',
  async (t) => {
    const world = await opened()
    const browser = await known(world)
    const odd = [
      'x'.repeat(128),
      ' !"#$%&\'()*+,-./:;<=>?@[\\]^_`{|}~',
      'a+b%20c&d=e;f',
      'żółć 漢字 🦆 \u202e\ufeff\u0301',
      '\t\r\n\u0001\u007f',
      '{"json":["<b>"]}',
    ]
    for (const state of odd) {
      for (const over of [{}, { response_type: 'token' }, { prompt: 'none' }, { response_mode: 'form_post' }]) {
        t.equal(answerOf(await ask(browser, { state, ...over })).get('state'), state)
      }
      const { parameters } = authorizationRequest({ state })
      t.equal(answerOf(await browser.post('/authorize', parameters)).get('state'), state)
      // Through the pages, and so through the store.
      const fresh = world.browser()
      t.equal(answerOf(await passThrough(fresh, await ask(fresh, { state }))).get('state'), state)
    }
    const anyText = fc.string({ unit: 'binary', minLength: 1, maxLength: 128 }).filter((text) => !text.includes('\0'))
    await fc.assert(
      fc.asyncProperty(anyText, async (state) => {
        t.equal(answerOf(await ask(browser, { state })).get('state'), state)
      }),
      { numRuns: 100 },
    )
  },
)

t.test(
  '[CONF-A11, OIDC-13, V21-12] an error carries only what is defined, in the mode that was asked, and never a code',
  async (t) => {
    const world = await opened()
    const wrong: readonly Parameters[] = [
      { response_type: undefined },
      { response_type: 'token' },
      { scope: 'openid x' },
      { code_challenge: undefined },
      { prompt: 'none' },
      { prompt: 'none login' },
      { max_age: 'x' },
      { claims: '"' },
      { id_token_hint: '"' },
      { request: '"\\' },
      { nonce: ['"', '\\'] },
      { '"\\é': ['1', '2'] },
      { state: 'x'.repeat(3000) },
    ]
    const defined = new Set(['error', 'error_description', 'error_uri', 'state', 'iss'])
    for (const over of wrong) {
      for (const mode of ['query', 'form_post']) {
        const reply = await ask(world.browser(), { ...over, response_mode: mode })
        t.equal(reply.kind, mode === 'query' ? 'redirect' : 'formPost')
        const answer = answerOf(reply)
        t.ok(
          [...answer.keys()].every((name) => defined.has(name)),
          JSON.stringify(over),
        )
        t.match(answer.get('error'), /^[a-z_]+$/)
        t.equal(answer.get('state'), 'state' in over ? undefined : 'state-1', JSON.stringify(over))
        t.match(answer.get('error_description'), /^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/)
      }
    }
  },
)

t.test(
  '[ADV-018, CONF-A3, CONF-A4] the registered query survives, each parameter of the answer stands once, and nothing is in a fragment',
  async (t) => {
    const uris = [
      'https://rp.example/callback?a=1&b=%20x&b=2',
      'https://rp.example/callback?',
      'https://rp.example/%7Ea/b?c=d%26e',
      'https://rp.example',
    ]
    const world = await opened({ redirectUris: uris })
    const sly = { state: 's&code=evil#x', nonce: '&iss=evil', login_hint: '#code=evil', ui_locales: '&state=evil' }
    for (const redirect_uri of uris) {
      const browser = await known(world, { redirect_uri })
      for (const over of [{}, { prompt: 'none login' }]) {
        const location = locationOf(await ask(browser, { redirect_uri, ...sly, ...over }))
        t.ok(location.startsWith(redirect_uri), 'not a character of it changes')
        t.notOk(location.includes('#'))
        t.match(location.charAt(redirect_uri.length), redirect_uri.includes('?') ? '&' : '?')
        const added = new URLSearchParams(location.slice(redirect_uri.length + 1))
        const names = [...added.keys()]
        t.equal(names.length, new Set(names).size, 'each once')
        t.same(new Set(names), new Set([...(errorNames(over) ?? ['code']), 'state', 'iss']))
        t.equal(added.get('state'), sly.state)
      }
    }
  },
)

const errorNames = (over: Parameters): readonly string[] | undefined =>
  'prompt' in over ? ['error', 'error_description'] : undefined

t.test(
  '[CONF-A4, CONF-B-form-post, R9700-27] with form_post the answer is in the form alone, errors and the silent ones included',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const mode = { response_mode: 'form_post' }
    const silent = await ask(browser, { ...mode, prompt: 'none' })
    t.equal(silent.kind, 'formPost')
    t.equal(errorOf(silent), 'login_required')
    const { parameters, verifier } = authorizationRequest(mode)
    const reply = await passThrough(browser, await browser.get('/authorize', parameters))
    if (reply.kind !== 'formPost') throw new Error(`no form but ${reply.kind}`)
    t.equal(reply.action, REDIRECT_URI, 'the URI has no parameter of the answer')
    t.same(
      reply.parameters.map(([name]) => name),
      ['code', 'state', 'iss'],
    )
    const code = answerOf(reply).get('code') ?? ''
    t.match(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }), { status: 200 })
    t.equal((await ask(browser, { ...mode, prompt: 'none' })).kind, 'formPost')
    t.equal((await ask(browser, mode)).kind, 'formPost', 'silently too')
    const fresh = world.browser()
    t.equal((await fresh.deny(await fresh.signIn(await ask(fresh, { ...mode, prompt: 'consent' })))).kind, 'formPost')
  },
)

t.test('[CONF-A5, R6819-14, V21-26] codes are long, never repeat and have no constant part', async (t) => {
  const world = await opened()
  const browser = await known(world)
  const codes: string[] = []
  for (let i = 0; i < 150; i++) codes.push(answerOf(await ask(browser)).get('code') ?? '')
  t.equal(new Set(codes).size, codes.length)
  t.ok(codes.every((code) => /^[A-Za-z0-9_-]{64}$/.test(code)))
  // 150 draws of 64 letters: about 58 different ones are expected in each place, and fewer than 40 never happen.
  for (let place = 0; place < 64; place++) t.ok(new Set(codes.map((code) => code.charAt(place))).size > 40)
})

t.test(
  '[R9207-01, R9207-03, R9207-04, R9207-05, R9700-29, R8252-09] every answer names the issuer exactly as metadata and ID tokens do, whatever host was asked',
  async (t) => {
    for (const issuer of ['https://op.example', 'https://op.example:8443/Tenant/a']) {
      const world = createWorld({ issuer })
      await world.client()
      const base = new URL(issuer).pathname.replace(/\/$/, '')
      const browser = world.browser()
      const { parameters, verifier } = authorizationRequest()
      const headers = new Map([
        ['host', ['evil.example']],
        ['x-forwarded-host', ['evil.example']],
        ['forwarded', ['host=evil.example;proto=http']],
      ])
      const asked = await browser.send({ path: `${base}/authorize`, query: encode(parameters), headers })
      const answer = await passThrough(browser, asked)
      t.equal(answerOf(answer).get('iss'), issuer)
      t.match(locationOf(answer), `iss=${encodeURIComponent(issuer)}`)
      const denied = await browser.send({
        path: `${base}/authorize`,
        query: encode({ ...parameters, prompt: 'x' }),
        headers,
      })
      t.equal(answerOf(denied).get('iss'), issuer, 'errors too')
      const metadata = bodyOf(await world.send({ path: `${base}/.well-known/openid-configuration`, headers }))
      t.equal(metadata['issuer'], issuer)
      t.equal(metadata['authorization_response_iss_parameter_supported'], true)
      t.notOk(JSON.stringify(metadata).includes('evil'))
      const token = await world.send({
        path: `${base}/token`,
        method: 'POST',
        headers: new Map([
          ['content-type', ['application/x-www-form-urlencoded']],
          [
            'authorization',
            [`Basic ${Buffer.from('app:scenario-secret-0123456789abcdefghijklmnopqrstu').toString('base64')}`],
          ],
          ['host', ['evil.example']],
        ]),
        body: encode({
          grant_type: 'authorization_code',
          code: answerOf(answer).get('code'),
          redirect_uri: REDIRECT_URI,
          code_verifier: verifier,
        }),
      })
      t.equal(claimsOf(bodyOf(token)['id_token'])['iss'], issuer)
    }
  },
)

const EVIL = [
  'https://evil.example/callback',
  'https://rp.example/callback/extra',
  'https://rp.example/callback/',
  'https://rp.example/callback?x=1',
  'https://rp.example/callback?',
  'https://rp.example/callback#x',
  'https://rp.example/CALLBACK',
  'HTTPS://rp.example/callback',
  'https://RP.example/callback',
  'https://rp.example:443/callback',
  'https://rp.example./callback',
  'https://rp.example.evil.example/callback',
  'https://rp.example@evil.example/callback',
  'https://evil.example\\@rp.example/callback',
  'https://rp.example/x/../callback',
  'https://rp.example/%63allback',
  'http://rp.example/callback',
  '//rp.example/callback',
  '/callback',
  'callback',
  'https://rp.example/callback ',
  ' https://rp.example/callback',
  'https://rp.example/callback\n',
  'javascript:alert(1)//https://rp.example/callback',
  'https://*.example/callback',
  'https://rp.example/*',
]

t.test(
  '[ADV-034, ADV-043, ADV-114, R9700-01, R9700-24, R6819-06, R6819-17, V21-13, CONF-B-oidcc-ensure-registered-redirect-uri, ADV-141] an unregistered redirect URI ends on a page of our own, even for a signed-in person who consented, in every mode and with every other fault',
  async (t) => {
    const world = await opened()
    const browser = await known(world)
    for (const redirect_uri of EVIL) {
      for (const over of [{}, { response_mode: 'form_post' }, { prompt: 'none' }, { response_type: 'token' }]) {
        const reply = await ask(browser, { redirect_uri, ...over })
        t.match(pageOf(reply), { status: 400, problem: 'unregisteredRedirectUri', client: undefined }, redirect_uri)
        t.notOk(JSON.stringify(pageOf(reply)).includes('evil'), 'nothing of the request is on the page')
      }
    }
    const posted = authorizationRequest({ redirect_uri: 'https://evil.example/callback' }).parameters
    t.equal(pageOf(await browser.post('/authorize', posted)).status, 400)
    t.equal(kindOf(await ask(browser)), 'redirect', 'the browser is one that would be answered silently')
  },
)

t.test(
  '[R9700-23, CONF-D-oidcc-redirect-uri-query-mismatch, CONF-D-oidcc-redirect-uri-query-added] a registered query is part of the redirect URI: none more, none less, none in another order',
  async (t) => {
    const world = await opened({ redirectUris: ['https://rp.example/cb?a=1&b=2'] })
    for (const query of ['?a=1&b=2&c=3', '?b=2&a=1', '?a=1', '', '?a=1&b=2&', '?a=1&b=%32', '?A=1&b=2']) {
      const reply = await ask(world.browser(), { redirect_uri: `https://rp.example/cb${query}` })
      t.equal(pageOf(reply).problem, 'unregisteredRedirectUri', query)
    }
    t.equal(kindOf(await ask(world.browser(), { redirect_uri: 'https://rp.example/cb?a=1&b=2' })), 'login')
  },
)

t.test(
  '[R9700-02, CONF-D-oidcc-ensure-redirect-uri-in-authorization-request] a request without redirect_uri ends on a page, whether one or several are registered',
  async (t) => {
    for (const redirectUris of [[REDIRECT_URI], [REDIRECT_URI, 'https://rp.example/other']]) {
      const world = await opened({ redirectUris })
      for (const redirect_uri of [undefined, '', [REDIRECT_URI, 'https://rp.example/other']]) {
        const page = pageOf(await ask(world.browser(), { redirect_uri }))
        t.match(page, { status: 400, problem: 'invalidRequest' })
      }
    }
  },
)

t.test('[WEB-029] an unknown and a disabled client are told apart by nothing, whatever else is wrong', async (t) => {
  const world = await opened()
  await world.client({ clientId: clientId('off'), disabled: true })
  for (const over of [{}, { response_type: 'token' }, { prompt: 'none' }, { redirect_uri: 'https://evil.example' }]) {
    for (const client_id of ['off', 'nobody', 'a"><b>', 'odd\u0001']) {
      const page = { ...pageOf(await ask(world.browser(), { ...over, client_id })), reference: '' }
      const detail = 'client_id names no client that may be used'
      t.same(page, { status: 400, problem: 'unknownClient', detail, client: undefined, reference: '' }, client_id)
    }
  }
})

const NATIVE = { authMethod: 'none', applicationType: 'native' } as const

t.test(
  '[R8252-04, R8252-05, R8252-08, ADV-044] the port alone is free, for loopback addresses of native clients alone; localhost by name on request',
  async (t) => {
    const world = createWorld()
    const loopback = ['http://127.0.0.1/cb', 'http://[::1]:8000/cb?a=1', 'http://localhost/cb']
    await world.client({ ...NATIVE, redirectUris: loopback })
    await world.client({ ...NATIVE, clientId: clientId('byname'), redirectUris: loopback, localhostAnyPort: true })
    await world.client({ clientId: clientId('web'), redirectUris: loopback })
    await world.client({ ...NATIVE, clientId: clientId('claimed'), redirectUris: ['https://app.example/cb'] })
    const kind = async (client_id: string, redirect_uri: string): Promise<string> =>
      kindOf(await ask(world.browser(), { client_id, redirect_uri }))
    for (const uri of [
      'http://127.0.0.1:49152/cb',
      'http://127.0.0.1/cb',
      'http://[::1]:1/cb?a=1',
      'http://[::1]/cb?a=1',
    ]) {
      t.equal(await kind('app', uri), 'login', uri)
    }
    const others = [
      'http://127.0.0.1:49152/cb/',
      'http://127.0.0.1:49152/CB',
      'http://127.0.0.1:49152/cb?x=1',
      'http://127.0.0.1:49152/cb#x',
      'http://127.0.0.2:49152/cb',
      'http://[::1]:49152/cb',
      'http://[::1]:49152/cb?a=2',
      'https://127.0.0.1:49152/cb',
      'http://127.0.0.1:70000/cb',
      'http://127.0.0.1:/cb',
      'http://127.0.0.1:80@evil.example/cb',
      'http://evil.example#@127.0.0.1/cb',
      'http://localhost:3000/cb',
      'http://LOCALHOST/cb',
      'http://127.0.0.1.evil.example/cb',
    ]
    for (const uri of others) t.equal(await kind('app', uri), 'page', uri)
    t.equal(await kind('byname', 'http://localhost:3000/cb'), 'login')
    t.equal(await kind('byname', 'http://127.0.0.1:3000/cb'), 'login')
    t.equal(await kind('web', 'http://127.0.0.1:49152/cb'), 'page', 'a web client has no free port')
    t.equal(await kind('web', 'http://127.0.0.1/cb'), 'login')
    t.equal(await kind('claimed', 'https://app.example:8443/cb'), 'page')
  },
)

t.test('[R8252-03] a claimed https redirect of a native client is compared to the character', async (t) => {
  const world = await opened({ ...NATIVE, redirectUris: ['https://app.example/cb', 'com.example.app:/cb'] })
  for (const uri of [
    'https://app.example/cb/',
    'https://app.example:443/cb',
    'com.example.app:/cb/',
    'com.example.APP:/cb',
  ]) {
    t.equal(kindOf(await ask(world.browser(), { redirect_uri: uri })), 'page', uri)
  }
  const reply = await ask(world.browser(), { redirect_uri: 'com.example.app:/cb' })
  t.match(askedOf(reply).client, { destination: 'com.example.app:', unproven: true })
})
