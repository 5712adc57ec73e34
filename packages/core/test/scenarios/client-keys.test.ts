// Owns clients that publish their keys: fetched when needed, kept for minutes, and what is answered when they cannot be had.

import { clientId, type Fetcher, type FetchOutcome, type FetchRequest, type Reply } from '@vouchsafe/core'
import t from 'tap'
import { type ClientKey, claimsFor, clientKey, redeemBy, signedBy } from './assertions.ts'
import { bodyOf, exchange, obtainCode } from './flows.ts'
import { changeClient, refused, statusOf } from './token-steps.ts'
import { createWorld, type World } from './world.ts'

const OLD = clientKey('ES256', 'old')
const NEW = clientKey('ES256', 'new')
const NEWEST = clientKey('ES256', 'newest')
const URI = 'https://app.example/jwks.json'

const published = (
  keys: readonly unknown[],
  over: Partial<FetchOutcome & { outcome: 'answered' }> = {},
): FetchOutcome => ({
  outcome: 'answered',
  status: 200,
  headers: new Map([['content-type', 'application/json']]),
  body: JSON.stringify({ keys }),
  ...over,
})

interface Scene {
  readonly world: World
  readonly requests: FetchRequest[]
  /** What is answered from now on. */
  answer(outcome: FetchOutcome | (() => Promise<FetchOutcome>)): void
  /** Sends an assertion signed by a key with the code at hand. */
  send(key: ClientKey, header?: Readonly<Record<string, unknown>>): Promise<Reply>
  /** The same, with a fresh code; answers the status. */
  signsIn(key: ClientKey, header?: Readonly<Record<string, unknown>>): Promise<number>
}

const sceneOf = async (
  first: FetchOutcome,
  ports: { readonly fetcher?: Fetcher } | undefined = undefined,
): Promise<Scene> => {
  const requests: FetchRequest[] = []
  let answer = async (): Promise<FetchOutcome> => first
  const fetcher: Fetcher = {
    fetch: (request) => {
      requests.push(request)
      return answer()
    },
  }
  const world = createWorld({}, ports ?? { fetcher })
  await world.client({ clientId: clientId('app'), authMethod: 'private_key_jwt', secrets: [], jwksUri: URI })
  const browser = world.browser()
  let got = await obtainCode(world, {}, browser)
  const send: Scene['send'] = (key, header) => redeemBy(world, got, signedBy(key, claimsFor(world), header))
  return {
    world,
    requests,
    answer: (outcome) => {
      answer = typeof outcome === 'function' ? outcome : async () => outcome
    },
    send,
    signsIn: async (key, header) => {
      got = await obtainCode(world, {}, browser)
      return statusOf(await send(key, header))
    },
  }
}

t.test('[OPS-059] keys are fetched once for minutes, and again when the client has rotated', async (t) => {
  const { world, requests, answer, signsIn } = await sceneOf(published([OLD.jwk]))
  t.equal(await signsIn(OLD), 200)
  t.equal(await signsIn(OLD), 200)
  t.equal(requests.length, 1)
  t.match(requests[0], { url: URI, method: 'GET', body: undefined, maxBytes: 65_536 })
  answer(published([NEW.jwk]))
  t.equal(await signsIn(NEW), 200, 'an unknown kid makes us ask again')
  t.equal(requests.length, 2)
  t.equal(await signsIn(OLD), 401, 'and the old key is gone')
  answer(published([NEW.jwk, NEWEST.jwk]))
  t.equal(await signsIn(NEWEST), 401, 'but not twice in a moment')
  t.equal(requests.length, 2)
  world.clock.advance(30)
  t.equal(await signsIn(NEWEST), 200)
  t.equal(requests.length, 3)
  world.clock.advance(299)
  t.equal(await signsIn(NEW), 200)
  t.equal(requests.length, 3)
  world.clock.advance(1)
  t.equal(await signsIn(NEW), 200)
  t.equal(requests.length, 4, 'after five minutes it is fetched anew')
  answer(published([OLD.jwk]))
  world.clock.advance(30)
  t.equal(await signsIn(OLD, { kid: undefined }), 200, 'a rotation without kid is noticed, too')
  t.same(world.faults, [])
})

t.test('[CONF-D-oidcc-refresh-token-rp-key-rotation] a grant outlives the key that its client got it by', async (t) => {
  const { world, answer } = await sceneOf(published([OLD.jwk]))
  await changeClient(world, {
    grantTypes: ['authorization_code', 'refresh_token'],
    scopes: ['openid', 'offline_access'],
  })
  const got = await obtainCode(world, { scope: 'openid offline_access', prompt: 'consent' })
  const issued = bodyOf(await redeemBy(world, got, signedBy(OLD, claimsFor(world))))
  answer(published([NEW.jwk]))
  world.clock.advance(60)
  const refresh = (key: ClientKey): Promise<Reply> =>
    exchange(
      world,
      {
        grant_type: 'refresh_token',
        refresh_token: String(issued['refresh_token']),
        client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
        client_assertion: signedBy(key, claimsFor(world)),
      },
      { authorization: '' },
    )
  t.equal(statusOf(await refresh(NEW)), 200)
  refused(t, await refresh(OLD), 401, 'invalid_client')
})

