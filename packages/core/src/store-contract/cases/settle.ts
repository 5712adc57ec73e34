// Owns the cases on settling an interaction: code, consent and refusal in one write. Races are in races/.

import type { ConsentRecord, InteractionSettlement } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { clientDecays, type Decay, PRESENTED, personDecays, sessionDecays } from '../decay.ts'
import { at, on } from '../fresh.ts'
import { codeNow, issueFor, opened, present, redeem, redemptionOf, type SignedIn, signedIn } from '../world.ts'
import { faultyMove, MOVE_RANKS } from './interactions.ts'

type Given = Omit<ConsentRecord, 'version'>

/** A consent of the person of this world for its client. */
export const consentOf = (world: SignedIn, changes: Partial<Given> = {}): Given => ({
  subject: world.session.subject,
  clientId: world.client.clientId,
  scope: ['openid', 'profile'],
  claims: ['email'],
  resources: ['https://api.example/one'],
  grantedAt: at(0),
  expiresAt: at(86400),
  ...changes,
})

const nowOf = (tools: CaseTools, world: SignedIn): Promise<ConsentRecord | undefined> =>
  tools.stores.consents.findConsent({ subject: world.session.subject, clientId: world.client.clientId })

/** Settles a new interaction of this world `seconds` after the start. */
export const settleAnew = async (
  tools: CaseTools,
  world: SignedIn,
  settlement: InteractionSettlement,
  seconds = 10,
): Promise<string> => {
  const { move } = await opened(tools, world.client)
  return tools.stores.interactions.settleInteraction({ ...move, settlement }, on(seconds))
}

const sorted = (record: ConsentRecord | undefined): unknown =>
  record && {
    ...record,
    scope: [...record.scope].sort(),
    claims: [...record.claims].sort(),
    resources: [...record.resources].sort(),
  }

const orderCases: readonly StoreCase[] = MOVE_RANKS.map(({ fault, outcome }, rank) => {
  const weaker = MOVE_RANKS.slice(rank + 1).map((one) => one.fault)
  return {
    ids: [],
    title: `settling is refused as ${outcome}, before every weaker reason, and neither code nor consent is written`,
    covers: [`interactions.settleInteraction:${outcome}`],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      for (const faults of [[fault], ...weaker.map((one) => [fault, one]), [fault, ...weaker]]) {
        const set = new Set(faults)
        const settledAt = set.has('settled') ? at(5) : undefined
        const { interaction, move } = await opened(tools, world.client, { settledAt })
        const faulty = faultyMove(tools, move, set)
        const issue = issueFor(tools, world)
        const settle = { ...faulty.move, settlement: { issue, consent: consentOf(world) } }
        const happens = on(faulty.seconds, fresh.event())
        assert.equal(await stores.interactions.settleInteraction(settle, happens), outcome, faults.join(' and '))
        assert.deepEqual(await stores.interactions.findInteraction(interaction.id), interaction)
        const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
        assert.equal(await stores.grants.findAuthorizationCode(code), undefined)
      }
      assert.equal(await nowOf(tools, world), undefined)
      assert.deepEqual(await tools.readEvents(), [])
    },
  }
})

const refusedSettlement = (decay: Decay): Omit<StoreCase, 'ids' | 'title'> => ({
  covers: ['interactions.settleInteraction:stale', 'consents.findConsent:nothing'],
  races: [],
  run: async (tools) => {
    const { stores, assert, fresh } = tools
    const world = await signedIn(tools, decay.session)
    const control = { issue: issueFor(tools, world), consent: undefined }
    assert.equal(await settleAnew(tools, world, control, 1), 'settled', 'before, it would have been')
    const basis = await decay.spoil(tools, world)
    const { interaction, move } = await opened(tools, world.client)
    const issue = issueFor(tools, world, { basis })
    for (const consent of [undefined, consentOf(world)]) {
      const settle = { ...move, settlement: { issue, consent } }
      assert.equal(await stores.interactions.settleInteraction(settle, on(PRESENTED, fresh.event())), 'stale')
    }
    assert.deepEqual(await stores.interactions.findInteraction(interaction.id), interaction)
    const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
    assert.equal(await stores.grants.findAuthorizationCode(code), undefined)
    assert.equal(await nowOf(tools, world), undefined)
    assert.deepEqual(await tools.readEvents(), [])
  },
})

