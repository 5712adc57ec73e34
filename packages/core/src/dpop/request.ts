// Owns reading the DPoP header of a request, and the header that offers a nonce. Never picks one of several values.

import { err, type Instant, ok, type Result } from '../base/index.ts'
import type { Context } from '../context/index.ts'
import { headerCount, type Reply, singleHeader, type WireRequest } from '../wire/index.ts'
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

/** An answer with the nonce for the next proof; as it is where the provider asks for none (RFC 9449 §8.2). */
export const withNonce = async (context: Context, reply: Reply, now: Instant): Promise<Reply> => {
  const nonce = await currentNonce(context, now)
  if (nonce === undefined || (reply.kind !== 'json' && reply.kind !== 'empty')) return reply
  return { ...reply, headers: new Map([...reply.headers, ['DPoP-Nonce', nonce]]) }
}
