// Owns the cases on refreshing a grant: every ending, in the order in which the endings outrank each other. Races are in races/.

import type { GrantRefresh, RefreshOutcome } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { clientDecays, type Decay, PRESENTED, personDecays, sessionDecays } from '../decay.ts'
import { type Lasting, lasting, refreshAt, refreshNow, refreshOf } from '../families.ts'
import { at, on } from '../fresh.ts'
import { type SignedIn, signedIn, tokenNow } from '../world.ts'

const traceOf = async (tools: CaseTools, { issue }: Lasting, refresh: GrantRefresh): Promise<unknown> => ({
  state: await tools.stores.grants.findRefresh(issue.grant.handle),
  token: await tokenNow(tools, refresh.accessToken),
  events: await tools.readEvents(),
})

type Fault = 'neverMinted' | 'wrongClient' | 'wrongKey' | 'usedProof' | 'revoked' | 'expired' | 'oldToken' | 'stale'

/** The faults from the one that outranks all to the one that only stands alone, with what each is answered. */
const RANKS: readonly { readonly fault: Fault; readonly outcome: RefreshOutcome['outcome'] }[] = [
  { fault: 'neverMinted', outcome: 'unknown' },
  { fault: 'wrongClient', outcome: 'mismatched' },
  { fault: 'wrongKey', outcome: 'mismatched' },
  { fault: 'usedProof', outcome: 'proofReplayed' },
  { fault: 'revoked', outcome: 'revoked' },
  { fault: 'expired', outcome: 'expired' },
  { fault: 'oldToken', outcome: 'replayed' },
  { fault: 'stale', outcome: 'stale' },
]

const arrange = async (
  tools: CaseTools,
  world: SignedIn,
  faults: ReadonlySet<Fault>,
): Promise<{ readonly family: Lasting; readonly refresh: GrantRefresh; readonly seconds: number }> => {
  const { stores, fresh } = tools
  const binding = { method: 'jkt', thumbprint: fresh.digest() } as const
  const family = await lasting(tools, world, { state: { binding } })
  const proofs = [fresh.reservation({ expiresAt: at(5000) })]
  if (faults.has('revoked')) await stores.grants.revokeGrant(family.issue.grant.handle, on(11))
  if (faults.has('usedProof')) await stores.reservations.reserve(proofs, at(11))
  const otherKey = { ...binding, thumbprint: fresh.digest() }
  const strange = faults.has('neverMinted') || faults.has('oldToken')
  const refresh = refreshOf(tools, family, {
    proofs,
    minted: !faults.has('neverMinted'),
    ...(strange ? { presented: fresh.digest() } : {}),
    ...(faults.has('wrongClient') ? { clientId: fresh.clientId() } : {}),
    ...(faults.has('wrongKey') ? { binding: otherKey } : {}),
    ...(faults.has('stale') ? { basis: { clientVersion: 7, subjectVersion: 1 } } : {}),
  })
  return { family, refresh, seconds: faults.has('expired') ? 1000 : 20 }
}

const orderCases: readonly StoreCase[] = RANKS.map(({ fault, outcome }, rank) => ({
  ids: [],
  title: `a refresh is answered as ${outcome} because of ${fault}, before every weaker reason`,
  covers: [`grants.refreshGrant:${outcome}`],
  races: [],
  run: async (tools) => {
    const { assert, fresh } = tools
    const weaker = RANKS.slice(rank + 1).map((one) => one.fault)
    const world = await signedIn(tools)
    for (const faults of [[fault], ...weaker.map((one) => [fault, one]), [fault, ...weaker]]) {
      const { family, refresh, seconds } = await arrange(tools, world, new Set(faults))
      const before = await traceOf(tools, family, refresh)
      const events = { events: [fresh.event()], retryEvents: [fresh.event()], replayEvents: [fresh.event()] }
      const answer = await refreshAt(tools, refresh, seconds, events)
      assert.equal(answer.outcome, outcome, faults.join(' and '))
      const used = outcome === 'replayed' || faults.includes('usedProof')
      if (outcome !== 'replayed') assert.deepEqual(await traceOf(tools, family, refresh), before, 'nothing is written')
      assert.equal(await tools.stores.reservations.reserve(refresh.proofs, at(seconds)), used ? 'replayed' : 'reserved')
    }
  },
}))

const refusedRefresh = (decay: Decay): Omit<StoreCase, 'ids' | 'title'> => ({
  covers: ['grants.refreshGrant:stale'],
  races: [],
  run: async (tools) => {
    const { assert, fresh } = tools
    const world = await signedIn(tools, decay.session)
    const family = await lasting(tools, world)
    const control = await lasting(tools, world)
    assert.equal((await refreshAt(tools, refreshOf(tools, control), 11)).outcome, 'rotated', 'before, it was good')
    const changed = await decay.spoil(tools, world)
    const refresh = refreshOf(tools, family, { basis: { ...family.issue.basis, ...changed } })
    const before = await traceOf(tools, family, refresh)
    const events = { events: [fresh.event()], retryEvents: [fresh.event()], replayEvents: [fresh.event()] }
    assert.deepEqual(await refreshAt(tools, refresh, PRESENTED, events), { outcome: 'stale' })
    assert.deepEqual(await traceOf(tools, family, refresh), before)
  },
})

