// Owns what a refresh token is good for: rotation, the window, the end of a family, narrowing, and the state that is read again.

import { clientId, digest, type JsonObject, type Reply } from '@vouchsafe/core'
import t from 'tap'
import {
  askedOf,
  authorizationRequest,
  basic,
  bodyOf,
  claimsOf,
  exchange,
  obtainCode,
  redeem,
  userinfo,
} from './flows.ts'
import {
  changeClient,
  endSessions,
  headerOf,
  openStores,
  refused,
  setPerson,
  statusOf,
  tokensOf,
} from './token-steps.ts'
import { type Browser, CLIENT_SECRET, createWorld, sha256, type World } from './world.ts'

const LASTING = { grantTypes: ['authorization_code', 'refresh_token'] } as const

interface Family {
  readonly accessToken: string
  readonly idToken: string
  readonly refreshToken: string
  readonly browser: Browser
}

const SCOPE = 'openid email profile offline_access'

const begin = async (world: World, scope = SCOPE): Promise<Family> => {
  const got = await obtainCode(world, { scope })
  const { body, accessToken, idToken } = tokensOf(await redeem(world, got))
  return { accessToken, idToken, refreshToken: String(body['refresh_token']), browser: got.browser }
}

const refresh = (world: World, token: string, over: Record<string, string> = {}): Promise<Reply> =>
  exchange(world, { grant_type: 'refresh_token', refresh_token: token, ...over })

const next = async (world: World, token: string, over: Record<string, string> = {}): Promise<JsonObject> =>
  tokensOf(await refresh(world, token, over)).body

const lives = async (world: World, token: unknown): Promise<boolean> =>
  statusOf(await userinfo(world, String(token))) === 200

const opened = async (): Promise<World> => {
  const world = createWorld()
  await world.client(LASTING)
  return world
}

t.test(
  '[CONF-B-oidcc-refresh-token] a refresh answers new tokens, and the one before is not the one after',
  async (t) => {
    const world = await opened()
    await world.client({ ...LASTING, clientId: clientId('other') })
    const family = await begin(world)
    t.match(family.refreshToken, /^[A-Za-z0-9_-]{86}$/)
    world.clock.advance(60)
    const reply = await refresh(world, family.refreshToken)
    t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
    const { body } = tokensOf(reply)
    t.match(body, { token_type: 'Bearer', expires_in: 3600, scope: SCOPE })
    t.not(body['refresh_token'], family.refreshToken)
    t.not(body['access_token'], family.accessToken)
    t.ok(await lives(world, body['access_token']))
    t.ok(await lives(world, family.accessToken), 'the access token of before lives until its end')
    const foreign = { authorization: basic('other', CLIENT_SECRET) }
    const stolen = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) }
    refused(t, await exchange(world, stolen, foreign), 400, 'invalid_grant', 'another client')
    t.equal(statusOf(await refresh(world, String(body['refresh_token']))), 200, 'which ended nothing')
  },
)

t.test('[OIDC-30] an ID token of a refresh tells of the same sign-in, without the nonce', async (t) => {
  const world = await opened()
  const family = await begin(world)
  const before = claimsOf(family.idToken)
  world.clock.advance(600)
  const after = claimsOf((await next(world, family.refreshToken))['id_token'])
  for (const name of ['iss', 'sub', 'aud', 'auth_time', 'sid', 'acr']) t.equal(after[name], before[name], name)
  t.equal(Number(after['iat']), Number(before['iat']) + 600)
  t.equal(before['nonce'], 'nonce-1')
  t.notOk('nonce' in after)
})

t.test(
  '[OPS-008, ADV-064, ADV-097] a lost answer is given again within the window, and two tabs stay signed in',
  async (t) => {
    const world = await opened()
    const family = await begin(world)
    const one = await next(world, family.refreshToken)
    world.clock.advance(29)
    const other = await next(world, family.refreshToken, { scope: 'openid' })
    t.equal(other['refresh_token'], one['refresh_token'], 'one token lives')
    t.not(other['access_token'], one['access_token'])
    t.equal(other['scope'], 'openid', 'what this request asks')
    t.equal(statusOf(await refresh(world, String(other['refresh_token']))), 200)
  },
)

