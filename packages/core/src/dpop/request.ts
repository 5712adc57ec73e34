// Owns reading the DPoP header of a request, and the header that offers a nonce. Never picks one of several values.

import { err, type Instant, ok, type Result } from '../base/index.ts'
import type { Context } from '../context/index.ts'
import { headerCount, type ReplyHeaders, singleHeader, type WireRequest } from '../wire/index.ts'
import { currentNonce } from './nonce.ts'
import { type ProofExpectation, type ProofRejection, type VerifiedProof, verifyProof } from './proof.ts'

/** Verifies the proof of a request; undefined when there is none, or when the provider does not offer DPoP (RFC 9449 §4.3). */
export const readProof = async (
  context: Context,
  request: WireRequest,
  expected: Omit<ProofExpectation, 'method'>,
): Promise<Result<VerifiedProof | undefined, ProofRejection>> => {
  // Presence is the number of headers: an empty one before a real one must not pass for none.
  const count = headerCount(request, 'dpop')
  if (context.features.dpop === undefined || count === 0) return ok(undefined)
  const proof = singleHeader(request, 'dpop')
  if (proof === undefined) return err({ reason: 'dpopRepeated' })
  return verifyProof(context, proof, { ...expected, method: request.method })
}

/** The header with the nonce for the next proof; none where the provider asks for none (RFC 9449 §8.2). */
export const nonceHeader = async (context: Context, now: Instant): Promise<ReplyHeaders> => {
  const nonce = await currentNonce(context, now)
  return nonce === undefined ? new Map() : new Map([['DPoP-Nonce', nonce]])
}

/** Whether a refused proof only lacks a nonce that counts: the client is told to try again with the one that is sent along (RFC 9449 §8). */
export const wantsNonce = (rejection: { readonly reason: string }): boolean =>
  rejection.reason === 'dpopNonceMissing' || rejection.reason === 'dpopNonceStale'
