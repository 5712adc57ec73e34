// Owns the cases on who was signed in where, and on the outbox of those who are to be told. Never races: see races/.

import type { ClientRecord, LogoutDeliveryRecord } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { basisOf, issued, register, type SignedIn, signedIn, signIn } from '../world.ts'

/** Another client, issued a code in the same session. */
const join = async (tools: CaseTools, { session }: SignedIn, changes: Partial<ClientRecord> = {}) => {
  const client = await register(tools, changes)
  await issued(tools, { client, session, basis: await basisOf(tools, client, session) })
  return client
}

/** All deliveries, in the order of the store. */
export const deliveriesOf = async (tools: CaseTools): Promise<readonly LogoutDeliveryRecord[]> =>
  (await tools.stores.logouts.listDeliveries({ state: undefined, after: undefined, limit: 1000 })).items

const idsOf = (clients: readonly { readonly clientId: string }[]): readonly string[] =>
  clients.map(({ clientId }) => clientId).sort()

/** A delivery that waits for its first attempt. */
const waiting = ({ client, session }: Pick<SignedIn, 'client' | 'session'>, second: number): LogoutDeliveryRecord => ({
  sid: session.sid,
  clientId: client.clientId,
  subject: session.subject,
  state: 'waiting',
  attempts: 0,
  takenAt: undefined,
  failure: undefined,
  createdAt: at(second),
  dueAt: at(second),
  expiresAt: at(second),
})

const NO_URI = {
  postLogoutRedirectUris: [],
  backchannelUri: undefined,
  backchannelSessionRequired: false,
} as const

/** Each way in which a session ends. */
const ENDINGS: readonly { readonly title: string; end(tools: CaseTools, world: SignedIn): Promise<unknown> }[] = [
  {
    title: 'one session is ended',
    end: ({ stores }, { session }) => stores.sessions.endSession(session.sid, on(5)),
  },
  {
    title: 'all sessions of the person are ended',
    end: ({ stores }, { session }) =>
      stores.sessions.endSessionsOf({ subject: session.subject, except: undefined }, on(5)),
  },
  {
    title: 'the person is disabled',
    end: ({ stores }, { session }) =>
      stores.subjects.changeSubject({ subject: session.subject, status: 'disabled' }, on(5)),
  },
  {
    title: 'another session takes its place',
    end: ({ stores, fresh }, { session }) =>
      stores.sessions.startSession({ session: fresh.session(), replaces: [session.sid] }, on(5)),
  },
]

