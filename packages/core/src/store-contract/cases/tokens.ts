// Owns the cases on single access tokens: a client's own ones, revoking one, and what bears on a JWT. Races are in races/.

import type { AccessTokenRecord, ClientRecord } from '../../store/index.ts'
import type { CaseTools, StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { issued, redeem, redemptionOf, register, signedIn, tokenNow } from '../world.ts'

/** An opaque token of a client in its own name. */
export const ownToken = (
  { fresh }: CaseTools,
  client: ClientRecord,
  changes: Partial<AccessTokenRecord> = {},
): AccessTokenRecord => ({
  handle: fresh.handle(),
  digest: fresh.digest(),
  format: 'opaque',
  owner: 'client',
  clientId: client.clientId,
  scope: ['read', 'write'],
  audience: ['https://api.example/one'],
  binding: { method: 'x5t#S256', thumbprint: fresh.digest() },
  issuedAt: at(10),
  expiresAt: at(3600),
  ...changes,
})

const BASIS = { clientVersion: 1 }

/** Cases on access tokens. */
export const tokenCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'a client is given a token in its own name, and it is found as it was given, with its client alone',
    covers: ['accessTokens.issueOwnToken:issued', 'accessTokens.findAccessToken:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const token = ownToken(tools, client)
      const proofs = [fresh.reservation()]
      const event = fresh.event()
      assert.equal(await stores.accessTokens.issueOwnToken({ token, basis: BASIS, proofs }, on(10, event)), 'issued')
      const holder = { version: 1, disabled: false }
      const expected = { token, actors: [], revokedAt: undefined, client: holder, family: undefined }
      assert.deepEqual(await tokenNow(tools, token), expected)
      assert.equal(await stores.reservations.reserve(proofs, at(10)), 'replayed')
      assert.deepEqual(await tools.readEvents(), [event])
      await stores.clients.updateClient({ ...client, version: 2, disabled: true }, on(11))
      assert.deepEqual((await tokenNow(tools, token))?.client, { version: 2, disabled: true })
      await stores.clients.deleteClient(client.clientId, on(12))
      await stores.clients.createClient(client, on(13))
      assert.deepEqual((await tokenNow(tools, token))?.client, undefined, 'another client has its id now')
    },
  },
  {
    ids: ['OPS-021'],
    title: 'a client that is gone, disabled or changed is given nothing, and neither is one whose proof is used',
    covers: ['accessTokens.issueOwnToken:stale', 'accessTokens.issueOwnToken:proofReplayed'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const used = fresh.reservation()
      await stores.reservations.reserve([used], at(0))
      const refuse = async (
        given: Partial<AccessTokenRecord>,
        clientVersion: number,
        outcome: string,
      ): Promise<void> => {
        const token = ownToken(tools, client, given)
        const free = fresh.reservation()
        const proofs = outcome === 'proofReplayed' ? [free, used] : [free]
        const issue = { token, basis: { clientVersion }, proofs }
        assert.equal(await stores.accessTokens.issueOwnToken(issue, on(10, fresh.event())), outcome)
        assert.equal(await tokenNow(tools, token), undefined)
        assert.equal(await stores.reservations.reserve([free], at(10)), 'reserved', 'nothing is used up')
      }
      await refuse({ clientId: fresh.clientId() }, 1, 'stale')
      await refuse({}, 2, 'stale')
      await refuse({}, 1, 'proofReplayed')
      await stores.clients.updateClient({ ...client, version: 2, disabled: true }, on(11))
      await refuse({}, 2, 'stale')
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: [],
    title: 'one token is revoked, by its own client, once, and its grant and the other tokens live on',
    covers: [
      'accessTokens.revokeAccessToken:revoked',
      'accessTokens.revokeAccessToken:alreadyRevoked',
      'accessTokens.revokeAccessToken:mismatched',
      'accessTokens.revokeAccessToken:unknown',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const redemption = redemptionOf(tools, await issued(tools, world))
      await redeem(tools, redemption)
      const { accessToken } = redemption
      const other = ownToken(tools, world.client)
      await stores.accessTokens.issueOwnToken({ token: other, basis: BASIS, proofs: [] }, on(10))
      const revoke = (changes: Partial<AccessTokenRecord>, seconds: number): Promise<string> =>
        stores.accessTokens.revokeAccessToken({ ...accessToken, ...changes }, on(seconds, fresh.event()))
      assert.equal(await revoke({ clientId: fresh.clientId() }, 20), 'mismatched')
      assert.equal(await revoke({ digest: fresh.digest() }, 20), 'unknown')
      assert.equal((await tools.readEvents()).length, 0)
      assert.equal(await revoke({}, 21), 'revoked')
      assert.equal(await revoke({}, 22), 'alreadyRevoked')
      assert.equal((await tools.readEvents()).length, 1)
      const after = await tokenNow(tools, accessToken)
      assert.deepEqual([after?.revokedAt, after?.family?.state.revokedAt], [at(21), undefined])
      assert.equal((await tokenNow(tools, other))?.revokedAt, undefined)
    },
  },
  {
    ids: [],
    title: 'what bears on a JWT is found by what it says: its grant, its client, and whether it was revoked',
    covers: [
      'accessTokens.findTokenStanding:value',
      'accessTokens.revokeJwt:revoked',
      'accessTokens.revokeJwt:alreadyRevoked',
      'sweeps.sweepExpired:value',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const issue = await issued(tools, world)
      const client = { version: 1, disabled: false }
      const own = ownToken(tools, world.client, { format: 'jwt' })
      const standing = { revokedAt: undefined, client, family: undefined }
      assert.deepEqual(await stores.accessTokens.findTokenStanding(own), standing)
      const hanging = { ...own, handle: issue.grant.handle, owner: 'grant' as const }
      const found = await stores.accessTokens.findTokenStanding(hanging)
      assert.deepEqual([found.client, found.family?.grant], [client, issue.grant])
      const homeless = await stores.accessTokens.findTokenStanding({ ...hanging, handle: fresh.handle() })
      assert.equal(homeless.family, undefined)
      const event = fresh.event()
      assert.equal(await stores.accessTokens.revokeJwt(own, on(20, event)), 'revoked')
      assert.equal(await stores.accessTokens.revokeJwt(own, on(21, fresh.event())), 'alreadyRevoked')
      assert.deepEqual(await tools.readEvents(), [event])
      assert.equal((await stores.accessTokens.findTokenStanding(own)).revokedAt, at(20))
      assert.equal((await stores.accessTokens.findTokenStanding(hanging)).revokedAt, undefined, 'each by its own jti')
      const early = await stores.accessTokens.findTokenStanding({ ...own, issuedAt: at(-1) })
      assert.equal(early.client, undefined, 'that client was another one')
      await stores.sweeps.sweepExpired({ before: at(3601), limit: 100 })
      assert.equal((await stores.accessTokens.findTokenStanding(own)).revokedAt, undefined, 'it had expired')
    },
  },
]
