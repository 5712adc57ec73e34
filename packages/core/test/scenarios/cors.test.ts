// Owns which pages of other origins may read an answer. Documents are open; tokens and claims are for the origins that their client
// registered; the authorization endpoint is for nobody.

import { clientId, type Reply } from '@vouchsafe/core'
import t from 'tap'
import { authorizationRequest, basic, exchange, obtainCode, redeem } from './flows.ts'
import { changeClient, headerOf, openStores, statusOf, tokensOf } from './token-steps.ts'
import { CLIENT_SECRET, createWorld, encode, type World } from './world.ts'

const APP = 'https://spa.example'
const OTHER = 'https://other.example'
const ALLOW = 'Access-Control-Allow-Origin'

const worldWithOrigins = async (): Promise<World> => {
  const world = createWorld()
  await world.client({ corsOrigins: [APP, 'http://127.0.0.1:3000'] })
  await world.client({ clientId: clientId('other'), corsOrigins: [OTHER] })
  return world
}

const preflight = (world: World, path: string, origin: string): Promise<Reply> =>
  world.send({
    path,
    method: 'OPTIONS',
    headers: new Map([
      ['origin', [origin]],
      ['access-control-request-method', ['POST']],
      ['access-control-request-headers', ['authorization']],
    ]),
  })

const from = (origin: string): { headers: [string, string[]][] } => ({ headers: [['origin', [origin]]] })

const corsHeaders = (reply: Reply): readonly string[] =>
  'headers' in reply ? [...reply.headers.keys()].filter((name) => name.startsWith('Access-Control-')) : []

t.test(
  '[WEB-095, ADV-033] tokens and claims may be read by the origins of their own client alone, without credentials',
  async (t) => {
    const world = await worldWithOrigins()
    const browser = world.browser()
    const exchangeFrom = async (origin: string): Promise<Reply> => {
      const got = await obtainCode(world, {}, browser)
      const request = { grant_type: 'authorization_code', code: got.code, code_verifier: got.verifier }
      return exchange(world, request, from(origin))
    }
    for (const [origin, allowed] of [
      [APP, true],
      ['http://127.0.0.1:3000', true],
      [OTHER, false],
      ['https://unknown.example', false],
    ] as const) {
      const reply = await exchangeFrom(origin)
      const { accessToken } = tokensOf(reply)
      const headers = new Map([
        ['origin', [origin]],
        ['authorization', [`Bearer ${accessToken}`]],
      ])
      for (const answer of [reply, await world.send({ path: '/userinfo', headers })]) {
        t.equal(headerOf(answer, ALLOW), allowed ? origin : undefined, origin)
        t.equal(headerOf(answer, 'Vary'), 'Origin')
        t.equal(headerOf(answer, 'Access-Control-Allow-Credentials'), undefined)
        t.equal(
          headerOf(answer, 'Access-Control-Expose-Headers'),
          allowed ? 'WWW-Authenticate, Retry-After, DPoP-Nonce' : undefined,
        )
      }
    }
    const same = await exchange(world, { grant_type: 'authorization_code' })
    t.same([corsHeaders(same), headerOf(same, 'Vary')], [[], 'Origin'], 'a request without Origin')
  },
)

t.test(
  '[WEB-095, ADV-033] refusals too are told to the client’s own origins; one that names nobody, to any that is registered',
  async (t) => {
    const world = await worldWithOrigins()
    const wrong = { authorization: basic('app', 'wrong') }
    const request = { grant_type: 'authorization_code', code: 'x' }
    for (const [origin, options, allowed] of [
      [APP, wrong, true],
      [OTHER, wrong, false],
      [APP, { authorization: '' }, true],
      [OTHER, { authorization: '' }, true],
      ['https://unknown.example', { authorization: '' }, false],
      [APP, { authorization: basic('other', CLIENT_SECRET) }, false],
    ] as const) {
      const reply = await exchange(world, request, { ...options, ...from(origin) })
      t.not(statusOf(reply), 200)
      t.equal(headerOf(reply, ALLOW), allowed ? origin : undefined, `${origin} ${options.authorization}`)
      const info = await world.send({ path: '/userinfo', headers: new Map([['origin', [origin]]]) })
      t.equal(headerOf(info, ALLOW), origin === 'https://unknown.example' ? undefined : origin)
    }
  },
)

