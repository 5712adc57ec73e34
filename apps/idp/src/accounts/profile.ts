// Owns what may be told of a person, as it is typed in and as it is told to apps. Never stores it.

import { err, type JsonObject, ok, type Result } from '@vouchsafe/core'

/** What may be told of a person; undefined is unknown (OIDC Core §5.1). */
export interface Profile {
  readonly name: string | undefined
  readonly givenName: string | undefined
  readonly familyName: string | undefined
  readonly middleName: string | undefined
  readonly nickname: string | undefined
  readonly profile: string | undefined
  readonly picture: string | undefined
  readonly website: string | undefined
  readonly email: string | undefined
  readonly emailVerified: boolean
  readonly gender: string | undefined
  readonly birthdate: string | undefined
  readonly zoneinfo: string | undefined
  readonly locale: string | undefined
  readonly phoneNumber: string | undefined
  readonly phoneNumberVerified: boolean
  readonly streetAddress: string | undefined
  readonly locality: string | undefined
  readonly region: string | undefined
  readonly postalCode: string | undefined
  readonly country: string | undefined
  readonly groups: readonly string[]
}

/** Fields of a profile that hold text. */
export type TextField = Exclude<keyof Profile, 'emailVerified' | 'phoneNumberVerified' | 'groups'>

/** Why a profile is refused: the field and the rule it broke. */
export interface ProfileRejection {
  readonly field: keyof Profile
  readonly reason: 'tooLong' | 'tooShort' | 'unsafeCharacter' | 'malformed' | 'tooMany'
}

/** Nothing known of a person. */
export const EMPTY_PROFILE: Profile = {
  name: undefined,
  givenName: undefined,
  familyName: undefined,
  middleName: undefined,
  nickname: undefined,
  profile: undefined,
  picture: undefined,
  website: undefined,
  email: undefined,
  emailVerified: false,
  gender: undefined,
  birthdate: undefined,
  zoneinfo: undefined,
  locale: undefined,
  phoneNumber: undefined,
  phoneNumberVerified: false,
  streetAddress: undefined,
  locality: undefined,
  region: undefined,
  postalCode: undefined,
  country: undefined,
  groups: [],
}

// The same bounds as the table's, so that a refusal names the field and not the database's constraint (WEB-061).
const LENGTHS: Readonly<Record<TextField, readonly [number, number]>> = {
  name: [1, 200],
  givenName: [1, 100],
  familyName: [1, 100],
  middleName: [1, 100],
  nickname: [1, 100],
  profile: [1, 2048],
  picture: [1, 2048],
  website: [1, 2048],
  email: [3, 254],
  gender: [1, 50],
  birthdate: [4, 10],
  zoneinfo: [1, 64],
  locale: [2, 35],
  phoneNumber: [3, 32],
  streetAddress: [1, 500],
  locality: [1, 100],
  region: [1, 100],
  postalCode: [1, 20],
  country: [1, 100],
}

