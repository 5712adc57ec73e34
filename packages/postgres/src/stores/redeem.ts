// Owns the redemption of a code: one statement that locks, judges and writes. Never decides on what was read before it waited.
//
// A statement sees one snapshot, but a row that it locks is read again after the wait. So what can change (client, person,
// session, the grant's own state) is read through locks only, and what cannot (to whom a grant was given, for which redirect
// URI, with which challenge) may come from the snapshot.

import type { AuditEntry, CodeRedemption, CodeRedemptionOutcome, Instant, Occasion } from '@vouchsafe/core'
import { subject } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { bytes, bytesOrNull } from '../values.ts'
import { eventsText, type Part } from './events.ts'
import { insertReservations, proofsTable } from './reservations.ts'
import { insertToken } from './token-rows.ts'

interface RedemptionRow {
  readonly outcome: CodeRedemptionOutcome['outcome']
  readonly subject: string | null
}

type RedemptionOccasion = Occasion & { readonly replayEvents: readonly AuditEntry[] }

/** The grant as far as it never changes, and whether the request fits it. */
const matched = (sql: Queries, redemption: CodeRedemption): Part => sql`
  matched as materialized (
    select handle, client_id, client_incarnation, subject, sid, offline,
      client_id = ${redemption.clientId}
        and code_challenge is not distinct from ${redemption.codeChallenge ?? null}::text
        and case
          when ${bytesOrNull(redemption.redirectUriDigest)}::bytea is null then code_challenge is not null
          else redirect_uri_digest = ${bytesOrNull(redemption.redirectUriDigest)}::bytea
        end as fits
    from grants
    where handle = ${bytes(redemption.handle)}::bytea and code_digest = ${bytes(redemption.codeDigest)}::bytea
  )`

/** Locks in the order that all transitions keep; each waits for the one before it, whether that one held or not. */
const held = (sql: Queries, redemption: CodeRedemption, now: Instant): Part => sql`
  held_client as materialized (
    select 1 from clients
    where client_id = (select client_id from matched where fits)
      and incarnation = (select client_incarnation from matched where fits)
      and version = ${redemption.basis.clientVersion}::integer and not disabled
    for share
  ), held_person as materialized (
    select 1 from subjects
    where subject = (select subject from matched where fits)
      and version = ${redemption.basis.subjectVersion}::integer and status = 'active'
      and (select count(*) from held_client) >= 0
    for share
  ), held_session as materialized (
    select 1 from sessions
    where sid = (select sid from matched where fits and not offline) and ended_at is null
      and idle_expires_at > ${now}::bigint and absolute_expires_at > ${now}::bigint
      and (select count(*) from held_person) >= 0
    for share
  ), held_grant as materialized (
    select handle, subject, offline, redeemed_at, revoked_at, code_expires_at from grants
    where handle = (select handle from matched where fits)
      and (select count(*) from held_session) >= 0
    for update
  )`

/** The verdict on the grant; then the proofs, which are reserved only where something is written, and outrank every verdict. */
const ruled = (sql: Queries, redemption: CodeRedemption, now: Instant): Part => sql`
  verdict as materialized (
    select handle, subject, case
      when redeemed_at is not null then 'replayed'
      when revoked_at is not null then 'revoked'
      when code_expires_at <= ${now}::bigint then 'expired'
      when not exists (select from held_client) or not exists (select from held_person) then 'stale'
      when not offline and not exists (select from held_session) then 'stale'
      else 'redeemed'
    end as outcome
    from held_grant
  ), reserved as (
    ${insertReservations(sql, redemption.proofs, { now, gate: sql`select from verdict where outcome in ('redeemed', 'replayed')` })}
  ), ruling as materialized (
    select handle, subject, case
      when outcome in ('redeemed', 'replayed') and (select count(*) from reserved) < ${redemption.proofs.length}::integer
        then 'proofReplayed'
      when exists (
        select from reservations r join ${proofsTable(sql, redemption.proofs)} on r.namespace = proof.namespace and r.digest = proof.digest
        where r.expires_at > ${now}::bigint
      ) then 'proofReplayed'
      else outcome
    end as outcome
    from verdict
  )`

