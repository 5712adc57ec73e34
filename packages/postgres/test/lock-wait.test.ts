// Owns the interleavings that a race meets once in a thousand rounds: a third connection holds a row, two transitions queue up for
// it in a known order, and the row is let go. Never relies on luck: the queue is seen in the database before it moves.

import { setTimeout as sleep } from 'node:timers/promises'
import type { Stores } from '@vouchsafe/core'
import type postgres from 'postgres'
import t from 'tap'
import { openBench } from './harness.ts'
import { NOW, newWorld, occasion, type World } from './world.ts'

const bench = await openBench()
t.teardown(() => bench.close())
const holder = bench.connect({ max: 2 })
const { stores } = bench

/** Waits until `count` statements of this database wait for a lock. */
const untilWaiting = async (count: number): Promise<void> => {
  for (let look = 0; look < 400; look++) {
    const [row] = await holder<{ waiting: number }[]>`
      select count(*)::integer as waiting from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
    if (row?.waiting === count) return
    await sleep(5)
  }
  throw new Error(`never saw ${count} statements wait`)
}

type Lock = (sql: postgres.TransactionSql, world: World) => Promise<unknown>

/** Holds a row until first, then second, wait for it; answers what each came to. */
const queue = async <A, B>(
  world: World,
  lock: Lock,
  transitions: { readonly first: () => Promise<A>; readonly second: () => Promise<B> },
): Promise<readonly [A, B]> => {
  let running: Promise<[A, B]> | undefined
  await holder.begin(async (sql) => {
    await lock(sql, world)
    const first = transitions.first()
    await untilWaiting(1)
    const second = transitions.second()
    running = Promise.all([first, second])
    running.catch(() => undefined)
    await untilWaiting(2)
  })
  if (running === undefined) throw new Error('nothing ran')
  return running
}

const lockClient: Lock = (sql, { client }) => sql`select from clients where client_id = ${client.clientId} for update`
const lockSubject: Lock = (sql, { session }) => sql`select from subjects where subject = ${session.subject} for update`
const lockSession: Lock = (sql, { session }) => sql`select from sessions where sid = ${session.sid} for update`
const lockConsent: Lock = (sql, { session }) => sql`select from consents where subject = ${session.subject} for update`
const lockGrants: Lock = (sql, { session }) => sql`select from grants where subject = ${session.subject} for update`

interface Change {
  readonly id: string
  readonly title: string
  readonly lock: Lock
  readonly change: (world: World) => Promise<string | number>
  readonly changed: string | number
}

const disablesPerson: Change = {
  id: 'OPS-018',
  title: 'disabling the person',
  lock: lockSubject,
  change: ({ session }) => stores.subjects.changeSubject({ subject: session.subject, status: 'disabled' }, occasion),
  changed: 'changed',
}
const bumpsPerson: Change = {
  id: 'unit',
  title: "a change of the person's rights",
  lock: lockSubject,
  change: ({ session }) => stores.subjects.changeSubject({ subject: session.subject, status: 'active' }, occasion),
  changed: 'changed',
}
const endsSession: Change = {
  id: 'OPS-019',
  title: 'ending the session',
  lock: lockSession,
  change: ({ session }) => stores.sessions.endSession(session.sid, occasion),
  changed: 'ended',
}
const endsSessions: Change = {
  id: 'OPS-019',
  title: "ending all of the person's sessions",
  lock: lockSession,
  change: ({ session }) => stores.sessions.endSessionsOf({ subject: session.subject, except: undefined }, occasion),
  changed: 1,
}
const updatesClient: Change = {
  id: 'OPS-017',
  title: 'updating the client',
  lock: lockClient,
  change: ({ client }) => stores.clients.updateClient({ ...client, version: 2, disabled: true }, occasion),
  changed: 'updated',
}
const deletesClient: Change = {
  id: 'OPS-017',
  title: 'deleting the client',
  lock: lockClient,
  change: ({ client }) => stores.clients.deleteClient(client.clientId, occasion),
  changed: 'deleted',
}
const withdrawsConsent: Change = {
  id: 'unit',
  title: 'withdrawing the consent',
  lock: lockConsent,
  change: ({ client, session }) =>
    stores.consents.withdrawConsent({ subject: session.subject, clientId: client.clientId }, occasion),
  changed: 'withdrawn',
}

const onAnyIssue = [disablesPerson, bumpsPerson, endsSession, endsSessions, updatesClient, deletesClient]

for (const { id, title, lock, change, changed } of onAnyIssue) {
  t.test(`[${id}] ${title} refuses a redemption that waited for it`, async (t) => {
    const world = await newWorld(stores)
    const issue = await world.issued()
    const redemption = world.redemptionOf(issue)
    const [first, second] = await queue(world, lock, {
      first: () => change(world),
      second: () => stores.grants.redeemAuthorizationCode(redemption, { ...occasion, replayEvents: [] }),
    })
    t.equal(first, changed)
    t.same(second, { outcome: 'stale' })
    t.equal(await stores.accessTokens.findAccessToken(redemption.accessToken), undefined)
    t.equal((await stores.grants.findAuthorizationCode(redemption))?.redeemedAt, undefined)
  })
}

for (const { id, title, lock, change, changed } of [...onAnyIssue, withdrawsConsent]) {
  t.test(`[${id}] ${title} refuses a code that waited for it`, async (t) => {
    const world = await newWorld(stores)
    const issue = world.newIssue()
    const [first, second] = await queue(world, lock, {
      first: () => change(world),
      second: () => stores.grants.issueAuthorizationCode(issue, occasion),
    })
    t.equal(first, changed)
    t.equal(second, 'stale')
    const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
    t.equal(await stores.grants.findAuthorizationCode(code), undefined)
  })

  t.test(`[${id}] ${title} refuses a settlement that waited for it, and leaves the interaction open`, async (t) => {
    const world = await newWorld(stores)
    const { id, browserDigest } = await world.opened()
    const settlement = { issue: world.newIssue(), consent: undefined }
    const [first, second] = await queue(world, lock, {
      first: () => change(world),
      second: () => stores.interactions.settleInteraction({ id, browserDigest, revision: 0, settlement }, occasion),
    })
    t.equal(first, changed)
    t.equal(second, 'stale')
    t.equal((await stores.interactions.findInteraction(id))?.settledAt, undefined)
  })
}

const revocations: readonly [
  string,
  (world: World, handle: Parameters<Stores['grants']['revokeGrant']>[0]) => Promise<string>,
  string,
][] = [
  ['revoking the grant', (_, handle) => stores.grants.revokeGrant(handle, occasion), 'revoked'],
  ['withdrawing the consent', (world) => withdrawsConsent.change(world).then(String), 'withdrawn'],
]

for (const [title, revoke, revoked] of revocations) {
  t.test(`[unit] ${title} refuses a redemption that waited for it`, async (t) => {
    const world = await newWorld(stores)
    const issue = await world.issued()
    const redemption = world.redemptionOf(issue)
    const [first, second] = await queue(world, lockGrants, {
      first: () => revoke(world, issue.grant.handle),
      second: () => stores.grants.redeemAuthorizationCode(redemption, { ...occasion, replayEvents: [] }),
    })
    t.equal(first, revoked)
    t.same(second, { outcome: 'revoked' })
    t.equal(await stores.accessTokens.findAccessToken(redemption.accessToken), undefined)
  })

  t.test(`[unit] ${title} kills the token of a redemption that it waited for`, async (t) => {
    const world = await newWorld(stores)
    const issue = await world.issued()
    const redemption = world.redemptionOf(issue)
    const [first, second] = await queue(world, lockGrants, {
      first: () => stores.grants.redeemAuthorizationCode(redemption, { ...occasion, replayEvents: [] }),
      second: () => revoke(world, issue.grant.handle),
    })
    t.same(first, { outcome: 'redeemed' })
    t.equal(second, revoked)
    t.equal((await stores.accessTokens.findAccessToken(redemption.accessToken))?.family?.state.revokedAt, NOW)
  })
}

t.test('[unit] withdrawing the consent revokes a grant that was issued while it waited', async (t) => {
  const world = await newWorld(stores)
  const issue = world.newIssue()
  const [first, second] = await queue(world, lockConsent, {
    first: () => stores.grants.issueAuthorizationCode(issue, occasion),
    second: () => withdrawsConsent.change(world),
  })
  t.equal(first, 'issued')
  t.equal(second, 'withdrawn')
  const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
  t.equal((await stores.grants.findAuthorizationCode(code))?.state.revokedAt, NOW)
})

t.test('[OPS-017] deleting the client deletes a consent that was remembered while it waited', async (t) => {
  const world = await newWorld(stores)
  const key = { subject: world.session.subject, clientId: world.client.clientId }
  await stores.consents.withdrawConsent(key, occasion)
  const { id, browserDigest } = await world.opened()
  const consent = {
    ...key,
    scope: ['openid'],
    claims: [],
    resources: [],
    grantedAt: NOW,
    expiresAt: world.session.absoluteExpiresAt,
  }
  const settlement = { issue: world.newIssue(), consent }
  const [first, second] = await queue(world, lockClient, {
    first: () => stores.interactions.settleInteraction({ id, browserDigest, revision: 0, settlement }, occasion),
    second: () => deletesClient.change(world),
  })
  t.equal(first, 'settled')
  t.equal(second, 'deleted')
  t.equal(await stores.consents.findConsent(key), undefined)
  const { grant, codeDigest } = settlement.issue
  t.equal((await stores.grants.findAuthorizationCode({ handle: grant.handle, codeDigest }))?.state.client, undefined)
})

t.test(
  '[OPS-005, ADV-146] a second redemption that waited for the first is replayed, and kills what the first one got',
  async (t) => {
    const world = await newWorld(stores)
    const issue = await world.issued()
    const winner = world.redemptionOf(issue)
    const [first, second] = await queue(world, lockGrants, {
      first: () => stores.grants.redeemAuthorizationCode(winner, { ...occasion, replayEvents: [] }),
      second: () => stores.grants.redeemAuthorizationCode(world.redemptionOf(issue), { ...occasion, replayEvents: [] }),
    })
    t.same(first, { outcome: 'redeemed' })
    t.equal(second.outcome, 'replayed')
    t.equal((await stores.accessTokens.findAccessToken(winner.accessToken))?.family?.state.revokedAt, NOW)
  },
)

t.test(
  '[ADJ-12] whoever waited for another answer to a pushed request is told that it was spent, and writes nothing',
  async (t) => {
    const lockPushed: Lock = (sql, { client }) =>
      sql`select from pushed_requests where client_id = ${client.clientId} for update`
    for (const second of ['code', 'settlement', 'refusal'] as const) {
      const world = await newWorld(stores)
      const pushed = await world.pushed()
      const silent = { ...world.newIssue(), pushedRequest: pushed }
      const issue = world.newIssue()
      const { id, browserDigest } = await world.opened(pushed)
      const late = {
        code: () => stores.grants.issueAuthorizationCode({ ...issue, pushedRequest: pushed }, occasion),
        settlement: () => {
          const settlement = { issue, consent: undefined }
          return stores.interactions.settleInteraction({ id, browserDigest, revision: 0, settlement }, occasion)
        },
        refusal: () => stores.pushedRequests.spendPushedRequest(pushed, occasion),
      }
      const answers = await queue<string, string>(world, lockPushed, {
        first: () => stores.grants.issueAuthorizationCode(silent, occasion),
        second: late[second],
      })
      t.same(answers, ['issued', second === 'refusal' ? 'alreadySpent' : 'requestSpent'], second)
      const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
      t.equal(await stores.grants.findAuthorizationCode(code), undefined)
      t.equal((await stores.interactions.findInteraction(id))?.settledAt, undefined)
    }
  },
)

t.test('[OPS-022] a redemption that a deadlock undid is repeated, and redeems', async (t) => {
  const world = await newWorld(stores)
  const issue = await world.issued()
  const redemption = world.redemptionOf(issue)
  let redeeming: ReturnType<Stores['grants']['redeemAuthorizationCode']> | undefined
  await holder
    .begin(async (sql) => {
      // The holder is never the victim, because it does not look for deadlocks before the redemption has.
      await sql`set local deadlock_timeout = '30s'`
      await sql`set local lock_timeout = '30s'`
      await lockSession(sql, world)
      redeeming = stores.grants.redeemAuthorizationCode(redemption, { ...occasion, replayEvents: [] })
      await untilWaiting(1)
      await lockClient(sql, world)
      throw new Error('undo')
    })
    .catch((thrown: unknown) => t.match(thrown, { message: 'undo' }))
  t.same(await redeeming, { outcome: 'redeemed' })
})

t.test(
  '[OPS-003, OPS-004] a redemption whose connection is cut in the middle wrote nothing, and the code still works',
  async (t) => {
    const world = await newWorld(stores)
    const issue = await world.issued()
    const cut = world.redemptionOf(issue)
    let redeeming: Promise<unknown> | undefined
    await holder.begin(async (sql) => {
      await lockGrants(sql, world)
      redeeming = stores.grants
        .redeemAuthorizationCode(cut, { ...occasion, replayEvents: [] })
        .catch((thrown) => thrown)
      await untilWaiting(1)
      await holder`
      select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and wait_event_type = 'Lock'`
      t.match(await redeeming, { code: 'store_unavailable' })
    })
    t.equal((await stores.grants.findAuthorizationCode(cut))?.redeemedAt, undefined)
    t.equal(await stores.accessTokens.findAccessToken(cut.accessToken), undefined)
    t.same(await stores.grants.redeemAuthorizationCode(world.redemptionOf(issue), { ...occasion, replayEvents: [] }), {
      outcome: 'redeemed',
    })
  },
)
