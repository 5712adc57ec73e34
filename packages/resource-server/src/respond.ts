// Owns the answer to a refused request: status, challenge and body, by one exhaustive map from reason to error. Never tells a client why a
// token is bad: expired, revoked, unknown and forged look alike.

import type { Scheme } from './credentials.ts'
import type { Rejection } from './rejection.ts'
import type { ParsedRequirement } from './requirement.ts'

/** A refused request: the answer to send as it stands, and the reason for one's own log. */
export interface Refusal {
  readonly ok: false
  readonly status: 400 | 401 | 403 | 503
  readonly headers: Readonly<Record<string, string>>
  /** JSON, or empty. */
  readonly body: string
  readonly reason: Rejection['reason']
  /** All of it; a `cause` may hold what a dependency threw. */
  readonly rejection: Rejection
}

/** What a challenge says beside the error. */
export interface ChallengeContext {
  readonly schemes: readonly Scheme[]
  /** The scheme of the request, which gets the error; undefined when it presented no token. */
  readonly scheme: Scheme | undefined
  readonly proofAlgorithms: readonly string[]
  readonly metadataUrl: string
  readonly requirement: ParsedRequirement
  readonly nonce: string | undefined
}

/** An error as the wire knows it; `error` is undefined where a challenge carries none (RFC 6750 §3.1). */
interface WireError {
  readonly status: Refusal['status']
  readonly error?: string
  readonly description?: string
}

const BAD_TOKEN: WireError = {
  status: 401,
  error: 'invalid_token',
  description: 'the access token is expired, revoked, unknown or not for this resource',
}
const BAD_PROOF: WireError = { status: 401, error: 'invalid_dpop_proof', description: 'the DPoP proof does not fit' }
const WRONG_SENDER: WireError = {
  status: 401,
  error: 'invalid_token',
  description: 'the access token is not bound as it must be to whoever sent it',
}
const BAD_NONCE: WireError = { status: 401, error: 'use_dpop_nonce', description: 'the DPoP proof needs a nonce' }
const BAD_SIGN_IN: WireError = {
  status: 401,
  error: 'insufficient_user_authentication',
  description: 'a stronger or more recent sign-in is needed',
}
const UNAVAILABLE: WireError = {
  status: 503,
  error: 'temporarily_unavailable',
  description: 'the access token cannot be checked right now',
}
const malformed = (description: string): WireError => ({ status: 400, error: 'invalid_request', description })

const WIRE_ERRORS: Readonly<Record<Rejection['reason'], WireError>> = {
  credentialsMissing: { status: 401 },
  tokenInQuery: { status: 401 },
  requestMalformed: malformed('the request is malformed'),
  authorizationRepeated: malformed('send one Authorization header'),
  authorizationMalformed: malformed('the Authorization header is malformed'),
  tokenInSeveralPlaces: malformed('send the token in one place'),
  tokenMalformed: BAD_TOKEN,
  tokenAlgorithmRefused: BAD_TOKEN,
  tokenTypeRefused: BAD_TOKEN,
  tokenKeyUnknown: BAD_TOKEN,
  tokenSignatureInvalid: BAD_TOKEN,
  tokenIssuerWrong: BAD_TOKEN,
  tokenAudienceWrong: BAD_TOKEN,
  tokenExpired: BAD_TOKEN,
  tokenNotYetValid: BAD_TOKEN,
  tokenClaimsMalformed: BAD_TOKEN,
  tokenInactive: BAD_TOKEN,
  boundTokenSentAsBearer: WRONG_SENDER,
  unboundTokenSentWithProof: WRONG_SENDER,
  senderConstraintMissing: WRONG_SENDER,
  confirmationUnknown: WRONG_SENDER,
  proofKeyWrong: WRONG_SENDER,
  certificateMissing: WRONG_SENDER,
  certificateWrong: WRONG_SENDER,
  proofMissing: BAD_PROOF,
  proofRepeated: BAD_PROOF,
  proofMalformed: BAD_PROOF,
  proofAlgorithmRefused: BAD_PROOF,
  proofTypeRefused: BAD_PROOF,
  proofKeyMalformed: BAD_PROOF,
  proofSignatureInvalid: BAD_PROOF,
  proofClaimsMalformed: BAD_PROOF,
  proofMethodWrong: BAD_PROOF,
  proofTargetWrong: BAD_PROOF,
  proofTimeWrong: BAD_PROOF,
  proofTokenWrong: BAD_PROOF,
  proofReplayed: BAD_PROOF,
  nonceMissing: BAD_NONCE,
  nonceStale: BAD_NONCE,
  authenticationTooWeak: BAD_SIGN_IN,
  authenticationTooOld: BAD_SIGN_IN,
  scopeInsufficient: { status: 403, error: 'insufficient_scope', description: 'the access token lacks a scope' },
  forbiddenByApplication: { status: 403 },
  issuerUnreachable: UNAVAILABLE,
  issuerAnswerMalformed: UNAVAILABLE,
  introspectionRefused: UNAVAILABLE,
  replayStoreFull: UNAVAILABLE,
  dependencyFailed: UNAVAILABLE,
}

