// Owns the cases on redeeming a code: what success writes, what replay kills, and the order of judgement. The table over all bindings is
// in bindings.ts, races are in races/.

import type { CodeRedemption, CodeRedemptionOutcome } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { clientDecays, type Decay, PRESENTED, personDecays, sessionDecays } from '../decay.ts'
import { at, on } from '../fresh.ts'
import {
  codeNow,
  issued,
  redeem,
  redeemingOn,
  redemptionOf,
  type SignedIn,
  signedIn,
  tokenFor,
  tokenNow,
  traceOf,
} from '../world.ts'

type Fault = 'wrongDigest' | 'wrongClient' | 'usedProof' | 'redeemed' | 'revoked' | 'expired' | 'stale'

/** What each fault alone is answered with, from the strongest to the weakest. */
const RANKS: readonly { readonly own: Fault; readonly outcome: CodeRedemptionOutcome['outcome'] }[] = [
  { own: 'wrongDigest', outcome: 'unknown' },
  { own: 'wrongClient', outcome: 'mismatched' },
  { own: 'usedProof', outcome: 'proofReplayed' },
  { own: 'redeemed', outcome: 'replayed' },
  { own: 'revoked', outcome: 'revoked' },
  { own: 'expired', outcome: 'expired' },
  { own: 'stale', outcome: 'stale' },
]

/** A redemption with several faults at once, which must be judged by the first of them. */
interface Judgement {
  readonly title: string
  readonly outcome: CodeRedemptionOutcome['outcome']
  readonly faults: readonly Fault[]
}

const ORDER: readonly Judgement[] = RANKS.flatMap(({ own, outcome }, rank) => {
  const weaker = RANKS.slice(rank + 1)
  const pairs = weaker.map((one) => ({ title: `${outcome} outranks ${one.outcome}`, outcome, faults: [own, one.own] }))
  if (weaker.length < 2) return pairs
  return [
    ...pairs,
    { title: `${outcome} outranks all below it`, outcome, faults: [own, ...weaker.map((one) => one.own)] },
  ]
})

const arrange = async (
  tools: CaseTools,
  world: SignedIn,
  faults: ReadonlySet<Fault>,
): Promise<{ readonly redemption: CodeRedemption; readonly seconds: number }> => {
  const { stores, fresh } = tools
  const issue = await issued(tools, world)
  const proofs = [fresh.reservation()]
  if (faults.has('redeemed')) await redeem(tools, redemptionOf(tools, issue))
  if (faults.has('revoked')) await stores.grants.revokeGrant(issue.grant.handle, on(11))
  if (faults.has('usedProof')) await stores.reservations.reserve(proofs, at(11))
  return {
    redemption: redemptionOf(tools, issue, {
      proofs,
      ...(faults.has('wrongDigest') ? { codeDigest: fresh.digest() } : {}),
      ...(faults.has('wrongClient') ? { clientId: fresh.clientId() } : {}),
      ...(faults.has('stale') ? { basis: { clientVersion: 7, subjectVersion: 1 } } : {}),
    }),
    seconds: faults.has('expired') ? 60 : 20,
  }
}

const judged = ({ outcome, faults }: Judgement): Omit<StoreCase, 'ids' | 'title'> => ({
  covers: [`grants.redeemAuthorizationCode:${outcome}`],
  races: [],
  run: async (tools) => {
    const { assert, fresh } = tools
    const { redemption, seconds } = await arrange(tools, await signedIn(tools), new Set(faults))
    const before = await traceOf(tools, redemption)
    const happens = redeemingOn(seconds, { events: [fresh.event()], replayEvents: [fresh.event()] })
    const answer = await tools.stores.grants.redeemAuthorizationCode(redemption, happens)
    assert.equal(answer.outcome, outcome)
    if (outcome !== 'replayed') assert.deepEqual(await traceOf(tools, redemption), before, 'a refusal writes nothing')
    const free = outcome !== 'replayed' && !faults.includes('usedProof')
    assert.equal(
      await tools.stores.reservations.reserve(redemption.proofs, at(seconds)),
      free ? 'reserved' : 'replayed',
    )
  },
})

const orderCases: readonly StoreCase[] = [
  ...ORDER.filter((one) => one.outcome === 'replayed').map((one) => ({
    ids: ['OPS-002'],
    title: `${one.title} when a code is redeemed`,
    ...judged(one),
  })),
  ...ORDER.filter((one) => one.outcome !== 'replayed').map((one) => ({
    ids: [],
    title: `${one.title} when a code is redeemed`,
    ...judged(one),
  })),
]

