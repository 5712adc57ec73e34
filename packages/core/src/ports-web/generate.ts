// Owns making new signing keys on WebCrypto. Never keeps or publishes them.

import { base64url, isJsonObject, type Json, type JsonObject, utf8 } from '../base/index.ts'
import { KEY_KIND_OF_ALG, parseSigningJwk, SigningKeyError } from '../base/signing-jwk.ts'
import type { SigningKeyName } from '../ports/index.ts'
import { type WebKey, webAlgorithm } from './signing-key.ts'

/** A fresh signing key. */
export interface GeneratedSigningKey extends SigningKeyName {
  /** To publish: with `kid`, `alg` and `use`. */
  readonly publicJwk: JsonObject
  /** To keep: with the same names. Never logged, encrypted at rest. */
  readonly privateJwk: JsonObject
}

const privateKey = async (alg: SigningKeyName['alg']): Promise<WebKey> => {
  if (!Object.hasOwn(KEY_KIND_OF_ALG, alg)) throw new SigningKeyError('unsupportedAlg', { kid: '', alg })
  // 2048 bits are what every relying party accepts and enough for keys that rotate (NIST SP 800-57 part 1 §5.6.1).
  const parameters = { ...webAlgorithm(alg), modulusLength: 2048, publicExponent: new Uint8Array([1, 0, 1]) }
  const made = await crypto.subtle.generateKey(parameters, true, ['sign', 'verify'])
  if (!('privateKey' in made)) throw new SigningKeyError('unsupportedAlg', { kid: '', alg })
  return made.privateKey
}

/** Makes a signing key named by its thumbprint (RFC 7638 §3); rejects with `SigningKeyError` for an algorithm that is not built. */
export const generateSigningKey = async (alg: SigningKeyName['alg']): Promise<GeneratedSigningKey> => {
  const exported = await crypto.subtle.exportKey('jwk', await privateKey(alg))
  const jwk: Json = JSON.parse(JSON.stringify({ ...exported, alg: undefined }))
  const parsed = isJsonObject(jwk) ? parseSigningJwk(jwk, { kid: '', alg }) : undefined
  if (parsed?.ok !== true) throw new SigningKeyError('unreadable', { kid: '', alg })
  const { publicJwk, members } = parsed.value
  const digest = await crypto.subtle.digest('SHA-256', utf8(JSON.stringify(publicJwk.members)))
  const kid = base64url(new Uint8Array(digest))
  const names = { kid, alg, use: 'sig' }
  return { kid, alg, publicJwk: { ...publicJwk.members, ...names }, privateJwk: { ...members, ...names } }
}
