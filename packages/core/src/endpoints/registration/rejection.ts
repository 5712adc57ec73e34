// Owns every reason to refuse at the registration endpoint, and the one map from reasons to what may be told. Never shows input.

import { exhaustive, type Instant } from '../../base/index.ts'
import { type ClientRejection, describeClientRejection } from '../../client/registration-rejection.ts'
import type { RegistrationError } from '../../spec/index.ts'

/** Why a request at the registration endpoint is refused. */
export type RegistrationRejection =
  | { readonly reason: 'bodyNotJson' | 'bodyNotObject' | 'bodyTooWide' }
  | { readonly reason: 'tokenMissing' }
  | { readonly reason: 'headerMalformed' }
  /** Unknown, expired and spent initial access tokens, wrong registration tokens and clients that are not there: nobody is told which. */
  | {
      readonly reason:
        | 'tokenUnknown'
        | 'tokenExpired'
        | 'tokenSpent'
        | 'tokenWrong'
        | 'clientUnknown'
        | 'clientDisabled'
    }
  | { readonly reason: 'throttled'; readonly until: Instant }
  | { readonly reason: 'metadataRejected'; readonly rejection: ClientRejection }
  | { readonly reason: 'clientIdDiffers' | 'secretDiffers' }
  | { readonly reason: 'memberNotAllowed'; readonly name: string }
  | { readonly reason: 'stateChanged' }

/** What is told; the challenge goes into `WWW-Authenticate` (RFC 6750 §3). */
export interface WireRegistrationError {
  readonly status: number
  readonly error: RegistrationError
  readonly description: string
  readonly challenge?: string
  readonly until?: Instant
}

const metadata = (description: string): WireRegistrationError => ({
  status: 400,
  error: 'invalid_client_metadata',
  description,
})

const ofMetadata = (rejection: ClientRejection): WireRegistrationError => {
  const told = metadata(describeClientRejection(rejection))
  if (rejection.field === 'redirect_uris') return { ...told, error: 'invalid_redirect_uri' }
  return rejection.field === 'software_statement' ? { ...told, error: 'unapproved_software_statement' } : told
}

const UNAUTHORIZED: WireRegistrationError = {
  status: 401,
  error: 'invalid_token',
  description: 'the token is not one that may be used here',
  challenge: 'Bearer error="invalid_token"',
}

/** What a client is told for a reason (RFC 7591 §3.2.2, RFC 7592 §2). */
export const toWireRegistrationError = (rejection: RegistrationRejection): WireRegistrationError => {
  switch (rejection.reason) {
    case 'bodyNotJson':
      return metadata('the body must be JSON, as application/json, not nested deeper than 20 levels')
    case 'bodyNotObject':
      return metadata('the body must be a JSON object')
    case 'bodyTooWide':
      return metadata('the body has too many members')
    case 'headerMalformed':
      return { ...metadata('the Authorization header is malformed'), error: 'invalid_request' }
    case 'tokenMissing':
      return { ...UNAUTHORIZED, description: 'a bearer token is needed', challenge: 'Bearer' }
    case 'tokenUnknown':
    case 'tokenExpired':
    case 'tokenSpent':
    case 'tokenWrong':
    case 'clientUnknown':
    case 'clientDisabled':
      return UNAUTHORIZED
    case 'throttled':
      return {
        status: 429,
        error: 'temporarily_unavailable',
        description: 'too many registrations from this network',
        until: rejection.until,
      }
    case 'metadataRejected':
      return ofMetadata(rejection.rejection)
    case 'clientIdDiffers':
      return metadata('client_id must be that of the client')
    case 'secretDiffers':
      return metadata('client_secret, where it is sent, must be that of the client')
    case 'memberNotAllowed':
      return metadata(`${rejection.name} must not be sent`)
    case 'stateChanged':
      return { status: 503, error: 'temporarily_unavailable', description: 'something changed meanwhile; try again' }
    default:
      return exhaustive(rejection)
  }
}
