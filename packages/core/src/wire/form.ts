// Owns application/x-www-form-urlencoded, for bodies and queries alike. Never lenient: what is ill-encoded is refused, nothing is cut
// off, keys are plain names (brackets and dots mean nothing), and cost is linear in the text.

import { err, type MultiMap, multiMap, ok, type Result } from '../base/index.ts'
import { LIMITS } from '../spec/index.ts'

/** Why a form was refused. */
export type FormRejection =
  | { readonly reason: 'formTooLarge' }
  | { readonly reason: 'tooManyFields' }
  | { readonly reason: 'formIllEncoded' }
  | { readonly reason: 'notAForm' }

// No text of any specification holds U+0000, and databases refuse it; half a surrogate pair could not be sent back.
const UNUSABLE = /[\0\ud800-\udfff]/u

/** Whether a text is one that a form could hold: no U+0000 and no half of a surrogate pair. */
export const isFormText = (text: string): boolean => !UNUSABLE.test(text)

/**
 * Decodes one form-encoded name or value; undefined for a stray percent sign, bytes that are no UTF-8, U+0000 or half a surrogate pair (RFC
 * 6749 appendix B).
 */
export const formDecode = (text: string): string | undefined => {
  try {
    const decoded = /[%+]/.test(text) ? decodeURIComponent(text.replaceAll('+', ' ')) : text
    return isFormText(decoded) ? decoded : undefined
  } catch {
    return undefined
  }
}

/** Encodes one name or value for a form or a query (RFC 6749 appendix B). */
export const formEncode = (text: string): string =>
  encodeURIComponent(text)
    .replaceAll('%20', '+')
    .replace(/[!'()*~]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

/** Parses a form or a query string whole, keeping every value of every name. */
export const parseForm = (text: string): Result<MultiMap, FormRejection> => {
  if (text.length > LIMITS.form) return err({ reason: 'formTooLarge' })
  const pairs: [string, string][] = []
  // Empty parts say nothing, but are no reason to stop reading: what follows them might be a second value of something.
  for (const part of text.split('&')) {
    if (part === '') continue
    if (pairs.length === LIMITS.fields) return err({ reason: 'tooManyFields' })
    const split = part.indexOf('=')
    const name = formDecode(split < 0 ? part : part.slice(0, split))
    const value = split < 0 ? '' : formDecode(part.slice(split + 1))
    if (name === undefined || value === undefined) return err({ reason: 'formIllEncoded' })
    pairs.push([name, value])
  }
  return ok(multiMap(pairs))
}

/** Whether a Content-Type is a form, whatever its parameters (RFC 9110 §8.3). */
export const isFormContentType = (contentType: string | undefined): boolean =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
