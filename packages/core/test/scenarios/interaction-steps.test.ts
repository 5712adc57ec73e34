// Owns what happens between the steps of an interaction: forged and replayed forms, other browsers, other tabs, and a world that changes
// in the meantime.

import type { InteractionStore, PresentedInteraction, ProviderConfig, Reply, Stores } from '@vouchsafe/core'
import { clientId, subject } from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import t from 'tap'
import {
  answerOf,
  ask,
  askedOf,
  authorizationRequest,
  bodyOf,
  errorOf,
  kindOf,
  obtainCode,
  pageOf,
  passThrough,
  redeem,
} from './flows.ts'
import { type Browser, createWorld, encode, pkcePair, REDIRECT_URI, type World } from './world.ts'

const opened = async (config: Partial<ProviderConfig> = {}): Promise<World> => {
  const world = createWorld(config)
  await world.client()
  return world
}

const FACTS = { subject: subject('alice'), amr: ['pwd'], acr: '1' }

type Step = (browser: Browser, submission: { readonly id: string; readonly csrf: string }) => Promise<Reply>

/** Every way in which a page's form changes something. */
const stepsOf = ({ provider: { interactions } }: World): ReadonlyMap<string, Step> =>
  new Map<string, Step>([
    ['authenticated', (browser, form) => interactions.authenticated(browser.bare(), { ...form, facts: FACTS })],
    ['selected', (browser, form) => interactions.accountSelected(browser.bare(), { ...form, sid: 'other' })],
    ['consented', (browser, form) => interactions.consented(browser.bare(), form)],
    ['denied', (browser, form) => interactions.denied(browser.bare(), form)],
    [
      'check',
      async (browser, form) => {
        const checked = await interactions.check(browser.bare(), form)
        if (!checked.ok) return checked.error
        throw new Error('the form was taken for genuine')
      },
    ],
  ])

/** An interaction that waits for consent, in a browser of its own. */
const waiting = async (world: World): Promise<{ readonly browser: Browser; readonly page: PresentedInteraction }> => {
  const browser = world.browser()
  return { browser, page: askedOf(await browser.signIn(await ask(browser, { prompt: 'consent' }))) }
}

const codesIssued = ({ events }: World): number =>
  events.filter(({ name }) => name === 'authorization_code.issued').length

/** Counts what rides in transitions too. */
const counting = (): { readonly stores: Stores; readonly settled: string[] } => {
  const stores = createMemoryStores()
  const settled: string[] = []
  const settleInteraction: InteractionStore['settleInteraction'] = async (settle, occasion) => {
    const outcome = await stores.interactions.settleInteraction(settle, occasion)
    settled.push(`${outcome}${settle.settlement.issue === undefined ? '' : ' with a code'}`)
    return outcome
  }
  return { stores: { ...stores, interactions: { ...stores.interactions, settleInteraction } }, settled }
}

t.test(
  '[OIDC-12, R9700-35, R6819-21, WEB-006] a form without the token of its own page and browser is refused, and changes nothing',
  async (t) => {
    const { stores, settled } = counting()
    const world = await opened({ stores })
    const { browser, page } = await waiting(world)
    const elsewhere = await waiting(world)
    const sameBrowser = askedOf(await ask(browser, { prompt: 'consent' }))
    const forged = ['', 'x', page.csrf.slice(1), `${page.csrf}x`, 'A'.repeat(43), elsewhere.page.csrf, sameBrowser.csrf]
    const before = new Map(browser.cookies)
    for (const [name, step] of stepsOf(world)) {
      for (const csrf of forged) {
        const reply = await step(browser, { id: page.id, csrf })
        t.match(pageOf(reply), { status: 403, problem: 'formForged', client: undefined }, name)
        t.same(reply.kind === 'page' && reply.cookies, [], 'no session is begun')
      }
    }
    t.same(settled, [])
    t.same(browser.cookies, before)
    t.equal(world.events.filter(({ name }) => name === 'session.started').length, 0)
    t.ok(answerOf(browser.keep(await world.provider.interactions.consented(browser.bare(), page))).has('code'))
  },
)

