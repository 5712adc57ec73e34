// Owns which questions a request asks: prompt, max_age, hints, levels and several accounts, through the pages as a browser goes.

import { createHmac } from 'node:crypto'
import { type ClientRecord, clientId, type JsonObject, type Reply, subject } from '@vouchsafe/core'
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
  type Parameters,
  passThrough,
  redeem,
  userinfo,
} from './flows.ts'
import { type Browser, createWorld, REDIRECT_URI, type World } from './world.ts'

const opened = async (over: Partial<ClientRecord> = {}): Promise<World> => {
  const world = createWorld()
  await world.client(over)
  return world
}

/** Asks, goes through whatever is asked, and redeems: the claims of the ID token, the token itself and how many questions there were. */
const idTokenOf = async (
  world: World,
  browser: Browser,
  over: Parameters = {},
): Promise<{ readonly claims: JsonObject; readonly jwt: string; readonly asked: readonly string[] }> => {
  const { parameters, verifier } = authorizationRequest(over)
  const asked: string[] = []
  let reply = await browser.get('/authorize', parameters)
  for (let steps = 0; reply.kind === 'interact' && steps < 5; steps++) {
    asked.push(kindOf(reply))
    const { prompt } = reply.interaction
    if (prompt.kind === 'login') reply = await browser.signIn(reply)
    else if (prompt.kind === 'consent') reply = await browser.allow(reply)
    else reply = await browser.select(reply, prompt.accounts[0]?.sid ?? 'other')
  }
  const code = answerOf(reply).get('code') ?? ''
  const body = bodyOf(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }))
  const jwt = String(body['id_token'])
  return { claims: claimsOf(jwt), jwt, asked }
}

const reasonOf = (reply: Reply): string => {
  const { prompt } = askedOf(reply)
  return prompt.kind === 'login' ? prompt.reason : prompt.kind
}

t.test(
  '[OIDC-03, CONF-B-oidcc-prompt-none-not-logged-in] prompt=none answers at the client whatever is missing, and shows nothing',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const none = { prompt: 'none', state: 'x'.repeat(128) }
    const silent = async (over: Parameters = {}): Promise<string | undefined> => {
      const reply = await ask(browser, { ...none, ...over })
      t.equal(reply.kind, 'redirect')
      t.equal(answerOf(reply).get('state'), none.state)
      t.notOk(answerOf(reply).has('code') && answerOf(reply).has('error'))
      return errorOf(reply)
    }
    t.equal(await silent(), 'login_required')
    await browser.signIn(await ask(browser))
    t.equal(await silent(), 'consent_required')
    await passThrough(browser, await ask(browser))
    t.equal(await silent(), undefined)
    t.equal(await silent({ scope: 'openid email' }), 'consent_required', 'wider than what was allowed')
    t.equal(await silent({ claims: '{"userinfo":{"email":null}}' }), 'consent_required', 'by name counts as well')
    world.clock.advance(60)
    t.equal(await silent({ max_age: '59' }), 'login_required')
    t.equal(await silent({ max_age: '60' }), undefined)
    t.equal(await silent({ max_age: '0' }), 'login_required')
    t.equal(await silent({ claims: '{"id_token":{"sub":{"value":"bob"}}}' }), 'login_required')
    t.equal(
      await silent({ claims: '{"id_token":{"acr":{"essential":true,"value":"9"}}}' }),
      'unmet_authentication_requirements',
    )
    t.equal(world.events.filter(({ name }) => name === 'authorization.refused').length, 8)
  },
)

t.test(
  '[CONF-B-oidcc-prompt-none-logged-in] consent given minutes ago counts, with the same sub and auth_time',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const first = await idTokenOf(world, browser)
    world.clock.advance(300)
    const second = await idTokenOf(world, browser, { prompt: 'none' })
    t.same(second.asked, [])
    t.same([second.claims['sub'], second.claims['auth_time']], [first.claims['sub'], first.claims['auth_time']])
  },
)

