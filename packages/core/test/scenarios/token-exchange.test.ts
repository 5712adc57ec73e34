// Owns what a code is exchanged for and when it is not: its bindings, its one use, and the state around it at that moment.

import { createHash } from 'node:crypto'
import { clientId, digest, type Reply, type Stores, type WireRequest } from '@vouchsafe/core'
import { cryptoRandom } from '@vouchsafe/core/ports-node'
import t from 'tap'
import { parseCredential } from '#src/tokens/index.js'
import { basic, bodyOf, claimsOf, exchange, obtainCode, redeem, userinfo } from './flows.ts'
import {
  changeClient,
  endSessions,
  headerOf,
  occasionIn,
  openStores,
  refused,
  setPerson,
  statusOf,
  tokensOf,
} from './token-steps.ts'
import { CLIENT_SECRET, createWorld, pkcePair, sha256, type World } from './world.ts'

const OTHER_SECRET = 'another-secret-0123456789abcdefghijklmnopqrstuv'

const isAlive = async (world: World, token: string): Promise<boolean> => statusOf(await userinfo(world, token)) === 200

/** Shannon's measure over the letters of one text, in bits, as certification measures it. */
const measuredBits = (text: string): number => {
  const counts = new Map<string, number>()
  for (const letter of text) counts.set(letter, (counts.get(letter) ?? 0) + 1)
  return [...counts.values()].reduce((bits, count) => bits - count * Math.log2(count / text.length), 0)
}

t.test('[CONF-A5, V21-26, R6819-14] codes and tokens carry 256 random bits each and never repeat', async (t) => {
  const asked: number[] = []
  const random = {
    bytes: (length: number) => {
      asked.push(length)
      return cryptoRandom.bytes(length)
    },
  }
  const world = createWorld({}, { random })
  await world.client()
  const browser = world.browser()
  const seen = new Set<string>()
  for (let round = 0; round < 20; round++) {
    const got = await obtainCode(world, {}, browser)
    asked.length = 0
    const { accessToken } = tokensOf(await redeem(world, got))
    t.ok(asked.includes(32), 'the secret of the access token is drawn afresh')
    for (const credential of [got.code, accessToken]) {
      t.match(credential, /^[A-Za-z0-9_-]{64}$/)
      t.ok(measuredBits(credential) > 200)
      seen.add(credential)
    }
  }
  t.equal(seen.size, 40)
})

t.test(
  '[CONF-A6, OIDC-15, OIDC-35, V21-09, V21-10] an answer with tokens has its members, and no cache keeps it',
  async (t) => {
    const world = createWorld()
    await world.client()
    const reply = await redeem(world, await obtainCode(world, { scope: 'openid email' }))
    t.match(reply, { kind: 'json', status: 200, contentType: 'application/json' })
    t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
    t.equal(headerOf(reply, 'Pragma'), 'no-cache')
    const body = bodyOf(reply)
    t.same(Object.keys(body).sort(), ['access_token', 'expires_in', 'id_token', 'scope', 'token_type'])
    t.match(body, { token_type: 'Bearer', expires_in: 3600, scope: 'openid email' })
  },
)

t.test(
  '[OIDC-02, OIDC-18, ADJ-02] without openid there is no ID token, and userinfo says which scope it lacks',
  async (t) => {
    const world = createWorld()
    await world.client()
    const { body, accessToken } = tokensOf(await redeem(world, await obtainCode(world, { scope: 'email' })))
    t.notOk('id_token' in body)
    t.equal(body['scope'], 'email')
    const reply = await userinfo(world, accessToken)
    t.match(reply, { kind: 'json', status: 403 })
    t.match(headerOf(reply, 'WWW-Authenticate'), /^Bearer error="insufficient_scope", .*, scope="openid"$/)
  },
)

