// Owns what happens when something beside the request fails: a store, a port, a sink. Faults are composed here, never switched on in
// what ships. Whatever fails, nothing is half done and nobody outside learns why.

import type { Ports, ProviderConfig, Reply, Stores } from '@vouchsafe/core'
import { createNodeSigner, cryptoRandom, nodeHasher } from '@vouchsafe/core/ports-node'
import t, { type Test } from 'tap'
import { ask, bodyOf, obtainCode, pageOf, redeem, userinfo } from './flows.ts'
import { headerOf, openStores, refused, statusOf, tokensOf, unreachable } from './token-steps.ts'
import { createWorld, type World } from './world.ts'

/** A switch: what it guards throws while it is on. */
const fuse = () => {
  let error: (() => unknown) | undefined
  return {
    blow: (make: () => unknown) => {
      error = make
    },
    mend: () => {
      error = undefined
    },
    check: () => {
      if (error !== undefined) throw error()
    },
    /** The value, or the fault. */
    or: <T>(value: T): T => {
      if (error !== undefined) throw error()
      return value
    },
  }
}

const guarded = <T extends object>(target: T, check: () => void, only?: string): T =>
  new Proxy(target, {
    get: (from, name) => {
      const found: unknown = Reflect.get(from, name)
      if (typeof found !== 'function' || (only !== undefined && name !== only)) return found
      return (...given: unknown[]) => {
        check()
        return Reflect.apply(found, from, given) as unknown
      }
    },
  })

const INTERNALS = /ECONNREFUSED|db\.internal|5432|select|secret-detail|at .*\.js|TypeError|vouchsafe|node/i

/** Judges an answer to a request that failed on our side: JSON with a reference that is in the log, and nothing of what failed. */
const failed = (t: Test, world: World, reply: Reply, status: 500 | 503, why: string): void => {
  refused(t, reply, status, status === 503 ? 'temporarily_unavailable' : 'server_error', why)
  t.equal(headerOf(reply, 'Retry-After'), status === 503 ? '5' : undefined)
  const described = String(bodyOf(reply)['error_description'])
  const [reference] = /[A-Z2-9]{4}-[A-Z2-9]{4}/.exec(described) ?? []
  t.ok(reference, 'there is a reference')
  t.match(world.events.at(-1), { name: 'server.fault', fields: { reference } }, 'which the operator finds')
  t.notMatch(described, INTERNALS)
  t.notMatch(JSON.stringify(world.events.at(-1)), /ECONNREFUSED|select|secret-detail/)
}

const STORE_CALLS: readonly (readonly [keyof Stores, string])[] = [
  ['clients', 'findClient'],
  ['grants', 'findAuthorizationCode'],
  ['grants', 'redeemAuthorizationCode'],
]

t.test(
  '[OPS-004, ADV-090, WEB-097, WEB-098, ADV-147] a store that cannot be reached is a 503 with a time to wait, one that breaks a 500, and the code is still good',
  async (t) => {
    for (const [store, method] of STORE_CALLS) {
      const { stores } = openStores()
      const broken = fuse()
      const world = createWorld({ stores: { ...stores, [store]: guarded(stores[store], broken.check, method) } })
      await world.client()
      const got = await obtainCode(world)
      broken.blow(unreachable)
      failed(t, world, await redeem(world, got), 503, `${store}.${method} unreachable`)
      broken.blow(() => new TypeError('secret-detail: relation "grants" does not exist'))
      failed(t, world, await redeem(world, got), 500, `${store}.${method} broken`)
      broken.blow(() => 'secret-detail as a string')
      failed(t, world, await redeem(world, got), 500, `${store}.${method} throws a string`)
      t.equal(world.faults.length, 3, 'the operator is given what was thrown')
      broken.mend()
      const { accessToken } = tokensOf(await redeem(world, got))
      t.equal(statusOf(await userinfo(world, accessToken)), 200)
    }
  },
)

