// Owns client authentication by secret and by nothing: one method per client, no guessing, and a failure that costs nothing but itself.

import { clientId, digest, instant, type Reply } from '@vouchsafe/core'
import { nodeHasher } from '@vouchsafe/core/ports-node'
import t, { type Test } from 'tap'
import { claimsFor, clientKey, redeemBy, signedBy } from './assertions.ts'
import { basic, exchange, obtainCode, type Parameters, redeem } from './flows.ts'
import { changeClient, headerOf, refused, statusOf } from './token-steps.ts'
import { CLIENT_SECRET, createWorld, sha256, type World } from './world.ts'

const KEY = clientKey('ES256')
const NONE = { authorization: '' }

const secretOf = (text: string, expiresAt?: number) => ({
  digest: digest(sha256(text)),
  expiresAt: expiresAt === undefined ? undefined : instant(expiresAt),
})

type Got = Awaited<ReturnType<typeof obtainCode>>

const requestOf = (got: Got): Parameters => ({
  grant_type: 'authorization_code',
  code: got.code,
  redirect_uri: got.redirectUri,
  code_verifier: got.verifier,
})

/** A token request as each method sends it, with the right credentials. */
const STYLES: Readonly<Record<string, (world: World, got: Got) => Promise<Reply>>> = {
  none: (world, got) => exchange(world, { ...requestOf(got), client_id: 'app' }, NONE),
  client_secret_basic: (world, got) => redeem(world, got),
  client_secret_post: (world, got) =>
    exchange(world, { ...requestOf(got), client_id: 'app', client_secret: CLIENT_SECRET }, NONE),
  private_key_jwt: (world, got) => redeemBy(world, got, signedBy(KEY, claimsFor(world))),
}
const METHODS = ['none', 'client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const

const unauthenticated = (t: Test, reply: Reply, why: string): void => refused(t, reply, 401, 'invalid_client', why)

t.test(
  '[CONF-B-oidcc-server-client-secret-post, V21-01, V21-03, V21-05, R6819-15, OIDC-31] a client authenticates by the one method it is registered for, and no other attempt burns the code',
  async (t) => {
    for (const registered of METHODS) {
      const world = createWorld()
      await world.client({ authMethod: registered, jwks: [KEY.jwk] })
      const got = await obtainCode(world)
      for (const tried of METHODS.filter((method) => method !== registered)) {
        const reply = await STYLES[tried]?.(world, got)
        if (reply === undefined) throw new Error(tried)
        unauthenticated(t, reply, `${tried} by a client of ${registered}`)
        t.match(world.events.at(-1), { fields: { reason: 'clientAuthMethodWrong', method: tried } })
      }
      const reply = await STYLES[registered]?.(world, got)
      t.match(reply, { kind: 'json', status: 200 }, registered)
      t.same(world.faults, [])
    }
  },
)

t.test(
  '[V21-06, R6819-09] a library that probes Basic first and posts next is served, however often it does',
  async (t) => {
    const world = createWorld()
    await world.client({ authMethod: 'client_secret_post' })
    const browser = world.browser()
    for (let round = 0; round < 15; round++) {
      const got = await obtainCode(world, {}, browser)
      unauthenticated(t, await redeem(world, got), 'the probe')
      t.match(await STYLES['client_secret_post']?.(world, got), { status: 200 })
    }
  },
)

t.test('[V21-04] two ways of authentication in one request are refused', async (t) => {
  const world = createWorld()
  await world.client()
  const got = await obtainCode(world)
  const request = { ...requestOf(got), client_id: 'app' }
  const authorization = basic('app', CLIENT_SECRET)
  const assertion = { client_assertion: signedBy(KEY, claimsFor(world)), client_assertion_type: 'x' }
  const send = (over: Parameters, options = {}): Promise<Reply> => exchange(world, { ...request, ...over }, options)
  refused(t, await send({ client_secret: CLIENT_SECRET }, { authorization }), 400, 'invalid_request', 'Basic and post')
  refused(t, await send(assertion, { authorization }), 400, 'invalid_request', 'Basic and assertion')
  refused(t, await send({ ...assertion, client_secret: 'x' }, NONE), 400, 'invalid_request', 'post and assertion')
  const empty = basic('app', '')
  refused(
    t,
    await send({ client_secret: CLIENT_SECRET }, { authorization: empty }),
    400,
    'invalid_request',
    'even empty',
  )
  unauthenticated(t, await send({ client_id: 'other' }, { authorization }), 'two names')
  t.equal(statusOf(await send({}, { authorization })), 200, 'its own name beside Basic is no second way')
})

t.test('[V21-11, CONF-A10] a failed Basic attempt is challenged, other failures are not', async (t) => {
  const world = createWorld()
  await world.client()
  const got = await obtainCode(world)
  const wrong = await exchange(world, requestOf(got), { authorization: basic('app', 'wrong') })
  unauthenticated(t, wrong, 'Basic')
  t.equal(headerOf(wrong, 'WWW-Authenticate'), 'Basic realm="token endpoint", charset="UTF-8"')
  const post = await exchange(world, { ...requestOf(got), client_id: 'app', client_secret: 'wrong' }, NONE)
  unauthenticated(t, post, 'post')
  t.equal(headerOf(post, 'WWW-Authenticate'), undefined)
  unauthenticated(t, await exchange(world, requestOf(got), NONE), 'nothing at all')
  unauthenticated(t, await exchange(world, { ...requestOf(got), client_id: '' }, NONE), 'an empty name')
})

t.test(
  '[ADV-019, ADV-112] an Authorization header that is not exactly right authenticates nobody, and breaks nothing',
  async (t) => {
    const world = createWorld()
    await world.client()
    const got = await obtainCode(world)
    const right = basic('app', CLIENT_SECRET)
    const credentials = right.slice('Basic '.length)
    const encoded = (text: string | Buffer): string => `Basic ${Buffer.from(text).toString('base64')}`
    const wrong = [
      `Basic  ${credentials}`,
      `Basic\t${credentials}`,
      `Basic${credentials}`,
      ` ${right}`,
      `${right} `,
      `${right},${right}`,
      `Basic`,
      'Basic ',
      'Basic !!!!',
      `Basic ${credentials.slice(0, -1)}`,
      `Basic "${credentials}"`,
      encoded('app'),
      encoded(`:${CLIENT_SECRET}`),
      encoded(`app%:${CLIENT_SECRET}`),
      encoded(`app:%zz`),
      encoded(`app%00:${CLIENT_SECRET}`),
      encoded(Buffer.from([0x61, 0x70, 0x70, 0x3a, 0xff])),
      encoded(`${'a'.repeat(300)}:x`),
      encoded(`app:${'x'.repeat(2000)}`),
      `Bearer ${credentials}`,
      `Digest ${credentials}`,
      `Basic ${'A'.repeat(100_000)}`,
      `Basic ${'='.repeat(100_000)}`,
      ' '.repeat(100_000),
    ]
    const before = process.cpuUsage()
    for (const authorization of wrong)
      unauthenticated(t, await exchange(world, requestOf(got), { authorization }), authorization.slice(0, 60))
    t.ok(process.cpuUsage(before).user < 1_000_000)
    const twice = await world.send({
      path: '/token',
      method: 'POST',
      headers: new Map([
        ['content-type', ['application/x-www-form-urlencoded']],
        ['authorization', [right, right]],
      ]),
      body: new URLSearchParams(requestOf(got) as Record<string, string>).toString(),
    })
    unauthenticated(t, twice, 'two headers')
    t.same(world.faults, [])
    t.equal(statusOf(await exchange(world, requestOf(got), { authorization: right.replace('Basic', 'bAsIc') })), 200)
  },
)

t.test('[unit] both parts of Basic are form-decoded', async (t) => {
  const world = createWorld()
  const id = 'app: 100%'
  const secret = 'a b+c%:ü&=?'
  await world.client({ clientId: clientId(id), secrets: [secretOf(secret)] })
  const form = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)
  for (const encode of [encodeURIComponent, form]) {
    const got = await obtainCode(world, { client_id: id })
    const pair = Buffer.from(`${encode(id)}:${encode(secret)}`).toString('base64')
    t.equal(statusOf(await exchange(world, requestOf(got), { authorization: `Basic ${pair}` })), 200)
  }
})

