// Owns the contract of the stores: named transitions with literal outcomes. Never create/read/update/delete, never a clock,
// a secret or a callback. Each transition is atomic: its checks and its writes are one, and a single conditional write decides
// who wins. A store that cannot be reached rejects the promise; every other ending is an outcome, but for a caller's own error:
// to bring a second record under a random key (session, grant, token, interaction) rejects too, and writes nothing.
// What ends at an instant is over at that instant: it is live while `now < end`.

import type { ClientId, Digest, GrantHandle, Instant, SessionId, Subject } from '../base/index.ts'
import type { DeviceRecord, DeviceSnapshot } from './device-records.ts'
import type {
  AccessTokenRecord,
  AccessTokenSnapshot,
  AuthorizationCodeSnapshot,
  GrantRecord,
  RefreshRecord,
  RefreshSnapshot,
  TokenBinding,
  TokenStanding,
} from './grant-records.ts'
import type { LogoutStore } from './logout.ts'
import type {
  AuditEntry,
  Basis,
  ClientRecord,
  ConsentRecord,
  InteractionProgress,
  InteractionRecord,
  PushedRequestRecord,
  RegistrationTokenRecord,
  ReservationRecord,
  ResourceRecord,
  SessionRecord,
  SessionSnapshot,
  StoredKey,
  SubjectRecord,
} from './records.ts'

/** What every transition takes along: the instant it happens at, and the audit events that must not be lost. */
export interface Occasion {
  readonly now: Instant
  /** Written in the same transition when, and only when, it succeeds. */
  readonly events: readonly AuditEntry[]
}

/** A page of a list, ordered by its key, byte by byte. */
export interface Page<T> {
  readonly items: readonly T[]
  /** Key to go on after; undefined at the end. */
  readonly next: string | undefined
}

/** Clients. */
export interface ClientStore {
  findClient(clientId: ClientId): Promise<ClientRecord | undefined>
  /** Whether any client that is not disabled registered exactly this origin, for answering a CORS preflight, which names no client. */
  isRegisteredOrigin(origin: string): Promise<boolean>
  listClients(page: { readonly after: string | undefined; readonly limit: number }): Promise<Page<ClientRecord>>
  /** Race: of two with one id, one is created. */
  createClient(client: ClientRecord, occasion: Occasion): Promise<'created' | 'taken'>
  /**
   * Creates a client and takes one use off the initial access token it came with, in one, or neither. Judged in this order:
   * `tokenUnknown`, `tokenExpired`, `tokenSpent`, `taken`. Race: of several with a token that has one use left, one is registered.
   */
  registerClient(
    registration: { readonly client: ClientRecord; readonly tokenDigest: Digest | undefined },
    occasion: Occasion,
  ): Promise<'registered' | 'taken' | 'tokenUnknown' | 'tokenExpired' | 'tokenSpent'>
  /** Takes away the instant at which an unused client goes, and bumps the version. Race: of several, one keeps it. */
  keepClient(clientId: ClientId): Promise<'kept' | 'alreadyKept' | 'unknown'>
  /** Replaces the record if its stored version is `client.version - 1`. Race: of two from one version, one is updated. */
  updateClient(client: ClientRecord, occasion: Occasion): Promise<'updated' | 'stale' | 'unknown'>
  /**
   * Deletes it with its consents; its grants and tokens are dead from then on, and a client created later under the same id revives
   * none of them: to them, their client stays missing. Race: of several, one deletes.
   */
  deleteClient(clientId: ClientId, occasion: Occasion): Promise<'deleted' | 'unknown'>
}

/** Initial access tokens for registration (RFC 7591 §3). They are spent by `registerClient`. */
export interface RegistrationTokenStore {
  /** Race: of two with one id, one is created. */
  createRegistrationToken(token: RegistrationTokenRecord, occasion: Occasion): Promise<'created' | 'taken'>
  /** Expired and spent ones too, until they are swept. */
  findRegistrationToken(digest: Digest): Promise<RegistrationTokenRecord | undefined>
  listRegistrationTokens(page: {
    readonly after: string | undefined
    readonly limit: number
  }): Promise<Page<RegistrationTokenRecord>>
  /** Deletes it; clients that it registered stay. Race: of several, one revokes. */
  revokeRegistrationToken(id: string, occasion: Occasion): Promise<'revoked' | 'unknown'>
}