t.test(
  '[ADV-090, WEB-097, WEB-098] every endpoint survives a store that fails, and says no more than that',
  async (t) => {
    const { stores } = openStores()
    const broken = fuse()
    const names = Object.keys(stores) as (keyof Stores)[]
    const all = Object.fromEntries(
      names.map((name) => [name, guarded(stores[name], broken.check)]),
    ) as unknown as Stores
    const keys = { keys: () => broken.or([]) }
    const world = createWorld({ stores: all }, { keys })
    const headers = new Map([
      ['origin', ['https://spa.example']],
      ['authorization', [`Bearer ${'A'.repeat(64)}`]],
    ])
    const paths = ['/userinfo', '/jwks', '/.well-known/openid-configuration', '/.well-known/oauth-authorization-server']
    for (const [make, status] of [
      [unreachable, 503],
      [() => new Error('secret-detail'), 500],
    ] as const) {
      broken.blow(make)
      for (const path of paths) failed(t, world, await world.send({ path, headers }), status, path)
      failed(t, world, await world.send({ path: '/token', method: 'OPTIONS', headers }), status, 'a preflight')
      const page = pageOf(await ask(world.browser()))
      t.equal(page.status, status)
      t.match(page, { problem: status === 503 ? 'unavailable' : 'fault', reference: /^[A-Z2-9]{4}-[A-Z2-9]{4}$/ })
      t.notMatch(JSON.stringify(page), INTERNALS)
    }
  },
)

t.test(
  '[OPS-004, WEB-098] a port that fails is a 500, accounts that cannot be asked are a 503, and neither consumes the code',
  async (t) => {
    const broken = fuse()
    const signer = createNodeSigner([])
    const ports: readonly (readonly [string, Partial<Ports>, 500 | 503])[] = [
      ['signer', { signer: guarded(signer, broken.check) }, 500],
      ['keys', { keys: { keys: () => broken.or([]) } }, 500],
      ['hasher', { hasher: guarded(nodeHasher, broken.check) }, 500],
      ['accounts', { accounts: { find: () => broken.or({ claims: { email: 'a@b.example' } }) } }, 503],
      ['accounts, later', { accounts: { find: async () => broken.or({ claims: { email: 'a@b.example' } }) } }, 503],
    ]
    for (const [name, override, status] of ports) {
      const { stores } = openStores()
      const sound = createWorld({ stores })
      await sound.client({ idTokenClaims: 'scoped' })
      const got = await obtainCode(sound, { scope: 'openid email' })
      const world = createWorld({ stores }, override)
      broken.blow(() => new Error('secret-detail'))
      failed(t, world, await redeem(world, got), status, name)
      t.match(world.faults, [Error])
      broken.mend()
      const { accessToken } = tokensOf(await redeem(sound, got))
      if (status === 503) {
        broken.blow(() => new Error('secret-detail'))
        failed(t, world, await userinfo(world, accessToken), 503, `${name} at userinfo`)
        t.equal((await ask(sound.browser())).kind, 'interact')
      }
    }
  },
)

t.test('[WEB-098] an algorithm without an active key refuses the exchange and consumes nothing', async (t) => {
  const { stores } = openStores()
  const sound = createWorld({ stores })
  await sound.client({ idTokenAlg: 'ES256' })
  const got = await obtainCode(sound)
  const world = createWorld({ stores }, { keys: { keys: () => [] } })
  failed(t, world, await redeem(world, got), 500, 'no key')
  t.equal(statusOf(await redeem(sound, got)), 200)
})

t.test(
  '[unit] when even the clock or the randomness fails, the request is answered, without a reference',
  async (t) => {
    for (const [name, make] of [
      ['clock', (check: () => void, sound: World) => ({ clock: guarded(sound.clock, check) })],
      ['random', (check: () => void) => ({ random: guarded(cryptoRandom, check) })],
    ] as const) {
      const { stores } = openStores()
      const sound = createWorld({ stores })
      await sound.client()
      const got = await obtainCode(sound)
      const broken = fuse()
      const world = createWorld({ stores }, make(broken.check, sound))
      broken.blow(() => new Error('secret-detail'))
      const reply = await redeem(world, got)
      refused(t, reply, 500, 'server_error', name)
      t.match(bodyOf(reply)['error_description'], /\(0000-0000\)$/)
      t.match(world.faults, [Error])
      t.equal(statusOf(await redeem(sound, got)), 200)
    }
  },
)

