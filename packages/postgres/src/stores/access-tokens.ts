// Owns the statements on access tokens: reading them with what bears on them, a client's own ones, and revoking. Never sees a token: only
// its digest.

import {
  type AccessTokenRecord,
  type AccessTokenStore,
  type ClientState,
  clientId,
  type GrantSnapshot,
  type Occasion,
  type OwnTokenIssue,
} from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { type ArrayColumn, bytes, type Int8, instantOrUndefined, textsOf } from '../values.ts'
import { insertEvents, type Part } from './events.ts'
import { issueExchanged } from './exchange.ts'
import { type GrantRow, grantColumns, grantJoins, grantOf, stateOf } from './grant-rows.ts'
import { insertReservations, proofsTable } from './reservations.ts'
import { insertToken, type TokenRow, tokenColumns, tokenOf } from './token-rows.ts'

/** What bears on a token; the grant's columns are null where it has none. */
interface StandingRow {
  readonly token_revoked_at: Int8 | null
  readonly holder_version: number | null
  readonly holder_disabled: boolean | null
}

/** What is kept beside a token, where there is anything. */
interface DetailsRow {
  readonly token_actors: ArrayColumn<string> | null
}

type NullGrantRow = { readonly [Column in keyof GrantRow]: GrantRow[Column] | null }

const holderOf = (row: StandingRow): ClientState | undefined =>
  row.holder_version === null || row.holder_disabled === null
    ? undefined
    : { version: row.holder_version, disabled: row.holder_disabled }

const hasGrant = (row: NullGrantRow): row is GrantRow => row.handle !== null

const familyOf = (row: NullGrantRow): GrantSnapshot | undefined =>
  hasGrant(row) ? { grant: grantOf(row), state: stateOf(row) } : undefined

type OwnOutcome = 'issued' | 'stale' | 'proofReplayed'

const issueIn = async (
  run: Database['statement'],
  { token, basis, proofs }: OwnTokenIssue,
  occasion: Occasion,
): Promise<OwnOutcome> => {
  const [row] = await run<{ outcome: OwnOutcome }>(
    (sql) => sql`
      with held_client as materialized (
        select incarnation from clients
        where client_id = ${token.clientId} and version = ${basis.clientVersion}::integer and not disabled
        for share
      ), reserved as (
        ${insertReservations(sql, proofs, { now: occasion.now, gate: sql`select from held_client` })}
      ), free as materialized (
        select incarnation from held_client where (select count(*) from reserved) = ${proofs.length}::integer
          and not exists (
            select from reservations r join ${proofsTable(sql, proofs)} on r.namespace = proof.namespace and r.digest = proof.digest
            where r.expires_at > ${occasion.now}::bigint
          )
      ), token as (${ownTokenPart(sql, token)}),
      written as (${insertEvents(sql, sql`free`, occasion.events)})
      select case
        when exists (select from free) then 'issued'
        when exists (select from held_client) then 'proofReplayed'
        else 'stale'
      end as outcome`,
  )
  return row?.outcome ?? 'stale'
}

const ownTokenPart = (sql: Queries, token: AccessTokenRecord): Part =>
  insertToken(
    sql,
    token,
    sql`select ${bytes(token.handle)}::bytea as handle, incarnation as client_incarnation from free`,
  )

/** The store of access tokens in Postgres. */
export const createAccessTokenStore = (database: Database): AccessTokenStore => ({
  findAccessToken: async (token) => {
    const [row] = await database.statement<TokenRow & DetailsRow & StandingRow & NullGrantRow>(
      (sql) => sql`
        select ${tokenColumns(sql)}, details.actors as token_actors, t.revoked_at as token_revoked_at, holder.version as holder_version,
          holder.disabled as holder_disabled, ${grantColumns(sql)}
        from access_tokens t
        left join token_details details on details.handle = t.handle and details.digest = t.digest
        left join clients holder on holder.client_id = t.client_id and holder.incarnation = t.client_incarnation
        left join grants g on g.handle = t.handle and t.owner = 'grant' ${grantJoins(sql)}
        where t.handle = ${bytes(token.handle)}::bytea and t.digest = ${bytes(token.digest)}::bytea`,
    )
    if (row === undefined || (row.token_owner === 'grant' && !hasGrant(row))) return undefined
    return {
      token: tokenOf(row),
      actors: row.token_actors === null ? [] : textsOf(row.token_actors).map(clientId),
      revokedAt: instantOrUndefined(row.token_revoked_at),
      client: holderOf(row),
      family: familyOf(row),
    }
  },

  findTokenStanding: async (token) => {
    const [row] = await database.statement<StandingRow & NullGrantRow>(
      (sql) => sql`
        select j.revoked_at as token_revoked_at, holder.version as holder_version, holder.disabled as holder_disabled,
          ${grantColumns(sql)}
        from (select ${bytes(token.handle)}::bytea as handle, ${bytes(token.digest)}::bytea as digest) t
        left join revoked_jwts j on j.handle = t.handle and j.digest = t.digest
        left join clients holder on holder.client_id = ${token.clientId} and holder.created_at <= ${token.issuedAt}::bigint
        left join grants g on g.handle = t.handle and ${token.owner === 'grant'}::boolean ${grantJoins(sql)}`,
    )
    if (row === undefined) return { revokedAt: undefined, client: undefined, family: undefined }
    return { revokedAt: instantOrUndefined(row.token_revoked_at), client: holderOf(row), family: familyOf(row) }
  },

  issueOwnToken: (issue, occasion) =>
    issue.proofs.length < 2
      ? issueIn(database.statement, issue, occasion)
      : database.undoable(
          (sql) => issueIn(async (write) => await write(sql), issue, occasion),
          (outcome) => outcome === 'proofReplayed',
        ),

  issueExchangedToken: (issue, occasion) => issueExchanged(database, issue, occasion),

  revokeAccessToken: async (token, occasion) => {
    type Outcome = 'revoked' | 'alreadyRevoked' | 'mismatched' | 'unknown'
    const [row] = await database.statement<{ outcome: Outcome }>(
      (sql) => sql`
        with held as materialized (
          select handle, digest, client_id, revoked_at from access_tokens
          where handle = ${bytes(token.handle)}::bytea and digest = ${bytes(token.digest)}::bytea
          for update
        ), revoked as (
          update access_tokens t set revoked_at = ${occasion.now}::bigint from held
          where t.handle = held.handle and t.digest = held.digest and held.client_id = ${token.clientId}
            and held.revoked_at is null
          returning 1
        ), written as (${insertEvents(sql, sql`revoked`, occasion.events)})
        select coalesce((select case
          when client_id <> ${token.clientId} then 'mismatched'
          when revoked_at is not null then 'alreadyRevoked'
          else 'revoked'
        end from held), 'unknown') as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },

  revokeJwt: async (token, occasion) => {
    const [row] = await database.statement<{ outcome: 'revoked' | 'alreadyRevoked' }>(
      (sql) => sql`
        with revoked as (
          insert into revoked_jwts (handle, digest, revoked_at, expires_at)
          values (${bytes(token.handle)}::bytea, ${bytes(token.digest)}::bytea, ${occasion.now}::bigint, ${token.expiresAt}::bigint)
          on conflict (handle, digest) do nothing
          returning 1
        ), written as (${insertEvents(sql, sql`revoked`, occasion.events)})
        select case when exists (select from revoked) then 'revoked' else 'alreadyRevoked' end as outcome`,
    )
    return row?.outcome ?? 'alreadyRevoked'
  },
})
