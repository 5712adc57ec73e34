// Owns telling clients that a session ended: whom, with what token, how often, and what an ending does to what was issued. The clients
// here are a fetcher that notes what it is asked; over HTTP they are in the identity provider's tests.

import {
  type ClientRecord,
  clientId,
  type Fetcher,
  type FetchOutcome,
  type FetchRequest,
  type JsonObject,
  type Stores,
  subject,
} from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { compactVerify, importJWK } from 'jose'
import t from 'tap'
import { LOGOUT_DELIVERY } from '#src/spec/index.js'
import { ask, basic, bodyOf, claimsOf, exchange, kindOf, obtainCode, passThrough, redeem, userinfo } from './flows.ts'
import { occasionIn, setPerson, statusOf, tokensOf, unreachable } from './token-steps.ts'
import { type Browser, CLIENT_SECRET, createWorld, type World } from './world.ts'

const URI = 'https://rp.example/backchannel'
const LOGOUT = { postLogoutRedirectUris: [], backchannelUri: URI, backchannelSessionRequired: false }
const ANSWERED: FetchOutcome = { outcome: 'answered', status: 200, headers: new Map(), body: '' }
const answered = (status: number): FetchOutcome => ({ ...ANSWERED, status })

interface Line {
  readonly world: World
  readonly calls: FetchRequest[]
  /** What clients answer from now on. */
  answer(outcome: FetchOutcome | Promise<FetchOutcome>): void
}

const features = { endSession: true, backchannelLogout: true } as const

const opened = async (
  over: { readonly stores?: Stores; readonly logout?: ClientRecord['logout'] } = {},
): Promise<Line> => {
  const calls: FetchRequest[] = []
  let next: FetchOutcome | Promise<FetchOutcome> = ANSWERED
  const fetcher: Fetcher = {
    fetch: async (request) => {
      calls.push(request)
      return next
    },
  }
  const world = createWorld({ features, ...(over.stores === undefined ? {} : { stores: over.stores }) }, { fetcher })
  await world.client({ logout: over.logout ?? LOGOUT })
  return {
    world,
    calls,
    answer: (outcome) => {
      next = outcome
    },
  }
}

/** Signed in at the app, with what it was given. */
const signedIn = async (world: World, browser: Browser = world.browser()) => {
  const tokens = tokensOf(await redeem(world, await obtainCode(world, {}, browser)))
  return { browser, ...tokens, claims: claimsOf(tokens.idToken) }
}

const signOut = async (browser: Browser, idToken: string): Promise<void> => {
  const reply = await browser.get('/end_session', { id_token_hint: idToken })
  if (reply.kind !== 'logout') throw new Error(`not signed out: ${JSON.stringify(reply)}`)
}

const turn = (): Promise<void> => new Promise((done) => setTimeout(done, 2))

/** Lets what was begun behind an answer come to its end: as many calls as named, and nothing in hand any more. */
const settle = async (line: Line, count: number): Promise<void> => {
  const isDone = async (): Promise<boolean> =>
    line.calls.length >= count && (await deliveries(line)).every(({ takenAt }) => takenAt === undefined)
  for (let turns = 0; turns < 2000 && !(await isDone()); turns++) await turn()
}

/** Waits for calls that are not answered yet. */
const called = async (line: Line, count: number): Promise<void> => {
  for (let turns = 0; turns < 2000 && line.calls.length < count; turns++) await turn()
}

const tokenIn = (request: FetchRequest | undefined): string => {
  const form = new URLSearchParams(request?.body)
  if ([...form.keys()].join() !== 'logout_token') throw new Error(`not a logout request: ${request?.body}`)
  return form.get('logout_token') ?? ''
}

const headerOf = (jwt: string): JsonObject => JSON.parse(Buffer.from(jwt.split('.')[0] ?? '', 'base64url').toString())

const codeFields = (got: { readonly code: string; readonly verifier: string; readonly redirectUri: string }) => ({
  grant_type: 'authorization_code',
  code: got.code,
  redirect_uri: got.redirectUri,
  code_verifier: got.verifier,
})

