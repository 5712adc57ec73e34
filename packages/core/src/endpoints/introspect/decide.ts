// Owns what a caller may know of a token: everything of its own, of others' what is for its resource, and of the rest nothing at all.
// Pure: everything was read just before.

import type { ClientId, Instant, JsonObject } from '../../base/index.ts'
import { scopesOf } from '../../resource/index.ts'
import { decideGrant, decideToken } from '../../standing/index.ts'
import type { AccessTokenSnapshot, GrantRecord, RefreshSnapshot, ResourceRecord } from '../../store/index.ts'
import { actingOf, confirmationOf } from '../../tokens/index.ts'

/** Who asks, when, and which resources there are. */
export interface IntrospectionFacts {
  readonly issuer: string
  readonly caller: ClientId
  readonly resources: readonly ResourceRecord[]
  readonly now: Instant
}

const signInOf = (grant: GrantRecord | undefined): JsonObject =>
  grant === undefined
    ? {}
    : {
        auth_time: grant.authTime,
        ...(grant.acr === undefined ? {} : { acr: grant.acr }),
        ...(grant.amr.length === 0 ? {} : { amr: grant.amr }),
      }

/** What the caller may see of the token's audience and scope; undefined where it may see nothing. */
const shareOf = (
  { token }: AccessTokenSnapshot,
  { caller, resources }: IntrospectionFacts,
): { readonly audience: readonly string[]; readonly scope: readonly string[] } | undefined => {
  if (token.clientId === caller) return token
  const own = resources.filter(
    ({ identifier, introspectionClients }) =>
      token.audience.includes(identifier) && introspectionClients.includes(caller),
  )
  if (own.length === 0) return undefined
  return { audience: own.map(({ identifier }) => identifier), scope: scopesOf(own, token.scope) }
}

/** What is told of an access token that counts and that the caller may know of (RFC 7662 §2.2); undefined for every other. */
export const describeAccessToken = (
  snapshot: AccessTokenSnapshot,
  facts: IntrospectionFacts,
): JsonObject | undefined => {
  const { token, family } = snapshot
  const share = shareOf(snapshot, facts)
  if (share === undefined || decideToken(token, snapshot, facts.now) !== undefined) return undefined
  const [only, ...others] = share.audience
  return {
    active: true,
    iss: facts.issuer,
    sub: family?.grant.subject ?? token.clientId,
    client_id: token.clientId,
    scope: share.scope.join(' '),
    token_type: token.binding?.method === 'jkt' ? 'DPoP' : 'Bearer',
    iat: token.issuedAt,
    exp: token.expiresAt,
    ...(only === undefined ? {} : { aud: others.length === 0 ? only : share.audience }),
    ...actingOf(snapshot.actors),
    ...confirmationOf(token.binding),
    ...signInOf(family?.grant),
  }
}

/** What is told of a refresh token: to its own client alone. */
export const describeRefreshToken = (snapshot: RefreshSnapshot, facts: IntrospectionFacts): JsonObject | undefined => {
  const { grant, refresh } = snapshot
  if (grant.clientId !== facts.caller || decideGrant(snapshot, facts.now) !== undefined) return undefined
  if (refresh.idleExpiresAt <= facts.now) return undefined
  return {
    active: true,
    iss: facts.issuer,
    sub: grant.subject,
    client_id: grant.clientId,
    scope: grant.scope.join(' '),
    iat: refresh.rotatedAt ?? grant.issuedAt,
    exp: refresh.idleExpiresAt,
    ...confirmationOf(refresh.binding),
    ...signInOf(grant),
  }
}
