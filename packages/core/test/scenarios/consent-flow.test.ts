// Owns when a person is asked to allow, what he is told, and what his answer is remembered for.

import { type ClientRecord, clientId, type InteractionPrompt, type Reply, subject } from '@vouchsafe/core'
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

const consentOf = (reply: Reply): Extract<InteractionPrompt, { kind: 'consent' }> => {
  const { prompt } = askedOf(reply)
  if (prompt.kind !== 'consent') throw new Error(`no consent but ${prompt.kind}`)
  return prompt
}

const KEY = { subject: subject('alice'), clientId: clientId('app') }

t.test(
  '[R6819-04] the page is told who asks, where the answer goes, for whom, which scopes and the very values',
  async (t) => {
    const world = await opened({
      clientUri: 'https://rp.example',
      logoUri: 'https://rp.example/logo.png',
      policyUri: 'https://rp.example/policy',
      tosUri: 'https://rp.example/tos',
      scopes: ['openid', 'email', 'groups', 'files:write', 'nobodys'],
    })
    const files = { name: 'files:write', description: 'Change your files', sensitive: true }
    await world.stores.resources.saveResource(
      {
        identifier: 'https://files.example',
        version: 1,
        name: 'Files',
        scopes: [files],
        tokenFormat: 'opaque',
        accessTokenLifetime: undefined,
        signingAlg: 'RS256',
        introspectionClients: [],
      },
      { now: world.clock.now(), events: [] },
    )
    const browser = world.browser()
    const scope = 'openid email groups files:write nobodys'
    const reply = await browser.signIn(await ask(browser, { scope }))
    t.match(askedOf(reply).client, {
      clientId: 'app',
      name: 'Scenario App',
      destination: 'rp.example',
      unproven: false,
      clientUri: 'https://rp.example',
      logoUri: 'https://rp.example/logo.png',
      policyUri: 'https://rp.example/policy',
      tosUri: 'https://rp.example/tos',
    })
    const prompt = consentOf(reply)
    t.equal(prompt.account.subject, 'alice')
    t.same(prompt.values, { email: 'alice@example.org', email_verified: true, groups: ['admins', 'staff'] })
    t.match(prompt.scopes, [
      { name: 'openid', claims: [] },
      { name: 'email', claims: ['email', 'email_verified'] },
      { name: 'groups', claims: ['groups'] },
      files,
      { name: 'nobodys', description: undefined },
    ])
  },
)

t.test('[OIDC-06] prompt=consent shows the page again, remembered or trusted', async (t) => {
  for (const trusted of [false, true]) {
    const world = await opened({ trusted })
    const { browser } = await obtainCode(world)
    t.equal(kindOf(await ask(browser)), 'redirect')
    const reply = await ask(browser, { prompt: 'consent' })
    t.equal(kindOf(reply), 'consent')
    t.ok(answerOf(await browser.allow(reply)).has('code'), 'and once only')
  }
})

t.test('[R6819-35] a client asks at the first time unless an administrator trusts it', async (t) => {
  const untrusted = await opened({ authMethod: 'none' })
  const browser = untrusted.browser()
  t.equal(kindOf(await browser.signIn(await ask(browser))), 'consent')
  t.equal(errorOf(await ask(browser, { prompt: 'none' })), 'consent_required')
  const trusted = await opened({ trusted: true })
  const other = trusted.browser()
  t.equal(kindOf(await other.signIn(await ask(other, { scope: 'openid email' }))), 'redirect')
  t.equal(await trusted.stores.consents.findConsent(KEY), undefined, 'and nobody is said to have consented')
})

t.test(
  '[R6819-16, V21-24, V21-03, R8252-07] a client that nobody can prove to be always confirms, remembered, trusted or with a shared secret',
  async (t) => {
    const loopback = { redirectUris: ['http://127.0.0.1/cb', 'com.example.app:/cb', 'https://app.example/cb'] }
    const native = { ...loopback, applicationType: 'native' } as const
    const kinds: readonly Partial<ClientRecord>[] = [
      { ...native, authMethod: 'none' },
      { ...native, authMethod: 'none', trusted: true },
      { ...native, authMethod: 'client_secret_basic' },
      { ...native, authMethod: 'client_secret_post', trusted: true },
      { ...loopback, authMethod: 'none' },
    ]
    for (const record of kinds) {
      for (const redirect_uri of ['http://127.0.0.1/cb', 'com.example.app:/cb']) {
        const world = await opened(record)
        const { browser } = await obtainCode(world, { redirect_uri })
        t.ok(await world.stores.consents.findConsent(KEY))
        const again = await ask(browser, { redirect_uri })
        t.equal(kindOf(again), 'consent', JSON.stringify(record))
        t.equal(askedOf(again).client.unproven, true)
        t.equal(errorOf(await ask(browser, { redirect_uri, prompt: 'none' })), 'consent_required')
        const claimed = await ask(browser, { redirect_uri: 'https://app.example/cb' })
        t.equal(kindOf(claimed), 'redirect', 'who owns the host has proved it')
      }
    }
    const proven = await opened({ ...native, authMethod: 'private_key_jwt' })
    const { browser } = await obtainCode(proven, { redirect_uri: 'http://127.0.0.1/cb' })
    t.equal(kindOf(await ask(browser, { redirect_uri: 'http://127.0.0.1/cb' })), 'redirect')
  },
)

