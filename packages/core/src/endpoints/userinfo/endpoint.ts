// Owns the userinfo endpoint (OIDC Core §5.3): GET and POST, token in the header or in a form body, never in the query. Everything that
// bears on the token is read again at each use.

import { auditEntry } from '../../audit/index.ts'
import { err, type Instant, type MultiMap, ok, type Result, repeated, secret, single } from '../../base/index.ts'
import { loadAccessToken } from '../../bearer/index.ts'
import { claimNamesFor, releaseClaims } from '../../claims/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { withNonce } from '../../dpop/index.ts'
import { decideToken, type StandingRejection } from '../../standing/index.ts'
import type { AccessTokenSnapshot, GrantRecord, ReservationRecord } from '../../store/index.ts'
import {
  type AuthorizationHeader,
  isFormContentType,
  jsonReply,
  parseAuthorizationHeader,
  parseForm,
  type Reply,
  singleHeader,
  type WireRequest,
} from '../../wire/index.ts'
import { checkPresenter, dpopChallenge, type PresentedToken, type PresenterRejection } from '../bound-token.ts'
import type { Addressee } from '../cross-origin.ts'

type UserinfoRejection =
  | { readonly reason: 'tokenMissing' }
  | { readonly reason: 'requestMalformed' | 'requestTooLarge' | 'tokenInSeveralPlaces' }
  | {
      readonly reason: 'tokenUnknown' | 'tokenOfNobody'
    }
  | StandingRejection
  | PresenterRejection
  | { readonly reason: 'scopeInsufficient' }

const readBody = (request: WireRequest): Result<MultiMap, UserinfoRejection> => {
  if (request.method !== 'POST' || !isFormContentType(singleHeader(request, 'content-type'))) return ok(new Map())
  const form = parseForm(request.body ?? '')
  if (!form.ok && form.error.reason === 'formTooLarge') return err({ reason: 'requestTooLarge' })
  if (!form.ok || repeated(form.value, new Set()).length > 0) return err({ reason: 'requestMalformed' })
  return form
}

const tokenIn = (context: Context, header: AuthorizationHeader): PresentedToken | undefined => {
  if (header.scheme !== 'bearer' && header.scheme !== 'dpop') return undefined
  return header.scheme === 'dpop' && context.features.dpop === undefined ? undefined : header
}

