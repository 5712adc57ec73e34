// Owns every reason to refuse a token request, and the one map from reasons to what a client is told. Never shows input, and says the
// same for every way in which a code is not honoured, so that an attacker learns nothing from the wording.

import type { Instant } from '../base/index.ts'
import type { ClientAuthRejection, CredentialsRejection } from '../client-auth/index.ts'
import type { ProofRejection } from '../dpop/index.ts'
import type { TargetRejection } from '../resource/index.ts'
import type { TokenError } from '../spec/index.ts'
import type { StandingRejection } from '../standing/index.ts'
import type { FormRejection } from '../wire/index.ts'

type ParameterName =
  | 'grant_type'
  | 'code'
  | 'refresh_token'
  | 'token'
  | 'device_code'
  | 'subject_token'
  | 'subject_token_type'
  | 'actor_token'
  | 'actor_token_type'
  | 'assertion'

/** Why a token request was refused. */
export type TokenRejection =
  | FormRejection
  | CredentialsRejection
  | ClientAuthRejection
  | { readonly reason: 'parameterRepeated' }
  | StandingRejection
  | ProofRejection
  | TargetRejection
  | { readonly reason: 'parameterMissing'; readonly name: ParameterName }
  /** What the token that was presented hangs on, or it itself, does not count any more. */
  | { readonly reason: 'subjectTokenDead'; readonly because: StandingRejection['reason'] }
  | {
      readonly reason:
        | 'tokenTypeUnsupported'
        | 'tokenTypeUnavailable'
        | 'tokenUseUnsupported'
        | 'subjectTokenUnknown'
        | 'subjectTokenOfAClient'
        | 'subjectTokenBound'
        | 'subjectTokenOfAnotherApi'
        | 'actorTokenRefused'
        | 'actorsTooMany'
    }
  | {
      readonly reason:
        | 'grantTypeUnsupported'
        | 'grantTypeNotAllowed'
        | 'scopeMalformed'
        | 'scopeMissing'
        | 'scopeExceeded'
        | 'clientIsPublic'
        | 'callerIsPublic'
    }
  | {
      readonly reason:
        | 'codeUnknown'
        | 'codeOfAnotherClient'
        | 'codeExpired'
        | 'codeReplayed'
        | 'codeKeyWrong'
        | 'refreshUnknown'
        | 'refreshOfAnotherClient'
        | 'refreshExpired'
        | 'refreshReplayed'
        | 'deviceCodeUnknown'
        | 'deviceCodeExpired'
        | 'deviceCodeReplayed'
        | 'devicePending'
        | 'deviceTooFast'
        | 'deviceDenied'
        | 'redirectUriMismatch'
        | 'verifierMissing'
        | 'verifierUnexpected'
        | 'verifierWrong'
        | 'scopesTaken'
        | 'proofReplayed'
        | 'dpopNeeded'
        | 'dpopReplayed'
        | 'dpopKeysDiffer'
        | 'dpopBesideCertificate'
        | 'certificateNeeded'
        | 'stateChanged'
    }

/** What a client is told. */
export interface WireTokenError {
  readonly status: number
  readonly error: TokenError
  readonly description: string
  /** When a throttled client may try again. */
  readonly until: Instant | undefined
}

const told = (status: number, error: TokenError, description: string): WireTokenError => ({
  status,
  error,
  description,
  until: undefined,
})

const invalid = (description: string): WireTokenError => told(400, 'invalid_request', description)
const unauthenticated: WireTokenError = told(401, 'invalid_client', 'client authentication failed')
// Not a 503: what fails is the client's own, and 5xx for it would be the operator's alarm for a fault that anybody may register.
const keysNotHad: WireTokenError = told(401, 'invalid_client', 'the keys of the client cannot be had from its jwks_uri')
const notHonoured: WireTokenError = told(400, 'invalid_grant', 'the code is not valid for this request')
const refreshNotHonoured: WireTokenError = told(400, 'invalid_grant', 'the refresh token is not valid for this request')
const deviceNotHonoured: WireTokenError = told(400, 'invalid_grant', 'the device code is not valid for this request')
// One answer for a token that never was, was for another API, or has ended (RFC 8693 §2.2.2).
const exchangeNotHonoured: WireTokenError = told(400, 'invalid_grant', 'the token is not valid for this request')
const ended: WireTokenError = told(400, 'invalid_grant', 'the grant is no longer valid')

const invalidProof = (description: string): WireTokenError => told(400, 'invalid_dpop_proof', description)
const wantsNonce: WireTokenError = told(400, 'use_dpop_nonce', 'use the nonce of the header DPoP-Nonce')

type SimpleReason = Exclude<TokenRejection['reason'], 'clientThrottled' | 'parameterMissing'>