t.test('[OPS-025, WEB-098] a sink that throws, or rejects, fails no request', async (t) => {
  const sinks: readonly (readonly [string, Pick<ProviderConfig, 'onEvents' | 'onFault'>])[] = [
    ['throws', { onEvents: () => { throw new Error('disk full') } }], // biome-ignore format: one case, one line
    ['rejects', { onEvents: async () => Promise.reject(new Error('disk full')) }],
  ]
  for (const [why, { onEvents }] of sinks) {
    const told: unknown[] = []
    if (onEvents === undefined) throw new Error(why)
    const world = createWorld({ onEvents, onFault: (error) => told.push(error) })
    await world.client()
    const got = await obtainCode(world)
    refused(t, await redeem(world, got, { code: 'x' }), 400, 'invalid_grant', why)
    const { accessToken } = tokensOf(await redeem(world, got))
    t.equal(statusOf(await userinfo(world, accessToken)), 200)
    await new Promise((resolve) => setImmediate(resolve))
    t.match(told, [{ message: 'disk full' }, { message: 'disk full' }], 'and the operator hears of it')
    const silent = createWorld({ onEvents, onFault: async () => Promise.reject(new Error('also full')) })
    await silent.client()
    refused(t, await redeem(silent, got), 400, 'invalid_grant', `${why}, and onFault rejects`)
    const mute = createWorld({ onEvents, onFault: () => { throw new Error('also full') } }) // biome-ignore format: short
    refused(t, await redeem(mute, got), 401, 'invalid_client', `${why}, and onFault throws`)
    await new Promise((resolve) => setImmediate(resolve))
  }
})

/** Stores whose redemption answers `stale` a number of times before it is asked for real. */
const staleTimes = (times: number): { readonly stores: Stores; readonly asked: () => number } => {
  const { stores } = openStores()
  let asked = 0
  const redeemAuthorizationCode: Stores['grants']['redeemAuthorizationCode'] = async (redemption, occasion) =>
    asked++ < times ? { outcome: 'stale' } : stores.grants.redeemAuthorizationCode(redemption, occasion)
  return { stores: { ...stores, grants: { ...stores.grants, redeemAuthorizationCode } }, asked: () => asked }
}

t.test(
  '[OPS-017, OPS-022] a decision that went stale is made once more, a bounded number of times, and consumes nothing',
  async (t) => {
    for (const [times, status, asked] of [
      [0, 200, 1],
      [1, 200, 2],
      [2, 200, 3],
      [3, 503, 3],
      [9, 503, 3],
    ] as const) {
      const stale = staleTimes(times)
      const world = createWorld({ stores: stale.stores })
      await world.client()
      const reply = await redeem(world, await obtainCode(world))
      t.same([statusOf(reply), stale.asked()], [status, asked])
      if (status === 200) continue
      refused(t, reply, 503, 'temporarily_unavailable')
      t.equal(headerOf(reply, 'Retry-After'), '1')
      t.match(world.events.at(-1), { name: 'token.refused', fields: { reason: 'stateChanged' } })
    }
  },
)

t.test(
  '[OPS-004] a store that lost its answer after it wrote leaves a refusal, never a second set of tokens',
  async (t) => {
    const { stores } = openStores()
    let lost = false
    const redeemAuthorizationCode: Stores['grants']['redeemAuthorizationCode'] = async (redemption, occasion) => {
      const outcome = await stores.grants.redeemAuthorizationCode(redemption, occasion)
      if (lost) return outcome
      lost = true
      throw unreachable()
    }
    const world = createWorld({ stores: { ...stores, grants: { ...stores.grants, redeemAuthorizationCode } } })
    await world.client()
    const got = await obtainCode(world)
    failed(t, world, await redeem(world, got), 503, 'the answer is lost')
    refused(t, await redeem(world, got), 400, 'invalid_grant')
  },
)