/** Protected resources. */
export interface ResourceStore {
  listResources(): Promise<readonly ResourceRecord[]>
  /** Creates or replaces, if the stored version is `resource.version - 1` (0 before the first). Race: of several from one version, one saves. */
  saveResource(resource: ResourceRecord, occasion: Occasion): Promise<'saved' | 'stale'>
  /** Race: of several, one deletes. */
  deleteResource(identifier: string, occasion: Occasion): Promise<'deleted' | 'unknown'>
}

/** People, as far as the protocol needs them. */
export interface SubjectStore {
  findSubject(subject: Subject): Promise<SubjectRecord | undefined>
  /** Records a person, active at version 1. Race: of several, one creates. */
  createSubject(subject: Subject, occasion: Occasion): Promise<'created' | 'taken'>
  /**
   * Sets the status and bumps the version, whatever the status was: every change of rights comes through here. To disable a person ends all
   * his sessions in the same write, so that none of them lives again when he is let in anew.
   */
  changeSubject(
    change: { readonly subject: Subject; readonly status: SubjectRecord['status'] },
    occasion: Occasion,
  ): Promise<'changed' | 'unknown'>
}

/**
 * Sessions of browsers. However a session ends, the same write leaves a delivery, due at once, for every client that was issued a code
 * in it and has a `logout.backchannelUri` now, unless the client is disabled (OIDC Back-Channel Logout §2.5); a code that was issued while the
 * ending waited counts too. A delivery that nobody ever takes up may be forgotten from the instant of the ending.
 */
export interface SessionStore {
  /** The sessions with these cookie digests, ended and expired ones too, in the order asked; unknown digests are left out. */
  findSessions(secretDigests: readonly Digest[]): Promise<readonly SessionSnapshot[]>
  /**
   * Starts a session, ending those it replaces; those that are unknown or ended already are left as they are. A person seen for the
   * first time is recorded, active at version 1. An idle end after the absolute one is stored as the absolute one. Nothing is written
   * for a disabled person.
   */
  startSession(
    start: { readonly session: SessionRecord; readonly replaces: readonly SessionId[] },
    occasion: Occasion,
  ): Promise<'started' | 'subjectDisabled'>
  /**
   * The person of a session proved again who he is: everything of it but `sid`, person and start is replaced, so that its grants live on
   * and its old cookie is dead. `stale` when the session does not hold the secret `from`, or is not live at `now`; nothing is written then.
   * Nothing is written for a disabled person. Race: of several from one secret, one renews.
   */
  renewSession(
    renewal: { readonly session: SessionRecord; readonly from: Digest },
    occasion: Occasion,
  ): Promise<'renewed' | 'stale' | 'subjectDisabled'>
  /** Moves the idle end forward, never back, never past the absolute end and never of an ended session; `ended` too where there is none. */
  touchSession(touch: { readonly sid: SessionId; readonly idleExpiresAt: Instant }): Promise<'touched' | 'ended'>
  /** Ends it; its grants that are not offline are dead from then on. Race: of several, one ends it. */
  endSession(sid: SessionId, occasion: Occasion): Promise<'ended' | 'alreadyEnded' | 'unknown'>
  /** Ends all of a person's sessions but one; answers how many had not been ended before. It always succeeds. */
  endSessionsOf(
    end: { readonly subject: Subject; readonly except: SessionId | undefined },
    occasion: Occasion,
  ): Promise<number>
  /**
   * Ends at most `limit` sessions that are over by time at `now` and were not ended, as any other ending would; answers how many. Race: of
   * several, each session is ended by one.
   */
  endExpiredSessions(end: { readonly now: Instant; readonly limit: number }): Promise<number>
}

/** Remembered consents. They are recorded by `settleInteraction`. */
export interface ConsentStore {
  findConsent(key: { readonly subject: Subject; readonly clientId: ClientId }): Promise<ConsentRecord | undefined>
  /**
   * Forgets it and revokes every grant of that person for that client, remembered consent or not; `unknown` when there was neither a
   * consent nor a grant to revoke. Race: of several, one withdraws.
   */
  withdrawConsent(
    key: { readonly subject: Subject; readonly clientId: ClientId },
    occasion: Occasion,
  ): Promise<'withdrawn' | 'unknown'>
}

