// Owns devices that ask to be let in (RFC 8628): codes, polls, the person who decides, and what each is told.

import type { DevicePrompt, JsonObject, OpenedDevice, Reply } from '@vouchsafe/core'
import { ConfigurationError, clientId, DEVICE_CODE_GRANT, sessionId, subject } from '@vouchsafe/core'
import { DEFAULT_GRANT_TYPES, deviceCode } from '@vouchsafe/core/grant-types'
import t, { type Test } from 'tap'
import { basic, bodyOf, claimsOf, exchange, type Parameters, userinfo } from './flows.ts'
import { changeClient, endSessions, openStores, refused, statusOf, tokensOf } from './token-steps.ts'
import { type Browser, CLIENT_SECRET, createWorld, encode, sha256, type World } from './world.ts'

const VERIFICATION_URI = 'https://op.example/device'

const opened = async (over: Parameters0 = {}, config: Parameters1 = {}): Promise<World> => {
  const world = createWorld({ features: { device: { verificationUri: VERIFICATION_URI } }, ...config })
  await world.client({ grantTypes: [DEVICE_CODE_GRANT, 'refresh_token'], redirectUris: [], ...over })
  return world
}

type Parameters0 = NonNullable<globalThis.Parameters<World['client']>[0]>
type Parameters1 = NonNullable<globalThis.Parameters<typeof createWorld>[0]>

const ask = (world: World, over: Parameters = {}, authorization = basic('app', CLIENT_SECRET)): Promise<Reply> =>
  world.send({
    path: '/device_authorization',
    method: 'POST',
    headers: new Map([
      ['content-type', ['application/x-www-form-urlencoded']],
      ...(authorization === '' ? [] : [['authorization', [authorization]] as [string, string[]]]),
    ]),
    body: encode({ scope: 'openid profile', ...over }),
  })

interface Codes {
  readonly deviceCode: string
  readonly userCode: string
}

const codesOf = (reply: Reply): Codes => {
  const body = bodyOf(reply)
  return { deviceCode: String(body['device_code']), userCode: String(body['user_code']) }
}

const poll = (world: World, { deviceCode: code }: Codes, over: Parameters = {}): Promise<Reply> =>
  exchange(world, { grant_type: DEVICE_CODE_GRANT, device_code: code, ...over })

const devicesOf = (world: World) => {
  const { devices } = world.provider
  if (devices === undefined) throw new Error('no devices')
  return devices
}

/** A browser in which somebody is signed in. */
const signedIn = async (world: World, who = 'alice'): Promise<Browser> => {
  const browser = world.browser()
  const facts = { subject: subject(who), amr: ['pwd'], acr: '1' }
  const started = await world.provider.sessions.start(browser.bare(), facts)
  const { cookies } = await world.provider.sessions.formToken(browser.bare(), 'any')
  const all = [...(started.ok ? started.value : []), ...cookies]
  browser.keep({ kind: 'redirect', location: '/', cookies: all })
  return browser
}

const openIn = (world: World, browser: Browser, typed: string): Promise<OpenedDevice> =>
  devicesOf(world).open(browser.bare(), typed)

const promptOf = (shown: OpenedDevice): DevicePrompt => {
  if (shown.kind !== 'confirm') throw new Error(`no question but ${JSON.stringify(shown)}`)
  return shown.prompt
}

const answer = (world: World, browser: Browser, prompt: DevicePrompt, said: 'allow' | 'deny') =>
  devicesOf(world).settle(browser.bare(), { ...prompt, sid: prompt.account.sid, answer: said })

const settle = async (world: World, codes: Codes, said: 'allow' | 'deny', browser?: Browser): Promise<string> => {
  const by = browser ?? (await signedIn(world))
  return answer(world, by, promptOf(await openIn(world, by, codes.userCode)), said)
}

const isRefused = async (t: Test, reply: Promise<Reply>, error: string, status = 400): Promise<void> =>
  refused(t, await reply, status, error)

