// Owns the one decision of the authorization flow: what is to happen next. Pure and synchronous: no store, no clock, no browser.
// Steps never route to each other; each returns here with its fact, so that no order of pages can skip a rule.

import type { Instant, Subject } from '../base/index.ts'
import { idTokenClaim } from '../claims/index.ts'
import type { AuthorizationError } from '../spec/index.ts'
import type { AuthorizationRequestRecord, InteractionProgress, SessionRecord } from '../store/index.ts'
import type { LoginReason } from '../wire/index.ts'

/** What the decision looks at. */
export interface FlowFacts {
  readonly request: AuthorizationRequestRecord
  readonly progress: InteractionProgress
  /** Live sessions of this browser with active people, the current one first. */
  readonly sessions: readonly SessionRecord[]
  /** Authentication context classes that a sign-in can reach. */
  readonly reachableAcr: readonly string[]
  readonly defaultMaxAge: number | undefined
  readonly now: Instant
}

/** What is to happen next. */
export type FlowStep =
  | { readonly step: 'login'; readonly reason: LoginReason; readonly subject: Subject | undefined }
  | { readonly step: 'selectAccount' }
  /** The person is known well enough; consent is the next question. */
  | { readonly step: 'identified'; readonly session: SessionRecord }
  | { readonly step: 'refuse'; readonly reason: FlowRefusal }

/** Why no page can help. */
export type FlowRefusal = 'loginRequired' | 'accountSelectionRequired' | 'otherPersonSignedIn' | 'acrUnreachable'

/** The error a client is told for a refusal (OIDC Core §3.1.2.6). */
export const FLOW_REFUSAL_ERRORS: Readonly<Record<FlowRefusal, AuthorizationError>> = {
  loginRequired: 'login_required',
  accountSelectionRequired: 'account_selection_required',
  otherPersonSignedIn: 'login_required',
  acrUnreachable: 'unmet_authentication_requirements',
}

/** The untouched progress of a request that nobody was asked about yet. */
export const NO_PROGRESS: InteractionProgress = {
  authenticated: undefined,
  selected: undefined,
  otherAccount: false,
  consentShownTo: undefined,
}

const find = (sessions: readonly SessionRecord[], sid: string | undefined): SessionRecord | undefined =>
  sessions.find((session) => session.sid === sid)

/** The levels of which one is essential; undefined when any will do (OIDC Core §5.5.1.1). */
const essentialAcr = (request: AuthorizationRequestRecord): readonly (string | number | boolean)[] | undefined => {
  const wanted = idTokenClaim(request.claims, 'acr')
  return wanted?.essential === true && wanted.values.length > 0 ? wanted.values : undefined
}

const acrHolds = (request: AuthorizationRequestRecord, session: SessionRecord): boolean => {
  const wanted = essentialAcr(request)
  return wanted === undefined || (session.acr !== undefined && wanted.includes(session.acr))
}

/** Whether a sign-in can be good enough: where it cannot, nobody is asked for a password in vain. */
const acrReachable = (facts: FlowFacts): boolean =>
  essentialAcr(facts.request)?.some((value) => facts.reachableAcr.some((acr) => acr === value)) ?? true

const chooseSession = (facts: FlowFacts): SessionRecord | 'select' | undefined => {
  const { request, progress, sessions } = facts
  if (progress.otherAccount) return undefined
  const selected = find(sessions, progress.selected)
  if (selected !== undefined) return selected
  if (request.prompts.includes('select_account')) return sessions.length === 0 ? undefined : 'select'
  const required = request.requiredSubject
  if (required !== undefined) return sessions.find((session) => session.subject === required) ?? sessions[0]
  return sessions[0]
}

/** Why a session that was not begun for this request does not do, if so. */
const reauthentication = (facts: FlowFacts, session: SessionRecord): LoginReason | undefined => {
  const { request, now } = facts
  if (request.requiredSubject !== undefined && session.subject !== request.requiredSubject) return 'otherPersonNeeded'
  if (request.prompts.includes('login')) return 'requested'
  const maxAge = request.maxAge ?? facts.defaultMaxAge
  // max_age=0 asks for a sign-in now, like prompt=login (OIDC Core §3.1.2.1).
  if (maxAge !== undefined && (maxAge === 0 || now - session.authTime > maxAge)) return 'tooLongAgo'
  return acrHolds(request, session) ? undefined : 'strongerNeeded'
}

const decideInteractive = (facts: FlowFacts): FlowStep => {
  const { request, progress, sessions } = facts
  const authenticated = find(sessions, progress.authenticated)
  if (authenticated !== undefined) {
    const required = request.requiredSubject
    if (required !== undefined && authenticated.subject !== required) {
      return { step: 'refuse', reason: 'otherPersonSignedIn' }
    }
    if (acrHolds(request, authenticated)) return { step: 'identified', session: authenticated }
    return { step: 'refuse', reason: 'acrUnreachable' }
  }
  const chosen = chooseSession(facts)
  if (chosen === 'select') return { step: 'selectAccount' }
  if (chosen === undefined) {
    const reason = progress.otherAccount ? 'otherAccount' : 'signedOut'
    return { step: 'login', reason, subject: request.requiredSubject }
  }
  const reason = reauthentication(facts, chosen)
  if (reason === undefined) return { step: 'identified', session: chosen }
  return { step: 'login', reason, subject: request.requiredSubject ?? chosen.subject }
}

/** Decides the next step; with prompt=none every question is a refusal instead (OIDC Core §3.1.2.1). */
export const decideStep = (facts: FlowFacts): FlowStep => {
  const decided = decideInteractive(facts)
  if (decided.step === 'login' && !acrReachable(facts)) return { step: 'refuse', reason: 'acrUnreachable' }
  if (!facts.request.prompts.includes('none')) return decided
  if (decided.step === 'login') return { step: 'refuse', reason: 'loginRequired' }
  if (decided.step === 'selectAccount') return { step: 'refuse', reason: 'accountSelectionRequired' }
  return decided
}
