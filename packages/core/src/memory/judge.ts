// Owns the judgements that several transitions share: what is live, what a basis rests on, what surrounds a grant. Never writes.

import type { ClientId, Digest, Instant } from '../base/index.ts'
import type { ClientState, GrantIssue, GrantState, ReservationRecord, SessionRecord } from '../store/index.ts'
import { type GrantEntry, keyOf, type MemoryState } from './state.ts'

type Ends = Pick<SessionRecord, 'endedAt' | 'idleExpiresAt' | 'absoluteExpiresAt'>

/** Whether a session is there, not ended and within both its ends. */
export const isLive = (session: Ends | undefined, now: Instant): boolean =>
  session !== undefined &&
  session.endedAt === undefined &&
  now < session.idleExpiresAt &&
  now < session.absoluteExpiresAt

/** Whether a client is enabled and a person active, each at the version named. */
export const standsAt = (
  current: Pick<GrantState, 'client' | 'subject'>,
  versions: { readonly clientVersion: number; readonly subjectVersion: number },
): boolean =>
  current.client !== undefined &&
  !current.client.disabled &&
  current.client.version === versions.clientVersion &&
  current.subject !== undefined &&
  current.subject.status === 'active' &&
  current.subject.version === versions.subjectVersion

/** Whether everything that an issue rests on still holds; consent is left out where the same write records it. */
export const basisHolds = (
  state: MemoryState,
  { grant, basis }: Pick<GrantIssue, 'grant' | 'basis'>,
  when: { readonly now: Instant; readonly consent: 'compared' | 'recorded' },
): boolean => {
  const session = state.sessions.get(basis.sid)
  const consent = state.consents.get(keyOf(grant.subject, grant.clientId))
  return (
    standsAt(
      { client: state.clients.get(grant.clientId)?.record, subject: state.subjects.get(grant.subject) },
      basis,
    ) &&
    isLive(session, when.now) &&
    session?.subject === grant.subject &&
    (when.consent === 'recorded' || basis.consentVersion === undefined || consent?.version === basis.consentVersion)
  )
}

/** Whether a pushed request is there and not spent; where none is named, nothing stands in the way. */
export const canSpend = (state: MemoryState, digest: Digest | undefined): boolean => {
  if (digest === undefined) return true
  const entry = state.pushedRequests.get(digest)
  return entry !== undefined && entry.pushed.spentAt === undefined
}

/** The client that something was given to, as it is now; undefined where another one has its id. */
export const clientStateOf = (
  state: MemoryState,
  { clientId, incarnation }: { readonly clientId: ClientId; readonly incarnation: number },
): ClientState | undefined => {
  const client = state.clients.get(clientId)
  return client?.incarnation === incarnation
    ? { version: client.record.version, disabled: client.record.disabled }
    : undefined
}

/** The current state around a grant. */
export const stateAround = (state: MemoryState, entry: GrantEntry): GrantState => {
  const session = state.sessions.get(entry.grant.sid)
  return {
    revokedAt: entry.revokedAt,
    client: clientStateOf(state, { clientId: entry.grant.clientId, incarnation: entry.clientIncarnation }),
    subject: state.subjects.get(entry.grant.subject),
    session: session && {
      endedAt: session.endedAt,
      idleExpiresAt: session.idleExpiresAt,
      absoluteExpiresAt: session.absoluteExpiresAt,
    },
  }
}

/** Whether any of these identifiers is reserved and not expired, or named twice. */
export const anyReserved = (state: MemoryState, proofs: readonly ReservationRecord[], now: Instant): boolean => {
  const keys = proofs.map((proof) => keyOf(proof.namespace, proof.digest))
  return new Set(keys).size < keys.length || keys.some((key) => now < (state.reservations.get(key) ?? now))
}
