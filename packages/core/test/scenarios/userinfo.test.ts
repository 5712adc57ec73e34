// Owns userinfo: where the token may be, what must still hold when it is used, and which claims come back in which shape.

import { clientId, type GrantHandle, type JsonObject, type Reply, type WireRequest } from '@vouchsafe/core'
import t from 'tap'
import { parseCredential } from '#src/tokens/index.js'
import { bodyOf, claimsOf, obtainCode, type Parameters, redeem, userinfo } from './flows.ts'
import {
  changeClient,
  endSessions,
  headerOf,
  occasionIn,
  refused,
  setPerson,
  statusOf,
  tokensOf,
} from './token-steps.ts'
import { ALICE, createWorld, encode, type World } from './world.ts'

const FORM = 'application/x-www-form-urlencoded'

const handleOf = (token: string): GrantHandle => {
  const handle = parseCredential(token)
  if (handle === undefined) throw new Error('no token of ours')
  return handle
}

const tokensFor = async (world: World, over: Parameters = {}) =>
  tokensOf(await redeem(world, await obtainCode(world, over)))

const ask = (
  world: World,
  request: Partial<WireRequest>,
  headers: Record<string, readonly string[]> = {},
): Promise<Reply> => world.send({ path: '/userinfo', ...request, headers: new Map(Object.entries(headers)) })

t.test(
  '[CONF-B-oidcc-userinfo-get, CONF-B-oidcc-userinfo-post-header, CONF-B-oidcc-userinfo-post-body, CONF-A12, OIDC-18, OIDC-38, OIDC-40, R6819-28] GET, POST with a header and POST with a body answer the same, as JSON that no cache keeps, with the subject of the ID token',
  async (t) => {
    const world = createWorld()
    await world.client()
    const { accessToken, idToken } = await tokensFor(world)
    const authorization = [`Bearer ${accessToken}`]
    const inBody = { method: 'POST', body: encode({ access_token: accessToken }) }
    const replies = [
      await userinfo(world, accessToken),
      await ask(world, { method: 'POST' }, { authorization }),
      await ask(world, { method: 'POST', body: '' }, { authorization, 'content-type': [FORM] }),
      await ask(world, { method: 'POST', body: '{}' }, { authorization, 'content-type': ['application/json'] }),
      await ask(world, {}, { authorization: [`bEARER ${accessToken}`] }),
      await ask(world, inBody, { 'content-type': [FORM] }),
      await ask(world, inBody, { 'content-type': [`${FORM}; charset=UTF-8`] }),
    ]
    for (const reply of replies) {
      t.match(reply, { kind: 'json', status: 200, contentType: 'application/json' })
      t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
      t.same(bodyOf(reply), { sub: 'alice' })
      t.equal(bodyOf(reply)['sub'], claimsOf(idToken)['sub'])
    }
    t.same(world.faults, [])
  },
)

t.test(
  '[ADJ-01, V21-21, V21-22, R9700-28, ADV-019, WEB-062, WEB-056] a token in two places, in the URL or ill-formed is refused, each as it must be',
  async (t) => {
    const world = createWorld()
    await world.client()
    const { accessToken } = await tokensFor(world)
    const authorization = [`Bearer ${accessToken}`]
    const body = encode({ access_token: accessToken })
    const form = { 'content-type': [FORM] }
    const post = { method: 'POST', body }
    const both = await ask(world, post, { ...form, authorization })
    refused(t, { ...both, headers: withoutChallenge(both) } as Reply, 400, 'invalid_request', 'header and body')
    t.match(headerOf(both, 'WWW-Authenticate'), /^Bearer error="invalid_request"/)
    const malformed: readonly (readonly [string, Reply])[] = [
      ['twice in the body', await ask(world, { ...post, body: `${body}&${body}` }, form)],
      ['two headers', await ask(world, {}, { authorization: [...authorization, ...authorization] })],
      ['two spaces', await ask(world, {}, { authorization: [`Bearer  ${accessToken}`] })],
      ['a tab', await ask(world, {}, { authorization: [`Bearer\t${accessToken}`] })],
      ['no token', await ask(world, {}, { authorization: ['Bearer '] })],
      ['two tokens', await ask(world, {}, { authorization: [`Bearer ${accessToken} ${accessToken}`] })],
      ['a comma', await ask(world, {}, { authorization: [`Bearer ${accessToken},Bearer x`] })],
      ['an ill-encoded body', await ask(world, { ...post, body: `${body}%` }, form)],
    ]
    for (const [why, reply] of malformed) t.match(reply, { kind: 'json', status: 400 }, why)
    t.match(await ask(world, { ...post, body: `${body}&a=${'a'.repeat(65_536)}` }, form), { status: 413 })
    const query = { query: body }
    const missing: readonly (readonly [string, Reply])[] = [
      ['nothing', await ask(world, {})],
      ['the URL', await ask(world, query)],
      ['the URL of a POST', await ask(world, { ...query, method: 'POST' }, form)],
      ['a GET with a body', await ask(world, { body }, form)],
      [
        'JSON',
        await ask(
          world,
          { method: 'POST', body: `{"access_token":"${accessToken}"}` },
          { 'content-type': ['application/json'] },
        ),
      ],
      ['no content type', await ask(world, post)],
      ['another scheme', await ask(world, {}, { authorization: [`Token ${accessToken}`] })],
      ['an empty value', await ask(world, { ...post, body: 'access_token=' }, form)],
    ]
    for (const [why, reply] of missing) {
      t.match(reply, { kind: 'empty', status: 401 }, why)
      t.equal(headerOf(reply, 'WWW-Authenticate'), 'Bearer', 'no error code where there were no credentials')
    }
    t.match(await ask(world, query, { authorization }), { status: 200 }, 'what is in the URL is never read')
    for (const method of ['PUT', 'DELETE', 'PATCH']) {
      const reply = await ask(world, { method }, { authorization })
      t.match(reply, { status: 405 })
      t.equal(headerOf(reply, 'Allow'), 'GET, POST, OPTIONS')
    }
    t.same(world.faults, [])
  },
)

