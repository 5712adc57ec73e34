// Owns signing out at a client's request: what ends, when a person is asked, and where nobody is ever sent.

import { clientId, type LogoutPage, type Reply, type Stores, subject } from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import t, { type Test } from 'tap'
import { part } from './assertions.ts'
import { ask, errorOf, obtainCode, type Parameters, pageOf, redeem } from './flows.ts'
import { occasionIn, tokensOf, unreachable } from './token-steps.ts'
import { type Browser, createWorld, REDIRECT_URI, type World } from './world.ts'

const AFTER = 'https://rp.example/signed-out'
const AFTER_WITH_QUERY = 'https://rp.example/bye?from=op'
const PATH = '/end_session'

const features = { endSession: true } as const

const opened = async (stores?: Stores): Promise<World> => {
  const world = createWorld({ features, ...(stores === undefined ? {} : { stores }) })
  await world.client({ logout: { ...NO_LOGOUT, postLogoutRedirectUris: [AFTER, AFTER_WITH_QUERY] } })
  return world
}

const NO_LOGOUT = { postLogoutRedirectUris: [], backchannelUri: undefined, backchannelSessionRequired: false }

/** A browser signed in at the app, and the ID token that the app holds. */
const signedIn = async (
  world: World,
  who = 'alice',
  browser: Browser = world.browser(),
): Promise<{ readonly browser: Browser; readonly idToken: string }> => {
  await browser.signIn(await ask(browser, { prompt: 'login' }), { subject: subject(who) })
  const { idToken } = tokensOf(await redeem(world, await obtainCode(world, {}, browser)))
  return { browser, idToken }
}

const live = async (world: World, browser: Browser): Promise<readonly string[]> =>
  (await world.provider.sessions.current(browser.bare())).map(({ session }) => session.subject)

/** The page of signing out that came; rejects for anything else. */
const shown = (reply: Reply): LogoutPage => {
  if (reply.kind !== 'logout') throw new Error(`no page of signing out but ${JSON.stringify(reply)}`)
  return reply.page
}

const stepOf = (reply: Reply): string => (reply.kind === 'logout' ? reply.page.step : reply.kind)

const locationOf = (reply: Reply): string => {
  if (reply.kind !== 'redirect') throw new Error(`no redirect but ${JSON.stringify(reply)}`)
  return reply.location
}

/** Answers the question as its page would; fields may be changed. */
const confirm = (browser: Browser, question: Reply, over: Parameters = {}): Promise<Reply> => {
  const page = shown(question)
  if (page.step !== 'confirm') throw new Error(`no question but ${page.step}`)
  return browser.post(page.action, { ...Object.fromEntries(page.fields), action: 'sign-out', ...over })
}

const isSignedOut = async (t: Test, world: World, browser: Browser, why = 'signed out'): Promise<void> => {
  t.same(await live(world, browser), [], why)
  t.equal(errorOf(await ask(browser, { prompt: 'none' })), 'login_required', why)
}

t.test(
  '[OUT-01, OUT-02, OUT-04, OUT-08, CONF-F-oidcc-rp-initiated-logout] an ID token of the session, expired even, ends it unasked by GET and by POST, and the person is back with the state alone',
  async (t) => {
    const state = `${'s'.repeat(120)} +&=%é"`
    for (const method of ['get', 'post'] as const) {
      const world = await opened()
      const { browser, idToken } = await signedIn(world)
      world.clock.advance(2 * 60 * 60)
      const request = { id_token_hint: idToken, post_logout_redirect_uri: AFTER, state }
      const reply = await browser[method](PATH, request)
      const location = new URL(locationOf(reply))
      t.equal(`${location.origin}${location.pathname}`, AFTER, method)
      t.same([...location.searchParams], [['state', state]], 'exactly the state, and nothing else')
      await isSignedOut(t, world, browser, method)
    }
    const world = await opened()
    const { browser, idToken } = await signedIn(world)
    const request = { id_token_hint: idToken, client_id: 'app', post_logout_redirect_uri: AFTER_WITH_QUERY, state: 'x' }
    t.equal(locationOf(await browser.get(PATH, request)), `${AFTER_WITH_QUERY}&state=x`, 'a registered query stays')
  },
)