/** A grant to write, and what the decision rested on. */
export interface GrantIssue {
  readonly grant: GrantRecord
  /** Undefined where it begins with no code. */
  readonly codeDigest: Digest | undefined
  readonly basis: Basis
}

/** A grant to write with the digest of its code. */
export interface CodeIssue extends GrantIssue {
  readonly codeDigest: Digest
}

/** A presented code with everything it is bound to, and the token to store if it is honoured. */
export interface CodeRedemption {
  readonly handle: GrantHandle
  readonly codeDigest: Digest
  readonly clientId: ClientId
  /** Undefined when the request sent none; then the grant must hold a code challenge (OAuth 2.1 §10.1). */
  readonly redirectUriDigest: Digest | undefined
  /** S256 of the verifier sent, undefined when none was; must equal what the grant holds, absence included (RFC 7636 §4.6). */
  readonly codeChallenge: string | undefined
  /** Versions read by the load that the decision rested on. */
  readonly basis: { readonly clientVersion: number; readonly subjectVersion: number }
  readonly accessToken: AccessTokenRecord
  /** The refresh state to begin with, where a refresh token is issued. */
  readonly refresh: RefreshRecord | undefined
  readonly proofs: readonly ReservationRecord[]
}

/** How a redemption ended. */
export type CodeRedemptionOutcome =
  | { readonly outcome: 'redeemed' }
  /** The code had been redeemed and this request was otherwise valid: the grant is revoked in the same write. */
  | { readonly outcome: 'replayed'; readonly handle: GrantHandle; readonly subject: Subject }
  | { readonly outcome: 'unknown' | 'mismatched' | 'proofReplayed' | 'revoked' | 'expired' | 'stale' }

/** A presented refresh token, what it is to be rotated to, and the access token to store if it is honoured. */
export interface GrantRefresh {
  readonly handle: GrantHandle
  /** Digest of the secret that was presented. */
  readonly presented: Digest
  /** Whether the secret carries the grant's mark: it was minted for it, whenever that was. */
  readonly minted: boolean
  readonly clientId: ClientId
  /** The key that the request proved; compared only where the refresh state names one. */
  readonly binding: TokenBinding | undefined
  /** Versions read by the load that the decision rested on. */
  readonly basis: { readonly clientVersion: number; readonly subjectVersion: number }
  /** Undefined where refresh tokens are not rotated (FAPI 2.0 §5.3.2.1). */
  readonly rotation:
    | {
        /** Digest of the successor, derived from the presented secret and `salt`. */
        readonly successor: Digest
        readonly salt: string
        /** Seconds from a rotation within which the token before it is answered with the same successor; 0 for none. */
        readonly window: number
      }
    | undefined
  /** The idle end from now on; kept at most at the absolute one. */
  readonly idleExpiresAt: Instant
  readonly accessToken: AccessTokenRecord
  readonly proofs: readonly ReservationRecord[]
}

/** How a refresh ended. */
export type RefreshOutcome =
  | { readonly outcome: 'rotated' | 'kept' }
  /** The token before the current one, within its window: the successor is derived again with this salt. Nothing rotated. */
  | { readonly outcome: 'retried'; readonly salt: string }
  /** A token whose successor was used, or whose window is over: the grant is revoked in the same write. */
  | { readonly outcome: 'replayed'; readonly handle: GrantHandle; readonly subject: Subject }
  | { readonly outcome: 'unknown' | 'mismatched' | 'proofReplayed' | 'revoked' | 'expired' | 'stale' }