t.test(
  '[ADV-139, OIDC-14, R6819-24, R6819-18, R7636-05, R7636-08, R9700-08, R9700-31, ADV-072, ADV-094, V21-15, ADV-115] each binding alone refuses a code, says the same, and leaves it redeemable',
  async (t) => {
    const world = createWorld()
    await world.client()
    await world.client({
      clientId: clientId('other'),
      secrets: [{ digest: digest(sha256(OTHER_SECRET)), expiresAt: undefined }],
    })
    const got = await obtainCode(world)
    const challenge = createHash('sha256').update(got.verifier).digest('base64url')
    const another = await obtainCode(world)
    const wrong: readonly (readonly [string, Record<string, string | undefined>])[] = [
      ['another redirect URI', { redirect_uri: 'https://rp.example/other' }],
      ['a redirect URI in another case', { redirect_uri: 'https://rp.example/CALLBACK' }],
      ['a redirect URI with more behind it', { redirect_uri: 'https://rp.example/callback/' }],
      ['a redirect URI beyond any length', { redirect_uri: `https://rp.example/callback?${'a'.repeat(3000)}` }],
      ['another verifier', { code_verifier: pkcePair().verifier }],
      ['the verifier of another code', { code_verifier: another.verifier }],
      ['no verifier', { code_verifier: undefined }],
      ['an empty verifier', { code_verifier: '' }],
      ['the challenge itself', { code_verifier: challenge }],
      ['a verifier too short', { code_verifier: got.verifier.slice(0, 42) }],
      ['a verifier too long', { code_verifier: got.verifier.padEnd(129, 'a') }],
      ['a code that was never issued', { code: another.code.slice(0, 22) + got.code.slice(22) }],
      ['the secret of another code', { code: got.code.slice(0, 22) + another.code.slice(22) }],
      ['a code cut short', { code: got.code.slice(0, 63) }],
      ['a code with more behind it', { code: `${got.code}A` }],
      ['a code with white space', { code: `${got.code} ` }],
    ]
    const bodies = new Set<string>()
    const told = (reply: Reply, why: string): void => {
      refused(t, reply, 400, 'invalid_grant', why)
      bodies.add(JSON.stringify(bodyOf(reply)))
    }
    for (const [why, over] of wrong) told(await redeem(world, got, over), why)
    const stolen = await exchange(
      world,
      {
        grant_type: 'authorization_code',
        code: got.code,
        redirect_uri: got.redirectUri,
        code_verifier: got.verifier,
      },
      { authorization: basic('other', OTHER_SECRET) },
    )
    told(stolen, 'another client')
    t.equal(bodies.size, 1, 'the wording tells an attacker nothing')
    t.same(
      world.events.filter((event) => event.name === 'token.refused').map((event) => event.fields['reason']),
      [
        ...Array.from({ length: 4 }, () => 'redirectUriMismatch'),
        ...['verifierWrong', 'verifierWrong', 'verifierMissing', 'verifierMissing'],
        ...Array.from({ length: 3 }, () => 'verifierWrong'),
        ...Array.from({ length: 5 }, () => 'codeUnknown'),
        'codeOfAnotherClient',
      ],
      'the administrator reads why',
    )
    world.clock.advance(59)
    t.ok(await isAlive(world, tokensOf(await redeem(world, got)).accessToken), 'nothing was consumed')
  },
)

t.test(
  '[V21-14, R6819-32, OPS-033, ADV-139] a code ends after sixty seconds of the one clock, at that very second',
  async (t) => {
    const world = createWorld()
    await world.client()
    const late = await obtainCode(world)
    world.clock.advance(60)
    refused(t, await redeem(world, late), 400, 'invalid_grant')
    t.match(world.events.at(-1), { name: 'token.refused', fields: { reason: 'codeExpired' } })
    world.clock.advance(-1)
    t.equal(statusOf(await redeem(world, late)), 200)
  },
)

