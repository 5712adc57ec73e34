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
  type Subject,
  sessionId,
} from '../base/index.ts'
import { type Context, digestOf, randomText } from '../context/index.ts'
import { isLive } from '../standing/index.ts'
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

const sessionOf = async (
  context: Context,
  facts: AuthenticationFacts,
  begun: { readonly sid: SessionId; readonly secret: string; readonly now: Instant },
): Promise<SessionRecord> => ({
  sid: begun.sid,
  secretDigest: await digestOf(context, begun.secret),
  subject: facts.subject,
  authTime: begun.now,
  amr: facts.amr,
  acr: facts.acr,
  startedAt: begun.now,
  idleExpiresAt: later(begun.now, context.lifetimes.sessionIdle),
  absoluteExpiresAt: later(begun.now, context.lifetimes.sessionAbsolute),
  endedAt: undefined,
})

/** What a sign-in works with. */
export interface SignIn {
  readonly held: readonly HeldSession[]
  readonly facts: AuthenticationFacts
  readonly network: string
  readonly now: Instant
}

const commitSession = async (
  context: Context,
  { held, network, now }: SignIn,
  session: SessionRecord,
): Promise<'started' | 'renewed' | 'stale' | 'subjectDisabled'> => {
  const { subject, sid, amr } = session
  const events = [auditEntry('session.started', now, { subject, sid, amr, network })]
  const before = held.find((other) => other.session.sid === sid)
  if (before !== undefined) {
    return context.stores.sessions.renewSession({ session, from: before.session.secretDigest }, { now, events })
  }
  const others = held.filter((other) => other.session.subject !== subject)
  const replaces = others.slice(MAX_SESSIONS - 1).map((other) => other.session.sid)
  const outcome = await context.stores.sessions.startSession({ session, replaces }, { now, events })
  if (outcome === 'started') context.onEnded(replaces)
  return outcome
}

/**
 * Begins a session under a fresh secret (session fixation, WEB-007). Who proves again who he is keeps his session, so that what other
 * clients were given in it goes on; its old secret is dead. The oldest session ends when a browser would hold too many.
 */
export const startSession = async (
  context: Context,
  start: SignIn,
): Promise<Result<StartedSession, 'subjectDisabled'>> => {
  const { held, facts, now } = start
  const secret = randomText(context, 32)
  const before = held.find((other) => other.session.subject === facts.subject)
  const fresh = (): SessionId => sessionId(randomText(context, 16))
  let session = await sessionOf(context, facts, { sid: before?.session.sid ?? fresh(), secret, now })
  let outcome = await commitSession(context, start, session)
  if (outcome === 'stale') {
    // Ended or renewed by another tab in this very moment: then it is a session of its own.
    session = await sessionOf(context, facts, { sid: fresh(), secret, now })
    outcome = await commitSession(context, start, session)
  }
  if (outcome === 'subjectDisabled') return err('subjectDisabled')
  const others = held.filter((other) => other.session.subject !== facts.subject).slice(0, MAX_SESSIONS - 1)
  return ok({ session, cookie: sessionCookie(context, [secret, ...others.map((other) => other.secret)]) })
}

/** Moves the idle end of a session that is in use, at most every five minutes. */
export const keepAlive = async (context: Context, session: SessionRecord, now: Instant): Promise<void> => {
  const wanted = Math.min(now + context.lifetimes.sessionIdle, session.absoluteExpiresAt)
  if (wanted - session.idleExpiresAt < TOUCH_STEP) return
  await context.stores.sessions.touchSession({ sid: session.sid, idleExpiresAt: later(now, wanted - now) })
}

/** Ends some of the browser's sessions; answers the cookie that is left. */
export const endSessions = async (
  context: Context,
  held: readonly HeldSession[],
  end: {
    readonly ends: (session: SessionRecord) => boolean
    /** Why, for the audit log: `signOut`, `clientLogout`. */
    readonly reason: string
    readonly now: Instant
  },
): Promise<Cookie> => {
  const ending = held.filter(({ session }) => end.ends(session))
  for (const { session } of ending) {
    const { subject, sid } = session
    const events = [auditEntry('session.ended', end.now, { subject, sid, reason: end.reason })]
    await context.stores.sessions.endSession(session.sid, { now: end.now, events })
  }
  context.onEnded(ending.map(({ session }) => session.sid))
  return sessionCookie(
    context,
    held.filter((other) => !ending.includes(other)).map((other) => other.secret),
  )
}
