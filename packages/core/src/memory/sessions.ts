// Owns the sessions of the in-memory store. Never sees a cookie's secret.

import { type Instant, instant } from '../base/index.ts'
import type { SessionStore } from '../store/index.ts'
import { isLive } from './judge.ts'
import { endSession } from './logouts.ts'
import { insertNew, keep, type MemoryState, record } from './state.ts'

const earlier = (one: Instant, other: Instant): Instant => (one < other ? one : other)

/** Sessions over a shared state. */
export const memorySessions = (state: MemoryState): SessionStore => ({
  findSessions: async (secretDigests) =>
    secretDigests.flatMap((secretDigest) => {
      const sid = state.sessionIds.get(secretDigest)
      const session = sid && state.sessions.get(sid)
      const subject = session && state.subjects.get(session.subject)
      return session && subject ? [{ session, subject }] : []
    }),

  startSession: async ({ session, replaces }, occasion) => {
    const known = state.subjects.get(session.subject)
    if (known?.status === 'disabled') return 'subjectDisabled'
    if (state.sessionIds.has(session.secretDigest)) throw new TypeError('a session with this secret is already stored')
    const idleExpiresAt = earlier(session.idleExpiresAt, session.absoluteExpiresAt)
    insertNew(state.sessions, session.sid, keep({ ...session, idleExpiresAt }))
    state.sessionIds.set(session.secretDigest, session.sid)
    if (known === undefined) {
      state.subjects.set(session.subject, keep({ subject: session.subject, status: 'active', version: 1 }))
    }
    for (const sid of replaces) {
      const replaced = state.sessions.get(sid)
      if (replaced !== undefined && replaced.endedAt === undefined) endSession(state, replaced, occasion.now)
    }
    record(state, occasion.events)
    return 'started'
  },

  renewSession: async ({ session, from }, occasion) => {
    const { now } = occasion
    if (state.subjects.get(session.subject)?.status !== 'active') return 'subjectDisabled'
    const before = state.sessions.get(session.sid)
    const held = before?.subject === session.subject && before.secretDigest === from && isLive(before, now)
    if (before === undefined || !held) return 'stale'
    if (state.sessionIds.has(session.secretDigest)) throw new TypeError('a session with this secret is already stored')
    const idleExpiresAt = earlier(session.idleExpiresAt, session.absoluteExpiresAt)
    state.sessions.set(
      session.sid,
      keep({ ...session, idleExpiresAt, startedAt: before.startedAt, endedAt: undefined }),
    )
    state.sessionIds.delete(from)
    state.sessionIds.set(session.secretDigest, session.sid)
    record(state, occasion.events)
    return 'renewed'
  },

  touchSession: async ({ sid, idleExpiresAt }) => {
    const session = state.sessions.get(sid)
    if (session === undefined || session.endedAt !== undefined) return 'ended'
    const forward = Math.max(session.idleExpiresAt, earlier(idleExpiresAt, session.absoluteExpiresAt))
    state.sessions.set(sid, keep({ ...session, idleExpiresAt: instant(forward) }))
    return 'touched'
  },

  endSession: async (sid, occasion) => {
    const session = state.sessions.get(sid)
    if (session === undefined) return 'unknown'
    if (session.endedAt !== undefined) return 'alreadyEnded'
    endSession(state, session, occasion.now)
    record(state, occasion.events)
    return 'ended'
  },

  endSessionsOf: async ({ subject, except }, occasion) => {
    const open = [...state.sessions.values()].filter(
      (session) => session.subject === subject && session.sid !== except && session.endedAt === undefined,
    )
    for (const session of open) endSession(state, session, occasion.now)
    record(state, occasion.events)
    return open.length
  },

  endExpiredSessions: async ({ now, limit }) => {
    const over = [...state.sessions.values()].filter((one) => one.endedAt === undefined && !isLive(one, now))
    for (const session of over.slice(0, limit)) endSession(state, session, now)
    return Math.min(over.length, limit)
  },
})