const SIMPLE: Readonly<Record<SimpleReason, WireTokenError>> = {
  formTooLarge: told(413, 'invalid_request', 'the request is too large'),
  tooManyFields: invalid('the request has too many parameters'),
  formIllEncoded: invalid('the request is not valid form encoding'),
  notAForm: told(415, 'invalid_request', 'the request body must be application/x-www-form-urlencoded'),
  parameterRepeated: invalid('a parameter is repeated'),
  grantTypeUnsupported: told(400, 'unsupported_grant_type', 'this grant type is not supported'),
  grantTypeNotAllowed: told(400, 'unauthorized_client', 'this client may not use this grant type'),
  scopeMalformed: told(400, 'invalid_scope', 'scope is malformed'),
  scopeMissing: told(400, 'invalid_scope', 'this client may have none of the scopes'),
  scopeExceeded: told(400, 'invalid_scope', 'the scope goes beyond what was granted'),
  clientIsPublic: told(400, 'unauthorized_client', 'this grant type is for clients that authenticate'),
  callerIsPublic: unauthenticated,
  resourceMalformed: told(400, 'invalid_target', 'resource must be an absolute URI without a fragment'),
  resourceUnknown: told(400, 'invalid_target', 'a resource is unknown'),
  resourceNotGranted: told(400, 'invalid_target', 'nothing was granted for this resource'),
  resourcesIncompatible: told(400, 'invalid_target', 'one token cannot be for all of these: name one resource'),
  credentialsMissing: unauthenticated,
  credentialsMalformed: unauthenticated,
  credentialsInSeveralPlaces: invalid('use one way of client authentication'),
  clientIdsDiffer: unauthenticated,
  assertionTypeUnsupported: unauthenticated,
  clientUnknown: unauthenticated,
  clientDisabled: unauthenticated,
  clientSecretWrong: unauthenticated,
  clientAuthMethodWrong: unauthenticated,
  assertionIssuerWrong: unauthenticated,
  assertionAudienceWrong: unauthenticated,
  assertionExpiryMissing: unauthenticated,
  assertionExpired: unauthenticated,
  assertionExpiresTooLate: unauthenticated,
  assertionNotYetValid: unauthenticated,
  assertionIdMissing: unauthenticated,
  certificateMissing: unauthenticated,
  certificateUnverified: unauthenticated,
  certificateOfAnother: unauthenticated,
  jwtMalformed: unauthenticated,
  jwtAlgorithmRefused: unauthenticated,
  jwtTypeRefused: unauthenticated,
  jwtKeyUnknown: unauthenticated,
  jwtSignatureInvalid: unauthenticated,
  proofReplayed: unauthenticated,
  clientKeysUnreachable: keysNotHad,
  clientKeysForbidden: keysNotHad,
  clientKeysMalformed: keysNotHad,
  dpopRepeated: invalidProof('there is more than one DPoP header'),
  dpopMalformed: invalidProof('the DPoP proof is no JWT that can be read'),
  dpopTypeWrong: invalidProof('the DPoP proof has another type than dpop+jwt'),
  dpopAlgorithmRefused: invalidProof('the algorithm of the DPoP proof is not accepted'),
  dpopKeyRefused: invalidProof('the DPoP proof shows no public key that is accepted'),
  dpopSignatureInvalid: invalidProof('the signature of the DPoP proof is wrong'),
  dpopClaimMissing: invalidProof('the DPoP proof lacks jti, htm, htu or iat'),
  dpopMethodWrong: invalidProof('the DPoP proof is for another method'),
  dpopUrlWrong: invalidProof('the DPoP proof is for another address'),
  dpopTimeWrong: invalidProof('the DPoP proof is too old or too young'),
  dpopTokenWrong: invalidProof('the DPoP proof is for another token'),
  dpopNeeded: invalidProof('this client must send a DPoP proof'),
  dpopReplayed: invalidProof('the DPoP proof was used before'),
  dpopKeysDiffer: invalidProof('the DPoP proof has another key than dpop_jkt names'),
  dpopBesideCertificate: invalidProof('tokens of this client are bound to its certificate'),
  dpopNonceMissing: wantsNonce,
  dpopNonceStale: wantsNonce,
  certificateNeeded: invalid('this client must show its certificate'),
  codeKeyWrong: notHonoured,
  codeUnknown: notHonoured,
  codeOfAnotherClient: notHonoured,
  codeExpired: notHonoured,
  codeReplayed: notHonoured,
  redirectUriMismatch: notHonoured,
  verifierMissing: notHonoured,
  verifierUnexpected: notHonoured,
  verifierWrong: notHonoured,
  refreshUnknown: refreshNotHonoured,
  refreshOfAnotherClient: refreshNotHonoured,
  refreshExpired: refreshNotHonoured,
  refreshReplayed: refreshNotHonoured,
  deviceCodeUnknown: deviceNotHonoured,
  deviceCodeReplayed: deviceNotHonoured,
  deviceCodeExpired: told(400, 'expired_token', 'the device code has expired'),
  devicePending: told(400, 'authorization_pending', 'the person has not decided yet'),
  deviceTooFast: told(400, 'slow_down', 'wait five seconds longer between two requests'),
  deviceDenied: told(400, 'access_denied', 'the person refused'),
  tokenTypeUnsupported: invalid('a token type is not supported: name access_token or jwt'),
  tokenTypeUnavailable: invalid('tokens for this resource are no JWTs'),
  tokenUseUnsupported: invalid('only assertions with requested_token_use=on_behalf_of are supported'),
  subjectTokenDead: exchangeNotHonoured,
  subjectTokenUnknown: exchangeNotHonoured,
  subjectTokenOfAClient: exchangeNotHonoured,
  subjectTokenBound: exchangeNotHonoured,
  subjectTokenOfAnotherApi: exchangeNotHonoured,
  actorTokenRefused: exchangeNotHonoured,
  actorsTooMany: invalid('too many clients act for one another already'),
  tokenExpired: ended,
  tokenRevoked: ended,
  grantRevoked: ended,
  clientGone: ended,
  scopesTaken: ended,
  personDisabled: ended,
  sessionEnded: ended,
  stateChanged: told(503, 'temporarily_unavailable', 'something changed meanwhile; try again'),
}

/** What a client is told for a reason (RFC 6749 §5.2). */
export const toWireTokenError = (rejection: TokenRejection): WireTokenError => {
  switch (rejection.reason) {
    case 'clientThrottled':
      return { ...told(429, 'temporarily_unavailable', 'too many failed attempts'), until: rejection.until }
    case 'parameterMissing':
      return invalid(`${rejection.name} is missing`)
    default:
      return SIMPLE[rejection.reason]
  }
}
