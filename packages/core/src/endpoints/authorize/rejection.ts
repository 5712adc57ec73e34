// Owns every reason to refuse an authorization request, and the one map from reasons to what may be told. Never shows input.

import type { ClaimsRejection } from '../../claims/index.ts'
import { FLOW_REFUSAL_ERRORS, type FlowRefusal } from '../../interaction/index.ts'
import type { PkceRejection } from '../../pkce/index.ts'
import type { TargetRejection } from '../../resource/index.ts'
import type { ScopeRejection } from '../../scope/index.ts'
import type { AuthorizationError } from '../../spec/index.ts'
import type { FormRejection, PageProblem } from '../../wire/index.ts'
import type { RequestObjectRejection } from './request-object.ts'

/** What a client is told. */
export interface WireError {
  readonly error: AuthorizationError
  readonly description: string
}

/** Reasons that are told on a page of our own: the client or its redirect URI is not known for sure (RFC 6749 §4.1.2.1). */
export type PageRejection =
  | FormRejection
  | { readonly reason: 'clientIdMissing' | 'clientUnknown' | 'redirectUriMissing' | 'redirectUriUnregistered' }
  | { readonly reason: 'methodNotAllowed' }
  /** The pushed request is unknown here, another client's, or was answered. */
  | { readonly reason: 'pushedRequestUnknown' | 'pushedRequestSpent' }
  /** The request cannot be read, and says nowhere else where its client is. */
  | { readonly reason: 'requestUnreadable'; readonly cause: AuthorizationRejection }

/** Reasons that are told to the client at its verified redirect URI. */
export type AuthorizationRejection =
  | ScopeRejection
  | PkceRejection
  | ClaimsRejection
  | TargetRejection
  | RequestObjectRejection
  | { readonly reason: FlowRefusal }
  | { readonly reason: 'parameterRepeated'; readonly name: string }
  | { readonly reason: 'parameterTooLong'; readonly name: string }
  | { readonly reason: 'notSupported'; readonly name: UnsupportedParameter }
  | {
      readonly reason:
        | 'responseTypeMissing'
        | 'responseTypeUnsupported'
        | 'responseModeUnsupported'
        | 'grantTypeNotAllowed'
        | 'dpopJktMalformed'
        | 'promptMalformed'
        | 'promptNoneNotAlone'
        | 'maxAgeMalformed'
        | 'idTokenHintInvalid'
        | 'subjectsDiffer'
        | 'consentRequired'
        | 'accessDenied'
        | 'personDisabled'
        | 'stateChanged'
        | 'pushedRequestExpired'
        | 'pushRequired'
        | 'requestUnsigned'
        | 'requestBroughtTwice'
        | 'requestUriUnregistered'
        | 'requestUriUnreadable'
    }

/** Parameters of specifications that are not built. */
export type UnsupportedParameter = 'request' | 'request_uri' | 'registration' | 'authorization_details'

/** How each is refused by name: ignoring it would mean something else than was asked. */
export const UNSUPPORTED: Readonly<Record<UnsupportedParameter, AuthorizationError>> = {
  request: 'request_not_supported',
  request_uri: 'request_uri_not_supported',
  registration: 'registration_not_supported',
  authorization_details: 'invalid_authorization_details',
}

const invalid = (description: string): WireError => ({ error: 'invalid_request', description })
const badObject = (fault: string): WireError => ({
  error: 'invalid_request_object',
  description: `the request object ${fault}`,
})

const keysNotHad: WireError = badObject('is signed by a key that cannot be had from the jwks_uri of the client')

type SimpleReason = Exclude<
  AuthorizationRejection['reason'],
  FlowRefusal | 'parameterRepeated' | 'parameterTooLong' | 'notSupported' | 'scopeNotAllowed'
>

const target = (description: string): WireError => ({ error: 'invalid_target', description })

