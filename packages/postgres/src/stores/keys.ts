// Owns the statements on the key ring. Never sees a private key in clear.

import type { JsonObject, KeyStore, StoredKey } from '@vouchsafe/core'
import type { Database } from '../database.ts'
import { type Int8, instantOf, parseStored } from '../values.ts'
import { insertEvents } from './events.ts'

/** A key beside the revision of its ring; an empty ring is one row without a key. */
interface KeyRow {
  readonly revision: number
  readonly kid: string | null
  readonly alg: StoredKey['alg']
  readonly state: StoredKey['state']
  readonly public_jwk: string
  readonly sealed_private_key: string
  readonly created_at: Int8
  readonly since: Int8
}

const keyOf = (row: KeyRow & { readonly kid: string }): StoredKey => ({
  kid: row.kid,
  alg: row.alg,
  state: row.state,
  publicJwk: parseStored<JsonObject>(row.public_jwk),
  sealedPrivateKey: row.sealed_private_key,
  createdAt: instantOf(row.created_at),
  since: instantOf(row.since),
})

const hasKey = (row: KeyRow): row is KeyRow & { readonly kid: string } => row.kid !== null

/** The store of signing keys in Postgres. */
export const createKeyStore = (database: Database): KeyStore => ({
  loadKeyRing: async () => {
    const rows = await database.statement<KeyRow>(
      (sql) => sql`
        select r.revision, k.kid, k.alg, k.state, k.public_jwk::text as public_jwk, k.sealed_private_key, k.created_at, k.since
        from key_ring r left join signing_keys k on k.revision = r.revision
        order by k.position`,
    )
    return { revision: rows[0]?.revision ?? 0, keys: rows.filter(hasKey).map(keyOf) }
  },

  saveKeyRing: async ({ revision, keys }, occasion) => {
    const listed = JSON.stringify(
      keys.map((key, position) => ({
        position,
        kid: key.kid,
        alg: key.alg,
        state: key.state,
        public_jwk: key.publicJwk,
        sealed_private_key: key.sealedPrivateKey,
        created_at: key.createdAt,
        since: key.since,
      })),
    )
    const rows = await database.statement(
      (sql) => sql`
        with saved as (
          update key_ring set revision = revision + 1 where revision = ${revision}::integer
          returning revision
        ), gone as (
          delete from signing_keys k using saved where k.revision < saved.revision
        ), kept as (
          insert into signing_keys (revision, position, kid, alg, state, public_jwk, sealed_private_key, created_at, since)
          select saved.revision, l.position, l.kid, l.alg, l.state, l.public_jwk, l.sealed_private_key, l.created_at, l.since
          from saved, json_to_recordset(${listed}::text::json) as l (
            position integer, kid text, alg text, state text, public_jwk json, sealed_private_key text, created_at bigint,
            since bigint
          )
        ), written as (${insertEvents(sql, sql`saved`, occasion.events)})
        select 1 from saved`,
    )
    return rows.length === 1 ? 'saved' : 'stale'
  },
})
