// Owns the writes of a new grant with its code, shared by the transitions that issue one. Never decides whether to.

import type { GrantIssue } from '@vouchsafe/core'
import type { Queries } from '../database.ts'
import { bytes, bytesOrNull, textArray } from '../values.ts'
import type { Part } from './events.ts'

/** The side table's insert, where the request had a claims parameter; else a part that writes nothing. */
const insertClaims = (sql: Queries, { grant }: Pick<GrantIssue, 'grant'>): Part =>
  grant.claims === undefined
    ? sql`select`
    : sql`
      insert into grant_claims (handle, request)
      select handle, ${JSON.stringify(grant.claims)}::text::json from issued
      returning 1`

/** Common table expressions that end in `issued` and `issued_claims`: the grant, once per row of `basis`, if `gate` is true. */
export const insertGrant = (sql: Queries, issue: Omit<GrantIssue, 'basis'>, gate: Part = sql`true`): Part => {
  const { grant, codeDigest } = issue
  return sql`
    issued as (
      insert into grants (handle, code_digest, client_id, client_incarnation, subject, sid, scope, resources, offline,
        redirect_uri_digest, code_challenge, dpop_jkt, nonce, auth_time, amr, acr, issued_at, code_expires_at,
        expires_at)
      select ${bytes(grant.handle)}::bytea, ${bytesOrNull(codeDigest)}::bytea, ${grant.clientId}, basis.incarnation,
        ${grant.subject}, ${grant.sid}, ${textArray(grant.scope)}::text[], ${textArray(grant.resources)}::text[], ${grant.offline}::boolean,
        ${bytesOrNull(grant.redirectUriDigest)}::bytea, ${grant.codeChallenge ?? null}::text, ${bytesOrNull(grant.dpopJkt)}::bytea, ${grant.nonce ?? null}::text,
        ${grant.authTime}::bigint, ${textArray(grant.amr)}::text[], ${grant.acr ?? null}::text,
        ${grant.issuedAt}::bigint, ${grant.codeExpiresAt}::bigint,
        ${grant.codeExpiresAt}::bigint
      from basis where ${gate}
      returning handle
    ), session_client as (
      -- Who is to be told when this session ends; of later codes for the same client nothing is written.
      insert into session_clients (sid, client_id, client_incarnation)
      select ${grant.sid}, ${grant.clientId}, basis.incarnation from basis
      on conflict do nothing
    ), issued_claims as (${insertClaims(sql, issue)})`
}
