// Owns the sessions of a browser: how they begin, what the cookie holds, when they end, and what is kept of them.

import { instant, type Reply, type SessionId, type Stores, subject } from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import t from 'tap'
import { isLive } from '#src/standing/index.js'
import {
  answerOf,
  ask,
  askedOf,
  authorizationRequest,
  bodyOf,
  kindOf,
  obtainCode,
  passThrough,
  redeem,
  userinfo,
} from './flows.ts'
import { type Browser, CLIENT_SECRET, createWorld, encode, pkcePair, REDIRECT_URI, type World } from './world.ts'

const SESSION = '__Host-vouchsafe_session'
const BROWSER = '__Host-vouchsafe_browser'

const opened = async (stores?: Stores): Promise<World> => {
  const world = stores === undefined ? createWorld() : createWorld({ stores })
  await world.client()
  return world
}

const signIn = async (browser: Browser, person: string): Promise<Reply> =>
  browser.signIn(await ask(browser, { prompt: 'login' }), { subject: subject(person) })

const current = async (world: World, browser: Browser) =>
  (await world.provider.sessions.current(browser.bare())).map(({ session }) => session)

const secretsOf = (browser: Browser): readonly string[] => (browser.cookies.get(SESSION) ?? '').split('.')

t.test('[WEB-007, ADV-159] every sign-in has a secret of its own, and the one before it is dead', async (t) => {
  const world = await opened()
  const browser = world.browser()
  await signIn(browser, 'alice')
  const [before] = secretsOf(browser)
  const [old] = await current(world, browser)
  world.clock.advance(10)
  await signIn(browser, 'alice')
  const [after, ...others] = secretsOf(browser)
  t.not(after, before)
  t.same(others, [], 'the same person is not kept twice')
  const [fresh] = await current(world, browser)
  t.equal(fresh?.sid, old?.sid, 'what was issued in it goes on')
  t.not(fresh?.authTime, old?.authTime)
  const thief = world.browser()
  thief.cookies.set(SESSION, String(before))
  t.same(await current(world, thief), [])
})

t.test('[WEB-008] a session cookie that the server did not make is never taken over', async (t) => {
  const world = await opened()
  const browser = world.browser()
  const planted = [
    'A'.repeat(43),
    'x',
    '',
    'A'.repeat(5000),
    '.....',
    `${'A'.repeat(43)}.${'B'.repeat(43)}`,
    '../x',
    '%00',
  ]
  for (const value of planted) {
    browser.cookies.clear()
    browser.cookies.set(SESSION, value)
    const reply = await ask(browser)
    t.equal(kindOf(reply), 'login', value.slice(0, 20))
    await browser.signIn(reply)
    t.equal(secretsOf(browser).length, 1)
    t.notOk(value.includes(secretsOf(browser)[0] ?? '-'))
  }
  // A browser secret of our form may be planted, but one of another form is replaced.
  for (const value of ['x', 'A'.repeat(42), `${'A'.repeat(43)}=`, 'é'.repeat(43)]) {
    browser.cookies.clear()
    browser.cookies.set(BROWSER, value)
    await ask(browser)
    t.match(browser.cookies.get(BROWSER), /^[A-Za-z0-9_-]{43}$/)
    t.not(browser.cookies.get(BROWSER), value)
  }
})

t.test(
  '[WEB-010] idle and absolute ends hold whatever the cookie says, and use moves the idle one alone',
  async (t) => {
    const world = await opened()
    const { browser } = await obtainCode(world)
    const use = async (): Promise<string> => kindOf(await ask(browser))
    world.clock.advance(12 * 3600 - 1)
    t.equal(await use(), 'redirect')
    world.clock.advance(12 * 3600 - 1)
    t.equal(await use(), 'redirect', 'use moved the idle end')
    world.clock.advance(12 * 3600)
    t.equal(await use(), 'login', 'idle for too long')

    const busy = (await obtainCode(world)).browser
    const hours = 30 * 24
    for (let hour = 0; hour < hours - 6; hour += 6) {
      world.clock.advance(6 * 3600)
      t.equal(kindOf(await ask(busy)), 'redirect', `after ${hour + 6} hours`)
    }
    world.clock.advance(6 * 3600)
    t.equal(kindOf(await ask(busy)), 'login', 'however busy it was')

    // Each end by itself, whatever a store made of the other.
    const now = world.clock.now()
    const [soon, late] = [instant(now + 1), instant(now + 2)]
    t.ok(isLive({ endedAt: undefined, idleExpiresAt: soon, absoluteExpiresAt: soon }, now))
    t.notOk(isLive({ endedAt: undefined, idleExpiresAt: late, absoluteExpiresAt: soon }, soon))
    t.notOk(isLive({ endedAt: undefined, idleExpiresAt: soon, absoluteExpiresAt: late }, soon))
    t.notOk(isLive({ endedAt: now, idleExpiresAt: late, absoluteExpiresAt: late }, now))
  },
)

