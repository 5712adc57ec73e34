// Owns sealing private keys at rest: AES-256-GCM under a key derived from a secret. Never stores anything, and never puts key
// material into an error.

import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import { reveal, type Secret } from '@vouchsafe/core'
import { parseStrongSecret } from '../config/secret-strength.ts'

/** Names the key that is sealed, so that one envelope cannot be put in another's place. */
export interface SealedName {
  readonly kid: string
  readonly alg: string
}

/** A private key that cannot be opened; the message names the key and the setting, and nothing of either's value. */
export class SealError extends Error {
  readonly code: 'unknown_secret' | 'broken_seal' | 'weak_secret'

  constructor(code: SealError['code'], message: string) {
    super(message)
    this.name = 'SealError'
    this.code = code
  }
}

/** Seals and opens private keys. */
export interface Sealer {
  /** A fresh envelope, another one each time. */
  seal(name: SealedName, clear: string): string
  /** What was sealed; throws a `SealError` for an envelope of another secret or key, or one that was altered. */
  open(name: SealedName, envelope: string): string
  /** Whether an envelope was made with the present secret. */
  isCurrent(envelope: string): boolean
}

const VERSION = 'v1'
const NONCE_BYTES = 12
const TAG_BYTES = 16

interface SealingKey {
  /** Tells secrets apart in the envelope; derived one way, so that it tells nothing of the secret. */
  readonly id: string
  readonly key: Buffer
}

const derive = (secret: Buffer, purpose: string, length: number): Buffer =>
  Buffer.from(hkdfSync('sha256', secret, Buffer.alloc(0), `vouchsafe/${VERSION}/${purpose}`, length))

const sealingKeyOf = (hidden: Secret): SealingKey => {
  const parsed = parseStrongSecret(reveal(hidden))
  if (!parsed.ok) throw new SealError('weak_secret', `the key encryption secret ${parsed.error}`)
  return { id: derive(parsed.value, 'id', 9).toString('base64url'), key: derive(parsed.value, 'seal', 32) }
}

/** Other secrets that all nodes share without being told them: derived for a purpose of their own, current one first, so that none opens a key. */
export const derivedSecrets = (
  secrets: { readonly current: Secret; readonly previous: readonly Secret[] },
  purpose: string,
): readonly Uint8Array[] =>
  [secrets.current, ...secrets.previous].map((hidden) => {
    const parsed = parseStrongSecret(reveal(hidden))
    if (!parsed.ok) throw new SealError('weak_secret', `the key encryption secret ${parsed.error}`)
    return derive(parsed.value, purpose, 32)
  })

// Length first, so that no two names can flow into one another.
const bindingOf = ({ kid, alg }: SealedName): Buffer => Buffer.from(JSON.stringify([VERSION, alg, kid]))

/** A sealer that seals with the current secret and opens with any of them, so that a secret can be exchanged without a gap. */
export const createSealer = (secrets: { readonly current: Secret; readonly previous: readonly Secret[] }): Sealer => {
  const current = sealingKeyOf(secrets.current)
  const byId = new Map([...secrets.previous.map(sealingKeyOf), current].map((each) => [each.id, each]))
  return {
    seal: (name, clear) => {
      // 96 random bits for each of at most a few thousand envelopes under one key (NIST SP 800-38D §8.2.2).
      const nonce = randomBytes(NONCE_BYTES)
      const cipher = createCipheriv('aes-256-gcm', current.key, nonce, { authTagLength: TAG_BYTES })
      cipher.setAAD(bindingOf(name))
      const sealed = Buffer.concat([cipher.update(clear, 'utf8'), cipher.final(), cipher.getAuthTag()])
      return [VERSION, current.id, nonce.toString('base64url'), sealed.toString('base64url')].join('.')
    },
    open: (name, envelope) => {
      const [version, id = '', nonce = '', sealed = '', ...rest] = envelope.split('.')
      if (version !== VERSION || rest.length > 0)
        throw new SealError('broken_seal', `signing key ${name.kid} is not sealed in a known form`)
      const found = byId.get(id)
      if (found === undefined) {
        throw new SealError(
          'unknown_secret',
          `signing key ${name.kid} was sealed with another secret; add that one to KEY_ENCRYPTION_SECRET_PREVIOUS`,
        )
      }
      const bytes = Buffer.from(sealed, 'base64url')
      try {
        const decipher = createDecipheriv('aes-256-gcm', found.key, Buffer.from(nonce, 'base64url'), {
          authTagLength: TAG_BYTES,
        })
        decipher.setAAD(bindingOf(name))
        decipher.setAuthTag(bytes.subarray(-TAG_BYTES))
        return Buffer.concat([decipher.update(bytes.subarray(0, -TAG_BYTES)), decipher.final()]).toString('utf8')
      } catch {
        throw new SealError('broken_seal', `the seal of signing key ${name.kid} is broken`)
      }
    },
    isCurrent: (envelope) => envelope.split('.')[1] === current.id,
  }
}
