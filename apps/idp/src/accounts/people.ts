// Owns the statements on people. Never hashes a password and never decides what may be told of a person.

import { randomBytes } from 'node:crypto'
import {
  type AuditEntry,
  auditEntry,
  type Instant,
  type SessionId,
  type Subject,
  subject as subjectOf,
} from '@vouchsafe/core'
import type { Database, Queries } from '@vouchsafe/postgres'
import { foldUsername } from './names.ts'
import { type Person, type PersonRow, personColumns, personOf } from './person.ts'
import { foldEmail, type Profile } from './profile.ts'

/** A person to write. */
export interface NewPerson {
  readonly username: string
  readonly passwordHash: string | undefined
  readonly isAdmin: boolean
  readonly profile: Profile
}

/** Why a person was not written. */
export type PersonConflict = 'usernameTaken' | 'emailTaken'

/** How writing a person ended. */
export type PersonCreation =
  | { readonly outcome: 'created'; readonly subject: Subject }
  | { readonly outcome: PersonConflict }

/** When and by whom. */
export interface PersonOccasion {
  readonly now: Instant
  readonly actor: string
}

/** What signing in needs of a person. */
export interface PasswordRow {
  readonly subject: Subject
  readonly status: 'active' | 'disabled'
  readonly passwordHash: string | undefined
}

/** 128 random bits: no subject tells how many people there are or who came before (OIDC Core §8). */
export const mintSubject = (): Subject => subjectOf(randomBytes(16).toString('base64url'))

const insertEvent = async (sql: Queries, event: AuditEntry): Promise<void> => {
  const fields = JSON.stringify(event.fields)
  await sql`insert into audit_events (at, name, fields) values (${event.at}, ${event.name}, ${fields}::text::jsonb)`
}

const isTaken = async (sql: Queries, person: NewPerson): Promise<PersonConflict | undefined> => {
  const { email, emailVerified } = person.profile
  const [row] = await sql<{ username: boolean; email: boolean }[]>`
    select exists (select from users where username_key = ${foldUsername(person.username)}) as username,
      exists (
        select from users where ${emailVerified} and email_verified and email_key = ${email === undefined ? null : foldEmail(email)}
      ) as email`
  if (row?.username === true) return 'usernameTaken'
  return row?.email === true ? 'emailTaken' : undefined
}

/**
 * Writes a person and his subject inside a transaction that is open. A name or a verified address that another transaction takes at the
 * same moment is told by the conflict, not by an error.
 */
export const insertPerson = async (
  sql: Queries,
  person: NewPerson,
  occasion: PersonOccasion,
): Promise<PersonCreation> => {
  const subject = mintSubject()
  const { profile: p } = person
  const orNull = (text: string | undefined): string | null => text ?? null
  const inserted = await sql`
    insert into users (subject, username, username_key, password_hash, is_admin, name, given_name, family_name, middle_name, nickname,
      profile, picture, website, email, email_key, email_verified, gender, birthdate, zoneinfo, locale, phone_number,
      phone_number_verified, street_address, locality, region, postal_code, country, groups, created_at, updated_at)
    values (${subject}, ${person.username}, ${foldUsername(person.username)}, ${orNull(person.passwordHash)}, ${person.isAdmin},
      ${orNull(p.name)}, ${orNull(p.givenName)}, ${orNull(p.familyName)}, ${orNull(p.middleName)}, ${orNull(p.nickname)},
      ${orNull(p.profile)}, ${orNull(p.picture)}, ${orNull(p.website)}, ${orNull(p.email)},
      ${p.email === undefined ? null : foldEmail(p.email)}, ${p.emailVerified}, ${orNull(p.gender)}, ${orNull(p.birthdate)},
      ${orNull(p.zoneinfo)}, ${orNull(p.locale)}, ${orNull(p.phoneNumber)}, ${p.phoneNumberVerified}, ${orNull(p.streetAddress)},
      ${orNull(p.locality)}, ${orNull(p.region)}, ${orNull(p.postalCode)}, ${orNull(p.country)},
      array(select json_array_elements_text(${JSON.stringify(p.groups)}::text::json)), ${occasion.now}, ${occasion.now})
    on conflict do nothing
    returning 1`
  if (inserted.length === 0) return { outcome: (await isTaken(sql, person)) ?? 'usernameTaken' }
  await sql`insert into subjects (subject, status, version) values (${subject}, 'active', 1)`
  await insertEvent(sql, auditEntry('subject.created', occasion.now, { subject, actor: occasion.actor }))
  return { outcome: 'created', subject }
}

