// Owns the userinfo endpoint (OIDC Core §5.3): GET and POST, token in the header or in a form body, never in the query. Everything that
// bears on the token is read again at each use.

import { auditEntry } from '../../audit/index.ts'
import {
  err,
  type Instant,
  type MultiMap,
  ok,
  type Result,
  repeated,
  type Secret,
  secret,
  single,
} from '../../base/index.ts'
import { loadAccessToken } from '../../bearer/index.ts'
import { claimNamesFor, releaseClaims } from '../../claims/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { decideToken, type StandingRejection } from '../../standing/index.ts'
import type { AccessTokenSnapshot, GrantRecord } from '../../store/index.ts'
import {
  isFormContentType,
  jsonReply,
  parseAuthorizationHeader,
  parseForm,
  type Reply,
  singleHeader,
  type WireRequest,
} from '../../wire/index.ts'
import type { Addressee } from '../cross-origin.ts'

type UserinfoRejection =
  | { readonly reason: 'tokenMissing' }
  | { readonly reason: 'requestMalformed' | 'requestTooLarge' | 'tokenInSeveralPlaces' }
  | {
      readonly reason: 'tokenUnknown' | 'tokenOfNobody'
    }
  | StandingRejection
  | { readonly reason: 'scopeInsufficient' }

const readBody = (request: WireRequest): Result<MultiMap, UserinfoRejection> => {
  if (request.method !== 'POST' || !isFormContentType(singleHeader(request, 'content-type'))) return ok(new Map())
  const form = parseForm(request.body ?? '')
  if (!form.ok && form.error.reason === 'formTooLarge') return err({ reason: 'requestTooLarge' })
  if (!form.ok || repeated(form.value, new Set()).length > 0) return err({ reason: 'requestMalformed' })
  return form
}

const parseToken = (request: WireRequest): Result<Secret, UserinfoRejection> => {
  const header = parseAuthorizationHeader(request)
  if (!header.ok) return err({ reason: 'requestMalformed' })
  const body = readBody(request)
  if (!body.ok) return body
  const inBody = single(body.value, 'access_token')
  const inHeader = header.value.scheme === 'bearer' ? header.value.token : undefined
  if (inBody !== undefined && inHeader !== undefined) return err({ reason: 'tokenInSeveralPlaces' })
  if (inHeader !== undefined) return ok(inHeader)
  return inBody === undefined ? err({ reason: 'tokenMissing' }) : ok(secret(inBody))
}

/** A token that may be used here, and the grant that it hangs on. */
interface Usable {
  readonly token: AccessTokenSnapshot['token']
  readonly grant: GrantRecord
}

/** Whether the token may be used now (RFC 6750 §3.1); pure. */
const decide = (snapshot: AccessTokenSnapshot | undefined, now: Instant): Result<Usable, UserinfoRejection> => {
  if (snapshot === undefined) return err({ reason: 'tokenUnknown' })
  const { token, family } = snapshot
  const dead = decideToken(token, snapshot, now)
  if (dead !== undefined) return err(dead)
  // A client acting in its own name speaks of nobody (OIDC Core §5.3).
  if (family === undefined) return err({ reason: 'tokenOfNobody' })
  return token.scope.includes('openid') ? ok({ token, grant: family.grant }) : err({ reason: 'scopeInsufficient' })
}

const challenge = (error: string, description: string, more = ''): ReadonlyMap<string, string> =>
  new Map([['WWW-Authenticate', `Bearer error="${error}", error_description="${description}"${more}`]])

const respondRefused = (rejection: UserinfoRejection): Reply => {
  const refused = (status: number, error: string, description: string, more = ''): Reply =>
    jsonReply(status, { error, error_description: description }, challenge(error, description, more))
  switch (rejection.reason) {
    case 'tokenMissing':
      // No credentials, no error code (RFC 6750 §3.1).
      return {
        kind: 'empty',
        status: 401,
        headers: new Map([
          ['WWW-Authenticate', 'Bearer'],
          ['Cache-Control', 'no-store'],
        ]),
      }
    case 'requestMalformed':
      return refused(400, 'invalid_request', 'the request is malformed')
    case 'requestTooLarge':
      return refused(413, 'invalid_request', 'the request is too large')
    case 'tokenInSeveralPlaces':
      return refused(400, 'invalid_request', 'send the token in one place')
    case 'scopeInsufficient':
      return refused(403, 'insufficient_scope', 'the token lacks the scope openid', ', scope="openid"')
    default:
      return refused(401, 'invalid_token', 'the access token is expired, revoked or unknown')
  }
}

/** Answers with the claims that the token may see; `sub` is always among them. */
export const userinfoEndpoint =
  (context: Context) =>
  async (request: WireRequest): Promise<Answer<Reply> & Addressee> => {
    const now = context.ports.clock.now()
    const token = parseToken(request)
    const snapshot = token.ok ? await loadAccessToken(context, token.value) : undefined
    const decided = token.ok ? decide(snapshot, now) : token
    const client = snapshot?.token.clientId
    const refused = (rejection: UserinfoRejection): Answer<Reply> & Addressee => {
      const events = [auditEntry('userinfo.refused', now, { reason: rejection.reason, network: request.remoteAddress })]
      return { reply: respondRefused(rejection), events, client }
    }
    if (!decided.ok) return refused(decided.error)
    const { grant, token: used } = decided.value
    const account = await context.ports.accounts.find(grant.subject)
    if (account === undefined) return refused({ reason: 'personDisabled' })
    const names = claimNamesFor({ scoped: true, scope: used.scope, requested: grant.claims?.userinfo ?? [] })
    const body = { ...releaseClaims(names, account.claims), sub: grant.subject }
    const events = [auditEntry('userinfo.served', now, { clientId: used.clientId, subject: grant.subject })]
    return { reply: jsonReply(200, body), events, client }
  }