t.test(
  '[R9700-09, R9700-36, V21-15, V21-33] without a challenge a verifier is refused, and the redirect URI is needed',
  async (t) => {
    const world = createWorld()
    await world.client({ pkce: 'optional' })
    const got = await obtainCode(world, { code_challenge: undefined, code_challenge_method: undefined })
    refused(t, await redeem(world, got), 400, 'invalid_grant', 'a verifier that nothing asked for')
    t.match(world.events.at(-1), { fields: { reason: 'verifierUnexpected' } })
    refused(t, await redeem(world, got, { code_verifier: 'x' }), 400, 'invalid_grant', 'and one that is none')
    const bare = { code_verifier: undefined, redirect_uri: undefined }
    refused(t, await redeem(world, got, bare), 400, 'invalid_grant', 'no redirect URI')
    t.equal(statusOf(await redeem(world, got, { code_verifier: undefined })), 200)
    const bound = await obtainCode(world)
    t.equal(statusOf(await redeem(world, bound, { redirect_uri: undefined })), 200, 'the challenge stands in for it')
  },
)

t.test('[R7636-06] a method sent with the verifier changes nothing', async (t) => {
  const world = createWorld()
  await world.client()
  const got = await obtainCode(world)
  const challenge = sha256(got.verifier)
  const plain = { code_verifier: challenge, code_challenge: challenge, code_challenge_method: 'plain' }
  refused(t, await redeem(world, got, plain), 400, 'invalid_grant')
  t.equal(statusOf(await redeem(world, got, { code_challenge_method: 'plain' })), 200)
})

t.test(
  '[CONF-B-oidcc-codereuse, CONF-B-oidcc-codereuse-30seconds, ADV-121, OPS-002, R6819-12, R6819-34, V21-16, R9700-26, OIDC-41] a code used again is refused and what it gave is dead: at once, after thirty seconds, and after its end',
  async (t) => {
    for (const wait of [0, 30, 600]) {
      const { stores, state } = openStores()
      const world = createWorld({ stores })
      await world.client()
      const got = await obtainCode(world)
      const { accessToken } = tokensOf(await redeem(world, got))
      world.clock.advance(wait)
      t.ok(await isAlive(world, accessToken))
      refused(t, await redeem(world, got), 400, 'invalid_grant', `after ${wait} s`)
      const reply = await userinfo(world, accessToken)
      refused(t, reply, 401, 'invalid_token', 'its token is dead')
      t.match(headerOf(reply, 'WWW-Authenticate'), /^Bearer error="invalid_token"/)
      refused(t, await redeem(world, got), 400, 'invalid_grant', 'and again')
      const replays = state.events.filter((event) => event.name === 'authorization_code.replayed')
      t.match(replays, [{ fields: { clientId: 'app', subject: 'alice', network: '192.0.2.1' } }])
      t.equal(replays.length, 1, 'the revocation is told once')
    }
  },
)

t.test('[V21-25, R9700-26] a replay with anything else wrong kills nothing', async (t) => {
  const world = createWorld()
  await world.client()
  await world.client({ clientId: clientId('other') })
  const got = await obtainCode(world)
  const { accessToken } = tokensOf(await redeem(world, got))
  const again = { grant_type: 'authorization_code', code: got.code, redirect_uri: got.redirectUri }
  const verified = { ...again, code_verifier: got.verifier }
  const wrong: readonly (readonly [string, number, Promise<Reply>])[] = [
    ['secret', 401, exchange(world, verified, { authorization: basic('app', 'wrong') })],
    ['no secret', 401, exchange(world, { ...verified, client_id: 'app' }, { authorization: '' })],
    ['client', 400, exchange(world, verified, { authorization: basic('other', CLIENT_SECRET) })],
    ['verifier', 400, exchange(world, { ...again, code_verifier: pkcePair().verifier })],
    ['no verifier', 400, exchange(world, again)],
    ['redirect URI', 400, exchange(world, { ...verified, redirect_uri: 'https://rp.example/other' })],
    [
      'code',
      400,
      exchange(world, { ...verified, code: got.code.slice(0, 22) + got.code.slice(22).split('').reverse().join('') }),
    ],
  ]
  for (const [what, status, reply] of wrong) {
    t.equal(statusOf(await reply), status, what)
    t.ok(await isAlive(world, accessToken), `wrong ${what}`)
  }
})

