// Owns the shapes of what is given: grants, access tokens, refresh states, and what is read around them. Never holds a secret in clear.

import type { ClientId, Digest, GrantHandle, Instant, SessionId, Subject } from '../base/index.ts'
import type { ClaimsRequest, SubjectRecord } from './records.ts'

/** One approval of a person for a client: the unit of revocation, also called the family. */
export interface GrantRecord {
  readonly handle: GrantHandle
  readonly clientId: ClientId
  readonly subject: Subject
  readonly sid: SessionId
  readonly scope: readonly string[]
  /** Protected resources that the request named: tokens are for these alone (RFC 8707 §2.2); empty where it named none. */
  readonly resources: readonly string[]
  /** An offline grant outlives its session (OIDC Core §11). */
  readonly offline: boolean
  /** Undefined where a device was let in: it came by no redirect. */
  readonly redirectUriDigest: Digest | undefined
  /** S256 challenge, or undefined where the client may go without (RFC 7636 §4.4). */
  readonly codeChallenge: string | undefined
  /** Thumbprint of the key that must be proved with the code (RFC 9449 §10). */
  readonly dpopJkt: Digest | undefined
  readonly nonce: string | undefined
  readonly authTime: Instant
  readonly amr: readonly string[]
  readonly acr: string | undefined
  /** Kept in a side table, present only where the request had a claims parameter. */
  readonly claims: ClaimsRequest | undefined
  readonly issuedAt: Instant
  /** The end of what it is first redeemed with, a code or a device code. */
  readonly codeExpiresAt: Instant
}

/** The key that a token is bound to: of a DPoP proof (RFC 9449 §6.1) or of a client certificate (RFC 8705 §3.1). */
export interface TokenBinding {
  readonly method: 'jkt' | 'x5t#S256'
  /** SHA-256 of the key or of the certificate. */
  readonly thumbprint: Digest
}

/** An access token at rest. */
export interface AccessTokenRecord {
  /** The grant that it hangs on, or a handle of its own. */
  readonly handle: GrantHandle
  /** Of the whole token when it is opaque, of its `jti` when it is a JWT. */
  readonly digest: Digest
  /** Nothing is kept of a JWT but how long its grant is needed; it is found by what it says. */
  readonly format: 'opaque' | 'jwt'
  /** `client` for what a client was given in its own name (RFC 6749 §4.4): then no grant stands behind it. */
  readonly owner: 'grant' | 'client'
  readonly clientId: ClientId
  readonly scope: readonly string[]
  /** Resource identifiers; empty means userinfo alone. */
  readonly audience: readonly string[]
  readonly binding: TokenBinding | undefined
  readonly issuedAt: Instant
  readonly expiresAt: Instant
}

/** The refresh state of a grant: one row, whatever was rotated. */
export interface RefreshRecord {
  /** Of the one token that lives. */
  readonly current: Digest
  /** Of the token before it, which is answered with the same successor within the window of its rotation. */
  readonly previous: Digest | undefined
  /** What the current token was derived with from the one before it: 32 bytes, base64url. */
  readonly salt: string | undefined
  /** Tells what was minted for this grant from what was made up: 32 bytes, base64url. It opens nothing. */
  readonly mark: string
  readonly rotatedAt: Instant | undefined
  /** Moves with every rotation, never past the absolute end. */
  readonly idleExpiresAt: Instant
  readonly absoluteExpiresAt: Instant
  /** The key that a public client must prove (RFC 9449 §5). */
  readonly binding: TokenBinding | undefined
}

/** A client as far as it bears on what it was given. */
export interface ClientState {
  readonly version: number
  readonly disabled: boolean
}

/** The current state that bears on a grant: everything that is read again at each issue and each use. */
export interface GrantState {
  readonly revokedAt: Instant | undefined
  /** Undefined when the client that the grant was given to was deleted, even if another took its id. */
  readonly client: ClientState | undefined
  /** Undefined when the person was deleted. */
  readonly subject: SubjectRecord | undefined
  /** Undefined when the session is gone. */
  readonly session:
    | { readonly endedAt: Instant | undefined; readonly idleExpiresAt: Instant; readonly absoluteExpiresAt: Instant }
    | undefined
}

/** A code as found: its grant, whether it was redeemed, and the current state around it. */
export interface AuthorizationCodeSnapshot {
  readonly grant: GrantRecord
  readonly redeemedAt: Instant | undefined
  readonly state: GrantState
}

/** A grant with the current state around it. */
export interface GrantSnapshot {
  readonly grant: GrantRecord
  readonly state: GrantState
}

/** A grant as found by its handle, with its refresh state where it has one. */
export interface RefreshSnapshot extends GrantSnapshot {
  readonly refresh: RefreshRecord
}

/** What bears on an access token at the moment of its use, however the token was found. */
export interface TokenStanding {
  readonly revokedAt: Instant | undefined
  /** The client that holds the token; undefined when it was deleted since, even if another took its id. */
  readonly client: ClientState | undefined
  /** The grant that it hangs on; undefined for a client's own token, and for one whose grant is gone. */
  readonly family: GrantSnapshot | undefined
}

/** An opaque access token as found, with everything that bears on it. */
export interface AccessTokenSnapshot extends TokenStanding {
  readonly token: AccessTokenRecord
  /** Clients that act for the person by it, the latest first (RFC 8693 §4.1); empty where nobody does but the grant's own client. */
  readonly actors: readonly ClientId[]
}