// A session that ends before ten seconds have passed cannot have had a code redeemed in it.
const lateDecays = sessionDecays.filter(({ session }) => session.idleExpiresAt !== at(5))

const staleCases: readonly StoreCase[] = [...clientDecays, ...personDecays, ...lateDecays].map((decay) => ({
  ids: [],
  title: `a refresh is stale, and writes nothing, when ${decay.title}`,
  ...refusedRefresh(decay),
}))

/** Cases on refreshing. */
export const refreshCases: readonly StoreCase[] = [
  {
    ids: [],
    title:
      'the current token is rotated: it becomes the previous one, and the idle end moves, never past the absolute one',
    covers: ['grants.refreshGrant:rotated', 'grants.findRefresh:value'],
    races: [],
    run: async (tools) => {
      const { assert, fresh } = tools
      const family = await lasting(tools, await signedIn(tools))
      const { grant } = family.issue
      assert.deepEqual((await refreshNow(tools, family.issue)).refresh, family.state)
      assert.deepEqual((await refreshNow(tools, family.issue)).grant, grant)
      const first = refreshOf(tools, family, { proofs: [fresh.reservation()] })
      const event = fresh.event()
      const events = { events: [event], retryEvents: [fresh.event()], replayEvents: [fresh.event()] }
      assert.deepEqual(await refreshAt(tools, first, 20, events), { outcome: 'rotated' })
      const rotated = {
        ...family.state,
        current: first.rotation?.successor,
        previous: family.state.current,
        salt: first.rotation?.salt,
        rotatedAt: at(20),
        idleExpiresAt: at(2000),
      }
      assert.deepEqual((await refreshNow(tools, family.issue)).refresh, rotated)
      assert.deepEqual((await tokenNow(tools, first.accessToken))?.token, first.accessToken)
      assert.deepEqual(await tools.readEvents(), [event])
      assert.equal(await tools.stores.reservations.reserve(first.proofs, at(20)), 'replayed')
      const next = refreshOf(tools, family, {
        presented: first.rotation?.successor ?? fresh.digest(),
        idleExpiresAt: at(9000),
      })
      assert.deepEqual(await refreshAt(tools, next, 1999), { outcome: 'rotated' })
      assert.equal((await refreshNow(tools, family.issue)).refresh.idleExpiresAt, at(5000))
    },
  },
  {
    ids: [],
    title: 'without rotation the token stays as it is, and its idle end moves',
    covers: ['grants.refreshGrant:kept'],
    races: [],
    run: async (tools) => {
      const { assert, fresh } = tools
      const family = await lasting(tools, await signedIn(tools))
      const event = fresh.event()
      for (const seconds of [20, 30]) {
        const refresh = refreshOf(tools, family, { rotation: undefined, idleExpiresAt: at(seconds + 1500) })
        const events = { events: [event], retryEvents: [fresh.event()], replayEvents: [fresh.event()] }
        assert.deepEqual(await refreshAt(tools, refresh, seconds, events), { outcome: 'kept' })
        assert.deepEqual((await tokenNow(tools, refresh.accessToken))?.token, refresh.accessToken)
      }
      const { refresh } = await refreshNow(tools, family.issue)
      assert.deepEqual(refresh, { ...family.state, idleExpiresAt: at(1530) })
      assert.deepEqual(await tools.readEvents(), [event, event])
      const strange = refreshOf(tools, family, { rotation: undefined, presented: fresh.digest() })
      assert.equal((await refreshAt(tools, strange, 31)).outcome, 'replayed')
    },
  },
  {
    ids: ['OPS-006'],
    title:
      'the token before is answered again with the same salt within the window of its rotation, which nothing extends',
    covers: ['grants.refreshGrant:retried', 'grants.refreshGrant:replayed'],
    races: [],
    run: async (tools) => {
      const { assert, fresh } = tools
      const family = await lasting(tools, await signedIn(tools))
      const first = refreshOf(tools, family)
      assert.deepEqual(await refreshAt(tools, first, 20), { outcome: 'rotated' })
      const before = await refreshNow(tools, family.issue)
      const event = fresh.event()
      for (const seconds of [20, 30, 49]) {
        const again = refreshOf(tools, family, { idleExpiresAt: at(4000), proofs: [fresh.reservation()] })
        const events = { events: [fresh.event()], retryEvents: [event], replayEvents: [fresh.event()] }
        const answer = await refreshAt(tools, again, seconds, events)
        assert.deepEqual(answer, { outcome: 'retried', salt: first.rotation?.salt })
        assert.deepEqual(await refreshNow(tools, family.issue), before, 'nothing rotates and no end moves')
        assert.deepEqual((await tokenNow(tools, again.accessToken))?.token, again.accessToken)
        assert.equal(await tools.stores.reservations.reserve(again.proofs, at(seconds)), 'replayed')
      }
      assert.deepEqual(await tools.readEvents(), [event, event, event])
      const late = refreshOf(tools, family)
      const { handle, subject } = family.issue.grant
      const ending = fresh.event()
      const events = { events: [fresh.event()], retryEvents: [fresh.event()], replayEvents: [ending] }
      assert.deepEqual(await refreshAt(tools, late, 50, events), { outcome: 'replayed', handle, subject })
      assert.equal((await refreshNow(tools, family.issue)).state.revokedAt, at(50))
      assert.deepEqual(await tools.readEvents(), [event, event, event, ending])
      assert.equal(await tokenNow(tools, late.accessToken), undefined)
      const successor = refreshOf(tools, family, { presented: first.rotation?.successor ?? fresh.digest() })
      assert.deepEqual(await refreshAt(tools, successor, 51), { outcome: 'revoked' }, 'the winner included')
    },
  },
  {
    ids: ['ADV-001'],
    title: 'with a window of 0 a token is honoured once, and a second time ends the family',
    covers: ['grants.refreshGrant:replayed'],
    races: [],
    run: async (tools) => {
      const family = await lasting(tools, await signedIn(tools))
      const strict = (): GrantRefresh => {
        const refresh = refreshOf(tools, family)
        return { ...refresh, rotation: refresh.rotation && { ...refresh.rotation, window: 0 } }
      }
      tools.assert.equal((await refreshAt(tools, strict(), 20)).outcome, 'rotated')
      tools.assert.equal((await refreshAt(tools, strict(), 19)).outcome, 'replayed', 'by a clock that is behind, too')
      tools.assert.equal((await refreshNow(tools, family.issue)).state.revokedAt, at(19))
    },
  },
  {
    ids: [],
    title: 'a token whose successor was used ends the family, even within its window',
    covers: ['grants.refreshGrant:replayed'],
    races: [],
    run: async (tools) => {
      const family = await lasting(tools, await signedIn(tools))
      const first = refreshOf(tools, family)
      await refreshAt(tools, first, 20)
      const presented = first.rotation?.successor ?? tools.fresh.digest()
      tools.assert.equal((await refreshAt(tools, refreshOf(tools, family, { presented }), 21)).outcome, 'rotated')
      tools.assert.equal((await refreshAt(tools, refreshOf(tools, family), 22)).outcome, 'replayed')
    },
  },
  {
    ids: [],
    title: 'a grant without a refresh state has none to find, and an offline grant is refreshed without its session',
    covers: ['grants.findRefresh:nothing', 'grants.refreshGrant:unknown', 'grants.refreshGrant:rotated'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const family = await lasting(tools, world, { grant: { offline: true } })
      await stores.sessions.endSession(world.session.sid, on(15))
      assert.deepEqual(await refreshAt(tools, refreshOf(tools, family), 20), { outcome: 'rotated' })
      const handle = fresh.handle()
      assert.equal(await stores.grants.findRefresh(handle), undefined)
      assert.deepEqual(await refreshAt(tools, refreshOf(tools, family, { handle }), 20), { outcome: 'unknown' })
    },
  },
  {
    ids: [],
    title: 'a JWT is not stored, and the sweep takes a grant when its refresh state is over',
    covers: ['grants.refreshGrant:rotated', 'sweeps.sweepExpired:value', 'grants.findRefresh:nothing'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const family = await lasting(tools, await signedIn(tools), { grant: { offline: true } })
      const refresh = refreshOf(tools, family)
      const jwt = { ...refresh, accessToken: { ...refresh.accessToken, format: 'jwt' as const } }
      assert.deepEqual(await refreshAt(tools, jwt, 20), { outcome: 'rotated' })
      assert.equal(await tokenNow(tools, jwt.accessToken), undefined)
      const sweep = async (before: number): Promise<void> => {
        for (let left = 1, rounds = 0; left > 0 && rounds < 10; rounds++) {
          left = await stores.sweeps.sweepExpired({ before: at(before), limit: 100 })
        }
      }
      await sweep(2000)
      assert.equal(
        (await refreshNow(tools, family.issue)).refresh.idleExpiresAt,
        at(2000),
        'the first token is swept alone',
      )
      await sweep(2000 + 2 * 86400)
      assert.equal(await stores.grants.findRefresh(family.issue.grant.handle), undefined)
      const code = { handle: family.issue.grant.handle, codeDigest: family.issue.codeDigest }
      assert.equal(await stores.grants.findAuthorizationCode(code), undefined)
    },
  },
  ...orderCases,
  ...staleCases,
]