/** Grants and the codes that begin them. */
export interface GrantStore {
  /**
   * Writes the grant and its code if the basis holds: client present, enabled and at its version; person active and at his version;
   * session live at `now` and his; consent at its version where one is named. Otherwise `stale`, and nothing is written. A pushed
   * request that is named is spent in the same write; `requestSpent`, and nothing is written, where it was spent before or is gone.
   * Race: of several on one pushed request, one issues.
   */
  issueAuthorizationCode(
    issue: CodeIssue & { readonly pushedRequest?: Digest },
    occasion: Occasion,
  ): Promise<'issued' | 'stale' | 'requestSpent'>
  /** The grant whose code has this digest, redeemed or not. */
  findAuthorizationCode(code: {
    readonly handle: GrantHandle
    readonly codeDigest: Digest
  }): Promise<AuthorizationCodeSnapshot | undefined>
  /**
   * Redeems a code and stores its access token and its refresh state, in one. Judged in this order, the first that applies: `unknown` (no grant with this
   * handle and code digest); `mismatched` (client, redirect URI or challenge differ); `proofReplayed` (a proof is already reserved);
   * `replayed` (redeemed before: the grant is revoked now, once; proofs are reserved); `revoked`; `expired`; `stale` (client or
   * person missing, disabled or at another version, or the session of a grant that is not offline is not live); `redeemed`.
   * All outcomes but `redeemed` and `replayed` write nothing. `events` are written on `redeemed` only, `replayEvents` on
   * the `replayed` that revokes. Race: of many, one is redeemed and the others are replayed.
   */
  redeemAuthorizationCode(
    redemption: CodeRedemption,
    occasion: Occasion & { readonly replayEvents: readonly AuditEntry[] },
  ): Promise<CodeRedemptionOutcome>
  /** The grant with this handle, if it has a refresh state; whose token was presented is for the caller to see. */
  findRefresh(handle: GrantHandle): Promise<RefreshSnapshot | undefined>
  /**
   * Honours a refresh token. Judged in this order, the first that applies: `unknown` (no refresh state under this handle, or a secret that
   * is neither current nor previous and was not minted for it); `mismatched` (another client, or not the key that the state is bound
   * to); `proofReplayed` (a proof is already reserved); `revoked`; `expired` (idle or absolute end); `replayed` (not the current one, nor
   * the previous one within the window of its rotation: the grant is revoked now; proofs are reserved); `stale` (client or person
   * missing, disabled or at another version, or the session of a grant that is not offline is not live); `retried` (the previous one
   * within its window: the access token is stored, nothing rotates and no end moves); `rotated`, or `kept` where there is no
   * rotation. `events` are written on `rotated` and `kept`, `retryEvents` on `retried`, `replayEvents` on `replayed`. All other
   * outcomes write nothing. Race: of many with one token, one rotates and the others are retried, or replayed where the window is 0.
   */
  refreshGrant(
    refresh: GrantRefresh,
    occasion: Occasion & { readonly retryEvents: readonly AuditEntry[]; readonly replayEvents: readonly AuditEntry[] },
  ): Promise<RefreshOutcome>
  /** Revokes the grant with all that hangs on it. Race: of several, one revokes. */
  revokeGrant(handle: GrantHandle, occasion: Occasion): Promise<'revoked' | 'alreadyRevoked' | 'unknown'>
}

/** An access token that a client is given in its own name. */
export interface OwnTokenIssue {
  readonly token: AccessTokenRecord
  readonly basis: { readonly clientVersion: number }
  readonly proofs: readonly ReservationRecord[]
}

/** An access token that another client is given for the one it received (RFC 8693 §2.2): it hangs on the same grant. */
export interface ExchangedTokenIssue {
  /** Its client is the one that exchanges, its handle the grant's. */
  readonly token: AccessTokenRecord
  /** Kept beside an opaque token where there are any; a JWT says them itself. */
  readonly actors: readonly ClientId[]
  /** Versions of the client that exchanges, and of the person, read by the load that the decision rested on. */
  readonly basis: { readonly clientVersion: number; readonly subjectVersion: number }
  readonly proofs: readonly ReservationRecord[]
}