t.test(
  '[OIDC-05, CONF-B-oidcc-prompt-login] prompt=login asks again in a live session, once, and auth_time is new',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const first = await idTokenOf(world, browser)
    world.clock.advance(5)
    t.equal(reasonOf(await ask(browser, { prompt: 'login' })), 'requested')
    const second = await idTokenOf(world, browser, { prompt: 'login' })
    t.same(second.asked, ['login'], 'and consent counts')
    t.equal(Number(second.claims['auth_time']), Number(first.claims['auth_time']) + 5)
    const third = await idTokenOf(world, browser, { prompt: 'login consent' })
    t.same(third.asked, ['login', 'consent'])
    const fourth = await idTokenOf(world, browser, { prompt: 'select_account login' })
    t.same(fourth.asked, ['selectAccount', 'login'])
    const fifth = await idTokenOf(world, browser, { prompt: 'consent select_account login' })
    t.same(fifth.asked, ['selectAccount', 'login', 'consent'])
    const sixth = await idTokenOf(world, browser, { prompt: 'login', max_age: '10000' })
    t.same(sixth.asked, ['login'], 'a session that is young enough does not stand in')
  },
)

t.test(
  '[OIDC-07, CONF-B-oidcc-max-age-1, CONF-B-oidcc-max-age-10000] max_age asks again when the sign-in is older, and only then; auth_time is in the ID token',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const first = await idTokenOf(world, browser, { max_age: '15000' })
    t.type(first.claims['auth_time'], 'number')
    world.clock.advance(2)
    const same = await idTokenOf(world, browser, { max_age: '10000' })
    t.same([same.asked, same.claims['auth_time']], [[], first.claims['auth_time']])
    t.equal(reasonOf(await ask(browser, { max_age: '1' })), 'tooLongAgo')
    const later = await idTokenOf(world, browser, { max_age: '1' })
    t.same(later.asked, ['login'])
    t.equal(Number(later.claims['auth_time']), Number(first.claims['auth_time']) + 2)
  },
)

t.test('[OIDC-08] max_age=0 asks as prompt=login does, and does not ask in a loop', async (t) => {
  const world = await opened()
  const browser = world.browser()
  await idTokenOf(world, browser)
  const again = await idTokenOf(world, browser, { max_age: '0' })
  t.same(again.asked, ['login'])
  // However long the person looks at the consent page after signing in.
  const consent = await browser.signIn(await ask(browser, { max_age: '0', prompt: 'consent' }))
  world.clock.advance(600)
  t.ok(answerOf(await browser.allow(consent)).has('code'))
})

t.test(
  '[OIDC-07] a client that is registered with default_max_age asks again by itself, and a request may say otherwise',
  async (t) => {
    const world = await opened({ defaultMaxAge: 60 })
    const browser = world.browser()
    await idTokenOf(world, browser)
    world.clock.advance(61)
    t.equal(reasonOf(await ask(browser)), 'tooLongAgo')
    t.equal(kindOf(await ask(browser, { max_age: '1000' })), 'redirect')
    t.equal(errorOf(await ask(browser, { prompt: 'none' })), 'login_required')
  },
)

t.test(
  '[CONF-B-oidcc-id-token-hint] the ID token of the session is a good hint, expired or not; for another person it asks for that person',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const { jwt } = await idTokenOf(world, browser)
    const silent = await idTokenOf(world, browser, { prompt: 'none', id_token_hint: jwt })
    t.equal(silent.claims['sub'], 'alice')
    world.clock.advance(7200)
    const expired = await idTokenOf(world, browser, { prompt: 'none', id_token_hint: jwt })
    t.equal(expired.claims['sub'], 'alice')

    const other = world.browser()
    const bob = await other.signIn(await ask(other), { subject: subject('bob') })
    await other.allow(bob)
    t.equal(errorOf(await ask(other, { prompt: 'none', id_token_hint: jwt })), 'login_required')
    const login = await ask(other, { id_token_hint: jwt })
    t.match(askedOf(login).prompt, { kind: 'login', reason: 'otherPersonNeeded', subject: 'alice' })
    const wrong = await other.signIn(login, { subject: subject('bob') })
    t.equal(errorOf(wrong), 'login_required', 'nobody else is answered for')
    const right = await passThrough(other, await other.signIn(await ask(other, { id_token_hint: jwt })))
    t.ok(answerOf(right).has('code'))
    // Both are signed in now: the hint picks, whoever is the current one.
    await ask(other, { prompt: 'select_account' })
    const picked = await idTokenOf(world, other, { prompt: 'none', id_token_hint: jwt })
    t.equal(picked.claims['sub'], 'alice')
  },
)