const refusedRedemption = (decay: Decay): Omit<StoreCase, 'ids' | 'title'> => ({
  covers: ['grants.redeemAuthorizationCode:stale', 'accessTokens.findAccessToken:nothing'],
  races: [],
  run: async (tools) => {
    const { stores, assert, fresh } = tools
    const world = await signedIn(tools, decay.session)
    const issue = await issued(tools, world)
    const control = await issued(tools, world)
    assert.deepEqual(
      await redeem(tools, redemptionOf(tools, control), 1),
      { outcome: 'redeemed' },
      'before, it was good',
    )
    const changed = await decay.spoil(tools, world)
    const proofs = [fresh.reservation()]
    const redemption = redemptionOf(tools, issue, { basis: { ...issue.basis, ...changed }, proofs })
    const before = await traceOf(tools, redemption)
    const happens = redeemingOn(PRESENTED, { events: [fresh.event()], replayEvents: [fresh.event()] })
    assert.deepEqual(await stores.grants.redeemAuthorizationCode(redemption, happens), { outcome: 'stale' })
    assert.deepEqual(await traceOf(tools, redemption), before)
    assert.equal((await codeNow(tools, issue)).redeemedAt, undefined)
    assert.equal(await tokenNow(tools, redemption.accessToken), undefined)
    assert.equal(await stores.reservations.reserve(proofs, at(PRESENTED)), 'reserved')
  },
})

const staleCases: readonly StoreCase[] = [
  ...clientDecays.map((decay) => ({
    ids: ['OPS-017'],
    title: `a code is refused as stale, and not consumed, when ${decay.title}`,
    ...refusedRedemption(decay),
  })),
  ...personDecays.map((decay) => ({
    ids: ['OPS-018'],
    title: `a code is refused as stale, and not consumed, when ${decay.title}`,
    ...refusedRedemption(decay),
  })),
  ...sessionDecays.map((decay) => ({
    ids: [],
    title: `a code is refused as stale, and not consumed, when ${decay.title}`,
    ...refusedRedemption(decay),
  })),
]

const offlineCases: readonly StoreCase[] = sessionDecays.map((decay) => ({
  ids: [],
  title: `the code of an offline grant is redeemed although ${decay.title}`,
  covers: ['grants.redeemAuthorizationCode:redeemed'],
  races: [],
  run: async (tools) => {
    const world = await signedIn(tools, decay.session)
    const issue = await issued(tools, world, { grant: { offline: true } })
    await decay.spoil(tools, world)
    tools.assert.deepEqual(await redeem(tools, redemptionOf(tools, issue), PRESENTED), { outcome: 'redeemed' })
  },
}))

