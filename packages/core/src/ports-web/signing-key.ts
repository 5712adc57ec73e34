// Owns the soundness of private keys on WebCrypto: what is weak, unfit or broken is refused before it signs anything.
// Never imports a runtime's own modules, and never puts key material into an error.

import type { JsonObject } from '../base/index.ts'
import { KEY_KIND_OF_ALG, parseSigningJwk, SigningKeyError } from '../base/signing-jwk.ts'
import type { SigningKeyName } from '../ports/index.ts'

/** A private key of the runtime. */
export type WebKey = Parameters<typeof crypto.subtle.sign>[1]

/** An algorithm as WebCrypto names it; each operation reads the members that it knows. */
export interface WebAlgorithm {
  readonly name: string
  readonly hash: string
  readonly namedCurve: string
}

const ALGORITHMS: Readonly<Record<SigningKeyName['alg'], WebAlgorithm>> = {
  RS256: { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256', namedCurve: '' },
  ES256: { name: 'ECDSA', hash: 'SHA-256', namedCurve: 'P-256' },
  EdDSA: { name: 'Ed25519', hash: '', namedCurve: '' },
}

/** How WebCrypto names an algorithm for making, importing and signing (Web Cryptography API §18.2). */
export const webAlgorithm = (alg: SigningKeyName['alg']): WebAlgorithm => ALGORITHMS[alg]

const property = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined

/** Answers a key of the runtime when it is private and of the kind and strength that the algorithm asks; throws `SigningKeyError` otherwise. */
export const soundWebKey = (name: SigningKeyName, key: WebKey): WebKey => {
  if (!Object.hasOwn(KEY_KIND_OF_ALG, name.alg)) throw new SigningKeyError('unsupportedAlg', name)
  if (key.type !== 'private') throw new SigningKeyError('notPrivate', name)
  if (!key.usages.includes('sign')) throw new SigningKeyError('notForSigning', name)
  const wanted = webAlgorithm(name.alg)
  if (key.algorithm.name !== wanted.name) throw new SigningKeyError('otherKeyType', name)
  if (name.alg === 'ES256' && property(key.algorithm, 'namedCurve') !== 'P-256') {
    throw new SigningKeyError('otherKeyType', name)
  }
  if (name.alg === 'RS256') {
    if (Number(property(key.algorithm, 'modulusLength')) < 2048) throw new SigningKeyError('rsaTooShort', name)
    if (property(property(key.algorithm, 'hash'), 'name') !== 'SHA-256') throw new SigningKeyError('otherKeyType', name)
  }
  return key
}

const importKey = async (name: SigningKeyName, jwk: JsonObject, usage: 'sign' | 'verify'): Promise<WebKey> => {
  try {
    // Not extractable: once imported, the key can be used here and read by nobody.
    return await crypto.subtle.importKey('jwk', { ...jwk, ext: true }, webAlgorithm(name.alg), false, [usage])
  } catch {
    throw new SigningKeyError('unreadable', name)
  }
}

/** Imports a private JWK for a name; rejects with `SigningKeyError` for one that is weak, unfit or broken. */
export const importSigningJwk = async (name: SigningKeyName, jwk: JsonObject): Promise<WebKey> => {
  if (!Object.hasOwn(KEY_KIND_OF_ALG, name.alg)) throw new SigningKeyError('unsupportedAlg', name)
  const parsed = parseSigningJwk(jwk, name)
  if (!parsed.ok) throw new SigningKeyError(parsed.error, name)
  const key = soundWebKey(name, await importKey(name, parsed.value.members, 'sign'))
  const publicKey = await importKey(name, parsed.value.publicJwk.members, 'verify')
  const probe = new Uint8Array(1)
  const algorithm = webAlgorithm(name.alg)
  const signature = await crypto.subtle.sign(algorithm, key, probe).catch(() => undefined)
  // A private part beside a foreign public one imports without a word in some runtimes; the published key would verify nothing.
  if (signature === undefined || !(await crypto.subtle.verify(algorithm, publicKey, signature, probe))) {
    throw new SigningKeyError('halvesDiffer', name)
  }
  return key
}
