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
import { arrayLiteral, parseArrayLiteral } from './arrays.ts'

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

/** A literal for `text[]`. */
export const textArray = (texts: readonly string[]): string => arrayLiteral(texts)

/** A literal for `bytea[]`. */
export const bytesArray = (texts: readonly string[]): string =>
  arrayLiteral(texts.map((text) => `\\x${bytes(text).toString('hex')}`))

/** A literal for an array of numbers, with nulls for undefined. */
export const numberArray = (numbers: readonly (number | undefined)[]): string =>
  arrayLiteral(numbers.map((number) => number?.toString()))

/** A column that holds an array: a literal, or what a driver that knows the type made of it. */
export type ArrayColumn<T> = string | readonly T[]

/** The texts in a `text[]` column without nulls. */
export const textsOf = (column: ArrayColumn<string>): readonly string[] =>
  typeof column === 'string' ? parseArrayLiteral(column).map(String) : column

/** The digests in a `bytea[]` column. */
export const digestsOf = (column: ArrayColumn<Buffer>): readonly Digest[] =>
  typeof column === 'string'
    ? textsOf(column).map((text) => digestOf(Buffer.from(text.slice(2), 'hex')))
    : column.map(digestOf)

const replaceUnstorable = (_: string, value: unknown): unknown =>
  typeof value === 'string' ? value.replace(/\0|\p{Surrogate}/gu, '\ufffd') : value

/** JSON text for a `jsonb` column, which holds no U+0000 and no lone surrogate: they are replaced. */
export const jsonbText = (value: unknown): string => JSON.stringify(value, replaceUnstorable)

/** A JSON value that this package wrote, from its text. */
export const parseStored = <T = JsonObject>(text: string): T => JSON.parse(text) as T
