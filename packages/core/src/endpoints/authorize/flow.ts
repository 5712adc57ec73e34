// Owns carrying out what `decideStep` decides: ask, refuse, or issue a code by one conditional write. Every step of every page comes
// through `advance`; a `stale` write loads everything again and decides once more.

import { auditEntry } from '../../audit/index.ts'
import { type Instant, later, reveal } from '../../base/index.ts'
import { claimsBeyondScope } from '../../claims/index.ts'
import { coverageOf } from '../../consent/index.ts'
import { type Answer, type Context, digestOf } from '../../context/index.ts'
import { decideStep, NO_PROGRESS } from '../../interaction/index.ts'
import { type Browser, cookieFor, type HeldSession, keepAlive } from '../../session/index.ts'
import type {
  AuthorizationRequestRecord,
  Basis,
  ClientRecord,
  CodeIssue,
  ConsentRecord,
  GrantRecord,
  InteractionRecord,
} from '../../store/index.ts'
import { mintCredential, mintHandle } from '../../tokens/index.ts'
import type { Cookie, Reply } from '../../wire/index.ts'
import { presentConsent, presentLogin, presentSelection } from './present.ts'
import type { AuthorizationRejection } from './rejection.ts'
import { respondCode, respondError, respondPage } from './respond.ts'

/** One visit of a browser: who it is, and what it brought. */
export interface Visit {
  readonly browser: Browser
  readonly network: string
  readonly now: Instant
  /** Reads the browser's live sessions anew. */
  readonly sessions: () => Promise<readonly HeldSession[]>
  /** Cookies set on the way. */
  readonly cookies: readonly Cookie[]
}

/** Where a request stands. */
export interface Flow {
  readonly request: AuthorizationRequestRecord
  /** Undefined until a person had to be asked something. */
  readonly interaction: InteractionRecord | undefined
  /** Whether this very visit allowed what the consent page showed. */
  readonly allowed: boolean
}

// One retry settles an honest race; more means something keeps changing.
const MAX_TRIES = 3

/** Ends the request with an error for the client. */
export const refuse = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  rejection: AuthorizationRejection,
): Promise<Answer<Reply>> => {
  const { request, interaction } = flow
  const event = auditEntry('authorization.refused', visit.now, {
    clientId: request.clientId,
    reason: rejection.reason,
    network: visit.network,
  })
  const events =
    rejection.reason === 'accessDenied'
      ? [auditEntry('consent.denied', visit.now, { clientId: request.clientId, network: visit.network })]
      : [event]
  if (interaction === undefined) {
    return { reply: respondError(context, request, rejection, visit.cookies), events }
  }
  const { id, revision } = interaction
  await context.stores.interactions.settleInteraction(
    { id, revision, browserDigest: visit.browser.digest, settlement: { issue: undefined, consent: undefined } },
    { now: visit.now, events },
  )
  // Whoever lost a race between two tabs gets the same answer: a refusal gives nothing away.
  return { reply: respondError(context, request, rejection, visit.cookies), events: [] }
}

interface Approval {
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
    offline: false,
    redirectUriDigest,
    codeChallenge: request.codeChallenge,
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
): Promise<'issued' | 'stale' | 'lost'> => {
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
    return context.stores.grants.issueAuthorizationCode(issue, { now, events: [issued] })
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
  return outcome === 'stale' ? 'stale' : 'lost'
}

const issueCode = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  approval: Approval,
): Promise<Answer<Reply> | 'stale' | 'lost'> => {
  const { session, client } = approval
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
  const outcome = await commitCode(context, visit, flow, issue, approval.consent)
  if (outcome !== 'issued') return outcome
  await keepAlive(context, session.session, visit.now)
  return { reply: respondCode(context, flow.request, code, visit.cookies), events: [] }
}

