// Owns reading single members of client metadata: right type, right size, nothing coerced. Never knows what a member means.

import { err, type Json, type JsonObject, member, ok, type Result } from '../base/index.ts'
import type { ClientRejection, ClientRejectionReason } from './registration-rejection.ts'

/** A member that was read, or why it was refused. */
export type Read<T> = Result<T, ClientRejection>

/** Refuses a member, or one item of it. */
export const refuse = (field: string, reason: ClientRejectionReason, item?: number): Result<never, ClientRejection> =>
  err({ reason, field, item })

/** A member that is a string where it is present; RFC 7591 §2 gives no meaning to null, so null is malformed. */
export const readText = (from: JsonObject, field: string, maxLength: number): Read<string | undefined> => {
  const value = member(from, field)
  if (value === undefined) return ok(undefined)
  if (typeof value !== 'string' || value === '') return refuse(field, 'malformed')
  return value.length > maxLength ? refuse(field, 'tooLong') : ok(value)
}

/** A member that is one of a few words; the default where it is absent. */
export const readChoice = <Choice extends string>(
  from: JsonObject,
  field: string,
  choices: readonly Choice[],
  fallback: Choice,
): Read<Choice> => {
  const value = member(from, field)
  if (value === undefined) return ok(fallback)
  if (typeof value !== 'string') return refuse(field, 'malformed')
  const choice = choices.find((known) => known === value)
  return choice === undefined ? refuse(field, 'unsupportedValue') : ok(choice)
}

/** A member that is true or false and nothing else. */
export const readFlag = (from: JsonObject, field: string, fallback: boolean): Read<boolean> => {
  const value = member(from, field)
  if (value === undefined) return ok(fallback)
  return typeof value === 'boolean' ? ok(value) : refuse(field, 'malformed')
}

/** A member that is a whole number from 0 to `most`. */
export const readCount = (from: JsonObject, field: string, most: number): Read<number | undefined> => {
  const value = member(from, field)
  if (value === undefined) return ok(undefined)
  if (typeof value !== 'number' || !Number.isInteger(value)) return refuse(field, 'malformed')
  return value < 0 || value > most ? refuse(field, 'outOfRange') : ok(value)
}

/** A member that is a list of strings, each of which `check` accepts, none twice; holes and nested lists are malformed. */
export const readList = (
  from: JsonObject,
  field: string,
  rules: {
    readonly most: number
    readonly check: (value: string) => Result<string, ClientRejectionReason>
  },
): Read<readonly string[]> => {
  const value = member(from, field)
  if (value === undefined) return ok([])
  if (!Array.isArray(value)) return refuse(field, 'malformed')
  if (value.length > rules.most) return refuse(field, 'tooMany')
  const kept: string[] = []
  // Array.from fills holes with undefined, where iteration methods would pass over them.
  for (const [item, entry] of Array.from<Json | undefined>(value).entries()) {
    if (typeof entry !== 'string') return refuse(field, 'malformed', item)
    const checked = rules.check(entry)
    if (!checked.ok) return refuse(field, checked.error, item)
    if (kept.includes(entry)) return refuse(field, 'repeated', item)
    kept.push(checked.value)
  }
  return ok(kept)
}

type ValuesOf<Reads> = { readonly [Name in keyof Reads]: Reads[Name] extends Read<infer Value> ? Value : never }

/** All values by name, or the first refusal in the order written. */
export const readAll = <Reads extends Readonly<Record<string, Read<unknown>>>>(reads: Reads): Read<ValuesOf<Reads>> => {
  const values: Record<string, unknown> = {}
  for (const [name, read] of Object.entries(reads)) {
    if (!read.ok) return read
    values[name] = read.value
  }
  // The loop has put every name's own value in place; the compiler cannot follow it there.
  return ok(values as ValuesOf<Reads>)
}
