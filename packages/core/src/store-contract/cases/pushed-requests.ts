// Owns the cases on pushed requests: stored, found, spent once by whatever answers the client. Races are in races/.

import type { PushedRequestRecord } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { codeNow, interactionFor, issueFor, opened, register, type SignedIn, signedIn } from '../world.ts'
import { consentOf } from './settle.ts'

/** A pushed request of this client, not stored yet: good for 60 seconds, kept for 960. */
export const pushedFor = (
  tools: CaseTools,
  client: SignedIn['client'],
  changes: Partial<PushedRequestRecord> = {},
): PushedRequestRecord => ({
  digest: tools.fresh.digest(),
  request: interactionFor(tools, client).request,
  pushedAt: at(0),
  expiresAt: at(60),
  keptUntil: at(960),
  spentAt: undefined,
  ...changes,
})

/** A stored pushed request. */
export const pushed = async (tools: CaseTools, client: SignedIn['client']): Promise<PushedRequestRecord> => {
  const record = pushedFor(tools, client)
  const push = { pushed: record, clientVersion: client.version, proofs: [] }
  tools.assert.equal(await tools.stores.pushedRequests.pushRequest(push, on(0)), 'pushed')
  return record
}

const settlementOf = (tools: CaseTools, world: SignedIn) => ({
  issue: issueFor(tools, world),
  consent: consentOf(world),
})