/** Statements on people over a database that has both ledgers. */
export interface People {
  create(person: NewPerson, occasion: PersonOccasion): Promise<PersonCreation>
  findBySubject(subject: Subject): Promise<Person | undefined>
  /** By a name as it was typed. */
  findByUsername(username: string): Promise<Person | undefined>
  findPassword(username: string): Promise<PasswordRow | undefined>
  /** In the order of their folded names. */
  list(page: { readonly after: string | undefined; readonly limit: number }): Promise<{
    readonly items: readonly Person[]
    readonly next: string | undefined
  }>
  /** Replaces the hash and ends the person's other sessions, in one: nobody who came in by the old password stays (with them end their codes). */
  replacePassword(
    change: { readonly subject: Subject; readonly passwordHash: string; readonly except: SessionId | undefined },
    occasion: PersonOccasion,
  ): Promise<'changed' | 'unknown'>
  /** Replaces a hash by one of the same password, if it is still there. */
  upgradeHash(upgrade: { readonly subject: Subject; readonly from: string; readonly to: string }): Promise<void>
  /** Whether anybody has an account. */
  isEmpty(): Promise<boolean>
}

const endOtherSessions = async (
  sql: Queries,
  change: { readonly subject: Subject; readonly except: SessionId | undefined },
  now: Instant,
): Promise<void> => {
  // Locked in the same order as the stores do, so that two of them never wait for one another.
  await sql`
    with held as (
      select sid from sessions
      where subject = ${change.subject} and ended_at is null and sid is distinct from ${change.except ?? null}::text
      order by sid for update
    )
    update sessions b set ended_at = ${now}::bigint from held where b.sid = held.sid and b.ended_at is null`
}

/** People over a database. */
export const createPeople = (database: Database): People => {
  const findOne = async (condition: (sql: Queries) => ReturnType<Queries>): Promise<Person | undefined> => {
    const [row] = await database.statement<PersonRow>(
      (sql) =>
        sql`select ${personColumns(sql)} from users u join subjects s on s.subject = u.subject where ${condition(sql)}`,
    )
    return row === undefined ? undefined : personOf(row)
  }
  return {
    create: (person, occasion) => database.transaction((sql) => insertPerson(sql, person, occasion)),
    findBySubject: (id) => findOne((sql) => sql`u.subject = ${id}`),
    findByUsername: (username) => findOne((sql) => sql`u.username_key = ${foldUsername(username)}`),
    findPassword: async (username) => {
      const [row] = await database.statement<{
        subject: string
        status: 'active' | 'disabled'
        password_hash: string | null
      }>(
        (sql) => sql`
          select u.subject, s.status, u.password_hash from users u join subjects s on s.subject = u.subject
          where u.username_key = ${foldUsername(username)}`,
      )
      if (row === undefined) return undefined
      return { subject: subjectOf(row.subject), status: row.status, passwordHash: row.password_hash ?? undefined }
    },
    list: async ({ after, limit }) => {
      const rows = await database.statement<PersonRow & { readonly username_key: string }>(
        (sql) => sql`
          select ${personColumns(sql)}, u.username_key from users u join subjects s on s.subject = u.subject
          where u.username_key > ${after ?? ''} order by u.username_key limit ${limit + 1}`,
      )
      const shown = rows.slice(0, limit)
      return { items: shown.map(personOf), next: rows.length > shown.length ? shown.at(-1)?.username_key : undefined }
    },
    replacePassword: ({ subject, passwordHash, except }, { now, actor }) =>
      database.transaction(async (sql) => {
        const changed = await sql`
          update users set password_hash = ${passwordHash}, updated_at = ${now} where subject = ${subject} returning 1`
        if (changed.length === 0) return 'unknown'
        await endOtherSessions(sql, { subject, except }, now)
        await insertEvent(sql, auditEntry('subject.password_changed', now, { subject, actor }))
        return 'changed'
      }),
    upgradeHash: async ({ subject, from, to }) => {
      await database.statement(
        (sql) => sql`update users set password_hash = ${to} where subject = ${subject} and password_hash = ${from}`,
      )
    },
    isEmpty: async () => {
      const [row] = await database.statement<{ empty: boolean }>(
        (sql) => sql`select not exists (select from users) as empty`,
      )
      return row?.empty ?? false
    },
  }
}
