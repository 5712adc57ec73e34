// Owns which parameters make up a request: those that were brought, or those of the signed object that was brought or lies where the
// client registered. Never mixes the two: what stands beside an object could be anybody's (RFC 9101 §6.3).

import { err, type Instant, type MultiMap, ok, type Result, single } from '../../base/index.ts'
import type { Context } from '../../context/index.ts'
import { LIMITS } from '../../spec/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import type { AuthorizationRejection } from './rejection.ts'
import { openRequestObject } from './request-object.ts'

/** What a client, or a browser for it, brought. */
export interface Brought {
  readonly form: MultiMap
  /** Whether the client brought it itself. */
  readonly pushed: boolean
  readonly now: Instant
}

// The fragment names a version of the document to the client and to caches; it is not sent (OIDC Core §6.2).
const addressOf = (uri: string): string => uri.split('#', 1)[0] ?? ''

/** Fetches an object from where its client said that one may lie; anywhere else would let a request choose what this server asks of whom. */
const fetchObject = async (
  context: Context,
  client: ClientRecord,
  requestUri: string,
): Promise<Result<string, AuthorizationRejection>> => {
  const { fetcher } = context.ports
  const registered = client.requestUris.some((uri) => addressOf(uri) === addressOf(requestUri))
  if (fetcher === undefined || client.requestUris.length === 0)
    return err({ reason: 'notSupported', name: 'request_uri' })
  if (!registered || requestUri.length > LIMITS.requestUri) return err({ reason: 'requestUriUnregistered' })
  const fetched = await fetcher.fetch({
    url: addressOf(requestUri),
    method: 'GET',
    headers: new Map([['accept', 'application/oauth-authz-req+jwt, application/jwt;q=0.9, */*;q=0.1']]),
    body: undefined,
    maxBytes: LIMITS.jwt,
  })
  return fetched.outcome === 'answered' && fetched.status === 200
    ? ok(fetched.body.trim())
    : err({ reason: 'requestUriUnreadable' })
}

/** The parameters that count (RFC 9101 §5, OIDC Core §6). */
export const readParameters = async (
  context: Context,
  client: ClientRecord,
  { form, pushed, now }: Brought,
): Promise<Result<MultiMap, AuthorizationRejection>> => {
  const { requestObjects } = context.features
  const [request, requestUri] = [single(form, 'request'), single(form, 'request_uri')]
  if (requestObjects && request !== undefined && requestUri !== undefined) return err({ reason: 'requestBroughtTwice' })
  const object =
    requestUri !== undefined && requestObjects ? await fetchObject(context, client, requestUri) : ok(request)
  if (!object.ok) return object
  if (object.value === undefined || !requestObjects) {
    return client.requireSignedRequests ? err({ reason: 'requestUnsigned' }) : ok(form)
  }
  return openRequestObject(context, object.value, { client, outside: form, pushed, now })
}
