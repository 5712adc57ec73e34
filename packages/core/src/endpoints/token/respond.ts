// Owns the token response (RFC 6749 §5). Never cached, and never says more than the map of rejections does.

import { type Instant, reveal, type Secret } from '../../base/index.ts'
import { retryAfter } from '../../client-auth/index.ts'
import { type TokenRejection, toWireTokenError, type WireTokenError } from '../../grant-types/index.ts'
import { headerCount, jsonReply, type Reply, type WireRequest } from '../../wire/index.ts'
import type { MintedAccessToken } from './mint.ts'

/** What a token request is answered with. */
export interface AnsweredTokens {
  readonly accessToken: MintedAccessToken
  readonly idToken: Secret | undefined
  readonly refreshToken: Secret | undefined
  readonly issuedTokenType: string | undefined
}

/** A successful answer; the granted scope is always told (RFC 6749 §5.1). */
export const respondTokens = ({ accessToken, idToken, refreshToken, issuedTokenType }: AnsweredTokens): Reply => {
  const { record, token } = accessToken
  return jsonReply(200, {
    access_token: reveal(token),
    // RFC 9449 §5; a certificate is proved by the connection, and its tokens are sent as any (RFC 8705 §3).
    token_type: record.binding?.method === 'jkt' ? 'DPoP' : 'Bearer',
    expires_in: record.expiresAt - record.issuedAt,
    scope: record.scope.join(' '),
    ...(issuedTokenType === undefined ? {} : { issued_token_type: issuedTokenType }),
    ...(refreshToken === undefined ? {} : { refresh_token: reveal(refreshToken) }),
    ...(idToken === undefined ? {} : { id_token: reveal(idToken) }),
  })
}

/** A refusal; 401 carries a Basic challenge where the client tried the Authorization header (RFC 6749 §5.2). */
export const respondRefused = (
  request: WireRequest,
  rejection: TokenRejection,
  now: Instant,
): { readonly reply: Reply; readonly told: WireTokenError } => {
  const told = toWireTokenError(rejection)
  const headers = new Map<string, string>()
  if (told.status === 401 && headerCount(request, 'authorization') > 0) {
    headers.set('WWW-Authenticate', 'Basic realm="token endpoint", charset="UTF-8"')
  }
  if (told.until !== undefined) headers.set('Retry-After', String(retryAfter(told.until, now)))
  if (told.status === 503) headers.set('Retry-After', '1')
  return { reply: jsonReply(told.status, { error: told.error, error_description: told.description }, headers), told }
}
