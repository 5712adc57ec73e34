// Owns a person as the identity provider keeps him, and reading him from a row. Never holds his password's hash.

import { type Instant, instant, type Subject, subject } from '@vouchsafe/core'
import type { Queries } from '@vouchsafe/postgres'
import type { Profile } from './profile.ts'

/** A person with an account here. */
export interface Person {
  readonly subject: Subject
  readonly username: string
  readonly status: 'active' | 'disabled'
  readonly isAdmin: boolean
  readonly hasPassword: boolean
  readonly profile: Profile
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** The columns of a person. */
export interface PersonRow {
  readonly subject: string
  readonly username: string
  readonly status: 'active' | 'disabled'
  readonly is_admin: boolean
  readonly has_password: boolean
  readonly name: string | null
  readonly given_name: string | null
  readonly family_name: string | null
  readonly middle_name: string | null
  readonly nickname: string | null
  readonly profile: string | null
  readonly picture: string | null
  readonly website: string | null
  readonly email: string | null
  readonly email_verified: boolean
  readonly gender: string | null
  readonly birthdate: string | null
  readonly zoneinfo: string | null
  readonly locale: string | null
  readonly phone_number: string | null
  readonly phone_number_verified: boolean
  readonly street_address: string | null
  readonly locality: string | null
  readonly region: string | null
  readonly postal_code: string | null
  readonly country: string | null
  readonly groups: readonly string[]
  readonly created_at: string
  readonly updated_at: string
}

/** The select list of a person, for `users u` joined with `subjects s`. */
export const personColumns = (sql: Queries): ReturnType<Queries> => sql`
  u.subject, u.username, s.status, u.is_admin, u.password_hash is not null as has_password, u.name, u.given_name, u.family_name,
  u.middle_name, u.nickname, u.profile, u.picture, u.website, u.email, u.email_verified, u.gender, u.birthdate, u.zoneinfo, u.locale,
  u.phone_number, u.phone_number_verified, u.street_address, u.locality, u.region, u.postal_code, u.country, u.groups, u.created_at,
  u.updated_at`

/** The person in a row. */
export const personOf = (row: PersonRow): Person => ({
  subject: subject(row.subject),
  username: row.username,
  status: row.status,
  isAdmin: row.is_admin,
  hasPassword: row.has_password,
  profile: {
    name: row.name ?? undefined,
    givenName: row.given_name ?? undefined,
    familyName: row.family_name ?? undefined,
    middleName: row.middle_name ?? undefined,
    nickname: row.nickname ?? undefined,
    profile: row.profile ?? undefined,
    picture: row.picture ?? undefined,
    website: row.website ?? undefined,
    email: row.email ?? undefined,
    emailVerified: row.email_verified,
    gender: row.gender ?? undefined,
    birthdate: row.birthdate ?? undefined,
    zoneinfo: row.zoneinfo ?? undefined,
    locale: row.locale ?? undefined,
    phoneNumber: row.phone_number ?? undefined,
    phoneNumberVerified: row.phone_number_verified,
    streetAddress: row.street_address ?? undefined,
    locality: row.locality ?? undefined,
    region: row.region ?? undefined,
    postalCode: row.postal_code ?? undefined,
    country: row.country ?? undefined,
    groups: row.groups,
  },
  createdAt: instant(Number(row.created_at)),
  updatedAt: instant(Number(row.updated_at)),
})