/** Writes a grant's first refresh state, once per row `(handle)` of `source`, where there is one to write. */
export const insertRefresh = (sql: Queries, refresh: CodeRedemption['refresh'], source: Part): Part =>
  refresh === undefined
    ? sql`select`
    : sql`
      insert into refresh_states (handle, current_digest, mark, idle_expires_at, absolute_expires_at, binding_method, binding_thumbprint)
      select source.handle, ${bytes(refresh.current)}::bytea, ${bytes(refresh.mark)}::bytea, ${refresh.idleExpiresAt}::bigint,
        ${refresh.absoluteExpiresAt}::bigint, ${refresh.binding?.method ?? null}::text,
        ${bytesOrNull(refresh.binding?.thumbprint)}::bytea
      from (${source}) as source`

/** The writes: at most one row is updated, and everything else hangs on that. */
const written = (sql: Queries, redemption: CodeRedemption, occasion: RedemptionOccasion): Part => {
  const token = redemption.accessToken
  return sql`
    updated as (
      update grants g set
        redeemed_at = case when ruling.outcome = 'redeemed' then ${occasion.now}::bigint else g.redeemed_at end,
        revoked_at = case when ruling.outcome = 'replayed' then ${occasion.now}::bigint else g.revoked_at end,
        expires_at = case when ruling.outcome = 'redeemed' then greatest(g.expires_at, ${token.expiresAt}::bigint, ${redemption.refresh?.absoluteExpiresAt ?? null}::bigint) else g.expires_at end
      from ruling
      where g.handle = ruling.handle
        and (ruling.outcome = 'redeemed' or (ruling.outcome = 'replayed' and g.revoked_at is null))
      returning g.handle, ruling.outcome
    ), token as (${insertToken(
      sql,
      token,
      sql`
      select updated.handle, matched.client_incarnation from updated, matched where updated.outcome = 'redeemed'`,
    )}
    ), refreshed as (${insertRefresh(sql, redemption.refresh, sql`select handle from updated where outcome = 'redeemed'`)}
    ), events as (
      insert into audit_events (at, name, fields)
      select e.at, e.name, e.fields
      from updated, jsonb_to_recordset(
        case when updated.outcome = 'redeemed' then ${eventsText(occasion.events)}::text else ${eventsText(occasion.replayEvents)}::text end::jsonb
      ) as e (at bigint, name text, fields jsonb)
    )`
}

const redeemIn = async (
  run: Database['statement'],
  redemption: CodeRedemption,
  occasion: RedemptionOccasion,
): Promise<CodeRedemptionOutcome> => {
  const [row] = await run<RedemptionRow>(
    (sql) => sql`
      with ${matched(sql, redemption)},
      ${held(sql, redemption, occasion.now)},
      ${ruled(sql, redemption, occasion.now)},
      ${written(sql, redemption, occasion)}
      select coalesce(
        (select outcome from ruling),
        case when exists (select from matched where not fits) then 'mismatched' else 'unknown' end
      ) as outcome, (select subject from ruling) as subject`,
  )
  if (row?.outcome === 'replayed' && row.subject !== null) {
    return { outcome: 'replayed', handle: redemption.handle, subject: subject(row.subject) }
  }
  return row === undefined || row.outcome === 'replayed' ? { outcome: 'unknown' } : { outcome: row.outcome }
}

/** Redeems in one statement; with several proofs in a transaction, to take back those reserved before one was found in use. */
export const redeem = (
  database: Database,
  redemption: CodeRedemption,
  occasion: RedemptionOccasion,
): Promise<CodeRedemptionOutcome> =>
  redemption.proofs.length < 2
    ? redeemIn(database.statement, redemption, occasion)
    : database.undoable(
        (sql) => redeemIn(async (write) => await write(sql), redemption, occasion),
        ({ outcome }) => outcome === 'proofReplayed',
      )
