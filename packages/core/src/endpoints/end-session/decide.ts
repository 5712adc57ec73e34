// Owns whether a person is asked before he is signed out, and which of the browser's sessions end. Pure.

import type { HeldSession } from '../../session/index.ts'
import type { SignedInAccount } from '../../wire/index.ts'
import type { ParsedLogout } from './parse.ts'

/** A session of the browser with the names of its person. */
export interface NamedSession {
  readonly held: HeldSession
  readonly account: SignedInAccount
  /** Other texts that mean this account in a `logout_hint`: user name, address, telephone number. */
  readonly aliases: readonly string[]
}

/** What to do about a request to sign out. */
export type LogoutStep =
  /** The ID token names this very session: the person asked in the app (OIDC RP-Initiated Logout §2). */
  | { readonly step: 'end'; readonly sessions: readonly HeldSession[] }
  | { readonly step: 'ask'; readonly sessions: readonly NamedSession[] }

const matchesHint = ({ account, aliases }: NamedSession, hint: string): boolean =>
  account.sid === hint || account.subject === hint || aliases.includes(hint)

/** The sessions that a request may mean: those of the person it names, else all. */
const meantBy = ({ hint, logoutHint }: ParsedLogout, sessions: readonly NamedSession[]): readonly NamedSession[] => {
  const ofPerson = sessions.filter(({ account }) => account.subject === hint?.subject)
  if (ofPerson.length > 0) return ofPerson
  const hinted = logoutHint === undefined ? [] : sessions.filter((session) => matchesHint(session, logoutHint))
  return hinted.length > 0 ? hinted : sessions
}

/**
 * Decides about sessions that this browser holds. Only an ID token that names one of them, by session and by person, ends it unasked: any
 * page can send a browser here, and one with another session's token proves nothing about this one.
 */
export const decideLogout = (request: ParsedLogout, sessions: readonly NamedSession[]): LogoutStep => {
  const { hint } = request
  const proven = sessions.filter(({ account }) => account.sid === hint?.sid && account.subject === hint?.subject)
  if (sessions.length === 0 || proven.length > 0) return { step: 'end', sessions: proven.map(({ held }) => held) }
  return { step: 'ask', sessions: meantBy(request, sessions) }
}
