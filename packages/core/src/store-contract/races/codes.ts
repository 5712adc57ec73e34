// Owns the races on codes, grants and proofs. Races against an ending are in endings.ts.

import type { CaseTools, StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { codeNow, issued, issueFor, present, redeem, redemptionOf, signedIn, tokenNow } from '../world.ts'
import { CONTENDERS, each, eachRound, oneWinner, onlyThese } from './rounds.ts'

const raceOneCode = async (tools: CaseTools): Promise<void> => {
  const { assert, fresh, stores } = tools
  const issue = await issued(tools, await signedIn(tools))
  const events = each(() => ({ won: fresh.event(), replayed: fresh.event() }))
  const tries = each(() => redemptionOf(tools, issue, { proofs: [fresh.reservation()] }))
  const before = await tools.readEvents()
  const answers = await tools.race(
    tries.map((attempt, index) => () => {
      const own = events[index]
      const written = { events: own ? [own.won] : [], replayEvents: own ? [own.replayed] : [] }
      return stores.grants.redeemAuthorizationCode(attempt, { now: at(10), ...written })
    }),
  )
  const outcomes = answers.map((answer) => answer.outcome)
  const winner = oneWinner(tools, outcomes, { winner: 'redeemed', loser: 'replayed' })
  for (const answer of answers) {
    if (answer.outcome !== 'replayed') continue
    const { handle, subject } = issue.grant
    assert.deepEqual(answer, { outcome: 'replayed', handle, subject })
  }
  const after = await codeNow(tools, issue)
  assert.deepEqual([after.redeemedAt, after.state.revokedAt], [at(10), at(10)])
  for (const [index, attempt] of tries.entries()) {
    const token = await tokenNow(tools, attempt.accessToken)
    assert.equal(
      token?.family?.state.revokedAt,
      index === winner ? at(10) : undefined,
      'one token is stored, and it is dead',
    )
    assert.equal(await stores.reservations.reserve(attempt.proofs, at(10)), 'replayed', 'every proof is used up')
  }
  const written = (await tools.readEvents()).length - before.length
  assert.equal(written, 2, 'one event of the winner and one of the replay that revoked')
}

/** Races on codes, grants and proofs. */
export const codeRaces: readonly StoreCase[] = [
  {
    ids: ['ADV-096', 'ADV-146', 'OPS-001', 'OPS-002', 'OPS-005'],
    title:
      'of twenty redemptions of one code one is redeemed, nineteen are replayed, and the token of the winner is dead',
    covers: ['grants.redeemAuthorizationCode:redeemed', 'grants.redeemAuthorizationCode:replayed'],
    races: ['grants.redeemAuthorizationCode'],
    run: (tools) => eachRound(tools, () => raceOneCode(tools)),
  },
  {
    ids: ['OPS-021'],
    title: 'of twenty codes presented with one proof one is redeemed, and the others stay good',
    covers: ['grants.redeemAuthorizationCode:redeemed', 'grants.redeemAuthorizationCode:proofReplayed'],
    races: ['grants.redeemAuthorizationCode'],
    run: (tools) =>
      eachRound(tools, async () => {
        const world = await signedIn(tools)
        const proofs = [tools.fresh.reservation()]
        const issues = await Promise.all(each(() => issued(tools, world)))
        const answers = await tools.race(
          issues.map((issue) => async () => (await redeem(tools, redemptionOf(tools, issue, { proofs }))).outcome),
        )
        const winner = oneWinner(tools, answers, { winner: 'redeemed', loser: 'proofReplayed' })
        for (const [index, issue] of issues.entries()) {
          const outcome = index === winner ? 'replayed' : 'redeemed'
          tools.assert.equal((await redeem(tools, redemptionOf(tools, issue))).outcome, outcome)
        }
      }),
  },
  {
    ids: ['OPS-021'],
    title: 'a proof is used by a redemption or reserved beside it, never both',
    covers: ['grants.redeemAuthorizationCode:redeemed', 'reservations.reserve:replayed'],
    races: ['grants.redeemAuthorizationCode', 'reservations.reserve'],
    run: (tools) =>
      eachRound(tools, async () => {
        const world = await signedIn(tools)
        const pairs = await Promise.all(
          each(async () => ({ issue: await issued(tools, world), proofs: [tools.fresh.reservation()] })),
        )
        const first = present(pairs[0], 'a pair')
        tools.assert.equal(
          (await redeem(tools, redemptionOf(tools, first.issue, { proofs: first.proofs }))).outcome,
          'redeemed',
        )
        tools.assert.equal(await tools.stores.reservations.reserve(first.proofs, at(10)), 'replayed')
        const answers = await tools.race(
          pairs.slice(1).flatMap(({ issue, proofs }, index) => {
            const redeeming = async (): Promise<string> =>
              (await redeem(tools, redemptionOf(tools, issue, { proofs }))).outcome
            const reserving = (): Promise<string> => tools.stores.reservations.reserve(proofs, at(10))
            return index % 2 === 0 ? [redeeming, reserving] : [reserving, redeeming]
          }),
        )
        for (let pair = 0; pair < answers.length; pair += 2) {
          const both = answers
            .slice(pair, pair + 2)
            .sort()
            .join(' and ')
          onlyThese(tools, [both], ['redeemed and replayed', 'proofReplayed and reserved'])
        }
      }),
  },
  {
    ids: [],
    title: 'of several revocations of one grant one revokes, and writes its events alone',
    covers: ['grants.revokeGrant:revoked', 'grants.revokeGrant:alreadyRevoked'],
    races: ['grants.revokeGrant'],
    run: (tools) =>
      eachRound(tools, async () => {
        const before = (await tools.readEvents()).length
        const { grant } = await issued(tools, await signedIn(tools))
        const events = each(() => tools.fresh.event())
        const answers = await tools.race(
          events.map((event) => () => tools.stores.grants.revokeGrant(grant.handle, on(10, event))),
        )
        oneWinner(tools, answers, { winner: 'revoked', loser: 'alreadyRevoked' })
        tools.assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: [],
    title: 'a grant that is revoked while its code is redeemed ends revoked, whoever came first',
    covers: ['grants.revokeGrant:revoked'],
    races: ['grants.revokeGrant', 'grants.redeemAuthorizationCode'],
    run: (tools) =>
      eachRound(tools, async () => {
        const world = await signedIn(tools)
        const issues = await Promise.all(each(() => issued(tools, world)))
        const redemptions = issues.map((issue) => redemptionOf(tools, issue))
        const answers = await tools.race(
          redemptions.flatMap((redemption, index) => {
            const redeeming = async (): Promise<string> => (await redeem(tools, redemption)).outcome
            const revoking = (): Promise<string> => tools.stores.grants.revokeGrant(redemption.handle, on(10))
            return index % 2 === 0 ? [redeeming, revoking] : [revoking, redeeming]
          }),
        )
        for (const [index, issue] of issues.entries()) {
          const pair = answers.slice(2 * index, 2 * index + 2).sort()
          onlyThese(tools, [pair.join(' and ')], ['redeemed and revoked', 'revoked and revoked'])
          tools.assert.equal((await codeNow(tools, issue)).state.revokedAt, at(10), 'the revocation is not lost')
          const later = (await redeem(tools, redemptionOf(tools, issue), 11)).outcome
          tools.assert.equal(later, pair.includes('redeemed') ? 'replayed' : 'revoked')
        }
      }),
  },
  {
    ids: [],
    title: 'twenty codes issued at once on one session are all issued, each with its own grant',
    covers: ['grants.issueAuthorizationCode:issued'],
    races: ['grants.issueAuthorizationCode'],
    run: (tools) =>
      eachRound(tools, async () => {
        const world = await signedIn(tools)
        const issues = each(() => issueFor(tools, world))
        const answers = await tools.race(
          issues.map((issue) => () => tools.stores.grants.issueAuthorizationCode(issue, on(0))),
        )
        tools.assert.equal(answers.filter((answer) => answer === 'issued').length, CONTENDERS)
        for (const issue of issues) tools.assert.deepEqual((await codeNow(tools, issue)).grant, issue.grant)
      }),
  },
]
