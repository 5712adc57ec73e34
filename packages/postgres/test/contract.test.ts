// Owns the registration of the contract suite against Postgres, and the proof that the suite catches a store that checks and then
// writes. Never adds cases of its own: they belong to the suite.

import assert from 'node:assert/strict'
import type { GrantStore, Stores } from '@vouchsafe/core'
import { raceCases, runCase, runCases, storeCases, titleOf } from '@vouchsafe/core/store-contract'
import type postgres from 'postgres'
import t from 'tap'
import { openBench } from './harness.ts'

const bench = await openBench()
t.teardown(() => bench.close())

for (const storeCase of [...storeCases, ...raceCases]) {
  t.test(titleOf(storeCase), async () => {
    const { failure } = await runCase(storeCase, { open: bench.factory(), assert, rounds: 5 })
    if (failure !== undefined) throw failure
  })
}

/** The fault that adapters of other servers have: it reads the code, waits, and then writes whatever happened meanwhile. */
const redeemByReadingFirst =
  (stores: Stores, sql: postgres.Sql): GrantStore['redeemAuthorizationCode'] =>
  async (redemption, occasion) => {
    const found = await stores.grants.findAuthorizationCode(redemption)
    if (found === undefined) return { outcome: 'unknown' }
    if (found.redeemedAt !== undefined) {
      await stores.grants.revokeGrant(redemption.handle, { now: occasion.now, events: occasion.replayEvents })
      return { outcome: 'replayed', handle: redemption.handle, subject: found.grant.subject }
    }
    const token = redemption.accessToken
    await sql.begin(async (queries) => {
      await queries`update grants set redeemed_at = ${occasion.now} where handle = ${Buffer.from(token.handle, 'base64url')}`
      await queries`
        insert into access_tokens (handle, digest, owner, client_id, client_incarnation, scope, audience, issued_at, expires_at)
        select handle, ${Buffer.from(token.digest, 'base64url')}, 'grant', client_id, client_incarnation,
          ${queries.array([...token.scope])}, '{}', ${token.issuedAt}, ${token.expiresAt}
        from grants where handle = ${Buffer.from(token.handle, 'base64url')}`
    })
    return { outcome: 'redeemed' }
  }

t.test('[QA-012, ADV-146] a store that reads, waits and then writes is caught by the races', async (t) => {
  const races = raceCases.filter(({ races }) => races.includes('grants.redeemAuthorizationCode'))
  const open = bench.factory((stores, sql) => ({
    ...stores,
    grants: { ...stores.grants, redeemAuthorizationCode: redeemByReadingFirst(stores, sql) },
  }))
  const results = await runCases(races, { open, assert, rounds: 5 })
  const caught = results.filter(({ failure }) => failure !== undefined)
  t.ok(races.length > 0)
  t.ok(
    caught.some(({ case: { title } }) => title.startsWith('of twenty redemptions of one code')),
    `caught by ${caught.length} of ${races.length} races`,
  )
})
