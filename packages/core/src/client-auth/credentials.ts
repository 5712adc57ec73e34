// Owns finding out how a client says who it is. Never decides whether that is true.

import {
  type ClientId,
  clientId,
  err,
  type MultiMap,
  ok,
  type Result,
  reveal,
  type Secret,
  secret,
  single,
} from '../base/index.ts'
import { JWT_BEARER_ASSERTION, LIMITS } from '../spec/index.ts'
import { decodeJws } from '../tokens/index.ts'
import { type ClientCertificate, parseAuthorizationHeader, type WireRequest } from '../wire/index.ts'

/** Credentials as presented, not yet checked. */
export type PresentedCredentials =
  /** Nothing but a name; for some clients the certificate of the connection says the rest. */
  | {
      readonly method: 'none'
      readonly clientId: ClientId
      readonly basic: boolean
      readonly certificate: ClientCertificate | undefined
    }
  | {
      readonly method: 'client_secret_basic' | 'client_secret_post'
      readonly clientId: ClientId
      readonly secret: Secret
    }
  | { readonly method: 'private_key_jwt'; readonly clientId: ClientId; readonly assertion: string }

/** Why the credentials of a request cannot even be looked at. */
export type CredentialsRejection = {
  readonly reason:
    | 'credentialsMissing'
    | 'credentialsMalformed'
    | 'credentialsInSeveralPlaces'
    | 'clientIdsDiffer'
    | 'assertionTypeUnsupported'
}

const fromAssertion = (
  form: MultiMap,
  bodyClientId: string | undefined,
): Result<PresentedCredentials, CredentialsRejection> => {
  const assertion = single(form, 'client_assertion')
  if (assertion === undefined) return err({ reason: 'credentialsMalformed' })
  if (single(form, 'client_assertion_type') !== JWT_BEARER_ASSERTION) return err({ reason: 'assertionTypeUnsupported' })
  // Only to find the client's keys: nothing of it is believed before its signature is verified.
  const sub = decodeJws(assertion)?.claims['sub']
  if (typeof sub !== 'string' || sub === '' || sub.length > LIMITS.clientId)
    return err({ reason: 'credentialsMalformed' })
  if (bodyClientId !== undefined && bodyClientId !== sub) return err({ reason: 'clientIdsDiffer' })
  return ok({ method: 'private_key_jwt', clientId: clientId(sub), assertion })
}

const fromHeader = (
  header: { readonly clientId: string; readonly password: Secret; readonly empty: boolean },
  bodyClientId: string | undefined,
): Result<PresentedCredentials, CredentialsRejection> => {
  if (bodyClientId !== undefined && bodyClientId !== header.clientId) return err({ reason: 'clientIdsDiffer' })
  if (header.clientId.length > LIMITS.clientId || reveal(header.password).length > LIMITS.clientSecret) {
    return err({ reason: 'credentialsMalformed' })
  }
  const id = clientId(header.clientId)
  // Public clients (oidc-agent) send an empty password where they mean none.
  if (header.empty) return ok({ method: 'none', clientId: id, basic: true, certificate: undefined })
  return ok({ method: 'client_secret_basic', clientId: id, secret: header.password })
}

/** Reads the credentials of a request; more than one method in one request is refused (RFC 6749 §2.3). */
export const parseCredentials = (
  request: WireRequest,
  form: MultiMap,
): Result<PresentedCredentials, CredentialsRejection> => {
  const header = parseAuthorizationHeader(request)
  // Only Basic says who a client is; any other scheme is somebody's token.
  if (!header.ok || (header.value.scheme !== 'absent' && header.value.scheme !== 'basic')) {
    return err({ reason: 'credentialsMalformed' })
  }
  const bodyClientId = single(form, 'client_id')
  const bodySecret = single(form, 'client_secret')
  const hasAssertion =
    single(form, 'client_assertion') !== undefined || single(form, 'client_assertion_type') !== undefined
  const basic = header.value.scheme === 'basic' ? header.value : undefined
  if ([basic !== undefined, bodySecret !== undefined, hasAssertion].filter(Boolean).length > 1) {
    return err({ reason: 'credentialsInSeveralPlaces' })
  }
  if (basic !== undefined) return fromHeader(basic, bodyClientId)
  if (hasAssertion) return fromAssertion(form, bodyClientId)
  if (bodyClientId === undefined) return err({ reason: 'credentialsMissing' })
  if (bodyClientId.length > LIMITS.clientId || (bodySecret?.length ?? 0) > LIMITS.clientSecret) {
    return err({ reason: 'credentialsMalformed' })
  }
  const id = clientId(bodyClientId)
  return bodySecret === undefined
    ? ok({ method: 'none', clientId: id, basic: false, certificate: request.clientCertificate })
    : ok({ method: 'client_secret_post', clientId: id, secret: secret(bodySecret) })
}
