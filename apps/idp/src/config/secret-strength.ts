// Owns what counts as a strong secret in the configuration. Never prints one.

import { err, ok, type Result } from '@vouchsafe/core'

const MIN_BYTES = 32
// 32 random bytes hold 30 different ones on average, and fewer than 20 in one case of more than 10^9.
const MIN_DISTINCT = 20

const decode = (text: string): Buffer | undefined => {
  if (/^(?:[0-9a-f]{2})+$/i.test(text) && text.length >= 2 * MIN_BYTES) return Buffer.from(text, 'hex')
  if (/^[A-Za-z0-9+/_-]+={0,2}$/.test(text)) return Buffer.from(text, 'base64')
  return undefined
}

const isProgression = (bytes: Buffer): boolean => {
  const step = ((bytes[1] ?? 0) - (bytes[0] ?? 0)) & 0xff
  return bytes.every((byte, index) => index === 0 || ((byte - (bytes[index - 1] ?? 0)) & 0xff) === step)
}

/**
 * Takes a secret of at least 32 random bytes in base64 or hexadecimal. Refuses what no random generator writes: words, repetitions,
 * counting, text that was merely encoded (RFC 6819 §5.1.4.2.2). The error is a sentence without its subject and without the value.
 */
export const parseStrongSecret = (text: string): Result<Buffer, string> => {
  const bytes = decode(text)
  if (bytes === undefined) return err('is not base64 or hexadecimal; make one with `openssl rand -base64 32`.')
  if (bytes.length < MIN_BYTES) return err('is shorter than 32 bytes; make one with `openssl rand -base64 32`.')
  const weak =
    new Set(bytes).size < MIN_DISTINCT ||
    isProgression(bytes) ||
    bytes.every((byte) => byte >= 0x20 && byte < 0x7f) ||
    // Random base64 of this length without any capital or any small letter does not occur.
    (!/^[0-9a-f]+$/i.test(text) && !(/[A-Z]/.test(text) && /[a-z]/.test(text)))
  return weak ? err('is not random; make one with `openssl rand -base64 32`.') : ok(bytes)
}