t.test('[OPS-059] many assertions at once make one fetch, whoever invents kids', async (t) => {
  const { world, requests, answer, send } = await sceneOf(published([OLD.jwk]))
  let release = (): void => undefined
  const gate = new Promise<void>((resolve) => {
    release = resolve
  })
  answer(async () => {
    await gate
    return published([OLD.jwk])
  })
  const first = Array.from({ length: 10 }, () => send(OLD, { kid: 'invented' }))
  await new Promise((resolve) => setImmediate(resolve))
  release()
  for (const reply of await Promise.all(first)) refused(t, reply, 401, 'invalid_client')
  t.equal(requests.length, 2, 'one, and one more since the kid was unknown')
  refused(t, await send(OLD, { kid: 'invented again' }), 401, 'invalid_client')
  t.equal(requests.length, 2)
  world.clock.advance(30)
  for (const reply of await Promise.all(Array.from({ length: 10 }, (_, n) => send(OLD, { kid: `invented-${n}` })))) {
    refused(t, reply, 401, 'invalid_client')
  }
  t.equal(requests.length, 3)
})

t.test(
  '[OPS-059] while its server is down a client goes on with its last keys for minutes, and not beyond',
  async (t) => {
    const { world, requests, answer, signsIn } = await sceneOf(published([OLD.jwk]))
    t.equal(await signsIn(OLD), 200)
    answer({ outcome: 'refused', reason: 'unreachable' })
    world.clock.advance(300)
    t.equal(await signsIn(OLD), 200)
    t.equal(await signsIn(OLD), 200)
    t.equal(requests.length, 2, 'and a server that is down is not asked each time')
    world.clock.advance(10)
    t.equal(await signsIn(OLD), 200)
    t.equal(requests.length, 3)
    world.clock.advance(589)
    t.equal(await signsIn(OLD), 200)
    world.clock.advance(1)
    t.equal(await signsIn(OLD), 401, 'fifteen minutes are the end')
    answer(published([OLD.jwk]))
    world.clock.advance(10)
    t.equal(await signsIn(OLD), 200, 'until it is back')
  },
)

const PRIVATE = { ...OLD.jwk, ...OLD.privateKey.export({ format: 'jwk' }) }
const FAILURES: readonly (readonly [reason: string, outcome: FetchOutcome])[] = [
  ...(['unreachable', 'timedOut', 'coolingDown'] as const).map(
    (reason) => ['clientKeysUnreachable', { outcome: 'refused', reason }] as const,
  ),
  ...(['addressForbidden', 'urlUnacceptable'] as const).map(
    (reason) => ['clientKeysForbidden', { outcome: 'refused', reason }] as const,
  ),
  ...(['redirected', 'tooLarge', 'notText'] as const).map(
    (reason) => ['clientKeysMalformed', { outcome: 'refused', reason }] as const,
  ),
  ...[201, 204, 404, 500].map((status) => ['clientKeysMalformed', published([OLD.jwk], { status })] as const),
  ...['', 'null', '[]', '{}', '{"keys":{}}', '<html>', '{"keys":[],"keys":[]} x'].map(
    (body) => ['clientKeysMalformed', published([], { body })] as const,
  ),
  ['clientKeysMalformed', published([OLD.jwk], { headers: new Map([['content-type', 'text/html']]) })],
  ['clientKeysMalformed', published([OLD.jwk, PRIVATE])],
  ['clientKeysMalformed', published([OLD.jwk, { kty: 'oct', k: 'c2VjcmV0', kid: 'shared' }])],
  ['clientKeysMalformed', published(Array(51).fill(OLD.jwk))],
]

t.test(
  '[WEB-048] whatever goes wrong with a fetch, the client is told the same, and the administrator what it was',
  async (t) => {
    const told = new Set<string>()
    for (const [reason, outcome] of FAILURES) {
      const { world, send, answer, signsIn } = await sceneOf(outcome)
      const reply = await send(OLD)
      refused(t, reply, 401, 'invalid_client', JSON.stringify(outcome))
      told.add(JSON.stringify(reply, (_, value) => (value instanceof Map ? [...value] : value)))
      t.match(
        world.events.at(-1),
        { name: 'client_authentication.failed', fields: { reason } },
        JSON.stringify(outcome),
      )
      t.same(world.faults, [])
      answer(published([OLD.jwk]))
      world.clock.advance(10)
      t.equal(await signsIn(OLD), 200, 'and nothing of it stays')
    }
    t.equal(told.size, 1)
  },
)

t.test('[unit] keys that are not for us are passed over in what a client publishes', async (t) => {
  const others = [
    { kty: 'AKP', alg: 'ML-DSA-65', pub: 'x' },
    'text',
    null,
    { ...NEW.jwk, use: 'enc' },
    clientKey('weak').jwk,
    { kty: 'EC' },
  ]
  const set = published([...others, OLD.jwk], {
    headers: new Map([['content-type', 'application/jwk-set+json; charset=utf-8']]),
  })
  const { signsIn } = await sceneOf(set)
  t.equal(await signsIn(OLD), 200)
  t.equal(await signsIn(clientKey('weak')), 401)
})

t.test('[unit] nothing is fetched for what no key could verify', async (t) => {
  const { requests, send } = await sceneOf(published([OLD.jwk]))
  for (const header of [{ alg: 'none' }, { alg: 'HS256' }, { typ: 'at+jwt' }, { crit: ['x'] }]) {
    refused(t, await send(OLD, header), 401, 'invalid_client', JSON.stringify(header))
  }
  t.equal(requests.length, 0)
})

t.test(
  '[unit] a provider without a way out, or with one that breaks its word, refuses such a client and lives',
  async (t) => {
    const rejecting: Fetcher = { fetch: () => Promise.reject(new Error('broken')) }
    for (const ports of [{}, { fetcher: rejecting }]) {
      const { world, send } = await sceneOf(published([]), ports)
      refused(t, await send(OLD), 401, 'invalid_client')
      t.match(world.events.at(-1), { fields: { reason: 'clientKeysUnreachable' } })
      t.same(world.faults, [])
    }
  },
)
