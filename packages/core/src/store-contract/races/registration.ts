// Owns the races on clients that register themselves and on their tokens. Never goes through one caller's cases: see cases/.

import type { StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { CONTENDERS, each, eachRound, oneWinner, onlyThese } from './rounds.ts'

/** Races of self-registration. */
export const registrationRaces: readonly StoreCase[] = [
  {
    ids: ['DCR-07', 'OPS-021'],
    title: 'of several registrations with one use left one is registered, and of several with enough uses all are',
    covers: ['clients.registerClient:registered', 'clients.registerClient:tokenSpent'],
    races: ['clients.registerClient'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh, assert } = tools
        for (const uses of [1, CONTENDERS + 5]) {
          const token = fresh.registrationToken({ usesLeft: uses })
          await stores.registrationTokens.createRegistrationToken(token, on(0))
          const clients = each(() => fresh.client({ origin: 'registered' }))
          const before = (await tools.readEvents()).length
          const answers = await tools.race(
            clients.map((client) => () => {
              const events = on(1, { name: 'contract.checked', at: at(1), fields: { client: client.clientId } })
              return stores.clients.registerClient({ client, tokenDigest: token.digest }, events)
            }),
          )
          const won = answers.filter((answer) => answer === 'registered').length
          assert.equal(won, Math.min(uses, CONTENDERS))
          onlyThese(tools, answers, ['registered', 'tokenSpent'])
          assert.equal((await stores.registrationTokens.findRegistrationToken(token.digest))?.usesLeft, uses - won)
          for (const [index, { clientId }] of clients.entries()) {
            const stored = await stores.clients.findClient(clientId)
            assert.equal(stored !== undefined, answers[index] === 'registered')
          }
          assert.equal((await tools.readEvents()).length, before + won)
        }
      }),
  },
  {
    ids: ['DCR-07'],
    title: 'of several initial access tokens under one id one is created, and of several revocations one revokes',
    covers: [
      'registrationTokens.createRegistrationToken:created',
      'registrationTokens.createRegistrationToken:taken',
      'registrationTokens.revokeRegistrationToken:revoked',
      'registrationTokens.revokeRegistrationToken:unknown',
    ],
    races: ['registrationTokens.createRegistrationToken', 'registrationTokens.revokeRegistrationToken'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh, assert } = tools
        const id = fresh.text()
        const tokens = each(() => fresh.registrationToken({ id }))
        const created = await tools.race(
          tokens.map((token) => () => stores.registrationTokens.createRegistrationToken(token, on(0))),
        )
        const winner = oneWinner(tools, created, { winner: 'created', loser: 'taken' })
        const digest = tokens[winner]?.digest ?? fresh.digest()
        assert.deepEqual(await stores.registrationTokens.findRegistrationToken(digest), tokens[winner])
        const revoked = await tools.race(each(() => () => stores.registrationTokens.revokeRegistrationToken(id, on(1))))
        oneWinner(tools, revoked, { winner: 'revoked', loser: 'unknown' })
        assert.equal(await stores.registrationTokens.findRegistrationToken(digest), undefined)
      }),
  },
  {
    ids: ['DCR-08'],
    title: 'of several that keep a client one does, and it stays',
    covers: ['clients.keepClient:kept', 'clients.keepClient:alreadyKept'],
    races: ['clients.keepClient'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh, assert } = tools
        const client = fresh.client({ origin: 'registered', unusedExpiresAt: at(100) })
        await stores.clients.createClient(client, on(0))
        const answers = await tools.race(each(() => () => stores.clients.keepClient(client.clientId)))
        oneWinner(tools, answers, { winner: 'kept', loser: 'alreadyKept' })
        await stores.sweeps.sweepExpired({ before: at(1000), limit: 100 })
        assert.deepEqual(await stores.clients.findClient(client.clientId), {
          ...client,
          version: 2,
          unusedExpiresAt: undefined,
        })
      }),
  },
]