t.test(
  '[R8628-02, R8628-12, R8628-13, R8628-14, R8628-16] a device is answered with two codes, uncached and short-lived, and only digests are kept',
  async (t) => {
    const { stores, state } = openStores()
    const world = await opened({}, { stores })
    const seen = new Set<string>()
    for (let count = 0; count < 30; count++) {
      const reply = await ask(world)
      t.match(reply, { kind: 'json', status: 200 })
      t.equal('headers' in reply && reply.headers.get('Cache-Control'), 'no-store')
      const body: JsonObject = bodyOf(reply)
      const { deviceCode: code, userCode } = codesOf(reply)
      t.match(userCode, /^[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}$/)
      // 16 bytes of handle and 32 of secret.
      t.equal(Buffer.from(code, 'base64url').length, 48)
      t.same(body, {
        device_code: code,
        user_code: userCode,
        verification_uri: VERIFICATION_URI,
        verification_uri_complete: `${VERIFICATION_URI}?user_code=${userCode}`,
        expires_in: 600,
        interval: 5,
      })
      seen.add(code.slice(22)).add(userCode)
    }
    t.equal(seen.size, 60)
    const kept = JSON.stringify([...state.devices.values(), ...state.events])
    for (const code of seen) t.notOk(kept.includes(code) || kept.includes(code.replace('-', '')))
    t.throws(() => createWorld({ lifetimes: { deviceCode: 901 } }), ConfigurationError)
  },
)

t.test(
  '[R8628-01, R8628-18] a confidential client must prove itself, a client must be registered for the grant, and scopes and resources are judged',
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('web-app') })
    await world.client({
      clientId: clientId('tv'),
      authMethod: 'none',
      applicationType: 'native',
      secrets: [],
      grantTypes: [DEVICE_CODE_GRANT],
    })
    await isRefused(t, ask(world, { client_id: 'app' }, ''), 'invalid_client', 401)
    await isRefused(t, ask(world, {}, basic('app', 'wrong')), 'invalid_client', 401)
    await isRefused(t, ask(world, {}, basic('web-app', CLIENT_SECRET)), 'unauthorized_client')
    await isRefused(t, ask(world, { scope: undefined }), 'invalid_scope')
    await isRefused(t, ask(world, { scope: 'openid admin' }), 'invalid_scope')
    await isRefused(t, ask(world, { resource: 'https://unknown.example/' }), 'invalid_target')
    await isRefused(t, ask(world, { scope: ['openid', 'profile'] }), 'invalid_request')
    const codes = codesOf(await ask(world, { client_id: 'tv' }, ''))
    t.equal(await settle(world, codes, 'allow'), 'allowed')
    const tokens = tokensOf(
      await exchange(
        world,
        { grant_type: DEVICE_CODE_GRANT, device_code: codes.deviceCode, client_id: 'tv' },
        { authorization: '' },
      ),
    )
    t.equal(statusOf(await userinfo(world, tokens.accessToken)), 200)
    for (let count = 0; count < 100; count++) await ask(world, { client_id: 'tv' }, '')
    t.equal(statusOf(await ask(world, { client_id: 'tv' }, '')), 429, 'a client that proves nothing fills no table')
  },
)

t.test(
  '[R8628-07, R8628-09] pending, then allowed: tokens once, for who allowed; the same code again is refused and takes everything back',
  async (t) => {
    const world = await opened()
    const codes = codesOf(await ask(world, { scope: 'openid profile offline_access' }))
    await isRefused(t, poll(world, codes), 'authorization_pending')
    const browser = await signedIn(world)
    t.equal(await settle(world, codes, 'allow', browser), 'allowed')
    const tokens = tokensOf(await poll(world, codes))
    t.match(claimsOf(tokens.idToken), { sub: 'alice', aud: 'app', amr: ['pwd'] })
    const refresh = { grant_type: 'refresh_token', refresh_token: String(tokens.body['refresh_token']) }
    await endSessions(world)
    const refreshed = tokensOf(await exchange(world, refresh))
    t.equal(statusOf(await userinfo(world, refreshed.accessToken)), 200, 'the device is not tied to the browser')
    await isRefused(t, poll(world, codes), 'invalid_grant')
    t.equal(statusOf(await userinfo(world, refreshed.accessToken)), 401)
    await isRefused(
      t,
      exchange(world, { ...refresh, refresh_token: String(refreshed.body['refresh_token']) }),
      'invalid_grant',
    )
    t.notOk(
      world.events.some(({ fields }) => fields['error'] === 'authorization_pending'),
      'polls fill no log',
    )
  },
)

