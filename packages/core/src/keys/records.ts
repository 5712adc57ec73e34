// Owns what the rest of the core may know of signing keys: their public side and where it comes from. Never sees a private key.

import type { KeyKind } from '../base/jwk.ts'
import { parsePublicJwk } from '../base/jwk.ts'
import type { KeySource, PublicSigningKey as PublicKeyRecord } from '../ports/index.ts'
import type { SigningAlg } from '../spec/index.ts'

export type { KeySource, PublicSigningKey as PublicKeyRecord } from '../ports/index.ts'

/** A set of keys that no provider can work with; `code` is stable, the message names the key by its identifier only (no member of it). */
export class KeyConfigurationError extends Error {
  readonly code: 'weak_key' | 'unsuitable_key' | 'duplicate_kid' | 'no_active_key'

  constructor(code: KeyConfigurationError['code'], message: string) {
    super(message)
    this.name = 'KeyConfigurationError'
    this.code = code
  }
}

const KIND_OF: Readonly<Record<SigningAlg, KeyKind>> = { RS256: 'RSA', ES256: 'P-256', EdDSA: 'Ed25519' }

/** Throws a `KeyConfigurationError` for a key that is private, weak, of the wrong type for its algorithm (RFC 7518 §3.3, §3.4; RFC 8037 §3.1), or named twice. */
export const assertSoundKeys = (keys: readonly PublicKeyRecord[]): void => {
  const seen = new Set<string>()
  for (const key of keys) {
    if (seen.has(key.kid)) throw new KeyConfigurationError('duplicate_kid', `two signing keys are named ${key.kid}`)
    seen.add(key.kid)
    const parsed = parsePublicJwk(key.publicJwk)
    if (!parsed.ok)
      throw new KeyConfigurationError('weak_key', `signing key ${key.kid} is not accepted: ${parsed.error}`)
    if (parsed.value.kind !== KIND_OF[key.alg]) {
      throw new KeyConfigurationError(
        'unsuitable_key',
        `signing key ${key.kid} is ${parsed.value.kind}, which does not fit ${key.alg}`,
      )
    }
  }
}

/** Keys that do not change while the process runs, for embedders without a key store. Throws a `KeyConfigurationError`. */
export const staticKeys = (keys: readonly PublicKeyRecord[]): KeySource => {
  assertSoundKeys(keys)
  if (activeKey(keys, 'RS256') === undefined) {
    // Every relying party knows RS256 (OIDC Core §15.1); without it discovery would promise what cannot be kept.
    throw new KeyConfigurationError('no_active_key', 'there is no active RS256 signing key')
  }
  const kept = [...keys]
  return { keys: () => kept }
}

/** The key to sign with, or undefined where the ring has none for this algorithm: the active one, the youngest if a merge left two. */
export const activeKey = <Key extends PublicKeyRecord>(keys: readonly Key[], alg: SigningAlg): Key | undefined =>
  keys.findLast((key) => key.alg === alg && key.state === 'active')
