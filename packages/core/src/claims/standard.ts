// Owns which claims a scope releases and what shape each must have. Never knows where they come from.

import { isJsonObject, type Json, type JsonObject } from '../base/index.ts'

/** Claims released by each standard scope (OIDC Core §5.4; `groups` by convention). */
export const SCOPE_CLAIMS: ReadonlyMap<string, readonly string[]> = new Map([
  [
    'profile',
    [
      'name',
      'family_name',
      'given_name',
      'middle_name',
      'nickname',
      'preferred_username',
      'profile',
      'picture',
      'website',
      'gender',
      'birthdate',
      'zoneinfo',
      'locale',
      'updated_at',
    ],
  ],
  ['email', ['email', 'email_verified']],
  ['address', ['address']],
  ['phone', ['phone_number', 'phone_number_verified']],
  ['groups', ['groups']],
])

/** Every claim that some standard scope releases. */
export const STANDARD_CLAIMS: readonly string[] = [...SCOPE_CLAIMS.values()].flat()

/** Names of the claims that the scopes release. */
export const claimsOfScope = (scope: readonly string[]): readonly string[] =>
  scope.flatMap((value) => SCOPE_CLAIMS.get(value) ?? [])

const BOOLEANS: ReadonlySet<string> = new Set(['email_verified', 'phone_number_verified'])
const BIRTHDATE = /^(\d{4}|\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]))$/

// "null" is what a careless directory writes for nothing.
const text = (value: Json | undefined): string | undefined =>
  typeof value === 'string' && value.trim() !== '' && value !== 'null' ? value : undefined

const addressOf = (value: Json | undefined): JsonObject | undefined => {
  if (!isJsonObject(value)) return undefined
  const members = Object.entries(value).filter(([, part]) => text(part) !== undefined)
  return members.length === 0 ? undefined : Object.fromEntries(members)
}

const textsOf = (value: Json | undefined): readonly string[] | undefined => {
  const texts = Array.isArray(value) ? value.filter((item) => text(item) !== undefined) : []
  return texts.length === 0 ? undefined : [...texts].sort()
}

const cleaned = (name: string, value: Json | undefined): Json | undefined => {
  if (BOOLEANS.has(name)) return typeof value === 'boolean' ? value : undefined
  if (name === 'updated_at')
    return typeof value === 'number' && Number.isInteger(value) && value >= 0 ? value : undefined
  if (name === 'address') return addressOf(value)
  if (name === 'groups') return textsOf(value)
  if (name === 'birthdate') return typeof value === 'string' && BIRTHDATE.test(value) ? value : undefined
  return text(value)
}

/** The named claims that are known, each in its shape (OIDC Core §5.1); what is empty or ill-shaped is left out, never null. */
export const releaseClaims = (names: Iterable<string>, known: JsonObject): JsonObject => {
  const released: [string, Json][] = []
  for (const name of new Set(names)) {
    const value = Object.hasOwn(known, name) ? cleaned(name, known[name]) : undefined
    if (value !== undefined) released.push([name, value])
  }
  // A statement about an address that is not told would be about nothing.
  const told = new Set(released.map(([name]) => name))
  return Object.fromEntries(
    released.filter(
      ([name]) =>
        (name !== 'email_verified' || told.has('email')) &&
        (name !== 'phone_number_verified' || told.has('phone_number')),
    ),
  )
}
