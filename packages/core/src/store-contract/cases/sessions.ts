// Owns the cases on people and their sessions. Never races: see races/.

import type { StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { issued, redeem, redemptionOf, signedIn, signIn } from '../world.ts'

/** Cases on people: recorded once, and every change bumps the version. */
export const subjectCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'a person is recorded once, and every change of status bumps the version, the same status included',
    covers: [
      'subjects.createSubject:created',
      'subjects.createSubject:taken',
      'subjects.changeSubject:changed',
      'subjects.changeSubject:unknown',
      'subjects.findSubject:value',
      'subjects.findSubject:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const subject = fresh.subject()
      const events = [fresh.event(), fresh.event(), fresh.event(), fresh.event()]
      assert.equal(await stores.subjects.findSubject(subject), undefined)
      const missing = { subject, status: 'disabled' } as const
      assert.equal(await stores.subjects.changeSubject(missing, on(0, fresh.event())), 'unknown')
      assert.equal(await stores.subjects.findSubject(subject), undefined)
      assert.equal(await stores.subjects.createSubject(subject, on(0, ...events.slice(0, 1))), 'created')
      assert.equal(await stores.subjects.createSubject(subject, on(0, fresh.event())), 'taken')
      assert.deepEqual(await stores.subjects.findSubject(subject), { subject, status: 'active', version: 1 })
      for (const [index, status] of (['active', 'disabled', 'active'] as const).entries()) {
        const happens = on(1, ...events.slice(index + 1, index + 2))
        assert.equal(await stores.subjects.changeSubject({ subject, status }, happens), 'changed')
        assert.deepEqual(await stores.subjects.findSubject(subject), { subject, status, version: index + 2 })
      }
      assert.deepEqual(await tools.readEvents(), events)
    },
  },
]

