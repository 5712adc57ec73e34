// Owns why an interaction cannot go on, and the page that says so. Never redirects: nobody is told anything but the person.

import { auditEntry } from '../../audit/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { displayClient } from '../../interaction/index.ts'
import type { InteractionRecord, InteractionRefusal } from '../../store/index.ts'
import type { ClientDisplay, PageProblem, Reply } from '../../wire/index.ts'
import { respondProblem } from './respond.ts'
import type { Missed, Visit } from './visit.ts'

/** Why an interaction cannot go on in this visit. */
export type Trouble = InteractionRefusal | Missed | 'forged'

const TROUBLES: Readonly<
  Record<Trouble, { readonly status: number; readonly problem: PageProblem; readonly detail: string }>
> = {
  unknown: { status: 404, problem: 'interactionUnknown', detail: 'no such sign-in is under way' },
  mismatched: { status: 403, problem: 'interactionElsewhere', detail: 'this sign-in was begun in another browser' },
  alreadySettled: { status: 409, problem: 'interactionFinished', detail: 'this sign-in was finished already' },
  expired: { status: 410, problem: 'interactionExpired', detail: 'this sign-in took too long' },
  stale: { status: 409, problem: 'interactionFinished', detail: 'this sign-in went on in another tab' },
  // Nobody but the person is told: the client was given its answer, and a second one would only confuse it.
  requestSpent: {
    status: 409,
    problem: 'interactionFinished',
    detail: 'invalid_request_uri: this request was answered',
  },
  forged: { status: 403, problem: 'formForged', detail: 'the form did not come from a page of this sign-in' },
}

/** Why this browser cannot go on with an interaction as it was found, judged in the order of the store; one without a browser is anybody's. */
export const troubleOf = (interaction: InteractionRecord, visit: Visit): InteractionRefusal | undefined => {
  if (interaction.browserDigest !== undefined && interaction.browserDigest !== visit.browser.digest) return 'mismatched'
  if (interaction.settledAt !== undefined) return 'alreadySettled'
  return interaction.expiresAt <= visit.now ? 'expired' : undefined
}

const clientOf = async (context: Context, interaction: InteractionRecord): Promise<ClientDisplay | undefined> => {
  const client = await context.stores.clients.findClient(interaction.request.clientId)
  return client === undefined ? undefined : displayClient(client, interaction.request.redirectUri)
}

/** The page for an interaction that cannot go on. */
export const respondTrouble = async (
  context: Context,
  visit: Visit,
  kind: Trouble,
  interaction: InteractionRecord | undefined,
): Promise<Answer<Reply>> => {
  // Another browser is not told which app it was.
  const known = interaction !== undefined && kind !== 'mismatched' && kind !== 'forged'
  const client = known ? await clientOf(context, interaction) : undefined
  const words = TROUBLES[kind]
  const page = { ...words, ...(client === undefined ? {} : { client }), cookies: visit.cookies }
  const { reply, reference } = respondProblem(context, page)
  const fields = { reason: words.problem, reference, network: visit.network }
  return { reply, events: [auditEntry('authorization.refused', visit.now, fields)] }
}