t.test(
  '[V21-01, V21-03] an empty Basic password is a public client’s way to say none, and nobody else’s',
  async (t) => {
    const world = createWorld()
    await world.client({ authMethod: 'none', secrets: [] })
    const got = await obtainCode(world)
    t.equal(statusOf(await exchange(world, requestOf(got), { authorization: basic('app', '') })), 200)
    await world.client({ clientId: clientId('confidential') })
    await world.client({ clientId: clientId('bare'), secrets: [] })
    await world.client({ clientId: clientId('empty'), authMethod: 'client_secret_post', secrets: [secretOf('')] })
    for (const id of ['confidential', 'bare', 'empty']) {
      const theirs = await obtainCode(world, { client_id: id })
      unauthenticated(t, await exchange(world, requestOf(theirs), { authorization: basic(id, '') }), id)
      const post = { ...requestOf(theirs), client_id: id, client_secret: '' }
      unauthenticated(t, await exchange(world, post, NONE), `${id}, posted`)
    }
  },
)

t.test('[ADV-073] a disabled client is as unknown as one that never was', async (t) => {
  for (const method of METHODS) {
    const world = createWorld()
    await world.client({ authMethod: method, jwks: [KEY.jwk] })
    const got = await obtainCode(world)
    await changeClient(world, { disabled: true })
    const reply = await STYLES[method]?.(world, got)
    if (reply === undefined) throw new Error(method)
    unauthenticated(t, reply, method)
    t.match(world.events.at(-1), { fields: { reason: 'clientDisabled' } })
    const unknown = await exchange(world, { ...requestOf(got), client_id: 'nobody' }, NONE)
    t.equal(reply.kind === 'json' && reply.body, unknown.kind === 'json' && unknown.body)
  }
})