t.test(
  '[ADV-024, ADV-068, ADV-113, ADV-104] an interaction id is worth nothing in another browser, signed in or not, with or without its token',
  async (t) => {
    const { stores, settled } = counting()
    const world = await opened({ stores })
    const { browser, page } = await waiting(world)
    const signedIn = (await obtainCode(world)).browser
    settled.length = 0
    for (const thief of [signedIn, world.browser(), (await waiting(world)).browser]) {
      t.match(pageOf(await thief.resume(page.id)), { status: 403, problem: 'interactionElsewhere', client: undefined })
      for (const [name, step] of stepsOf(world)) {
        t.equal(pageOf(await step(thief, page)).status, 403, name)
      }
    }
    // The victim's session cookie without the browser's own, as if one had been planted.
    const mixed = world.browser()
    for (const [name, value] of browser.cookies) if (name.endsWith('session')) mixed.cookies.set(name, value)
    t.equal(pageOf(await mixed.resume(page.id)).status, 403)
    t.same(settled, [])
    for (const id of ['', 'x', `${page.id}=`, 'A'.repeat(22), `${page.id}A`, '../x']) {
      t.equal(pageOf(await browser.resume(id)).problem, 'interactionUnknown', id)
    }
  },
)

t.test(
  '[ADV-005, ADV-159, WEB-007] a sign-in that somebody else began and handed over leaves him as anonymous as before',
  async (t) => {
    const world = await opened()
    const attacker = world.browser()
    const login = await ask(attacker)
    // The worst case: the victim's browser holds the very cookie that the attacker knows.
    const victim = world.browser()
    for (const [name, value] of attacker.cookies) victim.cookies.set(name, value)
    const planted = '__Host-vouchsafe_session'
    victim.cookies.set(planted, 'B'.repeat(43))
    const consent = await victim.signIn(login)
    t.equal(kindOf(consent), 'consent')
    t.not(victim.cookies.get(planted), 'B'.repeat(43), 'a fresh identifier')
    t.equal(kindOf(await attacker.resume(askedOf(login).id)), 'login', 'who has no session is asked to sign in')
    t.equal(kindOf(await attacker.allow(consent)), 'login', 'and cannot allow for the victim')
    t.equal((await world.provider.sessions.current(attacker.bare())).length, 0)
    t.ok(answerOf(await victim.allow(consent)).has('code'))
  },
)

t.test(
  '[ADV-003, ADV-149, WEB-032, WEB-031, ADV-122] what the browser says later changes nothing: the stored request decides and its answer goes where it was verified',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const { parameters, verifier } = authorizationRequest()
    const { id, csrf } = askedOf(await browser.get('/authorize', parameters))
    const targets = [
      'https://evil.example',
      '//evil.example',
      '/\\evil.example',
      '/%09/evil.example',
      '/\t/evil.example',
    ]
    for (const target of targets) {
      const edited = encode({
        ...parameters,
        response_type: 'token',
        redirect_uri: target,
        return_to: target,
        next: target,
        scope: 'openid email phone',
        client_id: 'other',
        state: 'evil',
        code_challenge: pkcePair().challenge,
      })
      const request = { ...browser.bare(), method: 'POST', query: edited, body: edited }
      const shown = await world.provider.interactions.resume(request, id)
      t.match(askedOf(shown), { id, client: { clientId: 'app' }, prompt: { kind: 'login' } })
    }
    const edited = encode({
      redirect_uri: 'https://evil.example',
      scope: 'openid email',
      response_type: 'token',
      state: 'x',
    })
    const posted = (): ReturnType<Browser['bare']> => ({
      ...browser.bare(),
      method: 'POST',
      query: edited,
      body: edited,
    })
    const { interactions } = world.provider
    const consent = browser.keep(await interactions.authenticated(posted(), { id, csrf, facts: FACTS }))
    t.match(askedOf(consent).prompt, { kind: 'consent', scopes: [{ name: 'openid' }], values: {} })
    const answer = await interactions.consented(posted(), askedOf(consent))
    t.ok(answer.kind === 'redirect' && answer.location.startsWith(`${REDIRECT_URI}?code=`))
    t.equal(answerOf(answer).get('state'), 'state-1')
    const code = answerOf(answer).get('code') ?? ''
    t.equal(bodyOf(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }))['scope'] ?? 'openid', 'openid')
  },
)