/** Cases on redeeming. */
export const redeemCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'a redeemed code stores its token, its proofs and its events, and nothing of a replay',
    covers: [
      'grants.redeemAuthorizationCode:redeemed',
      'accessTokens.findAccessToken:value',
      'accessTokens.findAccessToken:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const issue = await issued(tools, world)
      const accessToken = {
        ...tokenFor(tools, issue.grant),
        scope: ['openid'],
        audience: ['https://api.example/one', 'https://api.example/two'],
      }
      const proofs = [fresh.reservation(), fresh.reservation()]
      const redemption = redemptionOf(tools, issue, { accessToken, proofs })
      const event = fresh.event()
      const happens = redeemingOn(10, { events: [event], replayEvents: [fresh.event()] })
      assert.equal(await tokenNow(tools, accessToken), undefined)
      assert.deepEqual(await stores.grants.redeemAuthorizationCode(redemption, happens), { outcome: 'redeemed' })
      const code = await codeNow(tools, issue)
      assert.equal(code.redeemedAt, at(10))
      assert.equal(code.state.revokedAt, undefined)
      assert.deepEqual(await tokenNow(tools, accessToken), {
        token: accessToken,
        actors: [],
        revokedAt: undefined,
        client: { version: 1, disabled: false },
        family: { grant: issue.grant, state: code.state },
      })
      const { handle } = accessToken
      assert.equal(await stores.accessTokens.findAccessToken({ handle, digest: fresh.digest() }), undefined)
      const elsewhere = { handle: fresh.handle(), digest: accessToken.digest }
      assert.equal(await stores.accessTokens.findAccessToken(elsewhere), undefined)
      for (const proof of proofs) assert.equal(await stores.reservations.reserve([proof], at(11)), 'replayed')
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: ['OPS-002'],
    title:
      'a replay that is otherwise valid kills grant and tokens once, writes its own events once, and stores no token',
    covers: ['grants.redeemAuthorizationCode:replayed'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const issue = await issued(tools, world)
      const winner = redemptionOf(tools, issue)
      assert.deepEqual(await redeem(tools, winner), { outcome: 'redeemed' })
      const { handle, subject } = issue.grant
      const event = fresh.event()
      for (const [seconds, replayEvents] of [
        [20, [event]],
        [30, [fresh.event()]],
        [70, [fresh.event()]],
      ] as const) {
        const proofs = [fresh.reservation()]
        const replay = redemptionOf(tools, issue, { proofs })
        const happens = redeemingOn(seconds, { events: [fresh.event()], replayEvents })
        const answer = await stores.grants.redeemAuthorizationCode(replay, happens)
        assert.deepEqual(answer, { outcome: 'replayed', handle, subject })
        assert.equal((await codeNow(tools, issue)).state.revokedAt, at(20))
        assert.equal((await codeNow(tools, issue)).redeemedAt, at(10))
        assert.equal((await tokenNow(tools, winner.accessToken))?.family?.state.revokedAt, at(20))
        assert.equal(await tokenNow(tools, replay.accessToken), undefined)
        assert.equal(await stores.reservations.reserve(proofs, at(seconds)), 'replayed', 'its proofs are used up')
      }
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: [],
    title: 'a replay by another client, to another redirect URI, with another challenge or a used proof kills nothing',
    covers: ['grants.redeemAuthorizationCode:mismatched', 'grants.redeemAuthorizationCode:proofReplayed'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const issue = await issued(tools, world)
      const winner = redemptionOf(tools, issue)
      assert.deepEqual(await redeem(tools, winner), { outcome: 'redeemed' })
      const used = fresh.reservation()
      assert.equal(await stores.reservations.reserve([used], at(11)), 'reserved')
      for (const [changes, outcome] of [
        [{ clientId: fresh.clientId() }, 'mismatched'],
        [{ redirectUriDigest: fresh.digest() }, 'mismatched'],
        [{ codeChallenge: fresh.digest() }, 'mismatched'],
        [{ codeChallenge: undefined }, 'mismatched'],
        [{ proofs: [fresh.reservation(), used] }, 'proofReplayed'],
      ] as const) {
        const attempt = redemptionOf(tools, issue, changes)
        const happens = redeemingOn(12, { events: [fresh.event()], replayEvents: [fresh.event()] })
        assert.deepEqual(await stores.grants.redeemAuthorizationCode(attempt, happens), { outcome })
      }
      assert.equal((await tokenNow(tools, winner.accessToken))?.family?.state.revokedAt, undefined)
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: [],
    title: 'a proof counts as used under its own namespace and until it expires, and one used proof spoils all',
    covers: ['grants.redeemAuthorizationCode:proofReplayed', 'grants.redeemAuthorizationCode:redeemed'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const issue = await issued(tools, world)
      const used = fresh.reservation({ expiresAt: at(20) })
      assert.equal(await stores.reservations.reserve([used], at(0)), 'reserved')
      const spoiled = [fresh.reservation(), used]
      const early = redemptionOf(tools, issue, { proofs: spoiled })
      assert.deepEqual(await redeem(tools, early, 19), { outcome: 'proofReplayed' })
      assert.equal(await stores.reservations.reserve(spoiled.slice(0, 1), at(19)), 'reserved', 'all or none')
      const elsewhere = [fresh.reservation({ digest: used.digest })]
      assert.deepEqual(await redeem(tools, redemptionOf(tools, issue, { proofs: elsewhere }), 19), {
        outcome: 'redeemed',
      })
      const other = await issued(tools, world)
      const again = [{ ...used, expiresAt: at(300) }]
      assert.deepEqual(await redeem(tools, redemptionOf(tools, other, { proofs: again }), 20), { outcome: 'redeemed' })
      assert.equal(await stores.reservations.reserve(again, at(21)), 'replayed')
    },
  },
  ...orderCases,
  ...staleCases,
  ...offlineCases,
]