t.test('[OIDC-46, WEB-068] an id_token_hint that this server did not sign for this client is refused', async (t) => {
  const world = await opened()
  await world.client({ clientId: clientId('other') })
  const browser = world.browser()
  const { jwt } = await idTokenOf(world, browser)
  const [head = '', body = '', signature = ''] = jwt.split('.')
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const hs256 = `${part({ alg: 'HS256', typ: 'JWT' })}.${body}`
  const wrong = [
    'x',
    'a.b.c',
    `${part({ alg: 'none', typ: 'JWT' })}.${body}.`,
    `${part({ alg: 'nOnE', typ: 'JWT' })}.${body}.`,
    `${part({ alg: 'none', typ: 'JWT' })}.${body}.${signature}`,
    `${hs256}.${createHmac('sha256', 'scenario-secret').update(hs256).digest('base64url')}`,
    `${head}.${part({ ...claimsOf(jwt), sub: 'bob' })}.${signature}`,
    `${head}.${body}.${signature.slice(0, -4)}AAAA`,
    `${head}.${body}.`,
    `${jwt}.x`,
    `${jwt}=`,
  ]
  for (const hint of wrong) {
    t.equal(errorOf(await ask(browser, { id_token_hint: hint, prompt: 'none' })), 'invalid_request', hint.slice(0, 40))
  }
  const foreign = await ask(browser, { client_id: 'other', id_token_hint: jwt })
  t.equal(errorOf(foreign), 'invalid_request', 'the ID token of another client')
  const claims = '{"id_token":{"sub":{"value":"bob"}}}'
  t.equal(errorOf(await ask(browser, { id_token_hint: jwt, claims })), 'invalid_request', 'two people at once')
})

t.test('[OIDC-21] a sub that claims asks for is the only person who is answered for, in either member', async (t) => {
  const world = await opened()
  const browser = world.browser()
  await idTokenOf(world, browser)
  for (const member of ['id_token', 'userinfo']) {
    const claims = (value: string): Parameters => ({ claims: JSON.stringify({ [member]: { sub: { value } } }) })
    const same = await idTokenOf(world, browser, claims('alice'))
    t.same([same.asked, same.claims['sub']], [[], 'alice'])
    const login = await ask(browser, claims('bob'))
    t.match(askedOf(login).prompt, { kind: 'login', reason: 'otherPersonNeeded', subject: 'bob' })
    t.equal(errorOf(await browser.signIn(login)), 'login_required')
    t.equal(errorOf(await ask(browser, { ...claims('bob'), prompt: 'none' })), 'login_required')
    const selection = await ask(browser, { ...claims('bob'), prompt: 'select_account' })
    const { prompt } = askedOf(selection)
    const [first] = prompt.kind === 'selectAccount' ? prompt.accounts : []
    t.equal(reasonOf(await browser.select(selection, first?.sid ?? 'other')), 'otherPersonNeeded')
  }
  const several = '{"id_token":{"sub":{"values":["alice","bob"]}}}'
  t.equal(errorOf(await ask(browser, { claims: several })), 'invalid_request')
})

t.test(
  '[OIDC-10] a level that is not essential changes nothing and the true one is reported; an essential one is reached or refused',
  async (t) => {
    const world = createWorld({ acrValues: ['1', '2'] })
    await world.client()
    const browser = world.browser()
    const acr = (request: JsonObject): Parameters => ({ claims: JSON.stringify({ id_token: { acr: request } }) })
    const plain = await idTokenOf(world, browser, { acr_values: '9 8' })
    t.equal(plain.claims['acr'], '1')
    t.equal((await idTokenOf(world, browser, acr({ values: ['9'] }))).claims['acr'], '1')
    t.equal((await idTokenOf(world, browser, acr({ essential: true }))).claims['acr'], '1')
    t.same((await idTokenOf(world, browser, acr({ essential: true, values: ['2', '1'] }))).asked, [])

    const login = await ask(browser, acr({ essential: true, value: '2' }))
    t.equal(reasonOf(login), 'strongerNeeded')
    t.equal(errorOf(await browser.signIn(login)), 'unmet_authentication_requirements', 'no weaker one is passed off')
    const again = await ask(browser, acr({ essential: true, value: '2' }))
    t.ok(answerOf(await browser.signIn(again, { acr: '2' })).has('code'))
    t.equal((await idTokenOf(world, browser, acr({ essential: true, value: '2' }))).claims['acr'], '2')

    const never = acr({ essential: true, values: ['9'] })
    t.equal(errorOf(await ask(browser, never)), 'unmet_authentication_requirements')
    t.equal(errorOf(await ask(world.browser(), never)), 'unmet_authentication_requirements', 'before a password')
  },
)