t.test(
  '[OPS-001, OPS-005, ADV-096, ADV-146, ADV-147] of twenty exchanges at once one is answered, nineteen are refused, and its token is dead',
  async (t) => {
    const world = createWorld()
    await world.client()
    const browser = world.browser()
    for (let round = 0; round < 5; round++) {
      const got = await obtainCode(world, {}, browser)
      const replies = await Promise.all(Array.from({ length: 20 }, () => redeem(world, got)))
      const won = replies.filter((reply) => statusOf(reply) === 200)
      t.equal(won.length, 1)
      for (const reply of replies) if (statusOf(reply) !== 200) refused(t, reply, 400, 'invalid_grant')
      const [winner] = won
      if (winner !== undefined) t.notOk(await isAlive(world, tokensOf(winner).accessToken))
    }
    t.same(world.faults, [])
  },
)

t.test(
  '[OPS-003] consuming a code and storing its token are one transition, and the only write of an exchange',
  async (t) => {
    const { stores } = openStores()
    const called: string[] = []
    const watched = new Proxy(stores, {
      get: (target, store: keyof Stores) =>
        new Proxy(target[store], {
          get: (methods, name) => {
            called.push(`${store}.${String(name)}`)
            return Reflect.get(methods, name)
          },
        }),
    })
    const world = createWorld({ stores: watched })
    await world.client()
    const got = await obtainCode(world)
    called.length = 0
    t.equal(statusOf(await redeem(world, got)), 200)
    t.same(
      called.filter((name) => !/\.(find|list|is)/.test(name)),
      ['grants.redeemAuthorizationCode'],
    )
  },
)

t.test(
  '[OPS-018, WEB-015] a person disabled, or whose session ended, between code and exchange gets nothing',
  async (t) => {
    for (const [why, change, reason] of [
      ['disabled', (world: World) => setPerson(world, 'disabled'), 'personDisabled'],
      ['signed out', endSessions, 'sessionEnded'],
    ] as const) {
      const world = createWorld()
      await world.client()
      const got = await obtainCode(world)
      await change(world)
      refused(t, await redeem(world, got), 400, 'invalid_grant', why)
      t.match(world.events.at(-1), { name: 'token.refused', fields: { reason } })
    }
    const world = createWorld({ lifetimes: { sessionIdle: 30 } })
    await world.client()
    const got = await obtainCode(world)
    world.clock.advance(29)
    const live = await obtainCode(world)
    world.clock.advance(1)
    refused(t, await redeem(world, got), 400, 'invalid_grant', 'a session that ran out')
    t.equal(statusOf(await redeem(world, live)), 200)
  },
)

/** Stores in which something happens between the load of a code and the write that was decided on it. */
const withMeanwhile = (stores: Stores, meanwhile: () => Promise<void>): Stores => {
  let happened = false
  return {
    ...stores,
    grants: {
      ...stores.grants,
      findAuthorizationCode: async (code) => {
        const found = await stores.grants.findAuthorizationCode(code)
        if (!happened) {
          happened = true
          await meanwhile()
        }
        return found
      },
    },
  }
}

t.test('[OPS-017, OPS-018] what changes between the load and the write is seen by the write', async (t) => {
  const changes: readonly (readonly [string, (world: World) => Promise<unknown>, number, string])[] = [
    ['the person is disabled', (world) => setPerson(world, 'disabled'), 400, 'invalid_grant'],
    ['the session ends', endSessions, 400, 'invalid_grant'],
    ['the client is disabled', (world) => changeClient(world, { disabled: true }), 401, 'invalid_client'],
    ['the secret is replaced', (world) => changeClient(world, { secrets: [] }), 401, 'invalid_client'],
    [
      'the client is deleted',
      (world) => world.stores.clients.deleteClient(clientId('app'), occasionIn(world)),
      401,
      'invalid_client',
    ],
  ]
  for (const [why, change, status, error] of changes) {
    const plain = openStores().stores
    let world: World | undefined
    const stores = withMeanwhile(plain, async () => {
      if (world !== undefined) await change(world)
    })
    world = createWorld({ stores })
    await world.client()
    refused(t, await redeem(world, await obtainCode(world)), status, error, why)
    t.same(world.faults, [])
  }
})

