// Owns the statements on people. Never knows a name or a password.

import { type Subject, type SubjectRecord, type SubjectStore, subject } from '@vouchsafe/core'
import type { Database } from '../database.ts'
import { isStorable } from '../values.ts'
import { endLocked, lockSessionsOf } from './end-sessions.ts'
import { insertEvents } from './events.ts'

/** The columns of a person in a row, where the person may be missing. */
export interface SubjectColumns {
  readonly subject: string
  readonly subject_status: SubjectRecord['status']
  readonly subject_version: number
}

/** The record in such columns. */
export const subjectOf = (row: SubjectColumns): SubjectRecord => ({
  subject: subject(row.subject),
  status: row.subject_status,
  version: row.subject_version,
})

/** The store of people in Postgres. */
export const createSubjectStore = (database: Database): SubjectStore => ({
  findSubject: async (id: Subject) => {
    if (!isStorable(id)) return undefined
    const [row] = await database.statement<SubjectColumns>(
      (sql) => sql`
        select subject, status as subject_status, version as subject_version from subjects where subject = ${id}`,
    )
    return row === undefined ? undefined : subjectOf(row)
  },

  createSubject: async (id, occasion) => {
    const rows = await database.statement(
      (sql) => sql`
        with created as (
          insert into subjects (subject, status, version) values (${id}, 'active', 1)
          on conflict (subject) do nothing
          returning 1
        ), written as (${insertEvents(sql, sql`created`, occasion.events)})
        select 1 from created`,
    )
    return rows.length === 1 ? 'created' : 'taken'
  },

  changeSubject: (change, occasion) =>
    database.transaction(async (sql) => {
      const rows = await sql`
        with changed as (
          update subjects set status = ${change.status}, version = version + 1 where subject = ${change.subject}
          returning 1
        ), written as (${insertEvents(sql, sql`changed`, occasion.events)})
        select 1 from changed`
      if (rows.length === 0) return 'unknown'
      if (change.status === 'active') return 'changed'
      const sids = await lockSessionsOf(sql, change.subject)
      if (sids.length > 0) await sql`with ${endLocked(sql, sids, occasion.now)} select 1 from ended`
      return 'changed'
    }),
})