const parseToken = (context: Context, request: WireRequest): Result<PresentedToken, UserinfoRejection> => {
  const header = parseAuthorizationHeader(request)
  if (!header.ok) return err({ reason: 'requestMalformed' })
  const body = readBody(request)
  if (!body.ok) return body
  const inBody = single(body.value, 'access_token')
  const inHeader = tokenIn(context, header.value)
  if (inBody !== undefined && inHeader !== undefined) return err({ reason: 'tokenInSeveralPlaces' })
  if (inHeader !== undefined) return ok(inHeader)
  return inBody === undefined ? err({ reason: 'tokenMissing' }) : ok({ scheme: 'bearer', token: secret(inBody) })
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

/** What a challenge speaks of: the scheme that was used, where it is known, and whether keys are accepted at all. */
interface Challenged {
  readonly scheme: 'bearer' | 'dpop' | undefined
  readonly dpop: boolean
}

const challengeOf = (
  { scheme, dpop }: Challenged,
  { error, description, more = '' }: { readonly error: string; readonly description: string; readonly more?: string },
): ReadonlyMap<string, string> => {
  const value =
    dpop && scheme === 'dpop'
      ? dpopChallenge(error, description)
      : `Bearer error="${error}", error_description="${description}"${more}`
  return new Map([['WWW-Authenticate', value]])
}

const nobody = ({ dpop }: Challenged): Reply => ({
  // No credentials, no error code (RFC 6750 §3.1).
  kind: 'empty',
  status: 401,
  headers: new Map([
    ['WWW-Authenticate', dpop ? `Bearer, ${dpopChallenge(undefined)}` : 'Bearer'],
    ['Cache-Control', 'no-store'],
  ]),
})

const respondRefused = (rejection: UserinfoRejection, challenged: Challenged): Reply => {
  const refused = (status: number, error: string, description: string, more = '', scheme = challenged.scheme): Reply =>
    jsonReply(
      status,
      { error, error_description: description },
      challengeOf({ ...challenged, scheme }, { error, description, more }),
    )
  switch (rejection.reason) {
    case 'tokenMissing':
      return nobody(challenged)
    case 'requestMalformed':
      return refused(400, 'invalid_request', 'the request is malformed')
    case 'requestTooLarge':
      return refused(413, 'invalid_request', 'the request is too large')
    case 'tokenInSeveralPlaces':
      return refused(400, 'invalid_request', 'send the token in one place')
    case 'scopeInsufficient':
      return refused(403, 'insufficient_scope', 'the token lacks the scope openid', ', scope="openid"')
    case 'tokenBound':
      return refused(401, 'invalid_token', 'the access token is bound to a key: send it as DPoP', '', 'dpop')
    case 'tokenUnbound':
      return refused(401, 'invalid_token', 'the access token is not bound to a key: send it as Bearer')
    case 'certificateWrong':
      return refused(401, 'invalid_token', 'the access token is bound to another certificate')
    case 'dpopNonceMissing':
    case 'dpopNonceStale':
      return refused(401, 'use_dpop_nonce', 'use the nonce of the header DPoP-Nonce')
    default:
      return rejection.reason.startsWith('dpop')
        ? refused(401, 'invalid_dpop_proof', 'the DPoP proof is missing, wrong, or was used before')
        : refused(401, 'invalid_token', 'the access token is expired, revoked or unknown')
  }
}

/** A token that may be used here, by whoever presented it; the proof is used up by whoever asked. */
const judge = async (
  context: Context,
  request: WireRequest,
  presented: PresentedToken,
  facts: { readonly snapshot: AccessTokenSnapshot | undefined; readonly now: Instant },
): Promise<Result<Usable & { readonly proofs: readonly ReservationRecord[] }, UserinfoRejection>> => {
  const decided = decide(facts.snapshot, facts.now)
  if (!decided.ok) return decided
  const at = { endpoint: 'userinfo', binding: decided.value.token.binding, now: facts.now }
  const proofs = await checkPresenter(context, request, presented, at)
  return proofs.ok ? ok({ ...decided.value, proofs: proofs.value }) : proofs
}

/** Answers with the claims that the token may see; `sub` is always among them. */
export const userinfoEndpoint =
  (context: Context) =>
  async (request: WireRequest): Promise<Answer<Reply> & Addressee> => {
    const now = context.ports.clock.now()
    const token = parseToken(context, request)
    const snapshot = token.ok ? await loadAccessToken(context, token.value.token) : undefined
    const decided = token.ok ? await judge(context, request, token.value, { snapshot, now }) : token
    const client = snapshot?.token.clientId
    const challenged = { scheme: token.ok ? token.value.scheme : undefined, dpop: context.features.dpop !== undefined }
    const refused = async (rejection: UserinfoRejection): Promise<Answer<Reply> & Addressee> => {
      const events = [auditEntry('userinfo.refused', now, { reason: rejection.reason, network: request.remoteAddress })]
      return { reply: await withNonce(context, respondRefused(rejection, challenged), now), events, client }
    }
    if (!decided.ok) return refused(decided.error)
    const { grant, token: used, proofs } = decided.value
    const account = await context.ports.accounts.find(grant.subject)
    if (account === undefined) return refused({ reason: 'personDisabled' })
    if (proofs.length > 0 && (await context.stores.reservations.reserve(proofs, now)) === 'replayed') {
      return refused({ reason: 'dpopReplayed' })
    }
    const names = claimNamesFor({ scoped: true, scope: used.scope, requested: grant.claims?.userinfo ?? [] })
    const body = { ...releaseClaims(names, account.claims), sub: grant.subject }
    const events = [auditEntry('userinfo.served', now, { clientId: used.clientId, subject: grant.subject })]
    return { reply: await withNonce(context, jsonReply(200, body), now), events, client }
  }
