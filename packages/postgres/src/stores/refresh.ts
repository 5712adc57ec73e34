// Owns the refreshing of a grant: one statement that locks, judges and writes. Never decides on what was read before it waited: what can
// change is read through locks only (see redeem.ts).

import type { AuditEntry, GrantRefresh, Occasion, RefreshOutcome, RefreshSnapshot } from '@vouchsafe/core'
import { subject } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { bytes, bytesOrNull, digestOf, type Int8, instantOf, instantOrUndefined } from '../values.ts'
import { eventsText, type Part } from './events.ts'
import { type GrantRow, grantColumns, grantJoins, grantOf, stateOf } from './grant-rows.ts'
import { insertReservations, proofsTable } from './reservations.ts'
import { bindingOf, insertToken } from './token-rows.ts'

interface RefreshRow extends GrantRow {
  readonly current_digest: Buffer
  readonly previous_digest: Buffer | null
  readonly salt: Buffer | null
  readonly mark: Buffer
  readonly rotated_at: Int8 | null
  readonly idle_expires_at: Int8
  readonly absolute_expires_at: Int8
  readonly binding_method: 'jkt' | 'x5t#S256' | null
  readonly binding_thumbprint: Buffer | null
}

/** Reads a grant with its refresh state. */
export const readRefresh = async (database: Database, handle: string): Promise<RefreshSnapshot | undefined> => {
  const [row] = await database.statement<RefreshRow>(
    (sql) => sql`
      select r.current_digest, r.previous_digest, r.salt, r.mark, r.rotated_at, r.idle_expires_at, r.absolute_expires_at,
        r.binding_method, r.binding_thumbprint, ${grantColumns(sql)}
      from refresh_states r join grants g on g.handle = r.handle ${grantJoins(sql)}
      where r.handle = ${bytes(handle)}::bytea`,
  )
  if (row === undefined) return undefined
  return {
    grant: grantOf(row),
    state: stateOf(row),
    refresh: {
      current: digestOf(row.current_digest),
      previous: row.previous_digest === null ? undefined : digestOf(row.previous_digest),
      salt: row.salt === null ? undefined : row.salt.toString('base64url'),
      mark: row.mark.toString('base64url'),
      rotatedAt: instantOrUndefined(row.rotated_at),
      idleExpiresAt: instantOf(row.idle_expires_at),
      absoluteExpiresAt: instantOf(row.absolute_expires_at),
      binding: bindingOf(row.binding_method, row.binding_thumbprint),
    },
  }
}

type RefreshOccasion = Occasion & {
  readonly retryEvents: readonly AuditEntry[]
  readonly replayEvents: readonly AuditEntry[]
}

/** The grant as far as it never changes: to whom it was given. */
const matched = (sql: Queries, refresh: GrantRefresh): Part => sql`
  matched as materialized (
    select handle, client_id, client_incarnation, subject, sid, offline, client_id = ${refresh.clientId} as fits
    from grants where handle = ${bytes(refresh.handle)}::bytea
  )`

/** Locks in the order that all transitions keep; each waits for the one before it, whether that one held or not. */
const held = (sql: Queries, { basis }: GrantRefresh, now: number): Part => sql`
  held_client as materialized (
    select 1 from clients
    where client_id = (select client_id from matched where fits)
      and incarnation = (select client_incarnation from matched where fits)
      and version = ${basis.clientVersion}::integer and not disabled
    for share
  ), held_person as materialized (
    select 1 from subjects
    where subject = (select subject from matched where fits)
      and version = ${basis.subjectVersion}::integer and status = 'active'
      and (select count(*) from held_client) >= 0
    for share
  ), held_session as materialized (
    select 1 from sessions
    where sid = (select sid from matched where fits and not offline) and ended_at is null
      and idle_expires_at > ${now}::bigint and absolute_expires_at > ${now}::bigint
      and (select count(*) from held_person) >= 0
    for share
  ), held_grant as materialized (
    select handle, subject, offline, revoked_at from grants
    where handle = (select handle from matched) and (select count(*) from held_session) >= 0
    for update
  ), held_state as materialized (
    select handle, current_digest, previous_digest, salt, rotated_at, idle_expires_at, absolute_expires_at, binding_method,
      binding_thumbprint
    from refresh_states
    where handle = (select handle from held_grant)
    for update
  )`