t.test(
  '[OIDC-20] remembered consent covers what was shown, by scope and by claim, for its time, and nothing else',
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('other') })
    const { browser } = await obtainCode(world, { scope: 'openid email' })
    const silent = async (over: Parameters): Promise<string> => kindOf(await ask(browser, over))
    t.equal(await silent({ scope: 'openid' }), 'redirect', 'less')
    t.equal(await silent({ scope: 'openid email' }), 'redirect')
    t.equal(await silent({ scope: 'openid email profile' }), 'consent', 'more')
    t.equal(await silent({ scope: 'openid email', claims: '{"id_token":{"email":null}}' }), 'redirect', 'in the scope')
    t.equal(await silent({ claims: '{"id_token":{"name":null}}' }), 'consent', 'a claim beyond it')
    t.equal(await silent({ claims: '{"userinfo":{"name":null}}' }), 'consent')
    t.equal(await silent({ client_id: 'other', scope: 'openid' }), 'consent', 'another client')
    await passThrough(browser, await ask(browser, { claims: '{"userinfo":{"name":null}}' }))
    t.equal(await silent({ claims: '{"userinfo":{"name":null}}' }), 'redirect')
    t.equal(await silent({ claims: '{"userinfo":{"nickname":null}}' }), 'consent')
    t.equal(await silent({ scope: 'openid profile' }), 'consent', 'one claim is not its scope')
    t.equal(await silent({ scope: 'openid email' }), 'redirect', 'what was allowed before is kept')

    const year = 365 * 24 * 3600
    world.clock.advance(year - 1)
    const later = (await obtainCode(world, { scope: 'openid email', prompt: 'login' })).browser
    t.equal(kindOf(await ask(later, { scope: 'openid email' })), 'redirect')
    world.clock.advance(1)
    t.equal(kindOf(await ask(later, { scope: 'openid email' })), 'consent', 'it has run out')
  },
)

t.test('[ADV-080] withdrawn consent is asked for again, and kills what it gave', async (t) => {
  const world = await opened()
  const got = await obtainCode(world, { scope: 'openid email' })
  const token = String(bodyOf(await redeem(world, got))['access_token'])
  t.match(await userinfo(world, token), { status: 200 })
  const pending = await obtainCode(world, { scope: 'openid' }, got.browser)
  await world.stores.consents.withdrawConsent(KEY, { now: world.clock.now(), events: [] })
  t.match(await userinfo(world, token), { status: 401 })
  t.match(bodyOf(await redeem(world, pending)), { error: 'invalid_grant' })
  t.equal(kindOf(await ask(got.browser)), 'consent')
  t.equal(errorOf(await ask(got.browser, { prompt: 'none' })), 'consent_required')
  // Allowing less does not bring the rest back.
  await passThrough(got.browser, await ask(got.browser, { scope: 'openid' }))
  t.equal(kindOf(await ask(got.browser, { scope: 'openid email' })), 'consent')
})

t.test(
  '[unit] Deny answers access_denied with state and issuer, in the mode that was asked, and is not remembered',
  async (t) => {
    const world = await opened()
    const browser = world.browser()
    const denied = await browser.deny(await browser.signIn(await ask(browser)))
    const answer = answerOf(denied)
    t.same([...answer.keys()], ['error', 'error_description', 'state', 'iss'])
    t.equal(answer.get('error'), 'access_denied')
    t.equal(await world.stores.consents.findConsent(KEY), undefined)
    t.equal(kindOf(await ask(browser)), 'consent')
    // Refusing one more request takes nothing away.
    await passThrough(browser, await ask(browser))
    await browser.deny(await ask(browser, { prompt: 'consent', scope: 'openid email' }))
    t.equal(kindOf(await ask(browser)), 'redirect')
    const login = world.browser()
    t.equal(errorOf(await login.deny(await ask(login))), 'access_denied', 'from the sign-in page too')
  },
)

