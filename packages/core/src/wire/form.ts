// Owns application/x-www-form-urlencoded, for bodies and queries alike. Never lenient: what is ill-encoded is refused, keys are
// plain names (brackets and dots mean nothing), and cost is linear in the text.

import { err, type MultiMap, multiMap, ok, type Result } from '../base/index.ts'
import { LIMITS } from '../spec/index.ts'

/** Why a form was refused. */
export type FormRejection =
  | { readonly reason: 'formTooLarge' }
  | { readonly reason: 'tooManyFields' }
  | { readonly reason: 'formIllEncoded' }
  | { readonly reason: 'notAForm' }

/** Decodes one form-encoded name or value; undefined for a stray percent sign or bytes that are no UTF-8 (RFC 6749 appendix B). */
export const formDecode = (text: string): string | undefined => {
  if (!text.includes('%') && !text.includes('+')) return text
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
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
  for (const part of text === '' ? [] : text.split('&', LIMITS.fields + 1)) {
    if (part === '') continue
    const split = part.indexOf('=')
    const name = formDecode(split < 0 ? part : part.slice(0, split))
    const value = split < 0 ? '' : formDecode(part.slice(split + 1))
    if (name === undefined || value === undefined) return err({ reason: 'formIllEncoded' })
    pairs.push([name, value])
  }
  return pairs.length > LIMITS.fields ? err({ reason: 'tooManyFields' }) : ok(multiMap(pairs))
}

/** Whether a Content-Type is a form, whatever its parameters (RFC 9110 §8.3). */
export const isFormContentType = (contentType: string | undefined): boolean =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/x-www-form-urlencoded'
