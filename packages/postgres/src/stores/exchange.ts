// Owns the statement that stores an exchanged token: one that locks, judges and writes. Never decides on what was read before it waited.

import type { AccessTokenStore, ExchangedTokenIssue, Occasion } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { bytes, textArray } from '../values.ts'
import { insertEvents, type Part } from './events.ts'
import { insertReservations, proofsTable } from './reservations.ts'
import { insertToken } from './token-rows.ts'

type Outcome = Awaited<ReturnType<AccessTokenStore['issueExchangedToken']>>

/** Locks in the order that all transitions keep, both clients in the order of their ids; each waits for the one before it. */
const held = (sql: Queries, { token, basis }: ExchangedTokenIssue, { now }: Occasion): Part => sql`
  matched as materialized (
    select handle, client_id, client_incarnation, subject, sid, offline from grants where handle = ${bytes(token.handle)}::bytea
  ), held_clients as materialized (
    select client_id, incarnation, version from clients
    where not disabled and (client_id = ${token.clientId} or client_id = (select client_id from matched))
    order by client_id
    for share
  ), holder as materialized (
    select incarnation from held_clients where client_id = ${token.clientId} and version = ${basis.clientVersion}::integer
  ), root as materialized (
    select 1 from held_clients, matched
    where held_clients.client_id = matched.client_id and held_clients.incarnation = matched.client_incarnation
  ), held_person as materialized (
    select 1 from subjects
    where subject = (select subject from matched)
      and version = ${basis.subjectVersion}::integer and status = 'active'
      and (select count(*) from held_clients) >= 0
    for share
  ), held_session as materialized (
    select 1 from sessions
    where sid = (select sid from matched where not offline) and ended_at is null
      and idle_expires_at > ${now}::bigint and absolute_expires_at > ${now}::bigint
      and (select count(*) from held_person) >= 0
    for share
  ), held_grant as materialized (
    select handle, offline, revoked_at from grants
    where handle = (select handle from matched)
      and (select count(*) from held_session) >= 0
    for share
  )`

const ruled = (sql: Queries, { proofs }: ExchangedTokenIssue, { now }: Occasion): Part => sql`
  verdict as materialized (
    select handle, case
      when revoked_at is not null then 'revoked'
      when not exists (select from holder) or not exists (select from root) or not exists (select from held_person) then 'stale'
      when not offline and not exists (select from held_session) then 'stale'
      else 'issued'
    end as outcome
    from held_grant
  ), reserved as (
    ${insertReservations(sql, proofs, { now, gate: sql`select from verdict where outcome = 'issued'` })}
  ), free as materialized (
    select verdict.handle, holder.incarnation as client_incarnation from verdict, holder
    where verdict.outcome = 'issued' and (select count(*) from reserved) = ${proofs.length}::integer
      and not exists (
        select from reservations r join ${proofsTable(sql, proofs)} on r.namespace = proof.namespace and r.digest = proof.digest
        where r.expires_at > ${now}::bigint
      )
  )`

const insertDetails = (sql: Queries, { token, actors }: ExchangedTokenIssue): Part =>
  token.format === 'jwt' || actors.length === 0
    ? sql`select`
    : sql`
      insert into token_details (handle, digest, actors)
      select handle, ${bytes(token.digest)}::bytea, ${textArray(actors)}::text[] from free`

const issueIn = async (
  run: Database['statement'],
  issue: ExchangedTokenIssue,
  occasion: Occasion,
): Promise<Outcome> => {
  const [row] = await run<{ outcome: Outcome }>(
    (sql) => sql`
      with ${held(sql, issue, occasion)},
      ${ruled(sql, issue, occasion)},
      token as (${insertToken(sql, issue.token, sql`select handle, client_incarnation from free`)}),
      details as (${insertDetails(sql, issue)}),
      written as (${insertEvents(sql, sql`free`, occasion.events)})
      select case
        when exists (select from free) then 'issued'
        else coalesce((select case outcome when 'issued' then 'proofReplayed' else outcome end from verdict), 'revoked')
      end as outcome`,
  )
  return row?.outcome ?? 'revoked'
}

/** Issues in one statement; with several proofs in a transaction, to take back those reserved before one was found in use. */
export const issueExchanged = (database: Database, issue: ExchangedTokenIssue, occasion: Occasion): Promise<Outcome> =>
  issue.proofs.length < 2
    ? issueIn(database.statement, issue, occasion)
    : database.undoable(
        (sql) => issueIn(async (write) => await write(sql), issue, occasion),
        (outcome) => outcome === 'proofReplayed',
      )
