// Owns the statements on initial access tokens. Never sees one in clear; spending one is in clients.ts.

import type { RegistrationTokenRecord, RegistrationTokenStore } from '@vouchsafe/core'
import type { Database } from '../database.ts'
import { type ArrayColumn, bytes, digestOf, type Int8, instantOf, textArray, textsOf } from '../values.ts'
import { insertEvents } from './events.ts'

interface TokenRow {
  readonly id: string
  readonly digest: Buffer
  readonly label: string
  readonly scopes: ArrayColumn<string> | null
  readonly uses_left: number
  readonly created_at: Int8
  readonly expires_at: Int8
}

const recordOf = (row: TokenRow): RegistrationTokenRecord => ({
  id: row.id,
  digest: digestOf(row.digest),
  label: row.label,
  scopes: row.scopes === null ? undefined : textsOf(row.scopes),
  usesLeft: row.uses_left,
  createdAt: instantOf(row.created_at),
  expiresAt: instantOf(row.expires_at),
})

/** The store of initial access tokens in Postgres. */
export const createRegistrationTokenStore = (database: Database): RegistrationTokenStore => ({
  createRegistrationToken: async (token, occasion) => {
    const rows = await database.statement(
      (sql) => sql`
        with created as (
          insert into registration_tokens (id, digest, label, scopes, uses_left, created_at, expires_at)
          values (
            ${token.id}, ${bytes(token.digest)}, ${token.label},
            ${token.scopes === undefined ? null : textArray(token.scopes)}::text[], ${token.usesLeft}::integer,
            ${token.createdAt}::bigint, ${token.expiresAt}::bigint
          )
          on conflict (id) do nothing
          returning 1
        ), written as (${insertEvents(sql, sql`created`, occasion.events)})
        select 1 from created`,
    )
    return rows.length === 1 ? 'created' : 'taken'
  },

  findRegistrationToken: async (digest) => {
    const [row] = await database.statement<TokenRow>(
      (sql) => sql`
        select id, digest, label, scopes, uses_left, created_at, expires_at
        from registration_tokens where digest = ${bytes(digest)}`,
    )
    return row === undefined ? undefined : recordOf(row)
  },

  listRegistrationTokens: async ({ after, limit }) => {
    const rows = await database.statement<TokenRow>(
      (sql) => sql`
        select id, digest, label, scopes, uses_left, created_at, expires_at
        from registration_tokens where id > ${after ?? ''} order by id limit ${limit + 1}::integer`,
    )
    const items = rows.slice(0, limit).map(recordOf)
    return { items, next: rows.length > limit ? items.at(-1)?.id : undefined }
  },

  revokeRegistrationToken: async (id, occasion) => {
    const rows = await database.statement(
      (sql) => sql`
        with revoked as (delete from registration_tokens where id = ${id} returning 1),
        written as (${insertEvents(sql, sql`revoked`, occasion.events)})
        select 1 from revoked`,
    )
    return rows.length === 1 ? 'revoked' : 'unknown'
  },
})