t.test(
  '[ADV-115, R9700-08, R9700-09, R9700-31, R9700-36] the challenge of the request, or its absence, binds the code through every step',
  async (t) => {
    const world = createWorld()
    await world.client({ pkce: 'optional', nonce: 'optional' })
    for (const over of [{}, { prompt: 'login consent' }, { prompt: 'none' }]) {
      const browser = (await obtainCode(world)).browser
      const got = await obtainCode(world, over, browser)
      for (const verifier of [undefined, pkcePair().verifier]) {
        t.match(bodyOf(await redeem(world, got, { code_verifier: verifier })), { error: 'invalid_grant' })
      }
      t.match(await redeem(world, got), { status: 200 })
      // Stripped on the way: the verifier of the honest client has nothing to answer.
      const stripped = await obtainCode(
        world,
        { ...over, code_challenge: undefined, code_challenge_method: undefined },
        browser,
      )
      t.match(bodyOf(await redeem(world, stripped)), { error: 'invalid_grant' })
    }
  },
)

t.test('[unit] a reload, the back button and a second post of the same form each end well', async (t) => {
  const { stores, settled } = counting()
  const world = await opened({ stores })
  const { browser, page } = await waiting(world)
  t.match(askedOf(await browser.resume(page.id)), { id: page.id, csrf: page.csrf, prompt: { kind: 'consent' } })
  // Back to the login page, and its form once more: the person is signed in anew and goes on.
  const again = await browser.signIn({ kind: 'interact', interaction: page, cookies: [] })
  t.equal(kindOf(again), 'consent')
  const answer = await browser.allow(again)
  t.ok(answerOf(answer).has('code'))
  for (const [name, step] of stepsOf(world)) {
    const reply = await step(browser, page)
    t.match(pageOf(reply), { status: 409, problem: 'interactionFinished', client: { name: 'Scenario App' } }, name)
  }
  t.equal(pageOf(await browser.resume(page.id)).status, 409)
  t.same(settled, ['settled with a code'])
})

t.test('[R6819-22] an interaction ends after its time, whichever page is open', async (t) => {
  const world = await opened()
  const { browser, page } = await waiting(world)
  const login = await ask(world.browser())
  world.clock.advance(899)
  t.equal(kindOf(await browser.resume(page.id)), 'consent')
  world.clock.advance(1)
  for (const [name, step] of stepsOf(world))
    t.match(pageOf(await step(browser, page)), { status: 410, problem: 'interactionExpired' }, name)
  t.equal(pageOf(await browser.resume(page.id)).status, 410)
  t.equal(codesIssued(world), 0)
  world.clock.advance(1)
  await world.stores.sweeps.sweepExpired({ before: world.clock.now(), limit: 1000 })
  t.equal(await world.stores.interactions.findInteraction(page.id), undefined, 'and its row goes')
  t.equal(await world.stores.interactions.findInteraction(askedOf(login).id), undefined)
})

t.test('[unit] two tabs that allow at once give one code, and the client is never sent two answers', async (t) => {
  for (let round = 0; round < 10; round++) {
    const { stores, settled } = counting()
    const world = await opened({ stores })
    const { browser, page } = await waiting(world)
    const replies = await Promise.all([
      world.provider.interactions.consented(browser.bare(), page),
      world.provider.interactions.consented(browser.bare(), page),
      world.provider.interactions.denied(browser.bare(), page),
    ])
    t.equal(settled.filter((outcome) => outcome.startsWith('settled')).length, 1)
    t.equal(replies.filter((reply) => reply.kind === 'redirect').length, 1)
    t.equal(replies.filter((reply) => reply.kind === 'page' && reply.status === 409).length, 2)
  }
})

t.test('[unit] a double click on sign-in signs in, and every answer carries the session it began', async (t) => {
  const world = await opened()
  const browser = world.browser()
  const { id, csrf } = askedOf(await ask(browser))
  const report = { id, csrf, facts: FACTS }
  const replies = await Promise.all([
    world.provider.interactions.authenticated(browser.bare(), report),
    world.provider.interactions.authenticated(browser.bare(), report),
  ])
  const last = replies.at(-1)
  if (last === undefined) throw new Error('no reply')
  t.same(replies.map(kindOf), ['consent', 'consent'])
  t.ok(answerOf(await passThrough(browser, browser.keep(last))).has('code'))
})