const pushCases: readonly StoreCase[] = [
  {
    ids: [],
    title:
      'a pushed request is found as it was pushed, every member of it, and its proofs and events are written with it',
    covers: [
      'pushedRequests.pushRequest:pushed',
      'pushedRequests.findPushedRequest:value',
      'pushedRequests.findPushedRequest:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const full = pushedFor(tools, client)
      const bare = pushedFor(tools, client, {
        request: {
          ...full.request,
          responseMode: 'form_post',
          scope: [],
          state: undefined,
          nonce: 'a nonce',
          codeChallenge: undefined,
          dpopJkt: undefined,
          prompts: [],
          maxAge: undefined,
          loginHint: 'someone@example',
          requiredSubject: fresh.subject(),
          uiLocales: [],
          acrValues: ['gold'],
          claims: undefined,
        },
      })
      for (const [record, proofs] of [
        [full, [fresh.reservation(), fresh.reservation()]],
        [bare, [fresh.reservation()]],
      ] as const) {
        const event = fresh.event()
        assert.equal(await stores.pushedRequests.findPushedRequest(record.digest), undefined)
        const push = { pushed: record, clientVersion: 1, proofs }
        assert.equal(await stores.pushedRequests.pushRequest(push, on(0, event)), 'pushed')
        assert.deepEqual(await stores.pushedRequests.findPushedRequest(record.digest), record)
        assert.deepEqual((await tools.readEvents()).at(-1), event)
        for (const proof of proofs) assert.equal(await stores.reservations.reserve([proof], at(1)), 'replayed')
      }
    },
  },
  {
    ids: ['OPS-017'],
    title:
      'a push is stale before it is a replay, when its client is gone, disabled or changed, and writes nothing then',
    covers: ['pushedRequests.pushRequest:stale', 'pushedRequests.findPushedRequest:nothing'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const used = fresh.reservation()
      await stores.reservations.reserve([used], at(0))
      const disabled = await register(tools)
      await stores.clients.updateClient({ ...disabled, version: 2, disabled: true }, on(1))
      const changed = await register(tools)
      await stores.clients.updateClient({ ...changed, version: 2 }, on(1))
      for (const [client, clientVersion] of [
        [fresh.client(), 1],
        [disabled, 2],
        [changed, 1],
      ] as const) {
        const record = pushedFor(tools, client)
        const free = fresh.reservation()
        for (const proofs of [[free], [free, used]]) {
          const push = { pushed: record, clientVersion, proofs }
          assert.equal(await stores.pushedRequests.pushRequest(push, on(2, fresh.event())), 'stale')
        }
        assert.equal(await stores.pushedRequests.findPushedRequest(record.digest), undefined)
        assert.equal(await stores.reservations.reserve([free], at(2)), 'reserved')
      }
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: ['OPS-021'],
    title: 'a push with a proof that was used stores nothing and uses up none of its other proofs',
    covers: ['pushedRequests.pushRequest:proofReplayed'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const used = fresh.reservation({ expiresAt: at(50) })
      const free = fresh.reservation()
      await stores.reservations.reserve([used], at(0))
      const record = pushedFor(tools, client)
      for (const proofs of [[used], [free, used], [used, free], [free, free]]) {
        const push = { pushed: record, clientVersion: 1, proofs }
        assert.equal(await stores.pushedRequests.pushRequest(push, on(49, fresh.event())), 'proofReplayed')
        assert.equal(await stores.pushedRequests.findPushedRequest(record.digest), undefined)
      }
      assert.deepEqual(await tools.readEvents(), [])
      const push = { pushed: record, clientVersion: 1, proofs: [free, used] }
      assert.equal(await stores.pushedRequests.pushRequest(push, on(50)), 'pushed', 'what expired is free again')
    },
  },
  {
    ids: ['OPS-017'],
    title: 'what a deleted client pushed is dead, and stays so when another client takes its id',
    covers: ['pushedRequests.findPushedRequest:nothing', 'pushedRequests.spendPushedRequest:unknown'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const { digest } = await pushed(tools, client)
      await stores.clients.deleteClient(client.clientId, on(1))
      for (const again of [false, true]) {
        if (again) await stores.clients.createClient(client, on(2))
        assert.equal(await stores.pushedRequests.findPushedRequest(digest), undefined)
        assert.equal(await stores.pushedRequests.spendPushedRequest(digest, on(3, fresh.event())), 'unknown')
      }
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
]

const spendCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'a pushed request is spent once, and then still found; its expiry does not matter, nor does an unknown one',
    covers: [
      'pushedRequests.spendPushedRequest:spent',
      'pushedRequests.spendPushedRequest:alreadySpent',
      'pushedRequests.spendPushedRequest:unknown',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const record = await pushed(tools, await register(tools))
      const event = fresh.event()
      const spend = (digest = record.digest): Promise<string> =>
        stores.pushedRequests.spendPushedRequest(digest, on(70, event))
      assert.equal(await spend(), 'spent')
      assert.deepEqual(await stores.pushedRequests.findPushedRequest(record.digest), { ...record, spentAt: at(70) })
      assert.equal(await spend(), 'alreadySpent')
      assert.equal(await spend(fresh.digest()), 'unknown')
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: ['CONF-G-par-attempt-reuse-request_uri'],
    title: 'a code on a pushed request spends it, and no second code, with or without an interaction, is issued on it',
    covers: [
      'grants.issueAuthorizationCode:issued',
      'grants.issueAuthorizationCode:requestSpent',
      'interactions.settleInteraction:settled',
      'interactions.settleInteraction:requestSpent',
      'pushedRequests.spendPushedRequest:alreadySpent',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const silently = async (pushedRequest: PushedRequestRecord['digest']): Promise<string> => {
        const issue = issueFor(tools, world)
        const outcome = await stores.grants.issueAuthorizationCode({ ...issue, pushedRequest }, on(5, fresh.event()))
        const found = await stores.grants.findAuthorizationCode({ ...issue.grant, codeDigest: issue.codeDigest })
        assert.equal(found !== undefined, outcome === 'issued')
        return outcome
      }
      const asked = async (pushedRequest: PushedRequestRecord['digest'], refused: boolean): Promise<string> => {
        const { interaction, move } = await opened(tools, world.client, { pushedRequest })
        assert.deepEqual(await stores.interactions.findInteraction(interaction.id), interaction)
        const settlement = refused ? { issue: undefined, consent: undefined } : settlementOf(tools, world)
        const outcome = await stores.interactions.settleInteraction({ ...move, settlement }, on(5, fresh.event()))
        if (outcome === 'settled') return 'settled'
        assert.deepEqual(await stores.interactions.findInteraction(interaction.id), interaction)
        const code = settlement.issue && { ...settlement.issue.grant, codeDigest: settlement.issue.codeDigest }
        if (code !== undefined) assert.equal(await stores.grants.findAuthorizationCode(code), undefined)
        return outcome
      }
      const ways: readonly ((digest: PushedRequestRecord['digest']) => Promise<string>)[] = [
        silently,
        (digest) => asked(digest, false),
        (digest) => asked(digest, true),
      ]
      for (const first of ways) {
        const { digest } = await pushed(tools, world.client)
        const before = (await tools.readEvents()).length
        assert.equal(['issued', 'settled'].includes(await first(digest)), true)
        for (const second of ways) assert.equal(await second(digest), 'requestSpent')
        assert.equal(await stores.pushedRequests.spendPushedRequest(digest, on(6)), 'alreadySpent')
        assert.equal((await stores.pushedRequests.findPushedRequest(digest))?.spentAt, at(5))
        assert.equal((await tools.readEvents()).length, before + 1)
      }
      assert.equal(await silently(fresh.digest()), 'requestSpent', 'one that is gone counts as spent')
      assert.equal(await asked(fresh.digest(), false), 'requestSpent')
    },
  },
  {
    ids: ['OPS-019'],
    title: 'what makes a code stale outranks a spent request, and spends none',
    covers: ['grants.issueAuthorizationCode:stale', 'interactions.settleInteraction:stale'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const fine = await pushed(tools, world.client)
      const spent = await pushed(tools, world.client)
      await stores.pushedRequests.spendPushedRequest(spent.digest, on(1))
      await stores.sessions.endSession(world.session.sid, on(1))
      for (const { digest: pushedRequest } of [fine, spent]) {
        const silent = { ...issueFor(tools, world), pushedRequest }
        assert.equal(await stores.grants.issueAuthorizationCode(silent, on(2)), 'stale')
        const { move } = await opened(tools, world.client, { pushedRequest })
        const settle = { ...move, settlement: settlementOf(tools, world) }
        assert.equal(await stores.interactions.settleInteraction(settle, on(2)), 'stale')
      }
      assert.deepEqual(await stores.pushedRequests.findPushedRequest(fine.digest), fine)
    },
  },
  {
    ids: [],
    title: 'an interaction outlives the pushed request it was copied from, and the sweep leaves what may be asked for',
    covers: ['interactions.settleInteraction:settled', 'sweeps.sweepExpired:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const { digest } = await pushed(tools, world.client)
      const { move } = await opened(tools, world.client, { pushedRequest: digest })
      assert.equal(await stores.sweeps.sweepExpired({ before: at(960), limit: 10 }), 1, 'the interaction alone')
      assert.equal((await stores.pushedRequests.findPushedRequest(digest))?.digest, digest)
      assert.equal(await stores.interactions.findInteraction(move.id), undefined)
      const late = await opened(tools, world.client, { pushedRequest: digest })
      const settlement = settlementOf(tools, world)
      assert.equal(await stores.interactions.settleInteraction({ ...late.move, settlement }, on(800)), 'settled')
      assert.equal((await codeNow(tools, settlement.issue)).redeemedAt, undefined)
      assert.equal((await stores.sweeps.sweepExpired({ before: at(961), limit: 10 })) > 0, true)
      assert.equal(await stores.pushedRequests.findPushedRequest(digest), undefined)
    },
  },
]

/** Cases on pushed requests. */
export const pushedRequestCases: readonly StoreCase[] = [...pushCases, ...spendCases]