/** Cases on starting, finding, touching and ending sessions. */
export const sessionCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'sessions are found with their person in the order asked, ended and expired ones too, unknown ones left out',
    covers: ['sessions.startSession:started', 'sessions.findSessions:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const first = await signIn(tools, { amr: ['pwd', 'otp'], acr: 'gold' })
      const second = await signIn(tools, { amr: [], idleExpiresAt: at(1), absoluteExpiresAt: at(2) })
      const third = await signIn(tools)
      await stores.sessions.endSession(third.sid, on(3))
      await stores.subjects.changeSubject({ subject: second.subject, status: 'disabled' }, on(4))
      const found = await stores.sessions.findSessions([
        third.secretDigest,
        fresh.digest(),
        first.secretDigest,
        second.secretDigest,
      ])
      assert.deepEqual(found, [
        { session: { ...third, endedAt: at(3) }, subject: { subject: third.subject, status: 'active', version: 1 } },
        { session: first, subject: { subject: first.subject, status: 'active', version: 1 } },
        {
          session: { ...second, endedAt: at(4) },
          subject: { subject: second.subject, status: 'disabled', version: 2 },
        },
      ])
      assert.deepEqual(await stores.sessions.findSessions([]), [])
    },
  },
  {
    ids: [],
    title: 'starting a session ends those it replaces and no other one, and leaves the record of a known person alone',
    covers: ['sessions.startSession:started'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const replaced = await signIn(tools)
      const { subject } = replaced
      const ended = await signIn(tools, { subject })
      const kept = await signIn(tools, { subject })
      await stores.sessions.endSession(ended.sid, on(1))
      await stores.subjects.changeSubject({ subject, status: 'active' }, on(1))
      const event = fresh.event()
      const session = fresh.session({ subject, startedAt: at(5), authTime: at(4) })
      const start = { session, replaces: [replaced.sid, ended.sid, fresh.sessionId()] }
      assert.equal(await stores.sessions.startSession(start, on(5, event)), 'started')
      const digests = [replaced, ended, kept, session].map((one) => one.secretDigest)
      const found = await stores.sessions.findSessions(digests)
      assert.deepEqual(
        found.map((snapshot) => snapshot.session),
        [{ ...replaced, endedAt: at(5) }, { ...ended, endedAt: at(1) }, kept, session],
      )
      assert.deepEqual(await stores.subjects.findSubject(subject), { subject, status: 'active', version: 2 })
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: ['WEB-007'],
    title:
      'renewing a session replaces its secret, sign-in and ends, keeps its identifier and start, and leaves its grants alive',
    covers: ['sessions.renewSession:renewed', 'sessions.renewSession:stale', 'sessions.renewSession:subjectDisabled'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const before = await signIn(tools, { idleExpiresAt: at(50) })
      const { sid, subject, secretDigest: from } = before
      const renewed = fresh.session({ sid, subject, authTime: at(9), startedAt: at(9), amr: ['otp'], acr: 'gold' })
      const event = fresh.event()
      const other = await signIn(tools)
      const stale = [
        { session: renewed, from: fresh.digest() },
        { session: { ...renewed, subject: other.subject }, from },
        { session: { ...renewed, sid: fresh.sessionId() }, from },
      ]
      for (const wrong of stale) assert.equal(await stores.sessions.renewSession(wrong, on(9, fresh.event())), 'stale')
      assert.equal(await stores.sessions.renewSession({ session: renewed, from }, on(50, fresh.event())), 'stale')
      assert.deepEqual((await stores.sessions.findSessions([from]))[0]?.session, before)
      assert.equal(await stores.sessions.renewSession({ session: renewed, from }, on(9, event)), 'renewed')
      const found = await stores.sessions.findSessions([from, renewed.secretDigest])
      assert.deepEqual(
        found.map((snapshot) => snapshot.session),
        [{ ...renewed, startedAt: before.startedAt }],
      )
      const again = { session: { ...renewed, secretDigest: fresh.digest() }, from: renewed.secretDigest }
      await stores.subjects.changeSubject({ subject, status: 'disabled' }, on(10))
      assert.equal(await stores.sessions.renewSession(again, on(10, fresh.event())), 'subjectDisabled')
      await stores.subjects.changeSubject({ subject, status: 'active' }, on(11))
      await stores.sessions.endSession(sid, on(12))
      assert.equal(await stores.sessions.renewSession(again, on(13, fresh.event())), 'stale')
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: ['OPS-018'],
    title: 'no session starts for a disabled person, and the sessions it would have replaced go on',
    covers: ['sessions.startSession:subjectDisabled'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const before = await signIn(tools)
      const { subject } = await signIn(tools)
      await stores.subjects.changeSubject({ subject, status: 'disabled' }, on(1))
      const session = fresh.session({ subject })
      const start = { session, replaces: [before.sid] }
      assert.equal(await stores.sessions.startSession(start, on(2, fresh.event())), 'subjectDisabled')
      const found = await stores.sessions.findSessions([session.secretDigest, before.secretDigest])
      assert.deepEqual(
        found.map((snapshot) => snapshot.session),
        [before],
      )
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: [],
    title: 'a touch moves the idle end forward, never back, never past the absolute end, never of an ended session',
    covers: ['sessions.touchSession:touched', 'sessions.touchSession:ended'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const session = await signIn(tools, { idleExpiresAt: at(100), absoluteExpiresAt: at(1000) })
      const { sid } = session
      const idleEnd = async (): Promise<unknown> =>
        (await stores.sessions.findSessions([session.secretDigest]))[0]?.session.idleExpiresAt
      for (const [given, expected] of [
        [200, 200],
        [150, 200],
        [5000, 1000],
      ] as const) {
        assert.equal(await stores.sessions.touchSession({ sid, idleExpiresAt: at(given) }), 'touched')
        assert.equal(await idleEnd(), at(expected), `a touch to ${given}`)
      }
      const capped = await signIn(tools, { idleExpiresAt: at(5000), absoluteExpiresAt: at(1000) })
      const [found] = await stores.sessions.findSessions([capped.secretDigest])
      assert.equal(found?.session.idleExpiresAt, at(1000), 'from the start')
      const other = await signIn(tools, { idleExpiresAt: at(100) })
      await stores.sessions.endSession(other.sid, on(1))
      assert.equal(await stores.sessions.touchSession({ sid: other.sid, idleExpiresAt: at(500) }), 'ended')
      assert.deepEqual((await stores.sessions.findSessions([other.secretDigest]))[0]?.session, {
        ...other,
        endedAt: at(1),
      })
      const unknown = { sid: fresh.sessionId(), idleExpiresAt: at(500) }
      assert.equal(await stores.sessions.touchSession(unknown), 'ended')
    },
  },
  {
    ids: [],
    title: 'an ended session stays ended at its first instant, and its grants die with it unless they are offline',
    covers: ['sessions.endSession:ended', 'sessions.endSession:alreadyEnded', 'sessions.endSession:unknown'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const bound = await issued(tools, world)
      const offline = await issued(tools, world, { grant: { offline: true } })
      const event = fresh.event()
      assert.equal(await stores.sessions.endSession(world.session.sid, on(5, event)), 'ended')
      assert.equal(await stores.sessions.endSession(world.session.sid, on(6, fresh.event())), 'alreadyEnded')
      assert.equal(await stores.sessions.endSession(fresh.sessionId(), on(6, fresh.event())), 'unknown')
      const [found] = await stores.sessions.findSessions([world.session.secretDigest])
      assert.equal(found?.session.endedAt, at(5))
      assert.deepEqual(await redeem(tools, redemptionOf(tools, bound)), { outcome: 'stale' })
      assert.deepEqual(await redeem(tools, redemptionOf(tools, offline)), { outcome: 'redeemed' })
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: [],
    title: 'all sessions of a person but one are ended and counted, and those of others go on',
    covers: ['sessions.endSessionsOf:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const first = await signIn(tools)
      const { subject } = first
      const kept = await signIn(tools, { subject })
      const ended = await signIn(tools, { subject })
      const stranger = await signIn(tools)
      await stores.sessions.endSession(ended.sid, on(1))
      const event = fresh.event()
      assert.equal(await stores.sessions.endSessionsOf({ subject, except: kept.sid }, on(2, event)), 1)
      const endings = async (): Promise<readonly unknown[]> =>
        (await stores.sessions.findSessions([first, kept, ended, stranger].map((session) => session.secretDigest))).map(
          (snapshot) => snapshot.session.endedAt,
        )
      assert.deepEqual(await endings(), [at(2), undefined, at(1), undefined])
      assert.equal(await stores.sessions.endSessionsOf({ subject, except: undefined }, on(3)), 1)
      assert.deepEqual(await endings(), [at(2), at(3), at(1), undefined])
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
]
