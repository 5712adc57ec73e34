// Owns the locks under which something is issued: client, person, session, consent, always in this order, then the grant. Never
// writes. A row is read `for share`: every change of it, from whatever side, waits for the issue or is seen by it, since a
// statement that waited reads the row again and judges it anew. One fixed order everywhere means that nobody waits in a circle.

import type { ClientId, Instant, SessionId, Subject } from '@vouchsafe/core'
import type { Queries } from '../database.ts'
import type { Part } from './events.ts'

/** What an issue rests on. */
export interface BasisCheck {
  readonly clientId: ClientId
  readonly clientVersion: number
  readonly subject: Subject
  readonly subjectVersion: number
  readonly sid: SessionId
  /** Undefined when no remembered consent is compared. */
  readonly consentVersion: number | undefined
  readonly now: Instant
}

const consentLock = (sql: Queries, check: BasisCheck): Part =>
  check.consentVersion === undefined
    ? sql`select 1 from held_session`
    : sql`
      select 1 from consents
      where subject = ${check.subject} and client_id = ${check.clientId} and version = ${check.consentVersion}::bigint
        and exists (select from held_session)
      for share`

/**
 * Common table expressions that end in `basis`: one row with the client's incarnation if everything holds, else none. Each
 * takes its lock only when the one before it held, and when `gate`, a subquery, has a row.
 */
export const basisLocks = (sql: Queries, check: BasisCheck, gate: Part): Part => sql`
  held_client as materialized (
    select incarnation from clients
    where client_id = ${check.clientId} and version = ${check.clientVersion}::integer and not disabled
      and exists (${gate})
    for share
  ), held_person as materialized (
    select 1 from subjects
    where subject = ${check.subject} and version = ${check.subjectVersion}::integer and status = 'active'
      and exists (select from held_client)
    for share
  ), held_session as materialized (
    select 1 from sessions
    where sid = ${check.sid} and subject = ${check.subject} and ended_at is null
      and idle_expires_at > ${check.now}::bigint and absolute_expires_at > ${check.now}::bigint
      and exists (select from held_person)
    for share
  ), held_consent as materialized (${consentLock(sql, check)}),
  basis as materialized (select incarnation from held_client where exists (select from held_consent))`
