// Owns the sessions of a browser: reading them from its cookie, starting and ending them. Never trusts a cookie's own expiry and
// never adopts an identifier that a browser brings.

import { auditEntry } from '../audit/index.ts'
import {
  type Digest,
  err,
  type Instant,
  isBase64urlOf,
  later,
  ok,
  type Result,
  type SessionId,
  sessionId,
  type Subject,
} from '../base/index.ts'
import { type Context, digestOf, randomText } from '../context/index.ts'
import type { SessionRecord, SessionSnapshot } from '../store/index.ts'
import { type Cookie, readCookie, type WireRequest } from '../wire/index.ts'

// Five accounts in one browser; the cookie stays under 250 bytes.
const MAX_SESSIONS = 5
// The idle end moves at most this often, so that reading a session rarely writes.
const TOUCH_STEP = 300

/** What an embedder reports once a person has proved who he is. */
export interface AuthenticationFacts {
  /** Stable identifier of the person, 1 to 255 printable ASCII characters (OIDC Core §2 `sub`). */
  readonly subject: Subject
  /** Methods used (RFC 8176 §2), for instance `['pwd']`. */
  readonly amr: readonly string[]
  /** Level reached; undefined when the embedder names none. */
  readonly acr: string | undefined
}

/** A session of the browser with the secret that names it. */
export interface HeldSession extends SessionSnapshot {
  readonly secret: string
}

/** Whether a session counts at an instant, its person included (expiry is judged at use). */
export const isLive = (
  session: Pick<SessionRecord, 'endedAt' | 'idleExpiresAt' | 'absoluteExpiresAt'>,
  now: Instant,
): boolean => session.endedAt === undefined && session.idleExpiresAt > now && session.absoluteExpiresAt > now

const secretsOf = (context: Context, request: WireRequest): readonly string[] =>
  (readCookie(request, context.cookies.session) ?? '')
    .split('.', MAX_SESSIONS)
    .filter((secret) => isBase64urlOf(secret, 43))

/** The browser's live sessions of active people, the current one first. */
export const liveSessions = async (
  context: Context,
  request: WireRequest,
  now: Instant,
): Promise<readonly HeldSession[]> => {
  const secrets = new Map<Digest, string>()
  for (const secret of secretsOf(context, request)) secrets.set(await digestOf(context, secret), secret)
  if (secrets.size === 0) return []
  const found = await context.stores.sessions.findSessions([...secrets.keys()])
  return found
    .filter(({ session, subject }) => isLive(session, now) && subject.status === 'active')
    .map((snapshot) => ({ ...snapshot, secret: secrets.get(snapshot.session.secretDigest) ?? '' }))
}

const sessionCookie = (context: Context, secrets: readonly string[]): Cookie => ({
  name: context.cookies.session,
  value: secrets.join('.'),
  maxAge: secrets.length === 0 ? 0 : context.lifetimes.sessionAbsolute,
})

/** The cookie that makes `current` the first of the browser's sessions. */
export const cookieFor = (context: Context, held: readonly HeldSession[], current: HeldSession): Cookie =>
  sessionCookie(context, [
    current.secret,
    ...held.filter((other) => other.secret !== current.secret).map((other) => other.secret),
  ])

/** A session just begun. */
export interface StartedSession {
  readonly session: SessionRecord
  readonly cookie: Cookie
}

/** Begins a session under fresh identifiers; an earlier one of the same person in this browser ends (session fixation, WEB-007). */
export const startSession = async (
  context: Context,
  start: {
    readonly held: readonly HeldSession[]
    readonly facts: AuthenticationFacts
    readonly network: string
    readonly now: Instant
  },
): Promise<Result<StartedSession, 'subjectDisabled'>> => {
  const { held, facts, now } = start
  const secret = randomText(context, 32)
  const session: SessionRecord = {
    sid: sessionId(randomText(context, 16)),
    secretDigest: await digestOf(context, secret),
    subject: facts.subject,
    authTime: now,
    amr: facts.amr,
    acr: facts.acr,
    startedAt: now,
    idleExpiresAt: later(now, context.lifetimes.sessionIdle),
    absoluteExpiresAt: later(now, context.lifetimes.sessionAbsolute),
    endedAt: undefined,
  }
  const kept = held.filter((other) => other.session.subject !== facts.subject).slice(0, MAX_SESSIONS - 1)
  const replaced = held.filter((other) => !kept.includes(other)).map((other) => other.session.sid)
  const { subject, sid } = session
  const events = [auditEntry('session.started', now, { subject, sid, amr: facts.amr, network: start.network })]
  const outcome = await context.stores.sessions.startSession({ session, replaces: replaced }, { now, events })
  if (outcome === 'subjectDisabled') return err('subjectDisabled')
  return ok({ session, cookie: sessionCookie(context, [secret, ...kept.map((other) => other.secret)]) })
}

/** Moves the idle end of a session that is in use, at most every five minutes. */
export const keepAlive = async (context: Context, session: SessionRecord, now: Instant): Promise<void> => {
  const wanted = Math.min(now + context.lifetimes.sessionIdle, session.absoluteExpiresAt)
  if (wanted - session.idleExpiresAt < TOUCH_STEP) return
  await context.stores.sessions.touchSession({ sid: session.sid, idleExpiresAt: later(now, wanted - now) })
}

/** Ends one or all of the browser's sessions; answers the cookie that is left. */
export const endSessions = async (
  context: Context,
  held: readonly HeldSession[],
  end: { readonly sid: SessionId | 'all'; readonly now: Instant },
): Promise<Cookie> => {
  const ending = held.filter(({ session }) => end.sid === 'all' || session.sid === end.sid)
  for (const { session } of ending) {
    const events = [
      auditEntry('session.ended', end.now, { subject: session.subject, sid: session.sid, reason: 'signOut' }),
    ]
    await context.stores.sessions.endSession(session.sid, { now: end.now, events })
  }
  return sessionCookie(
    context,
    held.filter((other) => !ending.includes(other)).map((other) => other.secret),
  )
}
