// Owns the comparison of distinguished names in their string form (RFC 4514 §2.4). Never folds the case of a value and never skips a part:
// an authority may tell two clients apart by exactly that.

// Types that are written by more than one name, under the one that is compared; others are compared as they are written (RFC 4514 §3).
const TYPES: ReadonlyMap<string, string> = new Map([
  ['2.5.4.3', 'cn'],
  ['2.5.4.4', 'sn'],
  ['2.5.4.5', 'serialnumber'],
  ['2.5.4.6', 'c'],
  ['2.5.4.7', 'l'],
  ['2.5.4.8', 'st'],
  ['s', 'st'],
  ['2.5.4.9', 'street'],
  ['2.5.4.10', 'o'],
  ['2.5.4.11', 'ou'],
  ['2.5.4.12', 'title'],
  ['2.5.4.15', 'businesscategory'],
  ['2.5.4.17', 'postalcode'],
  ['2.5.4.42', 'gn'],
  ['givenname', 'gn'],
  ['2.5.4.97', 'organizationidentifier'],
  ['0.9.2342.19200300.100.1.25', 'dc'],
  ['0.9.2342.19200300.100.1.1', 'uid'],
  ['1.2.840.113549.1.9.1', 'emailaddress'],
  ['e', 'emailaddress'],
])

// One character of a value, or an escape of one or of a byte.
const PIECE = /\\([0-9A-Fa-f]{2})|\\([ "#+,;<=>\\])|([^\\"+,;<>\p{Cs}])/uy

const BLANK = /\s/

interface Reader {
  readonly text: string
  at: number
}

const skipBlanks = (reader: Reader): void => {
  while (BLANK.test(reader.text.charAt(reader.at))) reader.at++
}

const readType = (reader: Reader): string | undefined => {
  skipBlanks(reader)
  const found = /^([A-Za-z][A-Za-z0-9-]*|[0-9]+(?:\.[0-9]+)+)\s*=/.exec(reader.text.slice(reader.at))
  if (found?.[1] === undefined) return undefined
  reader.at += found[0].length
  const type = found[1].toLowerCase()
  return TYPES.get(type) ?? type
}

/** A value as its UTF-8 bytes in percent form, so that every way to escape a character is the same. */
const readValue = (reader: Reader): string | undefined => {
  skipBlanks(reader)
  // A value in hexadecimal is its BER form, which no string form of ours can be compared with.
  if (reader.text.charAt(reader.at) === '#') return undefined
  let value = ''
  let trailing = 0
  for (;;) {
    PIECE.lastIndex = reader.at
    const found = PIECE.exec(reader.text)
    if (found === null) break
    const [piece, byte, escaped, plain] = found
    reader.at += piece.length
    value += byte === undefined ? encodeURIComponent(escaped ?? plain ?? '') : encodeByte(byte)
    // Blanks that are not escaped do not end a value (RFC 4514 §2.4).
    trailing = plain === ' ' ? trailing + '%20'.length : 0
  }
  return value.slice(0, value.length - trailing)
}

const encodeByte = (hex: string): string => {
  const byte = Number.parseInt(hex, 16)
  return byte < 0x80 ? encodeURIComponent(String.fromCharCode(byte)) : `%${hex.toUpperCase()}`
}

/** A form in which two names are the same text exactly when they name the same; undefined for what is no name. */
export const canonicalName = (text: string): string | undefined => {
  const reader: Reader = { text, at: 0 }
  const names: string[][] = [[]]
  for (;;) {
    const type = readType(reader)
    const value = type === undefined ? undefined : readValue(reader)
    if (type === undefined || value === undefined) return undefined
    names.at(-1)?.push(`${type}=${value}`)
    const separator = text.charAt(reader.at++)
    if (separator === ',') names.push([])
    else if (separator !== '+')
      return separator === '' ? names.map((parts) => parts.toSorted().join('+')).join(',') : undefined
  }
}
