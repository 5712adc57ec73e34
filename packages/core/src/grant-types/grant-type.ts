// Owns the shape of a grant type. A grant type owns no step of the pipeline: it cannot forget client authentication, minting or
// no-store, because the token endpoint does these for all of them.

import type { GrantHandle, Instant, MultiMap, Result } from '../base/index.ts'
import type { AuthenticatedClient } from '../client-auth/index.ts'
import type { Context } from '../context/index.ts'
import type { AccessTokenRecord, GrantRecord } from '../store/index.ts'
import type { TokenRejection } from './rejection.ts'

/** What a decision allows to be minted. */
export interface TokenDecision {
  /** The grant that the tokens hang on. */
  readonly handle: GrantHandle
  readonly scope: readonly string[]
  /** The sign-in that an ID token tells of; undefined where none is issued (no `openid`). */
  readonly idTokenOf: GrantRecord | undefined
}

/** What decide looks at, besides what was loaded. */
export interface DecideFacts<Parsed, Loaded> {
  readonly client: AuthenticatedClient
  readonly parsed: Parsed
  readonly loaded: Loaded
  readonly now: Instant
}

/** What commit writes. */
export interface CommitFacts<Parsed, Loaded> extends DecideFacts<Parsed, Loaded> {
  readonly accessToken: AccessTokenRecord
  readonly network: string
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
  ) => Promise<Result<'committed', TokenRejection | 'stale'>>
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