t.test(
  '[unit] five people share a browser, the sixth ends the oldest, and the last one is the current one',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const people = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank']
    const alone = world.browser()
    for (const person of people) {
      world.accounts.set(person, { name: person })
      await passThrough(browser, await signIn(browser, person))
      if (person === 'alice') alone.cookies.set(SESSION, secretsOf(browser)[0] ?? '')
      world.clock.advance(1)
    }
    t.same(await current(world, alone), [], 'the first one is ended, and not only forgotten by the browser')
    t.same(
      (await current(world, browser)).map((session) => session.subject),
      ['frank', 'erin', 'dave', 'carol', 'bob'],
    )
    t.equal(secretsOf(browser).length, 5)
    const selection = askedOf(await ask(browser, { prompt: 'select_account' })).prompt
    t.match(selection, { accounts: [{ subject: 'frank' }, { subject: 'erin' }] })

    // Who was chosen becomes the current one.
    const carol =
      selection.kind === 'selectAccount' ? selection.accounts.find((one) => one.subject === 'carol') : undefined
    const chosen = await browser.select(await ask(browser, { prompt: 'select_account' }), carol?.sid ?? 'other')
    t.equal(kindOf(await passThrough(browser, chosen)), 'redirect')
    t.equal((await current(world, browser))[0]?.subject, 'carol')

    // One leaves; the others stay.
    for (const cookie of await world.provider.sessions.end(browser.bare(), carol?.sid ?? ('x' as SessionId))) {
      browser.cookies.set(cookie.name, cookie.value)
    }
    t.same(
      (await current(world, browser)).map((session) => session.subject),
      ['frank', 'erin', 'dave', 'bob'],
    )
    const [cookie] = await world.provider.sessions.end(browser.bare(), 'all')
    t.match(cookie, { name: SESSION, value: '', maxAge: 0 })
    t.same(await current(world, browser), [])
  },
)

t.test(
  '[WEB-018] cookies do not grow with the number of requests that are open, nor beyond five sessions',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    for (let i = 0; i < 50; i++) await ask(browser, { prompt: 'login', state: 'x'.repeat(1000) })
    for (let i = 0; i < 8; i++) {
      world.accounts.set(`p${i}`, {})
      await signIn(browser, `p${i}`)
    }
    t.same([...browser.cookies.keys()].sort(), [BROWSER, SESSION])
    const header = browser.bare().headers.get('cookie')?.join('; ') ?? ''
    t.ok(header.length < 400, `${header.length} characters`)
  },
)

t.test('[WEB-017] cookies are random and hold nothing that could be read', async (t) => {
  const world = await opened()
  const browser = world.browser()
  const login = await ask(browser, { login_hint: 'alice@example.org' })
  await browser.signIn(login)
  for (const [name, value] of browser.cookies) {
    t.match(value, /^[A-Za-z0-9_-]{43}$/, name)
    t.notMatch(Buffer.from(value, 'base64url').toString('latin1'), /alice|app|openid/)
  }
  const again = world.browser()
  await again.signIn(await ask(again))
  for (const [name, value] of browser.cookies) t.not(again.cookies.get(name), value, name)
  const [session] = await current(world, browser)
  t.notOk([...browser.cookies.values()].includes(String(session?.sid)), 'the public sid is not the secret')
})

/** Remembers every text that any transition is handed or answers. */
const recording = (): { readonly stores: Stores; readonly texts: () => string } => {
  const seen: unknown[] = []
  const record = <T extends object>(store: T): T =>
    new Proxy(store, {
      get: (target, name) => {
        const method: unknown = Reflect.get(target, name)
        if (typeof method !== 'function') return method
        return async (...given: readonly unknown[]): Promise<unknown> => {
          const answer: unknown = await Reflect.apply(method, target, given)
          seen.push(given, answer)
          return answer
        }
      },
    })
  const stores = createMemoryStores()
  return {
    stores: new Proxy(stores, { get: (target, name) => record(Reflect.get(target, name)) }),
    texts: () => JSON.stringify(seen),
  }
}

