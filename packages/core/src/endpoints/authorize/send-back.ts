// Owns how a refusal leaves: to the client, or on a page where sending anybody on would serve whoever made up the client. Never decides
// that something is refused.

import type { Context } from '../../context/index.ts'
import { displayClient } from '../../interaction/index.ts'
import type { HeldSession } from '../../session/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import type { Cookie, Reply } from '../../wire/index.ts'
import { type AuthorizationRejection, toWireError } from './rejection.ts'
import { type ResponseAddress, respondError, respondProblem } from './respond.ts'

/** A refusal, where its answer would go, and who is there to see it. */
export interface Refusal {
  /** Undefined when it is gone. */
  readonly client: ClientRecord | undefined
  readonly address: ResponseAddress
  readonly rejection: AuthorizationRejection
  /** Reads the browser's live sessions. */
  readonly sessions: () => Promise<readonly HeldSession[]>
  readonly cookies: readonly Cookie[]
}

/**
 * Answers a refusal. A client that registered itself has registered where people are sent, so that a link with a mistake in it would lead
 * from this server to any site of its choice: such a client is answered by redirect only where somebody is signed in, who at least may have
 * wanted to go there (RFC 9700 §4.11.2).
 */
export const respondRefusal = async (
  context: Context,
  refusal: Refusal,
): Promise<{ readonly reply: Reply; readonly reference: string | undefined }> => {
  const { client, address, rejection, cookies } = refusal
  if (client?.origin === 'operator' || (await refusal.sessions()).length > 0) {
    return { reply: await respondError(context, address, rejection, cookies), reference: undefined }
  }
  const { error, description } = toWireError(rejection)
  const shown = client === undefined ? {} : { client: displayClient(client, address.redirectUri) }
  const page = { status: 400, problem: 'notSentBack', detail: `${error}: ${description}`, ...shown, cookies } as const
  return respondProblem(context, page)
}