t.test(
  '[unit] a cross-site POST that came without cookies is taken up by GET, by the first browser that does, and only once it knows it',
  async (t) => {
    const world = await opened()
    const home = (await obtainCode(world)).browser
    const { parameters, verifier } = authorizationRequest()
    const posted = await world.browser().post('/authorize', parameters)
    if (posted.kind !== 'resume') throw new Error(`no resume but ${posted.kind}`)
    t.same(posted.cookies, [], 'a Lax cookie would be set over the one that the browser holds back')
    // Nothing can be posted to it before it has a browser.
    for (const [name, step] of stepsOf(world)) {
      t.equal(pageOf(await step(home, { id: posted.interactionId, csrf: '' })).status, 403, name)
    }
    const answer = await home.resume(posted.interactionId)
    const code = answerOf(answer).get('code') ?? ''
    t.match(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }), { status: 200 })
    t.equal(pageOf(await world.browser().resume(posted.interactionId)).status, 403)

    const second = await world.browser().post('/authorize', parameters)
    const id = second.kind === 'resume' ? second.interactionId : ''
    const racers = [world.browser(), world.browser(), world.browser()]
    const seen = await Promise.all(racers.map((racer) => racer.resume(id)))
    t.same(seen.map(kindOf).sort(), ['login', 'page', 'page'])
    const silent = await world.browser().post('/authorize', { ...parameters, prompt: 'none' })
    t.equal(errorOf(await home.resume(silent.kind === 'resume' ? silent.interactionId : '')), undefined)
    const anonymous = await world.browser().post('/authorize', { ...parameters, prompt: 'none' })
    const reply = await world.browser().resume(anonymous.kind === 'resume' ? anonymous.interactionId : '')
    t.equal(errorOf(reply), 'login_required')
  },
)

t.test('[WEB-015] a session that ends between two steps asks for a sign-in again', async (t) => {
  const world = await opened()
  const { browser, page } = await waiting(world)
  await world.provider.sessions.end(browser.bare(), 'all')
  const reply = browser.keep(await world.provider.interactions.consented(browser.bare(), page))
  t.equal(kindOf(reply), 'login')
  t.ok(answerOf(await passThrough(browser, reply)).has('code'))
})

t.test('[ADV-074, WEB-015] a person disabled between two steps, or with a live session, gets no code', async (t) => {
  const world = await opened()
  const { browser, page } = await waiting(world)
  const silent = (await obtainCode(world)).browser
  const occasion = { now: world.clock.now(), events: [] }
  await world.stores.subjects.changeSubject({ subject: subject('alice'), status: 'disabled' }, occasion)
  const reply = await world.provider.interactions.consented(browser.bare(), page)
  t.equal(kindOf(reply), 'login')
  t.equal(errorOf(await browser.signIn(reply)), 'access_denied')
  t.equal(kindOf(await ask(silent)), 'login')
  t.equal(errorOf(await ask(silent, { prompt: 'none' })), 'login_required')
  t.equal((await world.provider.sessions.current(silent.bare())).length, 0)
  const fresh = world.browser()
  t.equal(errorOf(await fresh.signIn(await ask(fresh))), 'access_denied')
  world.accounts.delete('bob')
  const gone = world.browser()
  t.equal(errorOf(await gone.signIn(await ask(gone), { subject: subject('bob') })), 'access_denied')
})

t.test(
  '[unit] a client that is disabled, deleted or loses the redirect URI between two steps is sent nothing, not even a denial',
  async (t) => {
    const changes: readonly ((world: World) => Promise<unknown>)[] = [
      (world) => update(world, { disabled: true }),
      (world) => update(world, { redirectUris: ['https://rp.example/new'] }),
      (world) => world.stores.clients.deleteClient(clientId('app'), { now: world.clock.now(), events: [] }),
    ]
    for (const change of changes) {
      const world = await opened()
      const { browser, page } = await waiting(world)
      const login = await ask(browser, { prompt: 'login' })
      await change(world)
      for (const step of ['consented', 'denied'] as const) {
        t.equal((await world.provider.interactions[step](browser.bare(), page)).kind, 'page', step)
      }
      t.equal((await browser.resume(page.id)).kind, 'page')
      const signedIn = await world.provider.interactions.authenticated(browser.bare(), {
        ...askedOf(login),
        facts: FACTS,
      })
      t.equal(signedIn.kind, 'page')
      t.ok(signedIn.kind === 'page' && signedIn.cookies.length === 1, 'the session that it began is not lost')
    }
  },
)

