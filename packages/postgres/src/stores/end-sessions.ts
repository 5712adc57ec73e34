// Owns the one way in which a session ends: the sessions are locked first, then ended and their clients noted in the outbox. Never
// speaks to a client.
//
// Two steps, because a code that is issued while the first one waits for its session is seen by the second alone: else the client
// that got it would not be told.

import type { Instant, SessionId, Subject } from '@vouchsafe/core'
import type { Queries } from '../database.ts'
import { textArray } from '../values.ts'
import type { Part } from './events.ts'

/** Locks sessions that have not ended, in the order of their identifiers; `where` says which. Answers the identifiers. */
export const lockSessions = async (sql: Queries, where: Part): Promise<readonly string[]> => {
  const rows = await sql<{ sid: string }[]>`
    select sid from sessions where ended_at is null and ${where} order by sid for update`
  return rows.map(({ sid }) => sid)
}

/** Locks all sessions of a person but one. */
export const lockSessionsOf = (sql: Queries, subject: Subject, except?: SessionId): Promise<readonly string[]> =>
  lockSessions(sql, sql`subject = ${subject} and sid is distinct from ${except ?? null}::text`)

/**
 * Common table expressions `ended`, with the sessions that end, and `told`, for sessions that were locked in this transaction; with a
 * condition, where it holds.
 */
export const endLocked = (sql: Queries, sids: readonly string[], now: Instant, where: Part = sql`true`): Part => sql`
  ended as (
    update sessions set ended_at = ${now}::bigint
    where sid = any (${textArray(sids)}::text[]) and ended_at is null and ${where}
    returning sid, subject
  ), told as (
    insert into logout_deliveries (sid, client_id, subject, state, attempts, created_at, due_at, expires_at)
    select ended.sid, sc.client_id, ended.subject, 'waiting', 0, ${now}::bigint, ${now}::bigint, ${now}::bigint
    from ended
    join session_clients sc on sc.sid = ended.sid
    join clients c on c.client_id = sc.client_id and c.incarnation = sc.client_incarnation
    where not c.disabled and c.backchannel_logout_uri is not null
    on conflict (sid, client_id) do nothing
  )`