t.test(
  '[CONF-F-oidcc-rp-initiated-logout-no-state] without a state, none comes back, not even an empty one',
  async (t) => {
    const world = await opened()
    const { browser, idToken } = await signedIn(world)
    const request = { id_token_hint: idToken, post_logout_redirect_uri: AFTER, state: '' }
    t.equal(locationOf(await browser.get(PATH, request)), AFTER)
    await isSignedOut(t, world, browser)
  },
)

t.test(
  '[OUT-01] a post from another site, which brings no cookies, comes again by GET and is then answered',
  async (t) => {
    const world = await opened()
    const { browser, idToken } = await signedIn(world)
    const request = { id_token_hint: idToken, post_logout_redirect_uri: AFTER, state: 'a b' }
    const again = new URL(locationOf(await world.browser().post(PATH, { ...request, other: 'dropped' })))
    t.equal(`${again.origin}${again.pathname}`, `https://op.example${PATH}`)
    t.same(Object.fromEntries(again.searchParams), request)
    t.same(await live(world, browser), ['alice'], 'nothing ended yet')
    t.equal(locationOf(await browser.send({ path: PATH, query: again.search.slice(1) })), `${AFTER}?state=a+b`)
    await isSignedOut(t, world, browser)
    const long = { id_token_hint: `${'e'.repeat(8000)}.${'e'.repeat(8000)}.e`, state: 'x' }
    t.equal(
      locationOf(await world.browser().post(PATH, long)),
      `https://op.example${PATH}?state=x`,
      'a hint that no address can hold stays behind: the person will be asked',
    )
  },
)

t.test(
  '[OUT-03] a client_id that is not the one of the hint gets an error page, and nobody is signed out',
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('other'), logout: { ...NO_LOGOUT, postLogoutRedirectUris: [AFTER] } })
    const { browser, idToken } = await signedIn(world)
    const request = { id_token_hint: idToken, client_id: 'other', post_logout_redirect_uri: AFTER }
    t.match(pageOf(await browser.get(PATH, request)), { status: 400, problem: 'invalidRequest' })
    t.same(await live(world, browser), ['alice'])
  },
)

t.test('[OUT-04] what cannot be ended is not answered by a redirect', async (t) => {
  const plain = createMemoryStores()
  let down = false
  const endSession: Stores['sessions']['endSession'] = (...given) =>
    down ? Promise.reject(unreachable()) : plain.sessions.endSession(...given)
  const world = await opened({ ...plain, sessions: { ...plain.sessions, endSession } })
  const { browser, idToken } = await signedIn(world)
  down = true
  const request = { id_token_hint: idToken, post_logout_redirect_uri: AFTER }
  t.match(pageOf(await browser.get(PATH, request)), { status: 503, problem: 'unavailable' })
  down = false
  t.same(await live(world, browser), ['alice'], 'the browser was not told that it is signed out')
  t.equal(locationOf(await browser.get(PATH, request)), AFTER)
})

t.test(
  '[OUT-06, ADV-138, CONF-F-oidcc-rp-initiated-logout-bad-post-logout-redirect-uri, CONF-F-oidcc-rp-initiated-logout-query-added-to-post-logout-redirect-uri] an address that is not exactly registered gets an error page, and nobody is sent there',
  async (t) => {
    const world = await opened()
    const { browser, idToken } = await signedIn(world)
    const wrong = [
      `${AFTER}?foo=bar`,
      `${AFTER}/`,
      `${AFTER}#x`,
      AFTER.toUpperCase(),
      AFTER.replace('https', 'http'),
      REDIRECT_URI,
      'https://evil.example/',
      '//evil.example/',
      'https:\\\\rp.example/signed-out',
      `${AFTER}\t`,
      'javascript:alert(1)',
      `https://rp.example/signed-out@evil.example`,
      `https://rp.example%2fsigned-out`,
    ]
    for (const post_logout_redirect_uri of wrong) {
      for (const more of [{ id_token_hint: idToken }, { client_id: 'app' }]) {
        const reply = await browser.get(PATH, { ...more, post_logout_redirect_uri })
        t.match(pageOf(reply), { status: 400, problem: 'unregisteredLogoutUri' }, post_logout_redirect_uri)
      }
    }
    t.same(await live(world, browser), ['alice'])
    t.equal(world.events.filter(({ name }) => name === 'logout.refused').length, wrong.length * 2)
  },
)

