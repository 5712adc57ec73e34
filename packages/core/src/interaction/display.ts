// Owns what a page is told of a client, its scopes and the values to be shared. Never renders, and tells nothing a client set as markup.

import type { JsonObject } from '../base/index.ts'
import { claimNamesFor, claimsBeyondScope, releaseClaims, SCOPE_CLAIMS } from '../claims/index.ts'
import { destinationOf, redirectOriginOf } from '../client/index.ts'
import { isUnproven } from '../consent/index.ts'
import { describeScope } from '../resource/index.ts'
import type { AuthorizationRequestRecord, ClientRecord, ResourceRecord } from '../store/index.ts'
import type { ClientDisplay, ScopeDisplay } from '../wire/index.ts'

/** What pages show of a client. */
export const displayClient = (client: ClientRecord, redirectUri: string): ClientDisplay => ({
  clientId: client.clientId,
  name: client.name,
  destination: destinationOf(redirectUri),
  redirectOrigin: redirectOriginOf(redirectUri),
  unproven: isUnproven(client, redirectUri),
  origin: client.origin,
  clientUri: client.clientUri,
  logoUri: client.logoUri,
  policyUri: client.policyUri,
  tosUri: client.tosUri,
})

/** The scopes of a request with their words and claims; `openid` shares nothing but the identifier and is left to the page. */
export const displayScopes = (
  request: Pick<AuthorizationRequestRecord, 'scope' | 'claims'>,
  resources: readonly ResourceRecord[],
): readonly ScopeDisplay[] => {
  const scopes = request.scope.map((name) => {
    const described = describeScope(name, resources)
    return {
      name,
      description: described?.description,
      sensitive: described?.sensitive ?? false,
      claims: SCOPE_CLAIMS.get(name) ?? [],
    }
  })
  const beyond = claimsBeyondScope(request.claims, request.scope)
  if (beyond.length === 0) return scopes
  return [...scopes, { name: 'claims', description: undefined, sensitive: false, claims: beyond }]
}

/** The values that allowing would share. */
export const displayValues = (
  request: Pick<AuthorizationRequestRecord, 'scope' | 'claims'>,
  known: JsonObject,
): JsonObject =>
  releaseClaims(
    [
      ...claimNamesFor({ scoped: true, scope: request.scope, requested: [] }),
      ...claimsBeyondScope(request.claims, request.scope),
    ],
    known,
  )