t.test(
  '[OPS-017, ADV-073, ADV-118] a client that is disabled, deleted, or somebody else by now gets nothing',
  async (t) => {
    const fresh = async (): Promise<{
      readonly world: World
      readonly got: Awaited<ReturnType<typeof obtainCode>>
    }> => {
      const world = createWorld()
      await world.client()
      return { world, got: await obtainCode(world) }
    }
    const disabled = await fresh()
    await changeClient(disabled.world, { disabled: true })
    refused(t, await redeem(disabled.world, disabled.got), 401, 'invalid_client', 'disabled')
    await changeClient(disabled.world, { disabled: false })
    t.equal(statusOf(await redeem(disabled.world, disabled.got)), 200, 'nothing was consumed')
    const deleted = await fresh()
    await deleted.world.stores.clients.deleteClient(clientId('app'), occasionIn(deleted.world))
    refused(t, await redeem(deleted.world, deleted.got), 401, 'invalid_client', 'deleted')
    await deleted.world.client()
    refused(t, await redeem(deleted.world, deleted.got), 400, 'invalid_grant', 'another client under the same id')
    t.match(deleted.world.events.at(-1), { fields: { reason: 'clientGone' } })
  },
)

t.test('[R6819-31, R9700-15] a token carries what the client may still have, and nothing more', async (t) => {
  const world = createWorld()
  await world.client({ idTokenClaims: 'scoped', pkce: 'optional' })
  const browser = world.browser()
  const scope = 'openid email profile'
  const claims = JSON.stringify({ id_token: { phone_number: null } })
  const got = await obtainCode(world, { scope, claims }, browser)
  await changeClient(world, { scopes: ['openid', 'email'] })
  const { body, idToken, accessToken } = tokensOf(await redeem(world, got))
  t.equal(body['scope'], 'openid email')
  t.match(claimsOf(idToken), { email: 'alice@example.org' })
  t.notOk('name' in claimsOf(idToken))
  t.notOk('phone_number' in claimsOf(idToken), 'nor what was asked for by name')
  t.notOk('name' in bodyOf(await userinfo(world, accessToken)))
  const bare = await obtainCode(world, { code_challenge: undefined, code_challenge_method: undefined }, browser)
  const bound = await obtainCode(world, {}, browser)
  await changeClient(world, { scopes: ['email'] })
  refused(t, await redeem(world, bound), 400, 'invalid_grant', 'no scope is left')
  await changeClient(world, { scopes: ['openid'], grantTypes: [] })
  refused(t, await redeem(world, bound), 400, 'unauthorized_client', 'the grant type was taken')
  await changeClient(world, { grantTypes: ['authorization_code'], pkce: 'required' })
  refused(t, await redeem(world, bare, { code_verifier: undefined }), 400, 'invalid_grant', 'PKCE is needed by now')
  t.equal(statusOf(await redeem(world, bound)), 200)
})

t.test(
  '[R9700-14, OIDC-37] a token is for the owners of its scopes and lives as long as the strictest of them says',
  async (t) => {
    const { stores, state } = openStores()
    const world = createWorld({ stores })
    await world.client({ scopes: ['openid', 'notes.read', 'files.read'] })
    const resource = (identifier: string, scope: string, accessTokenLifetime: number | undefined) =>
      stores.resources.saveResource(
        {
          identifier,
          version: 1,
          name: identifier,
          scopes: [{ name: scope, description: scope, sensitive: false }],
          tokenFormat: 'opaque',
          accessTokenLifetime,
          signingAlg: 'RS256',
          introspectionClients: [],
        },
        occasionIn(world),
      )
    await resource('https://notes.example', 'notes.read', 300)
    await resource('https://files.example', 'files.read', undefined)
    const browser = world.browser()
    const issued = async (scope: string): Promise<unknown> => {
      const { body, accessToken } = tokensOf(await redeem(world, await obtainCode(world, { scope }, browser)))
      const record = [...state.tokens.values()].find(({ token }) => token.digest === sha256(accessToken))?.token
      const atUserinfo = statusOf(await userinfo(world, accessToken))
      return { expiresIn: body['expires_in'], audience: record?.audience, scope: record?.scope, atUserinfo }
    }
    t.same(await issued('openid'), { expiresIn: 3600, audience: [], scope: ['openid'], atUserinfo: 200 })
    t.same(await issued('files.read'), {
      expiresIn: 3600,
      audience: ['https://files.example'],
      scope: ['files.read'],
      atUserinfo: 403,
    })
    t.same(await issued('openid files.read notes.read'), {
      expiresIn: 300,
      audience: ['https://files.example', 'https://notes.example'],
      scope: ['openid', 'files.read', 'notes.read'],
      atUserinfo: 200,
    })
  },
)