const staleCases: readonly StoreCase[] = [
  ...clientDecays.map((decay) => ({
    ids: ['OPS-017'],
    title: `settling with a code is refused as stale, and stays open, when ${decay.title}`,
    ...refusedSettlement(decay),
  })),
  ...personDecays.map((decay) => ({
    ids: ['OPS-018'],
    title: `settling with a code is refused as stale, and stays open, when ${decay.title}`,
    ...refusedSettlement(decay),
  })),
  ...sessionDecays.map((decay) => ({
    ids: ['OPS-019'],
    title: `settling with a code is refused as stale, and stays open, when ${decay.title}`,
    ...refusedSettlement(decay),
  })),
]

/** Cases on settling. */
export const settleCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'settling writes the code, the consent and the events, and ends the interaction',
    covers: ['interactions.settleInteraction:settled', 'consents.findConsent:value', 'consents.findConsent:nothing'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const { interaction, move } = await opened(tools, world.client)
      const issue = issueFor(tools, world)
      const consent = consentOf(world)
      const event = fresh.event()
      assert.equal(await nowOf(tools, world), undefined)
      const settle = { ...move, settlement: { issue, consent } }
      assert.equal(await stores.interactions.settleInteraction(settle, on(10, event)), 'settled')
      const stored = present(await nowOf(tools, world), 'the consent')
      assert.deepEqual(sorted(stored), { ...consent, version: stored.version })
      assert.equal(stored.version > 0, true)
      assert.deepEqual((await codeNow(tools, issue)).grant, issue.grant)
      assert.equal((await stores.interactions.findInteraction(interaction.id))?.settledAt, at(10))
      assert.deepEqual(await tools.readEvents(), [event])
      assert.deepEqual(await redeem(tools, redemptionOf(tools, issue), 11), { outcome: 'redeemed' })
      const stranger = { subject: fresh.subject(), clientId: world.client.clientId }
      assert.equal(await stores.consents.findConsent(stranger), undefined)
    },
  },
  {
    ids: [],
    title: 'a refusal ends the interaction although nobody signed in and the client has changed, and writes its events',
    covers: ['interactions.settleInteraction:settled', 'interactions.settleInteraction:alreadySettled'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const { move } = await opened(tools, world.client)
      await stores.clients.updateClient({ ...world.client, version: 2 }, on(1))
      const event = fresh.event()
      const refusal = { ...move, settlement: { issue: undefined, consent: undefined } }
      assert.equal(await stores.interactions.settleInteraction(refusal, on(10, event)), 'settled')
      assert.equal(await stores.interactions.settleInteraction(refusal, on(11, fresh.event())), 'alreadySettled')
      assert.equal((await stores.interactions.findInteraction(move.id))?.settledAt, at(10))
      assert.equal(await nowOf(tools, world), undefined)
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: ['OPS-016'],
    title: 'consents of two tabs are united, the version grows, and each code keeps its own scope',
    covers: ['interactions.settleInteraction:settled', 'consents.findConsent:value'],
    races: [],
    run: async (tools) => {
      const { assert } = tools
      const world = await signedIn(tools)
      const one = issueFor(tools, world, { grant: { scope: ['openid', 'email'] } })
      const two = issueFor(tools, world, { grant: { scope: ['openid', 'phone'] }, basis: { consentVersion: 999 } })
      const first = consentOf(world, { scope: ['openid', 'email'], claims: ['a'], expiresAt: at(9000) })
      const second = consentOf(world, {
        scope: ['phone', 'openid'],
        claims: ['b', 'a'],
        grantedAt: at(20),
        expiresAt: at(8000),
      })
      assert.equal(await settleAnew(tools, world, { issue: one, consent: first }), 'settled')
      const before = present(await nowOf(tools, world), 'the first consent')
      assert.equal(await settleAnew(tools, world, { issue: two, consent: second }, 20), 'settled')
      const after = present(await nowOf(tools, world), 'the merged consent')
      assert.deepEqual(sorted(after), {
        ...second,
        scope: ['email', 'openid', 'phone'],
        claims: ['a', 'b'],
        version: after.version,
      })
      assert.equal(after.version > before.version, true)
      assert.deepEqual((await codeNow(tools, one)).grant.scope, ['openid', 'email'])
      assert.deepEqual((await codeNow(tools, two)).grant.scope, ['openid', 'phone'])
    },
  },
  {
    ids: ['ADV-080'],
    title: 'what a person allowed and let expire, or withdrew, is not revived by a later consent',
    covers: ['interactions.settleInteraction:settled', 'consents.withdrawConsent:withdrawn'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const wide = consentOf(world, { scope: ['openid', 'email'], claims: ['a'], expiresAt: at(20) })
      const narrow = consentOf(world, { scope: ['openid'], claims: [] })
      const give = async (consent: Given, seconds: number): Promise<ConsentRecord> => {
        const issue = issueFor(tools, world)
        assert.equal(await settleAnew(tools, world, { issue, consent }, seconds), 'settled')
        return present(await nowOf(tools, world), 'the consent')
      }
      const first = await give(wide, 10)
      const second = await give(narrow, 20)
      assert.deepEqual(second, { ...narrow, version: second.version })
      assert.equal(second.version > first.version, true)
      await give({ ...wide, expiresAt: at(9000) }, 21)
      const key = { subject: world.session.subject, clientId: world.client.clientId }
      assert.equal(await stores.consents.withdrawConsent(key, on(22)), 'withdrawn')
      const last = await give(narrow, 23)
      assert.deepEqual(last, { ...narrow, version: last.version })
    },
  },
  {
    ids: [],
    title: 'settling without a new consent rests on the version of the remembered one',
    covers: ['interactions.settleInteraction:settled', 'interactions.settleInteraction:stale'],
    races: [],
    run: async (tools) => {
      const { assert } = tools
      const world = await signedIn(tools)
      const at = async (consentVersion: number): Promise<string> =>
        settleAnew(tools, world, { issue: issueFor(tools, world, { basis: { consentVersion } }), consent: undefined })
      assert.equal(await at(1), 'stale')
      await settleAnew(tools, world, { issue: issueFor(tools, world), consent: consentOf(world) })
      const { version } = present(await nowOf(tools, world), 'the consent')
      assert.equal(await at(version), 'settled')
      assert.equal(await at(version + 1), 'stale')
      assert.equal((await nowOf(tools, world))?.version, version)
    },
  },
  ...orderCases,
  ...staleCases,
]

