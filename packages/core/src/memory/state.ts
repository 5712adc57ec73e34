// Owns the shared state of the in-memory store: maps of frozen records. Never holds a rule; an entry is replaced, never changed in place.

import type { ClientId, Digest, GrantHandle, Instant, SessionId, Subject } from '../base/index.ts'
import type {
  AccessTokenRecord,
  AuditEntry,
  ClientRecord,
  ConsentRecord,
  DeviceRecord,
  GrantRecord,
  InteractionRecord,
  LogoutDeliveryRecord,
  PushedRequestRecord,
  RefreshRecord,
  RegistrationTokenRecord,
  ResourceRecord,
  SessionClient,
  SessionRecord,
  StoredKey,
  SubjectRecord,
} from '../store/index.ts'

/** A client, and a number that tells it from another one that had its id before. */
export interface ClientEntry {
  readonly record: ClientRecord
  readonly incarnation: number
}

/** A grant with its code, and how far both have come. */
export interface GrantEntry {
  readonly grant: GrantRecord
  readonly codeDigest: Digest | undefined
  readonly clientIncarnation: number
  readonly redeemedAt: Instant | undefined
  readonly revokedAt: Instant | undefined
  readonly refresh: RefreshRecord | undefined
}

/** An opaque access token, and the client that holds it. */
export interface TokenEntry {
  readonly token: AccessTokenRecord
  readonly actors: readonly ClientId[]
  readonly clientIncarnation: number
  readonly revokedAt: Instant | undefined
}

/** A JWT that was revoked before its time. */
export interface RevokedJwt {
  readonly revokedAt: Instant
  readonly expiresAt: Instant
}

/** A pushed request, and which client of that id pushed it. */
export interface PushedEntry {
  readonly pushed: PushedRequestRecord
  readonly clientIncarnation: number
}

/** A device that asks to be let in, and which client of that id asked for it. */
export interface DeviceEntry {
  readonly device: DeviceRecord
  readonly clientIncarnation: number
}

/** A client that was issued a code in a session. */
export interface SessionClientEntry extends SessionClient {
  readonly incarnation: number
}

/** A counter of failures. */
export interface AttemptEntry {
  readonly failures: number
  readonly blockedUntil: Instant
  /** When the failures no longer count. */
  readonly forgottenAt: Instant
}

/** Everything that the in-memory store keeps. Grows until swept, the audit events without end. */
export interface MemoryState {
  readonly clients: Map<ClientId, ClientEntry>
  readonly registrationTokens: Map<string, RegistrationTokenRecord>
  readonly resources: Map<string, ResourceRecord>
  readonly subjects: Map<Subject, SubjectRecord>
  readonly sessions: Map<SessionId, SessionRecord>
  readonly sessionIds: Map<Digest, SessionId>
  readonly consents: Map<string, ConsentRecord>
  readonly grants: Map<GrantHandle, GrantEntry>
  readonly tokens: Map<string, TokenEntry>
  readonly revokedJwts: Map<string, RevokedJwt>
  readonly interactions: Map<string, InteractionRecord>
  readonly pushedRequests: Map<Digest, PushedEntry>
  readonly devices: Map<GrantHandle, DeviceEntry>
  readonly reservations: Map<string, Instant>
  readonly attempts: Map<Digest, AttemptEntry>
  /** Incarnation of each client that was issued a code in a session, by session and client. */
  readonly sessionClients: Map<string, SessionClientEntry>
  readonly deliveries: Map<string, LogoutDeliveryRecord>
  readonly events: AuditEntry[]
  ring: { readonly revision: number; readonly keys: readonly StoredKey[] }
  /** Counts up for incarnations and consent versions, so that none is used twice. */
  serial: number
}

/** A state with nothing in it. */
export const emptyState = (): MemoryState => ({
  clients: new Map(),
  registrationTokens: new Map(),
  resources: new Map(),
  subjects: new Map(),
  sessions: new Map(),
  sessionIds: new Map(),
  consents: new Map(),
  grants: new Map(),
  tokens: new Map(),
  revokedJwts: new Map(),
  interactions: new Map(),
  pushedRequests: new Map(),
  devices: new Map(),
  reservations: new Map(),
  attempts: new Map(),
  sessionClients: new Map(),
  deliveries: new Map(),
  events: [],
  ring: { revision: 0, keys: [] },
  serial: 0,
})

/** One key out of several parts that no other parts make. */
export const keyOf = (...parts: readonly string[]): string => JSON.stringify(parts)

const freeze = (value: unknown): void => {
  if (typeof value !== 'object' || value === null) return
  for (const part of Object.values(value)) freeze(part)
  Object.freeze(value)
}

/** A frozen copy: neither the giver nor a later reader can change what is kept. */
export const keep = <T>(value: T): T => {
  const copy = structuredClone(value)
  freeze(copy)
  return copy
}

/** Writes the events of a transition that succeeded. */
export const record = (state: MemoryState, events: readonly AuditEntry[]): void => {
  for (const event of events) state.events.push(keep(event))
}

/** Spends a pushed request that was found unspent. */
export const spend = (state: MemoryState, digest: Digest | undefined, now: Instant): void => {
  const entry = digest === undefined ? undefined : state.pushedRequests.get(digest)
  if (entry === undefined) return
  state.pushedRequests.set(entry.pushed.digest, { ...entry, pushed: keep({ ...entry.pushed, spentAt: now }) })
}

/** Puts a record under a key that nothing has yet; a second one is a caller's error, since such keys are random. */
export const insertNew = <K extends string, V>(map: Map<K, V>, key: K, value: V): void => {
  if (map.has(key)) throw new TypeError('a record with this key is already stored')
  map.set(key, value)
}
