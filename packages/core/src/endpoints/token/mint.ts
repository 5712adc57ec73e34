// Owns the minting of what a token request is answered with. Never stores anything: the grant type's transition does.

import { err, type Instant, type JsonObject, later, ok, type Result, reveal, type Secret } from '../../base/index.ts'
import { claimNamesFor, releaseClaims } from '../../claims/index.ts'
import { type Context, digestOf, randomText } from '../../context/index.ts'
import type { TokenDecision, TokenRejection } from '../../grant-types/index.ts'
import { activeKey } from '../../keys/index.ts'
import { audienceOf, lifetimeFor, needsResources } from '../../resource/index.ts'
import type { AccessTokenRecord, ClientRecord, GrantRecord } from '../../store/index.ts'
import { mintCredential, mintIdToken } from '../../tokens/index.ts'

/** An access token with the record of it to store. */
export interface MintedAccessToken {
  readonly token: Secret
  readonly record: AccessTokenRecord
}

/** What a token request is answered with. */
export interface MintedTokens {
  readonly accessToken: Secret
  /** Seconds. */
  readonly expiresIn: number
  readonly scope: readonly string[]
  readonly idToken: Secret | undefined
}

/** Mints an opaque access token for the owners of its scopes (RFC 6749 §1.4). */
export const mintAccessToken = async (
  context: Context,
  client: ClientRecord,
  decision: TokenDecision,
  now: Instant,
): Promise<MintedAccessToken> => {
  const resources = needsResources(decision.scope) ? await context.stores.resources.listResources() : []
  const audience = audienceOf(decision.scope, resources)
  const lifetime = lifetimeFor(audience, resources, context.lifetimes.opaqueAccessToken)
  const token = mintCredential(context.ports.random, decision.handle)
  const record: AccessTokenRecord = {
    handle: decision.handle,
    digest: await digestOf(context, reveal(token)),
    clientId: client.clientId,
    scope: decision.scope,
    audience,
    issuedAt: now,
    expiresAt: later(now, lifetime),
  }
  return { token, record }
}

/** Claims about the person for the ID token: those asked for by name, and those of the scopes where the client is `scoped`. */
const idTokenClaims = async (
  context: Context,
  client: ClientRecord,
  grant: GrantRecord,
): Promise<JsonObject | undefined> => {
  const names = claimNamesFor({
    scoped: client.idTokenClaims === 'scoped',
    scope: grant.scope,
    requested: grant.claims?.idToken ?? [],
  })
  if (names.length === 0) return {}
  const account = await context.ports.accounts.find(grant.subject)
  return account === undefined ? undefined : releaseClaims(names, account.claims)
}

/** Adds the ID token where the grant has `openid`; refused when the person is gone meanwhile. */
export const mintTokens = async (
  context: Context,
  issue: {
    readonly client: ClientRecord
    readonly decision: TokenDecision
    readonly access: MintedAccessToken
    readonly now: Instant
  },
): Promise<Result<MintedTokens, TokenRejection>> => {
  const { client, decision, access, now } = issue
  const tokens = {
    accessToken: access.token,
    expiresIn: access.record.expiresAt - now,
    scope: decision.scope,
  }
  const grant = decision.idTokenOf
  if (grant === undefined) return ok({ ...tokens, idToken: undefined })
  const claims = await idTokenClaims(context, client, grant)
  if (claims === undefined) return err({ reason: 'personDisabled' })
  const key = activeKey(await context.ports.keys.keys(), client.idTokenAlg)
  if (key === undefined) throw new Error(`no active signing key for ${client.idTokenAlg}`)
  const content = { grant, claims, accessToken: reveal(access.token), jti: randomText(context, 16), now }
  return ok({ ...tokens, idToken: await mintIdToken(context, key, content) })
}