t.test(
  '[R9700-42, OPS-009, OPS-010] a token whose window is over ends the family, the newest tokens included',
  async (t) => {
    const world = await opened()
    const family = await begin(world)
    const one = await next(world, family.refreshToken)
    world.clock.advance(30)
    refused(t, await refresh(world, family.refreshToken), 400, 'invalid_grant', 'a replay')
    refused(t, await refresh(world, String(one['refresh_token'])), 400, 'invalid_grant', 'the successor')
    for (const token of [family.accessToken, one['access_token']]) t.notOk(await lives(world, token))
  },
)

t.test('[unit] a token whose successor was used ends the family within the window too', async (t) => {
  const world = await opened()
  const family = await begin(world)
  const one = await next(world, family.refreshToken)
  const two = await next(world, String(one['refresh_token']))
  refused(t, await refresh(world, family.refreshToken), 400, 'invalid_grant')
  refused(t, await refresh(world, String(two['refresh_token'])), 400, 'invalid_grant')
})

t.test(
  '[OPS-007, ADV-001] a window of 0 honours each token once; a second use ends the family and is told',
  async (t) => {
    const { stores, state } = openStores()
    const world = createWorld({ stores, lifetimes: { refreshWindow: 0 } })
    await world.client(LASTING)
    const family = await begin(world)
    const one = await next(world, family.refreshToken)
    refused(t, await refresh(world, family.refreshToken), 400, 'invalid_grant')
    refused(t, await refresh(world, String(one['refresh_token'])), 400, 'invalid_grant')
    const told = state.events.filter(({ name }) => name.startsWith('refresh_token.')).map(({ name }) => name)
    t.same(told, ['refresh_token.rotated', 'refresh_token.replayed'])
  },
)

t.test('[V21-20] what was never minted is unknown and ends nothing', async (t) => {
  const world = await opened()
  const family = await begin(world)
  const other = await begin(world)
  const flipped = (at: number): string => {
    const letter = family.refreshToken[at] === 'A' ? 'B' : 'A'
    return family.refreshToken.slice(0, at) + letter + family.refreshToken.slice(at + 1)
  }
  const odd = [
    ...[3, 30, 60, 80].map(flipped),
    family.refreshToken.slice(0, 22) + other.refreshToken.slice(22),
    family.refreshToken.slice(0, 85),
    `${family.refreshToken}A`,
    family.accessToken,
    family.idToken,
  ]
  for (const token of odd) refused(t, await refresh(world, token), 400, 'invalid_grant', token)
  refused(t, await refresh(world, ''), 400, 'invalid_request', 'empty')
  t.equal(statusOf(await refresh(world, family.refreshToken)), 200)
})

t.test(
  '[R9700-41, R9700-43] a refresh is bound to what was granted: scope is narrowed, never widened, and idle tokens end',
  async (t) => {
    const world = await opened()
    const family = await begin(world, 'openid email offline_access')
    refused(t, await refresh(world, family.refreshToken, { scope: 'openid profile' }), 400, 'invalid_scope')
    const narrow = await next(world, family.refreshToken, { scope: 'email' })
    t.equal(narrow['scope'], 'email')
    t.notOk('id_token' in narrow)
    const full = await next(world, String(narrow['refresh_token']))
    t.equal(full['scope'], 'openid email offline_access', 'the successor carries the whole scope')
    world.clock.advance(30 * 86400 - 1)
    const late = await next(world, String(full['refresh_token']))
    world.clock.advance(30 * 86400)
    refused(t, await refresh(world, String(late['refresh_token'])), 400, 'invalid_grant', 'idle')
  },
)

t.test('[OPS-012] a family ends at its absolute end, however busy it was', async (t) => {
  const world = await opened()
  let token = (await begin(world)).refreshToken
  for (let month = 0; month < 8; month++) {
    world.clock.advance(20 * 86400)
    token = String((await next(world, token))['refresh_token'])
  }
  world.clock.advance(20 * 86400)
  refused(t, await refresh(world, token), 400, 'invalid_grant')
})