const deliveries = async ({ world }: Line) =>
  (await world.stores.logouts.listDeliveries({ state: undefined, after: undefined, limit: 100 })).items

t.test(
  '[OUT-12, CONF-F-oidcc-backchannel-rp-initiated-logout] the client is posted a logout token that says all it must, and no more, for the session of its ID token',
  async (t) => {
    const line = await opened()
    const { world } = line
    const { browser, idToken, claims } = await signedIn(world)
    world.clock.advance(100)
    await signOut(browser, idToken)
    await settle(line, 1)
    const [call] = line.calls
    t.match(call, { url: URI, method: 'POST' })
    t.equal(call?.headers.get('Content-Type'), 'application/x-www-form-urlencoded')
    const token = tokenIn(call)
    const { alg, kid, typ } = headerOf(token)
    t.same([alg, typ], ['RS256', 'logout+jwt'])
    const published = bodyOf(await world.send({ path: '/jwks' }))['keys']
    const jwk = Array.isArray(published) ? published.find((key) => (key as JsonObject)['kid'] === kid) : undefined
    const { payload } = await compactVerify(token, await importJWK(jwk as never, 'RS256'))
    const said = JSON.parse(Buffer.from(payload).toString())
    t.same(
      { ...said, jti: undefined },
      {
        iss: 'https://op.example',
        aud: 'app',
        sub: 'alice',
        sid: claims['sid'],
        iat: world.clock.now(),
        exp: world.clock.now() + 120,
        jti: undefined,
        events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
      },
      'and no nonce',
    )
    t.match(said.jti, /^[\w-]{43}$/)
    t.match(await deliveries(line), [{ state: 'delivered', attempts: 1 }])
  },
)

t.test('[OUT-12] the token is signed by the algorithm of the ID tokens of its client', async (t) => {
  for (const idTokenAlg of ['ES256', 'EdDSA'] as const) {
    const line = await opened()
    await line.world.client({ clientId: clientId('other'), idTokenAlg, logout: LOGOUT })
    const browser = line.world.browser()
    await passThrough(browser, await ask(browser, { client_id: 'other' }))
    await line.world.provider.sessions.end(browser.bare(), 'all')
    await settle(line, 1)
    t.equal(headerOf(tokenIn(line.calls[0]))['alg'], idTokenAlg)
  }
})

t.test(
  '[OUT-13, ADV-061] each client with a code of this session is told at once and beside the others, and nobody waits for it',
  async (t) => {
    const line = await opened()
    const { world } = line
    const ids = ['second', 'silent', 'deleted', 'disabled', 'stranger']
    for (const id of ids) {
      const logout =
        id === 'silent' ? { ...LOGOUT, backchannelUri: undefined } : { ...LOGOUT, backchannelUri: `${URI}/${id}` }
      await world.client({ clientId: clientId(id), logout })
    }
    const { browser, idToken } = await signedIn(world)
    for (const id of ids.filter((one) => one !== 'stranger')) {
      t.equal(kindOf(await passThrough(browser, await ask(browser, { client_id: id }))), 'redirect')
    }
    const disabled = await world.stores.clients.findClient(clientId('disabled'))
    if (disabled === undefined) throw new Error('no client')
    await world.stores.clients.updateClient({ ...disabled, disabled: true, version: 2 }, occasionIn(world))
    await world.stores.clients.deleteClient(clientId('deleted'), occasionIn(world))
    let release: (outcome: FetchOutcome) => void = () => undefined
    line.answer(new Promise((resolve) => (release = resolve)))
    await signOut(browser, idToken)
    await called(line, 2)
    t.same(line.calls.map(({ url }) => url).sort(), [URI, `${URI}/second`], 'both, though none has answered')
    t.match(await deliveries(line), [{ state: 'waiting' }, { state: 'waiting' }])
    release(answered(204))
    await settle(line, 2)
    t.match(await deliveries(line), [{ state: 'delivered' }, { state: 'delivered' }])
    t.not(claimsOf(tokenIn(line.calls[0]))['jti'], claimsOf(tokenIn(line.calls[1]))['jti'])
  },
)