const RETRY_AFTER = '5'

const parametersOf = (wire: WireError, rejection: Rejection, requirement: ParsedRequirement): readonly string[] => {
  const tooWeak = rejection.reason === 'authenticationTooWeak' || rejection.reason === 'authenticationTooOld'
  const namesScope = wire.status !== 400 && wire.error !== 'invalid_dpop_proof' && wire.error !== 'use_dpop_nonce'
  const { scope, acr, maxAge } = requirement
  return [
    ...(wire.error === undefined ? [] : [`error="${wire.error}"`, `error_description="${wire.description}"`]),
    ...(namesScope && scope.length > 0 ? [`scope="${scope.join(' ')}"`] : []),
    ...(tooWeak && acr.length > 0 ? [`acr_values="${acr.join(' ')}"`] : []),
    ...(tooWeak && maxAge !== undefined ? [`max_age="${maxAge}"`] : []),
  ]
}

/** One challenge per scheme, that of the request first; it alone carries the error (RFC 9110 §11.6.1, RFC 9449 §7.1). */
const challengeOf = (wire: WireError, rejection: Rejection, context: ChallengeContext): string => {
  const { scheme, schemes, requirement } = context
  const own = schemes.find((one) => one === scheme) ?? schemes[0]
  // A client that already uses DPoP is not invited to do without.
  const offered = scheme === 'DPoP' ? [scheme] : [...schemes].sort((a, b) => Number(b === own) - Number(a === own))
  const parameters = parametersOf(wire, rejection, requirement)
  const common = parametersOf({ status: 401 }, { reason: 'credentialsMissing' }, requirement)
  return offered
    .map((one) =>
      [
        ...(one === own ? parameters : common),
        ...(one === 'DPoP' ? [`algs="${context.proofAlgorithms.join(' ')}"`] : []),
        `resource_metadata="${context.metadataUrl}"`,
      ].join(', '),
    )
    .map((text, index) => `${offered[index]} ${text}`)
    .join(', ')
}

/** Makes the answer to a refused request. */
export const respondRefused = (rejection: Rejection, context: ChallengeContext): Refusal => {
  const wire = WIRE_ERRORS[rejection.reason]
  const { status, error, description } = wire
  const body = error === undefined ? '' : JSON.stringify({ error, error_description: description })
  const headers = {
    'Cache-Control': 'no-store',
    ...(body === '' ? {} : { 'Content-Type': 'application/json' }),
    ...(status === 503
      ? { 'Retry-After': RETRY_AFTER }
      : { 'WWW-Authenticate': challengeOf(wire, rejection, context) }),
    ...(context.nonce === undefined ? {} : { 'DPoP-Nonce': context.nonce }),
  }
  return { ok: false, status, headers, body, reason: rejection.reason, rejection }
}

/**
 * The application's own "no" to a good token: 403 with the application's own body and no challenge, since no other token of this person
 * would do (RFC 6750 §3.1 keeps `insufficient_scope` for what a token can mend). The body is written as JSON.
 */
export const forbid = (body: unknown = { error: 'forbidden' }): Refusal => ({
  ok: false,
  status: 403,
  headers: { 'Cache-Control': 'no-store', 'Content-Type': 'application/json' },
  body: JSON.stringify(body) ?? '',
  reason: 'forbiddenByApplication',
  rejection: { reason: 'forbiddenByApplication' },
})
