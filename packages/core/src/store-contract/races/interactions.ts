// Owns the races on interactions and on the consents they record. Races against an ending are in endings.ts.

import { progressOf } from '../cases/interactions.ts'
import { consentOf, settleAnew } from '../cases/settle.ts'
import type { StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { codeNow, issueFor, opened, present, register, signedIn } from '../world.ts'
import { CONTENDERS, each, eachRound, oneWinner, onlyThese } from './rounds.ts'

const moveRaces: readonly StoreCase[] = [
  {
    ids: [],
    title: 'of several browsers that come for one interaction one binds it',
    covers: ['interactions.bindInteraction:bound', 'interactions.bindInteraction:mismatched'],
    races: ['interactions.bindInteraction'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh } = tools
        const { interaction } = await opened(tools, await register(tools), { browserDigest: undefined })
        const { id } = interaction
        const browsers = each(() => fresh.digest())
        const answers = await tools.race(
          browsers.map((browserDigest) => () => stores.interactions.bindInteraction({ id, browserDigest, now: at(1) })),
        )
        const winner = oneWinner(tools, answers, { winner: 'bound', loser: 'mismatched' })
        tools.assert.equal((await stores.interactions.findInteraction(id))?.browserDigest, browsers[winner])
      }),
  },
  {
    ids: [],
    title: 'of several advances from one revision one advances, and its progress is what is kept',
    covers: ['interactions.advanceInteraction:advanced', 'interactions.advanceInteraction:stale'],
    races: ['interactions.advanceInteraction'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores } = tools
        const { move } = await opened(tools, await register(tools))
        const advances = each(() => ({ ...move, progress: progressOf(tools), now: at(1) }))
        const answers = await tools.race(
          advances.map((advance) => () => stores.interactions.advanceInteraction(advance)),
        )
        const winner = oneWinner(tools, answers, { winner: 'advanced', loser: 'stale' })
        const stored = present(await stores.interactions.findInteraction(move.id), 'the interaction')
        tools.assert.deepEqual([stored.revision, stored.progress], [move.revision + 1, advances[winner]?.progress])
      }),
  },
  {
    ids: ['ADV-146'],
    title: 'of several settlements of one interaction one settles, and only its code, consent and events are written',
    covers: ['interactions.settleInteraction:settled', 'interactions.settleInteraction:alreadySettled'],
    races: ['interactions.settleInteraction'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const before = (await tools.readEvents()).length
        const world = await signedIn(tools)
        const { move } = await opened(tools, world.client)
        const settlements = each(() => ({
          issue: issueFor(tools, world),
          consent: consentOf(world, { scope: [fresh.text()] }),
        }))
        const answers = await tools.race(
          settlements.map((settlement) => () => {
            return stores.interactions.settleInteraction({ ...move, settlement }, on(1, fresh.event()))
          }),
        )
        const winner = oneWinner(tools, answers, { winner: 'settled', loser: 'alreadySettled' })
        for (const [index, { issue }] of settlements.entries()) {
          const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
          const found = await stores.grants.findAuthorizationCode(code)
          assert.deepEqual(found?.grant, index === winner ? issue.grant : undefined)
        }
        const key = { subject: world.session.subject, clientId: world.client.clientId }
        assert.deepEqual((await stores.consents.findConsent(key))?.scope, settlements[winner]?.consent.scope)
        assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: [],
    title: 'one tab advances and another settles from one revision: one of the two happens',
    covers: [],
    races: ['interactions.settleInteraction', 'interactions.advanceInteraction'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores } = tools
        const world = await signedIn(tools)
        const moves = await Promise.all(each(async () => (await opened(tools, world.client)).move))
        const answers = await tools.race(
          moves.flatMap((move, index) => {
            const settlement = { issue: issueFor(tools, world), consent: undefined }
            const settling = (): Promise<string> =>
              stores.interactions.settleInteraction({ ...move, settlement }, on(1))
            const advancing = (): Promise<string> =>
              stores.interactions.advanceInteraction({ ...move, progress: progressOf(tools), now: at(1) })
            return index % 2 === 0 ? [settling, advancing] : [advancing, settling]
          }),
        )
        for (let pair = 0; pair < answers.length; pair += 2) {
          const both = answers
            .slice(pair, pair + 2)
            .sort()
            .join(' and ')
          onlyThese(tools, [both], ['alreadySettled and settled', 'advanced and stale'])
        }
      }),
  },
]

