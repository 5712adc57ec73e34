// Owns the form of codes and opaque tokens: the grant's handle and a secret. Never stores one and never says what it is worth.

import {
  base64url,
  fromBase64url,
  type GrantHandle,
  grantHandle,
  isBase64urlOf,
  type Secret,
  secret,
} from '../base/index.ts'
import type { Random } from '../ports/index.ts'

const HANDLE_BYTES = 16
const SECRET_BYTES = 32
const LENGTH = ((HANDLE_BYTES + SECRET_BYTES) * 4) / 3

/** A fresh grant handle: 16 random bytes. */
export const mintHandle = (random: Random): GrantHandle => grantHandle(base64url(random.bytes(HANDLE_BYTES)))

/** A fresh credential under a handle: 64 characters, of which 32 bytes are secret (RFC 6749 §10.10). */
export const mintCredential = (random: Random, handle: GrantHandle): Secret => {
  const bytes = new Uint8Array(HANDLE_BYTES + SECRET_BYTES)
  bytes.set(fromBase64url(handle) ?? [], 0)
  bytes.set(random.bytes(SECRET_BYTES), HANDLE_BYTES)
  return secret(base64url(bytes))
}

/** The handle that a presented credential names; undefined for anything that was never minted here. */
export const parseCredential = (text: string): GrantHandle | undefined => {
  if (!isBase64urlOf(text, LENGTH)) return undefined
  const bytes = fromBase64url(text)
  return bytes === undefined ? undefined : grantHandle(base64url(bytes.subarray(0, HANDLE_BYTES)))
}
