// Owns what a request must keep by its client's record: asked at the first visit, and again at every later step, because a client may have
// been changed or switched off since. Never looks at a person.

import { err, ok, type Result } from '../../base/index.ts'
import { isEmptyRequest, limitClaims } from '../../claims/index.ts'
import { isConfidentialClient, matchRedirectUri } from '../../client/index.ts'
import { parseChallenge } from '../../pkce/index.ts'
import { decideScope } from '../../scope/index.ts'
import type { AuthorizationRequestRecord, ClaimsRequest, ClientRecord } from '../../store/index.ts'
import type { AuthorizationRejection, PageRejection } from './rejection.ts'

/** The parameters that a client's record limits. */
export interface AskedOfClient {
  readonly scope: readonly string[]
  readonly challenge: string | undefined
  readonly method: string | undefined
  readonly nonce: string | undefined
  readonly claims: ClaimsRequest | undefined
}

/** What the client may have of it. */
export type AllowedByClient = Pick<AuthorizationRequestRecord, 'scope' | 'codeChallenge' | 'claims'>

const claimsFor = (claims: ClaimsRequest | undefined, client: ClientRecord): ClaimsRequest | undefined => {
  const limited = claims === undefined ? undefined : limitClaims(claims, client.scopes)
  return limited === undefined || isEmptyRequest(limited) ? undefined : limited
}

/** Holds a request against its client: grant type, scopes, PKCE and claims. */
export const decideByClient = (
  client: ClientRecord,
  asked: AskedOfClient,
): Result<AllowedByClient, AuthorizationRejection> => {
  if (!client.grantTypes.includes('authorization_code')) return err({ reason: 'grantTypeNotAllowed' })
  const scope = decideScope(asked.scope, {
    scopes: client.scopes,
    offline: client.grantTypes.includes('refresh_token'),
  })
  if (!scope.ok) return scope
  const codeChallenge = parseChallenge({
    challenge: asked.challenge,
    method: asked.method,
    nonce: asked.nonce,
    // A client that cannot keep a secret has nothing else to bind the code to, whatever its record says (RFC 9700 §2.1.1).
    pkce: isConfidentialClient(client) ? client.pkce : 'required',
    nonceRule: client.nonce,
  })
  if (!codeChallenge.ok) return codeChallenge
  return ok({ scope: scope.value, codeChallenge: codeChallenge.value, claims: claimsFor(asked.claims, client) })
}

/** A stored request held against the client as it is now. */
export type RecheckedRequest =
  | { readonly kind: 'held'; readonly client: ClientRecord; readonly request: AuthorizationRequestRecord }
  /** The client or its redirect URI is gone: nothing may leave for it any more. */
  | { readonly kind: 'page'; readonly rejection: PageRejection }
  | { readonly kind: 'refused'; readonly rejection: AuthorizationRejection }

/** Holds a stored request against the client as it is now: what was taken from a client since is not granted. */
export const recheckRequest = (
  client: ClientRecord | undefined,
  request: AuthorizationRequestRecord,
): RecheckedRequest => {
  if (client === undefined || client.disabled) return { kind: 'page', rejection: { reason: 'clientUnknown' } }
  if (matchRedirectUri(client, request.redirectUri) === undefined) {
    return { kind: 'page', rejection: { reason: 'redirectUriUnregistered' } }
  }
  const allowed = decideByClient(client, {
    ...request,
    challenge: request.codeChallenge,
    method: request.codeChallenge === undefined ? undefined : 'S256',
  })
  if (!allowed.ok) return { kind: 'refused', rejection: allowed.error }
  return { kind: 'held', client, request: { ...request, ...allowed.value } }
}
