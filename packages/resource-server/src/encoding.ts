// Owns base64url, UTF-8 and SHA-256 as every runtime has them. Never decodes leniently: what is not canonical is refused.

import { base64url } from 'jose'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** UTF-8 bytes of a text. */
export const utf8 = (text: string): Uint8Array<ArrayBuffer> => encoder.encode(text)

/** The text of UTF-8 bytes, or undefined where they are not valid UTF-8. */
export const fromUtf8 = (bytes: Uint8Array): string | undefined => {
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

/** Base64url without padding (RFC 4648 §5). */
export const toBase64url = (bytes: Uint8Array): string => base64url.encode(bytes)

/** The bytes of an unpadded, canonical base64url text, or undefined for anything else. */
export const fromBase64url = (text: string): Uint8Array | undefined => {
  if (text.length % 4 === 1 || !/^[A-Za-z0-9_-]*$/.test(text)) return undefined
  const bytes = base64url.decode(text)
  // Stray bits in the last letter would let one value be written in several ways.
  return base64url.encode(bytes) === text ? bytes : undefined
}

/** SHA-256 of bytes, as base64url. */
export const digestOf = async (bytes: Uint8Array<ArrayBuffer>): Promise<string> =>
  toBase64url(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)))
