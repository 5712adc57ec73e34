// The door of the ports on WebCrypto: clock, randomness, hashing and signing for Bun, Deno, Workers and Node.
// Never imports a runtime's own modules.

import { instant } from '../base/index.ts'
import type { Clock, Hasher, Ports, Random } from '../ports/index.ts'

export { SigningKeyError, type SigningKeyProblem } from '../base/signing-jwk.ts'
export * from './generate.ts'
export * from './signer.ts'
export type { WebKey } from './signing-key.ts'

/** The clock of this machine. Several nodes on one database want the database's time instead. */
export const systemClock: Clock = { now: () => instant(Math.floor(Date.now() / 1000)) }

// What one call of getRandomValues may ask for (Web Cryptography API §10.1.1).
const MOST_AT_ONCE = 65_536

/** The CSPRNG of the runtime. */
export const cryptoRandom: Random = {
  bytes: (length) => {
    const bytes = new Uint8Array(length)
    for (let at = 0; at < length; at += MOST_AT_ONCE) {
      crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + MOST_AT_ONCE)))
    }
    return bytes
  },
}

// WebCrypto refuses a resizable or shared buffer; a copy is neither.
const digest = async (name: 'SHA-256' | 'SHA-512', data: Uint8Array): Promise<Uint8Array> =>
  new Uint8Array(await crypto.subtle.digest(name, new Uint8Array(data)))

/** SHA-2 and HMAC of the runtime. */
export const webHasher: Hasher = {
  sha256: (data) => digest('SHA-256', data),
  sha512: (data) => digest('SHA-512', data),
  hmacSha256: async (key, data) => {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const imported = await crypto.subtle.importKey('raw', new Uint8Array(key), algorithm, false, ['sign'])
    return new Uint8Array(await crypto.subtle.sign(algorithm, imported, new Uint8Array(data)))
  },
}

/** The ports that need no configuration. */
export const webPorts: Pick<Ports, 'clock' | 'random' | 'hasher'> = {
  clock: systemClock,
  random: cryptoRandom,
  hasher: webHasher,
}