t.test(
  '[CONF-B-oidcc-claims-essential, OIDC-20] an essential userinfo claim is delivered there alone, and unknown ones are ignored',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const claims = '{"userinfo":{"name":{"essential":true},"http://x/unknown":null},"id_token":{"unknown":null}}'
    const { parameters, verifier } = authorizationRequest({ claims })
    const consent = await browser.signIn(await browser.get('/authorize', parameters))
    t.match(askedOf(consent).prompt, { values: { name: 'Alice Example' } }, 'the person sees what will be shared')
    const code = answerOf(await browser.allow(consent)).get('code') ?? ''
    const body = bodyOf(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }))
    t.notOk('name' in claimsOf(body['id_token']))
    t.same(bodyOf(await userinfo(world, String(body['access_token']))), { sub: 'alice', name: 'Alice Example' })
  },
)

t.test(
  '[OIDC-20, R6819-31] a claim beyond the scopes that the client is registered for is neither shown nor delivered',
  async (t) => {
    const world = await opened({ scopes: ['openid', 'email'] })
    const browser = world.browser()
    const claims = '{"userinfo":{"phone_number":{"essential":true},"email":null},"id_token":{"phone_number":null}}'
    const { parameters, verifier } = authorizationRequest({ claims })
    const consent = await browser.signIn(await browser.get('/authorize', parameters))
    const { prompt } = askedOf(consent)
    t.same(prompt.kind === 'consent' && prompt.values, { email: 'alice@example.org' })
    const code = answerOf(await browser.allow(consent)).get('code') ?? ''
    const body = bodyOf(await redeem(world, { code, verifier, redirectUri: REDIRECT_URI }))
    t.notOk('phone_number' in claimsOf(body['id_token']))
    t.same(bodyOf(await userinfo(world, String(body['access_token']))), { sub: 'alice', email: 'alice@example.org' })
  },
)

t.test('[OIDC-09] login_hint reaches the page and decides nothing', async (t) => {
  const world = await opened()
  const browser = world.browser()
  const login = await ask(browser, { login_hint: 'bob@example.org' })
  t.match(askedOf(login), { loginHint: 'bob@example.org', prompt: { reason: 'signedOut', subject: undefined } })
  await passThrough(browser, login)
  t.equal(kindOf(await ask(browser, { login_hint: 'bob@example.org' })), 'redirect', 'the session is still Alice')
  t.equal(errorOf(await ask(world.browser(), { login_hint: 'alice', prompt: 'none' })), 'login_required')
})

t.test(
  '[unit] select_account shows the accounts of this browser, takes one or another one, and asks once',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    t.equal(reasonOf(await ask(browser, { prompt: 'select_account' })), 'signedOut', 'nobody to choose from')
    await idTokenOf(world, browser)
    const selection = await ask(browser, { prompt: 'select_account' })
    const login = await browser.select(selection, 'other')
    t.match(askedOf(login).prompt, { kind: 'login', reason: 'otherAccount', subject: undefined })
    t.equal(reasonOf(await browser.resume(askedOf(login).id)), 'otherAccount', 'a reload asks the same')
    const back = await browser.select(
      login,
      askedOf(selection).prompt.kind === 'selectAccount' ? sidOf(selection) : 'other',
    )
    t.ok(answerOf(back).has('code'), 'the choice may be changed')

    const third = await browser.select(await ask(browser, { prompt: 'select_account' }), 'other')
    const consent = await browser.signIn(third, { subject: subject('bob') })
    t.match(askedOf(consent).prompt, { kind: 'consent', account: { subject: 'bob' } })
    await browser.allow(consent)
    const both = askedOf(await ask(browser, { prompt: 'select_account' })).prompt
    t.match(both, { accounts: [{ subject: 'bob' }, { subject: 'alice' }] })

    const stranger = world.browser()
    await passThrough(stranger, await ask(stranger))
    const theirs = await ask(stranger, { prompt: 'select_account' })
    const foreign = await browser.select(await ask(browser, { prompt: 'select_account' }), sidOf(theirs))
    t.equal(kindOf(foreign), 'selectAccount', 'a session of another browser is nobody here')
  },
)

const sidOf = (reply: Reply): ReturnType<typeof sidsOf>[number] | 'other' => sidsOf(reply)[0] ?? 'other'

const sidsOf = (reply: Reply) => {
  const { prompt } = askedOf(reply)
  return prompt.kind === 'selectAccount' ? prompt.accounts.map(({ sid }) => sid) : []
}
