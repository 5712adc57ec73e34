// Owns the nominal types that say what has already been checked. Never checks anything itself: each brand is minted in one room.

declare const brand: unique symbol

/** A type that is `T` at run time and distinct at compile time. */
export type Brand<T, Name extends string> = T & { readonly [brand]: Name }

/** Base64url SHA-256 of a credential (43 characters): the only form in which a credential is kept at rest. */
export type Digest = Brand<string, 'Digest'>

/** Whole seconds since 1970-01-01T00:00:00Z, as in RFC 7519 §2 NumericDate. */
export type Instant = Brand<number, 'Instant'>

/** A redirect URI that was found equal to a registered one; a redirect can be built from nothing else (RFC 9700 §4.1.3). */
export type VerifiedRedirectUri = Brand<string, 'VerifiedRedirectUri'>

/** The random 16-byte handle of a grant, base64url (22 characters): the first part of every code and token that hangs on it. */
export type GrantHandle = Brand<string, 'GrantHandle'>

/** The stable identifier of a person at this issuer, 1 to 255 ASCII characters (OIDC Core §2 `sub`). */
export type Subject = Brand<string, 'Subject'>

/** An OAuth client identifier (RFC 6749 §2.2). */
export type ClientId = Brand<string, 'ClientId'>

/** The public identifier of a session, sent as `sid` (OIDC Front-Channel Logout §3). It authenticates nobody. */
export type SessionId = Brand<string, 'SessionId'>

/** Names a checked count of seconds as an instant. */
export const instant = (seconds: number): Instant => seconds as Instant

/** The instant `seconds` after `from`. */
export const later = (from: Instant, seconds: number): Instant => (from + seconds) as Instant

/** Names a string that a store or an embedder vouches for as a subject identifier. */
export const subject = (value: string): Subject => value as Subject

/** Names a string that a store or a registration vouches for as a client identifier. */
export const clientId = (value: string): ClientId => value as ClientId

/** Names a string that a store vouches for as a session identifier. */
export const sessionId = (value: string): SessionId => value as SessionId

/** Names a string that a store vouches for as a grant handle. */
export const grantHandle = (value: string): GrantHandle => value as GrantHandle

/** Names a string that a store or the hasher vouches for as a digest. */
export const digest = (value: string): Digest => value as Digest
