// Owns the races on refreshing and on single tokens. Never judges one caller's answers: cases/ does.

import type { GrantRefresh } from '../../store/index.ts'
import { exchangeOn } from '../cases/exchange.ts'
import { ownToken } from '../cases/tokens.ts'
import type { StoreCase } from '../contract.ts'
import { lasting, refreshAt, refreshNow, refreshOf } from '../families.ts'
import { at, on } from '../fresh.ts'
import { issued, redeem, redemptionOf, register, signedIn, tokenNow } from '../world.ts'
import { each, eachRound, oneWinner, onlyThese } from './rounds.ts'

/** Races on refreshing and on single tokens. */
export const refreshRaces: readonly StoreCase[] = [
  {
    ids: ['ADV-001', 'OPS-006'],
    title: 'of twenty refreshes with one token one rotates, and nineteen are told the salt of that rotation',
    covers: ['grants.refreshGrant:rotated', 'grants.refreshGrant:retried'],
    races: ['grants.refreshGrant'],
    run: (tools) =>
      eachRound(tools, async () => {
        const family = await lasting(tools, await signedIn(tools))
        const tries = each(() => refreshOf(tools, family, { proofs: [tools.fresh.reservation()] }))
        const answers = await tools.race(tries.map((attempt) => () => refreshAt(tools, attempt, 20)))
        const outcomes = answers.map((answer) => answer.outcome)
        const winner = tries[oneWinner(tools, outcomes, { winner: 'rotated', loser: 'retried' })]
        for (const answer of answers) {
          if (answer.outcome === 'retried') tools.assert.equal(answer.salt, winner?.rotation?.salt)
        }
        const { refresh, state } = await refreshNow(tools, family.issue)
        tools.assert.deepEqual([refresh.current, refresh.previous], [winner?.rotation?.successor, family.state.current])
        tools.assert.equal(state.revokedAt, undefined)
        for (const attempt of tries) {
          tools.assert.deepEqual((await tokenNow(tools, attempt.accessToken))?.token, attempt.accessToken)
          tools.assert.equal(await tools.stores.reservations.reserve(attempt.proofs, at(20)), 'replayed')
        }
      }),
  },
  {
    ids: ['ADV-001'],
    title: 'of twenty strict refreshes with one token one rotates, nineteen are replayed, and the family is dead',
    covers: ['grants.refreshGrant:rotated', 'grants.refreshGrant:replayed', 'grants.refreshGrant:revoked'],
    races: ['grants.refreshGrant'],
    run: (tools) =>
      eachRound(tools, async () => {
        const family = await lasting(tools, await signedIn(tools))
        const strict = (refresh: GrantRefresh): GrantRefresh => ({
          ...refresh,
          rotation: refresh.rotation && { ...refresh.rotation, window: 0 },
        })
        const tries = each(() => strict(refreshOf(tools, family)))
        const answers = await tools.race(tries.map((attempt) => () => refreshAt(tools, attempt, 20)))
        const outcomes = answers.map((answer) => answer.outcome)
        // The first replay revokes; those that come after it find a grant that is revoked.
        tools.assert.deepEqual(
          [outcomes.filter((one) => one === 'rotated').length, outcomes.filter((one) => one === 'replayed').length],
          [1, 1],
        )
        onlyThese(tools, outcomes, ['rotated', 'replayed', 'revoked'])
        tools.assert.equal((await refreshNow(tools, family.issue)).state.revokedAt, at(20))
        for (const attempt of tries) {
          const token = await tokenNow(tools, attempt.accessToken)
          if (token !== undefined) tools.assert.equal(token.family?.state.revokedAt, at(20), 'the winner included')
        }
      }),
  },
  {
    ids: [],
    title: 'a grant that is revoked while it is refreshed ends revoked, whoever came first',
    covers: ['grants.revokeGrant:revoked'],
    races: ['grants.refreshGrant', 'grants.revokeGrant'],
    run: (tools) =>
      eachRound(tools, async () => {
        const world = await signedIn(tools)
        const families = await Promise.all(each(() => lasting(tools, world)))
        const refreshes = families.map((family) => refreshOf(tools, family))
        const answers = await tools.race(
          refreshes.flatMap((refresh, index) => {
            const refreshing = async (): Promise<string> => (await refreshAt(tools, refresh, 20)).outcome
            const revoking = (): Promise<string> => tools.stores.grants.revokeGrant(refresh.handle, on(20))
            return index % 2 === 0 ? [refreshing, revoking] : [revoking, refreshing]
          }),
        )
        onlyThese(tools, answers, ['rotated', 'revoked'])
        for (const family of families) {
          tools.assert.equal((await refreshNow(tools, family.issue)).state.revokedAt, at(20))
          tools.assert.equal((await refreshAt(tools, refreshOf(tools, family), 21)).outcome, 'revoked')
        }
      }),
  },
  {
    ids: ['OPS-021'],
    title: 'of twenty own tokens of a client with one proof one is issued',
    covers: ['accessTokens.issueOwnToken:issued', 'accessTokens.issueOwnToken:proofReplayed'],
    races: ['accessTokens.issueOwnToken'],
    run: (tools) =>
      eachRound(tools, async () => {
        const client = await register(tools)
        const proofs = [tools.fresh.reservation()]
        const tokens = each(() => ownToken(tools, client))
        const issue = (token: (typeof tokens)[number]) => () =>
          tools.stores.accessTokens.issueOwnToken({ token, basis: { clientVersion: 1 }, proofs }, on(10))
        const answers = await tools.race(tokens.map(issue))
        const winner = oneWinner(tools, answers, { winner: 'issued', loser: 'proofReplayed' })
        for (const [index, token] of tokens.entries()) {
          tools.assert.equal((await tokenNow(tools, token)) !== undefined, index === winner)
        }
      }),
  },
  {
    ids: ['OPS-021'],
    title:
      'of twenty exchanges with one proof one is issued, and a grant that is revoked beside them gives nothing after',
    covers: ['accessTokens.issueExchangedToken:issued', 'accessTokens.issueExchangedToken:proofReplayed'],
    races: ['accessTokens.issueExchangedToken'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores } = tools
        const exchange = await exchangeOn(tools, await signedIn(tools), await register(tools))
        const fresh = (): typeof exchange => ({
          ...exchange,
          token: { ...exchange.token, digest: tools.fresh.digest() },
        })
        const issue = (one: typeof exchange) => () => stores.accessTokens.issueExchangedToken(one, on(20))
        const proven = each(fresh)
        const winner = oneWinner(tools, await tools.race(proven.map(issue)), {
          winner: 'issued',
          loser: 'proofReplayed',
        })
        for (const [index, { token }] of proven.entries()) {
          tools.assert.equal((await tokenNow(tools, token)) !== undefined, index === winner)
        }
        const free = each(() => ({ ...fresh(), proofs: [] }))
        const revoke = (): Promise<string> => stores.grants.revokeGrant(exchange.token.handle, on(20))
        onlyThese(tools, await tools.race([...free.slice(1).map(issue), revoke]), ['issued', 'revoked'])
        tools.assert.equal(await stores.accessTokens.issueExchangedToken({ ...fresh(), proofs: [] }, on(20)), 'revoked')
      }),
  },
  {
    ids: [],
    title: 'of several revocations of one token one revokes, opaque or JWT',
    covers: ['accessTokens.revokeAccessToken:alreadyRevoked', 'accessTokens.revokeJwt:alreadyRevoked'],
    races: ['accessTokens.revokeAccessToken', 'accessTokens.revokeJwt'],
    run: (tools) =>
      eachRound(tools, async () => {
        const redemption = redemptionOf(tools, await issued(tools, await signedIn(tools)))
        await redeem(tools, redemption)
        const { accessToken } = redemption
        const words = { winner: 'revoked', loser: 'alreadyRevoked' }
        const before = (await tools.readEvents()).length
        const events = each(() => tools.fresh.event())
        const opaque = events.map(
          (event) => () => tools.stores.accessTokens.revokeAccessToken(accessToken, on(20, event)),
        )
        oneWinner(tools, await tools.race(opaque), words)
        const jwt = { ...accessToken, digest: tools.fresh.digest(), format: 'jwt' as const }
        const jwts = events.map((event) => () => tools.stores.accessTokens.revokeJwt(jwt, on(20, event)))
        oneWinner(tools, await tools.race(jwts), words)
        tools.assert.equal((await tools.readEvents()).length, before + 2)
      }),
  },
]
