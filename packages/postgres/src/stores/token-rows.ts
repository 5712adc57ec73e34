// Owns how an opaque access token is written and read. Never decides whether one is.

import { type AccessTokenRecord, clientId, type TokenBinding } from '@vouchsafe/core'
import type { Queries } from '../database.ts'
import {
  type ArrayColumn,
  bytes,
  bytesOrNull,
  digestOf,
  handleOf,
  type Int8,
  instantOf,
  textArray,
  textsOf,
} from '../values.ts'
import type { Part } from './events.ts'

/** A token as `tokenColumns` reads it. */
export interface TokenRow {
  readonly token_handle: Buffer
  readonly token_digest: Buffer
  readonly token_owner: AccessTokenRecord['owner']
  readonly token_client_id: string
  readonly token_scope: ArrayColumn<string>
  readonly token_audience: ArrayColumn<string>
  readonly token_binding_method: TokenBinding['method'] | null
  readonly token_binding_thumbprint: Buffer | null
  readonly token_issued_at: Int8
  readonly token_expires_at: Int8
}

/** Columns of an access token `t`. */
export const tokenColumns = (sql: Queries): Part => sql`
  t.handle as token_handle, t.digest as token_digest, t.owner as token_owner, t.client_id as token_client_id, t.scope as token_scope,
  t.audience as token_audience, t.binding_method as token_binding_method, t.binding_thumbprint as token_binding_thumbprint,
  t.issued_at as token_issued_at, t.expires_at as token_expires_at`

/** The binding in two columns. */
export const bindingOf = (
  method: TokenBinding['method'] | null,
  thumbprint: Buffer | null,
): TokenBinding | undefined =>
  method === null || thumbprint === null ? undefined : { method, thumbprint: digestOf(thumbprint) }

/** The token in a row. */
export const tokenOf = (row: TokenRow): AccessTokenRecord => ({
  handle: handleOf(row.token_handle),
  digest: digestOf(row.token_digest),
  format: 'opaque',
  owner: row.token_owner,
  clientId: clientId(row.token_client_id),
  scope: textsOf(row.token_scope),
  audience: textsOf(row.token_audience),
  binding: bindingOf(row.token_binding_method, row.token_binding_thumbprint),
  issuedAt: instantOf(row.token_issued_at),
  expiresAt: instantOf(row.token_expires_at),
})

/** Writes an opaque token once per row `(handle, client_incarnation)` of `source`; nothing is kept of a JWT. */
export const insertToken = (sql: Queries, token: AccessTokenRecord, source: Part): Part =>
  token.format === 'jwt'
    ? sql`select`
    : sql`
      insert into access_tokens (handle, digest, owner, client_id, client_incarnation, scope, audience, binding_method, binding_thumbprint,
        issued_at, expires_at)
      select source.handle, ${bytes(token.digest)}::bytea, ${token.owner}::text, ${token.clientId}, source.client_incarnation,
        ${textArray(token.scope)}::text[], ${textArray(token.audience)}::text[], ${token.binding?.method ?? null}::text,
        ${bytesOrNull(token.binding?.thumbprint)}::bytea, ${token.issuedAt}::bigint, ${token.expiresAt}::bigint
      from (${source}) as source
      returning 1`