const SIMPLE: Readonly<Record<SimpleReason, WireError>> = {
  scopeMalformed: { error: 'invalid_scope', description: 'scope has characters that no scope may have' },
  scopeMissing: { error: 'invalid_scope', description: 'scope is missing; a sign-in asks for openid' },
  challengeMissing: invalid('code_challenge is required (PKCE with S256)'),
  challengeMalformed: invalid('code_challenge must be 43 characters of base64url'),
  challengeMethodUnsupported: invalid('code_challenge_method must be S256'),
  nonceMissing: invalid('nonce is required where code_challenge is not sent'),
  claimsMalformed: invalid('claims is not a claims request'),
  resourceMalformed: target('resource must be an absolute URI without a fragment'),
  resourceUnknown: target('a resource is unknown'),
  resourceNotGranted: target('no scope of a resource that is named is asked for'),
  resourcesIncompatible: target('one token cannot be for all of these'),
  responseTypeMissing: invalid('response_type is missing'),
  responseTypeUnsupported: { error: 'unsupported_response_type', description: 'the one response_type is code' },
  responseModeUnsupported: invalid('response_mode must be query or form_post'),
  grantTypeNotAllowed: { error: 'unauthorized_client', description: 'this client may not use the code flow' },
  dpopJktMalformed: invalid('dpop_jkt must be a SHA-256 thumbprint, 43 characters of base64url'),
  promptMalformed: invalid('prompt has an unknown value'),
  promptNoneNotAlone: invalid('prompt=none goes with no other value'),
  maxAgeMalformed: invalid('max_age must be a whole number of seconds'),
  idTokenHintInvalid: invalid('id_token_hint is no ID token of this server'),
  subjectsDiffer: invalid('id_token_hint and claims name more than one person'),
  consentRequired: { error: 'consent_required', description: 'the person must be asked' },
  accessDenied: { error: 'access_denied', description: 'the person refused' },
  personDisabled: { error: 'access_denied', description: 'this account may not sign in' },
  pushedRequestExpired: { error: 'invalid_request_uri', description: 'the pushed request has expired; push it again' },
  pushRequired: invalid('this client must push its requests (RFC 9126)'),
  requestUnsigned: invalid('this client must send its requests as signed objects (RFC 9101)'),
  requestBroughtTwice: invalid('request and request_uri exclude one another'),
  requestUriUnregistered: {
    error: 'invalid_request_uri',
    description: 'request_uri is not registered for this client',
  },
  requestUriUnreadable: { error: 'invalid_request_uri', description: 'request_uri could not be read' },
  jwtMalformed: badObject('is no signed JWT'),
  jwtAlgorithmRefused: badObject('is signed by an algorithm that is not accepted from this client'),
  jwtTypeRefused: badObject('is another type of JWT'),
  jwtKeyUnknown: badObject('is signed by no key of this client'),
  clientKeysUnreachable: keysNotHad,
  clientKeysForbidden: keysNotHad,
  clientKeysMalformed: keysNotHad,
  jwtSignatureInvalid: badObject('has a signature that does not hold'),
  objectIssuerWrong: badObject('must have the client_id as iss'),
  objectAudienceWrong: badObject('must have the issuer of this server as aud'),
  objectHasSubject: badObject('must not have sub'),
  objectClientWrong: badObject('must have the client_id that stands beside it'),
  objectNested: badObject('must not hold request or request_uri'),
  objectExpired: badObject('has expired'),
  objectNotYetValid: badObject('is not valid yet'),
  objectLifetimeMissing: badObject('must have nbf and exp'),
  objectLifetimeTooLong: badObject('must not be valid for more than an hour'),
  objectResponseTypeDiffers: badObject('has another response_type than stands beside it'),
  objectParameterMalformed: badObject('holds a parameter of the wrong form'),
  stateChanged: { error: 'temporarily_unavailable', description: 'something changed meanwhile; start again' },
}

const FLOW_DESCRIPTIONS: Readonly<Record<FlowRefusal, string>> = {
  loginRequired: 'the person must sign in',
  accountSelectionRequired: 'the person must choose an account',
  otherPersonSignedIn: 'another person signed in than the one asked for',
  acrUnreachable: 'the authentication asked for cannot be had here',
}

const isFlowRefusal = (reason: AuthorizationRejection['reason']): reason is FlowRefusal =>
  Object.hasOwn(FLOW_DESCRIPTIONS, reason)

/** What a client is told for a reason (RFC 6749 §4.1.2.1). */
export const toWireError = (rejection: AuthorizationRejection): WireError => {
  switch (rejection.reason) {
    case 'parameterRepeated':
      return invalid(`${rejection.name} is repeated`)
    case 'parameterTooLong':
      return invalid(`${rejection.name} is too long`)
    case 'notSupported':
      return { error: UNSUPPORTED[rejection.name], description: `${rejection.name} is not supported` }
    case 'scopeNotAllowed':
      return { error: 'invalid_scope', description: 'a scope was asked for that this client is not registered for' }
    default:
      return isFlowRefusal(rejection.reason)
        ? { error: FLOW_REFUSAL_ERRORS[rejection.reason], description: FLOW_DESCRIPTIONS[rejection.reason] }
        : SIMPLE[rejection.reason]
  }
}

/** What the person is told on our own page. */
export interface PageWords {
  readonly status: number
  readonly problem: PageProblem
  readonly detail: string
}

const badRequest = (detail: string): PageWords => ({ status: 400, problem: 'invalidRequest', detail })

const PAGES: Readonly<Record<Exclude<PageRejection['reason'], 'requestUnreadable'>, PageWords>> = {
  formTooLarge: { status: 413, problem: 'invalidRequest', detail: 'the request is too large' },
  tooManyFields: badRequest('the request has too many parameters'),
  formIllEncoded: badRequest('the request is not valid form encoding'),
  notAForm: { status: 415, problem: 'invalidRequest', detail: 'the request body must be a form' },
  clientIdMissing: badRequest('client_id is missing or repeated'),
  clientUnknown: { status: 400, problem: 'unknownClient', detail: 'client_id names no client that may be used' },
  redirectUriMissing: badRequest('redirect_uri is missing or repeated'),
  redirectUriUnregistered: {
    status: 400,
    problem: 'unregisteredRedirectUri',
    detail: 'redirect_uri is not registered for this client; it must be equal to the character',
  },
  pushedRequestUnknown: badRequest('invalid_request_uri: no such request was pushed by this client'),
  pushedRequestSpent: {
    status: 409,
    problem: 'interactionFinished',
    detail: 'invalid_request_uri: this request was answered',
  },
  methodNotAllowed: { status: 405, problem: 'methodNotAllowed', detail: 'use GET or POST' },
}

/** What the person is told for a reason that no redirect may carry. */
export const toPageWords = (rejection: PageRejection): PageWords => {
  if (rejection.reason !== 'requestUnreadable') return PAGES[rejection.reason]
  const { error, description } = toWireError(rejection.cause)
  return badRequest(`${error}: ${description}`)
}
