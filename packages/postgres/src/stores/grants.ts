// Owns the statements on grants and the codes that begin them. Never sees a code: only its digest.

import type { GrantStore } from '@vouchsafe/core'
import type { Database } from '../database.ts'
import { bytes, bytesOrNull, instantOrUndefined } from '../values.ts'
import { basisLocks } from './basis.ts'
import { insertEvents } from './events.ts'
import { type GrantRow, grantColumns, grantJoins, grantOf, stateOf } from './grant-rows.ts'
import { insertGrant } from './issue.ts'
import { spendPart } from './pushed-requests.ts'
import { redeem } from './redeem.ts'
import { readRefresh, refresh } from './refresh.ts'

/** The store of grants in Postgres. */
export const createGrantStore = (database: Database): GrantStore => ({
  issueAuthorizationCode: async (issue, occasion) => {
    const { grant, basis, pushedRequest } = issue
    const check = { ...basis, clientId: grant.clientId, subject: grant.subject, now: occasion.now }
    const [row] = await database.statement<{ outcome: 'issued' | 'stale' | 'requestSpent' }>(
      (sql) => sql`
        with ${basisLocks(sql, check, sql`select`)},
        ${spendPart(sql, sql`${bytesOrNull(pushedRequest)}::bytea`, { now: occasion.now, gate: sql`select from basis` })},
        ${insertGrant(sql, issue, pushedRequest === undefined ? sql`true` : sql`exists (select from spent)`)},
        written as (${insertEvents(sql, sql`issued`, occasion.events)})
        select case
          when exists (select from issued) then 'issued'
          when exists (select from basis) then 'requestSpent'
          else 'stale'
        end as outcome`,
    )
    return row?.outcome ?? 'stale'
  },

  findAuthorizationCode: async (code) => {
    const [row] = await database.statement<GrantRow>(
      (sql) => sql`
        select ${grantColumns(sql)} from grants g ${grantJoins(sql)}
        where g.handle = ${bytes(code.handle)}::bytea and g.code_digest = ${bytes(code.codeDigest)}::bytea`,
    )
    if (row === undefined) return undefined
    return { grant: grantOf(row), redeemedAt: instantOrUndefined(row.redeemed_at), state: stateOf(row) }
  },

  redeemAuthorizationCode: (redemption, occasion) => redeem(database, redemption, occasion),

  findRefresh: (handle) => readRefresh(database, handle),

  refreshGrant: (presented, occasion) => refresh(database, presented, occasion),

  revokeGrant: async (handle, occasion) => {
    const [row] = await database.statement<{ outcome: 'revoked' | 'alreadyRevoked' | 'unknown' }>(
      (sql) => sql`
        with revoked as (
          update grants set revoked_at = ${occasion.now}::bigint where handle = ${bytes(handle)}::bytea and revoked_at is null
          returning 1
        ), written as (${insertEvents(sql, sql`revoked`, occasion.events)})
        select case
          when exists (select from revoked) then 'revoked'
          when exists (select from grants where handle = ${bytes(handle)}::bytea) then 'alreadyRevoked'
          else 'unknown'
        end as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },
})
