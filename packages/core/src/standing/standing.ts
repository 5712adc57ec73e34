// Owns whether what was given still counts: a session, a grant, a token. Pure; every endpoint that honours one of them asks here, so that
// none of them can forget a part of the answer.

import type { Instant } from '../base/index.ts'
import type { ClientState, GrantSnapshot, GrantState, SessionRecord, TokenStanding } from '../store/index.ts'

/** Why something that was given does not count any more. */
export type StandingRejection =
  | { readonly reason: 'grantRevoked' | 'clientGone' | 'personDisabled' | 'sessionEnded' }
  | { readonly reason: 'tokenExpired' | 'tokenRevoked' }

/** Whether a session counts at an instant, its person left aside (expiry is judged at use). */
export const isLive = (
  session: Pick<SessionRecord, 'endedAt' | 'idleExpiresAt' | 'absoluteExpiresAt'>,
  now: Instant,
): boolean => session.endedAt === undefined && session.idleExpiresAt > now && session.absoluteExpiresAt > now

const clientStands = (client: ClientState | undefined): boolean => client !== undefined && !client.disabled

const sessionStands = (state: GrantState, now: Instant): boolean =>
  state.session !== undefined && isLive(state.session, now)

/** Why a grant does not count at an instant; undefined when it does. */
export const decideGrant = ({ grant, state }: GrantSnapshot, now: Instant): StandingRejection | undefined => {
  if (state.revokedAt !== undefined) return { reason: 'grantRevoked' }
  // Missing too when another client took the id of the one that it was given to.
  if (!clientStands(state.client)) return { reason: 'clientGone' }
  if (state.subject?.status !== 'active') return { reason: 'personDisabled' }
  return grant.offline || sessionStands(state, now) ? undefined : { reason: 'sessionEnded' }
}

/** Why an access token does not count at an instant; undefined when it does. */
export const decideToken = (
  token: { readonly owner: 'grant' | 'client'; readonly expiresAt: Instant },
  standing: TokenStanding,
  now: Instant,
): StandingRejection | undefined => {
  if (token.expiresAt <= now) return { reason: 'tokenExpired' }
  if (standing.revokedAt !== undefined) return { reason: 'tokenRevoked' }
  if (!clientStands(standing.client)) return { reason: 'clientGone' }
  if (token.owner === 'client') return undefined
  return standing.family === undefined ? { reason: 'grantRevoked' } : decideGrant(standing.family, now)
}
