// Owns the one-time link that makes the first administrator. Never keeps the link's secret, only its digest, and knows no default account.

import { createHash, randomBytes } from 'node:crypto'
import { type Instant, later, reveal, type Secret, secret } from '@vouchsafe/core'
import type { Database, Queries } from '@vouchsafe/postgres'
import { insertPerson, type NewPerson, type PersonCreation } from './people.ts'

// A day: long enough to install in the evening and go on in the morning.
const LINK_LIFETIME = 24 * 60 * 60
const LINK_BYTES = 32
const LINK_LENGTH = 43

/** A link's secret, shown once at the start. */
export interface FirstAdministratorLink {
  readonly token: Secret
  readonly expiresAt: Instant
}

/** The one-time link for the first administrator. */
export interface FirstAdministrator {
  /** Makes a link if nobody has an account yet; several may be about (one per node and start), and all die with the first that is used. */
  issueLink(now: Instant): Promise<FirstAdministratorLink | undefined>
  /** Whether a link would be taken now, to decide which page to show. */
  isOpen(token: string, now: Instant): Promise<boolean>
  /** Uses a link and makes the administrator in one transaction; of several who try, one succeeds and the rest are `refused`. */
  create(
    token: string,
    person: Omit<NewPerson, 'isAdmin'>,
    now: Instant,
  ): Promise<PersonCreation | { readonly outcome: 'refused' }>
}

const digestOf = (token: string): Buffer => createHash('sha256').update(token).digest()

const isPlausible = (token: string): boolean => token.length === LINK_LENGTH

/** Links over a database that has both ledgers. */
export const createFirstAdministrator = (database: Database): FirstAdministrator => {
  // An administrator once made closes every link, whoever made him and by whatever way.
  const openLink = (sql: Queries, token: string, now: Instant): ReturnType<Queries> => sql`
    select 1 from setup_links
    where digest = ${digestOf(token)} and purpose = 'first_administrator' and used_at is null and expires_at > ${now}
      and not exists (select from users where is_admin)`
  return {
    issueLink: async (now) => {
      const token = randomBytes(LINK_BYTES).toString('base64url')
      const expiresAt = later(now, LINK_LIFETIME)
      const made = await database.statement(
        (sql) => sql`
          with swept as (delete from setup_links where expires_at <= ${now})
          insert into setup_links (digest, purpose, created_at, expires_at)
          select ${digestOf(token)}, 'first_administrator', ${now}, ${expiresAt} where not exists (select from users)
          returning 1`,
      )
      return made.length === 0 ? undefined : { token: secret(token), expiresAt }
    },
    isOpen: async (token, now) => {
      if (!isPlausible(token)) return false
      return (await database.statement((sql) => sql`${openLink(sql, token, now)}`)).length === 1
    },
    create: async (token, person, now) => {
      if (!isPlausible(token)) return { outcome: 'refused' }
      return database.undoable(
        async (sql): ReturnType<FirstAdministrator['create']> => {
          // One at a time: two links used in the same moment must not make two administrators.
          await sql`select pg_advisory_xact_lock(hashtextextended('first administrator', 0))`
          if ((await sql`${openLink(sql, token, now)}`).length === 0) return { outcome: 'refused' }
          await sql`update setup_links set used_at = ${now} where used_at is null`
          return insertPerson(sql, { ...person, isAdmin: true }, { now, actor: 'first administrator link' })
        },
        ({ outcome }) => outcome !== 'created',
      )
    },
  }
}

/** The address of the page that a link leads to: for the operator's eyes at the start, never for a log that is kept. */
export const firstAdministratorUrl = (issuer: string, link: FirstAdministratorLink): string =>
  `${issuer}/set-up/${reveal(link.token)}`
