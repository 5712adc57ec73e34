// Owns whether whoever sent a token is the one it is bound to: by the key of a DPoP proof, by the certificate of the connection, by both,
// or by nothing (RFC 9449 §7, RFC 8705 §3). Never takes less than what the token says.

import type { Scheme } from './credentials.ts'
import { digestOf } from './encoding.ts'
import { member } from './json.ts'
import type { BindingReason } from './rejection.ts'
import type { Settings } from './settings.ts'
import type { VerifiedToken } from './token.ts'

/** What the sender showed. */
export interface Shown {
  readonly scheme: Scheme
  /** The thumbprint of the proof's key; there is one exactly when the scheme is DPoP. */
  readonly jkt: string | undefined
  /** The client's certificate in DER. */
  readonly certificate: Uint8Array | undefined
}

const judgeKey = (token: VerifiedToken, shown: Shown): BindingReason | undefined => {
  const { jkt } = token.confirmation
  if (jkt === undefined) return shown.scheme === 'DPoP' ? 'unboundTokenSentWithProof' : undefined
  // Whoever stole a bound token would rather send it as Bearer (RFC 9449 §7.2).
  if (shown.scheme !== 'DPoP') return 'boundTokenSentAsBearer'
  return shown.jkt === jkt ? undefined : 'proofKeyWrong'
}

const judgeCertificate = async (token: VerifiedToken, shown: Shown): Promise<BindingReason | undefined> => {
  const { x5tS256 } = token.confirmation
  if (x5tS256 === undefined) return undefined
  if (shown.certificate === undefined) return 'certificateMissing'
  const thumbprint = await digestOf(Uint8Array.from(shown.certificate))
  return thumbprint === x5tS256 ? undefined : 'certificateWrong'
}

const isBoundEnough = (token: VerifiedToken, demanded: Settings['senderConstraint']): boolean => {
  const byKey = token.confirmation.jkt !== undefined
  const byCertificate = token.confirmation.x5tS256 !== undefined
  switch (demanded) {
    case 'optional':
      return true
    case 'dpop':
      return byKey
    case 'mtls':
      return byCertificate
    case 'either':
      return byKey || byCertificate
  }
}

// An issuer that calls a token DPoP and names no key has lost its binding on the way.
const lostItsKey = (token: VerifiedToken): boolean => {
  const type = member(token.claims, 'token_type')
  return token.confirmation.jkt === undefined && typeof type === 'string' && type.toLowerCase() === 'dpop'
}

/** Why a token may not be used by who sent it; undefined when it may. */
export const judgeBinding = async (
  token: VerifiedToken,
  shown: Shown,
  demanded: Settings['senderConstraint'],
): Promise<BindingReason | undefined> => {
  if (lostItsKey(token)) return 'confirmationUnknown'
  const fault = judgeKey(token, shown) ?? (await judgeCertificate(token, shown))
  if (fault !== undefined) return fault
  return isBoundEnough(token, demanded) ? undefined : 'senderConstraintMissing'
}
