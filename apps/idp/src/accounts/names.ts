// Owns how user names and passwords are read before they are compared or hashed. Never stores or hashes one.

import { err, ok, type Result } from '@vouchsafe/core'
import { isTrivialPassword } from './trivial-passwords.ts'

const MAX_USERNAME = 64
// What people write names with; no blanks, no invisible characters, nothing that means something in a URL or a shell.
const USERNAME = /^[\p{L}\p{M}\p{N}._@+-]+$/u

/** Longest input that is looked at as a name; what is longer belongs to nobody, and is told so in the same time. */
const MAX_TYPED = 256

/**
 * The form in which names are compared: compatibility forms and letter case folded, so that one person cannot stand beside another under
 * a name that reads the same. What is too long for a name folds to a name that nobody has.
 */
export const foldUsername = (typed: string): string => {
  if (typed.length > MAX_TYPED) return ''
  // Through upper case and back, which brings together what lower case alone leaves apart (ẞ, ß and ss); the final sigma is the only
  // letter whose form depends on its place.
  const folded = typed.normalize('NFKC').trim().toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ')
  return folded.normalize('NFKC')
}

/** A new name: 1 to 64 letters, digits and `. _ @ + -`. */
export const parseUsername = (typed: string): Result<string, 'malformed' | 'tooLong'> => {
  const name = typed.normalize('NFC')
  if ([...name].length > MAX_USERNAME) return err('tooLong')
  return USERNAME.test(name) && foldUsername(name) !== '' ? ok(name) : err('malformed')
}

/** Characters that a new password has at least. */
export const PASSWORD_MIN_LENGTH = 8

const MAX_PASSWORD_BYTES = 1024
const CONTROL = /[\p{Cc}\p{Cs}\p{Cn}]/u

/** Why a password is not set. */
export type PasswordRejection = 'tooShort' | 'tooLong' | 'unsafeCharacter' | 'trivial'

/**
 * The one form in which a password is hashed, whatever keyboard and system it was typed on: NFC, every kind of space a plain one, case
 * kept (RFC 8265 §4.2, OpaqueString). Undefined for what can be no password, which is refused before any hashing: empty, above 1024 bytes,
 * or with control characters.
 */
export const normalisePassword = (typed: string): string | undefined => {
  // In UTF-16 it takes at least a third of its bytes: longer input is not even normalised.
  if (typed === '' || typed.length > MAX_PASSWORD_BYTES) return undefined
  const plain = typed.normalize('NFC').replace(/\p{Zs}/gu, ' ')
  if (CONTROL.test(plain) || Buffer.byteLength(plain) > MAX_PASSWORD_BYTES) return undefined
  return plain
}

/** A new password in its one form: 8 characters to 1024 bytes, and none of those that are tried first. */
export const parseNewPassword = (typed: string, about: readonly string[]): Result<string, PasswordRejection> => {
  if (Buffer.byteLength(typed) > 3 * MAX_PASSWORD_BYTES) return err('tooLong')
  if ([...typed].length < PASSWORD_MIN_LENGTH) return err('tooShort')
  const plain = normalisePassword(typed)
  if (plain === undefined) return err(CONTROL.test(typed) ? 'unsafeCharacter' : 'tooLong')
  return isTrivialPassword(plain, about) ? err('trivial') : ok(plain)
}