/** Cases on the outbox. */
export const logoutCases: readonly StoreCase[] = [
  ...ENDINGS.map(
    ({ title, end }): StoreCase => ({
      ids: ['OUT-13', 'OUT-16'],
      title: `when ${title}, every client that was issued a code in it and wants to be told gets one delivery, and nobody else`,
      covers: ['logouts.listDeliveries:value', 'logouts.listSessionClients:value'],
      races: [],
      run: async (tools) => {
        const { stores, assert } = tools
        const world = await signedIn(tools)
        await issued(tools, world)
        await issued(tools, world)
        const second = await join(tools, world)
        const silent = await join(tools, world, { logout: NO_URI })
        const disabled = await join(tools, world)
        await stores.clients.updateClient({ ...disabled, version: 2, disabled: true }, on(1))
        const deleted = await join(tools, world)
        await stores.clients.deleteClient(deleted.clientId, on(1))
        await stores.clients.createClient({ ...deleted, name: 'Another with its id' }, on(2))
        await register(tools)
        const stranger = await signedIn(tools)
        await issued(tools, stranger)
        assert.deepEqual(await deliveriesOf(tools), [])
        await end(tools, world)
        const expected = [world.client, second].map((client) => waiting({ ...world, client }, 5))
        const found = await deliveriesOf(tools)
        assert.deepEqual(idsOf(found), idsOf(expected))
        for (const one of expected) {
          assert.deepEqual(
            found.find(({ clientId }) => clientId === one.clientId),
            one,
          )
        }
        const known = await stores.logouts.listSessionClients([world.session.sid])
        assert.deepEqual(idsOf(known), idsOf([world.client, second, silent, disabled]), 'ended sessions keep theirs')
        await end(tools, world)
        assert.equal((await deliveriesOf(tools)).length, 2, 'a session ends once')
      },
    }),
  ),
  {
    ids: ['OUT-16'],
    title: 'to disable a person ends all his sessions in the same write; any other change ends none',
    covers: ['subjects.changeSubject:changed'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const first = await signIn(tools)
      const { subject } = first
      const second = await signIn(tools, { subject })
      const stranger = await signIn(tools)
      const endings = async (): Promise<readonly unknown[]> =>
        (await stores.sessions.findSessions([first, second, stranger].map(({ secretDigest }) => secretDigest))).map(
          ({ session }) => session.endedAt,
        )
      await stores.subjects.changeSubject({ subject, status: 'active' }, on(1))
      assert.deepEqual(await endings(), [undefined, undefined, undefined])
      await stores.subjects.changeSubject({ subject, status: 'disabled' }, on(2))
      assert.deepEqual(await endings(), [at(2), at(2), undefined])
      await stores.subjects.changeSubject({ subject, status: 'active' }, on(3))
      assert.deepEqual(await endings(), [at(2), at(2), undefined], 'none lives again')
    },
  },
  {
    ids: ['OUT-16'],
    title: 'sessions that are over by time are ended as by any other ending, at most as many as asked, each once',
    covers: ['sessions.endExpiredSessions:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const idle = await signedIn(tools, { idleExpiresAt: at(100) })
      const old = await signedIn(tools, { idleExpiresAt: at(5000), absoluteExpiresAt: at(50) })
      const live = await signedIn(tools, { idleExpiresAt: at(101) })
      const ended = await signedIn(tools, { idleExpiresAt: at(100) })
      await issued(tools, idle)
      await stores.sessions.endSession(ended.session.sid, on(10))
      assert.equal(await stores.sessions.endExpiredSessions({ now: at(49), limit: 10 }), 0)
      assert.equal(await stores.sessions.endExpiredSessions({ now: at(100), limit: 1 }), 1)
      assert.equal(await stores.sessions.endExpiredSessions({ now: at(100), limit: 10 }), 1)
      assert.equal(await stores.sessions.endExpiredSessions({ now: at(100), limit: 10 }), 0)
      const digests = [idle, old, live, ended].map(({ session }) => session.secretDigest)
      const found = await stores.sessions.findSessions(digests)
      assert.deepEqual(
        found.map(({ session }) => session.endedAt),
        [at(100), at(100), undefined, at(10)],
      )
      assert.deepEqual(await deliveriesOf(tools), [waiting(idle, 100)])
    },
  },
  {
    ids: ['OUT-13'],
    title:
      'a delivery is taken up when it is due, counts its attempts, is taken up again when nobody settled it, and settled by the last taker alone',
    covers: ['logouts.claimDeliveries:value', 'logouts.settleDelivery:settled', 'logouts.settleDelivery:stale'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      await issued(tools, world)
      const { sid } = world.session
      const { clientId } = world.client
      const claim = (second: number, lease: number, sids: readonly (typeof sid)[] | 'any' = 'any') =>
        stores.logouts.claimDeliveries({ sids, limit: 10, now: at(second), leaseUntil: at(lease) })
      await stores.sessions.endSession(sid, on(5))
      assert.deepEqual(await claim(4, 30), [], 'not due')
      assert.deepEqual(await claim(5, 30, [fresh.sessionId()]), [], 'another session')
      const taken = { ...waiting(world, 5), attempts: 1, takenAt: at(5), dueAt: at(30) }
      assert.deepEqual(await claim(5, 30, [sid]), [taken])
      assert.deepEqual(await claim(29, 60), [], 'somebody has it')
      assert.deepEqual(await claim(30, 60), [{ ...taken, attempts: 2, takenAt: at(30), dueAt: at(60) }])
      const settle = (
        attempt: number,
        changes: Partial<LogoutDeliveryRecord>,
        ...events: readonly ReturnType<typeof fresh.event>[]
      ) =>
        stores.logouts.settleDelivery(
          {
            sid,
            clientId,
            attempt,
            state: 'waiting',
            failure: 'answered503',
            dueAt: at(90),
            expiresAt: at(900),
            ...changes,
          },
          on(31, ...events),
        )
      assert.equal(await settle(1, { state: 'dead' }, fresh.event()), 'stale', 'an attempt that took too long')
      assert.equal(await settle(3, {}, fresh.event()), 'stale', 'an attempt that never was')
      const [later, done] = [fresh.event(), fresh.event()]
      assert.equal(await settle(2, {}, later), 'settled')
      assert.equal(await settle(2, { state: 'dead' }, fresh.event()), 'stale', 'settled already')
      const rested = { ...waiting(world, 5), attempts: 2, failure: 'answered503', dueAt: at(90), expiresAt: at(900) }
      assert.deepEqual(await deliveriesOf(tools), [rested])
      assert.deepEqual(await claim(89, 120), [])
      assert.equal((await claim(90, 120)).length, 1)
      const ending = { state: 'delivered', failure: undefined, dueAt: at(91), expiresAt: at(1000) } as const
      assert.equal(await settle(3, ending, done), 'settled')
      assert.deepEqual(await deliveriesOf(tools), [{ ...rested, attempts: 3, ...ending }])
      assert.deepEqual(await claim(10_000, 10_060), [], 'what is delivered is not taken up again')
      assert.deepEqual(await tools.readEvents(), [later, done])
    },
  },
  {
    ids: [],
    title: 'the longest due deliveries are taken first, and a list of deliveries goes on where it stopped',
    covers: ['logouts.claimDeliveries:value', 'logouts.listDeliveries:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const worlds: SignedIn[] = []
      for (let count = 0; count < 5; count++) {
        const world = await signedIn(tools)
        await issued(tools, world)
        worlds.push(world)
      }
      for (const [index, { session }] of worlds.toReversed().entries()) {
        await stores.sessions.endSession(session.sid, on(10 + index))
      }
      const first = await stores.logouts.claimDeliveries({ sids: 'any', limit: 2, now: at(20), leaseUntil: at(50) })
      const oldest = worlds.toReversed().slice(0, 2)
      assert.deepEqual(idsOf(first), idsOf(oldest.map(({ client }) => client)))
      const dead = { state: 'dead', failure: 'answered400', dueAt: at(20), expiresAt: at(99) } as const
      for (const { sid, clientId } of first) {
        assert.equal(await stores.logouts.settleDelivery({ sid, clientId, attempt: 1, ...dead }, on(20)), 'settled')
      }
      const collect = async (state: LogoutDeliveryRecord['state'] | undefined): Promise<readonly string[]> => {
        const found: string[] = []
        let after: string | undefined
        do {
          const page = await stores.logouts.listDeliveries({ state, after, limit: 2 })
          assert.equal(page.items.length <= 2, true)
          found.push(...page.items.map(({ clientId }) => clientId))
          after = page.next
        } while (after !== undefined)
        return found.sort()
      }
      assert.deepEqual(await collect('dead'), idsOf(oldest.map(({ client }) => client)))
      assert.deepEqual(await collect('waiting'), idsOf(worlds.slice(0, 3).map(({ client }) => client)))
      assert.deepEqual(await collect(undefined), idsOf(worlds.map(({ client }) => client)))
      assert.equal((await stores.logouts.listDeliveries({ state: 'dead', after: undefined, limit: 2 })).next, undefined)
    },
  },
  {
    ids: [],
    title: 'the sweep takes deliveries that may be forgotten, and the clients of a session with the session',
    covers: ['sweeps.sweepExpired:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const kept = await signedIn(tools)
      const gone = await signedIn(tools, { idleExpiresAt: at(100) })
      for (const world of [kept, gone]) {
        await issued(tools, world)
        await stores.sessions.endSession(world.session.sid, on(5))
      }
      await stores.logouts.claimDeliveries({ sids: [kept.session.sid], limit: 1, now: at(5), leaseUntil: at(60) })
      await stores.logouts.settleDelivery(
        {
          sid: kept.session.sid,
          clientId: kept.client.clientId,
          attempt: 1,
          state: 'dead',
          failure: 'timedOut',
          dueAt: at(6),
          expiresAt: at(500),
        },
        on(6),
      )
      const sids = [kept.session.sid, gone.session.sid]
      await stores.sweeps.sweepExpired({ before: at(101), limit: 100 })
      assert.deepEqual(
        (await deliveriesOf(tools)).map(({ sid }) => sid),
        [kept.session.sid],
      )
      assert.deepEqual(await stores.logouts.listSessionClients(sids), [
        { sid: kept.session.sid, clientId: kept.client.clientId },
      ])
    },
  },
]
