// The door of the ports on node:crypto: clock, randomness, hashing and signing for Node, synchronous wherever that is faster.

import { createHash, createHmac, randomFillSync } from 'node:crypto'
import { instant } from '../base/index.ts'
import type { Clock, Hasher, Ports, Random } from '../ports/index.ts'

export { SigningKeyError, type SigningKeyProblem } from '../base/signing-jwk.ts'
export * from './generate.ts'
export * from './signer.ts'

/** The clock of this machine. Several nodes on one database want the database's time instead. */
export const systemClock: Clock = { now: () => instant(Math.floor(Date.now() / 1000)) }

/** The CSPRNG of OpenSSL. */
export const cryptoRandom: Random = { bytes: (length) => randomFillSync(new Uint8Array(length)) }

const bytes = (buffer: Buffer): Uint8Array => new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)

/** SHA-2 and HMAC, synchronous: on inputs this small a thread would cost more than the hash. */
export const nodeHasher: Hasher = {
  sha256: (data) => bytes(createHash('sha256').update(data).digest()),
  sha512: (data) => bytes(createHash('sha512').update(data).digest()),
  hmacSha256: (key, data) => bytes(createHmac('sha256', key).update(data).digest()),
}

/** The ports that need no configuration. */
export const nodePorts: Pick<Ports, 'clock' | 'random' | 'hasher'> = {
  clock: systemClock,
  random: cryptoRandom,
  hasher: nodeHasher,
}