/** Access tokens. Those that hang on a grant are written by the transitions that issue them. */
export interface AccessTokenStore {
  /** An opaque token with its grant and the current state around it, read in one go; one whose grant is gone is not found. */
  findAccessToken(token: {
    readonly handle: GrantHandle
    readonly digest: Digest
  }): Promise<AccessTokenSnapshot | undefined>
  /**
   * What bears on a JWT, by what it says of itself; `digest` is that of its `jti`. The family is read where the owner is a grant. A client
   * made after `issuedAt` is another one.
   */
  findTokenStanding(
    token: Pick<AccessTokenRecord, 'handle' | 'digest' | 'owner' | 'clientId' | 'issuedAt'>,
  ): Promise<TokenStanding>
  /**
   * Stores a client's own opaque token. Judged in this order: `stale` (client missing, disabled or at another version), `proofReplayed`,
   * `issued`; nothing is written otherwise. Race: of several with one proof, one is issued.
   */
  issueOwnToken(issue: OwnTokenIssue, occasion: Occasion): Promise<'issued' | 'stale' | 'proofReplayed'>
  /**
   * Stores a token that a client got for another one; of a JWT nothing is kept. Judged in this order, the first that applies: `revoked` (the
   * grant is, or is gone); `stale` (the client that exchanges or the person missing, disabled or at another version, the grant's own
   * client missing or disabled, or the session of a grant that is not offline is not live); `proofReplayed`; `issued`. Nothing is written
   * otherwise. Race: of several with one proof, one is issued.
   */
  issueExchangedToken(
    issue: ExchangedTokenIssue,
    occasion: Occasion,
  ): Promise<'issued' | 'revoked' | 'stale' | 'proofReplayed'>
  /**
   * Revokes one opaque token; its grant and the other tokens stay (RFC 7009 §2.1). Judged in this order: `unknown`, `mismatched` (another
   * client's), `alreadyRevoked`, `revoked`. Race: of several, one revokes.
   */
  revokeAccessToken(
    token: Pick<AccessTokenRecord, 'handle' | 'digest' | 'clientId'>,
    occasion: Occasion,
  ): Promise<'revoked' | 'alreadyRevoked' | 'unknown' | 'mismatched'>
  /** Notes a JWT as revoked until it expires; whose it is was seen by its signature. Race: of several, one revokes. */
  revokeJwt(
    token: Pick<AccessTokenRecord, 'handle' | 'digest' | 'expiresAt'>,
    occasion: Occasion,
  ): Promise<'revoked' | 'alreadyRevoked'>
}

/** Who moves an interaction, and from which state: checked by every transition on it. */
export interface InteractionMove {
  readonly id: string
  readonly browserDigest: Digest
  readonly revision: number
}

/** Why a move on an interaction did not happen; nothing was written. */
export type InteractionRefusal = 'unknown' | 'mismatched' | 'alreadySettled' | 'expired' | 'stale'

/** The code that an interaction ends with, and the consent to remember. */
export interface InteractionSettlement {
  /** Undefined when the request was refused. */
  readonly issue: CodeIssue | undefined
  /**
   * Merged into what is remembered: scope, claims and resources are united, grant time and expiry replaced, the version bumped; in the same write.
   * What expired before `now` is not remembered: it is replaced, not revived. A version is never used twice for one person and client,
   * a withdrawal in between included, so that no decision made before it can pass after it.
   * `basis.consentVersion` of the issue is then not compared.
   */
  readonly consent: Omit<ConsentRecord, 'version'> | undefined
}

/** Authorization requests that wait for a person. */
export interface InteractionStore {
  openInteraction(interaction: InteractionRecord): Promise<'opened'>
  findInteraction(id: string): Promise<InteractionRecord | undefined>
  /**
   * Binds an interaction that has no browser yet; answers `bound` again for the same browser. The revision stays. Judged in this order:
   * unknown, mismatched (another browser), alreadySettled, expired. Race: of several browsers, one binds.
   */
  bindInteraction(binding: {
    readonly id: string
    readonly browserDigest: Digest
    readonly now: Instant
  }): Promise<'bound' | Exclude<InteractionRefusal, 'stale'>>
  /**
   * Stores progress and bumps the revision. Judged in this order: unknown, mismatched (another or no browser), alreadySettled, expired, stale (another
   * revision). Race: of several from one revision, one advances.
   */
  advanceInteraction(
    advance: InteractionMove & { readonly progress: InteractionProgress; readonly now: Instant },
  ): Promise<'advanced' | InteractionRefusal>
  /**
   * Ends it, and writes code and consent or the refusal in the same write. Judged as advance; `stale` also when the basis of the issue no
   * longer holds. The pushed request that it was copied from is spent in the same write; `requestSpent`, after all other reasons, where
   * it was spent before or is gone. Race: of several, one settles; of several interactions on one pushed request too.
   */
  settleInteraction(
    settle: InteractionMove & { readonly settlement: InteractionSettlement },
    occasion: Occasion,
  ): Promise<'settled' | InteractionRefusal | 'requestSpent'>
}

