// Owns the statements on access tokens. Never writes one: the transitions that issue them do.

import { type AccessTokenStore, clientId } from '@vouchsafe/core'
import type { Database } from '../database.ts'
import {
  type ArrayColumn,
  bytes,
  digestOf,
  handleOf,
  type Int8,
  instantOf,
  instantOrUndefined,
  textsOf,
} from '../values.ts'
import { type GrantRow, grantColumns, grantJoins, grantOf, stateOf } from './grant-rows.ts'

interface TokenRow extends GrantRow {
  readonly token_digest: Buffer
  readonly token_client_id: string
  readonly token_scope: ArrayColumn<string>
  readonly token_audience: ArrayColumn<string>
  readonly token_issued_at: Int8
  readonly token_expires_at: Int8
  readonly token_revoked_at: Int8 | null
}

/** The store of access tokens in Postgres. */
export const createAccessTokenStore = (database: Database): AccessTokenStore => ({
  findAccessToken: async (token) => {
    const [row] = await database.statement<TokenRow>(
      (sql) => sql`
        select t.digest as token_digest, t.client_id as token_client_id, t.scope as token_scope,
          t.audience as token_audience, t.issued_at as token_issued_at, t.expires_at as token_expires_at,
          t.revoked_at as token_revoked_at, ${grantColumns(sql)}
        from access_tokens t join grants g on g.handle = t.handle ${grantJoins(sql)}
        where t.handle = ${bytes(token.handle)}::bytea and t.digest = ${bytes(token.digest)}::bytea`,
    )
    if (row === undefined) return undefined
    return {
      token: {
        handle: handleOf(row.handle),
        digest: digestOf(row.token_digest),
        clientId: clientId(row.token_client_id),
        scope: textsOf(row.token_scope),
        audience: textsOf(row.token_audience),
        issuedAt: instantOf(row.token_issued_at),
        expiresAt: instantOf(row.token_expires_at),
      },
      revokedAt: instantOrUndefined(row.token_revoked_at),
      grant: grantOf(row),
      state: stateOf(row),
    }
  },
})
