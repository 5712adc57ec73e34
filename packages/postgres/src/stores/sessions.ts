// Owns the statements on sessions. Never sees a cookie's secret.

import { type SessionRecord, type SessionSnapshot, type SessionStore, sessionId, subject } from '@vouchsafe/core'
import type { Database } from '../database.ts'
import {
  type ArrayColumn,
  bytes,
  bytesArray,
  digestOf,
  type Int8,
  instantOf,
  instantOrUndefined,
  isStorable,
  orUndefined,
  textArray,
  textsOf,
} from '../values.ts'
import { insertEvents } from './events.ts'
import { type SubjectColumns, subjectOf } from './subjects.ts'

interface SessionRow extends SubjectColumns {
  readonly sid: string
  readonly secret_digest: Buffer
  readonly auth_time: Int8
  readonly amr: ArrayColumn<string>
  readonly acr: string | null
  readonly started_at: Int8
  readonly idle_expires_at: Int8
  readonly absolute_expires_at: Int8
  readonly ended_at: Int8 | null
}

const recordOf = (row: SessionRow): SessionRecord => ({
  sid: sessionId(row.sid),
  secretDigest: digestOf(row.secret_digest),
  subject: subject(row.subject),
  authTime: instantOf(row.auth_time),
  amr: textsOf(row.amr),
  acr: orUndefined(row.acr),
  startedAt: instantOf(row.started_at),
  idleExpiresAt: instantOf(row.idle_expires_at),
  absoluteExpiresAt: instantOf(row.absolute_expires_at),
  endedAt: instantOrUndefined(row.ended_at),
})

const snapshotOf = (row: SessionRow): SessionSnapshot => ({ session: recordOf(row), subject: subjectOf(row) })

/** The store of sessions in Postgres. */
export const createSessionStore = (database: Database): SessionStore => ({
  findSessions: async (secretDigests) => {
    if (secretDigests.length === 0) return []
    const rows = await database.statement<SessionRow>(
      (sql) => sql`
        select b.sid, b.secret_digest, b.auth_time, b.amr, b.acr, b.started_at, b.idle_expires_at, b.absolute_expires_at,
          b.ended_at, p.subject, p.status as subject_status, p.version as subject_version
        from unnest(${bytesArray(secretDigests)}::bytea[]) with ordinality as asked (secret_digest, position)
        join sessions b on b.secret_digest = asked.secret_digest
        join subjects p on p.subject = b.subject
        order by asked.position`,
    )
    return rows.map(snapshotOf)
  },

  startSession: async ({ session, replaces }, occasion) => {
    const rows = await database.statement(
      // The person's row is written, not just read: so a first sign-in and a change of rights at the same moment exclude one another.
      (sql) => sql`
        with person as (
          insert into subjects as known (subject, status, version) values (${session.subject}, 'active', 1)
          on conflict (subject) do update set version = known.version where known.status = 'active'
          returning subject
        ), replaced as (
          select b.sid from sessions b, person
          where b.sid = any (${textArray(replaces)}::text[]) and b.ended_at is null
          order by b.sid for update of b
        ), ended as (
          update sessions b set ended_at = ${occasion.now}::bigint from replaced where b.sid = replaced.sid and b.ended_at is null
        ), started as (
          insert into sessions (sid, secret_digest, subject, auth_time, amr, acr, started_at, idle_expires_at,
            absolute_expires_at, ended_at)
          select ${session.sid}, ${bytes(session.secretDigest)}::bytea, person.subject, ${session.authTime}::bigint,
            ${textArray(session.amr)}::text[], ${session.acr ?? null}::text, ${session.startedAt}::bigint,
            least(${session.idleExpiresAt}::bigint, ${session.absoluteExpiresAt}::bigint), ${session.absoluteExpiresAt}::bigint,
            ${session.endedAt ?? null}::bigint
          from person
          returning 1
        ), written as (${insertEvents(sql, sql`started`, occasion.events)})
        select 1 from started`,
    )
    return rows.length === 1 ? 'started' : 'subjectDisabled'
  },

  renewSession: async ({ session, from }, occasion) => {
    if (!isStorable(session.subject)) return 'subjectDisabled'
    if (!isStorable(session.sid)) return 'stale'
    const [row] = await database.statement<{ outcome: 'renewed' | 'stale' | 'subjectDisabled' }>(
      (sql) => sql`
        with person as (
          select subject from subjects where subject = ${session.subject} and status = 'active' for share
        ), renewed as (
          update sessions b set secret_digest = ${bytes(session.secretDigest)}::bytea,
            auth_time = ${session.authTime}::bigint, amr = ${textArray(session.amr)}::text[],
            acr = ${session.acr ?? null}::text,
            idle_expires_at = least(${session.idleExpiresAt}::bigint, ${session.absoluteExpiresAt}::bigint),
            absolute_expires_at = ${session.absoluteExpiresAt}::bigint
          from person
          where b.sid = ${session.sid} and b.subject = person.subject and b.secret_digest = ${bytes(from)}::bytea
            and b.ended_at is null and b.idle_expires_at > ${occasion.now}::bigint
            and b.absolute_expires_at > ${occasion.now}::bigint
          returning 1
        ), written as (${insertEvents(sql, sql`renewed`, occasion.events)})
        select case when exists (select from renewed) then 'renewed'
          when exists (select from person) then 'stale' else 'subjectDisabled' end as outcome`,
    )
    return row?.outcome ?? 'stale'
  },

  touchSession: async ({ sid, idleExpiresAt }) => {
    const rows = await database.statement(
      (sql) => sql`
        update sessions
        set idle_expires_at = greatest(idle_expires_at, least(${idleExpiresAt}::bigint, absolute_expires_at))
        where sid = ${sid} and ended_at is null
        returning 1`,
    )
    return rows.length === 1 ? 'touched' : 'ended'
  },

  endSession: async (sid, occasion) => {
    if (!isStorable(sid)) return 'unknown'
    const [row] = await database.statement<{ outcome: 'ended' | 'alreadyEnded' | 'unknown' }>(
      (sql) => sql`
        with ended as (
          update sessions set ended_at = ${occasion.now}::bigint where sid = ${sid} and ended_at is null
          returning 1
        ), written as (${insertEvents(sql, sql`ended`, occasion.events)})
        select case
          when exists (select from ended) then 'ended'
          when exists (select from sessions where sid = ${sid}) then 'alreadyEnded'
          else 'unknown'
        end as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },

  endSessionsOf: async (end, occasion) => {
    const [row] = await database.statement<{ count: number }>(
      (sql) => sql`
        with held as (
          select sid from sessions
          where subject = ${end.subject} and ended_at is null and sid is distinct from ${end.except ?? null}::text
          order by sid for update
        ), ended as (
          update sessions b set ended_at = ${occasion.now}::bigint from held where b.sid = held.sid and b.ended_at is null
          returning 1
        ), written as (${insertEvents(sql, sql`(select)`, occasion.events)})
        select count(*)::integer as count from ended`,
    )
    return row?.count ?? 0
  },
})
