// Owns making new signing keys on node:crypto. Never keeps or publishes them.

import { createHash, generateKeyPair, type KeyObject } from 'node:crypto'
import { promisify } from 'node:util'
import { isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import { parseSigningJwk, SigningKeyError } from '../base/signing-jwk.ts'
import type { SigningKeyName } from '../ports/index.ts'

/** A fresh signing key. */
export interface GeneratedSigningKey extends SigningKeyName {
  /** To publish: with `kid`, `alg` and `use`. */
  readonly publicJwk: JsonObject
  /** To keep: with the same names. Never logged, encrypted at rest. */
  readonly privateJwk: JsonObject
}

const generate = promisify(generateKeyPair)

// 2048 bits are what every relying party accepts and enough for keys that rotate (NIST SP 800-57 part 1 §5.6.1).
const privateKey = async (alg: SigningKeyName['alg']): Promise<KeyObject> => {
  if (alg === 'RS256') return (await generate('rsa', { modulusLength: 2048, publicExponent: 0x10001 })).privateKey
  if (alg === 'ES256') return (await generate('ec', { namedCurve: 'P-256' })).privateKey
  if (alg === 'EdDSA') return (await generate('ed25519')).privateKey
  throw new SigningKeyError('unsupportedAlg', { kid: '', alg })
}

/** Makes a signing key named by its thumbprint (RFC 7638 §3); rejects with `SigningKeyError` for an algorithm that is not built. */
export const generateSigningKey = async (alg: SigningKeyName['alg']): Promise<GeneratedSigningKey> => {
  const jwk: Json = JSON.parse(JSON.stringify((await privateKey(alg)).export({ format: 'jwk' })))
  const parsed = isJsonObject(jwk) ? parseSigningJwk(jwk, { kid: '', alg }) : undefined
  if (parsed?.ok !== true) throw new SigningKeyError('unreadable', { kid: '', alg })
  const { publicJwk, members } = parsed.value
  const kid = createHash('sha256').update(JSON.stringify(publicJwk.members)).digest('base64url')
  const names = { kid, alg, use: 'sig' }
  return { kid, alg, publicJwk: { ...publicJwk.members, ...names }, privateJwk: { ...members, ...names } }
}