t.test(
  '[ADV-055, ADV-128, ADV-109, WEB-095] null, look-alikes and anything but the very origin are nobody’s',
  async (t) => {
    const world = await worldWithOrigins()
    // A record that registration would refuse today.
    await changeClient(world, { corsOrigins: [APP, 'http://127.0.0.1:3000', 'null'] })
    const got = await obtainCode(world)
    const { accessToken } = tokensOf(await redeem(world, got))
    const wrong = [
      'null',
      'NULL',
      '*',
      '',
      `${APP}.evil.example`,
      'https://evil-spa.example',
      'https://xspa.example',
      'https://spa.example.',
      `${APP}:443`,
      `${APP}:8443`,
      `${APP}/`,
      'http://spa.example',
      'HTTPS://SPA.EXAMPLE',
      'https://sub.spa.example',
      'https://spa.exampl',
      'http://127.0.0.1:3001',
      'http://127.0.0.1',
      `${APP}, ${OTHER}`,
      `https://spa.example${'a'.repeat(1000)}`,
    ]
    const authorization = [`Bearer ${accessToken}`]
    for (const origin of wrong) {
      for (const reply of [
        await world.send({
          path: '/userinfo',
          headers: new Map([
            ['origin', [origin]],
            ['authorization', authorization],
          ]),
        }),
        await exchange(world, { grant_type: 'authorization_code' }, from(origin)),
        await preflight(world, '/token', origin),
        await preflight(world, '/userinfo', origin),
      ])
        t.same(corsHeaders(reply), [], origin)
    }
    const twice = await world.send({
      path: '/userinfo',
      headers: new Map([
        ['origin', [APP, APP]],
        ['authorization', authorization],
      ]),
    })
    t.same(corsHeaders(twice), [], 'two Origin headers')
  },
)

t.test(
  '[WEB-096, WEB-095] a preflight names the one origin and is kept by nobody, so that an origin taken away is refused at once',
  async (t) => {
    const world = await worldWithOrigins()
    for (const [path, methods] of [
      ['/token', 'POST'],
      ['/userinfo', 'GET, POST'],
    ] as const) {
      const reply = await preflight(world, path, APP)
      t.match(reply, { kind: 'empty', status: 204 })
      t.same(reply.kind === 'empty' ? Object.fromEntries(reply.headers) : {}, {
        Vary: 'Origin',
        'Access-Control-Allow-Origin': APP,
        'Access-Control-Allow-Methods': methods,
        'Access-Control-Allow-Headers': 'Authorization, Content-Type, DPoP',
        'Access-Control-Max-Age': '0',
      })
    }
    await changeClient(world, { corsOrigins: [] })
    t.same(corsHeaders(await preflight(world, '/token', APP)), [])
    const { body } = authorizationBody(await obtainCode(world))
    t.same(corsHeaders(await exchange(world, body, from(APP))), [])
    await changeClient(world, { disabled: true }, 'other')
    t.same(corsHeaders(await preflight(world, '/token', OTHER)), [], 'nor is a disabled client’s')
    const failed = await exchange(
      world,
      { grant_type: 'authorization_code' },
      { authorization: basic('other', 'x'), ...from(OTHER) },
    )
    t.same(corsHeaders(failed), [])
  },
)

const authorizationBody = (got: Awaited<ReturnType<typeof obtainCode>>) => ({
  body: { grant_type: 'authorization_code', code: got.code, code_verifier: got.verifier },
})

t.test('[OIDC-48, WEB-095] discovery and keys may be read from anywhere', async (t) => {
  const world = await worldWithOrigins()
  for (const path of ['/.well-known/openid-configuration', '/.well-known/oauth-authorization-server', '/jwks']) {
    const reply = await world.send({ path, headers: new Map([['origin', ['https://unknown.example']]]) })
    t.same([headerOf(reply, ALLOW), headerOf(reply, 'Access-Control-Allow-Credentials')], ['*', undefined])
    const asked = await preflight(world, path, 'https://unknown.example')
    t.same([headerOf(asked, ALLOW), headerOf(asked, 'Access-Control-Allow-Methods')], ['*', 'GET'])
  }
})

t.test('[R9700-21, WEB-095] the authorization endpoint is open to no other origin, in no answer', async (t) => {
  const world = await worldWithOrigins()
  const browser = world.browser()
  const { parameters } = authorizationRequest()
  const headers = new Map([['origin', [APP]]])
  for (const reply of [
    await preflight(world, '/authorize', APP),
    await browser.send({ path: '/authorize', query: encode(parameters), headers }),
    await browser.send({ path: '/authorize', query: '', headers }),
    await browser.send({ path: '/authorize', query: encode({ ...parameters, prompt: 'none' }), headers }),
  ])
    t.same(corsHeaders(reply), [], reply.kind)
})

t.test('[OPS-004, WEB-095] tokens once committed are answered without asking the store again', async (t) => {
  const { stores } = openStores()
  let committed = false
  const world = createWorld({
    stores: {
      ...stores,
      clients: {
        ...stores.clients,
        findClient: async (id) => {
          if (committed) throw new Error('asked after the commit')
          return stores.clients.findClient(id)
        },
      },
      grants: {
        ...stores.grants,
        redeemAuthorizationCode: async (redemption, occasion) => {
          const outcome = await stores.grants.redeemAuthorizationCode(redemption, occasion)
          committed = true
          return outcome
        },
      },
    },
  })
  await world.client({ corsOrigins: [APP] })
  const reply = await exchange(world, authorizationBody(await obtainCode(world)).body, from(APP))
  t.same([statusOf(reply), headerOf(reply, ALLOW)], [200, APP])
})
