// Owns the soundness of private keys on node:crypto: what is weak, unfit or broken is refused before it signs anything.
// Never puts key material into an error: Node's own messages quote what they were given, so they are dropped.

import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto'
import { isJsonObject, type Json, type JsonObject } from '../base/index.ts'
import { parsePublicJwk } from '../base/jwk.ts'
import { KEY_KIND_OF_ALG, parseSigningJwk, SigningKeyError } from '../base/signing-jwk.ts'
import type { SigningKeyName } from '../ports/index.ts'

const PROBE = Buffer.from('probe')

/** Digest and key options of an algorithm in node:crypto; ES256 is `R || S`, not DER (RFC 7518 §3.4). */
export const signArguments = (alg: SigningKeyName['alg'], key: KeyObject): SignArguments =>
  alg === 'EdDSA'
    ? { digest: undefined, key: { key } }
    : { digest: 'sha256', key: alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' } : { key } }

/** What `sign` and `verify` of node:crypto take. */
export interface SignArguments {
  readonly digest: 'sha256' | undefined
  readonly key: { readonly key: KeyObject; readonly dsaEncoding?: 'ieee-p1363' }
}

const attempt = <T>(make: () => T): T | undefined => {
  try {
    return make()
  } catch {
    return undefined
  }
}

const exportPublic = (key: KeyObject): { readonly publicKey: KeyObject; readonly jwk: JsonObject } | undefined =>
  attempt(() => {
    const publicKey = createPublicKey(key)
    const jwk: Json = JSON.parse(JSON.stringify(publicKey.export({ format: 'jwk' })))
    if (!isJsonObject(jwk)) throw new TypeError('no JWK')
    return { publicKey, jwk }
  })

const signsWhatItVerifies = (alg: SigningKeyName['alg'], key: KeyObject, publicKey: KeyObject): boolean | undefined =>
  attempt(() => {
    const signing = signArguments(alg, key)
    const signature = sign(signing.digest, PROBE, signing.key)
    const verifying = signArguments(alg, publicKey)
    return verify(verifying.digest, PROBE, verifying.key, signature)
  })

/** Answers the key when it is private, of the kind and strength that the algorithm asks, and whole; throws `SigningKeyError` otherwise. */
export const soundKey = (name: SigningKeyName, key: KeyObject): KeyObject => {
  if (!Object.hasOwn(KEY_KIND_OF_ALG, name.alg)) throw new SigningKeyError('unsupportedAlg', name)
  if (key.type !== 'private') throw new SigningKeyError('notPrivate', name)
  const half = exportPublic(key)
  if (half === undefined) throw new SigningKeyError('otherKeyType', name)
  const parsed = parsePublicJwk(half.jwk)
  if (!parsed.ok) throw new SigningKeyError(parsed.error, name)
  if (parsed.value.kind !== KEY_KIND_OF_ALG[name.alg]) throw new SigningKeyError('otherKeyType', name)
  // OpenSSL imports a private part beside a foreign public one without a word; the published key would verify nothing.
  if (signsWhatItVerifies(name.alg, key, half.publicKey) !== true) throw new SigningKeyError('halvesDiffer', name)
  return key
}

/** Imports a private JWK for a name; throws `SigningKeyError` for one that is weak, unfit or broken. */
export const importSigningJwk = (name: SigningKeyName, jwk: JsonObject): KeyObject => {
  if (!Object.hasOwn(KEY_KIND_OF_ALG, name.alg)) throw new SigningKeyError('unsupportedAlg', name)
  const parsed = parseSigningJwk(jwk, name)
  if (!parsed.ok) throw new SigningKeyError(parsed.error, name)
  const key = attempt(() => createPrivateKey({ format: 'jwk', key: { ...parsed.value.members } }))
  if (key === undefined) throw new SigningKeyError('unreadable', name)
  const half = exportPublic(key)
  // For Ed25519 the public half is derived from the private one and the given `x` is ignored.
  if (half === undefined || half.jwk['x'] !== parsed.value.publicJwk.members['x']) {
    throw new SigningKeyError('halvesDiffer', name)
  }
  return soundKey(name, key)
}
