// Owns the races on pushed requests: many visits, one answer. Races on interactions alone are in interactions.ts.

import { pushed, pushedFor } from '../cases/pushed-requests.ts'
import type { StoreCase } from '../contract.ts'
import { on } from '../fresh.ts'
import { issueFor, opened, register, signedIn } from '../world.ts'
import { each, eachRound, oneWinner, raceEnding } from './rounds.ts'

/** Races on pushed requests. */
export const pushedRequestRaces: readonly StoreCase[] = [
  {
    ids: ['OPS-021'],
    title: 'of twenty pushes with one proof one is stored',
    covers: ['pushedRequests.pushRequest:pushed', 'pushedRequests.pushRequest:proofReplayed'],
    races: ['pushedRequests.pushRequest'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const client = await register(tools)
        const proofs = [fresh.reservation()]
        const records = each(() => pushedFor(tools, client))
        const before = (await tools.readEvents()).length
        const answers = await tools.race(
          records.map(
            (record) => () =>
              stores.pushedRequests.pushRequest({ pushed: record, clientVersion: 1, proofs }, on(1, fresh.event())),
          ),
        )
        const winner = oneWinner(tools, answers, { winner: 'pushed', loser: 'proofReplayed' })
        for (const [index, record] of records.entries()) {
          const found = await stores.pushedRequests.findPushedRequest(record.digest)
          assert.deepEqual(found, index === winner ? record : undefined)
        }
        assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: ['ADJ-12'],
    title: 'of twenty visits with one pushed request, nobody asked anything, one yields a code',
    covers: ['grants.issueAuthorizationCode:issued', 'grants.issueAuthorizationCode:requestSpent'],
    races: ['grants.issueAuthorizationCode'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const world = await signedIn(tools)
        const { digest } = await pushed(tools, world.client)
        const issues = each(() => issueFor(tools, world))
        const before = (await tools.readEvents()).length
        const answers = await tools.race(
          issues.map(
            (issue) => () =>
              stores.grants.issueAuthorizationCode({ ...issue, pushedRequest: digest }, on(1, fresh.event())),
          ),
        )
        const winner = oneWinner(tools, answers, { winner: 'issued', loser: 'requestSpent' })
        for (const [index, { grant, codeDigest }] of issues.entries()) {
          const found = await stores.grants.findAuthorizationCode({ handle: grant.handle, codeDigest })
          assert.deepEqual(found?.grant, index === winner ? grant : undefined)
        }
        assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: ['ADJ-12'],
    title: 'of twenty interactions on one pushed request, each in a browser of its own, one settles',
    covers: ['interactions.settleInteraction:settled', 'interactions.settleInteraction:requestSpent'],
    races: ['interactions.settleInteraction'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const world = await signedIn(tools)
        const { digest } = await pushed(tools, world.client)
        const moves = await Promise.all(
          each(async () => (await opened(tools, world.client, { pushedRequest: digest })).move),
        )
        const issues = each((index) => (index % 3 === 0 ? undefined : issueFor(tools, world)))
        const before = (await tools.readEvents()).length
        const answers = await tools.race(
          moves.map((move, index) => () => {
            const settlement = { issue: issues[index], consent: undefined }
            return stores.interactions.settleInteraction({ ...move, settlement }, on(1, fresh.event()))
          }),
        )
        const winner = oneWinner(tools, answers, { winner: 'settled', loser: 'requestSpent' })
        for (const [index, issue] of issues.entries()) {
          if (issue === undefined) continue
          const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
          assert.equal((await stores.grants.findAuthorizationCode(code)) !== undefined, index === winner)
        }
        assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: ['ADJ-12'],
    title: 'of twenty refusals, codes and settlements on one pushed request one answers the client',
    covers: ['pushedRequests.spendPushedRequest:spent', 'pushedRequests.spendPushedRequest:alreadySpent'],
    races: ['pushedRequests.spendPushedRequest'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const world = await signedIn(tools)
        const alone = await pushed(tools, world.client)
        const spends = each(() => () => stores.pushedRequests.spendPushedRequest(alone.digest, on(1, fresh.event())))
        oneWinner(tools, await tools.race(spends), { winner: 'spent', loser: 'alreadySpent' })
        const { digest: pushedRequest } = await pushed(tools, world.client)
        const moves = await Promise.all(each(async () => (await opened(tools, world.client, { pushedRequest })).move))
        const answers = await tools.race<string>(
          moves.map((move, index) => () => {
            if (index % 3 === 0) return stores.pushedRequests.spendPushedRequest(pushedRequest, on(1))
            const issue = issueFor(tools, world)
            if (index % 3 === 1) return stores.grants.issueAuthorizationCode({ ...issue, pushedRequest }, on(1))
            return stores.interactions.settleInteraction({ ...move, settlement: { issue, consent: undefined } }, on(1))
          }),
        )
        const won = answers.filter((answer) => ['spent', 'issued', 'settled'].includes(answer))
        assert.equal(won.length, 1, [...answers].sort().join(' '))
      }),
  },
  {
    ids: ['OPS-017'],
    title: 'a push that begins after its client was disabled is refused',
    covers: ['pushedRequests.pushRequest:pushed', 'pushedRequests.pushRequest:stale'],
    races: ['pushedRequests.pushRequest'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores } = tools
        const client = await register(tools)
        await raceEnding(tools, {
          attempt: () =>
            stores.pushedRequests.pushRequest(
              { pushed: pushedFor(tools, client), clientVersion: 1, proofs: [] },
              on(1),
            ),
          kill: () => stores.clients.updateClient({ ...client, version: 2, disabled: true }, on(1)),
          wins: 'pushed',
          refused: 'stale',
        })
      }),
  },
]
