// Owns what an administrator does to a person's rights. Never knows a name or a password: those are the embedder's.

import { auditEntry } from '../audit/index.ts'
import type { SessionId, Subject } from '../base/index.ts'
import type { SubjectRecord } from '../store/index.ts'
import { type AdminDeps, type Commission, nowOf } from './deps.ts'

/** Ends all sessions of a person but one, and with them what hangs on them; answers how many were live or expired but not ended. */
export const endSessionsOf = async (
  deps: AdminDeps,
  end: Commission & {
    readonly subject: Subject
    readonly except: SessionId | undefined
    /** Why, for the audit log: `passwordChanged`, `disabled`, `administrator`. */
    readonly reason: string
  },
): Promise<number> => {
  const now = nowOf(deps)
  const events = [auditEntry('session.ended', now, { subject: end.subject, reason: end.reason })]
  return deps.stores.sessions.endSessionsOf({ subject: end.subject, except: end.except }, { now, events })
}

/**
 * Lets a person act or stops him. Stopping takes effect with the first write (a disabled person's sessions, codes and tokens count for
 * nothing); the second ends his sessions, so that none of them lives again when he is let in anew. Repeating it is harmless.
 */
export const setSubjectStatus = async (
  deps: AdminDeps,
  change: Commission & { readonly subject: Subject; readonly status: SubjectRecord['status'] },
): Promise<'changed' | 'unknown'> => {
  const now = nowOf(deps)
  const { subject, status, actor } = change
  const events = [auditEntry('subject.changed', now, { subject, status, actor })]
  const outcome = await deps.stores.subjects.changeSubject({ subject, status }, { now, events })
  if (outcome === 'changed' && status === 'disabled') {
    await endSessionsOf(deps, { actor, subject, except: undefined, reason: 'disabled' })
  }
  return outcome
}