const withoutChallenge = (reply: Reply): ReadonlyMap<string, string> =>
  new Map('headers' in reply ? [...reply.headers].filter(([name]) => name !== 'WWW-Authenticate') : [])

t.test('[ADV-081, OIDC-34] a token with any letter changed, added or taken away is refused', async (t) => {
  const world = createWorld()
  await world.client()
  const { accessToken } = await tokensFor(world)
  const got = await obtainCode(world)
  const altered = new Set([
    `${accessToken}A`,
    `A${accessToken}`,
    `${accessToken}=`,
    got.code,
    accessToken.toLowerCase(),
  ])
  for (let at = 0; at < accessToken.length; at++) {
    altered.add(accessToken.slice(0, at) + accessToken.slice(at + 1))
    for (const letter of ['A', 'B', 'g', '-', '_', '.'])
      if (accessToken[at] !== letter) altered.add(accessToken.slice(0, at) + letter + accessToken.slice(at + 1))
  }
  const statuses = await Promise.all([...altered].map(async (token) => statusOf(await userinfo(world, token))))
  t.same(new Set(statuses), new Set([401]))
  t.equal(statusOf(await userinfo(world, accessToken)), 200)
})

t.test(
  '[OPS-018, WEB-015, ADV-118, OIDC-41, V21-22] at each use person, session, client and grant are read again',
  async (t) => {
    const revoke = (world: World, token: string) => world.stores.grants.revokeGrant(handleOf(token), occasionIn(world))
    const changes: readonly (readonly [string, string, (world: World, token: string) => Promise<unknown>])[] = [
      ['disabled', 'personDisabled', (world) => setPerson(world, 'disabled')],
      ['deleted by the embedder', 'personDisabled', async (world) => world.accounts.delete('alice')],
      ['signed out', 'sessionEnded', endSessions],
      ['of a disabled client', 'clientGone', (world) => changeClient(world, { disabled: true })],
      [
        'of a deleted client',
        'clientGone',
        (world) => world.stores.clients.deleteClient(clientId('app'), occasionIn(world)),
      ],
      [
        'of a client that took the id of a deleted one',
        'clientGone',
        async (world) => {
          await world.stores.clients.deleteClient(clientId('app'), occasionIn(world))
          await world.client()
        },
      ],
      ['revoked', 'grantRevoked', revoke],
      ['over', 'tokenExpired', async (world) => world.clock.advance(3600)],
    ]
    for (const [why, reason, change] of changes) {
      const world = createWorld()
      await world.client()
      const { accessToken } = await tokensFor(world)
      t.equal(statusOf(await userinfo(world, accessToken)), 200)
      await change(world, accessToken)
      const reply = await userinfo(world, accessToken)
      refused(t, reply, 401, 'invalid_token', why)
      t.match(headerOf(reply, 'WWW-Authenticate'), /^Bearer error="invalid_token", error_description="[^"]+"$/)
      t.match(world.events.at(-1), { name: 'userinfo.refused', fields: { reason } })
      t.same(world.faults, [])
    }
  },
)

t.test('[ADJ-21, OIDC-46] no JWT is an access token here, the ID token least of all', async (t) => {
  const world = createWorld()
  await world.client()
  const { idToken } = await tokensFor(world)
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = part({ iss: 'https://op.example', sub: 'alice', scope: 'openid', exp: world.clock.now() + 60 })
  const typed = [{ alg: 'none' }, { alg: 'none', typ: 'at+jwt' }, { alg: 'RS256', typ: 'JWT' }]
  for (const jwt of [
    idToken,
    ...typed.map((header) => `${part(header)}.${claims}.AAAA`),
    `${part(typed[0])}.${claims}.`,
  ]) {
    const reply = await userinfo(world, jwt)
    refused(t, reply, 401, 'invalid_token')
    t.match(world.events.at(-1), { fields: { reason: 'tokenUnknown' } })
  }
})

const PROFILE = [
  ...['name', 'family_name', 'given_name', 'middle_name', 'nickname', 'preferred_username', 'profile', 'picture'],
  ...['website', 'gender', 'birthdate', 'zoneinfo', 'locale', 'updated_at'],
]

