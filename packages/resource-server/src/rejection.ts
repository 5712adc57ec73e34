// Owns why a request was refused: rich for the API's own log. Never reaches the wire as it is; respond.ts makes the poor answer.

/** The request or its credentials do not have the form they must have. */
export type MalformedReason =
  | 'requestMalformed'
  | 'authorizationRepeated'
  | 'authorizationMalformed'
  | 'tokenInSeveralPlaces'

/** The access token is not one that this API accepts now. */
export type TokenReason =
  | 'tokenMalformed'
  | 'tokenAlgorithmRefused'
  | 'tokenTypeRefused'
  | 'tokenKeyUnknown'
  | 'tokenSignatureInvalid'
  | 'tokenIssuerWrong'
  | 'tokenAudienceWrong'
  | 'tokenExpired'
  | 'tokenNotYetValid'
  | 'tokenClaimsMalformed'
  | 'tokenInactive'

/** The token is bound to a key or certificate that was not shown, or should be and is not (RFC 9449 §7, RFC 8705 §3). */
export type BindingReason =
  | 'boundTokenSentAsBearer'
  | 'unboundTokenSentWithProof'
  | 'senderConstraintMissing'
  | 'confirmationUnknown'
  | 'proofKeyWrong'
  | 'certificateMissing'
  | 'certificateWrong'

/** The DPoP proof is missing or wrong (RFC 9449 §4.3). */
export type ProofReason =
  | 'proofMissing'
  | 'proofRepeated'
  | 'proofMalformed'
  | 'proofAlgorithmRefused'
  | 'proofTypeRefused'
  | 'proofKeyMalformed'
  | 'proofSignatureInvalid'
  | 'proofClaimsMalformed'
  | 'proofMethodWrong'
  | 'proofTargetWrong'
  | 'proofTimeWrong'
  | 'proofTokenWrong'
  | 'proofReplayed'

/** Something that the decision needs cannot be had now. */
export type UnavailableReason =
  | 'issuerUnreachable'
  | 'issuerAnswerMalformed'
  | 'introspectionRefused'
  | 'replayStoreFull'
  | 'dependencyFailed'

/** Why a request was refused. */
export type Rejection =
  | { readonly reason: 'credentialsMissing' | 'tokenInQuery' }
  | { readonly reason: MalformedReason }
  | { readonly reason: TokenReason }
  | { readonly reason: BindingReason }
  | { readonly reason: ProofReason }
  | { readonly reason: 'nonceMissing' | 'nonceStale' }
  | { readonly reason: 'authenticationTooWeak' | 'authenticationTooOld' }
  | { readonly reason: 'scopeInsufficient'; readonly missing: readonly string[] }
  | { readonly reason: 'forbiddenByApplication' }
  | { readonly reason: UnavailableReason; readonly cause?: unknown }
