// Owns how answers are printed. Never lets a stored text steer the terminal.

import type { Instant, Json } from '@vouchsafe/core'
import type { Output } from './command.ts'

// Terminal sequences, line breaks and marks that reorder text, in what somebody else typed.
const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

const plain = (text: string): string => text.replace(UNPRINTABLE, '\uFFFD')

const isWide = (character: string): boolean =>
  /[\u1100-\u115f\u2e80-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}/u.test(
    character,
  )

const widthOf = (text: string): number =>
  [...text].reduce((width, character) => width + (/\p{M}/u.test(character) ? 0 : isWide(character) ? 2 : 1), 0)

const pad = (text: string, width: number): string => text + ' '.repeat(Math.max(0, width - widthOf(text)))

const columnsOf = (rows: readonly (readonly string[])[]): string => {
  const cleaned = rows.map((row) => row.map(plain))
  const widths = (cleaned[0] ?? []).map((_, column) => Math.max(...cleaned.map((row) => widthOf(row[column] ?? ''))))
  const lineOf = (row: readonly string[]): string =>
    row
      .map((text, column) => pad(text, widths[column] ?? 0))
      .join('  ')
      .trimEnd()
  return cleaned.map((row) => `${lineOf(row)}\n`).join('')
}

/** An answer as it is printed: aligned columns with a head for lists, names and values for one thing, or JSON in a stable form. */
export const renderOutput = (output: Output, format: 'table' | 'json'): string => {
  if (format === 'json') return `${JSON.stringify(output.json, undefined, 2)}\n`
  if ('fields' in output) return columnsOf(output.fields)
  return columnsOf([output.columns.map((name) => name.toUpperCase()), ...output.rows])
}

/** A moment as it is printed: UTC, to the second. */
export const timeText = (at: Instant): string => new Date(at * 1000).toISOString().replace('.000Z', 'Z')

/** A value as it is printed in a field or a cell. */
export const valueText = (value: Json | undefined): string => {
  if (value === undefined || value === null) return '-'
  if (value === true) return 'yes'
  if (value === false) return 'no'
  if (Array.isArray(value)) return value.length === 0 ? '-' : value.map((item) => valueText(item)).join(', ')
  return typeof value === 'object' ? JSON.stringify(value) : String(value)
}

/** Fields of one thing, in the order in which its JSON has them. */
export const fieldsOf = (json: Readonly<Record<string, Json | undefined>>): Output => ({
  json,
  fields: Object.entries(json).map(([name, value]) => [name, valueText(value)]),
})