t.test(
  '[OUT-07, OUT-11, CONF-F-oidcc-rp-initiated-logout-no-id-token-hint] without hint and client_id nobody is sent anywhere, whatever is registered: the person is asked, and then told',
  async (t) => {
    const world = await opened()
    const { browser } = await signedIn(world)
    const question = await browser.get(PATH, { post_logout_redirect_uri: AFTER, state: 'x' })
    t.match(shown(question), { step: 'confirm', client: undefined })
    t.same(await live(world, browser), ['alice'], 'asked before anything ends')
    t.match(shown(await confirm(browser, question)), { step: 'done', remaining: 0 })
    await isSignedOut(t, world, browser)
  },
)

t.test(
  '[OUT-11, CONF-F-oidcc-rp-initiated-logout-no-params, CONF-F-oidcc-rp-initiated-logout-only-state, CONF-F-oidcc-rp-initiated-logout-no-post-logout-redirect-uri] with less, a question at most, and then the page that says so',
  async (t) => {
    for (const request of [{}, { state: 'x' }, { client_id: 'app' }]) {
      const world = await opened()
      const { browser } = await signedIn(world)
      const question = await browser.get(PATH, request)
      t.equal(stepOf(question), 'confirm')
      t.match(shown(question), { accounts: [{ subject: 'alice', name: 'Alice Example', username: 'alice' }] })
      t.match(shown(await confirm(browser, question)), { step: 'done' })
      await isSignedOut(t, world, browser)
      t.equal(stepOf(await browser.get(PATH, request)), 'done', 'once more: there is nothing to ask')
    }
    const world = await opened()
    const { browser, idToken } = await signedIn(world)
    const reply = await browser.get(PATH, { id_token_hint: idToken })
    t.match(shown(reply), { step: 'done', client: { name: 'Scenario App' } })
    t.equal(reply.kind === 'logout' && reply.headers.get('Clear-Site-Data'), '"cache"')
    await isSignedOut(t, world, browser)
  },
)

t.test(
  '[OUT-07] a client that client_id names gets its person back once he agreed, at a registered address',
  async (t) => {
    const world = await opened()
    const { browser } = await signedIn(world)
    const question = await browser.get(PATH, { client_id: 'app', post_logout_redirect_uri: AFTER, state: 'x' })
    t.match(shown(question), { step: 'confirm', client: { name: 'Scenario App', destination: 'rp.example' } })
    t.equal(locationOf(await confirm(browser, question)), `${AFTER}?state=x`)
    await isSignedOut(t, world, browser)
  },
)

t.test(
  '[OUT-09, CONF-F-oidcc-rp-initiated-logout-modified-id-token-hint, CONF-F-oidcc-rp-initiated-logout-bad-id-token-hint] an altered, unsigned or foreign hint proves nothing: asked first, and never sent anywhere',
  async (t) => {
    const world = await opened()
    const { browser, idToken } = await signedIn(world)
    const [, claims = '', signature = ''] = idToken.split('.')
    const foreign = createWorld({ features, issuer: 'https://other.example' })
    await foreign.client()
    const wrong = {
      unsigned: `${part({ alg: 'none', typ: 'JWT' })}.${claims}.`,
      'unsigned, with a signature': `${part({ alg: 'none', typ: 'JWT' })}.${claims}.${signature}`,
      altered: idToken.replace(/\.[^.]+$/, (end) => end.slice(0, -6).padEnd(end.length, 'A')),
      'with other claims': [idToken.split('.')[0], part({ sub: 'alice', aud: 'app', iss: 'x' }), signature].join('.'),
      'of another issuer': (await signedIn(foreign)).idToken,
      'no token at all': 'nonsense',
    }
    for (const [what, id_token_hint] of Object.entries(wrong)) {
      const request = { id_token_hint, client_id: 'app', post_logout_redirect_uri: AFTER }
      const question = await browser.get(PATH, request)
      t.match(shown(question), { step: 'confirm', client: undefined }, what)
      t.same(await live(world, browser), ['alice'], what)
    }
    const question = await browser.get(PATH, { id_token_hint: wrong.altered, post_logout_redirect_uri: AFTER })
    t.equal(stepOf(await confirm(browser, question)), 'done', 'nor after the question')
    t.equal(stepOf(await browser.get(PATH, { id_token_hint: wrong.altered, post_logout_redirect_uri: AFTER })), 'done')
  },
)

