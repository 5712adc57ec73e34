// Owns the cases on tokens that a client is given for one it received. Races are in races/.

import type { AccessTokenRecord, ClientRecord, ExchangedTokenIssue } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { issued, redeem, redemptionOf, register, type SignedIn, signedIn, tokenFor, tokenNow } from '../world.ts'

/** An exchange of `holder` on a redeemed grant, not stored yet; opaque, unless changed. */
export const exchangeOn = async (
  tools: CaseTools,
  world: SignedIn,
  holder: ClientRecord,
  changes: { readonly token?: Partial<AccessTokenRecord>; readonly offline?: boolean } = {},
): Promise<ExchangedTokenIssue> => {
  const issue = await issued(tools, world, { grant: { offline: changes.offline ?? false } })
  await redeem(tools, redemptionOf(tools, issue))
  return {
    token: {
      ...tokenFor(tools, issue.grant, at(20)),
      clientId: holder.clientId,
      scope: ['read'],
      audience: ['https://api.example/two'],
      binding: { method: 'jkt', thumbprint: tools.fresh.digest() },
      expiresAt: at(1800),
      ...changes.token,
    },
    actors: [holder.clientId, tools.fresh.clientId()],
    basis: { clientVersion: holder.version, subjectVersion: world.basis.subjectVersion },
    proofs: [tools.fresh.reservation()],
  }
}

type Arranged = { readonly world: SignedIn; readonly holder: ClientRecord; readonly issue: ExchangedTokenIssue }

const arranged = async (
  tools: CaseTools,
  changes: { readonly token?: Partial<AccessTokenRecord>; readonly offline?: boolean } = {},
): Promise<Arranged> => {
  const world = await signedIn(tools)
  const holder = await register(tools)
  return { world, holder, issue: await exchangeOn(tools, world, holder, changes) }
}

const attempt = (tools: CaseTools, issue: ExchangedTokenIssue): Promise<string> =>
  tools.stores.accessTokens.issueExchangedToken(issue, on(20, tools.fresh.event()))

/** Refuses as said, and writes nothing: no token, no event, no reservation. */
const refuses = async (tools: CaseTools, issue: ExchangedTokenIssue, outcome: string, why: string): Promise<void> => {
  const { stores, assert } = tools
  assert.equal(await attempt(tools, issue), outcome, why)
  assert.equal(await tokenNow(tools, issue.token), undefined, why)
  assert.deepEqual(await tools.readEvents(), [], why)
  if (outcome !== 'proofReplayed')
    assert.equal(await stores.reservations.reserve(issue.proofs, at(20)), 'reserved', why)
}

const ENDINGS: readonly { readonly title: string; end(tools: CaseTools, arranged: Arranged): Promise<unknown> }[] = [
  {
    title: 'the client that exchanges is disabled',
    end: ({ stores }, { holder }) => stores.clients.updateClient({ ...holder, version: 2, disabled: true }, on(15)),
  },
  {
    title: 'the client that exchanges has changed',
    end: ({ stores }, { holder }) => stores.clients.updateClient({ ...holder, version: 2 }, on(15)),
  },
  {
    title: 'the client that exchanges is deleted',
    end: ({ stores }, { holder }) => stores.clients.deleteClient(holder.clientId, on(15)),
  },
  {
    title: "the grant's client is disabled",
    end: ({ stores }, { world: { client } }) =>
      stores.clients.updateClient({ ...client, version: 2, disabled: true }, on(15)),
  },
  {
    title: "another client has the id of the grant's",
    end: async ({ stores }, { world: { client } }) => {
      await stores.clients.deleteClient(client.clientId, on(15))
      await stores.clients.createClient(client, on(15))
    },
  },
  {
    title: 'the person is disabled',
    end: ({ stores }, { world: { session } }) =>
      stores.subjects.changeSubject({ subject: session.subject, status: 'disabled' }, on(15)),
  },
  {
    title: 'the person has changed',
    end: ({ stores }, { world: { session } }) =>
      stores.subjects.changeSubject({ subject: session.subject, status: 'active' }, on(15)),
  },
  {
    title: 'the session has ended',
    end: ({ stores }, { world: { session } }) => stores.sessions.endSession(session.sid, on(15)),
  },
]

