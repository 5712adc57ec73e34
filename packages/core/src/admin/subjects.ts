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
 * Lets a person act or stops him. Stopping ends his sessions in the same write, so that none of them lives again when he is let in
 * anew; his codes and tokens count for nothing from then on. Repeating it is harmless.
 */
export const setSubjectStatus = async (
  deps: AdminDeps,
  change: Commission & { readonly subject: Subject; readonly status: SubjectRecord['status'] },
): Promise<'changed' | 'unknown'> => {
  const now = nowOf(deps)
  const { subject, status, actor } = change
  const ended = status === 'disabled' ? [auditEntry('session.ended', now, { subject, reason: 'disabled' })] : []
  const events = [auditEntry('subject.changed', now, { subject, status, actor }), ...ended]
  return deps.stores.subjects.changeSubject({ subject, status }, { now, events })
}