const consentOf = (
  context: Context,
  flow: Flow,
  session: HeldSession,
  now: Instant,
): Omit<ConsentRecord, 'version'> => ({
  subject: session.session.subject,
  clientId: flow.request.clientId,
  scope: flow.request.scope,
  claims: claimsBeyondScope(flow.request.claims, flow.request.scope),
  grantedAt: now,
  expiresAt: later(now, context.lifetimes.consent),
})

const shownTo = (flow: Flow, session: HeldSession): boolean => {
  const shown = flow.interaction?.progress.consentShownTo
  return shown !== undefined && shown.sid === session.session.sid && shown.subject === session.session.subject
}

const approve = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  known: { readonly client: ClientRecord; readonly session: HeldSession },
): Promise<Answer<Reply> | 'stale' | 'lost'> => {
  const { client, session } = known
  const { request } = flow
  // Allowed now, and by the very session that was shown the page.
  if (flow.allowed && shownTo(flow, session)) {
    const consent = consentOf(context, flow, session, visit.now)
    return issueCode(context, visit, flow, { session, client, consentVersion: undefined, consent })
  }
  const consent = await context.stores.consents.findConsent({
    subject: session.session.subject,
    clientId: client.clientId,
  })
  const coverage = coverageOf(request, { client, consent, now: visit.now })
  if (coverage.kind !== 'needed') {
    const consentVersion = coverage.kind === 'remembered' ? coverage.version : undefined
    return issueCode(context, visit, flow, { session, client, consentVersion, consent: undefined })
  }
  if (request.prompts.includes('none')) return refuse(context, visit, flow, { reason: 'consentRequired' })
  const account = await context.ports.accounts.find(session.session.subject)
  if (account === undefined) return refuse(context, visit, flow, { reason: 'personDisabled' })
  return presentConsent(context, visit, flow, { client, session: session.session, account })
}

const advanceOnce = async (context: Context, visit: Visit, flow: Flow): Promise<Answer<Reply> | 'stale' | 'lost'> => {
  const { request } = flow
  const client = await context.stores.clients.findClient(request.clientId)
  if (client === undefined || client.disabled) {
    const { reply, reference } = respondPage(context, { reason: 'clientUnknown' })
    const fields = { clientId: request.clientId, reason: 'clientUnknown', reference, network: visit.network }
    return { reply, events: [auditEntry('authorization.refused', visit.now, fields)] }
  }
  const held = await visit.sessions()
  const step = decideStep({
    request,
    progress: flow.interaction?.progress ?? NO_PROGRESS,
    sessions: held.map((one) => one.session),
    reachableAcr: context.acrValues,
    defaultMaxAge: client.defaultMaxAge,
    now: visit.now,
  })
  switch (step.step) {
    case 'refuse':
      return refuse(context, visit, flow, { reason: step.reason })
    case 'login':
      return presentLogin(context, visit, flow, { client, step })
    case 'selectAccount':
      return presentSelection(context, visit, flow, { client, sessions: held.map((one) => one.session) })
    case 'identified': {
      const session = held.find((one) => one.session.sid === step.session.sid)
      if (session === undefined) return 'stale'
      const first = held[0]?.session.sid === session.session.sid
      const cookies = first ? visit.cookies : [...visit.cookies, cookieFor(context, held, session)]
      return approve(context, { ...visit, cookies }, flow, { client, session })
    }
  }
}

/** Goes on with a request until there is something to send. */
export const advance = async (context: Context, visit: Visit, flow: Flow): Promise<Answer<Reply>> => {
  let current = flow
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const answer = await advanceOnce(context, visit, current)
    if (answer === 'lost') break
    if (answer !== 'stale') return answer
    if (current.interaction !== undefined) {
      const interaction = await context.stores.interactions.findInteraction(current.interaction.id)
      // Another tab moved it: what this visit allowed may not be what is shown now.
      current = {
        ...current,
        interaction,
        allowed: current.allowed && interaction?.revision === current.interaction.revision,
      }
    }
  }
  return refuse(context, visit, current, { reason: 'stateChanged' })
}
