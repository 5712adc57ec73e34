// Owns the logout endpoint (OIDC RP-Initiated Logout §2): GET and POST through the same parser. A session ends before anything is answered.

import {
  err,
  type Instant,
  type Json,
  type JsonObject,
  type MultiMap,
  member,
  type Result,
  single,
} from '../../base/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { endSessions, ensureBrowser, findBrowser, type HeldSession, liveSessions } from '../../session/index.ts'
import {
  formEncode,
  isFormContentType,
  parseForm,
  type Reply,
  readCookie,
  singleHeader,
  type WireRequest,
} from '../../wire/index.ts'
import { decideLogout, type NamedSession } from './decide.ts'
import { LOGOUT_PARAMETERS, type ParsedLogout, parseLogout } from './parse.ts'
import type { LogoutRejection } from './rejection.ts'
import { parseConfirmation, respondConfirm, respondDone, respondRefused } from './respond.ts'

/** Its path below the issuer. */
export const END_SESSION_PATH = '/end_session'

// The longest query that every door takes, well below 16 KiB.
const LONGEST_QUERY = 12_288

// What a URI may consist of (RFC 3986 §2): doors read other bytes by different rules, and `state` would come back changed.
const URI_TEXT = /^[\x21-\x7e]*$/

const formOf = (request: WireRequest): Result<MultiMap, LogoutRejection> => {
  if (request.method === 'GET')
    return URI_TEXT.test(request.query) ? parseForm(request.query) : err({ reason: 'formIllEncoded' })
  if (request.method !== 'POST') return err({ reason: 'methodNotAllowed' })
  if (!isFormContentType(singleHeader(request, 'content-type'))) return err({ reason: 'notAForm' })
  return parseForm(request.body ?? '')
}

/** Whether a form is the answer to our own question. */
const isConfirmation = (request: WireRequest, form: MultiMap): boolean =>
  request.method === 'POST' && single(form, 'action') === 'sign-out'

/**
 * Whether a browser itself says that another site sent a form (Fetch Metadata §2.4, RFC 6454 §7). Other sites may ask to sign out; the
 * answer to our own question comes from our own page. `null` is what a browser says of pages without a referrer, as ours are.
 */
const isForeign = (context: Context, request: WireRequest): boolean => {
  const site = singleHeader(request, 'sec-fetch-site')
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  const origin = singleHeader(request, 'origin')
  return origin !== undefined && origin !== 'null' && origin !== new URL(context.issuer).origin
}

/**
 * Whether a POST came without any cookie of ours: a browser leaves Lax cookies out of a cross-site POST, so who is signed in is known only
 * when it comes back by GET.
 */
const cameBare = async (context: Context, request: WireRequest): Promise<boolean> =>
  request.method === 'POST' &&
  (await findBrowser(context, request)) === undefined &&
  readCookie(request, context.cookies.session) === undefined

/** Sends the browser here again by GET; a hint too long for an address is left behind, so that the person is asked. */
const comeAgain = (context: Context, form: MultiMap): Reply => {
  const queryOf = (names: readonly string[]): string =>
    names
      .flatMap((name) => {
        const value = single(form, name)
        return value === undefined ? [] : [`${name}=${formEncode(value)}`]
      })
      .join('&')
  const whole = queryOf(LOGOUT_PARAMETERS)
  const query =
    whole.length <= LONGEST_QUERY ? whole : queryOf(LOGOUT_PARAMETERS.filter((name) => name !== 'id_token_hint'))
  const location = `${context.issuer}${END_SESSION_PATH}${query === '' ? '' : `?${query}`}`
  return { kind: 'redirect', location, cookies: [] }
}

const textOf = (claims: JsonObject, name: string): string | undefined => {
  const value: Json | undefined = member(claims, name)
  return typeof value === 'string' ? value : undefined
}

/** Names for the question; signing out must work even where nobody can say them. */
const nameSession = async (context: Context, held: HeldSession): Promise<NamedSession> => {
  const { sid, subject } = held.session
  const claims = await Promise.resolve()
    .then(() => context.ports.accounts.find(subject))
    .then(
      (account) => account?.claims ?? {},
      () => ({}),
    )
  const username = textOf(claims, 'preferred_username')
  const aliases = [username, textOf(claims, 'email'), textOf(claims, 'phone_number')]
  return {
    held,
    account: { sid, subject, name: textOf(claims, 'name'), username },
    aliases: aliases.filter((alias) => alias !== undefined),
  }
}

interface Visit {
  readonly held: readonly HeldSession[]
  readonly now: Instant
}

/** Ends what is to end, then answers; what cannot be ended now is answered by nobody (503). */
const end = async (
  context: Context,
  request: ParsedLogout,
  { held, now }: Visit,
  ends: (sid: string) => boolean,
): Promise<Answer<Reply>> => {
  const remaining = held.filter(({ session }) => !ends(session.sid)).length
  const ending = { ends: (session: HeldSession['session']) => ends(session.sid), reason: 'clientLogout', now }
  const cookie = await endSessions(context, held, ending)
  const cookies = held.length === 0 ? [] : [cookie]
  return { reply: respondDone(request, { remaining, cookies }), events: [] }
}

/** Answers a request to sign out. */
export const endSessionEndpoint =
  (context: Context) =>
  async (request: WireRequest): Promise<Answer<Reply>> => {
    const now = context.ports.clock.now()
    const refuse = (rejection: LogoutRejection): Answer<Reply> =>
      respondRefused(context, rejection, { now, network: request.remoteAddress })
    const form = formOf(request)
    if (!form.ok) return refuse(form.error)
    const parsed = await parseLogout(context, form.value)
    if (!parsed.ok) return refuse(parsed.error)
    const held = await liveSessions(context, request, now)
    if (isConfirmation(request, form.value)) {
      const submitted = { browser: await findBrowser(context, request), form: form.value }
      const confirmed = isForeign(context, request)
        ? undefined
        : await parseConfirmation(context, parsed.value, submitted)
      if (confirmed === undefined) return refuse({ reason: 'formForged' })
      return end(context, parsed.value, { held, now }, (sid) => confirmed.has(sid))
    }
    if (await cameBare(context, request)) return { reply: comeAgain(context, form.value), events: [] }
    const sessions = await Promise.all(held.map((session) => nameSession(context, session)))
    const step = decideLogout(parsed.value, sessions)
    if (step.step === 'end') {
      const ended = new Set<string>(step.sessions.map(({ session }) => session.sid))
      return end(context, parsed.value, { held, now }, (sid) => ended.has(sid))
    }
    const browser = await ensureBrowser(context, request)
    const action = new URL(`${context.issuer}${END_SESSION_PATH}`).pathname
    const reply = await respondConfirm(context, parsed.value, { browser, sessions: step.sessions, action })
    return { reply, events: [] }
  }
