// Owns asking a person: opening or moving the interaction and saying what its page shows. Never decides whether to ask.

import { later } from '../../base/index.ts'
import { type Answer, type Context, randomText } from '../../context/index.ts'
import { displayClient, displayScopes, displayValues, type FlowStep, NO_PROGRESS } from '../../interaction/index.ts'
import type { Account } from '../../ports/index.ts'
import { needsResources } from '../../resource/index.ts'
import { formToken } from '../../session/index.ts'
import type {
  AuthorizationRequestRecord,
  ClientRecord,
  InteractionProgress,
  InteractionRecord,
  SessionRecord,
} from '../../store/index.ts'
import type { InteractionPrompt, PresentedInteraction, Reply } from '../../wire/index.ts'
import type { Flow, Visit } from './visit.ts'

/** The form name that an interaction's token is bound to. */
export const interactionForm = (id: string): string => `interaction:${id}`

/** A record for a request that has to wait; without a browser it binds to the first one that takes it up. */
export const newInteraction = (
  context: Context,
  opening: {
    readonly request: AuthorizationRequestRecord
    readonly pushedRequest: InteractionRecord['pushedRequest']
    readonly browserDigest: InteractionRecord['browserDigest']
    readonly progress: InteractionProgress
    readonly now: Visit['now']
  },
): InteractionRecord => ({
  id: randomText(context, 16),
  browserDigest: opening.browserDigest,
  revision: 1,
  request: opening.request,
  pushedRequest: opening.pushedRequest,
  progress: opening.progress,
  createdAt: opening.now,
  expiresAt: later(opening.now, context.lifetimes.interaction),
  settledAt: undefined,
})

/** Stores the progress that a page needs, opening the interaction if there is none; `stale` when it is no longer as it was read. */
const reach = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  progress: InteractionProgress,
): Promise<InteractionRecord | 'stale'> => {
  const { interaction, request, pushedRequest } = flow
  const browserDigest = visit.browser.digest
  if (interaction === undefined) {
    const opened = newInteraction(context, { request, pushedRequest, browserDigest, progress, now: visit.now })
    await context.stores.interactions.openInteraction(opened)
    return opened
  }
  if (interaction.progress === progress) return interaction
  const { id, revision } = interaction
  const outcome = await context.stores.interactions.advanceInteraction({
    id,
    revision,
    browserDigest,
    progress,
    now: visit.now,
  })
  return outcome === 'advanced' ? { ...interaction, revision: revision + 1, progress } : 'stale'
}

const present = async (
  context: Context,
  visit: Visit,
  interaction: InteractionRecord,
  page: { readonly client: ClientRecord; readonly prompt: InteractionPrompt },
): Promise<Answer<Reply>> => {
  const { request } = interaction
  const presented: PresentedInteraction = {
    id: interaction.id,
    prompt: page.prompt,
    client: displayClient(page.client, request.redirectUri),
    loginHint: request.loginHint,
    uiLocales: request.uiLocales,
    expiresAt: interaction.expiresAt,
    csrf: await formToken(context, visit.browser, interactionForm(interaction.id)),
  }
  const cookies = [...visit.browser.cookies, ...visit.cookies]
  return { reply: { kind: 'interact', interaction: presented, cookies }, events: [] }
}

/** Asks the person to sign in. */
export const presentLogin = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  page: { readonly client: ClientRecord; readonly step: Extract<FlowStep, { readonly step: 'login' }> },
): Promise<Answer<Reply> | 'stale'> => {
  const { reason, subject } = page.step
  const interaction = await reach(context, visit, flow, flow.interaction?.progress ?? NO_PROGRESS)
  if (interaction === 'stale') return interaction
  return present(context, visit, interaction, { client: page.client, prompt: { kind: 'login', reason, subject } })
}

/** Asks the person which account to go on with. */
export const presentSelection = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  page: { readonly client: ClientRecord; readonly sessions: readonly SessionRecord[] },
): Promise<Answer<Reply> | 'stale'> => {
  const interaction = await reach(context, visit, flow, flow.interaction?.progress ?? NO_PROGRESS)
  if (interaction === 'stale') return interaction
  const accounts = page.sessions.map(({ sid, subject }) => ({ sid, subject }))
  return present(context, visit, interaction, { client: page.client, prompt: { kind: 'selectAccount', accounts } })
}

/** Asks the person to allow, and pins whom the page was shown to. */
export const presentConsent = async (
  context: Context,
  visit: Visit,
  flow: Flow,
  page: { readonly client: ClientRecord; readonly session: SessionRecord; readonly account: Account },
): Promise<Answer<Reply> | 'stale'> => {
  const { sid, subject } = page.session
  const before = flow.interaction?.progress ?? NO_PROGRESS
  const pinned = before.consentShownTo?.sid === sid && before.consentShownTo.subject === subject
  const progress: InteractionProgress =
    pinned || flow.answering ? before : { ...before, consentShownTo: { sid, subject } }
  const interaction = await reach(context, visit, flow, progress)
  if (interaction === 'stale') return interaction
  const { request } = flow
  const resources = needsResources(request.scope) ? await context.stores.resources.listResources() : []
  const prompt: InteractionPrompt = {
    kind: 'consent',
    account: { sid, subject },
    scopes: displayScopes(request, resources),
    values: displayValues(request, page.account.claims),
  }
  return present(context, visit, interaction, { client: page.client, prompt })
}