t.test(
  '[ADV-067, ADV-045, R6819-08, R6819-13, R9700-37] nothing that could be spent is stored or reported',
  async (t) => {
    const { stores, state } = openStores()
    const world = createWorld({ stores })
    await world.client({ authMethod: 'client_secret_post' })
    const got = await obtainCode(world)
    const post = { client_id: 'app', client_secret: CLIENT_SECRET, surplus: 'kept-nowhere' }
    const request = { grant_type: 'authorization_code', code: got.code, redirect_uri: got.redirectUri }
    const send = (over: Record<string, string>) =>
      exchange(world, { ...request, code_verifier: got.verifier, ...post, ...over }, { authorization: '' })
    await send({ client_secret: 'guessed-secret' })
    await send({ code_verifier: `wrong-${got.verifier}` })
    const { accessToken, idToken } = tokensOf(await send({}))
    await userinfo(world, accessToken)
    await userinfo(world, `${accessToken.slice(0, -1)}_`)
    const kept = JSON.stringify([state, world.events], (_, value: unknown) =>
      value instanceof Map ? [...value] : value instanceof Set ? [...value] : value,
    )
    t.ok(kept.includes('alice') && kept.includes(sha256(got.code)), 'the search looks at what is kept')
    const spendable = {
      code: got.code.slice(22),
      verifier: got.verifier,
      accessToken: accessToken.slice(22),
      idToken: idToken.slice(-40),
      secret: CLIENT_SECRET,
      guess: 'guessed-secret',
      surplus: 'kept-nowhere',
      cookies: [...got.browser.cookies.values()].join('|'),
    }
    for (const [what, value] of Object.entries(spendable)) t.notOk(kept.includes(value), what)
  },
)

t.test(
  '[OIDC-36, WEB-081] issuing, refusing and using a token each leave who, which client, when, what and from where',
  async (t) => {
    const { stores, state } = openStores()
    const world = createWorld({ stores })
    await world.client()
    const got = await obtainCode(world)
    const at = world.clock.now()
    await redeem(world, got, { code_verifier: pkcePair().verifier })
    t.match(world.events.at(-1), {
      name: 'token.refused',
      at,
      fields: {
        clientId: 'app',
        grantType: 'authorization_code',
        reason: 'verifierWrong',
        error: 'invalid_grant',
        network: '192.0.2.1',
      },
    })
    await exchange(
      world,
      { grant_type: 'authorization_code', code: got.code },
      { authorization: basic('app', 'guess') },
    )
    t.match(world.events.at(-1), {
      name: 'client_authentication.failed',
      at,
      fields: { clientId: 'app', method: 'client_secret_basic', reason: 'clientSecretWrong', network: '192.0.2.1' },
    })
    const { accessToken } = tokensOf(await redeem(world, got))
    const redeemed = state.events.filter((event) => event.name === 'authorization_code.redeemed')
    t.match(redeemed, [
      {
        at,
        fields: {
          clientId: 'app',
          subject: 'alice',
          grant: parseCredential(got.code),
          scope: 'openid',
          network: '192.0.2.1',
        },
      },
    ])
    await userinfo(world, accessToken)
    t.match(world.events.at(-1), { name: 'userinfo.served', at, fields: { clientId: 'app', subject: 'alice' } })
    await userinfo(world, 'unknown')
    t.match(world.events.at(-1), {
      name: 'userinfo.refused',
      at,
      fields: { reason: 'tokenUnknown', network: '192.0.2.1' },
    })
  },
)