t.test(
  '[R8628-07, R8628-06, ADV-025] denied, expired, unknown and somebody else’s codes are told apart only for their client',
  async (t) => {
    const world = await opened()
    await world.client({ clientId: clientId('other'), grantTypes: [DEVICE_CODE_GRANT] })
    const denied = codesOf(await ask(world))
    t.equal(await settle(world, denied, 'deny'), 'denied')
    const waiting = codesOf(await ask(world))
    const allowed = codesOf(await ask(world))
    t.equal(await settle(world, allowed, 'allow'), 'allowed')
    const asOther = { authorization: basic('other', CLIENT_SECRET) }
    for (const { deviceCode: code } of [denied, waiting, allowed]) {
      const form = { grant_type: DEVICE_CODE_GRANT, device_code: code }
      await isRefused(t, exchange(world, form, asOther), 'invalid_grant')
      const asCode = { grant_type: 'authorization_code', code, redirect_uri: 'https://rp.example/callback' }
      t.not(statusOf(await exchange(world, asCode)), 200, 'a device code is no code')
    }
    await isRefused(t, poll(world, denied), 'access_denied')
    await isRefused(t, poll(world, { ...denied, deviceCode: 'A'.repeat(64) }), 'invalid_grant')
    await isRefused(t, poll(world, { ...denied, deviceCode: 'x' }), 'invalid_grant')
    await isRefused(t, exchange(world, { grant_type: DEVICE_CODE_GRANT }), 'invalid_request')
    world.clock.advance(600)
    await isRefused(t, poll(world, waiting), 'expired_token')
    await isRefused(t, poll(world, allowed), 'expired_token')
  },
)

t.test(
  '[R8628-08, OPS-015] polling too fast is told to slow down, by five seconds each time, and on time it is not',
  async (t) => {
    const world = await opened()
    const codes = codesOf(await ask(world))
    for (const [wait, error] of [
      [0, 'authorization_pending'],
      [5, 'authorization_pending'],
      [4, 'authorization_pending'],
      [3, 'slow_down'],
      [5, 'slow_down'],
      [15, 'authorization_pending'],
      [13, 'slow_down'],
      [20, 'authorization_pending'],
    ] as const) {
      world.clock.advance(wait)
      await isRefused(t, poll(world, codes), error)
    }
    t.equal(await settle(world, codes, 'allow'), 'allowed')
    tokensOf(await poll(world, codes))
  },
)

t.test('[OPS-014] of two devices that poll one code at once, exactly one gets tokens', async (t) => {
  const world = await opened()
  const codes = codesOf(await ask(world))
  await settle(world, codes, 'allow')
  const replies = await Promise.all([poll(world, codes), poll(world, codes)])
  t.same(replies.map(statusOf).sort(), [200, 400])
})

t.test(
  '[R8628-03, R8628-05, R8628-15, R8628-20] a code, however it is typed, leads to sign-in and then to a question that names everything, and to nothing more',
  async (t) => {
    const world = await opened({ name: 'Living Room TV', clientUri: 'https://tv.example/' })
    const codes = codesOf(await ask(world))
    const bare = codes.userCode.replace('-', '')
    t.same(await openIn(world, world.browser(), codes.userCode), { kind: 'signIn', userCode: codes.userCode })
    const browser = await signedIn(world)
    for (const typed of [
      bare,
      codes.userCode.toLowerCase(),
      ` ${bare.split('').join(' ')}`,
      bare.replace(/(..)/g, '$1–'),
    ]) {
      t.match(promptOf(await openIn(world, browser, typed)), {
        userCode: codes.userCode,
        clientId: 'app',
        clientName: 'Living Room TV',
        clientUri: 'https://tv.example/',
        network: '192.0.2.1',
        account: { subject: 'alice' },
        scopes: [{ name: 'openid' }, { name: 'profile' }],
        values: { name: 'Alice Example' },
      })
    }
    await isRefused(t, poll(world, codes), 'authorization_pending')
  },
)

t.test('[R8628-04] wrong, used, denied and expired codes read the same', async (t) => {
  const world = await opened()
  const browser = await signedIn(world)
  const [used, denied, late] = [codesOf(await ask(world)), codesOf(await ask(world)), codesOf(await ask(world))]
  await settle(world, used, 'allow', browser)
  await settle(world, denied, 'deny', browser)
  const same = { kind: 'problem', problem: { reason: 'unknown' } }
  for (const typed of ['BBBB-BBBB', used.userCode, denied.userCode]) {
    t.same(await openIn(world, browser, typed), same)
  }
  world.clock.advance(601)
  t.same(await openIn(world, browser, late.userCode), same)
})

