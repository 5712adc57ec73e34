// Owns what an embedder's pages call. Each call checks browser, token and state before it does anything, changes one fact of the
// interaction, and hands over to the one flow. Never routes from page to page.

import { type Err, err, isBase64urlOf, ok, type Result } from '../../base/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import type { Interactions, Submission } from '../../provider-types.ts'
import { isFormToken, startSession } from '../../session/index.ts'
import type { InteractionProgress, InteractionRecord } from '../../store/index.ts'
import type { PresentedInteraction, Reply, WireRequest } from '../../wire/index.ts'
import { visitOf } from './endpoint.ts'
import { advance } from './flow.ts'
import { interactionForm } from './present.ts'
import { respondTrouble, type Trouble, troubleOf } from './trouble.ts'
import type { Flow, Visit } from './visit.ts'

interface Opened {
  readonly interaction: InteractionRecord
  readonly visit: Visit
}

type Opening = Result<Opened, Answer<Reply>>

const trouble = async (
  context: Context,
  visit: Visit,
  kind: Trouble,
  interaction: InteractionRecord | undefined,
): Promise<Err<Answer<Reply>>> => err(await respondTrouble(context, visit, kind, interaction))

const open = async (context: Context, request: WireRequest, id: string): Promise<Opening> => {
  const visit = await visitOf(context, request)
  const interaction = isBase64urlOf(id, 22) ? await context.stores.interactions.findInteraction(id) : undefined
  if (interaction === undefined) return trouble(context, visit, 'unknown', undefined)
  const kind = troubleOf(interaction, visit)
  return kind === undefined ? ok({ interaction, visit }) : trouble(context, visit, kind, interaction)
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

const flowOf = (
  interaction: InteractionRecord,
  said: Partial<Pick<Flow, 'allowed' | 'answering' | 'ending'>> = {},
): Flow => ({
  request: interaction.request,
  pushedRequest: interaction.pushedRequest,
  interaction,
  allowed: said.allowed ?? false,
  answering: said.answering ?? false,
  ending: said.ending,
})

// A double click or a second tab: the second one finds the interaction moved, and its fact is as true as before.
const MAX_TRIES = 3

/** Stores one fact and goes on. */
const moveOn = async (
  context: Context,
  { interaction, visit }: Opened,
  change: (progress: InteractionProgress) => InteractionProgress,
): Promise<Answer<Reply>> => {
  let current = interaction
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const { id, revision } = current
    const progress = change(current.progress)
    const move = { id, revision, browserDigest: visit.browser.digest, progress, now: visit.now }
    const outcome = await context.stores.interactions.advanceInteraction(move)
    if (outcome === 'advanced') {
      return advance(context, visit, flowOf({ ...current, revision: revision + 1, progress }))
    }
    if (outcome !== 'stale') return respondTrouble(context, visit, outcome, current)
    current = (await context.stores.interactions.findInteraction(id)) ?? current
  }
  return respondTrouble(context, visit, 'stale', current)
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
  if (!started.ok) {
    return advance(context, visit, flowOf(interaction, { ending: { reason: 'personDisabled' } }))
  }
  const { session, cookie } = started.value
  // The request did not bring the new session's cookie yet; the flow reads its state from the store all the same.
  const sessions = async (): ReturnType<Visit['sessions']> => {
    const others = await visit.sessions()
    const [begun] = await context.stores.sessions.findSessions([session.secretDigest])
    return begun === undefined || begun.subject.status !== 'active' ? others : [{ ...begun, secret: '' }, ...others]
  }
  const begun = { interaction, visit: { ...visit, sessions, cookies: [...visit.cookies, cookie] } }
  return moveOn(context, begun, (progress) => ({
    ...progress,
    authenticated: session.sid,
    selected: undefined,
    otherAccount: false,
  }))
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
  return moveOn(context, opened.value, (progress) => ({
    ...progress,
    authenticated: undefined,
    selected,
    otherAccount: other,
  }))
}

const consented = async (context: Context, request: WireRequest, submission: Submission): Promise<Answer<Reply>> => {
  const opened = await openSubmitted(context, request, submission)
  if (!opened.ok) return opened.error
  return advance(context, opened.value.visit, flowOf(opened.value.interaction, { allowed: true }))
}

const denied = async (context: Context, request: WireRequest, submission: Submission): Promise<Answer<Reply>> => {
  const opened = await openSubmitted(context, request, submission)
  if (!opened.ok) return opened.error
  const { interaction, visit } = opened.value
  return advance(context, visit, flowOf(interaction, { ending: { reason: 'accessDenied' } }))
}

const check = async (
  context: Context,
  request: WireRequest,
  submission: Submission,
): Promise<Answer<Result<PresentedInteraction, Reply>>> => {
  const opened = await openSubmitted(context, request, submission)
  if (!opened.ok) return { reply: err(opened.error.reply), events: opened.error.events }
  const flow = flowOf(opened.value.interaction, { answering: true })
  const { reply, events } = await advance(context, opened.value.visit, flow)
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
