// Owns the deletion of what expired, in bounded batches. Never waits: rows that somebody holds are left for the next sweep, and
// only dead rows are held, so that no token request waits for it either.

import type { Instant, SweepStore } from '@vouchsafe/core'
import type postgres from 'postgres'
import type { Database, Queries } from '../database.ts'
import type { Part } from './events.ts'

/** Tables with the column that says when a row is dead. A grant's tokens are dead before it is. */
const KINDS = [
  ['access_tokens', 'expires_at'],
  ['revoked_jwts', 'expires_at'],
  ['refresh_states', 'sweep_at'],
  ['grants', 'expires_at'],
  ['interactions', 'expires_at'],
  ['pushed_requests', 'expires_at'],
  ['device_requests', 'expires_at'],
  ['reservations', 'expires_at'],
  ['attempts', 'expires_at'],
  ['registration_tokens', 'expires_at'],
  ['clients', 'unused_expires_at'],
  ['consents', 'expires_at'],
  ['sessions', 'idle_expires_at'],
  ['logout_deliveries', 'expires_at'],
] as const

const dead = (
  sql: Queries,
  [table, end]: (typeof KINDS)[number],
  sweep: { before: Instant; limit: number },
): Part => sql`
  delete from ${sql(table)} where ctid = any (array(
    select ctid from ${sql(table)} where ${sql(end)} < ${sweep.before}::bigint
    order by ${sql(end)} limit ${sweep.limit}::integer for update skip locked
  ))`

type PendingCount = postgres.PendingQuery<{ count: number }[]>

/** What goes with a row, or changes because of it: a grant's claims, who was signed in in a session, and the end of a grant whose refresh state is over. */
const sweepStatement = (
  sql: Queries,
  kind: (typeof KINDS)[number],
  sweep: { readonly before: Instant; readonly limit: number },
): PendingCount => {
  switch (kind[0]) {
    case 'grants':
      return sql`
        with gone as (${dead(sql, kind, sweep)} returning handle),
        claims as (delete from grant_claims c using gone where c.handle = gone.handle),
        refresh as (delete from refresh_states r using gone where r.handle = gone.handle)
        select count(*)::integer as count from gone`
    case 'sessions':
      return sql`
        with gone as (${dead(sql, kind, sweep)} returning sid),
        clients as (delete from session_clients c using gone where c.sid = gone.sid)
        select count(*)::integer as count from gone`
    case 'refresh_states':
      return sql`
        with gone as (${dead(sql, kind, sweep)} returning handle, sweep_at),
        ended as (update grants g set expires_at = greatest(g.code_expires_at, gone.sweep_at) from gone where g.handle = gone.handle)
        select count(*)::integer as count from gone`
    case 'access_tokens':
      return sql`
        with gone as (${dead(sql, kind, sweep)} returning handle, digest),
        details as (delete from token_details d using gone where d.handle = gone.handle and d.digest = gone.digest)
        select count(*)::integer as count from gone`
    default:
      return sql`with gone as (${dead(sql, kind, sweep)} returning 1) select count(*)::integer as count from gone`
  }
}

const sweepKind = async (
  database: Database,
  kind: (typeof KINDS)[number],
  sweep: { readonly before: Instant; readonly limit: number },
): Promise<number> => {
  const [row] = await database.statement<{ count: number }>((sql) => sweepStatement(sql, kind, sweep))
  return row?.count ?? 0
}

/** The sweeper of Postgres. */
export const createSweepStore = (database: Database): SweepStore => ({
  sweepExpired: async (sweep) => {
    let count = 0
    for (const kind of KINDS) count += await sweepKind(database, kind, sweep)
    return count
  },
})