const consentRaces: readonly StoreCase[] = [
  {
    ids: ['OPS-016'],
    title: 'consents given in twenty tabs at once are all remembered',
    covers: ['interactions.settleInteraction:settled', 'consents.findConsent:value'],
    races: ['interactions.settleInteraction'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const world = await signedIn(tools)
        const scopes = each(() => fresh.text())
        const answers = await tools.race(
          scopes.map((scope) => () => {
            const issue = issueFor(tools, world, { grant: { scope: [scope] } })
            return settleAnew(tools, world, { issue, consent: consentOf(world, { scope: [scope], claims: [scope] }) })
          }),
        )
        onlyThese(tools, answers, ['settled'])
        const key = { subject: world.session.subject, clientId: world.client.clientId }
        const consent = present(await stores.consents.findConsent(key), 'the consent')
        assert.deepEqual([...consent.scope].sort(), [...scopes].sort())
        assert.deepEqual([...consent.claims].sort(), [...scopes].sort())
      }),
  },
  {
    ids: [],
    title: 'of several withdrawals of one consent one withdraws',
    covers: ['consents.withdrawConsent:withdrawn', 'consents.withdrawConsent:unknown'],
    races: ['consents.withdrawConsent'],
    run: (tools) =>
      eachRound(tools, async () => {
        const world = await signedIn(tools)
        const before = (await tools.readEvents()).length
        const settlement = { issue: issueFor(tools, world), consent: consentOf(world) }
        tools.assert.equal(await settleAnew(tools, world, settlement), 'settled')
        const key = { subject: world.session.subject, clientId: world.client.clientId }
        const events = each(() => tools.fresh.event())
        const answers = await tools.race(
          events.map((event) => () => tools.stores.consents.withdrawConsent(key, on(11, event))),
        )
        oneWinner(tools, answers, { winner: 'withdrawn', loser: 'unknown' })
        tools.assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: ['ADV-080'],
    title: 'a code that rests on a consent and is issued while the consent is withdrawn is refused or dead',
    covers: ['consents.withdrawConsent:withdrawn', 'grants.issueAuthorizationCode:stale'],
    races: ['grants.issueAuthorizationCode'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert } = tools
        const world = await signedIn(tools)
        const settlement = { issue: issueFor(tools, world), consent: consentOf(world) }
        assert.equal(await settleAnew(tools, world, settlement), 'settled')
        const key = { subject: world.session.subject, clientId: world.client.clientId }
        const consentVersion = present(await stores.consents.findConsent(key), 'the consent').version
        const issues = each(() => issueFor(tools, world, { basis: { consentVersion } }))
        const issuing = issues.map(
          (issue) => (): Promise<string> => stores.grants.issueAuthorizationCode(issue, on(11)),
        )
        const withdrawing = (): Promise<string> => stores.consents.withdrawConsent(key, on(12))
        const half = CONTENDERS / 2
        const answers = await tools.race([...issuing.slice(0, half), withdrawing, ...issuing.slice(half)])
        assert.equal(answers[half], 'withdrawn')
        const issuedOrNot = answers.filter((_, index) => index !== half)
        onlyThese(tools, issuedOrNot, ['issued', 'stale'])
        for (const [index, issue] of issues.entries()) {
          if (issuedOrNot[index] !== 'issued') continue
          assert.equal((await codeNow(tools, issue)).state.revokedAt, at(12), 'what was issued before is revoked')
        }
        const late = issueFor(tools, world, { basis: { consentVersion } })
        assert.equal(await stores.grants.issueAuthorizationCode(late, on(13)), 'stale')
      }),
  },
  {
    ids: ['ADV-080'],
    title: 'what is remembered after a withdrawal among consents is what the living grants were given',
    covers: ['interactions.settleInteraction:settled'],
    races: ['interactions.settleInteraction'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const world = await signedIn(tools)
        const first = { issue: issueFor(tools, world), consent: consentOf(world, { scope: ['before'] }) }
        assert.equal(await settleAnew(tools, world, first), 'settled')
        const key = { subject: world.session.subject, clientId: world.client.clientId }
        const issues = each(() => issueFor(tools, world, { grant: { scope: [fresh.text()] } }))
        const moves = await Promise.all(each(async () => (await opened(tools, world.client)).move))
        const settling = issues.map((issue, index) => (): Promise<string> => {
          const consent = consentOf(world, { scope: issue.grant.scope })
          const move = present(moves[index], 'a move')
          return stores.interactions.settleInteraction({ ...move, settlement: { issue, consent } }, on(11))
        })
        const half = CONTENDERS / 2
        const withdrawing = (): Promise<string> => stores.consents.withdrawConsent(key, on(11))
        const answers = await tools.race([...settling.slice(0, half), withdrawing, ...settling.slice(half)])
        assert.equal(answers[half], 'withdrawn')
        onlyThese(tools, answers, ['settled', 'withdrawn'])
        const codes = await Promise.all(issues.map((issue) => codeNow(tools, issue)))
        const living = codes.filter((code) => code.state.revokedAt === undefined).flatMap((code) => code.grant.scope)
        const remembered = (await stores.consents.findConsent(key))?.scope ?? []
        assert.deepEqual([...remembered].sort(), living.sort())
      }),
  },
]

/** Races on interactions and consents. */
export const interactionRaces: readonly StoreCase[] = [...moveRaces, ...consentRaces]