const pick = (names: readonly string[]): JsonObject =>
  Object.fromEntries([['sub', 'alice'], ...names.map((name) => [name, ALICE[name]] as const)])

t.test(
  '[CONF-B-oidcc-scope-profile, CONF-B-oidcc-scope-email, CONF-B-oidcc-scope-address, CONF-B-oidcc-scope-phone, CONF-B-oidcc-scope-all, CONF-A8, OIDC-20, OIDC-31] userinfo tells every claim of the scopes and nothing more, and the ID token none of them',
  async (t) => {
    const world = createWorld()
    await world.client()
    const browser = world.browser()
    const scopes: readonly (readonly [string, readonly string[]])[] = [
      ['openid', []],
      ['openid profile', PROFILE],
      ['openid email', ['email', 'email_verified']],
      ['openid address', ['address']],
      ['openid phone', ['phone_number', 'phone_number_verified']],
      ['groups openid', ['groups']],
      [
        'openid profile email address phone',
        [...PROFILE, 'email', 'email_verified', 'address', 'phone_number', 'phone_number_verified'],
      ],
    ]
    for (const [scope, names] of scopes) {
      const { accessToken, idToken } = tokensOf(await redeem(world, await obtainCode(world, { scope }, browser)))
      const told = bodyOf(await userinfo(world, accessToken))
      t.same({ ...told, groups: undefined }, { ...pick(names), groups: undefined }, scope)
      t.same(told['groups'], names.includes('groups') ? ['admins', 'staff'] : undefined)
      t.same(
        Object.keys(claimsOf(idToken)).filter((name) => name in ALICE),
        [],
        scope,
      )
    }
  },
)

t.test(
  '[CONF-B-oidcc-claims-essential, OIDC-20] a claim asked for by name is told at userinfo, unknown ones are not, and none by the account says who signed in',
  async (t) => {
    const world = createWorld()
    await world.client({ scopes: ['openid', 'profile'] })
    world.accounts.set('alice', {
      ...ALICE,
      sub: 'mallory',
      acr: 'gold',
      auth_time: 1,
      amr: 'mfa',
      iss: 'x',
      salary: '1',
    })
    const asked = Object.fromEntries(
      ['name', 'email', 'acr', 'auth_time', 'sub', 'salary', 'iss', '__proto__', 'constructor'].map((name) => [
        name,
        null,
      ]),
    )
    const claims = JSON.stringify({ userinfo: { ...asked, nickname: { essential: true } }, id_token: asked })
    const browser = world.browser()
    const first = await browser.get('/authorize', {})
    t.equal(first.kind, 'page')
    const got = await obtainCode(world, { claims })
    const { accessToken, idToken } = tokensOf(await redeem(world, got))
    t.same(bodyOf(await userinfo(world, accessToken)), { sub: 'alice', name: 'Alice Example', nickname: 'al' })
    const told = claimsOf(idToken)
    t.match(told, { sub: 'alice', name: 'Alice Example', acr: '1', iss: 'https://op.example' })
    t.same([told['auth_time'], told['amr']], [world.clock.now(), ['pwd']])
    t.notOk('salary' in told || 'email' in told || 'nickname' in told)
  },
)

t.test('[CONF-A9] a claim that is empty, blank, "null" or of the wrong shape is left out', async (t) => {
  const world = createWorld()
  await world.client({ idTokenClaims: 'scoped' })
  world.accounts.set('alice', {
    name: '',
    family_name: '   ',
    given_name: 'null',
    nickname: null,
    middle_name: 7,
    picture: ['https://a.example'],
    preferred_username: 'alice',
    birthdate: '03.02.1990',
    updated_at: '2024-01-01T00:00:00Z',
    email: 'alice@example.org',
    email_verified: 'true',
    address: { formatted: '', country: 'GB', region: null, locality: 'null', street_address: 3 },
    phone_number: '',
    phone_number_verified: true,
    groups: ['b', '', 'a', null, 7],
  })
  const scope = 'openid profile email address phone groups'
  const { accessToken, idToken } = await tokensFor(world, { scope })
  const expected = {
    preferred_username: 'alice',
    email: 'alice@example.org',
    address: { country: 'GB' },
    groups: ['a', 'b'],
  }
  t.same(bodyOf(await userinfo(world, accessToken)), { sub: 'alice', ...expected })
  t.match(claimsOf(idToken), expected)
  for (const name of ['name', 'birthdate', 'updated_at', 'email_verified', 'phone_number_verified', 'given_name'])
    t.notOk(name in claimsOf(idToken), name)
  const dates: readonly (readonly [string, boolean])[] = [
    ['1990-02-03', true],
    ['0000-02-03', true],
    ['1990', true],
    ['1990-13-01', false],
    ['1990-00-01', false],
    ['1990-2-3', false],
    ['90-02-03', false],
  ]
  for (const [birthdate, told] of dates) {
    world.accounts.set('alice', { birthdate, updated_at: told ? 1.5 : -1 })
    t.same(bodyOf(await userinfo(world, accessToken)), { sub: 'alice', ...(told ? { birthdate } : {}) }, birthdate)
  }
})