t.test('[OUT-09] a hint signed with a key that is retired proves nothing', async (t) => {
  const world = await opened()
  const { browser, idToken } = await signedIn(world)
  const keys = world.keys()
  const retired = createWorld(
    { features, stores: world.stores },
    { clock: world.clock, keys: { keys: () => keys.map((key) => ({ ...key, state: 'retired' as const })) } },
  )
  const moved = retired.browser()
  for (const [name, value] of browser.cookies) moved.cookies.set(name, value)
  const reply = await moved.get(PATH, { id_token_hint: idToken, post_logout_redirect_uri: AFTER })
  t.match(shown(reply), { step: 'confirm', client: undefined })
})

t.test('[OUT-09, OUT-11] a hint of another person or of another session is asked about', async (t) => {
  const world = await opened()
  const alice = await signedIn(world)
  const bob = await signedIn(world, 'bob')
  const request = { id_token_hint: alice.idToken, post_logout_redirect_uri: AFTER }
  const question = await bob.browser.get(PATH, request)
  t.match(shown(question), { step: 'confirm', accounts: [{ subject: 'bob' }] })
  t.same([await live(world, alice.browser), await live(world, bob.browser)], [['alice'], ['bob']])
  const elsewhere = await signedIn(world)
  t.match(
    shown(await elsewhere.browser.get(PATH, request)),
    { step: 'confirm', accounts: [{ subject: 'alice' }] },
    'her own, but of another browser',
  )
  t.equal(locationOf(await confirm(bob.browser, question)), AFTER, 'the app is known, and he agreed')
  t.same(await live(world, bob.browser), [])
  t.same(await live(world, alice.browser), ['alice'], 'a browser ends its own sessions alone')
})

t.test('[OUT-11] in a browser with several sessions one ends, or those that were asked about', async (t) => {
  const world = await opened()
  const { browser, idToken } = await signedIn(world)
  await signedIn(world, 'bob', browser)
  t.same(await live(world, browser), ['bob', 'alice'])
  const question = await browser.get(PATH)
  t.match(shown(question), { accounts: [{ subject: 'bob' }, { subject: 'alice' }] })
  const hinted = await browser.get(PATH, { logout_hint: 'bob@example.org' })
  t.match(shown(hinted), { accounts: [{ subject: 'bob' }] })
  t.equal(locationOf(await browser.get(PATH, { id_token_hint: idToken, post_logout_redirect_uri: AFTER })), AFTER)
  t.same(await live(world, browser), ['bob'], 'hers alone')
  await signedIn(world, 'alice', browser)
  t.match(shown(await confirm(browser, question)), { step: 'done', remaining: 1 })
  t.same(await live(world, browser), ['alice'], 'who signed in since was not asked about')
})

t.test(
  '[WEB-001] the question takes its own form alone: without its token, with another, or changed on the way, nothing ends',
  async (t) => {
    const world = await opened()
    const { browser } = await signedIn(world)
    await signedIn(world, 'bob', browser)
    const question = await browser.get(PATH, { client_id: 'app', logout_hint: 'bob' })
    const stranger = await signedIn(world)
    const other = shown(await stranger.browser.get(PATH, { client_id: 'app', logout_hint: 'bob' }))
    const foreign = other.step === 'confirm' ? new Map(other.fields).get('csrf') : ''
    const sids = (await world.provider.sessions.current(browser.bare())).map(({ session }) => session.sid).join('.')
    const forged: readonly Parameters[] = [
      { csrf: undefined },
      { csrf: '' },
      { csrf: 'A'.repeat(43) },
      { csrf: foreign },
      { sessions: sids },
      { sessions: undefined },
      { post_logout_redirect_uri: AFTER },
      { state: 'x' },
    ]
    for (const over of forged) {
      t.match(
        pageOf(await confirm(browser, question, over)),
        { status: 403, problem: 'formForged' },
        JSON.stringify(over),
      )
    }
    t.match(pageOf(await confirm(world.browser(), question)), { status: 403 }, 'without the cookies')
    t.same(await live(world, browser), ['bob', 'alice'])
    t.equal(stepOf(await confirm(browser, question)), 'done')
    t.same(await live(world, browser), ['alice'])
  },
)

