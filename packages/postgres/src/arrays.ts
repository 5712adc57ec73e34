// Owns Postgres' text form of one-dimensional arrays. The driver's own way is not used: it guesses the type of a list from its first
// member, reads a null as the text NULL, and asks each new connection for the types of the server, in a query whose failure nobody
// hears: a connection lost at that moment would end the process.

import type postgres from 'postgres'

const quoted = (text: string): string => `"${text.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`

/** The literal of a list; undefined and null stand for NULL. */
export const arrayLiteral = (members: readonly (string | null | undefined)[]): string =>
  `{${members.map((member) => (member === null || member === undefined ? 'NULL' : quoted(member))).join(',')}}`

/** A member in double quotes, or one without, up to the comma. */
const MEMBER = /"((?:[^"\\]|\\.)*)"|([^",{}]+)/gs

/** The members of an array literal, which are null where it says NULL. */
export const parseArrayLiteral = (literal: string): readonly (string | null)[] =>
  Array.from(literal.slice(1, -1).matchAll(MEMBER), ([, inQuotes, bare]) => {
    if (inQuotes !== undefined) return inQuotes.replace(/\\(.)/gs, '$1')
    return bare === undefined || bare === 'NULL' ? null : bare
  })

/** How a driver reads and writes arrays; a literal passes as it is. */
export type ArrayType = postgres.PostgresType<readonly (string | number | Uint8Array | null)[] | string>

const textOf = (member: string | number | Uint8Array): string =>
  member instanceof Uint8Array ? `\\x${Buffer.from(member).toString('hex')}` : String(member)

const arrayType = (oid: number, read: (text: string) => string | number | Uint8Array): ArrayType => ({
  to: oid,
  from: [oid],
  serialize: (members) =>
    typeof members === 'string'
      ? members
      : arrayLiteral(members.map((member) => (member === null ? null : textOf(member)))),
  parse: (literal: string) => parseArrayLiteral(literal).map((text) => (text === null ? null : read(text))),
})

/** The array types that pools of `connect` know: of texts, bytes, and whole numbers, of which the long ones are read as text. */
export const arrayTypes: Readonly<Record<string, ArrayType>> = {
  text_array: arrayType(1009, String),
  bytea_array: arrayType(1001, (text) => Buffer.from(text.slice(2), 'hex')),
  integer_array: arrayType(1007, Number),
  bigint_array: arrayType(1016, String),
}