/** The verdict on the token; then the proofs, which are reserved only where something is written, and outrank most verdicts. */
const ruled = (sql: Queries, refresh: GrantRefresh, now: number): Part => sql`
  verdict as materialized (
    select g.handle, g.subject, r.salt, case
      when not (${refresh.minted}::boolean or r.current_digest = ${bytes(refresh.presented)}::bytea
        or r.previous_digest is not distinct from ${bytes(refresh.presented)}::bytea) then 'unknown'
      when not (select fits from matched) then 'mismatched'
      when r.binding_method is not null and not (
        r.binding_method is not distinct from ${refresh.binding?.method ?? null}::text
        and r.binding_thumbprint is not distinct from ${bytesOrNull(refresh.binding?.thumbprint)}::bytea) then 'mismatched'
      when g.revoked_at is not null then 'revoked'
      when r.idle_expires_at <= ${now}::bigint or r.absolute_expires_at <= ${now}::bigint then 'expired'
      when r.current_digest <> ${bytes(refresh.presented)}::bytea and not (
        r.previous_digest is not distinct from ${bytes(refresh.presented)}::bytea
        and ${(refresh.rotation?.window ?? 0) > 0}::boolean and ${now}::bigint < r.rotated_at + ${refresh.rotation?.window ?? 0}::bigint) then 'replayed'
      when not exists (select from held_client) or not exists (select from held_person) then 'stale'
      when not g.offline and not exists (select from held_session) then 'stale'
      when r.current_digest <> ${bytes(refresh.presented)}::bytea then 'retried'
      else ${refresh.rotation === undefined ? 'kept' : 'rotated'}::text
    end as outcome
    from held_grant g join held_state r on r.handle = g.handle
  ), reserved as (
    ${insertReservations(sql, refresh.proofs, {
      now: now as Occasion['now'],
      gate: sql`select from verdict where outcome in ('rotated', 'kept', 'retried', 'replayed')`,
    })}
  ), ruling as materialized (
    select handle, subject, salt, case
      when outcome in ('unknown', 'mismatched') then outcome
      when outcome in ('rotated', 'kept', 'retried', 'replayed')
        and (select count(*) from reserved) < ${refresh.proofs.length}::integer then 'proofReplayed'
      when exists (
        select from reservations r join ${proofsTable(sql, refresh.proofs)} on r.namespace = proof.namespace and r.digest = proof.digest
        where r.expires_at > ${now}::bigint
      ) then 'proofReplayed'
      else outcome
    end as outcome
    from verdict
  )`

/** The writes, each by its ending. */
const written = (sql: Queries, refresh: GrantRefresh, occasion: RefreshOccasion): Part => {
  const { rotation, accessToken } = refresh
  const texts = [eventsText(occasion.events), eventsText(occasion.retryEvents), eventsText(occasion.replayEvents)]
  return sql`
    moved as (
      update refresh_states r set
        current_digest = coalesce(${bytesOrNull(rotation?.successor)}::bytea, r.current_digest),
        previous_digest = case when ruling.outcome = 'rotated' then r.current_digest else r.previous_digest end,
        salt = coalesce(${bytesOrNull(rotation?.salt)}::bytea, r.salt),
        rotated_at = case when ruling.outcome = 'rotated' then ${occasion.now}::bigint else r.rotated_at end,
        idle_expires_at = least(${refresh.idleExpiresAt}::bigint, r.absolute_expires_at)
      from ruling where r.handle = ruling.handle and ruling.outcome in ('rotated', 'kept')
    ), killed as (
      update grants g set revoked_at = ${occasion.now}::bigint
      from ruling where g.handle = ruling.handle and ruling.outcome = 'replayed'
    ), token as (${insertToken(
      sql,
      accessToken,
      sql`select ruling.handle, matched.client_incarnation from ruling, matched
        where ruling.outcome in ('rotated', 'kept', 'retried')`,
    )}
    ), events as (
      insert into audit_events (at, name, fields)
      select e.at, e.name, e.fields
      from ruling, jsonb_to_recordset(case
        when ruling.outcome in ('rotated', 'kept') then ${texts[0] ?? '[]'}::text
        when ruling.outcome = 'retried' then ${texts[1] ?? '[]'}::text
        when ruling.outcome = 'replayed' then ${texts[2] ?? '[]'}::text
        else '[]' end::jsonb) as e (at bigint, name text, fields jsonb)
    )`
}

const refreshIn = async (
  run: Database['statement'],
  refresh: GrantRefresh,
  occasion: RefreshOccasion,
): Promise<RefreshOutcome> => {
  const [row] = await run<{ outcome: RefreshOutcome['outcome']; subject: string | null; salt: Buffer | null }>(
    (sql) => sql`
      with ${matched(sql, refresh)},
      ${held(sql, refresh, occasion.now)},
      ${ruled(sql, refresh, occasion.now)},
      ${written(sql, refresh, occasion)}
      select coalesce((select outcome from ruling), 'unknown') as outcome, (select subject from ruling) as subject,
        (select salt from ruling) as salt`,
  )
  if (row === undefined) return { outcome: 'unknown' }
  switch (row.outcome) {
    case 'replayed':
      return { outcome: 'replayed', handle: refresh.handle, subject: subject(row.subject ?? '') }
    case 'retried':
      return { outcome: 'retried', salt: (row.salt ?? Buffer.alloc(0)).toString('base64url') }
    default:
      return { outcome: row.outcome }
  }
}

/** Refreshes in one statement; with several proofs in a transaction, to take back those reserved before one was found in use. */
export const refresh = (
  database: Database,
  presented: GrantRefresh,
  occasion: RefreshOccasion,
): Promise<RefreshOutcome> =>
  presented.proofs.length < 2
    ? refreshIn(database.statement, presented, occasion)
    : database.undoable(
        (sql) => refreshIn(async (write) => await write(sql), presented, occasion),
        ({ outcome }) => outcome === 'proofReplayed',
      )
