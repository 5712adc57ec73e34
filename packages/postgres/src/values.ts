// Owns the borders between the contract's values and the columns: digests and bytes, instants and integers, lists and arrays.
// Never writes a statement.

import {
  type Digest,
  digest,
  type GrantHandle,
  grantHandle,
  type Instant,
  instant,
  type JsonObject,
} from '@vouchsafe/core'

/** A `bigint` column as drivers are set up to give it. */
export type Int8 = string | number | bigint

const NOTHING = Buffer.alloc(0)

/**
 * The bytes of a digest or handle. Text that is no canonical base64url becomes no bytes, which equal nothing that is kept: two
 * texts must never mean one row.
 */
export const bytes = (text: string): Buffer => {
  const decoded = Buffer.from(text, 'base64url')
  return decoded.toString('base64url') === text ? decoded : NOTHING
}

/** As `bytes`, with null for undefined. */
export const bytesOrNull = (text: string | undefined): Buffer | null => (text === undefined ? null : bytes(text))

/** The digest in a column. */
export const digestOf = (column: Buffer): Digest => digest(column.toString('base64url'))

/** The grant handle in a column. */
export const handleOf = (column: Buffer): GrantHandle => grantHandle(column.toString('base64url'))

/** The instant in a column. */
export const instantOf = (column: Int8): Instant => instant(Number(column))

/** The instant in a column that may be null. */
export const instantOrUndefined = (column: Int8 | null): Instant | undefined =>
  column === null ? undefined : instantOf(column)

/** A column that may be null, as the contract has it. */
export const orUndefined = <T>(column: T | null): T | undefined => column ?? undefined

/** Whether Postgres can hold a text at all: what holds U+0000 is found nowhere, rather than being an error. */
export const isStorable = (text: string): boolean => !text.includes('\0')

// Array literals are written here, not by the driver, which guesses the type of a list from its first member.
const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** A literal for `text[]`. */
export const textArray = (texts: readonly string[]): string => `{${texts.map(quoted).join(',')}}`

/** A literal for `bytea[]`. */
export const bytesArray = (texts: readonly string[]): string =>
  `{${texts.map((text) => quoted(`\\x${bytes(text).toString('hex')}`)).join(',')}}`

/** A literal for `bigint[]`, with nulls for undefined. */
export const integerArray = (numbers: readonly (number | undefined)[]): string =>
  `{${numbers.map((number) => number ?? 'NULL').join(',')}}`

const replaceUnstorable = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/\0|\p{Surrogate}/gu, '\ufffd') : value

/** JSON text for a `jsonb` column, which holds no U+0000 and no lone surrogate: they are replaced. */
export const jsonbText = (value: unknown): string => JSON.stringify(value, replaceUnstorable)

/** A JSON value that this package wrote, from its text. */
export const parseStored = <T = JsonObject>(text: string): T => JSON.parse(text) as T