const signedInAs = async (browser: Browser, person: string): Promise<Reply> =>
  browser.signIn(await ask(browser, { prompt: 'login consent' }), { subject: subject(person) })

t.test('[unit] a consent page shown to one person and posted as another records nothing and asks again', async (t) => {
  const world = await opened()
  const browser = world.browser()
  await signedInAs(browser, 'alice')
  const page = await ask(browser, { scope: 'openid email' })
  t.equal(consentOf(page).account.subject, 'alice')
  // In another tab Bob signs in: he is the current one now.
  await signedInAs(browser, 'bob')
  const reply = await browser.allow(page)
  t.equal(consentOf(reply).account.subject, 'bob')
  t.same(consentOf(reply).values, { email: 'bob@example.org', email_verified: false }, 'his values this time')
  for (const person of ['alice', 'bob']) {
    t.equal(await world.stores.consents.findConsent({ ...KEY, subject: subject(person) }), undefined)
  }
  t.ok(answerOf(await browser.allow(reply)).has('code'))
  t.ok(await world.stores.consents.findConsent({ ...KEY, subject: subject('bob') }))
  t.equal(await world.stores.consents.findConsent(KEY), undefined)

  // The same person, who signed in once more, is still the one who was shown the page.
  const second = world.browser()
  await signedInAs(second, 'alice')
  const shown = await ask(second)
  await signedInAs(second, 'alice')
  t.ok(answerOf(await second.allow(shown)).has('code'))
})

t.test(
  '[OPS-016] two tabs with different scopes are merged into one consent, and each code has its own scope',
  async (t) => {
    for (let round = 0; round < 10; round++) {
      const world = await opened()
      const browser = world.browser()
      await browser.signIn(await ask(browser))
      const tabs = ['openid email', 'openid profile', 'openid phone email'].map((scope) =>
        authorizationRequest({ scope }),
      )
      const pages: Reply[] = []
      for (const { parameters } of tabs) pages.push(await browser.get('/authorize', parameters))
      const { interactions } = world.provider
      const answers = await Promise.all(pages.map((page) => interactions.consented(browser.bare(), askedOf(page))))
      for (const [index, answer] of answers.entries()) {
        const tab = tabs[index]
        const code = answerOf(answer).get('code') ?? ''
        const body = bodyOf(await redeem(world, { code, verifier: tab?.verifier ?? '', redirectUri: REDIRECT_URI }))
        t.equal(body['scope'] ?? tab?.parameters['scope'], tab?.parameters['scope'])
      }
      const merged = await world.stores.consents.findConsent(KEY)
      t.same(new Set(merged?.scope), new Set(['openid', 'email', 'profile', 'phone']))
      t.equal(kindOf(await ask(browser, { scope: 'openid email profile phone' })), 'redirect')
    }
  },
)

t.test('[unit] the audit log says who allowed, who refused, and what was issued silently', async (t) => {
  const { createMemoryStores } = await import('@vouchsafe/core/memory')
  const stores = createMemoryStores()
  const seen: { readonly name: string; readonly fields: object }[] = []
  const settleInteraction: typeof stores.interactions.settleInteraction = (settle, occasion) => {
    seen.push(...occasion.events)
    return stores.interactions.settleInteraction(settle, occasion)
  }
  const issueAuthorizationCode: typeof stores.grants.issueAuthorizationCode = (issue, occasion) => {
    seen.push(...occasion.events)
    return stores.grants.issueAuthorizationCode(issue, occasion)
  }
  const world = createWorld({
    stores: {
      ...stores,
      interactions: { ...stores.interactions, settleInteraction },
      grants: { ...stores.grants, issueAuthorizationCode },
    },
  })
  await world.client()
  const { browser } = await obtainCode(world)
  await ask(browser)
  await browser.deny(await ask(browser, { prompt: 'consent' }))
  t.match(seen, [
    { name: 'consent.recorded', fields: { clientId: 'app', subject: 'alice', scope: 'openid' } },
    { name: 'authorization_code.issued', fields: { subject: 'alice', silent: false, network: '192.0.2.1' } },
    { name: 'authorization_code.issued', fields: { subject: 'alice', silent: true } },
    { name: 'consent.denied', fields: { clientId: 'app', subject: 'alice', network: '192.0.2.1' } },
  ])
})
