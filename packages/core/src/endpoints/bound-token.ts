// Owns whether whoever presents an access token at an endpoint of ours is the one it was bound to (RFC 9449 §7, RFC 8705 §3). Never decides
// whether the token counts, and never reserves a proof: the endpoint does that last.

import { err, type Instant, ok, type Result, reveal, type Secret } from '../base/index.ts'
import { type Context, digestOf, urlsOf } from '../context/index.ts'
import { type ProofRejection, readProof } from '../dpop/index.ts'
import { DPOP_ALGS } from '../spec/index.ts'
import type { ReservationRecord, TokenBinding } from '../store/index.ts'
import type { WireRequest } from '../wire/index.ts'

/** Why a token is not honoured from whoever presents it. */
export type PresenterRejection =
  | ProofRejection
  | {
      readonly reason:
        | 'tokenBound'
        | 'tokenUnbound'
        | 'dpopMissing'
        | 'dpopKeyWrong'
        | 'dpopReplayed'
        | 'certificateWrong'
    }

/** A token as it was presented. */
export interface PresentedToken {
  readonly scheme: 'bearer' | 'dpop'
  readonly token: Secret
}

/** Judges the presenter of a token; answers the proof to reserve, where there is one. */
export const checkPresenter = async (
  context: Context,
  request: WireRequest,
  presented: PresentedToken,
  at: { readonly endpoint: string; readonly binding: TokenBinding | undefined; readonly now: Instant },
): Promise<Result<readonly ReservationRecord[], PresenterRejection>> => {
  const { binding } = at
  if (binding?.method !== 'jkt') {
    // What is bound to no key would gain the look of it.
    if (presented.scheme === 'dpop') return err({ reason: 'tokenUnbound' })
    if (binding === undefined) return ok([])
    const certificate = context.features.mtls === undefined ? undefined : request.clientCertificate
    return certificate?.thumbprint === binding.thumbprint ? ok([]) : err({ reason: 'certificateWrong' })
  }
  // A stolen token is sent as anybody would send one (RFC 9449 §7.2).
  if (presented.scheme !== 'dpop') return err({ reason: 'tokenBound' })
  const proof = await readProof(context, request, {
    urls: urlsOf(context, at.endpoint),
    tokenDigest: await digestOf(context, reveal(presented.token)),
    now: at.now,
  })
  if (!proof.ok) return proof
  if (proof.value === undefined) return err({ reason: 'dpopMissing' })
  return proof.value.jkt === binding.thumbprint ? ok([proof.value.reservation]) : err({ reason: 'dpopKeyWrong' })
}

/** A challenge for a key (RFC 9449 §7.1): the error, where there is one, and the algorithms. */
export const dpopChallenge = (error: string | undefined, description = ''): string =>
  `DPoP ${error === undefined ? '' : `error="${error}", error_description="${description}", `}algs="${DPOP_ALGS.join(' ')}"`
