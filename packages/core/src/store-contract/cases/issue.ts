// Owns the cases on issuing a code and on revoking its grant. Never redeems but to show that a code lives or is dead.

import type { CaseTools, StoreCase } from '../contract.ts'
import { clientDecays, type Decay, PRESENTED, personDecays, sessionDecays } from '../decay.ts'
import { at, on } from '../fresh.ts'
import {
  codeNow,
  issued,
  issueFor,
  opened,
  present,
  redeem,
  redemptionOf,
  type SignedIn,
  signedIn,
  signIn,
  tokenNow,
} from '../world.ts'

/** Lets a person consent, and answers the version that is remembered from then on. */
export const consented = async (tools: CaseTools, world: SignedIn, scope: readonly string[]): Promise<number> => {
  const { client, session } = world
  const { move } = await opened(tools, client)
  const key = { subject: session.subject, clientId: client.clientId }
  const consent = { ...key, scope, claims: [], resources: [], grantedAt: at(0), expiresAt: at(86400) }
  const settlement = { issue: issueFor(tools, world), consent }
  tools.assert.equal(await tools.stores.interactions.settleInteraction({ ...move, settlement }, on(0)), 'settled')
  return present(await tools.stores.consents.findConsent(key), 'the consent').version
}

const refusedIssue = (decay: Decay): Omit<StoreCase, 'ids' | 'title'> => ({
  covers: ['grants.issueAuthorizationCode:stale', 'grants.findAuthorizationCode:nothing'],
  races: [],
  run: async (tools) => {
    const { stores, assert, fresh } = tools
    const world = await signedIn(tools, decay.session)
    const control = issueFor(tools, world)
    assert.equal(await stores.grants.issueAuthorizationCode(control, on(1)), 'issued', 'before, it would have been')
    const basis = await decay.spoil(tools, world)
    const issue = issueFor(tools, world, { basis })
    assert.equal(await stores.grants.issueAuthorizationCode(issue, on(PRESENTED, fresh.event())), 'stale')
    const code = { handle: issue.grant.handle, codeDigest: issue.codeDigest }
    assert.equal(await stores.grants.findAuthorizationCode(code), undefined)
    assert.deepEqual(await tools.readEvents(), [])
  },
})

const staleCases: readonly StoreCase[] = [
  ...clientDecays.map((decay) => ({
    ids: ['OPS-017'],
    title: `no code is issued when ${decay.title}`,
    ...refusedIssue(decay),
  })),
  ...personDecays.map((decay) => ({
    ids: ['OPS-018'],
    title: `no code is issued when ${decay.title}`,
    ...refusedIssue(decay),
  })),
  ...sessionDecays.map((decay) => ({
    ids: ['OPS-019'],
    title: `no code is issued when ${decay.title}`,
    ...refusedIssue(decay),
  })),
]