/** Cases on exchanged tokens. */
export const exchangeCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'an exchanged token hangs on the grant with a client of its own, and says who acts by it',
    covers: ['accessTokens.issueExchangedToken:issued'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const { holder, issue } = await arranged(tools)
      const event = fresh.event()
      assert.equal(await stores.accessTokens.issueExchangedToken(issue, on(20, event)), 'issued')
      const found = await tokenNow(tools, issue.token)
      assert.deepEqual([found?.token, found?.actors], [issue.token, issue.actors])
      assert.deepEqual(found?.client, { version: 1, disabled: false })
      assert.equal(found?.family?.grant.handle, issue.token.handle)
      assert.deepEqual(await tools.readEvents(), [event])
      assert.equal(await stores.reservations.reserve(issue.proofs, at(20)), 'replayed')
      await stores.clients.updateClient({ ...holder, version: 2, disabled: true }, on(21))
      assert.deepEqual((await tokenNow(tools, issue.token))?.client, { version: 2, disabled: true })
      assert.equal(await stores.grants.revokeGrant(issue.token.handle, on(22)), 'revoked')
      assert.equal((await tokenNow(tools, issue.token))?.family?.state.revokedAt, at(22))
      await stores.sweeps.sweepExpired({ before: at(1801), limit: 100 })
      assert.equal(await tokenNow(tools, issue.token), undefined, 'swept with what it says')
    },
  },
  {
    ids: [],
    title: 'of an exchanged JWT nothing is kept but its events, and its proofs are used up',
    covers: ['accessTokens.issueExchangedToken:issued'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const { issue } = await arranged(tools, { token: { format: 'jwt' } })
      const event = fresh.event()
      assert.equal(await stores.accessTokens.issueExchangedToken(issue, on(20, event)), 'issued')
      assert.equal(await tokenNow(tools, issue.token), undefined)
      assert.deepEqual(await tools.readEvents(), [event])
      assert.equal(await stores.reservations.reserve(issue.proofs, at(20)), 'replayed')
    },
  },
  ...ENDINGS.map(
    (ending): StoreCase => ({
      ids: [],
      title: `nothing is exchanged when ${ending.title}`,
      covers: ['accessTokens.issueExchangedToken:stale'],
      races: [],
      run: async (tools) => {
        const given = await arranged(tools)
        await ending.end(tools, given)
        await refuses(tools, given.issue, 'stale', ending.title)
      },
    }),
  ),
  {
    ids: [],
    title: 'a grant that is revoked or gone gives nothing, and an offline one outlives its session',
    covers: [
      'accessTokens.issueExchangedToken:revoked',
      'accessTokens.issueExchangedToken:proofReplayed',
      'accessTokens.issueExchangedToken:issued',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const { issue, world } = await arranged(tools, { offline: true })
      await refuses(tools, { ...issue, token: { ...issue.token, handle: fresh.handle() } }, 'revoked', 'gone')
      const used = fresh.reservation()
      await stores.reservations.reserve([used], at(0))
      const proofs = [fresh.reservation(), used]
      await refuses(tools, { ...issue, proofs }, 'proofReplayed', 'a proof is used')
      assert.equal(await stores.reservations.reserve(proofs.slice(0, 1), at(20)), 'reserved', 'the other is not')
      await stores.sessions.endSession(world.session.sid, on(15))
      assert.equal(await attempt(tools, { ...issue, proofs: [] }), 'issued')
      await stores.grants.revokeGrant(issue.token.handle, on(16))
      const again = { ...issue, token: { ...issue.token, digest: fresh.digest() } }
      assert.equal(await attempt(tools, { ...again, proofs: [] }), 'revoked')
      assert.equal((await tools.readEvents()).length, 1)
    },
  },
]