t.test(
  '[V21-18, OPS-018, ADV-079, ADV-010, ADV-047, ADV-140] person, client and session are read again at each refresh',
  async (t) => {
    const cases: readonly (readonly [string, (world: World) => Promise<unknown>, string, number])[] = [
      ['the person is disabled', (world) => setPerson(world, 'disabled'), 'invalid_grant', 400],
      ['the client is disabled', (world) => changeClient(world, { disabled: true }), 'invalid_client', 401],
      [
        'the grant type is taken',
        (world) => changeClient(world, { grantTypes: ['authorization_code'] }),
        'unauthorized_client',
        400,
      ],
      ['all scopes are taken', (world) => changeClient(world, { scopes: ['groups'] }), 'invalid_grant', 400],
    ]
    for (const [why, spoil, error, status] of cases) {
      const world = await opened()
      const family = await begin(world)
      await spoil(world)
      refused(t, await refresh(world, family.refreshToken), status, error, why)
    }
    const bare = await opened()
    const code = await obtainCode(bare, { scope: SCOPE })
    await changeClient(bare, { scopes: ['groups'] })
    refused(t, await redeem(bare, code), 400, 'invalid_grant', 'all scopes are taken before the code is redeemed')
    const world = await opened()
    const family = await begin(world)
    await changeClient(world, { scopes: ['openid'] })
    t.equal((await next(world, family.refreshToken))['scope'], 'openid offline_access', 'what was taken is not given')
    await endSessions(world)
    t.equal(statusOf(await refresh(world, family.refreshToken)), 200, 'offline access outlives the session')
  },
)

t.test(
  '[OIDC-29] refresh tokens are for offline access, or always where a client is set so, and those end with the session',
  async (t) => {
    const world = await opened()
    const without = tokensOf(await redeem(world, await obtainCode(world, { scope: 'openid' }))).body
    t.notOk('refresh_token' in without)
    const { parameters } = authorizationRequest({ scope: 'openid offline_access' })
    const browser = world.browser()
    const consent = await browser.signIn(await browser.get('/authorize', parameters))
    t.match(askedOf(consent).prompt, { kind: 'consent', scopes: [{ name: 'openid' }, { name: 'offline_access' }] })
    await changeClient(world, { refreshTokens: 'always' })
    const bound = await begin(world, 'openid')
    t.equal(bodyOf(await refresh(world, bound.refreshToken))['scope'], 'openid')
    await endSessions(world)
    refused(t, await refresh(world, bound.refreshToken), 400, 'invalid_grant', 'the session is over')
  },
)

t.test('[R9700-42] a replayed code ends the refresh tokens that came of it', async (t) => {
  const world = await opened()
  const got = await obtainCode(world, { scope: SCOPE })
  const { body } = tokensOf(await redeem(world, got))
  refused(t, await redeem(world, got), 400, 'invalid_grant')
  refused(t, await refresh(world, String(body['refresh_token'])), 400, 'invalid_grant')
})

t.test('[ADV-098] a failed authentication and a refused request leave the token as it was', async (t) => {
  const world = await opened()
  const family = await begin(world)
  const form = { grant_type: 'refresh_token', refresh_token: family.refreshToken }
  refused(t, await exchange(world, form, { authorization: basic('app', 'wrong') }), 401, 'invalid_client')
  refused(t, await refresh(world, family.refreshToken, { scope: 'a"b' }), 400, 'invalid_scope')
  refused(t, await refresh(world, family.refreshToken, { resource: 'https://unknown.example' }), 400, 'invalid_target')
  t.equal(statusOf(await refresh(world, family.refreshToken)), 200)
})

t.test('[unit] no refresh token is at rest in clear, and no part of one that could be spent', async (t) => {
  const { stores, state } = openStores()
  const world = createWorld({ stores })
  await world.client(LASTING)
  const family = await begin(world)
  const one = await next(world, family.refreshToken)
  const kept = JSON.stringify([...state.grants.values()]) + JSON.stringify(state.events)
  for (const token of [family.refreshToken, String(one['refresh_token'])]) {
    t.notOk(kept.includes(token))
    t.notOk(kept.includes(token.slice(22)))
    t.ok(kept.includes(digest(sha256(token))))
  }
})

t.test('[V21-19, R9700-13] a public client is rotated too, and its replay ends the family', async (t) => {
  const world = createWorld()
  await world.client({ ...LASTING, authMethod: 'none', secrets: [] })
  const bare = { authorization: '' }
  const got = await obtainCode(world, { scope: SCOPE })
  const code = { grant_type: 'authorization_code', client_id: 'app', code: got.code, code_verifier: got.verifier }
  const { body } = tokensOf(await exchange(world, { ...code, redirect_uri: got.redirectUri }, bare))
  const present = (token: unknown): Promise<Reply> =>
    exchange(world, { grant_type: 'refresh_token', client_id: 'app', refresh_token: String(token) }, bare)
  const one = tokensOf(await present(body['refresh_token'])).body
  const two = tokensOf(await present(one['refresh_token'])).body
  refused(t, await present(body['refresh_token']), 400, 'invalid_grant')
  refused(t, await present(two['refresh_token']), 400, 'invalid_grant')
})
