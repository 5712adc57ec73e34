// Owns the statements on sessions. Never sees a cookie's secret.

import {
  type Occasion,
  type SessionId,
  type SessionRecord,
  type SessionSnapshot,
  type SessionStore,
  sessionId,
  subject,
} from '@vouchsafe/core'
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
import { endLocked, lockSessions, lockSessionsOf } from './end-sessions.ts'
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

const startIn = async (
  run: Database['statement'],
  { session, replaces }: { readonly session: SessionRecord; readonly replaces: readonly SessionId[] },
  occasion: Occasion,
): Promise<'started' | 'subjectDisabled'> => {
  const rows = await run(
    // The person's row is written, not just read: so a first sign-in and a change of rights at the same moment exclude one another.
    (sql) => sql`
      with person as (
        insert into subjects as known (subject, status, version) values (${session.subject}, 'active', 1)
        on conflict (subject) do update set version = known.version where known.status = 'active'
        returning subject
      ), ${endLocked(sql, replaces, occasion.now, sql`exists (select from person)`)},
      started as (
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
}

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

  startSession: ({ session, replaces }, occasion) =>
    replaces.length === 0
      ? startIn(database.statement, { session, replaces }, occasion)
      : database.transaction(async (sql) => {
          // In the order that every transition keeps: the person, then sessions. Others may still be issued codes in those until then.
          await sql`select 1 from subjects where subject = ${session.subject} for update`
          await lockSessions(sql, sql`sid = any (${textArray(replaces)}::text[])`)
          return startIn(async (write) => await write(sql), { session, replaces }, occasion)
        }),

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
    return database.transaction(async (sql) => {
      const sids = await lockSessions(sql, sql`sid = ${sid}`)
      if (sids.length === 0) {
        const known = await sql`select 1 from sessions where sid = ${sid}`
        return known.length === 0 ? 'unknown' : 'alreadyEnded'
      }
      await sql`
        with ${endLocked(sql, sids, occasion.now)}, written as (${insertEvents(sql, sql`ended`, occasion.events)})
        select 1 from ended`
      return 'ended'
    })
  },

  endSessionsOf: (end, occasion) =>
    database.transaction(async (sql) => {
      const sids = await lockSessionsOf(sql, end.subject, end.except)
      const rows = await sql`
        with ${endLocked(sql, sids, occasion.now)},
        written as (${insertEvents(sql, sql`(select)`, occasion.events)})
        select 1 from ended`
      return rows.length
    }),

  endExpiredSessions: ({ now, limit }) =>
    database.transaction(async (sql) => {
      // Rows that somebody holds are left for the next time: no request waits for this.
      const over = await sql<{ sid: string }[]>`
        select sid from sessions where ended_at is null and idle_expires_at <= ${now}::bigint
        order by idle_expires_at limit ${limit}::integer for update skip locked`
      if (over.length === 0) return 0
      const sids = over.map(({ sid }) => sid)
      return (await sql`with ${endLocked(sql, sids, now)} select 1 from ended`).length
    }),
})
