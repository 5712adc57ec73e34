// Owns where an authorization request comes from: the parameters that a browser brings, plain or in a signed object, or what
// its client pushed before. Never asks
// a person and spends nothing: a page that is loaded again brings the same request again.

import type { Digest, Instant, MultiMap } from '../../base/index.ts'
import { single } from '../../base/index.ts'
import { matchRedirectUri } from '../../client/index.ts'
import { type Context, digestOf } from '../../context/index.ts'
import { PUSHED_REQUEST_URI } from '../../spec/index.ts'
import type { AuthorizationRequestRecord, ClientRecord } from '../../store/index.ts'
import { locateAnswer, parseAuthorizationRequest } from './parse.ts'
import type { AuthorizationRejection, PageRejection } from './rejection.ts'
import { readParameters } from './request-parameters.ts'
import type { ResponseAddress } from './respond.ts'

/** What a browser came with, read and judged. */
export type OpenedRequest =
  | {
      readonly kind: 'request'
      readonly request: AuthorizationRequestRecord
      /** The pushed request that it is a copy of. */
      readonly pushedRequest: Digest | undefined
    }
  | { readonly kind: 'refused'; readonly address: ResponseAddress; readonly rejection: AuthorizationRejection }
  | { readonly kind: 'page'; readonly rejection: PageRejection }

const page = (rejection: PageRejection): OpenedRequest => ({ kind: 'page', rejection })

/**
 * Finds what a client pushed (RFC 9126 §4). What else the browser brings is not read: certification repeats some of it, an attacker could
 * change all of it.
 */
const findPushed = async (
  context: Context,
  client: ClientRecord,
  requestUri: string,
  now: Instant,
): Promise<OpenedRequest> => {
  const digest = await digestOf(context, requestUri)
  const pushed = await context.stores.pushedRequests.findPushedRequest(digest)
  // Another client's is as unknown as none: whoever saw a request_uri could else learn whose it is (RFC 9126 §2.2).
  if (pushed === undefined || pushed.request.clientId !== client.clientId)
    return page({ reason: 'pushedRequestUnknown' })
  if (pushed.spentAt !== undefined) return page({ reason: 'pushedRequestSpent' })
  const { request } = pushed
  if (now < pushed.expiresAt) return { kind: 'request', request, pushedRequest: digest }
  const redirectUri = matchRedirectUri(client, request.redirectUri)
  if (redirectUri === undefined) return page({ reason: 'redirectUriUnregistered' })
  return { kind: 'refused', address: { ...request, redirectUri }, rejection: { reason: 'pushedRequestExpired' } }
}

/** Reads what a browser came with for this client. */
export const openRequest = async (
  context: Context,
  client: ClientRecord,
  { form, now }: { readonly form: MultiMap; readonly now: Instant },
): Promise<OpenedRequest> => {
  const { par } = context.features
  const requestUri = single(form, 'request_uri')
  if (par !== 'off' && requestUri?.startsWith(PUSHED_REQUEST_URI) === true) {
    return findPushed(context, client, requestUri, now)
  }
  const beside = locateAnswer(context, client, form)
  const refusedBeside = (rejection: AuthorizationRejection): OpenedRequest =>
    beside.ok
      ? { kind: 'refused', address: beside.value, rejection }
      : page(
          beside.error.reason === 'redirectUriMissing'
            ? { reason: 'requestUnreadable', cause: rejection }
            : beside.error,
        )
  if (par === 'required' || client.requirePushedRequests) return refusedBeside({ reason: 'pushRequired' })
  const parameters = await readParameters(context, client, { form, pushed: false, now })
  if (!parameters.ok) return refusedBeside(parameters.error)
  const address = locateAnswer(context, client, parameters.value)
  if (!address.ok) return page(address.error)
  const parsed = await parseAuthorizationRequest(context, parameters.value, address.value)
  return parsed.ok
    ? { kind: 'request', request: parsed.value, pushedRequest: undefined }
    : { kind: 'refused', address: address.value, rejection: parsed.error }
}
