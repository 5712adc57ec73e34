// Owns the poll of a device: locks, verdict and writes in one short transaction. Never decides on what was read before it waited: what can
// change is read by the statement that locks it.

import type { AuditEntry, DevicePoll, DeviceStore, Occasion } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { bytes } from '../values.ts'
import { insertEvents } from './events.ts'
import { insertRefresh } from './redeem.ts'
import { insertReservations } from './reservations.ts'
import { insertToken } from './token-rows.ts'

type Polled = Awaited<ReturnType<DeviceStore['pollDevice']>>
type PollOccasion = Occasion & { readonly replayEvents: readonly AuditEntry[] }

/** Locks in the order that all transitions keep, the device last, and judges; each lock waits for the one before it, held or not. */
const judge = async (sql: Queries, poll: DevicePoll, { now }: PollOccasion): Promise<Polled> => {
  const { clientVersion = 0, subjectVersion = 0 } = poll.redemption?.basis ?? {}
  const [row] = await sql<{ outcome: Polled }[]>`
    with matched as materialized (
      select d.handle, d.client_id, d.client_incarnation, g.subject, g.sid
      from device_requests d
        join clients c on c.client_id = d.client_id and c.incarnation = d.client_incarnation
        left join grants g on g.handle = d.handle
      where d.handle = ${bytes(poll.handle)}::bytea and d.device_digest = ${bytes(poll.deviceDigest)}::bytea
        and d.client_id = ${poll.clientId}
    ), held_client as materialized (
      select 1 from clients
      where client_id = (select client_id from matched) and incarnation = (select client_incarnation from matched)
        and version = ${clientVersion}::integer and not disabled
      for share
    ), held_person as materialized (
      select 1 from subjects
      where subject = (select subject from matched) and version = ${subjectVersion}::integer and status = 'active'
        and (select count(*) from held_client) >= 0
      for share
    ), held_session as materialized (
      select 1 from sessions
      where sid = (select sid from matched) and ended_at is null
        and idle_expires_at > ${now}::bigint and absolute_expires_at > ${now}::bigint
        and (select count(*) from held_person) >= 0
      for share
    ), held_grant as materialized (
      select redeemed_at, revoked_at from grants
      where handle = (select handle from matched) and (select count(*) from held_session) >= 0
      for update
    ), held_device as materialized (
      select status, request_expires_at, poll_interval, polled_at from device_requests
      where handle = (select handle from matched) and (select count(*) from held_grant) >= 0
      for update
    )
    select case
      when exists (select from held_grant where redeemed_at is not null) then 'replayed'
      when status = 'denied' or request_expires_at <= ${now}::bigint then 'stale'
      when status = 'approved' then case
        when ${poll.redemption !== undefined}::boolean and exists (select from held_grant where revoked_at is null)
          and exists (select from held_client) and exists (select from held_person) and exists (select from held_session)
          then 'redeemed'
        else 'stale'
      end
      when ${poll.redemption !== undefined}::boolean then 'stale'
      when ${now}::bigint < polled_at + poll_interval - ${poll.tolerance}::integer then 'slowDown'
      else 'pending'
    end as outcome
    from held_device`
  return row?.outcome ?? 'unknown'
}

const redeem = async (
  sql: Queries,
  poll: DevicePoll,
  { accessToken, refresh }: NonNullable<DevicePoll['redemption']>,
  occasion: PollOccasion,
): Promise<void> => {
  await sql`
    with updated as (
      update grants set redeemed_at = ${occasion.now}::bigint,
        expires_at = greatest(expires_at, ${accessToken.expiresAt}::bigint, ${refresh?.absoluteExpiresAt ?? null}::bigint)
      where handle = ${bytes(poll.handle)}::bytea
      returning handle, client_incarnation
    ), token as (${insertToken(sql, accessToken, sql`select handle, client_incarnation from updated`)}
    ), refreshed as (${insertRefresh(sql, refresh, sql`select handle from updated`)}
    ), events as (${insertEvents(sql, sql`updated`, occasion.events)})
    select from updated`
}

const write = async (sql: Queries, poll: DevicePoll, outcome: Polled, occasion: PollOccasion): Promise<void> => {
  switch (outcome) {
    case 'redeemed':
      if (poll.redemption !== undefined) await redeem(sql, poll, poll.redemption, occasion)
      return
    case 'replayed':
      await sql`
        with revoked as (
          update grants set revoked_at = ${occasion.now}::bigint where handle = ${bytes(poll.handle)}::bytea and revoked_at is null
          returning 1
        ), written as (${insertEvents(sql, sql`revoked`, occasion.replayEvents)})
        select from revoked`
      return
    case 'slowDown':
    case 'pending':
      await sql`
        update device_requests set polled_at = ${occasion.now}::bigint,
          poll_interval = poll_interval + ${outcome === 'slowDown' ? poll.growth : 0}::integer
        where handle = ${bytes(poll.handle)}::bytea`
      return
    default:
  }
}

const pollIn = async (sql: Queries, poll: DevicePoll, occasion: PollOccasion): Promise<Polled> => {
  const outcome = await judge(sql, poll, occasion)
  if (outcome === 'unknown') return outcome
  if (poll.proofs.length > 0) {
    const reserved = await sql`${insertReservations(sql, poll.proofs, { now: occasion.now, gate: sql`select` })}`
    if (reserved.length < poll.proofs.length) return 'proofReplayed'
  }
  await write(sql, poll, outcome, occasion)
  return outcome
}

/** Judges a poll and writes what it comes to; what is refused writes nothing, its proofs included. */
export const poll = (database: Database, polled: DevicePoll, occasion: PollOccasion): Promise<Polled> =>
  database.undoable(
    (sql) => pollIn(sql, polled, occasion),
    (outcome) => outcome === 'proofReplayed' || outcome === 'stale',
  )
