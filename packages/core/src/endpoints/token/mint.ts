// Owns the minting of what a token request is answered with. Never stores anything: the grant type's transition does.

import {
  err,
  grantHandle,
  type Instant,
  type JsonObject,
  later,
  ok,
  type Result,
  reveal,
  type Secret,
} from '../../base/index.ts'
import { claimNamesFor, releaseClaims } from '../../claims/index.ts'
import { isConfidentialClient } from '../../client/index.ts'
import { type Context, digestOf, randomText } from '../../context/index.ts'
import type { Asked, CommitFacts, TokenDecision, TokenRejection } from '../../grant-types/index.ts'
import { activeKey } from '../../keys/index.ts'
import type { PublicSigningKey } from '../../ports/index.ts'
import { decideTarget, needsResources, type TokenTarget } from '../../resource/index.ts'
import type { SigningAlg } from '../../spec/index.ts'
import type { AccessTokenRecord, ClientRecord, GrantRecord, RefreshRecord, TokenBinding } from '../../store/index.ts'
import {
  deriveRefresh,
  mintCredential,
  mintFirstRefresh,
  mintHandle,
  mintIdToken,
  mintJwtAccessToken,
} from '../../tokens/index.ts'

/** An access token with the record of it to store. */
export interface MintedAccessToken {
  readonly token: Secret
  readonly record: AccessTokenRecord
}

type MintedRefreshOf = CommitFacts<unknown, unknown>['refresh']

/** Everything that was minted for one request. */
export interface MintedTokens {
  readonly accessToken: MintedAccessToken
  readonly refresh: MintedRefreshOf
  readonly idToken: Secret | undefined
}

/** What tokens are minted for. */
export interface Mint {
  readonly client: ClientRecord
  readonly decision: TokenDecision
  readonly asked: Asked
  readonly binding: TokenBinding | undefined
  readonly now: Instant
}

const keyFor = async (context: Context, alg: SigningAlg): Promise<PublicSigningKey> => {
  const key = activeKey(await context.ports.keys.keys(), alg)
  if (key === undefined) throw new Error(`no active signing key for ${alg}`)
  return key
}

// What is minted for a replay is given to nobody: it needs no resource, and no change of one may save the family.
const targetOfNobody = (context: Context, scope: readonly string[]): TokenTarget => ({
  scope,
  audience: [],
  format: 'opaque',
  lifetime: context.lifetimes.opaqueAccessToken,
  alg: undefined,
})

const targetFor = async (context: Context, { decision, asked }: Mint): Promise<Result<TokenTarget, TokenRejection>> => {
  const { scope, resources: granted, doomed } = decision
  if (doomed) return ok(targetOfNobody(context, scope))
  const named = asked.resources.length > 0 || granted.length > 0
  const known = named || needsResources(scope) ? await context.stores.resources.listResources() : []
  return decideTarget({ scope, asked: asked.resources, granted }, known, context.lifetimes)
}

const mintAccessToken = async (
  context: Context,
  { client, decision, binding, now }: Mint,
  target: TokenTarget,
): Promise<MintedAccessToken> => {
  const { grant, endsBy, actors = [] } = decision
  const end = later(now, target.lifetime)
  const shared = {
    clientId: client.clientId,
    owner: grant === undefined ? 'client' : 'grant',
    scope: target.scope,
    audience: target.audience,
    binding,
    issuedAt: now,
    expiresAt: endsBy !== undefined && endsBy < end ? endsBy : end,
  } as const
  if (target.alg === undefined) {
    const handle = grant?.handle ?? mintHandle(context.ports.random)
    const token = mintCredential(context.ports.random, handle)
    return { token, record: { ...shared, handle, digest: await digestOf(context, reveal(token)), format: 'opaque' } }
  }
  const jti = randomText(context, 16)
  const handle = grant?.handle ?? grantHandle(jti)
  const record: AccessTokenRecord = { ...shared, handle, digest: await digestOf(context, jti), format: 'jwt' }
  const content = { record, jti, subject: grant?.subject ?? client.clientId, grant, actors }
  return { token: await mintJwtAccessToken(context, await keyFor(context, target.alg), content), record }
}

const mintRefresh = async (context: Context, { client, decision, binding, now }: Mint): Promise<MintedRefreshOf> => {
  const { refresh, grant } = decision
  if (refresh.kind === 'none' || grant === undefined) return undefined
  if (refresh.kind === 'successor') {
    const by = { salt: randomText(context, 32), mark: refresh.of.mark }
    return { minted: await deriveRefresh(context, refresh.presented, by), record: undefined }
  }
  const minted = await mintFirstRefresh(context, grant.handle)
  const absolute = later(now, context.lifetimes.refreshAbsolute)
  const idle = later(now, context.lifetimes.refreshIdle)
  const record: RefreshRecord = {
    current: minted.digest,
    previous: undefined,
    salt: undefined,
    mark: minted.mark,
    rotatedAt: undefined,
    idleExpiresAt: idle < absolute ? idle : absolute,
    absoluteExpiresAt: absolute,
    // A confidential client proves itself at each use (RFC 9449 §5).
    binding: isConfidentialClient(client) ? undefined : binding,
  }
  return { minted, record }
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

const mintIdTokenFor = async (
  context: Context,
  { client, decision, now }: Mint,
  access: MintedAccessToken,
): Promise<Result<Secret | undefined, TokenRejection>> => {
  const grant = decision.idTokenOf
  if (grant === undefined) return ok(undefined)
  const claims = await idTokenClaims(context, client, grant)
  if (claims === undefined) return err({ reason: 'personDisabled' })
  const key = await keyFor(context, client.idTokenAlg)
  const content = { grant, claims, accessToken: reveal(access.token), jti: randomText(context, 16), now }
  return ok(await mintIdToken(context, key, content))
}

/** Mints all that a decision allows; refused where no token can be for what was named, or the person is gone meanwhile. */
export const mintTokens = async (context: Context, mint: Mint): Promise<Result<MintedTokens, TokenRejection>> => {
  const target = await targetFor(context, mint)
  if (!target.ok) return target
  const accessToken = await mintAccessToken(context, mint, target.value)
  const refresh = await mintRefresh(context, mint)
  const idToken = await mintIdTokenFor(context, mint, accessToken)
  return idToken.ok ? ok({ accessToken, refresh, idToken: idToken.value }) : idToken
}
