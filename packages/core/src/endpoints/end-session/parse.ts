// Owns turning a request to sign out into a typed one (OIDC RP-Initiated Logout §2). Never ends a session, and never answers.

import {
  clientId,
  err,
  type MultiMap,
  ok,
  type Result,
  repeated,
  single,
  type VerifiedRedirectUri,
} from '../../base/index.ts'
import { matchPostLogoutRedirectUri } from '../../client/index.ts'
import type { Context } from '../../context/index.ts'
import { LIMITS } from '../../spec/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import { type IdTokenHint, verifyIdTokenHint } from '../../tokens/index.ts'
import type { LogoutRejection } from './rejection.ts'

/** The parameters that mean something here; others are ignored. */
export const LOGOUT_PARAMETERS = [
  'id_token_hint',
  'logout_hint',
  'client_id',
  'post_logout_redirect_uri',
  'state',
  'ui_locales',
] as const

const LENGTHS: Readonly<Record<(typeof LOGOUT_PARAMETERS)[number], number>> = {
  id_token_hint: LIMITS.jwt,
  logout_hint: LIMITS.logoutHint,
  client_id: LIMITS.clientId,
  post_logout_redirect_uri: LIMITS.redirectUri,
  state: LIMITS.state,
  ui_locales: LIMITS.uiLocales,
}

/** Where a person goes after he signed out, if the client is known and registered it. */
export interface Destination {
  readonly uri: VerifiedRedirectUri
  readonly state: string | undefined
}

/** A request to sign out, after parsing. */
export interface ParsedLogout {
  /** Whom an ID token of this server names; undefined where there was none, or one that this server did not sign. */
  readonly hint: IdTokenHint | undefined
  /** The client that asks; undefined where nothing names it for sure, or it may not be used. */
  readonly client: ClientRecord | undefined
  readonly destination: Destination | undefined
  readonly logoutHint: string | undefined
  readonly uiLocales: readonly string[]
  /** What was sent, by name: a page that asks sends it back. */
  readonly sent: readonly (readonly [string, string])[]
}

const destinationOf = (
  client: ClientRecord | undefined,
  form: MultiMap,
): Result<Destination | undefined, LogoutRejection> => {
  const requested = single(form, 'post_logout_redirect_uri')
  // Whose URI it is must be known; without that, it is nobody's (OIDC RP-Initiated Logout §3).
  if (requested === undefined || client === undefined) return ok(undefined)
  const uri = matchPostLogoutRedirectUri(client, requested)
  if (uri === undefined) return err({ reason: 'logoutUriUnregistered' })
  return ok({ uri, state: single(form, 'state') })
}

const findClient = async (context: Context, id: string | undefined): Promise<ClientRecord | undefined> => {
  const client = id === undefined ? undefined : await context.stores.clients.findClient(clientId(id))
  return client?.disabled === false ? client : undefined
}

/**
 * Parses a request. A hint that this server did not sign is no hint, and takes the way back with it: whoever altered it may have
 * chosen the rest as well. A client that was deleted or switched off since is unknown, and the person is signed out all the same.
 */
export const parseLogout = async (context: Context, form: MultiMap): Promise<Result<ParsedLogout, LogoutRejection>> => {
  if (repeated(form, new Set()).length > 0) return err({ reason: 'parameterRepeated' })
  const sent = LOGOUT_PARAMETERS.flatMap((name) => {
    const value = single(form, name)
    return value === undefined ? [] : [[name, value] as const]
  })
  if (sent.some(([name, value]) => value.length > LENGTHS[name])) return err({ reason: 'parameterTooLong' })
  const token = single(form, 'id_token_hint')
  const hint = token === undefined ? undefined : await verifyIdTokenHint(context, token)
  const named = single(form, 'client_id')
  if (hint !== undefined && named !== undefined && named !== hint.clientId) return err({ reason: 'clientsDiffer' })
  const isHintRefused = token !== undefined && hint === undefined
  const client = isHintRefused ? undefined : await findClient(context, hint?.clientId ?? named)
  const destination = destinationOf(client, form)
  if (!destination.ok) return destination
  return ok({
    hint,
    client,
    destination: destination.value,
    logoutHint: single(form, 'logout_hint'),
    uiLocales:
      single(form, 'ui_locales')
        ?.split(' ')
        .filter((tag) => tag !== '') ?? [],
    sent,
  })
}
