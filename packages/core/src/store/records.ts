// Owns the shapes of what is kept. Never holds a secret in clear, a rule or a clock: credentials are digests, times are instants.

import type { ClientId, Digest, Instant, JsonObject, SessionId, Subject, VerifiedRedirectUri } from '../base/index.ts'
import type { ClientAuthMethod, ClientOrigin, Prompt, ResponseMode, SigningAlg } from '../spec/index.ts'
import type { ClientLogout } from './logout.ts'

/** A client secret at rest: its SHA-256, and when it stops counting (two may overlap while one is rotated). */
export interface ClientSecretRecord {
  readonly digest: Digest
  readonly expiresAt: Instant | undefined
}

/** The one name that an authority must have given a client's certificate (RFC 8705 §2.1.2). */
export interface TlsClientName {
  readonly kind: 'subjectDn' | 'sanDns' | 'sanUri' | 'sanIp' | 'sanEmail'
  readonly value: string
}

/** A registered client (RFC 7591 §2). `version` grows with every change. */
export interface ClientRecord {
  readonly clientId: ClientId
  readonly version: number
  readonly disabled: boolean
  /** Anything but `operator` is never trusted and never silent. */
  readonly origin: ClientOrigin
  /** Digest of the token that manages a client which registered itself (RFC 7592 §3). */
  readonly registrationTokenDigest: Digest | undefined
  /** When a client that registered itself goes, if nobody has allowed it anything by then. */
  readonly unusedExpiresAt: Instant | undefined
  readonly name: string
  /** `native` clients may use loopback and private-use redirect URIs (RFC 8252 §7). */
  readonly applicationType: 'web' | 'native'
  readonly authMethod: ClientAuthMethod
  readonly secrets: readonly ClientSecretRecord[]
  /** Public keys for private_key_jwt, given inline (RFC 7591 §2 `jwks`). */
  readonly jwks: readonly JsonObject[]
  /** For tls_client_auth. */
  readonly tlsClientName: TlsClientName | undefined
  /** Whether its access tokens are bound to its certificate (RFC 8705 §3.4). */
  readonly certificateBoundTokens: boolean
  /** Whether it must prove a key at every token request (RFC 9449 §5.2). */
  readonly dpopBoundTokens: boolean
  /** Where the client publishes them instead; never beside `jwks` (RFC 7591 §2 `jwks_uri`). */
  readonly jwksUri: string | undefined
  readonly redirectUris: readonly string[]
  /** Whether `http://localhost` redirect URIs leave the port free as loopback addresses do (RFC 8252 §8.3). */
  readonly localhostAnyPort: boolean
  readonly scopes: readonly string[]
  readonly grantTypes: readonly string[]
  /** `optional` is for confidential clients only (RFC 9700 §2.1.1). */
  readonly pkce: 'required' | 'optional'
  /** Whether a request without PKCE must carry a nonce; `optional` for confidential clients only. */
  readonly nonce: 'required' | 'optional'
  readonly idTokenAlg: SigningAlg
  /** `scoped` puts the claims of the scopes into the ID token, for relying parties that never call userinfo. */
  readonly idTokenClaims: 'minimal' | 'scoped'
  /** A trusted client asks no consent, unless the request does. */
  readonly trusted: boolean
  readonly defaultMaxAge: number | undefined
  /** Whether every authorization request must have been pushed (RFC 9126 §6 `require_pushed_authorization_requests`). */
  readonly requirePushedRequests: boolean
  /** When it is given refresh tokens: for offline access alone, or always; those without offline access end with their session. */
  readonly refreshTokens: 'offline' | 'always'
  readonly logout: ClientLogout
  /** The one algorithm of its request objects (OIDC Registration §2 `request_object_signing_alg`); undefined leaves it every one that is accepted. */
  readonly requestObjectAlg: string | undefined
  /** Whether every authorization request must be a signed object (RFC 9101 §10.5 `require_signed_request_object`). */
  readonly requireSignedRequests: boolean
  /** Addresses that its request objects may lie at (OIDC Registration §2 `request_uris`); none other is ever fetched for it. */
  readonly requestUris: readonly string[]
  /** What its signed authorization responses are signed with (JARM §3); undefined stands for `idTokenAlg`. */
  readonly authorizationResponseAlg: SigningAlg | undefined
  /** Origins that may read answers across origins (Fetch: `https://app.example`, no path). */
  readonly corsOrigins: readonly string[]
  readonly clientUri: string | undefined
  readonly logoUri: string | undefined
  readonly policyUri: string | undefined
  readonly tosUri: string | undefined
  /** Where to send a person who wants to sign in at the client from elsewhere (OIDC Core §4). */
  readonly initiateLoginUri: string | undefined
  /** Addresses of the people behind the client, for operators (RFC 7591 §2). */
  readonly contacts: readonly string[]
  readonly createdAt: Instant
  readonly updatedAt: Instant
}