t.test(
  '[WEB-009, ADV-067, R6819-08, R6819-13, ADV-045, R7636-09] a store sees digests of cookies, codes, tokens and secrets, never one of them, and no parameter that is not known',
  async (t) => {
    const { stores, texts } = recording()
    const world = await opened(stores)
    const browser = world.browser()
    const unknown = { client_secret: 'leaked-secret-value', password: 'leaked-password', foo: 'leaked-foo' }
    const { parameters, verifier } = authorizationRequest({ ...unknown, scope: 'openid email' })
    const login = await browser.get('/authorize', parameters)
    const answer = await passThrough(browser, login)
    const code = answerOf(answer).get('code') ?? ''
    const body = bodyOf(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }, unknown))
    await userinfo(world, String(body['access_token']))
    const posted = await world.browser().post('/authorize', parameters)
    await browser.resume(posted.kind === 'resume' ? posted.interactionId : '')
    const kept = texts()
    t.ok(kept.includes('state-1'), 'the recorder works')
    const secrets = {
      code,
      verifier,
      access: String(body['access_token']),
      id: String(body['id_token']),
      client: CLIENT_SECRET,
      csrf: askedOf(login).csrf,
      browser: browser.cookies.get(BROWSER) ?? '',
      session: browser.cookies.get(SESSION) ?? '',
      ...unknown,
    }
    for (const [name, secret] of Object.entries(secrets)) {
      t.ok(secret.length > 5)
      t.notOk(kept.includes(secret), name)
    }
    t.notOk(JSON.stringify(world.events).includes(code))
  },
)

t.test('[R7636-03] the challenge stays with the code and is sent to nobody', async (t) => {
  const world = await opened()
  const browser = world.browser()
  const { challenge, verifier } = pkcePair()
  const sent: Reply[] = [await ask(browser, { code_challenge: challenge })]
  for (let reply = sent[0]; reply?.kind === 'interact' && sent.length < 5; reply = sent.at(-1)) {
    sent.push(reply.interaction.prompt.kind === 'login' ? await browser.signIn(reply) : await browser.allow(reply))
  }
  const code = answerOf(sent.at(-1) ?? { kind: 'empty', status: 500, headers: new Map() }).get('code') ?? ''
  t.notOk(JSON.stringify(sent).includes(challenge))
  t.match(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }), { status: 200 })
})

t.test('[unit] forms outside an interaction have tokens of their own, bound to browser and form', async (t) => {
  const world = await opened()
  const { sessions } = world.provider
  const browser = world.browser()
  const { csrf, cookies } = await sessions.formToken(browser.bare(), 'sign-out')
  for (const { name, value } of cookies) browser.cookies.set(name, value)
  t.ok(await sessions.isFormToken(browser.bare(), 'sign-out', csrf))
  t.notOk(await sessions.isFormToken(browser.bare(), 'other', csrf))
  t.notOk(await sessions.isFormToken(world.browser().bare(), 'sign-out', csrf))
  const { id } = askedOf(await ask(browser))
  t.not((await sessions.formToken(browser.bare(), `interaction:${id}`)).csrf, csrf)
  const began = await sessions.start(browser.bare(), { subject: subject('alice'), amr: ['pwd'], acr: undefined })
  t.ok(began.ok)
  const occasion = { now: world.clock.now(), events: [] }
  await world.stores.subjects.changeSubject({ subject: subject('alice'), status: 'disabled' }, occasion)
  t.same(await sessions.start(browser.bare(), { subject: subject('alice'), amr: ['pwd'], acr: undefined }), {
    ok: false,
    error: 'subjectDisabled',
  })
})

t.test('[ADV-112, ADV-135] odd Cookie headers are read as far as they mean something, and harm nothing', async (t) => {
  const world = await opened()
  const { browser } = await obtainCode(world)
  const own = browser.bare().headers.get('cookie')?.join('; ') ?? ''
  const { parameters } = authorizationRequest()
  const query = encode(parameters)
  const kindWith = async (...cookie: readonly string[]): Promise<string> =>
    kindOf(await world.send({ path: '/authorize', query, headers: new Map([['cookie', cookie]]) }))
  for (const odd of [
    '',
    ';',
    '=',
    'a',
    'a;b;;c',
    '=x; =',
    '\u0000',
    'a=b=c',
    `${SESSION}`,
    `${SESSION}=`,
    'é=\ud800',
  ]) {
    t.equal(await kindWith(odd), 'login', JSON.stringify(odd))
    t.equal(await kindWith(`${odd}; ${own}`), odd.startsWith(`${SESSION}=`) ? 'login' : 'redirect', JSON.stringify(odd))
    t.equal(await kindWith(own, odd), 'redirect', 'in two headers')
  }
  t.equal(await kindWith(`x=${'y'.repeat(10_000)}; ${own}`), 'login', 'an absurd header is as good as none')
})
