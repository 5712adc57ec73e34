// Owns the shape of a grant type. A grant type owns no step of the pipeline: it cannot forget client authentication, minting or
// no-store, because the token endpoint does these for all of them.

import type { ClientId, Instant, MultiMap, Result, Secret } from '../base/index.ts'
import type { AuthenticatedClient } from '../client-auth/index.ts'
import type { Context } from '../context/index.ts'
import type { AccessTokenRecord, AuditEntry, GrantRecord, RefreshRecord, TokenBinding } from '../store/index.ts'
import type { MintedRefresh, PresentedRefresh } from '../tokens/index.ts'
import type { TokenRejection } from './rejection.ts'

/** What a request asks for beside its grant type's own parameters. */
export interface Asked {
  /** Undefined where the request has no scope parameter (RFC 6749 §3.3). */
  readonly scope: readonly string[] | undefined
  /** Resources named in the request (RFC 8707 §2.2). */
  readonly resources: readonly string[]
}

/** Which refresh token goes with the tokens. */
export type RefreshDecision =
  | { readonly kind: 'none' }
  /** The grant's first. */
  | { readonly kind: 'first' }
  /** The successor of the one that was presented. */
  | { readonly kind: 'successor'; readonly presented: PresentedRefresh; readonly of: RefreshRecord }

/** What a decision allows to be minted. */
export interface TokenDecision {
  /** The grant that the tokens hang on; undefined for what a client is given in its own name. */
  readonly grant: GrantRecord | undefined
  readonly scope: readonly string[]
  /** Resources that the tokens are limited to; empty where none was named. */
  readonly resources: readonly string[]
  /** The sign-in that an ID token tells of; undefined where none is issued (no `openid`). */
  readonly idTokenOf: GrantRecord | undefined
  readonly refresh: RefreshDecision
  /** The access token ends by then at the latest, however long its resource would let it live. */
  readonly endsBy?: Instant
  /** Clients that act for the person by the token, the latest first (RFC 8693 §4.1). */
  readonly actors?: readonly ClientId[]
  /** The request is a replay: it goes on to the commit, which revokes, and nothing that is minted for it is ever given out. */
  readonly doomed: boolean
}

/** What decide looks at, besides what was loaded. */
export interface DecideFacts<Parsed, Loaded> {
  readonly client: AuthenticatedClient
  readonly parsed: Parsed
  readonly asked: Asked
  /** The key that the request proved, which its tokens will be bound to. */
  readonly binding: TokenBinding | undefined
  readonly loaded: Loaded
  readonly now: Instant
}

/** What commit writes. */
export interface CommitFacts<Parsed, Loaded> extends DecideFacts<Parsed, Loaded> {
  readonly accessToken: AccessTokenRecord
  /** The refresh token that was minted, with the record to begin with where it is the grant's first. */
  readonly refresh: { readonly minted: MintedRefresh; readonly record: RefreshRecord | undefined } | undefined
  readonly network: string
}

/** What a commit ended with. */
export interface Committed {
  /** The refresh token to answer with. */
  readonly refreshToken: Secret | undefined
  /** What kind of token the answer calls it, for grant types that say so (RFC 8693 §2.2.1). */
  readonly issuedTokenType?: string
  /** What happened, where no transition wrote it down. */
  readonly events: readonly AuditEntry[]
}

/** A grant type by its wire name (RFC 6749 §4.5 for extensions). */
export interface GrantType<Parsed, Loaded> {
  readonly grantType: string
  /** Reads the form into a typed request. Pure. */
  readonly parse: (form: MultiMap) => Result<Parsed, TokenRejection>
  /** Reads records and computes digests. Writes nothing. */
  readonly load: (context: Context, parsed: Parsed) => Promise<Loaded>
  /** Decides. Pure and synchronous. */
  readonly decide: (facts: DecideFacts<Parsed, Loaded>) => Result<TokenDecision, TokenRejection>
  /** One transition. `stale` makes the endpoint authenticate, load and decide again. */
  readonly commit: (
    context: Context,
    facts: CommitFacts<Parsed, Loaded>,
  ) => Promise<Result<Committed, TokenRejection | 'stale'>>
}

/** A grant type with its own types closed in, as the endpoint holds it. */
export interface OpenGrantType {
  readonly grantType: string
  readonly open: <Answer>(visitor: <Parsed, Loaded>(grantType: GrantType<Parsed, Loaded>) => Answer) => Answer
}

/** Closes a grant type over its types, so that a table can hold several. */
export const grantTypeOf = <Parsed, Loaded>(grantType: GrantType<Parsed, Loaded>): OpenGrantType => ({
  grantType: grantType.grantType,
  open: (visitor) => visitor(grantType),
})