/** An initial access token at rest: the right to register clients (RFC 7591 §3). */
export interface RegistrationTokenRecord {
  /** What operators name it by; it authorises nothing. */
  readonly id: string
  readonly digest: Digest
  /** An operator's words for what it is meant for. */
  readonly label: string
  /** Scopes that clients registered with it may have, of those that clients may register at all; undefined for all of these. */
  readonly scopes: readonly string[] | undefined
  readonly usesLeft: number
  readonly createdAt: Instant
  readonly expiresAt: Instant
}

/** One scope of a resource, with the words that a person reads. */
export interface ResourceScope {
  readonly name: string
  readonly description: string
  readonly sensitive: boolean
}

/** A protected resource (RFC 8707 §2): who it is, its scopes and the tokens it takes. */
export interface ResourceRecord {
  /** Absolute URI without fragment. */
  readonly identifier: string
  readonly version: number
  readonly name: string
  readonly scopes: readonly ResourceScope[]
  readonly tokenFormat: 'opaque' | 'jwt'
  /** Seconds; undefined means the provider's default for the format. */
  readonly accessTokenLifetime: number | undefined
  readonly signingAlg: SigningAlg
  /** Clients that may introspect its tokens. */
  readonly introspectionClients: readonly ClientId[]
}

/** What the protocol knows of a person: whether he may act, and a version that every change of his rights bumps. */
export interface SubjectRecord {
  readonly subject: Subject
  readonly status: 'active' | 'disabled'
  readonly version: number
}

/** A browser's signed-in person. */
export interface SessionRecord {
  readonly sid: SessionId
  /** Digest of the secret in the browser's cookie. */
  readonly secretDigest: Digest
  readonly subject: Subject
  /** When the person last proved who he is (OIDC Core §2 `auth_time`). */
  readonly authTime: Instant
  readonly amr: readonly string[]
  readonly acr: string | undefined
  readonly startedAt: Instant
  /** Never after the absolute end. */
  readonly idleExpiresAt: Instant
  readonly absoluteExpiresAt: Instant
  readonly endedAt: Instant | undefined
}

/** A session together with the state of its person, read in one go. */
export interface SessionSnapshot {
  readonly session: SessionRecord
  readonly subject: SubjectRecord
}

/** What a person allowed a client, remembered. `version` grows with every change, by one or more. */
export interface ConsentRecord {
  readonly subject: Subject
  readonly clientId: ClientId
  readonly version: number
  readonly scope: readonly string[]
  /** Names of claims allowed by a claims request beyond those of the scopes. */
  readonly claims: readonly string[]
  /** Identifiers of the protected resources that were named (RFC 8707 §2). */
  readonly resources: readonly string[]
  readonly grantedAt: Instant
  readonly expiresAt: Instant
}

/** How one claim was asked for (OIDC Core §5.5.1). */
export interface ClaimRequest {
  readonly name: string
  readonly essential: boolean
  /** The values that would do; empty when any does. */
  readonly values: readonly (string | number | boolean)[]
}

/** The claims parameter, parsed (OIDC Core §5.5). */
export interface ClaimsRequest {
  readonly userinfo: readonly ClaimRequest[]
  readonly idToken: readonly ClaimRequest[]
}

