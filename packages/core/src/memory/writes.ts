// Owns the writes that several transitions of the in-memory store share. Never judges whether they may happen.

import type { ClientId, Instant } from '../base/index.ts'
import type { AccessTokenRecord, GrantIssue, ReservationRecord } from '../store/index.ts'
import { noteSessionClient } from './logouts.ts'
import { type GrantEntry, insertNew, keep, keyOf, type MemoryState } from './state.ts'

/** Stores a grant whose basis was found to hold. */
export const insertGrant = (state: MemoryState, { grant, codeDigest }: Omit<GrantIssue, 'basis'>): void => {
  const client = state.clients.get(grant.clientId)
  if (client === undefined) throw new TypeError('a grant needs its client')
  const entry = { grant: keep(grant), codeDigest, clientIncarnation: client.incarnation }
  noteSessionClient(state, grant, client.incarnation)
  insertNew(state.grants, grant.handle, { ...entry, redeemedAt: undefined, revokedAt: undefined, refresh: undefined })
}

/** Reserves identifiers that were found free. */
export const reserveAll = (state: MemoryState, proofs: readonly ReservationRecord[]): void => {
  for (const proof of proofs) state.reservations.set(keyOf(proof.namespace, proof.digest), proof.expiresAt)
}

/** Keeps an opaque token; nothing is kept of a JWT. */
export const storeToken = (state: MemoryState, token: AccessTokenRecord, actors: readonly ClientId[] = []): void => {
  if (token.format === 'jwt') return
  const client = state.clients.get(token.clientId)
  if (client === undefined) throw new TypeError('a token needs its client')
  const entry = {
    token: keep(token),
    actors: keep(actors),
    clientIncarnation: client.incarnation,
    revokedAt: undefined,
  }
  insertNew(state.tokens, keyOf(token.handle, token.digest), entry)
}

/** Revokes a grant that was found. */
export const revoke = (state: MemoryState, entry: GrantEntry, now: Instant): 'revoked' | 'alreadyRevoked' => {
  if (entry.revokedAt !== undefined) return 'alreadyRevoked'
  state.grants.set(entry.grant.handle, { ...entry, revokedAt: now })
  return 'revoked'
}