const update = async (world: World, over: Parameters<World['client']>[0]): Promise<string> => {
  const client = await world.stores.clients.findClient(clientId('app'))
  if (client === undefined) throw new Error('no client')
  const changed = { ...client, ...over, version: client.version + 1 }
  return world.stores.clients.updateClient(changed, { now: world.clock.now(), events: [] })
}

t.test(
  '[R6819-31] what a client loses between two steps is not granted: scopes, claims, the grant type, the exception from PKCE',
  async (t) => {
    const lost = [
      [{ scope: 'openid email' }, { scopes: ['openid'] }, 'invalid_scope'],
      [{}, { grantTypes: [] }, 'unauthorized_client'],
      [{ code_challenge: undefined, code_challenge_method: undefined }, { pkce: 'required' }, 'invalid_request'],
    ] as const
    for (const [over, change, error] of lost) {
      const world = createWorld()
      await world.client({ pkce: 'optional' })
      const browser = world.browser()
      const page = askedOf(await browser.signIn(await ask(browser, over)))
      await update(world, change)
      t.equal(errorOf(await world.provider.interactions.consented(browser.bare(), page)), error)
    }
    const world = await opened()
    const browser = world.browser()
    const claims = '{"userinfo":{"email":null}}'
    const first = askedOf(await browser.signIn(await ask(browser, { claims })))
    t.match(first.prompt, { values: { email: 'alice@example.org' } })
    await update(world, { scopes: ['openid'] })
    const { prompt } = askedOf(await browser.resume(first.id))
    t.same(prompt.kind === 'consent' && prompt.values, {})
  },
)

type Change = (world: World) => Promise<unknown>

/** A world in which something happens between the decision and the write that rests on it, once. */
const interrupted = async (): Promise<{ readonly world: World; readonly plan: (change: Change) => void }> => {
  const stores = createMemoryStores()
  let planned: Change | undefined
  const happen = async (): Promise<void> => {
    const change = planned
    planned = undefined
    await change?.(world)
  }
  const world = await opened({
    stores: {
      ...stores,
      grants: {
        ...stores.grants,
        issueAuthorizationCode: async (issue, occasion) => {
          await happen()
          return stores.grants.issueAuthorizationCode(issue, occasion)
        },
      },
      interactions: {
        ...stores.interactions,
        settleInteraction: async (settle, occasion) => {
          await happen()
          return stores.interactions.settleInteraction(settle, occasion)
        },
      },
    },
  })
  return { world, plan: (change) => (planned = change) }
}

t.test(
  '[unit] a denial that comes too late, because another tab allowed, sends the client no second answer',
  async (t) => {
    const { world, plan } = await interrupted()
    const { browser, page } = await waiting(world)
    let allowed: Reply | undefined
    plan(async () => {
      allowed = await world.provider.interactions.consented(browser.bare(), page)
    })
    const denied = await world.provider.interactions.denied(browser.bare(), page)
    t.ok(allowed !== undefined && answerOf(allowed).has('code'))
    t.match(pageOf(denied), { status: 409, problem: 'interactionFinished' })
  },
)

t.test(
  '[OPS-019] what ends between decision and write is seen by the write: everything is decided once more',
  async (t) => {
    const endSession: Change = (world) =>
      world.stores.sessions.endSessionsOf(
        { subject: subject('alice'), except: undefined },
        { now: world.clock.now(), events: [] },
      )
    const disable: Change = (world) =>
      world.stores.subjects.changeSubject(
        { subject: subject('alice'), status: 'disabled' },
        { now: world.clock.now(), events: [] },
      )
    const withdraw: Change = (world) =>
      world.stores.consents.withdrawConsent(
        { subject: subject('alice'), clientId: clientId('app') },
        { now: world.clock.now(), events: [] },
      )
    const cases: readonly (readonly [string, Change, string])[] = [
      ['the session ends', endSession, 'login'],
      ['the person is disabled', disable, 'login'],
      ['consent is withdrawn', withdraw, 'consent'],
      ['the client is disabled', (world) => update(world, { disabled: true }), 'page'],
      ['the redirect URI goes', (world) => update(world, { redirectUris: ['https://rp.example/x'] }), 'page'],
      ['the client is renamed', (world) => update(world, { name: 'Other' }), 'redirect'],
    ]
    for (const [title, change, kind] of cases) {
      const silent = await interrupted()
      const { browser } = await obtainCode(silent.world)
      silent.plan(change)
      t.equal(kindOf(await ask(browser)), kind, `${title}, silently`)

      const asked = await interrupted()
      const { browser: at, page } = await waiting(asked.world)
      asked.plan(change)
      const reply = await asked.world.provider.interactions.consented(at.bare(), page)
      t.equal(kindOf(reply), title.startsWith('consent') ? 'redirect' : kind, `${title}, on the consent page`)
    }
  },
)

