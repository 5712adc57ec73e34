// Owns reading an ID token that comes back as a hint: it names a person, and proves nothing but that this server once said so. Never
// looks at its end: a hint that has expired is as good as a fresh one (OIDC Core §3.1.2.1, OIDC RP-Initiated Logout §2).

import { type ClientId, clientId, type SessionId, type Subject, sessionId, subject } from '../base/index.ts'
import type { Context } from '../context/index.ts'
import { SIGNING_ALGS } from '../spec/index.ts'
import { verifyJws } from './jws.ts'

/** What an ID token of this server names. */
export interface IdTokenHint {
  readonly clientId: ClientId
  readonly subject: Subject
  readonly sid: SessionId | undefined
}

/**
 * Verifies a hint; undefined for what this server did not sign, or signed for something else. A retired key counts for nothing: it ends
 * after the longest session that its tokens can name, or because somebody else has it.
 */
export const verifyIdTokenHint = async (context: Context, hint: string): Promise<IdTokenHint | undefined> => {
  const ring = await context.ports.keys.keys()
  const keys = ring.filter((key) => key.state !== 'retired').map((key) => key.publicJwk)
  const verified = await verifyJws(hint, { keys, algs: SIGNING_ALGS, types: ['jwt'] })
  if (!verified.ok) return undefined
  const { iss, sub, aud, sid } = verified.value.claims
  if (iss !== context.issuer || typeof aud !== 'string' || typeof sub !== 'string') return undefined
  return {
    clientId: clientId(aud),
    subject: subject(sub),
    sid: typeof sid === 'string' ? sessionId(sid) : undefined,
  }
}
