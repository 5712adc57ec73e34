// Owns carrying out what `decideStep` decides: ask, refuse, or issue a code. Every step of every page comes through `advance`; when a
// conditional write finds something changed, everything is loaded again and decided once more.

import { auditEntry } from '../../audit/index.ts'
import { type Instant, later } from '../../base/index.ts'
import { claimsBeyondScope } from '../../claims/index.ts'
import { coverageOf } from '../../consent/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { decideStep, NO_PROGRESS } from '../../interaction/index.ts'
import { cookieFor, type HeldSession } from '../../session/index.ts'
import type { ClientRecord, ConsentRecord } from '../../store/index.ts'
import type { Reply } from '../../wire/index.ts'
import { recheckRequest } from './client-rules.ts'
import { issueCode } from './issue.ts'
import { presentConsent, presentLogin, presentSelection } from './present.ts'
import type { AuthorizationRejection, PageRejection } from './rejection.ts'
import { respondPage } from './respond.ts'
import { respondRefusal } from './send-back.ts'
import { respondTrouble, troubleOf } from './trouble.ts'
import type { Flow, Missed, Visit } from './visit.ts'

// One retry settles an honest race; more means something keeps changing.
const MAX_TRIES = 3

const refuseOnPage = (context: Context, visit: Visit, flow: Flow, rejection: PageRejection): Answer<Reply> => {
  const { reply, reference } = respondPage(context, rejection, visit.cookies)
  const { clientId } = flow.request
  const fields = { clientId, reason: rejection.reason, reference, network: visit.network }
  return { reply, events: [auditEntry('authorization.refused', visit.now, fields)] }
}

/** Ends the request with an error for the client; `stale` or `requestSpent` when another tab was there first, so that no client gets two answers. */
const refuse = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  rejection: AuthorizationRejection,
): Promise<Answer<Reply> | Missed> => {
  const { request, interaction } = flow
  const { clientId } = request
  const { network, now } = visit
  const shownTo = interaction?.progress.consentShownTo
  const { reply, reference } = await respondRefusal(context, {
    client: await context.stores.clients.findClient(clientId),
    address: request,
    rejection,
    sessions: visit.sessions,
    cookies: visit.cookies,
  })
  const shown = reference === undefined ? {} : { reference }
  const event =
    rejection.reason === 'accessDenied'
      ? auditEntry('consent.denied', now, {
          clientId,
          network,
          ...(shownTo === undefined ? {} : { subject: shownTo.subject }),
        })
      : auditEntry('authorization.refused', now, { clientId, reason: rejection.reason, ...shown, network })
  if (interaction === undefined) {
    if (flow.pushedRequest === undefined) return { reply, events: [event] }
    const spent = await context.stores.pushedRequests.spendPushedRequest(flow.pushedRequest, { now, events: [event] })
    return spent === 'spent' ? { reply, events: [] } : 'requestSpent'
  }
  const { id, revision } = interaction
  const outcome = await context.stores.interactions.settleInteraction(
    { id, revision, browserDigest: visit.browser.digest, settlement: { issue: undefined, consent: undefined } },
    { now, events: [event] },
  )
  if (outcome === 'settled') return { reply, events: [] }
  return outcome === 'requestSpent' ? outcome : 'stale'
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
  resources: flow.request.resources,
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
): Promise<Answer<Reply> | Missed> => {
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
    // Whoever is signed in here is known well enough, but somebody has just typed who he is: that counts.
    if (flow.answering) {
      const step = { step: 'login', reason: 'otherAccount', subject: undefined } as const
      return presentLogin(context, visit, flow, { client, step })
    }
    const consentVersion = coverage.kind === 'remembered' ? coverage.version : undefined
    return issueCode(context, visit, flow, { session, client, consentVersion, consent: undefined })
  }
  if (request.prompts.includes('none')) return refuse(context, visit, flow, { reason: 'consentRequired' })
  const account = await context.ports.accounts.find(session.session.subject)
  if (account === undefined) return refuse(context, visit, flow, { reason: 'personDisabled' })
  return presentConsent(context, visit, flow, { client, session: session.session, account })
}

const takeStep = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  client: ClientRecord,
): Promise<Answer<Reply> | Missed> => {
  const held = await visit.sessions()
  const sessions = held.map((one) => one.session)
  const step = decideStep({
    request: flow.request,
    progress: flow.interaction?.progress ?? NO_PROGRESS,
    sessions,
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
      return presentSelection(context, visit, flow, { client, sessions })
    case 'identified': {
      const session = held.find((one) => one.session.sid === step.session.sid)
      if (session === undefined) return 'stale'
      const first = held[0]?.session.sid === session.session.sid
      const cookies = first ? visit.cookies : [...visit.cookies, cookieFor(context, held, session)]
      return approve(context, { ...visit, cookies }, flow, { client, session })
    }
  }
}

const advanceOnce = async (context: Context, visit: Visit, flow: Flow): Promise<Answer<Reply> | Missed> => {
  const client = await context.stores.clients.findClient(flow.request.clientId)
  const rechecked = recheckRequest(client, flow.request)
  switch (rechecked.kind) {
    case 'page':
      return refuseOnPage(context, visit, flow, rechecked.rejection)
    case 'refused':
      return refuse(context, visit, flow, rechecked.rejection)
    case 'held': {
      if (flow.ending !== undefined) return refuse(context, visit, flow, flow.ending)
      return takeStep(context, visit, { ...flow, request: rechecked.request }, rechecked.client)
    }
  }
}

/** Goes on with a request until there is something to send. */
export const advance = async (context: Context, visit: Visit, flow: Flow): Promise<Answer<Reply>> => {
  let current = flow
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const answer = await advanceOnce(context, visit, current)
    if (answer === 'requestSpent') return respondTrouble(context, visit, answer, current.interaction)
    if (answer !== 'stale') return answer
    if (current.interaction === undefined) continue
    const { id, revision } = current.interaction
    const interaction = await context.stores.interactions.findInteraction(id)
    const trouble = interaction === undefined ? 'unknown' : troubleOf(interaction, visit)
    if (trouble !== undefined) return respondTrouble(context, visit, trouble, interaction)
    // Another tab moved it: what this visit allowed may not be what is shown now.
    current = { ...current, interaction, allowed: current.allowed && interaction?.revision === revision }
  }
  const answer = await refuse(context, visit, current, { reason: 'stateChanged' })
  return typeof answer === 'string' ? respondTrouble(context, visit, answer, current.interaction) : answer
}
