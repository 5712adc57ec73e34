// Owns how a foreign text becomes one that can be shown: escaping, and taking out what deceives the eye.
// Never decides whether something is shown; never touches values that a form must carry exactly.

/** A value that a form must carry byte for byte: escaped, but not cleaned. */
export interface ExactText {
  readonly exact: string
}

/** Marks a value as one that must arrive exactly as it is, such as `state`. */
export const exact = (value: string): ExactText => ({ exact: value })

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

const escapeMarkup = (text: string): string => text.replace(/[&<>"']/g, (found) => ENTITIES.get(found) ?? '')

// Controls (but not tab and line feed) and the direction overrides, embeddings and isolates: with those a client could
// write a name that reads as another one. Replaced visibly rather than removed, so that nobody mistakes the result.
const DECEIVING =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is looked for
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\u{e0000}-\u{e007f}]/gu

// More than a few marks on one letter smear over the lines above and below.
const STACKED_MARKS = /(\p{M}{4})\p{M}+/gu

/** The text without what deceives the eye; carriage returns before line feeds go, other findings become U+FFFD. */
export const legible = (text: string): string =>
  text.replaceAll('\r\n', '\n').replace(DECEIVING, '\ufffd').replace(STACKED_MARKS, '$1')

/**
 * Escapes a value for HTML text and for quoted attributes, after cleaning it.
 *
 * Anything but text, a number or an exact text is a mistake in a template and throws: "undefined" is never printed.
 */
export const escapeValue = (value: unknown): string => {
  if (typeof value === 'string') return escapeMarkup(legible(value))
  if (typeof value === 'number' && Number.isFinite(value)) return String(value)
  if (typeof value === 'object' && value !== null && 'exact' in value && typeof value.exact === 'string') {
    return escapeMarkup(value.exact)
  }
  throw new TypeError(`a template printed a ${value === null ? 'null' : typeof value}`)
}

const VISIBLE = /[\p{L}\p{N}\p{P}\p{S}]/u

/** The longest name that is shown in a heading, in letters as people count them. */
const NAME_LENGTH = 80

/** A name on one line, cut where it would push the page away; undefined when nothing of it can be seen. */
export const displayName = (name: string, length: number = NAME_LENGTH): string | undefined => {
  const line = legible(name.slice(0, length * 16))
    .replace(/\s+/gu, ' ')
    .trim()
  if (!VISIBLE.test(line)) return undefined
  const letters = [...new Intl.Segmenter(undefined, { granularity: 'grapheme' }).segment(line)]
  if (letters.length <= length) return line
  return `${letters
    .slice(0, length - 1)
    .map((letter) => letter.segment)
    .join('')
    .trimEnd()}…`
}

/** One or two letters for a round badge; "?" when the name has none. */
export const initials = (name: string): string => {
  const words = name.slice(0, 1024).match(/[\p{L}\p{N}]+/gu) ?? []
  const first = words.at(0)
  const last = words.length > 1 ? words.at(-1) : undefined
  return [first, last].map((word) => firstLetter(word ?? '')).join('') || '?'
}

const firstLetter = (word: string): string => (word.match(/^./u)?.[0] ?? '').toLocaleUpperCase('en')