const MAX_GROUPS = 1000
const MAX_GROUP = 255
const UNPRINTABLE = /[\p{Cc}\p{Cs}\p{Co}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u

const isHttpsUrl = (text: string): boolean =>
  URL.canParse(text) && new URL(text).protocol === 'https:' && !/\s/.test(text)

// One @ between two parts without blanks; whether it works, only a message shows.
const isEmail = (text: string): boolean => {
  const at = text.lastIndexOf('@')
  return (
    at > 0 && at <= 64 && /^[^\s@]+$/.test(text.slice(0, at)) && /^[^\s@.]+(?:\.[^\s@.]+)*$/.test(text.slice(at + 1))
  )
}

const isBirthdate = (text: string): boolean => {
  const found = /^(\d{4})(?:-(\d{2})-(\d{2}))?$/.exec(text)
  if (found === null) return false
  if (found[2] === undefined) return true
  const [month, day] = [Number(found[2]), Number(found[3])]
  // The year may be left out as 0000, which still has a 29th of February.
  const leap = new Date(Date.UTC(Number(found[1]) === 0 ? 2000 : Number(found[1]), month - 1, day))
  return leap.getUTCMonth() === month - 1 && leap.getUTCDate() === day
}

const isLocale = (text: string): boolean => /^[A-Za-z]{2,8}(?:[-_][A-Za-z0-9]{1,8})*$/.test(text)
const isZone = (text: string): boolean => /^[A-Za-z0-9_+-]+(?:\/[A-Za-z0-9_+-]+)*$/.test(text)
const isPhone = (text: string): boolean => /^\+?[0-9 ().-]{3,}(?:;ext=[0-9]+)?$/.test(text) && /[0-9]/.test(text)

const FORMS: Readonly<Partial<Record<TextField, (text: string) => boolean>>> = {
  profile: isHttpsUrl,
  picture: isHttpsUrl,
  website: isHttpsUrl,
  email: isEmail,
  birthdate: isBirthdate,
  zoneinfo: isZone,
  locale: isLocale,
  phoneNumber: isPhone,
}

const isTextField = (field: string): field is TextField => Object.hasOwn(LENGTHS, field)

const checkText = (field: TextField, typed: string): ProfileRejection['reason'] | undefined => {
  const [least, most] = LENGTHS[field]
  const length = [...typed].length
  if (length > most) return 'tooLong'
  if (length < least) return 'tooShort'
  // An address has lines; nothing else has.
  if (UNPRINTABLE.test(field === 'streetAddress' ? typed.replaceAll('\n', ' ') : typed)) return 'unsafeCharacter'
  return (FORMS[field]?.(typed) ?? true) ? undefined : 'malformed'
}

const checkGroups = (groups: readonly string[]): ProfileRejection['reason'] | undefined => {
  if (groups.length > MAX_GROUPS) return 'tooMany'
  if (groups.some((group) => group.trim() === '')) return 'tooShort'
  if (groups.some((group) => [...group].length > MAX_GROUP)) return 'tooLong'
  return groups.some((group) => UNPRINTABLE.test(group)) ? 'unsafeCharacter' : undefined
}

/** Reads a profile: trimmed, in NFC, empty as unknown, within the bounds of the table; refuses the first field that breaks a rule. */
export const parseProfile = (typed: Partial<Profile>): Result<Profile, ProfileRejection> => {
  const read: Record<string, unknown> = { ...EMPTY_PROFILE }
  for (const [field, value] of Object.entries(typed)) {
    if (!isTextField(field) || typeof value !== 'string') continue
    const plain = value.normalize('NFC').trim()
    if (plain === '') continue
    const reason = checkText(field, plain)
    if (reason !== undefined) return err({ field, reason })
    read[field] = plain
  }
  const groups = [...new Set((typed.groups ?? []).map((group) => group.normalize('NFC').trim()))].toSorted()
  const reason = checkGroups(groups)
  if (reason !== undefined) return err({ field: 'groups', reason })
  const flags = { emailVerified: typed.emailVerified ?? false, phoneNumberVerified: typed.phoneNumberVerified ?? false }
  // Every name in `read` comes from EMPTY_PROFILE or passed isTextField, with the type of its field.
  return ok({ ...(read as unknown as Profile), ...flags, groups })
}

/** The form in which addresses are compared. */
export const foldEmail = (email: string): string => email.normalize('NFKC').toLowerCase()

const known = (entries: readonly (readonly [string, string | undefined])[]): JsonObject | undefined => {
  const told = entries.filter(([, value]) => value !== undefined)
  return told.length === 0 ? undefined : Object.fromEntries(told)
}

/** A person's claims (OIDC Core §5.1): what is unknown is left out, the address is an object, `updated_at` a number, what is verified a boolean. */
export const claimsOf = (person: {
  readonly username: string
  readonly profile: Profile
  readonly updatedAt: number
}): JsonObject => {
  const { profile } = person
  const address = known([
    ['street_address', profile.streetAddress],
    ['locality', profile.locality],
    ['region', profile.region],
    ['postal_code', profile.postalCode],
    ['country', profile.country],
  ])
  const parts = [profile.givenName, profile.middleName, profile.familyName].filter((part) => part !== undefined)
  const texts = known([
    ['name', profile.name ?? (parts.length === 0 ? undefined : parts.join(' '))],
    ['given_name', profile.givenName],
    ['family_name', profile.familyName],
    ['middle_name', profile.middleName],
    ['nickname', profile.nickname],
    ['preferred_username', person.username],
    ['profile', profile.profile],
    ['picture', profile.picture],
    ['website', profile.website],
    ['email', profile.email],
    ['gender', profile.gender],
    ['birthdate', profile.birthdate],
    ['zoneinfo', profile.zoneinfo],
    ['locale', profile.locale],
    ['phone_number', profile.phoneNumber],
  ])
  return {
    ...texts,
    ...(profile.email === undefined ? {} : { email_verified: profile.emailVerified }),
    ...(profile.phoneNumber === undefined ? {} : { phone_number_verified: profile.phoneNumberVerified }),
    ...(address === undefined ? {} : { address }),
    ...(profile.groups.length === 0 ? {} : { groups: profile.groups }),
    updated_at: person.updatedAt,
  }
}
