// Owns the races of the outbox: nothing is taken by two, nothing is settled twice, and nobody who got a code in time is forgotten.

import type { ClientRecord } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { basisOf, issued, issueFor, register, type SignedIn, signedIn } from '../world.ts'
import { CONTENDERS, each, eachRound, oneWinner } from './rounds.ts'

const claim = async ({ stores }: CaseTools, limit: number, now = 10): Promise<readonly string[]> => {
  const found = await stores.logouts.claimDeliveries({ sids: 'any', limit, now: at(now), leaseUntil: at(now + 20) })
  return found.map(({ sid, clientId }) => `${sid} ${clientId}`)
}

/** A session with a delivery that waits. */
const endedWorld = async (tools: CaseTools): Promise<SignedIn> => {
  const world = await signedIn(tools)
  await issued(tools, world)
  await tools.stores.sessions.endSession(world.session.sid, on(5))
  return world
}

const drain = async (tools: CaseTools): Promise<void> => {
  await tools.stores.logouts.claimDeliveries({ sids: 'any', limit: 1000, now: at(5000), leaseUntil: at(1_000_000) })
}

const ENDINGS: readonly { readonly title: string; end(tools: CaseTools, world: SignedIn): Promise<unknown> }[] = [
  { title: 'the session', end: ({ stores }, { session }) => stores.sessions.endSession(session.sid, on(10)) },
  {
    title: 'all sessions of the person',
    end: ({ stores }, { session }) =>
      stores.sessions.endSessionsOf({ subject: session.subject, except: undefined }, on(10)),
  },
  {
    title: 'the person’s rights',
    end: ({ stores }, { session }) =>
      stores.subjects.changeSubject({ subject: session.subject, status: 'disabled' }, on(10)),
  },
  {
    title: 'a session that another one replaces',
    end: ({ stores, fresh }, { session }) =>
      stores.sessions.startSession({ session: fresh.session(), replaces: [session.sid] }, on(10)),
  },
]

/** Races of the outbox. */
export const logoutRaces: readonly StoreCase[] = [
  {
    ids: ['OUT-13'],
    title: 'of several that take up deliveries each one gets others, and all are taken',
    covers: ['logouts.claimDeliveries:value'],
    races: ['logouts.claimDeliveries'],
    run: (tools) =>
      eachRound(tools, async () => {
        const worlds: SignedIn[] = []
        for (let count = 0; count < 5; count++) worlds.push(await endedWorld(tools))
        const taken = (await tools.race(each(() => () => claim(tools, 2)))).flat()
        // Whoever came while others held rows took none; what is left is there for the next.
        taken.push(...(await claim(tools, 100)))
        const expected = worlds.map(({ session, client }) => `${session.sid} ${client.clientId}`)
        tools.assert.deepEqual(taken.sort(), expected.sort())
        await drain(tools)
      }),
  },
  {
    ids: ['OUT-13'],
    title: 'of several that settle one attempt, one does',
    covers: ['logouts.settleDelivery:settled', 'logouts.settleDelivery:stale'],
    races: ['logouts.settleDelivery'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { session, client } = await endedWorld(tools)
        await claim(tools, 100)
        const settlement = { sid: session.sid, clientId: client.clientId, attempt: 1, state: 'waiting' } as const
        const rest = { failure: 'timedOut', dueAt: at(50), expiresAt: at(500) }
        const answers = await tools.race(
          each(() => () => tools.stores.logouts.settleDelivery({ ...settlement, ...rest }, on(11))),
        )
        oneWinner(tools, answers, { winner: 'settled', loser: 'stale' })
        await drain(tools)
      }),
  },
  {
    ids: ['OUT-16'],
    title: 'of several that end what is over by time, each session is ended by one',
    covers: ['sessions.endExpiredSessions:value'],
    races: ['sessions.endExpiredSessions'],
    run: (tools) =>
      eachRound(tools, async () => {
        for (let count = 0; count < 5; count++) await signedIn(tools, { idleExpiresAt: at(100) })
        const end = (): Promise<number> => tools.stores.sessions.endExpiredSessions({ now: at(100), limit: 2 })
        const counts = [...(await tools.race(each(() => end)))]
        for (let count = 0; count < 3; count++) counts.push(await end())
        tools.assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          5,
        )
      }),
  },
  ...ENDINGS.map(
    ({ title, end }): StoreCase => ({
      ids: ['OUT-13', 'OUT-16', 'OPS-019'],
      title: `every client that is issued a code while ${title} ends is told, and no other`,
      covers: ['grants.issueAuthorizationCode:issued'],
      races: ['grants.issueAuthorizationCode'],
      run: (tools) =>
        eachRound(tools, async () => {
          const { stores, assert } = tools
          const world = await signedIn(tools)
          const clients: ClientRecord[] = []
          for (let count = 1; count < CONTENDERS; count++) clients.push(await register(tools))
          const issues = await Promise.all(
            clients.map(async (client) => {
              const basis = await basisOf(tools, client, world.session)
              return issueFor(tools, { client, session: world.session, basis })
            }),
          )
          const tries = issues.map((issue) => () => stores.grants.issueAuthorizationCode(issue, on(9)))
          const half = tries.length / 2
          const ending = async (): Promise<string> => {
            await end(tools, world)
            return 'ended'
          }
          // One before the race, so that there is somebody to tell in every round.
          assert.equal(await stores.grants.issueAuthorizationCode(issueFor(tools, world), on(9)), 'issued')
          const answers = await tools.race<string>([...tries.slice(0, half), ending, ...tries.slice(half)])
          const outcomes = answers.filter((answer) => answer !== 'ended')
          const told = [
            world.client.clientId,
            ...clients.filter((_, index) => outcomes[index] === 'issued').map(({ clientId }) => clientId),
          ]
          const { items } = await stores.logouts.listDeliveries({ state: undefined, after: undefined, limit: 10_000 })
          const found = items.filter(({ sid }) => sid === world.session.sid).map(({ clientId }) => clientId)
          assert.deepEqual([...found].sort(), [...told].sort())
        }),
    }),
  ),
]
