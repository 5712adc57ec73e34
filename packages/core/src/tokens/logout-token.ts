// Owns the logout token (OIDC Back-Channel Logout §2.4). Never reads a clock or a store, and is never an ID token: it has another type,
// names an event and has no nonce.

import { base64url, type ClientId, type Instant, type SessionId, type Subject, utf8 } from '../base/index.ts'
import type { Context } from '../context/index.ts'
import type { PublicSigningKey } from '../ports/index.ts'
import { LOGOUT_TOKEN_LIFETIME } from '../spec/index.ts'
import { signJws } from './jws.ts'

/** The one event that a logout token names. */
export const LOGOUT_EVENT = 'http://schemas.openid.net/event/backchannel-logout'

/** What a logout token says. */
export interface LogoutTokenContent {
  readonly clientId: ClientId
  readonly subject: Subject
  readonly sid: SessionId
  readonly now: Instant
}

/**
 * The identifier of what is told: made of the session and the client, since a session ends once, so that every attempt at telling it, on
 * whatever node, has the same one and a client that got two of them knows.
 */
export const logoutTokenId = async (
  context: Context,
  { sid, clientId }: Pick<LogoutTokenContent, 'sid' | 'clientId'>,
): Promise<string> => base64url(await context.ports.hasher.sha256(utf8(`logout_token ${sid} ${clientId}`)))

/** Mints a logout token that lives two minutes. */
export const mintLogoutToken = async (
  context: Context,
  key: PublicSigningKey,
  content: LogoutTokenContent,
): Promise<string> => {
  const { clientId, subject, sid, now } = content
  const claims = {
    iss: context.issuer,
    aud: clientId,
    iat: now,
    exp: now + LOGOUT_TOKEN_LIFETIME,
    jti: await logoutTokenId(context, content),
    events: { [LOGOUT_EVENT]: {} },
    sub: subject,
    sid,
  }
  return signJws(context.ports.signer, key, { typ: 'logout+jwt', claims })
}
