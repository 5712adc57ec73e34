// Owns the races of one method against itself: who wins, and what each loser is told. Never races two methods: see cross-method.ts.

import type { CaseTools, StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { times } from '../race.ts'
import { codeNow, issued, redeem, redemptionOf, register, signedIn, signIn, tokenNow } from '../world.ts'

/** How many callers stand at the barrier. */
export const CONTENDERS = 20

/** One answer is the winner's, and every other one is the loser's. */
export const assertOneWinner = (
  tools: CaseTools,
  answers: readonly string[],
  words: { readonly winner: string; readonly loser: string },
): void => {
  tools.assert.deepEqual(
    [...answers].sort(),
    [words.winner, ...Array.from({ length: answers.length - 1 }, () => words.loser)].sort(),
  )
}

/** Runs a race `rounds` times over. */
export const eachRound = async (tools: CaseTools, round: () => Promise<void>): Promise<void> => {
  for (let count = 0; count < tools.rounds; count++) await round()
}

/** Races on codes: the one-time things that matter most. */
export const codeRaces: readonly StoreCase[] = [
  {
    ids: ['ADV-096', 'ADV-146', 'OPS-001', 'OPS-005'],
    title:
      'of twenty redemptions of one code one is redeemed, nineteen are replayed, and the tokens of the winner are dead',
    covers: ['grants.redeemAuthorizationCode:redeemed', 'grants.redeemAuthorizationCode:replayed'],
    races: ['grants.redeemAuthorizationCode'],
    run: (tools) =>
      eachRound(tools, async () => {
        const world = await signedIn(tools)
        const issue = await issued(tools, world)
        const tries = times(CONTENDERS, () => redemptionOf(tools, issue)).map((make) => make())
        const answers = await tools.race(tries.map((attempt) => () => redeem(tools, attempt)))
        assertOneWinner(
          tools,
          answers.map((answer) => answer.outcome),
          { winner: 'redeemed', loser: 'replayed' },
        )
        tools.assert.equal((await codeNow(tools, issue)).state.revokedAt, at(10))
        for (const [index, attempt] of tries.entries()) {
          const token = await tokenNow(tools, attempt.accessToken)
          const won = answers[index]?.outcome === 'redeemed'
          tools.assert.equal(
            token?.state.revokedAt,
            won ? at(10) : undefined,
            'only the winner stored a token, a dead one',
          )
        }
      }),
  },
  {
    ids: [],
    title: 'of several revocations of one grant one revokes',
    covers: ['grants.revokeGrant:revoked', 'grants.revokeGrant:alreadyRevoked'],
    races: ['grants.revokeGrant'],
    run: (tools) =>
      eachRound(tools, async () => {
        const before = (await tools.readEvents()).length
        const { grant } = await issued(tools, await signedIn(tools))
        const answers = await tools.race(
          times(CONTENDERS, () => tools.stores.grants.revokeGrant(grant.handle, on(10, tools.fresh.event()))),
        )
        assertOneWinner(tools, answers, { winner: 'revoked', loser: 'alreadyRevoked' })
        tools.assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
]

/** Races on clients and sessions. */
export const recordRaces: readonly StoreCase[] = [
  {
    ids: ['OPS-021'],
    title: 'of several clients created under one id one is created, and it is the one that stays',
    covers: ['clients.createClient:created', 'clients.createClient:taken'],
    races: ['clients.createClient'],
    run: (tools) =>
      eachRound(tools, async () => {
        const clientId = tools.fresh.clientId()
        const clients = times(CONTENDERS, () => tools.fresh.client({ clientId, name: tools.fresh.text() })).map(
          (make) => make(),
        )
        const answers = await tools.race(
          clients.map((client) => () => tools.stores.clients.createClient(client, on(0))),
        )
        assertOneWinner(tools, answers, { winner: 'created', loser: 'taken' })
        tools.assert.deepEqual(await tools.stores.clients.findClient(clientId), clients[answers.indexOf('created')])
      }),
  },
  {
    ids: [],
    title: 'of several updates of a client from one version one is updated, and no other one is lost in it',
    covers: ['clients.updateClient:updated', 'clients.updateClient:stale'],
    races: ['clients.updateClient'],
    run: (tools) =>
      eachRound(tools, async () => {
        const client = await register(tools)
        const updates = times(CONTENDERS, () => ({ ...client, version: 2, name: tools.fresh.text() })).map((make) =>
          make(),
        )
        const answers = await tools.race(
          updates.map((update) => () => tools.stores.clients.updateClient(update, on(1))),
        )
        assertOneWinner(tools, answers, { winner: 'updated', loser: 'stale' })
        tools.assert.deepEqual(
          await tools.stores.clients.findClient(client.clientId),
          updates[answers.indexOf('updated')],
        )
      }),
  },
  {
    ids: [],
    title: 'of several endings of one session one ends it',
    covers: ['sessions.endSession:ended', 'sessions.endSession:alreadyEnded'],
    races: ['sessions.endSession'],
    run: (tools) =>
      eachRound(tools, async () => {
        const before = (await tools.readEvents()).length
        const { sid } = await signIn(tools)
        const answers = await tools.race(
          times(CONTENDERS, () => tools.stores.sessions.endSession(sid, on(1, tools.fresh.event()))),
        )
        assertOneWinner(tools, answers, { winner: 'ended', loser: 'alreadyEnded' })
        tools.assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
]
