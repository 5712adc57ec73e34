// Owns the statements on one-time identifiers. Never lets one be reserved twice while it lives; an expired one is free again.

import type { Instant, ReservationRecord, ReservationStore } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { bytesArray, numberArray, textArray } from '../values.ts'
import type { Part } from './events.ts'

/** Reservations as a table `proof (namespace, digest, expires_at)`. */
export const proofsTable = (sql: Queries, proofs: readonly ReservationRecord[]): Part => sql`
  unnest(
    ${textArray(proofs.map((proof) => proof.namespace))}::text[], ${bytesArray(proofs.map((proof) => proof.digest))}::bytea[],
    ${numberArray(proofs.map((proof) => proof.expiresAt))}::bigint[]
  ) as proof (namespace, digest, expires_at)`

/**
 * An `insert` that returns one row for each reservation it made, and makes none unless `gate`, a subquery, has a row. In key
 * order, so that two that want the same ones do not wait for one another in a circle.
 */
export const insertReservations = (
  sql: Queries,
  proofs: readonly ReservationRecord[],
  when: { readonly now: Instant; readonly gate: Part },
): Part => sql`
  insert into reservations as known (namespace, digest, expires_at)
  select proof.namespace, proof.digest, max(proof.expires_at) from ${proofsTable(sql, proofs)}
  where exists (${when.gate})
  group by proof.namespace, proof.digest
  order by proof.namespace, proof.digest
  on conflict (namespace, digest) do update set expires_at = excluded.expires_at where known.expires_at <= ${when.now}::bigint
  returning 1`

const reserveIn = async (
  run: Database['statement'],
  reservations: readonly ReservationRecord[],
  now: Instant,
): Promise<'reserved' | 'replayed'> => {
  const rows = await run((sql) => insertReservations(sql, reservations, { now, gate: sql`select` }))
  return rows.length === reservations.length ? 'reserved' : 'replayed'
}

/** The store of one-time identifiers in Postgres. */
export const createReservationStore = (database: Database): ReservationStore => ({
  reserve: (reservations, now) =>
    reservations.length < 2
      ? reserveIn(database.statement, reservations, now)
      : database.undoable(
          (sql) => reserveIn(async (write) => await write(sql), reservations, now),
          (outcome) => outcome === 'replayed',
        ),
})