/** Authorization requests that clients pushed. They are spent by the transition that answers the client. */
export interface PushedRequestStore {
  /**
   * Stores a pushed request and reserves the proofs of its client. Judged in this order, and nothing written but on `pushed`: `stale` (client
   * missing, disabled or at another version), `proofReplayed` (a proof is already reserved). Race: of several with one proof, one pushes.
   */
  pushRequest(
    push: {
      readonly pushed: PushedRequestRecord
      readonly clientVersion: number
      readonly proofs: readonly ReservationRecord[]
    },
    occasion: Occasion,
  ): Promise<'pushed' | 'stale' | 'proofReplayed'>
  /** The pushed request, spent and expired ones too; undefined once its client was deleted, even if another took its id. */
  findPushedRequest(digest: Digest): Promise<PushedRequestRecord | undefined>
  /** Spends it, where the client is answered without a code and without an interaction. Race: of several, one spends. */
  spendPushedRequest(digest: Digest, occasion: Occasion): Promise<'spent' | 'alreadySpent' | 'unknown'>
}

/** A poll with a device code, and what to store if the device is let in. */
export interface DevicePoll {
  readonly handle: GrantHandle
  readonly deviceDigest: Digest
  readonly clientId: ClientId
  /** Undefined where the load found no approval: then nothing is redeemed. */
  readonly redemption:
    | {
        /** Versions read by the load that the decision rested on. */
        readonly basis: { readonly clientVersion: number; readonly subjectVersion: number }
        readonly accessToken: AccessTokenRecord
        /** The refresh state to begin with, where a refresh token is issued. */
        readonly refresh: RefreshRecord | undefined
      }
    | undefined
  /** Seconds by which a poll may come early. */
  readonly tolerance: number
  /** Seconds by which the interval grows. */
  readonly growth: number
  readonly proofs: readonly ReservationRecord[]
}

/** Devices that ask to be let in (RFC 8628 §3). */
export interface DeviceStore {
  /**
   * Stores a device's request and reserves the proofs of its client. Judged in this order, and nothing written but on `opened`: `stale` (client
   * missing, disabled or at another version), `proofReplayed` (a proof is already reserved), `taken` (the user code is in use).
   * Race: of several with one user code, one opens.
   */
  openDevice(
    open: {
      readonly device: DeviceRecord
      readonly clientVersion: number
      readonly proofs: readonly ReservationRecord[]
    },
    occasion: Occasion,
  ): Promise<'opened' | 'stale' | 'proofReplayed' | 'taken'>
  /** The request with this user code, settled and expired ones too; undefined once its client was deleted, even if another took its id. */
  findDevice(userCodeDigest: Digest): Promise<DeviceRecord | undefined>
  /** The request with this device code, with its grant once it was approved; undefined as for `findDevice`. */
  findDeviceCode(code: {
    readonly handle: GrantHandle
    readonly deviceDigest: Digest
  }): Promise<DeviceSnapshot | undefined>
  /**
   * Ties a pending request to the person who brought its user code; `claimed` again for the same one. Judged in this order: `unknown` (none
   * that is pending at `now`), `mismatched` (another person's). Race: of several people, one claims.
   */
  claimDevice(claim: {
    readonly handle: GrantHandle
    readonly subject: Subject
    readonly now: Instant
  }): Promise<'claimed' | 'unknown' | 'mismatched'>
  /**
   * Ends a pending request: writes the grant, or the refusal where there is none. Judged in this order, and nothing written but on `settled`:
   * `unknown` (none that is pending at `now`), `mismatched` (not claimed by this person), `stale` (the grant's client is not the device's,
   * or its basis does not hold, as for a code). Race: of several, one settles.
   */
  settleDevice(
    settle: {
      readonly handle: GrantHandle
      readonly subject: Subject
      /** The grant, under the device's handle; undefined to refuse. */
      readonly issue: Omit<GrantIssue, 'codeDigest'> | undefined
    },
    occasion: Occasion,
  ): Promise<'settled' | 'unknown' | 'mismatched' | 'stale'>
  /**
   * Honours a device code, or notes a poll. Judged in this order, the first that applies: `unknown` (no such code of this client);
   * `proofReplayed` (a proof is already reserved); `replayed` (redeemed before: the grant is revoked now, once); `stale` (denied or expired;
   * or there is an approval and no redemption, or the other way round; or the grant is revoked, client or person missing, disabled or at
   * another version, or the session that approved not live); `redeemed` (tokens are stored); `slowDown` (sooner than the interval after
   * the poll before, less the tolerance: the interval grows); `pending`. `events` are written on `redeemed` only, `replayEvents`
   * on the `replayed` that revokes. Nothing is written on `unknown`, `proofReplayed` and `stale`; on all others proofs are reserved.
   * Race: of many on an approved one, one is redeemed and the others are replayed.
   */
  pollDevice(
    poll: DevicePoll,
    occasion: Occasion & { readonly replayEvents: readonly AuditEntry[] },
  ): Promise<'redeemed' | 'replayed' | 'unknown' | 'proofReplayed' | 'stale' | 'slowDown' | 'pending'>
}

