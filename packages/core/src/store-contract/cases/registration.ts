// Owns the cases on clients that register themselves, and on the tokens that let them. Never races: see races/.

import type { StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'

const tokenCases: readonly StoreCase[] = [
  {
    ids: ['DCR-07'],
    title:
      'initial access tokens are found by their digest and listed by id, as they were given, until they are revoked',
    covers: [
      'registrationTokens.createRegistrationToken:created',
      'registrationTokens.createRegistrationToken:taken',
      'registrationTokens.findRegistrationToken:value',
      'registrationTokens.findRegistrationToken:nothing',
      'registrationTokens.listRegistrationTokens:value',
      'registrationTokens.revokeRegistrationToken:revoked',
      'registrationTokens.revokeRegistrationToken:unknown',
    ],
    races: [],
    run: async ({ stores, assert, fresh, readEvents }) => {
      const tokens = [
        fresh.registrationToken({ scopes: ['openid', 'email'] }),
        fresh.registrationToken(),
        fresh.registrationToken(),
      ]
      const [first, second, third] = tokens
      const { registrationTokens } = stores
      const events = tokens.map(() => fresh.event())
      for (const [index, token] of tokens.entries()) {
        assert.equal(await registrationTokens.findRegistrationToken(token.digest), undefined)
        const made = on(0, ...events.slice(index, index + 1))
        assert.equal(await registrationTokens.createRegistrationToken(token, made), 'created')
        assert.deepEqual(await registrationTokens.findRegistrationToken(token.digest), token)
      }
      const again = fresh.registrationToken({ id: first?.id ?? '' })
      assert.equal(await registrationTokens.createRegistrationToken(again, on(0, fresh.event())), 'taken')
      assert.equal(await registrationTokens.findRegistrationToken(again.digest), undefined)
      const page = await registrationTokens.listRegistrationTokens({ after: undefined, limit: 2 })
      assert.deepEqual(page, { items: [first, second], next: second?.id })
      assert.deepEqual(await registrationTokens.listRegistrationTokens({ after: second?.id, limit: 2 }), {
        items: [third],
        next: undefined,
      })
      const revocation = fresh.event()
      assert.equal(await registrationTokens.revokeRegistrationToken(third?.id ?? '', on(1, revocation)), 'revoked')
      assert.equal(await registrationTokens.revokeRegistrationToken(third?.id ?? '', on(1, fresh.event())), 'unknown')
      assert.deepEqual((await registrationTokens.listRegistrationTokens({ after: second?.id, limit: 2 })).items, [])
      assert.deepEqual(await readEvents(), [...events, revocation])
    },
  },
]

const registrationCases: readonly StoreCase[] = [
  {
    ids: ['DCR-07'],
    title: 'a registration takes one use of its token along, or neither is written',
    covers: [
      'clients.registerClient:registered',
      'clients.registerClient:taken',
      'clients.registerClient:tokenUnknown',
      'clients.registerClient:tokenExpired',
      'clients.registerClient:tokenSpent',
    ],
    races: [],
    run: async ({ stores, assert, fresh, readEvents }) => {
      const token = fresh.registrationToken({ usesLeft: 2, expiresAt: at(100) })
      const { registrationTokens, clients } = stores
      await registrationTokens.createRegistrationToken(token, on(0))
      const usesLeft = async (): Promise<number | undefined> =>
        (await registrationTokens.findRegistrationToken(token.digest))?.usesLeft
      const register = (changes = {}, seconds = 10, tokenDigest = token.digest) => {
        const client = fresh.client({ origin: 'registered', registrationTokenDigest: fresh.digest(), ...changes })
        const event = fresh.event()
        return { client, event, outcome: clients.registerClient({ client, tokenDigest }, on(seconds, event)) }
      }
      const unknown = register({}, 10, fresh.digest())
      assert.equal(await unknown.outcome, 'tokenUnknown')
      const first = register()
      assert.equal(await first.outcome, 'registered')
      assert.equal(await usesLeft(), 1)
      const taken = register({ clientId: first.client.clientId })
      assert.equal(await taken.outcome, 'taken')
      assert.equal(await usesLeft(), 1, 'what is not registered costs nothing')
      const late = register({}, 100)
      assert.equal(await late.outcome, 'tokenExpired')
      const second = register({}, 99)
      assert.equal(await second.outcome, 'registered')
      const third = register({}, 99)
      assert.equal(await third.outcome, 'tokenSpent')
      assert.equal(await register({ clientId: first.client.clientId }, 99).outcome, 'tokenSpent', 'judged before taken')
      assert.equal(await register({}, 100).outcome, 'tokenExpired', 'judged before spent')
      assert.equal(await usesLeft(), 0)
      for (const { client } of [unknown, late, third])
        assert.equal(await clients.findClient(client.clientId), undefined)
      for (const { client } of [first, second]) assert.deepEqual(await clients.findClient(client.clientId), client)
      const free = fresh.client({ origin: 'registered' })
      assert.equal(await clients.registerClient({ client: free, tokenDigest: undefined }, on(0)), 'registered')
      assert.equal(await clients.registerClient({ client: free, tokenDigest: undefined }, on(0)), 'taken')
      assert.deepEqual(await readEvents(), [first.event, second.event])
    },
  },
  {
    ids: ['DCR-08'],
    title: 'the sweep takes a client that nobody used in time and every token that expired, and no client that is kept',
    covers: [
      'clients.keepClient:kept',
      'clients.keepClient:alreadyKept',
      'clients.keepClient:unknown',
      'sweeps.sweepExpired:value',
    ],
    races: [],
    run: async ({ stores, assert, fresh }) => {
      const ending = { origin: 'registered', unusedExpiresAt: at(100) } as const
      const [unused, used, operators] = [fresh.client(ending), fresh.client(ending), fresh.client()]
      for (const client of [unused, used, operators]) await stores.clients.createClient(client, on(0))
      const [short, long] = [fresh.registrationToken({ expiresAt: at(100) }), fresh.registrationToken()]
      for (const token of [short, long]) await stores.registrationTokens.createRegistrationToken(token, on(0))
      assert.equal(await stores.clients.keepClient(used.clientId), 'kept')
      for (const { clientId } of [used, operators])
        assert.equal(await stores.clients.keepClient(clientId), 'alreadyKept')
      assert.equal(await stores.clients.keepClient(fresh.clientId()), 'unknown')
      assert.equal(await stores.sweeps.sweepExpired({ before: at(100), limit: 10 }), 0)
      assert.equal(await stores.sweeps.sweepExpired({ before: at(101), limit: 10 }), 2)
      assert.equal(await stores.clients.findClient(unused.clientId), undefined)
      assert.deepEqual(await stores.clients.findClient(used.clientId), {
        ...used,
        version: 2,
        unusedExpiresAt: undefined,
      })
      assert.deepEqual(await stores.clients.findClient(operators.clientId), operators)
      assert.equal(await stores.registrationTokens.findRegistrationToken(short.digest), undefined)
      assert.deepEqual(await stores.registrationTokens.findRegistrationToken(long.digest), long)
    },
  },
]

/** Cases on self-registration. */
export const selfRegistrationCases: readonly StoreCase[] = [...tokenCases, ...registrationCases]
