// Owns the end of reading a body: bytes to text, strictly. Never decodes leniently and never joins more than the limit.

import { err, fromUtf8, ok, type Result } from '@vouchsafe/core'
import type { RefusalReason } from './options.ts'

/** A body as text, undefined when it has no bytes. */
export type BodyText = Result<string | undefined, RefusalReason>

/** Joins chunks and decodes them as strict UTF-8. */
export const bodyText = (chunks: readonly Uint8Array[]): BodyText => {
  const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0)
  if (length === 0) return ok(undefined)
  const bytes = new Uint8Array(length)
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.length
  }
  const text = fromUtf8(bytes)
  return text === undefined ? err('bodyNotUtf8') : ok(text)
}
