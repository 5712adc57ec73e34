// Owns what endpoints share that a client calls with a form: reading it, authenticating the client, and using up what proved it. Never knows
// what the form asks for.

import { auditEntry } from '../audit/index.ts'
import { err, type Instant, type MultiMap, ok, type Result, repeated } from '../base/index.ts'
import {
  type AuthenticatedClient,
  authenticateClient,
  type PresentedCredentials,
  parseCredentials,
} from '../client-auth/index.ts'
import type { Answer, Context } from '../context/index.ts'
import type { TokenRejection } from '../grant-types/index.ts'
import { isFormContentType, parseForm, type Reply, singleHeader, type WireRequest } from '../wire/index.ts'
import { respondRefused } from './token/respond.ts'

/** When and from where a request came. */
export interface Occasion {
  readonly network: string
  readonly now: Instant
}

/** The form of a client that proved who it is. */
export interface ClientForm {
  readonly form: MultiMap
  readonly client: AuthenticatedClient
}

/** A form that a client may not have sent yet: nothing of it is believed. */
export interface ParsedClientForm {
  readonly form: MultiMap
  readonly credentials: PresentedCredentials
}

/** Reads a form in which nothing is repeated, and the credentials in it. */
export const parseClientForm = (request: WireRequest): Result<ParsedClientForm, TokenRejection> => {
  if (!isFormContentType(singleHeader(request, 'content-type'))) return err({ reason: 'notAForm' })
  const form = parseForm(request.body ?? '')
  if (!form.ok) return form
  if (repeated(form.value, new Set()).length > 0) return err({ reason: 'parameterRepeated' })
  const credentials = parseCredentials(request, form.value)
  return credentials.ok ? ok({ form: form.value, credentials: credentials.value }) : credentials
}

/** Reads the form and authenticates the client. What proves it once is not used up yet: see `spendProofs`. */
export const authenticateForm = async (
  context: Context,
  parsed: Result<ParsedClientForm, TokenRejection>,
  occasion: Occasion,
): Promise<Result<ClientForm, TokenRejection>> => {
  if (!parsed.ok) return parsed
  const client = await authenticateClient(context, parsed.value.credentials, occasion)
  return client.ok ? ok({ form: parsed.value.form, client: client.value }) : client
}

/** Uses up what proved the client; for endpoints whose transitions take no proofs along. */
export const spendProofs = async (
  context: Context,
  { proofs }: AuthenticatedClient,
  now: Instant,
): Promise<Result<'spent', TokenRejection>> => {
  if (proofs.length === 0) return ok('spent')
  const outcome = await context.stores.reservations.reserve(proofs, now)
  return outcome === 'reserved' ? ok('spent') : err({ reason: 'proofReplayed' })
}

/** A refusal in the form of the token endpoint's, with its event. */
export const refuseForm = (
  request: WireRequest,
  parsed: Result<ParsedClientForm, TokenRejection>,
  rejection: TokenRejection,
  { network, now }: Occasion,
): Answer<Reply> & { readonly client: string | undefined } => {
  const { reply, told } = respondRefused(request, rejection, now)
  const clientId = parsed.ok ? parsed.value.credentials.clientId : undefined
  const who = { reason: rejection.reason, network, ...(clientId === undefined ? {} : { clientId }) }
  const event =
    told.status === 401 || told.status === 429
      ? auditEntry('client_authentication.failed', now, {
          ...who,
          ...(parsed.ok ? { method: parsed.value.credentials.method } : {}),
        })
      : auditEntry('token.refused', now, { ...who, error: told.error })
  return { reply, events: [event], client: clientId }
}