t.test('[ADV-061] a client that was deleted or switched off since holds up nobody, and gets nobody', async (t) => {
  for (const end of ['delete', 'disable'] as const) {
    const world = await opened()
    const { browser, idToken } = await signedIn(world)
    const client = await world.stores.clients.findClient(clientId('app'))
    if (client === undefined) throw new Error('no client')
    if (end === 'delete') await world.stores.clients.deleteClient(client.clientId, occasionIn(world))
    else await world.stores.clients.updateClient({ ...client, disabled: true, version: 2 }, occasionIn(world))
    const reply = await browser.get(PATH, { id_token_hint: idToken, post_logout_redirect_uri: AFTER })
    t.match(shown(reply), { step: 'done', client: undefined }, end)
    t.same(await live(world, browser), [], end)
  }
})

t.test('[OUT-01] what is no request is answered with a page that says so, and ends nothing', async (t) => {
  const world = await opened()
  const { browser, idToken } = await signedIn(world)
  const wrong: readonly [Parameters, number][] = [
    [{ id_token_hint: [idToken, idToken] }, 400],
    [{ id_token_hint: idToken, state: 'x'.repeat(2049) }, 400],
    [{ id_token_hint: idToken, ui_locales: 'x'.repeat(300) }, 400],
  ]
  for (const [request, status] of wrong) t.equal(pageOf(await browser.get(PATH, request)).status, status)
  t.equal(pageOf(await browser.send({ path: PATH, method: 'PUT' })).status, 405)
  t.equal(pageOf(await browser.send({ path: PATH, method: 'POST', body: '{}' })).status, 415)
  t.equal(pageOf(await browser.send({ path: PATH, query: 'state=%zz' })).status, 400)
  t.same(await live(world, browser), ['alice'])
})

t.test('[unit] signing out works where nobody can say who is signed in', async (t) => {
  const plain = createWorld({ features })
  const world = createWorld(
    { features, stores: plain.stores },
    { clock: plain.clock, accounts: { find: () => Promise.reject(new Error('directory down')) } },
  )
  await plain.client()
  const { browser } = await signedIn(plain)
  const moved = world.browser()
  for (const [name, value] of browser.cookies) moved.cookies.set(name, value)
  const question = await moved.get(PATH)
  t.match(shown(question), { step: 'confirm', accounts: [{ subject: 'alice', name: undefined }] })
  t.equal(stepOf(await confirm(moved, question)), 'done')
})

t.test('[OUT-05] the endpoint is advertised where it is, and is not there where it is left out', async (t) => {
  const documentOf = async (world: World, base = '') => {
    const reply = await world.send({ path: `${base}/.well-known/openid-configuration` })
    return reply.kind === 'json' ? JSON.parse(reply.body) : {}
  }
  t.equal((await documentOf(createWorld({ features }))).end_session_endpoint, 'https://op.example/end_session')
  const without = createWorld()
  t.notOk('end_session_endpoint' in (await documentOf(without)))
  await t.rejects(without.send({ path: PATH }), /no route/)
  const nested = createWorld({ features, issuer: 'https://op.example/tenant' })
  await nested.client({ logout: { ...NO_LOGOUT, postLogoutRedirectUris: [AFTER] } })
  t.equal((await documentOf(nested, '/tenant')).end_session_endpoint, 'https://op.example/tenant/end_session')
  t.equal(stepOf(await nested.send({ path: '/tenant/end_session' })), 'done')
})