t.test(
  '[OUT-12, OUT-13] a client that cannot answer is tried again, later and later, with a fresh signature and the same jti, and given up in the end',
  async (t) => {
    const line = await opened()
    const { world } = line
    const { browser, idToken } = await signedIn(world)
    line.answer(answered(503))
    await signOut(browser, idToken)
    await settle(line, 1)
    const trouble: readonly FetchOutcome[] = [
      answered(500),
      { outcome: 'refused', reason: 'timedOut' },
      { outcome: 'refused', reason: 'unreachable' },
      answered(429),
      answered(502),
    ]
    for (const [index, pause] of LOGOUT_DELIVERY.pauses.entries()) {
      line.answer(trouble[index] ?? ANSWERED)
      world.clock.advance(pause - 1)
      t.equal(await world.provider.deliverLogouts(), 0, 'not before its time')
      world.clock.advance(1)
      t.equal(await world.provider.deliverLogouts(), 1)
      t.equal(await world.provider.deliverLogouts(), 0)
    }
    t.match(await deliveries(line), [{ state: 'dead', attempts: 6, failure: 'answered502' }])
    world.clock.advance(24 * 60 * 60)
    t.equal(await world.provider.deliverLogouts(), 0, 'bounded')
    const tokens = line.calls.map((call) => claimsOf(tokenIn(call)))
    t.equal(tokens.length, 6)
    t.equal(new Set(tokens.map(({ jti }) => jti)).size, 1, 'one jti')
    t.equal(new Set(tokens.map(({ iat }) => iat)).size, 6, 'each signed afresh')
    for (const { iat, exp } of tokens) t.equal(Number(exp) - Number(iat), 120)
  },
)

t.test('[OUT-13] what a client refuses itself, or can never be reached at, is not tried again', async (t) => {
  const final: readonly FetchOutcome[] = [
    answered(400),
    answered(401),
    answered(404),
    answered(302),
    { outcome: 'refused', reason: 'redirected' },
    { outcome: 'refused', reason: 'addressForbidden' },
    { outcome: 'refused', reason: 'urlUnacceptable' },
  ]
  for (const outcome of final) {
    const line = await opened()
    const { browser, idToken } = await signedIn(line.world)
    line.answer(outcome)
    await signOut(browser, idToken)
    await settle(line, 1)
    const reason = outcome.outcome === 'answered' ? `answered${outcome.status}` : outcome.reason
    t.match(await deliveries(line), [{ state: 'dead', attempts: 1, failure: reason }], reason)
    line.world.clock.advance(100_000)
    t.equal(await line.world.provider.deliverLogouts(), 0)
  }
})

t.test('[OUT-13] what one node left undone another does, once the first has had its time', async (t) => {
  const line = await opened()
  const { world } = line
  const other: FetchRequest[] = []
  const fetcher: Fetcher = {
    fetch: async (request) => {
      other.push(request)
      return ANSWERED
    },
  }
  const second = createWorld({ features, stores: world.stores }, { fetcher, clock: world.clock })
  const { browser, idToken } = await signedIn(world)
  // The first node dies in the middle of it.
  line.answer(new Promise(() => undefined))
  await signOut(browser, idToken)
  await called(line, 1)
  t.equal(await second.provider.deliverLogouts(), 0, 'somebody has it in hand')
  world.clock.advance(LOGOUT_DELIVERY.lease)
  t.equal(await second.provider.deliverLogouts(), 1)
  t.match(await deliveries(line), [{ state: 'delivered', attempts: 2 }])
  t.equal(claimsOf(tokenIn(other[0]))['jti'], claimsOf(tokenIn(line.calls[0]))['jti'])
})

t.test('[OUT-13] an outbox or a key that cannot be reached holds up nobody, and is told to the operator', async (t) => {
  const plain = createMemoryStores()
  let down = false
  const claimDeliveries: Stores['logouts']['claimDeliveries'] = (claim) =>
    down ? Promise.reject(unreachable()) : plain.logouts.claimDeliveries(claim)
  const line = await opened({ stores: { ...plain, logouts: { ...plain.logouts, claimDeliveries } } })
  const { browser, idToken } = await signedIn(line.world)
  down = true
  await signOut(browser, idToken)
  for (let turns = 0; turns < 2000 && line.world.faults.length === 0; turns++) await turn()
  t.equal(line.world.faults.length, 1)
  down = false
  t.equal(await line.world.provider.deliverLogouts(), 1, 'and it is made up for')
})

