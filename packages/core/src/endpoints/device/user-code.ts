// Owns the code that a person types (RFC 8628 §6.1): its letters, how it is shown, what counts as typed right. Never stores one.

import type { Random } from '../../ports/index.ts'

// Consonants alone: no word can come of them, none looks like a digit, and their case does not matter. 20^8 is 34.5 bits.
const LETTERS = 'BCDFGHJKLMNPQRSTVWXZ'
const LENGTH = 8
// The largest multiple of 20 within a byte: what is above it is thrown again, or the first letters would come more often.
const FAIR = 240

/** A fresh user code: eight letters without vowels, in their bare form (RFC 8628 §5.1, §6.1). */
export const mintUserCode = (random: Random): string => {
  let code = ''
  while (code.length < LENGTH) {
    for (const byte of random.bytes(LENGTH)) {
      if (byte < FAIR && code.length < LENGTH) code += LETTERS.charAt(byte % LETTERS.length)
    }
  }
  return code
}

/** The code as it is shown: `XXXX-XXXX`. */
export const showUserCode = (code: string): string => `${code.slice(0, 4)}-${code.slice(4)}`

/** The bare form of what was typed, whatever its case and separators (RFC 8628 §6.1); undefined for what no code looks like. */
export const parseUserCode = (typed: string): string | undefined => {
  if (typed.length > 64) return undefined
  const code = typed.replace(/[\s\p{P}]/gu, '').toUpperCase()
  return /^[BCDFGHJKLMNPQRSTVWXZ]{8}$/.test(code) ? code : undefined
}