/** The versions and the session that a decision rested on; a conditional write checks that they still hold. */
export interface Basis {
  readonly clientVersion: number
  readonly subjectVersion: number
  readonly sid: SessionId
  /** Undefined where no remembered consent was needed or used. */
  readonly consentVersion: number | undefined
}

/** An authorization request after parsing (OIDC Core §3.1.2.1): what is stored decides, whatever the browser says later. */
export interface AuthorizationRequestRecord {
  readonly clientId: ClientId
  readonly redirectUri: VerifiedRedirectUri
  readonly responseMode: ResponseMode
  readonly scope: readonly string[]
  readonly state: string | undefined
  readonly nonce: string | undefined
  readonly codeChallenge: string | undefined
  /** Thumbprint of the key that the code is to be bound to (RFC 9449 §10). */
  readonly dpopJkt: Digest | undefined
  readonly prompts: readonly Prompt[]
  readonly maxAge: number | undefined
  readonly loginHint: string | undefined
  /** Subject that an id_token_hint or a claims request names: nobody else may be answered for. */
  readonly requiredSubject: Subject | undefined
  readonly uiLocales: readonly string[]
  readonly acrValues: readonly string[]
  readonly claims: ClaimsRequest | undefined
  /** Protected resources that the tokens are to be for (RFC 8707 §2). */
  readonly resources: readonly string[]
}

/** An authorization request that a client pushed (RFC 9126 §2.2), under the digest of what its `request_uri` ends in. */
export interface PushedRequestRecord {
  readonly digest: Digest
  /** As it was parsed and found good; its client is the one that pushed it. */
  readonly request: AuthorizationRequestRecord
  readonly pushedAt: Instant
  /** From then on no browser may come with it; one that came before may finish. */
  readonly expiresAt: Instant
  /** Until then it is known whether it was spent: no earlier than the end of the last interaction that could hold a copy. */
  readonly keptUntil: Instant
  /** When the client was given its one answer. */
  readonly spentAt: Instant | undefined
}

/** How far an interaction has come. */
export interface InteractionProgress {
  /** Session begun within this interaction: satisfies `prompt=login` and max_age. */
  readonly authenticated: SessionId | undefined
  /** Session that the person chose within this interaction: satisfies `prompt=select_account`. */
  readonly selected: SessionId | undefined
  /** The person asked to sign in with another account than those already signed in. */
  readonly otherAccount: boolean
  /** Session and subject that were shown on the consent page; consent by anybody else records nothing. */
  readonly consentShownTo: { readonly sid: SessionId; readonly subject: Subject } | undefined
}

/** An authorization request that waits for a person, bound to one browser. */
export interface InteractionRecord {
  readonly id: string
  /** Digest of the browser's cookie; undefined until the browser that made the request came back by GET. */
  readonly browserDigest: Digest | undefined
  /** Grows with every advance, so that two tabs cannot both move it. */
  readonly revision: number
  readonly request: AuthorizationRequestRecord
  /** The pushed request that `request` is a copy of: spent when the interaction is settled. */
  readonly pushedRequest: Digest | undefined
  readonly progress: InteractionProgress
  readonly createdAt: Instant
  readonly expiresAt: Instant
  readonly settledAt: Instant | undefined
}

/** An identifier that may be used once until it expires: an assertion's or a proof's `jti`. */
export interface ReservationRecord {
  /** Kind and owner, for instance `client_assertion:<client_id>`. */
  readonly namespace: string
  readonly digest: Digest
  readonly expiresAt: Instant
}

/** The life of a signing key: published before use, kept after use, then gone. */
export type KeyState = 'next' | 'active' | 'retiring' | 'retired'

/** A signing key at rest: the public part, and the private part sealed by the embedder. */
export interface StoredKey {
  readonly kid: string
  readonly alg: SigningAlg
  readonly state: KeyState
  readonly publicJwk: JsonObject
  readonly sealedPrivateKey: string
  readonly createdAt: Instant
  /** When its present state began. */
  readonly since: Instant
}

/** An audit event as a store keeps it; its name and fields come from the closed catalogue of the audit room. */
export interface AuditEntry {
  readonly name: string
  readonly at: Instant
  readonly fields: JsonObject
}