t.test('[OPS-017] two secrets overlap while one is replaced, and the old one ends at its second', async (t) => {
  const world = createWorld()
  const end = world.clock.now() + 100
  await world.client({ secrets: [secretOf('old-secret', end), secretOf('new-secret')] })
  const browser = world.browser()
  const by = async (secret: string): Promise<number> =>
    statusOf(
      await exchange(world, requestOf(await obtainCode(world, {}, browser)), { authorization: basic('app', secret) }),
    )
  world.clock.advance(99)
  t.same([await by('old-secret'), await by('new-secret')], [200, 200])
  world.clock.advance(1)
  t.same([await by('old-secret'), await by('new-secret')], [401, 200])
  await changeClient(world, { secrets: [secretOf('newest-secret')] })
  t.same([await by('new-secret'), await by('newest-secret')], [401, 200], 'a secret taken away is dead at once')
})

t.test(
  '[R6819-09, V21-06, WEB-022] beyond the free ones wrong secrets are answered 429 by client and network, with the time to wait, and never for good',
  async (t) => {
    const world = createWorld()
    await world.client()
    await world.client({ clientId: clientId('other') })
    const got = await obtainCode(world)
    const guess = async (secret: string, { id = 'app', from = '198.51.100.7' } = {}): Promise<Reply> => {
      const reply = await world.send({
        path: '/token',
        method: 'POST',
        headers: new Map([
          ['content-type', ['application/x-www-form-urlencoded']],
          ['authorization', [basic(id, secret)]],
        ]),
        body: new URLSearchParams({ grant_type: 'authorization_code', code: got.code }).toString(),
        remoteAddress: from,
      })
      return reply
    }
    for (let tries = 0; tries < 11; tries++) unauthenticated(t, await guess(`guess-${tries}`), 'a guess')
    const slowed = await guess('guess-12')
    refused(t, slowed, 429, 'temporarily_unavailable')
    t.equal(headerOf(slowed, 'Retry-After'), '1')
    t.match(world.events.at(-1), { name: 'client_authentication.failed', fields: { reason: 'clientThrottled' } })
    unauthenticated(t, await guess('guess', { id: 'other' }), 'another client from there')
    unauthenticated(t, await guess('guess', { from: '198.51.100.8' }), 'the same client from elsewhere')
    const waits: string[] = []
    for (let tries = 0; tries < 8; tries++) {
      world.clock.advance(Number(waits.at(-1) ?? 1))
      unauthenticated(t, await guess('again'), 'after the wait')
      waits.push(String(headerOf(await guess('again'), 'Retry-After')))
    }
    t.same(waits, ['2', '4', '8', '16', '32', '60', '60', '60'], 'the wait grows, and has an end')
    t.equal(statusOf(await redeem(world, await obtainCode(world))), 200, 'the client itself goes on')
    world.clock.advance(901)
    for (let tries = 0; tries < 11; tries++)
      unauthenticated(t, await guess('later'), 'and in a quarter of an hour it is forgotten')
  },
)

t.test(
  '[R6819-09, WEB-077] one network that tries many clients is answered so too, and so is guessing at clients that do not exist',
  async (t) => {
    const world = createWorld()
    await world.client()
    const statuses: number[] = []
    for (let tries = 0; tries < 53; tries++) {
      const authorization = basic(`nobody-${tries}`, 'guess')
      statuses.push(statusOf(await exchange(world, { grant_type: 'authorization_code', code: 'x' }, { authorization })))
    }
    t.same(statuses, [...Array.from({ length: 51 }, () => 401), 429, 429])
    t.equal(
      statusOf(await exchange(world, { grant_type: 'authorization_code' }, { authorization: basic('app', 'x') })),
      429,
    )
    t.equal(statusOf(await redeem(world, await obtainCode(world))), 200, 'nobody who knows his secret is kept out')
  },
)

t.test(
  '[WEB-077, WEB-076, OIDC-39, R6819-36] an unknown client, a wrong secret and one wrong from its first letter on cost the same work',
  async (t) => {
    let hashed = 0
    const hasher = {
      ...nodeHasher,
      sha256: (data: Uint8Array) => {
        hashed++
        return nodeHasher.sha256(data)
      },
    }
    const world = createWorld({}, { hasher })
    await world.client()
    const work = async (id: string, secret: string): Promise<number> => {
      hashed = 0
      await exchange(world, { grant_type: 'authorization_code', code: 'x' }, { authorization: basic(id, secret) })
      return hashed
    }
    const known = await work('app', 'wrong')
    t.ok(known > 0)
    t.equal(await work('nobody', 'wrong'), known)
    t.equal(await work('app', `${CLIENT_SECRET.slice(0, -1)}x`), known)
    t.equal(await work('app', `x${CLIENT_SECRET.slice(1)}`), known)
  },
)
