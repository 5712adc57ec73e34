// Owns the statements on the outbox of clients that are to be told that a session ended. Never writes a delivery: the endings do.

import { clientId, type LogoutDeliveryRecord, type LogoutStore, sessionId, subject } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { type Int8, instantOf, instantOrUndefined, isStorable, orUndefined, parseStored, textArray } from '../values.ts'
import { insertEvents, type Part } from './events.ts'

interface DeliveryRow {
  readonly sid: string
  readonly client_id: string
  readonly subject: string
  readonly state: LogoutDeliveryRecord['state']
  readonly attempts: number
  readonly taken_at: Int8 | null
  readonly failure: string | null
  readonly created_at: Int8
  readonly due_at: Int8
  readonly expires_at: Int8
}

const deliveryOf = (row: DeliveryRow): LogoutDeliveryRecord => ({
  sid: sessionId(row.sid),
  clientId: clientId(row.client_id),
  subject: subject(row.subject),
  state: row.state,
  attempts: row.attempts,
  takenAt: instantOrUndefined(row.taken_at),
  failure: orUndefined(row.failure),
  createdAt: instantOf(row.created_at),
  dueAt: instantOf(row.due_at),
  expiresAt: instantOf(row.expires_at),
})

const columns = (sql: Queries): Part => sql`
  d.sid, d.client_id, d.subject, d.state, d.attempts, d.taken_at, d.failure, d.created_at, d.due_at, d.expires_at`

const keyOf = ({ sid, clientId: id }: LogoutDeliveryRecord): string => JSON.stringify([sid, id])

const parseKey = (key: string): readonly [string, string] => {
  const [sid, id] = parseStored<readonly unknown[]>(key)
  return [String(sid), String(id)]
}

/** The store of the outbox in Postgres. */
export const createLogoutStore = (database: Database): LogoutStore => ({
  listSessionClients: async (sids) => {
    const rows = await database.statement<{ sid: string; client_id: string }>(
      (sql) => sql`
        select sc.sid, sc.client_id
        from session_clients sc
        join clients c on c.client_id = sc.client_id and c.incarnation = sc.client_incarnation
        where sc.sid = any (${textArray(sids.filter(isStorable))}::text[])
        order by sc.sid, sc.client_id`,
    )
    return rows.map((row) => ({ sid: sessionId(row.sid), clientId: clientId(row.client_id) }))
  },

  claimDeliveries: async ({ sids, limit, now, leaseUntil }) => {
    const rows = await database.statement<DeliveryRow>((sql) => {
      const wanted = sids === 'any' ? sql`true` : sql`w.sid = any (${textArray(sids)}::text[])`
      return sql`
        with due as materialized (
          select w.sid, w.client_id from logout_deliveries w
          where w.state = 'waiting' and w.due_at <= ${now}::bigint and ${wanted}
          order by w.due_at limit ${limit}::integer
          for update skip locked
        )
        update logout_deliveries d
        set attempts = d.attempts + 1, taken_at = ${now}::bigint, due_at = ${leaseUntil}::bigint
        from due where d.sid = due.sid and d.client_id = due.client_id
        returning ${columns(sql)}`
    })
    return rows.map(deliveryOf)
  },

  settleDelivery: async (settlement, occasion) => {
    const rows = await database.statement(
      (sql) => sql`
        with settled as (
          update logout_deliveries
          set state = ${settlement.state}, failure = ${settlement.failure ?? null}::text, taken_at = null,
            due_at = ${settlement.dueAt}::bigint, expires_at = ${settlement.expiresAt}::bigint
          where sid = ${settlement.sid} and client_id = ${settlement.clientId}
            and taken_at is not null and attempts = ${settlement.attempt}::integer
          returning 1
        ), written as (${insertEvents(sql, sql`settled`, occasion.events)})
        select 1 from settled`,
    )
    return rows.length === 1 ? 'settled' : 'stale'
  },

  listDeliveries: async ({ state, after, limit }) => {
    const [sid, id] = after === undefined ? ['', ''] : parseKey(after)
    const rows = await database.statement<DeliveryRow>(
      (sql) => sql`
        select ${columns(sql)} from logout_deliveries d
        where (${state ?? null}::text is null or d.state = ${state ?? null}::text) and (d.sid, d.client_id) > (${sid}, ${id})
        order by d.sid, d.client_id limit ${limit + 1}::integer`,
    )
    const items = rows.slice(0, limit).map(deliveryOf)
    const last = items.at(-1)
    return { items, next: rows.length > limit && last !== undefined ? keyOf(last) : undefined }
  },
})
