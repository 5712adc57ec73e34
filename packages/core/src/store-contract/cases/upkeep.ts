// Owns the cases on one-time identifiers, counters of failures, the key ring, the audit log and the sweep. Races are in races/.

import type { AttemptPolicy } from '../../store/index.ts'
import type { StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { issued, issueFor, opened, redeem, redemptionOf, signedIn, signIn, tokenFor, tokenNow } from '../world.ts'
import { consentOf, settleAnew } from './settle.ts'

/** Two free failures, then 10, 20, 40, 60, 60 ... seconds; forgotten after an hour. */
const POLICY: AttemptPolicy = { free: 2, baseDelay: 10, maxDelay: 60, forgetAfter: 3600 }

const reservationCases: readonly StoreCase[] = [
  {
    ids: ['OPS-021'],
    title: 'identifiers are reserved all or none, each once under its namespace until it expires',
    covers: ['reservations.reserve:reserved', 'reservations.reserve:replayed'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const first = fresh.reservation({ expiresAt: at(100) })
      const second = fresh.reservation()
      assert.equal(await stores.reservations.reserve([first], at(0)), 'reserved')
      assert.equal(await stores.reservations.reserve([second, first], at(99)), 'replayed')
      assert.equal(await stores.reservations.reserve([second], at(99)), 'reserved', 'all or none')
      assert.equal(await stores.reservations.reserve([{ ...first, namespace: fresh.text() }], at(99)), 'reserved')
      const anew = { ...first, expiresAt: at(300) }
      assert.equal(await stores.reservations.reserve([anew], at(100)), 'reserved', 'the first one expired')
      assert.equal(await stores.reservations.reserve([anew], at(101)), 'replayed')
      assert.equal(await stores.reservations.reserve([], at(101)), 'reserved')
    },
  },
]

const attemptCases: readonly StoreCase[] = [
  {
    ids: ['WEB-020', 'ADV-028'],
    title: 'delays double after the free failures up to the longest, and each ends by itself',
    covers: ['attempts.admitAttempt:admitted', 'attempts.admitAttempt:throttled'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const keys = [{ key: fresh.digest(), policy: POLICY }]
      let seconds = 0
      for (const delay of [0, 0, 10, 20, 40, 60, 60]) {
        assert.deepEqual(await stores.attempts.admitAttempt(keys, at(seconds)), { outcome: 'admitted' })
        if (delay > 0) {
          const throttled = { outcome: 'throttled', until: at(seconds + delay) }
          assert.deepEqual(await stores.attempts.admitAttempt(keys, at(seconds)), throttled)
          assert.deepEqual(await stores.attempts.admitAttempt(keys, at(seconds + delay - 1)), throttled)
        }
        seconds += delay
      }
      const other = [{ key: fresh.digest(), policy: POLICY }]
      assert.deepEqual(await stores.attempts.admitAttempt(other, at(seconds)), { outcome: 'admitted' })
    },
  },
  {
    ids: [],
    title: 'a free failure blocks nobody, not even an attempt that read the clock earlier and came later',
    covers: ['attempts.admitAttempt:admitted'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const keys = [fresh.digest(), fresh.digest()].map((key) => ({ key, policy: { ...POLICY, free: 2 } }))
      assert.deepEqual(await stores.attempts.admitAttempt(keys, at(10)), { outcome: 'admitted' })
      assert.deepEqual(await stores.attempts.admitAttempt(keys, at(9)), { outcome: 'admitted' })
    },
  },
  {
    ids: ['WEB-020'],
    title: 'failures are forgotten after their time, and not before',
    covers: ['attempts.admitAttempt:admitted', 'attempts.admitAttempt:throttled'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const count = async (keys: readonly { key: ReturnType<typeof fresh.digest>; policy: AttemptPolicy }[]) => {
        for (let tries = 0; tries < 2; tries++) await stores.attempts.admitAttempt(keys, at(tries))
      }
      const early = [{ key: fresh.digest(), policy: POLICY }]
      await count(early)
      assert.deepEqual(await stores.attempts.admitAttempt(early, at(3600)), { outcome: 'admitted' })
      assert.deepEqual(await stores.attempts.admitAttempt(early, at(3600)), { outcome: 'throttled', until: at(3610) })
      const late = [{ key: fresh.digest(), policy: POLICY }]
      await count(late)
      for (let tries = 0; tries < 3; tries++) {
        assert.deepEqual(await stores.attempts.admitAttempt(late, at(3601)), { outcome: 'admitted' })
      }
      assert.deepEqual(await stores.attempts.admitAttempt(late, at(3601)), { outcome: 'throttled', until: at(3611) })
    },
  },
  {
    ids: ['WEB-020'],
    title: 'of several keys the longest block counts, and while one is blocked none is counted',
    covers: ['attempts.admitAttempt:throttled'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const short = { key: fresh.digest(), policy: { ...POLICY, free: 0 } }
      const long = { key: fresh.digest(), policy: { ...POLICY, free: 0, baseDelay: 30 } }
      const free = { key: fresh.digest(), policy: POLICY }
      assert.deepEqual(await stores.attempts.admitAttempt([short, long], at(0)), { outcome: 'admitted' })
      for (const keys of [
        [short, long, free],
        [free, long, short],
      ]) {
        for (let tries = 0; tries < 5; tries++) {
          const answer = await stores.attempts.admitAttempt(keys, at(9))
          assert.deepEqual(answer, { outcome: 'throttled', until: at(30) })
        }
      }
      for (let tries = 0; tries < 3; tries++) {
        assert.deepEqual(await stores.attempts.admitAttempt([free], at(9)), { outcome: 'admitted' }, 'it had no count')
      }
      assert.deepEqual(await stores.attempts.admitAttempt([short], at(10)), { outcome: 'admitted' })
      assert.deepEqual(await stores.attempts.admitAttempt([short], at(10)), { outcome: 'throttled', until: at(30) })
    },
  },
  {
    ids: [],
    title: 'a success forgets some keys whole, and takes one failure and its delay back from others',
    covers: ['attempts.absolveAttempt:nothing', 'attempts.admitAttempt:admitted'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const reset = { key: fresh.digest(), policy: POLICY }
      const undo = { key: fresh.digest(), policy: POLICY }
      const both = [reset, undo]
      await stores.attempts.admitAttempt(both, at(0))
      await stores.attempts.admitAttempt(both, at(0))
      await stores.attempts.admitAttempt(both, at(0))
      assert.deepEqual(await stores.attempts.admitAttempt(both, at(0)), { outcome: 'throttled', until: at(10) })
      await stores.attempts.absolveAttempt({ reset: [reset.key, fresh.digest()], undo: [undo.key, fresh.digest()] })
      assert.deepEqual(await stores.attempts.admitAttempt([undo], at(1)), { outcome: 'admitted' }, 'the delay is gone')
      assert.deepEqual(await stores.attempts.admitAttempt([undo], at(1)), { outcome: 'throttled', until: at(11) })
      for (let tries = 0; tries < 3; tries++) {
        assert.deepEqual(
          await stores.attempts.admitAttempt([reset], at(1)),
          { outcome: 'admitted' },
          'the count is gone',
        )
      }
      assert.deepEqual(await stores.attempts.admitAttempt([reset], at(1)), { outcome: 'throttled', until: at(11) })
    },
  },
]

const keyCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'the key ring begins empty at revision 0 and is replaced whole, from the revision before only',
    covers: ['keys.loadKeyRing:value', 'keys.saveKeyRing:saved', 'keys.saveKeyRing:stale'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      assert.deepEqual(await stores.keys.loadKeyRing(), { revision: 0, keys: [] })
      const keys = [
        fresh.key(),
        fresh.key({ state: 'next', alg: 'ES256' }),
        fresh.key({ state: 'retiring', alg: 'EdDSA', since: at(5) }),
      ]
      const events = [fresh.event(), fresh.event()]
      assert.equal(await stores.keys.saveKeyRing({ revision: 1, keys }, on(0, fresh.event())), 'stale')
      assert.equal(await stores.keys.saveKeyRing({ revision: 0, keys }, on(0, ...events.slice(0, 1))), 'saved')
      assert.equal(await stores.keys.saveKeyRing({ revision: 0, keys: [] }, on(1, fresh.event())), 'stale')
      assert.deepEqual(await stores.keys.loadKeyRing(), { revision: 1, keys })
      const kept = keys.slice(1, 2).map((key) => ({ ...key, state: 'active' as const, since: at(9) }))
      assert.equal(await stores.keys.saveKeyRing({ revision: 1, keys: kept }, on(9, ...events.slice(1))), 'saved')
      assert.deepEqual(await stores.keys.loadKeyRing(), { revision: 2, keys: kept })
      assert.deepEqual(await tools.readEvents(), events)
    },
  },
]

const auditCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'events are appended as they are, equal ones too, and those of a transition are written beside them',
    covers: ['audit.appendEvents:nothing'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const bare = { name: 'contract.bare', at: at(3), fields: {} }
      const rich = {
        name: 'contract.rich',
        at: at(4),
        fields: { text: "“ü” \\ ' %", deep: { list: [1, 'two', [null]] } },
      }
      await stores.audit.appendEvents([bare, rich, bare])
      await stores.audit.appendEvents([])
      const event = fresh.event()
      await stores.subjects.createSubject(fresh.subject(), on(5, event, bare))
      const nameOf = (entry: { readonly name: string }): string => entry.name
      const stored = [...(await tools.readEvents())].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))
      assert.deepEqual(stored, [bare, bare, bare, event, rich])
    },
  },
]

const sweepCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'the sweep takes what expired before its instant, at most its limit of each kind, and answers how many',
    covers: ['sweeps.sweepExpired:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const ends = [10, 11, 12, 13, 14, 100]
      await stores.reservations.reserve(
        ends.map((end) => fresh.reservation({ expiresAt: at(end) })),
        at(0),
      )
      const sweep = (before: number): Promise<number> => stores.sweeps.sweepExpired({ before: at(before), limit: 2 })
      assert.deepEqual([await sweep(10), await sweep(14), await sweep(14), await sweep(14)], [0, 2, 2, 0])
      assert.deepEqual([await sweep(15), await sweep(15)], [1, 0])
    },
  },
  {
    ids: [],
    title: 'the sweep takes expired sessions, consents, interactions, codes and tokens, and leaves what still counts',
    covers: [
      'sweeps.sweepExpired:value',
      'interactions.findInteraction:nothing',
      'consents.findConsent:nothing',
      'grants.findAuthorizationCode:nothing',
      'accessTokens.findAccessToken:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const short = await signIn(tools, { idleExpiresAt: at(500) })
      const key = { subject: world.session.subject, clientId: world.client.clientId }
      const consent = consentOf(world, { expiresAt: at(500) })
      await settleAnew(tools, world, { issue: issueFor(tools, world), consent })
      const old = await opened(tools, world.client, { expiresAt: at(500) })
      const young = await opened(tools, world.client, { expiresAt: at(5000) })
      const unused = await issued(tools, world)
      const used = await issued(tools, world)
      const longLived = redemptionOf(tools, used)
      await redeem(tools, longLived)
      const spent = await issued(tools, world)
      const shortLived = redemptionOf(tools, spent, {
        accessToken: { ...tokenFor(tools, spent.grant), expiresAt: at(500) },
      })
      await redeem(tools, shortLived)
      let rounds = 0
      while ((await stores.sweeps.sweepExpired({ before: at(501), limit: 100 })) > 0) {
        rounds++
        assert.equal(rounds < 10, true, 'the sweep comes to an end')
      }
      const sessions = await stores.sessions.findSessions([short.secretDigest, world.session.secretDigest])
      assert.deepEqual(
        sessions.map((found) => found.session),
        [world.session],
      )
      assert.equal(await stores.consents.findConsent(key), undefined)
      assert.equal(await stores.interactions.findInteraction(old.interaction.id), undefined)
      assert.deepEqual(await stores.interactions.findInteraction(young.interaction.id), young.interaction)
      for (const gone of [unused, spent]) {
        const code = { handle: gone.grant.handle, codeDigest: gone.codeDigest }
        assert.equal(await stores.grants.findAuthorizationCode(code), undefined)
      }
      assert.equal(await tokenNow(tools, shortLived.accessToken), undefined)
      assert.equal((await tokenNow(tools, longLived.accessToken))?.token.digest, longLived.accessToken.digest)
      assert.deepEqual((await redeem(tools, redemptionOf(tools, used), 502)).outcome, 'replayed')
    },
  },
  {
    ids: ['WEB-020'],
    title: 'the sweep takes forgotten counters, and none that still counts',
    covers: ['sweeps.sweepExpired:value', 'attempts.admitAttempt:throttled'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const keys = [{ key: fresh.digest(), policy: POLICY }]
      for (let tries = 0; tries < 2; tries++) await stores.attempts.admitAttempt(keys, at(0))
      assert.equal(await stores.sweeps.sweepExpired({ before: at(3600), limit: 10 }), 0)
      await stores.attempts.admitAttempt(keys, at(3599))
      assert.deepEqual(await stores.attempts.admitAttempt(keys, at(3599)), { outcome: 'throttled', until: at(3609) })
      assert.equal(await stores.sweeps.sweepExpired({ before: at(3599 + 3601), limit: 10 }), 1)
    },
  },
]

/** Cases on everything that is not a record of its own. */
export const upkeepCases: readonly StoreCase[] = [
  ...reservationCases,
  ...attemptCases,
  ...keyCases,
  ...auditCases,
  ...sweepCases,
]