t.test('[OPS-036] lifetimes are plain seconds across the end of a year and of a leap day', async (t) => {
  for (const day of ['2027-12-31T23:59:30Z', '2028-02-29T23:59:30Z', '2029-03-25T00:59:30Z']) {
    const world = createWorld()
    await world.client()
    world.clock.advance(Date.parse(day) / 1000 - world.clock.now())
    const got = await obtainCode(world)
    world.clock.advance(59)
    const { idToken, accessToken } = tokensOf(await redeem(world, got))
    const { iat, exp, auth_time: authTime } = claimsOf(idToken)
    t.same([Number(exp) - Number(iat), Number(iat) - Number(authTime)], [3600, 59])
    world.clock.advance(3599)
    t.ok(await isAlive(world, accessToken))
    world.clock.advance(1)
    t.notOk(await isAlive(world, accessToken))
  }
})

/** A token request as it stands on the wire. */
const raw = (
  body: string,
  headers: Record<string, readonly string[]> = {},
): Partial<WireRequest> & { path: string } => ({
  path: '/token',
  method: 'POST',
  headers: new Map(
    Object.entries({
      'content-type': ['application/x-www-form-urlencoded'],
      authorization: [basic('app', CLIENT_SECRET)],
      ...headers,
    }),
  ),
  body,
})

t.test(
  '[WEB-062, WEB-063, WEB-057, WEB-056, V21-07, ADV-006, ADV-057, ADV-156, ADV-157, ADV-160, V21-31] a form that is repeated, deep, large, mistyped or ill-encoded is refused, and consumes nothing',
  async (t) => {
    const world = createWorld()
    await world.client()
    const got = await obtainCode(world)
    const pairs = [
      'grant_type=authorization_code',
      `code=${got.code}`,
      `code_verifier=${got.verifier}`,
      `redirect_uri=${encodeURIComponent(got.redirectUri)}`,
    ]
    const good = pairs.join('&')
    const send = (request: Partial<WireRequest> & { path: string }): Promise<Reply> => world.send(request)
    for (const pair of pairs) {
      refused(t, await send(raw(`${good}&${pair}`)), 400, 'invalid_request', `${pair} twice`)
      const name = pair.slice(0, pair.indexOf('='))
      refused(t, await send(raw(`${good}&${name}=`)), 400, 'invalid_request', `${name} and an empty one`)
      refused(t, await send(raw(`${good}${'&'.repeat(500)}&${pair}`)), 400, 'invalid_request', 'behind empty parts')
    }
    refused(t, await send(raw(`${good}&unknown=1&unknown=2`)), 400, 'invalid_request', 'an unknown one twice')
    const without = (name: string): string => pairs.filter((pair) => !pair.startsWith(`${name}=`)).join('&')
    const bracketed = `${without('code')}&code[]=${got.code}&code.0=${got.code}&code[0]=${got.code}`
    refused(t, await send(raw(bracketed)), 400, 'invalid_request', 'brackets mean nothing')
    for (const grantType of ['grant_type[]', 'grant_type[0]', 'grant_type.value'])
      refused(
        t,
        await send(raw(`${without('grant_type')}&${grantType}=authorization_code`)),
        400,
        'invalid_request',
        grantType,
      )
    refused(t, await send(raw(`${without('grant_type')}&grant_type=`)), 400, 'invalid_request', 'empty is absent')
    const many = Array.from({ length: 300 }, (_, i) => `f${i}=1`).join('&')
    refused(t, await send(raw(`${good}&${many}`)), 400, 'invalid_request', 'three hundred fields')
    refused(t, await send(raw(`${good}&a=${'a'.repeat(65_536)}`)), 413, 'invalid_request', 'above 64 KiB')
    const before = process.cpuUsage()
    refused(t, await send(raw(`${good}&scope=${'a+'.repeat(500_000)}`)), 413, 'invalid_request', 'a megabyte of scope')
    refused(t, await send(raw(`${good}&scope=${'a+'.repeat(30_000)}a`)), 400, 'invalid_scope', 'thousands of scopes')
    t.ok(process.cpuUsage(before).user < 200_000, 'at a small price')
    for (const scope of ['a%0Ab', 'a%22b', 'a%5Cb', 'a%09', '%C3%A9'])
      refused(t, await send(raw(`${good}&scope=${scope}`)), 400, 'invalid_scope', scope)
    for (const broken of ['%', '%zz', '%ff', '%c3', '%00'])
      refused(t, await send(raw(`${good}&a=${broken}`)), 400, 'invalid_request', broken)
    refused(t, await send(raw(`${good}&resource=https%3A%2F%2Fapi.example`)), 400, 'invalid_target')
    const two = '&resource=https%3A%2F%2Fa.example&resource=https%3A%2F%2Fb.example'
    refused(t, await send(raw(good + two)), 400, 'invalid_target', 'resources may repeat')
    for (const type of [
      'application/json',
      'multipart/form-data; boundary=x',
      'text/plain',
      'application/x-www-form-urlencodedx',
      'application',
      ';;;',
      '',
      '\u0000',
    ])
      refused(t, await send(raw(good, { 'content-type': [type] })), 415, 'invalid_request', type)
    refused(t, await send(raw(good, { 'content-type': [] })), 415, 'invalid_request', 'no content type')
    const twice = ['application/x-www-form-urlencoded', 'application/x-www-form-urlencoded']
    refused(t, await send(raw(good, { 'content-type': twice })), 415, 'invalid_request', 'two content types')
    refused(t, await send({ ...raw(''), body: undefined }), 400, 'invalid_request', 'no body')
    const odd = `${good}&unknown=1&__proto__=x&constructor=y&resource=&scope=`
    const charset = { 'content-type': ['Application/X-WWW-Form-URLencoded ; charset="utf-8"'] }
    t.equal(statusOf(await send(raw(odd, charset))), 200, 'unknown names and the parameters of a type are ignored')
    t.same(world.faults, [])
  },
)

