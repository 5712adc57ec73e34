// Owns what a person is shown, or where he is sent, once he signed out or is to be asked. Never sends anybody to a URI that was not
// verified.

import { auditEntry } from '../../audit/index.ts'
import { type Instant, type MultiMap, single } from '../../base/index.ts'
import type { Answer } from '../../context/index.ts'
import { type Context, digestOf, referenceCode } from '../../context/index.ts'
import { displayClient } from '../../interaction/index.ts'
import { type Browser, formToken, isFormToken } from '../../session/index.ts'
import {
  type ClientDisplay,
  type Cookie,
  formEncode,
  NO_HEADERS,
  NO_STORE,
  pageReply,
  type Reply,
  type ReplyHeaders,
} from '../../wire/index.ts'
import type { NamedSession } from './decide.ts'
import type { Destination, ParsedLogout } from './parse.ts'
import { type LogoutRejection, toLogoutWords } from './rejection.ts'

// Browsers keep whole pages for going back, `no-store` or not; this drops them (W3C Clear Site Data).
const FORGET: ReplyHeaders = new Map([['Clear-Site-Data', '"cache"']])

const clientOf = ({ client, destination }: ParsedLogout): ClientDisplay | undefined => {
  const uri = destination?.uri ?? client?.redirectUris[0]
  return client === undefined || uri === undefined ? undefined : displayClient(client, uri)
}

/** The form that asks is bound to all that it was asked about, and to whom: nothing of it can be changed on the way. */
const formName = async (context: Context, fields: readonly (readonly [string, string])[]): Promise<string> =>
  `end_session:${await digestOf(context, JSON.stringify(fields))}`

const SESSIONS = 'sessions'

const asked = ({ sent }: ParsedLogout, sessions: string): readonly (readonly [string, string])[] => [
  ...sent,
  [SESSIONS, sessions],
]

/** The question, to whoever is signed in. */
export const respondConfirm = async (
  context: Context,
  request: ParsedLogout,
  ask: { readonly browser: Browser; readonly sessions: readonly NamedSession[]; readonly action: string },
): Promise<Reply> => {
  const accounts = ask.sessions.map(({ account }) => account)
  const fields = asked(request, accounts.map(({ sid }) => sid).join('.'))
  const csrf = await formToken(context, ask.browser, await formName(context, fields))
  const page = {
    step: 'confirm',
    accounts,
    client: clientOf(request),
    action: ask.action,
    fields: [...fields, ['csrf', csrf]],
    uiLocales: request.uiLocales,
  } as const
  return { kind: 'logout', page, headers: NO_STORE, cookies: ask.browser.cookies }
}

/** The sessions that a submitted question was about; undefined when it is not the one that this browser was shown. */
export const parseConfirmation = async (
  context: Context,
  request: ParsedLogout,
  submitted: { readonly browser: Browser | undefined; readonly form: MultiMap },
): Promise<ReadonlySet<string> | undefined> => {
  const { browser, form } = submitted
  const sessions = single(form, SESSIONS)
  if (browser === undefined || sessions === undefined) return undefined
  const name = await formName(context, asked(request, sessions))
  const genuine = await isFormToken(context, browser, { form: name, csrf: single(form, 'csrf') ?? '' })
  return genuine ? new Set(sessions.split('.')) : undefined
}

/** Where a person goes on: the state comes back exactly, and not at all where none was sent (OIDC RP-Initiated Logout §3). */
export const locationOf = ({ uri, state }: Destination): string => {
  if (state === undefined) return uri
  return `${uri}${uri.includes('?') ? '&' : '?'}state=${formEncode(state)}`
}

/** The end: back to the client, or a page that says so. */
export const respondDone = (
  request: ParsedLogout,
  left: { readonly remaining: number; readonly cookies: readonly Cookie[] },
): Reply => {
  const { remaining, cookies } = left
  const { destination, uiLocales } = request
  if (destination !== undefined) {
    return { kind: 'redirect', location: locationOf(destination), headers: FORGET, cookies }
  }
  const page = { step: 'done', client: clientOf(request), remaining, uiLocales } as const
  return { kind: 'logout', page, headers: new Map([...NO_STORE, ...FORGET]), cookies }
}

/** The page for a request that is refused. */
export const respondRefused = (
  context: Context,
  rejection: LogoutRejection,
  at: { readonly now: Instant; readonly network: string },
): Answer<Reply> => {
  const { status, problem, detail } = toLogoutWords(rejection)
  const reference = referenceCode(context)
  const headers = rejection.reason === 'methodNotAllowed' ? new Map([['Allow', 'GET, POST']]) : NO_HEADERS
  const fields = { reason: rejection.reason, reference, network: at.network }
  return {
    reply: pageReply(status, { problem, reference, detail, client: undefined }, headers),
    events: [auditEntry('logout.refused', at.now, fields)],
  }
}
