// Owns signing with private keys in this process. Never gives a key out, and never signs with a key that was not found sound.

import { type KeyObject, sign } from 'node:crypto'
import type { JsonObject } from '../base/index.ts'
import { SigningKeyError } from '../base/signing-jwk.ts'
import type { MaybePromise, Signer, SigningKeyName } from '../ports/index.ts'
import { importSigningJwk, signArguments, soundKey } from './signing-key.ts'

/** One private key with its name: as a JWK, or as a `KeyObject` (from a PEM file, for instance). */
export type NodeSigningKey = SigningKeyName &
  (
    | { readonly privateJwk: JsonObject; readonly privateKey?: never }
    | { readonly privateKey: KeyObject; readonly privateJwk?: never }
  )

/** Finds the private key of a `kid`, undefined when there is none; asked at each signature, so that rotation needs no restart. */
export type FindSigningKey = (kid: string) => MaybePromise<KeyObject | undefined>

const signWith = (name: SigningKeyName, key: KeyObject, signingInput: string): MaybePromise<Uint8Array> => {
  const { digest, key: options } = signArguments(name.alg, key)
  const data = Buffer.from(signingInput, 'latin1')
  // One RSA signature takes a good half of a millisecond: on the thread pool it does not hold up the event loop.
  if (name.alg === 'RS256') {
    return new Promise((resolve, reject) => {
      sign(digest, data, options, (error, signature) =>
        error === null ? resolve(new Uint8Array(signature)) : reject(error),
      )
    })
  }
  return new Uint8Array(sign(digest, data, options))
}

const listed = (keys: readonly NodeSigningKey[]): ReadonlyMap<string, SigningKeyName & { readonly key: KeyObject }> => {
  const byKid = new Map<string, SigningKeyName & { readonly key: KeyObject }>()
  for (const entry of keys) {
    const name = { kid: entry.kid, alg: entry.alg }
    if (byKid.has(entry.kid)) throw new SigningKeyError('repeatedKid', name)
    const key =
      entry.privateJwk === undefined ? soundKey(name, entry.privateKey) : importSigningJwk(name, entry.privateJwk)
    byKid.set(entry.kid, { ...name, key })
  }
  return byKid
}

const fixedSigner = (keys: readonly NodeSigningKey[]): Signer => {
  const byKid = listed(keys)
  return {
    sign: (name, signingInput) => {
      const entry = byKid.get(name.kid)
      if (entry === undefined) return Promise.reject(new SigningKeyError('unknownKey', name))
      if (entry.alg !== name.alg) return Promise.reject(new SigningKeyError('otherAlg', name))
      return signWith(name, entry.key, signingInput)
    },
  }
}

const findingSigner = (find: FindSigningKey): Signer => {
  // What was found sound once stays so: a KeyObject cannot be changed.
  const sound = new WeakMap<KeyObject, SigningKeyName['alg']>()
  const use = (name: SigningKeyName, key: KeyObject | undefined, signingInput: string): MaybePromise<Uint8Array> => {
    if (key === undefined) return Promise.reject(new SigningKeyError('unknownKey', name))
    if (sound.get(key) !== name.alg) {
      try {
        soundKey(name, key)
      } catch (error) {
        return Promise.reject(error)
      }
      sound.set(key, name.alg)
    }
    return signWith(name, key, signingInput)
  }
  return {
    sign: (name, signingInput) => {
      const key = find(name.kid)
      return key instanceof Promise ? key.then((found) => use(name, found, signingInput)) : use(name, key, signingInput)
    },
  }
}

/**
 * A signer over a list of keys, all checked at once (it throws `SigningKeyError` for an unsupported or weak one, so that start-up
 * fails), or over a function that finds them. ES256 and EdDSA answer at once, RS256 from the thread pool; an unknown `kid`, or an
 * `alg` that is not the key's, rejects (RFC 7515 §5.1).
 */
export const createNodeSigner = (keys: readonly NodeSigningKey[] | FindSigningKey): Signer =>
  typeof keys === 'function' ? findingSigner(keys) : fixedSigner(keys)
