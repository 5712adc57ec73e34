// Owns nonces of this API for DPoP proofs (RFC 9449 §9): computed from the time and a secret, so that every process of the API knows all of
// them and none is kept. They are this API's own: a nonce of the issuer's token endpoint is none of them.

import { toBase64url, utf8 } from './encoding.ts'

/** Nonces of one API. */
export interface Nonces {
  readonly current: (now: number) => Promise<string>
  /** `current` and the one before it are good. */
  readonly judge: (nonce: string | undefined, now: number) => Promise<'good' | 'missing' | 'stale'>
}

// A nonce is good for one to two of these: a pre-computed proof is not worth more (RFC 9449 §11.2).
const SPAN = 180

/** Makes nonces from a secret of at least 32 bytes. */
export const createNonces = (secret: Uint8Array<ArrayBuffer>): Nonces => {
  const imported = crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash: 'SHA-256' }, false, ['sign'])
  const of = async (span: number): Promise<string> => {
    const mac = await crypto.subtle.sign('HMAC', await imported, utf8(`vouchsafe resource server dpop nonce ${span}`))
    return toBase64url(new Uint8Array(mac))
  }
  const spanAt = (now: number): number => Math.floor(now / SPAN)
  return {
    current: (now) => of(spanAt(now)),
    judge: async (nonce, now) => {
      if (nonce === undefined || nonce === '') return 'missing'
      const good = [await of(spanAt(now)), await of(spanAt(now) - 1)]
      return good.includes(nonce) ? 'good' : 'stale'
    },
  }
}
