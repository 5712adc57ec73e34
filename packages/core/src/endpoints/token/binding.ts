// Owns what the tokens of one request are bound to: the key of its proof, or the certificate of its connection. Never stores anything.

import { err, type Instant, ok, type Result } from '../../base/index.ts'
import type { AuthenticatedClient } from '../../client-auth/index.ts'
import { type Context, urlsOf } from '../../context/index.ts'
import { readProof, type VerifiedProof } from '../../dpop/index.ts'
import type { TokenRejection } from '../../grant-types/index.ts'
import type { ClientRecord, TokenBinding } from '../../store/index.ts'
import type { ClientCertificate, WireRequest } from '../../wire/index.ts'

/** What a request proved besides who its client is. */
export interface ProvenKeys {
  readonly proof: VerifiedProof | undefined
  readonly certificate: ClientCertificate | undefined
}

/** Verifies the proof of a request at an endpoint; what it is worth depends on the client. */
export const readKeys = async (
  context: Context,
  request: WireRequest,
  at: { readonly endpoint: string; readonly now: Instant },
): Promise<Result<ProvenKeys, TokenRejection>> => {
  const proof = await readProof(context, request, {
    urls: urlsOf(context, at.endpoint),
    tokenDigest: undefined,
    now: at.now,
  })
  if (!proof.ok) return proof
  const certificate = context.features.mtls === undefined ? undefined : request.clientCertificate
  return ok({ proof: proof.value, certificate })
}

/** The key that this client's tokens are bound to; refused where it is registered for one and proved none (RFC 9449 §5.2, RFC 8705 §3.4). */
export const decideBinding = (
  client: Pick<ClientRecord, 'certificateBoundTokens' | 'dpopBoundTokens'>,
  { proof, certificate }: ProvenKeys,
): Result<TokenBinding | undefined, TokenRejection> => {
  if (client.certificateBoundTokens) {
    // A token has one binding; to drop either of the two in silence would promise the client more than it gets.
    if (proof !== undefined) return err({ reason: 'dpopBesideCertificate' })
    if (certificate === undefined) return err({ reason: 'certificateNeeded' })
    return ok({ method: 'x5t#S256', thumbprint: certificate.thumbprint })
  }
  if (proof !== undefined) return ok({ method: 'jkt', thumbprint: proof.jkt })
  return client.dpopBoundTokens ? err({ reason: 'dpopNeeded' }) : ok(undefined)
}

/** The transition knows only that a proof was used before; where the client itself brought none, it was the key's. */
export const whichReplayed = (
  ending: TokenRejection | 'stale',
  { proofs }: AuthenticatedClient,
  { proof }: ProvenKeys,
): TokenRejection | 'stale' =>
  ending !== 'stale' && ending.reason === 'proofReplayed' && proofs.length === 0 && proof !== undefined
    ? { reason: 'dpopReplayed' }
    : ending
