// Owns the people of the in-memory store. Never holds a name or a password.

import type { SubjectStore } from '../store/index.ts'
import { endSession } from './logouts.ts'
import { keep, type MemoryState, record } from './state.ts'

/** People over a shared state. */
export const memorySubjects = (state: MemoryState): SubjectStore => ({
  findSubject: async (subject) => state.subjects.get(subject),

  createSubject: async (subject, occasion) => {
    if (state.subjects.has(subject)) return 'taken'
    state.subjects.set(subject, keep({ subject, status: 'active', version: 1 }))
    record(state, occasion.events)
    return 'created'
  },

  changeSubject: async ({ subject, status }, occasion) => {
    const stored = state.subjects.get(subject)
    if (stored === undefined) return 'unknown'
    state.subjects.set(subject, keep({ subject, status, version: stored.version + 1 }))
    for (const session of status === 'disabled' ? state.sessions.values() : []) {
      if (session.subject === subject && session.endedAt === undefined) endSession(state, session, occasion.now)
    }
    record(state, occasion.events)
    return 'changed'
  },
})