/** Cases on issuing and revoking. */
export const issueCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'an issued code is found with its grant and the state around it, by handle and digest together only',
    covers: [
      'grants.issueAuthorizationCode:issued',
      'grants.findAuthorizationCode:value',
      'grants.findAuthorizationCode:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools, { acr: 'gold', amr: ['pwd', 'otp'] })
      const claims = {
        userinfo: [{ name: 'email', essential: true, values: ['a@example', 1, false] }],
        idToken: [],
      }
      const full = issueFor(tools, world, { grant: { offline: true, claims } })
      const bare = issueFor(tools, world, {
        grant: { codeChallenge: undefined, dpopJkt: undefined, nonce: undefined, scope: [], amr: [] },
      })
      const events = [fresh.event(), fresh.event()]
      for (const [index, issue] of [full, bare].entries()) {
        const happens = on(0, ...events.slice(index, index + 1))
        assert.equal(await stores.grants.issueAuthorizationCode(issue, happens), 'issued')
        assert.deepEqual(await codeNow(tools, issue), {
          grant: issue.grant,
          redeemedAt: undefined,
          state: {
            revokedAt: undefined,
            client: { version: 1, disabled: false },
            subject: { subject: world.session.subject, status: 'active', version: 1 },
            session: {
              endedAt: undefined,
              idleExpiresAt: world.session.idleExpiresAt,
              absoluteExpiresAt: world.session.absoluteExpiresAt,
            },
          },
        })
      }
      const { handle } = full.grant
      for (const code of [
        { handle, codeDigest: fresh.digest() },
        { handle, codeDigest: bare.codeDigest },
        { handle: fresh.handle(), codeDigest: full.codeDigest },
      ]) {
        assert.equal(await stores.grants.findAuthorizationCode(code), undefined)
      }
      assert.deepEqual(await tools.readEvents(), events)
    },
  },
  ...staleCases,
  {
    ids: [],
    title: 'no code is issued for an unknown person, on an unknown session, or on the session of somebody else',
    covers: ['grants.issueAuthorizationCode:stale'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const stranger = await signIn(tools)
      const unknown = { ...world, session: { ...world.session, subject: fresh.subject() } }
      for (const issue of [
        issueFor(tools, unknown),
        issueFor(tools, world, { basis: { sid: fresh.sessionId() } }),
        issueFor(tools, world, { grant: { subject: stranger.subject } }),
        issueFor(tools, world, { grant: { sid: stranger.sid }, basis: { sid: stranger.sid } }),
      ]) {
        assert.equal(await stores.grants.issueAuthorizationCode(issue, on(1, fresh.event())), 'stale')
      }
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: ['ADV-080'],
    title:
      'a code that rests on a remembered consent is issued at its version only, and after a withdrawal never again',
    covers: [
      'grants.issueAuthorizationCode:issued',
      'grants.issueAuthorizationCode:stale',
      'consents.withdrawConsent:withdrawn',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const tryAt = async (consentVersion: number): Promise<string> =>
        stores.grants.issueAuthorizationCode(issueFor(tools, world, { basis: { consentVersion } }), on(1))
      assert.equal(await tryAt(1), 'stale', 'none is remembered')
      const first = await consented(tools, world, ['openid', 'email'])
      assert.equal(await tryAt(first), 'issued')
      assert.equal(await tryAt(first + 1), 'stale')
      const second = await consented(tools, world, ['profile'])
      assert.equal(await tryAt(first), 'stale', 'it has changed')
      assert.equal(await tryAt(second), 'issued')
      const key = { subject: world.session.subject, clientId: world.client.clientId }
      assert.equal(await stores.consents.withdrawConsent(key, on(2)), 'withdrawn')
      assert.equal(await tryAt(second), 'stale', 'it was withdrawn')
      const third = await consented(tools, world, ['openid'])
      for (const old of [first, second]) assert.equal(await tryAt(old), 'stale', 'given anew, at another version')
      assert.equal(await tryAt(third), 'issued')
    },
  },
  {
    ids: [],
    title: 'a revoked grant keeps its first instant, its code is refused and its token is dead',
    covers: [
      'grants.revokeGrant:revoked',
      'grants.revokeGrant:alreadyRevoked',
      'grants.revokeGrant:unknown',
      'grants.redeemAuthorizationCode:revoked',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const open = await issued(tools, world)
      const used = await issued(tools, world)
      const redemption = redemptionOf(tools, used)
      assert.deepEqual(await redeem(tools, redemption), { outcome: 'redeemed' })
      const events = [fresh.event(), fresh.event()]
      for (const [index, issue] of [open, used].entries()) {
        const { handle } = issue.grant
        const happens = on(11, ...events.slice(index, index + 1))
        assert.equal(await stores.grants.revokeGrant(handle, happens), 'revoked')
        assert.equal(await stores.grants.revokeGrant(handle, on(12, fresh.event())), 'alreadyRevoked')
        assert.equal((await codeNow(tools, issue)).state.revokedAt, at(11))
      }
      assert.equal(await stores.grants.revokeGrant(fresh.handle(), on(12, fresh.event())), 'unknown')
      assert.deepEqual(await redeem(tools, redemptionOf(tools, open), 13), { outcome: 'revoked' })
      assert.equal((await tokenNow(tools, redemption.accessToken))?.family?.state.revokedAt, at(11))
      assert.deepEqual(await tools.readEvents(), events)
    },
  },
]