t.test('[OPS-019] of sign-outs and silent requests in parallel, no code outlives its session', async (t) => {
  const world = await opened()
  for (let round = 0; round < 20; round++) {
    const { browser } = await obtainCode(world)
    const { parameters, verifier } = authorizationRequest()
    const bare = browser.bare()
    const asks = Array.from({ length: 10 }, () => browser.get('/authorize', parameters))
    const [replies] = await Promise.all([Promise.all(asks), world.provider.sessions.end(bare, 'all')])
    t.equal(kindOf(await browser.get('/authorize', parameters)), 'login', 'after the commit no code is issued')
    for (const reply of replies.filter(({ kind }) => kind === 'redirect')) {
      const code = answerOf(reply).get('code') ?? ''
      const redeemed = await redeem(world, { code, verifier, redirectUri: REDIRECT_URI })
      t.match(bodyOf(redeemed), { error: 'invalid_grant' })
    }
  }
})

t.test('[unit] a request whose ground keeps changing ends with an error and not in a loop', async (t) => {
  const { stores } = counting()
  const always = { ...stores, grants: { ...stores.grants, issueAuthorizationCode: async () => 'stale' as const } }
  const world = await opened({ stores: always })
  const { browser } = await obtainCode(world)
  t.equal(errorOf(await ask(browser)), 'temporarily_unavailable')
})

t.test(
  '[unit] a store that cannot be reached is 503 and a fault is 500, on a page with a reference and nothing else',
  async (t) => {
    const failing = (error: Error): Promise<World> => {
      const stores = createMemoryStores()
      const findClient = async (): Promise<never> => Promise.reject(error)
      return Promise.resolve(createWorld({ stores: { ...stores, clients: { ...stores.clients, findClient } } }))
    }
    const unreachable = await failing(Object.assign(new Error('10.0.0.1:5432 refused'), { code: 'store_unavailable' }))
    const broken = await failing(new TypeError('select * from secrets'))
    for (const [world, status, problem] of [
      [unreachable, 503, 'unavailable'],
      [broken, 500, 'fault'],
    ] as const) {
      const page = pageOf(await ask(world.browser()))
      t.match(page, { status, problem, reference: /^[A-Z2-9]{4}-[A-Z2-9]{4}$/ })
      t.notMatch(JSON.stringify(page), /10\.0|select/)
      t.equal(world.faults.length, 1)
      t.match(world.events, [{ name: 'server.fault', fields: { reference: page.reference } }])
    }
  },
)

t.test(
  '[unit] checking a form issues nothing and shows the page to nobody else, whoever is signed in by now',
  async (t) => {
    const { stores, settled } = counting()
    const world = await opened({ stores })
    const { interactions } = world.provider
    const browser = world.browser()
    const first = await ask(browser)
    const second = askedOf(await ask(browser))
    await passThrough(browser, first)
    settled.length = 0
    const checked = await interactions.check(browser.bare(), second)
    t.match(checked, { ok: true, value: { id: second.id, prompt: { kind: 'login', subject: undefined } } })
    t.same(settled, [], 'the session that is there would do, and is not used: somebody has just typed a name')

    const asked = askedOf(await ask(browser, { prompt: 'consent' }))
    const bob = askedOf(await ask(browser, { prompt: 'login' }))
    const facts = { ...FACTS, subject: subject('bob') }
    browser.keep(await interactions.authenticated(browser.bare(), { ...bob, facts }))
    t.match(await interactions.check(browser.bare(), asked), { ok: true })
    const reply = browser.keep(await interactions.consented(browser.bare(), asked))
    t.match(askedOf(reply), { prompt: { kind: 'consent', account: { subject: 'bob' } } }, 'Bob did not see that page')
    t.same(settled, [])
  },
)
