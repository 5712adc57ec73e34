// Owns issuing a code: the grant, its one conditional write and the answer. Never decides whether a code may be issued.

import { auditEntry } from '../../audit/index.ts'
import { type Instant, later, reveal } from '../../base/index.ts'
import { type Answer, type Context, digestOf } from '../../context/index.ts'
import { type HeldSession, keepAlive } from '../../session/index.ts'
import { OFFLINE_ACCESS } from '../../spec/index.ts'
import type { Basis, ClientRecord, CodeIssue, ConsentRecord, GrantRecord } from '../../store/index.ts'
import { mintCredential, mintHandle } from '../../tokens/index.ts'
import type { Reply } from '../../wire/index.ts'
import { respondCode } from './respond.ts'
import type { Flow, Missed, Visit } from './visit.ts'

/** What a code is issued on: who, for which client, and what stands for the person's consent. */
export interface Approval {
  readonly session: HeldSession
  readonly client: ClientRecord
  /** Version of the remembered consent that stood in for asking. */
  readonly consentVersion: number | undefined
  /** Consent given in this visit. */
  readonly consent: Omit<ConsentRecord, 'version'> | undefined
}

const grantFor = (
  context: Context,
  flow: Flow,
  approval: Approval,
  now: Instant,
  redirectUriDigest: GrantRecord['redirectUriDigest'],
): GrantRecord => {
  const { request } = flow
  const { session } = approval.session
  return {
    handle: mintHandle(context.ports.random),
    clientId: request.clientId,
    subject: session.subject,
    sid: session.sid,
    scope: request.scope,
    resources: request.resources,
    offline: request.scope.includes(OFFLINE_ACCESS),
    redirectUriDigest,
    codeChallenge: request.codeChallenge,
    dpopJkt: request.dpopJkt,
    nonce: request.nonce,
    authTime: session.authTime,
    amr: session.amr,
    acr: session.acr,
    claims: request.claims,
    issuedAt: now,
    codeExpiresAt: later(now, context.lifetimes.authorizationCode),
  }
}

const commitCode = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  issue: CodeIssue,
  consent: Approval['consent'],
): Promise<'issued' | Missed> => {
  const { grant } = issue
  const { now, network } = visit
  const issued = auditEntry('authorization_code.issued', now, {
    clientId: grant.clientId,
    subject: grant.subject,
    sid: grant.sid,
    grant: grant.handle,
    scope: grant.scope.join(' '),
    silent: flow.interaction === undefined,
    network,
  })
  if (flow.interaction === undefined)
    return context.stores.grants.issueAuthorizationCode(
      { ...issue, ...(flow.pushedRequest === undefined ? {} : { pushedRequest: flow.pushedRequest }) },
      { now, events: [issued] },
    )
  const events =
    consent === undefined
      ? [issued]
      : [
          auditEntry('consent.recorded', now, {
            clientId: grant.clientId,
            subject: grant.subject,
            scope: consent.scope.join(' '),
          }),
          issued,
        ]
  const { id, revision } = flow.interaction
  const outcome = await context.stores.interactions.settleInteraction(
    { id, revision, browserDigest: visit.browser.digest, settlement: { issue, consent } },
    { now, events },
  )
  if (outcome === 'settled') return 'issued'
  return outcome === 'requestSpent' ? outcome : 'stale'
}

/** Issues a code by one conditional write, and answers the client with it; `stale` when what it rests on no longer holds, `requestSpent` when another visit was answered first. */
export const issueCode = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  approval: Approval,
): Promise<Answer<Reply> | Missed> => {
  const { session, client } = approval
  if (client.unusedExpiresAt !== undefined) {
    // Somebody allows it: from now on it is in use and stays, which is another version of it.
    await context.stores.clients.keepClient(client.clientId)
    return 'stale'
  }
  const redirectUriDigest = await digestOf(context, flow.request.redirectUri)
  const grant = grantFor(context, flow, approval, visit.now, redirectUriDigest)
  const code = reveal(mintCredential(context.ports.random, grant.handle))
  const basis: Basis = {
    clientVersion: client.version,
    subjectVersion: session.subject.version,
    sid: session.session.sid,
    consentVersion: approval.consentVersion,
  }
  const issue: CodeIssue = { grant, codeDigest: await digestOf(context, code), basis }
  // Signed before the commit, where it is signed at all, so that a signer that fails spends nothing.
  const reply = await respondCode(context, flow.request, code, visit.cookies)
  const outcome = await commitCode(context, visit, flow, issue, approval.consent)
  if (outcome !== 'issued') return outcome
  await keepAlive(context, session.session, visit.now)
  return { reply, events: [] }
}
