// Owns the access tokens of the in-memory store: reading them with what bears on them, a client's own ones, and revoking. Never sees a token,
// only its digest.

import type { GrantHandle } from '../base/index.ts'
import type { AccessTokenStore, ExchangedTokenIssue, GrantSnapshot, Occasion } from '../store/index.ts'
import { anyReserved, clientStateOf, isLive, standsAt, stateAround } from './judge.ts'
import { keep, keyOf, type MemoryState, record } from './state.ts'
import { reserveAll, storeToken } from './writes.ts'

const familyOf = (state: MemoryState, handle: GrantHandle): GrantSnapshot | undefined => {
  const entry = state.grants.get(handle)
  return entry && { grant: entry.grant, state: stateAround(state, entry) }
}

const judgeExchange = (
  state: MemoryState,
  { token, basis, proofs }: ExchangedTokenIssue,
  now: Occasion['now'],
): 'issued' | 'revoked' | 'stale' | 'proofReplayed' => {
  const family = familyOf(state, token.handle)
  if (family === undefined || family.state.revokedAt !== undefined) return 'revoked'
  const { subject, client: root, session } = family.state
  const holder = state.clients.get(token.clientId)?.record
  if (!standsAt({ client: holder, subject }, basis) || root === undefined || root.disabled) return 'stale'
  if (!family.grant.offline && !isLive(session, now)) return 'stale'
  return anyReserved(state, proofs, now) ? 'proofReplayed' : 'issued'
}

/** Access tokens over a shared state. */
export const memoryAccessTokens = (state: MemoryState): AccessTokenStore => ({
  findAccessToken: async ({ handle, digest }) => {
    const entry = state.tokens.get(keyOf(handle, digest))
    if (entry === undefined) return undefined
    const { token, actors, revokedAt, clientIncarnation: incarnation } = entry
    const family = token.owner === 'grant' ? familyOf(state, handle) : undefined
    if (token.owner === 'grant' && family === undefined) return undefined
    return { token, actors, revokedAt, client: clientStateOf(state, { clientId: token.clientId, incarnation }), family }
  },

  findTokenStanding: async ({ handle, digest, owner, clientId, issuedAt }) => {
    const client = state.clients.get(clientId)?.record
    return {
      revokedAt: state.revokedJwts.get(keyOf(handle, digest))?.revokedAt,
      client:
        client === undefined || client.createdAt > issuedAt
          ? undefined
          : { version: client.version, disabled: client.disabled },
      family: owner === 'grant' ? familyOf(state, handle) : undefined,
    }
  },

  issueOwnToken: async ({ token, basis, proofs }, occasion) => {
    const client = state.clients.get(token.clientId)?.record
    if (client === undefined || client.disabled || client.version !== basis.clientVersion) return 'stale'
    if (anyReserved(state, proofs, occasion.now)) return 'proofReplayed'
    storeToken(state, token)
    reserveAll(state, proofs)
    record(state, occasion.events)
    return 'issued'
  },

  issueExchangedToken: async (issue, occasion) => {
    const outcome = judgeExchange(state, issue, occasion.now)
    if (outcome !== 'issued') return outcome
    storeToken(state, issue.token, issue.actors)
    reserveAll(state, issue.proofs)
    record(state, occasion.events)
    return outcome
  },

  revokeAccessToken: async ({ handle, digest, clientId }, occasion) => {
    const key = keyOf(handle, digest)
    const entry = state.tokens.get(key)
    if (entry === undefined) return 'unknown'
    if (entry.token.clientId !== clientId) return 'mismatched'
    if (entry.revokedAt !== undefined) return 'alreadyRevoked'
    state.tokens.set(key, { ...entry, revokedAt: occasion.now })
    record(state, occasion.events)
    return 'revoked'
  },

  revokeJwt: async ({ handle, digest, expiresAt }, occasion) => {
    const key = keyOf(handle, digest)
    if (state.revokedJwts.has(key)) return 'alreadyRevoked'
    state.revokedJwts.set(key, keep({ revokedAt: occasion.now, expiresAt }))
    record(state, occasion.events)
    return 'revoked'
  },
})
