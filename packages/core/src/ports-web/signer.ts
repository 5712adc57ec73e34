// Owns signing on WebCrypto. Never gives a key out, and never signs with a key that was not found sound.

import { type JsonObject, utf8 } from '../base/index.ts'
import { SigningKeyError } from '../base/signing-jwk.ts'
import type { MaybePromise, Signer, SigningKeyName } from '../ports/index.ts'
import { importSigningJwk, soundWebKey, type WebKey, webAlgorithm } from './signing-key.ts'

/** One private key with its name: as a JWK, or as a `CryptoKey` of the runtime. */
export type WebSigningKey = SigningKeyName &
  (
    | { readonly privateJwk: JsonObject; readonly privateKey?: never }
    | { readonly privateKey: WebKey; readonly privateJwk?: never }
  )

/** Finds the private key of a `kid`, undefined when there is none; asked at each signature, so that rotation needs no restart. */
export type FindWebSigningKey = (kid: string) => MaybePromise<WebKey | undefined>

const signWith = async (name: SigningKeyName, key: WebKey, signingInput: string): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.sign(webAlgorithm(name.alg), key, utf8(signingInput)))

const fixedSigner = async (keys: readonly WebSigningKey[]): Promise<Signer> => {
  const byKid = new Map<string, SigningKeyName & { readonly key: WebKey }>()
  for (const entry of keys) {
    const name = { kid: entry.kid, alg: entry.alg }
    if (byKid.has(entry.kid)) throw new SigningKeyError('repeatedKid', name)
    const key =
      entry.privateJwk === undefined
        ? soundWebKey(name, entry.privateKey)
        : await importSigningJwk(name, entry.privateJwk)
    byKid.set(entry.kid, { ...name, key })
  }
  return {
    sign: async (name, signingInput) => {
      const entry = byKid.get(name.kid)
      if (entry === undefined) throw new SigningKeyError('unknownKey', name)
      if (entry.alg !== name.alg) throw new SigningKeyError('otherAlg', name)
      return signWith(name, entry.key, signingInput)
    },
  }
}

const findingSigner = (find: FindWebSigningKey): Signer => ({
  sign: async (name, signingInput) => {
    const key = await find(name.kid)
    if (key === undefined) throw new SigningKeyError('unknownKey', name)
    return signWith(name, soundWebKey(name, key), signingInput)
  },
})

/**
 * A signer over a list of keys, all checked at once (it rejects with `SigningKeyError` for an unsupported or weak one, so that start-up
 * fails), or over a function that finds them. An unknown `kid`, or an `alg` that is not the key's, rejects (RFC 7515 §5.1).
 */
export const createWebSigner = async (keys: readonly WebSigningKey[] | FindWebSigningKey): Promise<Signer> =>
  typeof keys === 'function' ? findingSigner(keys) : fixedSigner(keys)
