// Owns a long mix of all transitions on the same few rows: the locks that one takes must never close a circle with those of another.
// Never judges who wins: the contract's races do.

import { setTimeout as sleep } from 'node:timers/promises'
import { instant, type Stores } from '@vouchsafe/core'
import t from 'tap'
import { openBench } from './harness.ts'
import { NOW, newDigest, newWorld, occasion, type World } from './world.ts'

t.setTimeout(300_000)
const bench = await openBench()
t.teardown(() => bench.close())

const SECONDS = 60
const CALLERS = 20

type Step = (stores: Stores, world: World) => Promise<unknown>

const proofs = [0, 1, 2].map(() => ({ namespace: 'mix', digest: newDigest(), expiresAt: instant(NOW + 1) }))
const policy = { free: 1, baseDelay: 1, maxDelay: 60, forgetAfter: 600 }
const counters = [0, 1, 2].map(() => ({ key: newDigest(), policy }))

/** In another order each time, because it is the order that closes a circle. */
const shuffled = <T>(list: readonly T[]): readonly T[] =>
  list
    .map((item) => [Math.random(), item] as const)
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item)

const currentBasis = async (stores: Stores, world: World) => ({
  clientVersion: (await stores.clients.findClient(world.client.clientId))?.version ?? 0,
  subjectVersion: (await stores.subjects.findSubject(world.session.subject))?.version ?? 0,
  sid: world.session.sid,
  consentVersion: undefined,
})

const issueNow = async (stores: Stores, world: World) => ({
  ...world.newIssue(),
  basis: await currentBasis(stores, world),
})

const STEPS: readonly Step[] = [
  async (stores, world) => {
    const issue = await issueNow(stores, world)
    if ((await stores.grants.issueAuthorizationCode(issue, occasion)) === 'stale') return
    const redemption = { ...world.redemptionOf(issue), basis: issue.basis, proofs: shuffled(proofs) }
    await Promise.all(
      [1, 2, 3].map(() => stores.grants.redeemAuthorizationCode(redemption, { ...occasion, replayEvents: [] })),
    )
  },
  async (stores, world) => {
    const { id, browserDigest } = await world.opened()
    const consent = {
      subject: world.session.subject,
      clientId: world.client.clientId,
      scope: ['openid'],
      claims: [],
      resources: [],
      grantedAt: NOW,
      expiresAt: instant(NOW + 86_400),
    }
    const settlement = { issue: await issueNow(stores, world), consent }
    await stores.interactions.settleInteraction({ id, browserDigest, revision: 0, settlement }, occasion)
  },
  (stores, { client, session }) =>
    stores.consents.withdrawConsent({ subject: session.subject, clientId: client.clientId }, occasion),
  (stores, { session }) => stores.subjects.changeSubject({ subject: session.subject, status: 'active' }, occasion),
  async (stores, { client }) => {
    const current = await stores.clients.findClient(client.clientId)
    if (current !== undefined) await stores.clients.updateClient({ ...current, version: current.version + 1 }, occasion)
  },
  (stores, { session }) => stores.sessions.touchSession({ sid: session.sid, idleExpiresAt: instant(NOW + 3600) }),
  (stores, { session }) => stores.sessions.endSessionsOf({ subject: session.subject, except: session.sid }, occasion),
  (stores, { session }) => {
    const next = { ...session, sid: newDigest() as never, secretDigest: newDigest() }
    return stores.sessions.startSession({ session: next, replaces: [] }, occasion)
  },
  (stores) => stores.reservations.reserve(shuffled(proofs), instant(NOW + 2)),
  (stores) => stores.attempts.admitAttempt(shuffled(counters), instant(NOW + Math.floor(Math.random() * 100_000))),
  (stores) => stores.attempts.absolveAttempt({ reset: [], undo: shuffled(counters.map(({ key }) => key)) }),
  (stores) => stores.sweeps.sweepExpired({ before: NOW, limit: 5 }),
]

t.test(
  `[OPS-005, OPS-022] ${CALLERS} callers that mix all transitions on the same rows never wait in a circle`,
  async (t) => {
    const worlds = await Promise.all([1, 2].map(() => newWorld(bench.stores)))
    const until = performance.now() + SECONDS * 1000
    let steps = 0
    const call = async (): Promise<void> => {
      while (performance.now() < until) {
        const step = STEPS[Math.floor(Math.random() * STEPS.length)]
        const world = worlds[Math.floor(Math.random() * worlds.length)]
        if (step === undefined || world === undefined) continue
        await step(bench.stores, world)
        steps++
      }
    }
    await Promise.all(Array.from({ length: CALLERS }, call))
    // The server's counters are gathered with a delay.
    await sleep(1500)
    const [row] = await bench.sql<{ deadlocks: number }[]>`
    select deadlocks::integer as deadlocks from pg_stat_database where datname = current_database()`
    t.ok(steps > 1000, `${steps} steps`)
    t.equal(row?.deadlocks, 0)
  },
)
