// Owns the statements on pushed requests. Never lets one be spent twice: every spending is an update of a row that is not spent yet,
// and whatever it pays for hangs on that update.

import type { Digest, Occasion, PushedRequestRecord, PushedRequestStore, ReservationRecord } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { bytes, bytesOrNull, digestOf, type Int8, instantOf, instantOrUndefined } from '../values.ts'
import { insertEvents, type Part } from './events.ts'
import { requestOf } from './requests.ts'
import { insertReservations } from './reservations.ts'

interface PushedRow {
  readonly digest: Buffer
  readonly request: string
  readonly pushed_at: Int8
  readonly request_expires_at: Int8
  readonly expires_at: Int8
  readonly spent_at: Int8 | null
}

const recordOf = (row: PushedRow): PushedRequestRecord => ({
  digest: digestOf(row.digest),
  request: requestOf(row.request),
  pushedAt: instantOf(row.pushed_at),
  expiresAt: instantOf(row.request_expires_at),
  keptUntil: instantOf(row.expires_at),
  spentAt: instantOrUndefined(row.spent_at),
})

/**
 * A common table expression `spent` that spends a pushed request once `gate`, a subquery, has a row; it comes last in the order of
 * locks. `digest` is SQL that may be null: nothing is spent then.
 */
export const spendPart = (sql: Queries, digest: Part, when: { readonly now: number; readonly gate: Part }): Part => sql`
  spent as (
    update pushed_requests set spent_at = ${when.now}::bigint
    where digest = ${digest} and spent_at is null and exists (${when.gate})
    returning 1
  )`

interface Push {
  readonly pushed: PushedRequestRecord
  readonly clientVersion: number
  readonly proofs: readonly ReservationRecord[]
}

const pushIn = async (
  run: Database['statement'],
  { pushed, clientVersion, proofs }: Push,
  occasion: Occasion,
): Promise<'pushed' | 'stale' | 'proofReplayed'> => {
  const [row] = await run<{ outcome: 'pushed' | 'stale' | 'proofReplayed' }>(
    (sql) => sql`
      with held_client as materialized (
        select incarnation from clients
        where client_id = ${pushed.request.clientId} and version = ${clientVersion}::integer and not disabled
        for share
      ), reserved as (
        ${insertReservations(sql, proofs, { now: occasion.now, gate: sql`select from held_client` })}
      ), pushed as (
        insert into pushed_requests (digest, client_id, client_incarnation, request, pushed_at, request_expires_at, spent_at,
          expires_at)
        select ${bytes(pushed.digest)}::bytea, ${pushed.request.clientId}, incarnation, ${JSON.stringify(pushed.request)}::text::json,
          ${pushed.pushedAt}::bigint, ${pushed.expiresAt}::bigint, ${pushed.spentAt ?? null}::bigint, ${pushed.keptUntil}::bigint
        from held_client where (select count(*) from reserved) >= ${proofs.length}::integer
        returning 1
      ), written as (${insertEvents(sql, sql`pushed`, occasion.events)})
      select case
        when exists (select from pushed) then 'pushed'
        when exists (select from held_client) then 'proofReplayed'
        else 'stale'
      end as outcome`,
  )
  return row?.outcome ?? 'stale'
}

/** Rows of a client that is still the one that pushed them. */
const living = (sql: Queries, digest: Digest): Part => sql`
  pushed_requests p join clients c on c.client_id = p.client_id and c.incarnation = p.client_incarnation
  where p.digest = ${bytesOrNull(digest)}::bytea`

/** The store of pushed requests in Postgres. */
export const createPushedRequestStore = (database: Database): PushedRequestStore => ({
  // With several proofs in a transaction, to take back those reserved before one was found in use.
  pushRequest: (push, occasion) =>
    push.proofs.length < 2
      ? pushIn(database.statement, push, occasion)
      : database.undoable(
          (sql) => pushIn(async (write) => await write(sql), push, occasion),
          (outcome) => outcome === 'proofReplayed',
        ),

  findPushedRequest: async (digest) => {
    const [row] = await database.statement<PushedRow>(
      (sql) => sql`
        select p.digest, p.request::text as request, p.pushed_at, p.request_expires_at, p.expires_at, p.spent_at
        from ${living(sql, digest)}`,
    )
    return row === undefined ? undefined : recordOf(row)
  },

  spendPushedRequest: async (digest, occasion) => {
    const [row] = await database.statement<{ outcome: 'spent' | 'alreadySpent' | 'unknown' }>(
      (sql) => sql`
        with ${spendPart(sql, sql`${bytes(digest)}::bytea`, { now: occasion.now, gate: sql`select from ${living(sql, digest)}` })},
        written as (${insertEvents(sql, sql`spent`, occasion.events)})
        select case
          when exists (select from spent) then 'spent'
          when exists (select from ${living(sql, digest)}) then 'alreadySpent'
          else 'unknown'
        end as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },
})
