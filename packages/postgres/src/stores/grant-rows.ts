// Owns how a grant and the current state around it are read. Never decides what the state means.

import {
  type ClaimsRequest,
  clientId,
  type GrantRecord,
  type GrantState,
  type SubjectRecord,
  sessionId,
  subject,
} from '@vouchsafe/core'
import type { Queries } from '../database.ts'
import {
  type ArrayColumn,
  digestOf,
  handleOf,
  type Int8,
  instantOf,
  instantOrUndefined,
  orUndefined,
  parseStored,
  textsOf,
} from '../values.ts'
import type { Part } from './events.ts'

/** A grant with its claims, client, person and session, as `grantColumns` and `grantJoins` read it. */
export interface GrantRow {
  readonly handle: Buffer
  readonly client_id: string
  readonly subject: string
  readonly sid: string
  readonly scope: ArrayColumn<string>
  readonly resources: ArrayColumn<string>
  readonly offline: boolean
  readonly redirect_uri_digest: Buffer | null
  readonly code_challenge: string | null
  readonly dpop_jkt: Buffer | null
  readonly nonce: string | null
  readonly auth_time: Int8
  readonly amr: ArrayColumn<string>
  readonly acr: string | null
  readonly claims: string | null
  readonly issued_at: Int8
  readonly code_expires_at: Int8
  readonly redeemed_at: Int8 | null
  readonly revoked_at: Int8 | null
  readonly client_version: number | null
  readonly client_disabled: boolean | null
  readonly subject_status: SubjectRecord['status'] | null
  readonly subject_version: number | null
  readonly session_ended_at: Int8 | null
  readonly session_idle_expires_at: Int8 | null
  readonly session_absolute_expires_at: Int8 | null
}

/** Columns of a grant `g` and of what `grantJoins` joined to it. */
export const grantColumns = (sql: Queries): Part => sql`
  g.handle, g.client_id, g.subject, g.sid, g.scope, g.resources, g.offline, g.redirect_uri_digest, g.code_challenge, g.dpop_jkt, g.nonce, g.auth_time,
  g.amr, g.acr, asked.request::text as claims, g.issued_at, g.code_expires_at, g.redeemed_at,
  g.revoked_at, c.version as client_version, c.disabled as client_disabled, p.status as subject_status,
  p.version as subject_version, b.ended_at as session_ended_at, b.idle_expires_at as session_idle_expires_at,
  b.absolute_expires_at as session_absolute_expires_at`

/** Joins to a grant `g` what bears on it; each may be missing. A client that took over a deleted one's id is another client. */
export const grantJoins = (sql: Queries): Part => sql`
  left join clients c on c.client_id = g.client_id and c.incarnation = g.client_incarnation
  left join subjects p on p.subject = g.subject
  left join sessions b on b.sid = g.sid
  left join grant_claims asked on asked.handle = g.handle`

/** The grant in a row. */
export const grantOf = (row: GrantRow): GrantRecord => ({
  handle: handleOf(row.handle),
  clientId: clientId(row.client_id),
  subject: subject(row.subject),
  sid: sessionId(row.sid),
  scope: textsOf(row.scope),
  resources: textsOf(row.resources),
  offline: row.offline,
  redirectUriDigest: row.redirect_uri_digest === null ? undefined : digestOf(row.redirect_uri_digest),
  codeChallenge: orUndefined(row.code_challenge),
  dpopJkt: row.dpop_jkt === null ? undefined : digestOf(row.dpop_jkt),
  nonce: orUndefined(row.nonce),
  authTime: instantOf(row.auth_time),
  amr: textsOf(row.amr),
  acr: orUndefined(row.acr),
  claims: row.claims === null ? undefined : parseStored<ClaimsRequest>(row.claims),
  issuedAt: instantOf(row.issued_at),
  codeExpiresAt: instantOf(row.code_expires_at),
})

/** The state in a row. */
export const stateOf = (row: GrantRow): GrantState => ({
  revokedAt: instantOrUndefined(row.revoked_at),
  client:
    row.client_version === null || row.client_disabled === null
      ? undefined
      : { version: row.client_version, disabled: row.client_disabled },
  subject:
    row.subject_version === null || row.subject_status === null
      ? undefined
      : { subject: subject(row.subject), status: row.subject_status, version: row.subject_version },
  session:
    row.session_idle_expires_at === null || row.session_absolute_expires_at === null
      ? undefined
      : {
          endedAt: instantOrUndefined(row.session_ended_at),
          idleExpiresAt: instantOf(row.session_idle_expires_at),
          absoluteExpiresAt: instantOf(row.session_absolute_expires_at),
        },
})