t.test(
  '[R9700-16, R6819-25] a grant type that is not composed is not known, whatever its name and whatever a client is registered for',
  async (t) => {
    const world = createWorld()
    await world.client({
      grantTypes: ['authorization_code', 'password', 'implicit'],
    })
    for (const grantType of [
      'password',
      'implicit',
      'Authorization_Code',
      '__proto__',
      'constructor',
      'urn:ietf:params:oauth:grant-type:saml2-bearer',
    ]) {
      const request = { grant_type: grantType, username: 'alice', password: 'x', refresh_token: 'x', scope: 'openid' }
      refused(t, await exchange(world, request), 400, 'unsupported_grant_type', grantType)
    }
  },
)

t.test('[V21-08] the token endpoint answers POST alone', async (t) => {
  const world = createWorld()
  await world.client()
  const got = await obtainCode(world)
  const query = `grant_type=authorization_code&code=${got.code}&code_verifier=${got.verifier}`
  for (const method of ['GET', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'TRACE', 'post']) {
    const reply = await world.send({ ...raw(query), method, query })
    refused(t, reply, 405, 'invalid_request', method)
    t.equal(headerOf(reply, 'Allow'), 'POST, OPTIONS')
  }
  t.equal(statusOf(await redeem(world, got)), 200)
})

t.test('[V21-05] nothing is read from the URL of a token request', async (t) => {
  const world = createWorld()
  await world.client({ authMethod: 'client_secret_post' })
  const got = await obtainCode(world)
  const secret = `client_secret=${CLIENT_SECRET}`
  const body = `grant_type=authorization_code&code=${got.code}&code_verifier=${got.verifier}&client_id=app`
  const bare = { 'content-type': ['application/x-www-form-urlencoded'], authorization: [] }
  refused(t, await world.send({ ...raw(body, bare), query: secret }), 401, 'invalid_client')
  refused(t, await world.send({ ...raw('', bare), query: `${body}&${secret}` }), 400, 'invalid_request')
  t.equal(statusOf(await world.send(raw(`${body}&${secret}`, bare))), 200)
})
