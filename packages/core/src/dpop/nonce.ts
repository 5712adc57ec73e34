// Owns the nonces that proofs must carry where the provider asks for them: made from a secret that all nodes share and the time, so that
// nothing is stored and every node knows those of every other. Never draws a secret, and never binds a nonce to a client.

import { base64url, equalInConstantTime, type Instant, instant, utf8 } from '../base/index.ts'
import type { Context } from '../context/index.ts'

// A nonce is given out for one slot and accepted in the next too, so that it holds for one to two of them: what a stolen machine can
// prepare for later is good for no longer (RFC 9449 §11.2).
const SLOT = 60

// 128 bits: as good as unguessable, and short in a header.
const NONCE_BYTES = 16

type NonceContext = Pick<Context, 'ports' | 'issuer' | 'features'>

const slotOf = (now: Instant): number => Math.floor(now / SLOT)

const nonceOf = async (context: NonceContext, key: Uint8Array, slot: number): Promise<string> => {
  const data = utf8(`dpop-nonce\n${context.issuer}\n${slot}`)
  return base64url((await context.ports.hasher.hmacSha256(key, data)).slice(0, NONCE_BYTES))
}

/** The nonce to give out now; undefined where the provider asks for none (RFC 9449 §8). */
export const currentNonce = async (context: NonceContext, now: Instant): Promise<string | undefined> => {
  const key = context.features.dpop?.nonceSecrets[0]
  return key === undefined ? undefined : nonceOf(context, key, slotOf(now))
}

/**
 * Until when a nonce holds; undefined for one that is not or no longer accepted. The slot to come is accepted as well: another node's
 * clock may be ahead by a moment.
 */
export const nonceHoldsUntil = async (
  context: NonceContext,
  nonce: string,
  now: Instant,
): Promise<Instant | undefined> => {
  let until: Instant | undefined
  for (const key of context.features.dpop?.nonceSecrets ?? []) {
    for (const slot of [-1, 0, 1].map((step) => slotOf(now) + step)) {
      if (equalInConstantTime(await nonceOf(context, key, slot), nonce)) until = instant((slot + 2) * SLOT)
    }
  }
  return until
}
