// Owns the answers of the pushed authorization request endpoint (RFC 9126 §2.2, §2.3). Never cached.

import type { Instant } from '../../base/index.ts'
import { retryAfter } from '../../client-auth/index.ts'
import { jsonReply, type Reply, type WireRequest } from '../../wire/index.ts'
import { respondRefused } from '../token/respond.ts'
import { type PushRejection, toWirePushError } from './rejection.ts'

/** The reference to what was pushed, and the seconds it is good for. */
export const respondPushed = (requestUri: string, expiresIn: number): Reply =>
  jsonReply(201, { request_uri: requestUri, expires_in: expiresIn })

/** A refusal, in the form of the token endpoint's. */
export const respondPushRefused = (
  request: WireRequest,
  refused: PushRejection,
  now: Instant,
): { readonly reply: Reply; readonly told: { readonly status: number; readonly error: string } } => {
  if (refused.by === 'client') return respondRefused(request, refused.rejection, now)
  const told = toWirePushError(refused)
  const headers = new Map<string, string>()
  if (told.until !== undefined) headers.set('Retry-After', String(retryAfter(told.until, now)))
  if (told.status === 503) headers.set('Retry-After', '1')
  return { reply: jsonReply(told.status, { error: told.error, error_description: told.description }, headers), told }
}
