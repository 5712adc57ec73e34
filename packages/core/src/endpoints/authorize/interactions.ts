// Owns what an embedder's pages call. Each call checks browser, token and state before it does anything, changes one fact of the
// interaction, and hands over to the one flow. Never routes from page to page.

import { auditEntry } from '../../audit/index.ts'
import { type Err, err, isBase64urlOf, ok, type Result } from '../../base/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { displayClient } from '../../interaction/index.ts'
import type { Interactions, Submission } from '../../provider-types.ts'
import { isFormToken, startSession } from '../../session/index.ts'
import type { InteractionProgress, InteractionRecord, InteractionRefusal } from '../../store/index.ts'
import type { ClientDisplay, PageProblem, PresentedInteraction, Reply, WireRequest } from '../../wire/index.ts'
import { visitOf } from './endpoint.ts'
import { advance, type Flow, refuse, type Visit } from './flow.ts'
import { interactionForm } from './present.ts'
import { respondProblem } from './respond.ts'

type Trouble = InteractionRefusal | 'forged'

const TROUBLES: Readonly<
  Record<Trouble, { readonly status: number; readonly problem: PageProblem; readonly detail: string }>
> = {
  unknown: { status: 404, problem: 'interactionUnknown', detail: 'no such sign-in is under way' },
  mismatched: { status: 403, problem: 'interactionElsewhere', detail: 'this sign-in was begun in another browser' },
  alreadySettled: { status: 409, problem: 'interactionFinished', detail: 'this sign-in was finished already' },
  expired: { status: 410, problem: 'interactionExpired', detail: 'this sign-in took too long' },
  stale: { status: 409, problem: 'interactionFinished', detail: 'this sign-in went on in another tab' },
  forged: { status: 403, problem: 'formForged', detail: 'the form did not come from a page of this sign-in' },
}

interface Opened {
  readonly interaction: InteractionRecord
  readonly visit: Visit
}

type Opening = Result<Opened, Answer<Reply>>

const clientOf = async (context: Context, interaction: InteractionRecord): Promise<ClientDisplay | undefined> => {
  const client = await context.stores.clients.findClient(interaction.request.clientId)
  return client === undefined ? undefined : displayClient(client, interaction.request.redirectUri)
}

const trouble = async (
  context: Context,
  visit: Visit,
  kind: Trouble,
  interaction: InteractionRecord | undefined,
): Promise<Err<Answer<Reply>>> => {
  // Another browser is not told which app it was.
  const known = interaction !== undefined && kind !== 'mismatched' && kind !== 'forged'
  const client = known ? await clientOf(context, interaction) : undefined
  const words = TROUBLES[kind]
  const { reply, reference } = respondProblem(context, client === undefined ? words : { ...words, client })
  const fields = { reason: words.problem, reference, network: visit.network }
  return err({ reply, events: [auditEntry('authorization.refused', visit.now, fields)] })
}

const open = async (context: Context, request: WireRequest, id: string): Promise<Opening> => {
  const visit = await visitOf(context, request)
  const interaction = isBase64urlOf(id, 22) ? await context.stores.interactions.findInteraction(id) : undefined
  if (interaction === undefined) return trouble(context, visit, 'unknown', undefined)
  if (interaction.browserDigest !== undefined && interaction.browserDigest !== visit.browser.digest) {
    return trouble(context, visit, 'mismatched', interaction)
  }
  if (interaction.settledAt !== undefined) return trouble(context, visit, 'alreadySettled', interaction)
  if (interaction.expiresAt <= visit.now) return trouble(context, visit, 'expired', interaction)
  return ok({ interaction, visit })
}

const openSubmitted = async (context: Context, request: WireRequest, submission: Submission): Promise<Opening> => {
  const opened = await open(context, request, submission.id)
  if (!opened.ok) return opened
  const { visit, interaction } = opened.value
  const submitted = { form: interactionForm(submission.id), csrf: submission.csrf }
  // A browser that is only now given a cookie cannot have been shown the page.
  const genuine =
    interaction.browserDigest !== undefined &&
    visit.browser.cookies.length === 0 &&
    (await isFormToken(context, visit.browser, submitted))
  return genuine ? opened : trouble(context, visit, 'forged', interaction)
}

const flowOf = (interaction: InteractionRecord, allowed = false): Flow => ({
  request: interaction.request,
  interaction,
  allowed,
})

/** Stores one fact and goes on. */
const moveOn = async (
  context: Context,
  { interaction, visit }: Opened,
  progress: InteractionProgress,
): Promise<Answer<Reply>> => {
  const { id, revision } = interaction
  const browserDigest = visit.browser.digest
  const outcome = await context.stores.interactions.advanceInteraction({
    id,
    revision,
    browserDigest,
    progress,
    now: visit.now,
  })
  if (outcome !== 'advanced') {
    const page = await trouble(context, visit, outcome, interaction)
    return page.error
  }
  return advance(context, visit, flowOf({ ...interaction, revision: revision + 1, progress }))
}

