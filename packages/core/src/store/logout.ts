// Owns the contract of the outbox for clients that are to be told that a session ended (OIDC Back-Channel Logout §2.5). The rows are
// written by the transitions that end sessions, in the same write; here they are taken up and settled. Never holds a token: each
// attempt is signed afresh.

import type { ClientId, Instant, SessionId, Subject } from '../base/index.ts'
import type { Occasion, Page } from './stores.ts'

/** How a client takes part in signing out. */
export interface ClientLogout {
  /** Where people may be sent after they signed out, exactly (OIDC RP-Initiated Logout §3.1). */
  readonly postLogoutRedirectUris: readonly string[]
  /** Where the client is told, server to server, that a session ended (OIDC Back-Channel Logout §2.2). */
  readonly backchannelUri: string | undefined
  /** Whether the client needs `sid` to know which session (OIDC Back-Channel Logout §2.2); it is always sent. */
  readonly backchannelSessionRequired: boolean
}

/** What became of a delivery: `waiting` until it is delivered or given up. */
export type LogoutDeliveryState = 'waiting' | 'delivered' | 'dead'

/** One client that is told of the end of one session: there is never more than one for the two. */
export interface LogoutDeliveryRecord {
  readonly sid: SessionId
  readonly clientId: ClientId
  readonly subject: Subject
  readonly state: LogoutDeliveryState
  /** How often it was taken up. */
  readonly attempts: number
  /** Since when somebody has it in hand; undefined while nobody has. */
  readonly takenAt: Instant | undefined
  /** Why the last attempt did not deliver it, in a word; undefined before the first, and once it is delivered. */
  readonly failure: string | undefined
  readonly createdAt: Instant
  /** When it is to be tried next, while it waits; else when it was settled. */
  readonly dueAt: Instant
  /** When it may be forgotten. */
  readonly expiresAt: Instant
}

/** A client that was given something in a session. */
export interface SessionClient {
  readonly sid: SessionId
  readonly clientId: ClientId
}

/** How an attempt ended. */
export interface LogoutSettlement {
  readonly sid: SessionId
  readonly clientId: ClientId
  /** The number of the attempt, as it was taken up: an attempt that took too long settles nothing. */
  readonly attempt: number
  readonly state: LogoutDeliveryState
  readonly failure: string | undefined
  /** As in the record; its state says what it means. */
  readonly dueAt: Instant
  readonly expiresAt: Instant
}

/** Who was signed in where in a session, and who is to be told that it ended. */
export interface LogoutStore {
  /**
   * The clients that were issued a code in these sessions, ended ones too, by session and client identifier; a client that was deleted since is
   * left out, even if another took its id. They are kept as long as the session.
   */
  listSessionClients(sids: readonly SessionId[]): Promise<readonly SessionClient[]>
  /**
   * Takes up at most `limit` deliveries that wait and are due at `now`, of these sessions or of any, the longest due first: each counts an
   * attempt, and is due again at `leaseUntil`, should whoever took it never settle it. Race: of several, each delivery is taken by one.
   */
  claimDeliveries(claim: {
    readonly sids: readonly SessionId[] | 'any'
    readonly limit: number
    readonly now: Instant
    readonly leaseUntil: Instant
  }): Promise<readonly LogoutDeliveryRecord[]>
  /**
   * Writes how an attempt ended; `stale` when the delivery does not wait any more, is unknown, or was taken up again since. Race: of several for one
   * attempt, one settles.
   */
  settleDelivery(settlement: LogoutSettlement, occasion: Occasion): Promise<'settled' | 'stale'>
  /** A page of the deliveries in a state, or of all; the key is opaque, and in the order of session and client identifiers. */
  listDeliveries(page: {
    readonly state: LogoutDeliveryState | undefined
    readonly after: string | undefined
    readonly limit: number
  }): Promise<Page<LogoutDeliveryRecord>>
}