/** Cases on withdrawing. */
export const consentCases: readonly StoreCase[] = [
  {
    ids: ['ADV-080'],
    title: 'withdrawing forgets the consent and revokes every grant of that person for that client, and no other one',
    covers: ['consents.withdrawConsent:withdrawn', 'consents.withdrawConsent:unknown', 'consents.findConsent:nothing'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const issue = issueFor(tools, world, { grant: { offline: true } })
      const other = await signedIn(tools)
      const elsewhere = { ...world, client: other.client }
      const neighbour = { ...other, client: world.client }
      const issues = [elsewhere, neighbour].map((one) => issueFor(tools, one))
      assert.equal(await settleAnew(tools, world, { issue, consent: consentOf(world) }), 'settled')
      for (const kept of issues) {
        assert.equal(await stores.grants.issueAuthorizationCode(kept, on(10)), 'issued')
      }
      const revoked = issueFor(tools, world)
      await stores.grants.issueAuthorizationCode(revoked, on(10))
      await stores.grants.revokeGrant(revoked.grant.handle, on(11))
      const key = { subject: world.session.subject, clientId: world.client.clientId }
      const event = fresh.event()
      assert.equal(await stores.consents.withdrawConsent(key, on(12, event)), 'withdrawn')
      assert.equal(await stores.consents.findConsent(key), undefined)
      assert.equal((await codeNow(tools, issue)).state.revokedAt, at(12))
      assert.equal((await codeNow(tools, revoked)).state.revokedAt, at(11))
      for (const kept of issues) assert.equal((await codeNow(tools, kept)).state.revokedAt, undefined)
      assert.equal(await stores.consents.withdrawConsent(key, on(13, fresh.event())), 'unknown')
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: [],
    title: 'withdrawing revokes the grants of a trusted client too, for which no consent was ever remembered',
    covers: ['consents.withdrawConsent:withdrawn', 'consents.withdrawConsent:unknown'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const key = { subject: world.session.subject, clientId: world.client.clientId }
      assert.equal(await stores.consents.withdrawConsent(key, on(1)), 'unknown')
      const issue = issueFor(tools, world)
      await stores.grants.issueAuthorizationCode(issue, on(1))
      assert.equal(await stores.consents.withdrawConsent(key, on(2)), 'withdrawn')
      assert.equal((await codeNow(tools, issue)).state.revokedAt, at(2))
    },
  },
]