const resume = async (context: Context, request: WireRequest, id: string): Promise<Answer<Reply>> => {
  const opened = await open(context, request, id)
  if (!opened.ok) return opened.error
  const { interaction, visit } = opened.value
  if (interaction.browserDigest !== undefined) return advance(context, visit, flowOf(interaction))
  const browserDigest = visit.browser.digest
  const outcome = await context.stores.interactions.bindInteraction({ id, browserDigest, now: visit.now })
  if (outcome !== 'bound') return (await trouble(context, visit, outcome, interaction)).error
  return advance(context, visit, flowOf({ ...interaction, browserDigest }))
}

const authenticated = async (
  context: Context,
  request: WireRequest,
  report: Parameters<Interactions['authenticated']>[1],
): Promise<Answer<Reply>> => {
  const opened = await openSubmitted(context, request, report)
  if (!opened.ok) return opened.error
  const { interaction, visit } = opened.value
  const held = await visit.sessions()
  const started = await startSession(context, { held, facts: report.facts, network: visit.network, now: visit.now })
  if (!started.ok) return refuse(context, visit, flowOf(interaction), { reason: 'personDisabled' })
  const { session, cookie } = started.value
  // The request did not bring the new session's cookie yet; the flow reads its state from the store all the same.
  const sessions = async (): ReturnType<Visit['sessions']> => {
    const others = await visit.sessions()
    const [begun] = await context.stores.sessions.findSessions([session.secretDigest])
    return begun === undefined || begun.subject.status !== 'active' ? others : [{ ...begun, secret: '' }, ...others]
  }
  const progress = { ...interaction.progress, authenticated: session.sid, selected: undefined, otherAccount: false }
  return moveOn(context, { interaction, visit: { ...visit, sessions, cookies: [...visit.cookies, cookie] } }, progress)
}

const accountSelected = async (
  context: Context,
  request: WireRequest,
  choice: Parameters<Interactions['accountSelected']>[1],
): Promise<Answer<Reply>> => {
  const opened = await openSubmitted(context, request, choice)
  if (!opened.ok) return opened.error
  const other = choice.sid === 'other'
  const selected = choice.sid === 'other' ? undefined : choice.sid
  const { progress } = opened.value.interaction
  return moveOn(context, opened.value, { ...progress, authenticated: undefined, selected, otherAccount: other })
}

const consented = async (context: Context, request: WireRequest, submission: Submission): Promise<Answer<Reply>> => {
  const opened = await openSubmitted(context, request, submission)
  if (!opened.ok) return opened.error
  return advance(context, opened.value.visit, flowOf(opened.value.interaction, true))
}

const denied = async (context: Context, request: WireRequest, submission: Submission): Promise<Answer<Reply>> => {
  const opened = await openSubmitted(context, request, submission)
  if (!opened.ok) return opened.error
  return refuse(context, opened.value.visit, flowOf(opened.value.interaction), { reason: 'accessDenied' })
}

const check = async (
  context: Context,
  request: WireRequest,
  submission: Submission,
): Promise<Answer<Result<PresentedInteraction, Reply>>> => {
  const opened = await openSubmitted(context, request, submission)
  if (!opened.ok) return { reply: err(opened.error.reply), events: opened.error.events }
  const { reply, events } = await advance(context, opened.value.visit, flowOf(opened.value.interaction))
  return { reply: reply.kind === 'interact' ? ok(reply.interaction) : err(reply), events }
}

/** The calls of an embedder's pages, each with the events it leaves behind. */
export interface InteractionEndpoints {
  readonly resume: (request: WireRequest, id: string) => Promise<Answer<Reply>>
  readonly check: (request: WireRequest, submission: Submission) => Promise<Answer<Result<PresentedInteraction, Reply>>>
  readonly authenticated: (
    request: WireRequest,
    report: Parameters<Interactions['authenticated']>[1],
  ) => Promise<Answer<Reply>>
  readonly accountSelected: (
    request: WireRequest,
    choice: Parameters<Interactions['accountSelected']>[1],
  ) => Promise<Answer<Reply>>
  readonly consented: (request: WireRequest, submission: Submission) => Promise<Answer<Reply>>
  readonly denied: (request: WireRequest, submission: Submission) => Promise<Answer<Reply>>
}

/** Binds the calls to their surroundings. */
export const interactionEndpoints = (context: Context): InteractionEndpoints => ({
  resume: (request, id) => resume(context, request, id),
  check: (request, submission) => check(context, request, submission),
  authenticated: (request, report) => authenticated(context, request, report),
  accountSelected: (request, choice) => accountSelected(context, request, choice),
  consented: (request, submission) => consented(context, request, submission),
  denied: (request, submission) => denied(context, request, submission),
})