t.test('[OUT-16] by whatever way a session ends, its clients are told and what hung on it is dead', async (t) => {
  const ways: Readonly<Record<string, (world: World, browser: Browser) => Promise<unknown>>> = {
    'sign-out at the server': (world, browser) => world.provider.sessions.end(browser.bare(), 'all'),
    'a changed password': (world) =>
      world.stores.sessions.endSessionsOf({ subject: subject('alice'), except: undefined }, occasionIn(world)),
    'an administrator who disables the person': async (world) => {
      await setPerson(world, 'disabled')
      await setPerson(world, 'active')
    },
    time: async (world) => {
      world.clock.advance(12 * 60 * 60)
      await world.stores.sessions.endExpiredSessions({ now: world.clock.now(), limit: 100 })
    },
    'five more people in the same browser': async (_world, browser) => {
      for (const person of ['p1', 'p2', 'p3', 'p4', 'p5'])
        await browser.signIn(await ask(browser, { prompt: 'login' }), { subject: subject(person) })
    },
  }
  for (const [way, end] of Object.entries(ways)) {
    const line = await opened()
    const { browser, accessToken, claims } = await signedIn(line.world)
    await end(line.world, browser)
    await line.world.provider.deliverLogouts()
    await settle(line, 1)
    t.equal(line.calls.length, 1, way)
    t.match(claimsOf(tokenIn(line.calls[0])), { sub: 'alice', sid: claims['sid'] }, way)
    t.equal(statusOf(await userinfo(line.world, accessToken)), 401, way)
  }
})

t.test(
  '[OUT-14, R9700-44] refresh tokens end with the session, those for offline access alone go on, and none outlives the person',
  async (t) => {
    const ways: Readonly<Record<string, (world: World, browser: Browser, idToken: string) => Promise<unknown>>> = {
      'a client that signs out': (_world, browser, idToken) => signOut(browser, idToken),
      'a changed password': (world) =>
        world.stores.sessions.endSessionsOf({ subject: subject('alice'), except: undefined }, occasionIn(world)),
      'an account that is disabled': (world) => setPerson(world, 'disabled'),
    }
    for (const [way, end] of Object.entries(ways)) {
      const line = await opened()
      const { world } = line
      const lasting = { grantTypes: ['authorization_code', 'refresh_token'], refreshTokens: 'always' } as const
      await world.client({ clientId: clientId('lasting'), logout: LOGOUT, ...lasting })
      const browser = world.browser()
      const begin = async (scope: string) => {
        const over = { client_id: 'lasting', scope }
        const got = await obtainCode(world, over, browser)
        return tokensOf(await exchange(world, codeFields(got), { authorization: basic('lasting', CLIENT_SECRET) }))
      }
      const bound = await begin('openid')
      const offline = await begin('openid offline_access')
      const refresh = async ({ body }: typeof bound): Promise<number> => {
        const fields = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) }
        return statusOf(await exchange(world, fields, { authorization: basic('lasting', CLIENT_SECRET) }))
      }
      t.ok(bound.body['refresh_token'] !== undefined && offline.body['refresh_token'] !== undefined)
      await end(world, browser, bound.idToken)
      t.equal(await refresh(bound), 400, way)
      t.equal(await refresh(offline), way === 'an account that is disabled' ? 400 : 200, `${way}, offline`)
    }
  },
)

t.test('[OUT-05] it is advertised where it is, with sessions, and refused without a way out', async (t) => {
  const documentOf = async (world: World) => bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
  const { world } = await opened()
  t.match(await documentOf(world), {
    end_session_endpoint: 'https://op.example/end_session',
    backchannel_logout_supported: true,
    backchannel_logout_session_supported: true,
  })
  t.notOk('backchannel_logout_supported' in (await documentOf(createWorld())))
  t.throws(() => createWorld({ features }), /ports\.fetcher/)
})