/** One-time identifiers, for endpoints that write nothing else. */
export interface ReservationStore {
  /** Reserves all or none; what expired may be reserved anew. Race: of several with one digest, one reserves. */
  reserve(reservations: readonly ReservationRecord[], now: Instant): Promise<'reserved' | 'replayed'>
}

/** How fast the delay after failures grows. */
export interface AttemptPolicy {
  /** Failures that cost nothing. */
  readonly free: number
  /** Delay after the first one that does, in seconds; doubles each time. */
  readonly baseDelay: number
  /** Longest delay, in seconds: nobody is locked out for good. */
  readonly maxDelay: number
  /** Seconds without a failure after which the count starts anew. */
  readonly forgetAfter: number
}

/** One counter: whose attempts, under which policy. */
export interface AttemptKey {
  /** Digest of kind and name, so that the table names nobody. */
  readonly key: Digest
  readonly policy: AttemptPolicy
}

/** Counters of failed attempts, shared by all nodes. */
export interface AttemptStore {
  /**
   * Counts an attempt against every key, as failed until absolved, and blocks the key for its delay: baseDelay * 2^(failures - free - 1), at most
   * maxDelay, none within `free`. If any key is blocked at `now`, nothing is counted and `until` is the latest end.
   * `failures` counts this attempt too; it starts anew `forgetAfter` seconds after the last one.
   * Increments are single writes: parallel attempts are all counted, and none is admitted past a block that another one set.
   */
  admitAttempt(
    keys: readonly AttemptKey[],
    now: Instant,
  ): Promise<{ readonly outcome: 'admitted' } | { readonly outcome: 'throttled'; readonly until: Instant }>
  /** After a success: forgets the `reset` keys whole, and takes one failure and the present delay back from the `undo` keys. */
  absolveAttempt(keys: { readonly reset: readonly Digest[]; readonly undo: readonly Digest[] }): Promise<void>
}

/** Signing keys with sealed private parts. */
export interface KeyStore {
  /** Revision 0 and no keys before the first save. */
  loadKeyRing(): Promise<{ readonly revision: number; readonly keys: readonly StoredKey[] }>
  /** Replaces the ring if `revision` is the stored one, and bumps it. Race: of several, one saves. */
  saveKeyRing(
    ring: { readonly revision: number; readonly keys: readonly StoredKey[] },
    occasion: Occasion,
  ): Promise<'saved' | 'stale'>
}

/** The audit log, for events that ride in no transition. */
export interface AuditStore {
  appendEvents(events: readonly AuditEntry[]): Promise<void>
}

/** Upkeep: expired rows, in bounded batches. */
export interface SweepStore {
  /**
   * Deletes at most `limit` rows of each kind that expired before `before`; answers how many went. A grant goes when its code and every
   * token of it have expired, its refresh state too (that at most a day later), a pushed request and a device when they are kept no longer, a counter when
   * its block and its memory have, a client that registered itself when nobody has allowed it anything. Two sweepers do not wait for one another.
   */
  sweepExpired(sweep: { readonly before: Instant; readonly limit: number }): Promise<number>
}

/** Every store that exists; a feature names those it needs. */
export interface Stores {
  readonly clients: ClientStore
  readonly registrationTokens: RegistrationTokenStore
  readonly resources: ResourceStore
  readonly subjects: SubjectStore
  readonly sessions: SessionStore
  readonly consents: ConsentStore
  readonly grants: GrantStore
  readonly accessTokens: AccessTokenStore
  readonly interactions: InteractionStore
  readonly pushedRequests: PushedRequestStore
  readonly devices: DeviceStore
  readonly reservations: ReservationStore
  readonly logouts: LogoutStore
  readonly attempts: AttemptStore
  readonly keys: KeyStore
  readonly audit: AuditStore
  readonly sweeps: SweepStore
}