t.test(
  '[R8628-17, ADV-103] only the account that brought the code can settle it, with the token of its own page',
  async (t) => {
    const world = await opened()
    const codes = codesOf(await ask(world))
    const [alice, bob] = [await signedIn(world), await signedIn(world, 'bob')]
    const prompt = promptOf(await openIn(world, alice, codes.userCode))
    t.same(await openIn(world, bob, codes.userCode), { kind: 'problem', problem: { reason: 'elsewhere' } })
    for (const said of ['allow', 'deny'] as const) {
      t.equal(await answer(world, bob, prompt, said), 'forged')
      t.equal(await answer(world, alice, { ...prompt, csrf: '' }, said), 'forged')
      const strange = { ...prompt, account: { ...prompt.account, sid: sessionId('A'.repeat(22)) } }
      t.equal(await answer(world, alice, strange, said), 'elsewhere')
    }
    await isRefused(t, poll(world, codes), 'authorization_pending')
    t.equal(await answer(world, alice, prompt, 'allow'), 'allowed')
    t.match(claimsOf(tokensOf(await poll(world, codes)).idToken), { sub: 'alice' })
  },
)

t.test(
  '[R8628-11] five wrong codes stop a network for as long as a code lives, whatever its cookies; right ones cost nothing',
  async (t) => {
    const world = await opened()
    const browser = await signedIn(world)
    const codes = codesOf(await ask(world))
    for (let count = 0; count < 20; count++) promptOf(await openIn(world, browser, codes.userCode))
    let admitted = 0
    for (let count = 0; count < 30; count++) {
      const shown = await openIn(world, world.browser(), `BBBB-BBB${'CDFGHJKLMNPQRSTVWXZ'.charAt(count % 19)}`)
      if (shown.kind === 'problem' && shown.problem.reason === 'unknown') admitted++
      world.clock.advance(10)
    }
    t.equal(admitted, 5)
    t.ok(admitted / 20 ** 8 < 2 ** -32)
    t.match(await openIn(world, browser, codes.userCode), { kind: 'problem', problem: { reason: 'throttled' } })
    const elsewhere = { ...browser.bare(), remoteAddress: '198.51.100.9' }
    t.match(await devicesOf(world).open(elsewhere, codes.userCode), { kind: 'confirm' })
  },
)

t.test(
  '[WEB-012] what was allowed but not fetched ends with the session it was allowed in, and with its client’s rights',
  async (t) => {
    const world = await opened()
    const [first, second] = [codesOf(await ask(world)), codesOf(await ask(world))]
    await settle(world, first, 'allow')
    await endSessions(world)
    await isRefused(t, poll(world, first), 'invalid_grant')
    await settle(world, second, 'allow')
    await changeClient(world, { scopes: ['email'] })
    await isRefused(t, poll(world, second), 'invalid_grant')
  },
)

t.test(
  '[R8628-10] endpoint and grant type are in the metadata when the grant is on, and neither when it is off',
  async (t) => {
    const path = '/.well-known/openid-configuration'
    const on = bodyOf(await (await opened()).send({ path }))
    t.equal(on['device_authorization_endpoint'], 'https://op.example/device_authorization')
    t.ok([on['grant_types_supported']].flat().includes(DEVICE_CODE_GRANT))
    const world = createWorld()
    const off = bodyOf(await world.send({ path }))
    t.notOk('device_authorization_endpoint' in off)
    t.notOk([off['grant_types_supported']].flat().includes(DEVICE_CODE_GRANT))
    t.equal(world.provider.devices, undefined)
    t.rejects(world.send({ path: '/device_authorization', method: 'POST' }), /no route/)
    await world.client({ grantTypes: [DEVICE_CODE_GRANT] })
    await isRefused(
      t,
      exchange(world, { grant_type: DEVICE_CODE_GRANT, device_code: sha256('x') }),
      'unsupported_grant_type',
    )
    const half = [
      { grantTypes: [...DEFAULT_GRANT_TYPES, deviceCode] },
      { grantTypes: DEFAULT_GRANT_TYPES, features: { device: { verificationUri: VERIFICATION_URI } } },
    ]
    for (const over of half) t.throws(() => createWorld(over), ConfigurationError)
    for (const verificationUri of ['http://op.example/device', 'https://op.example/device?a=b', 'device']) {
      t.throws(() => createWorld({ features: { device: { verificationUri } } }), ConfigurationError)
    }
  },
)
