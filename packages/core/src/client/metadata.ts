// Owns a client's settings written as metadata again: what is shown, exported, and changed by merging. Never holds a secret.

import type { Instant, Json, JsonObject } from '../base/index.ts'
import type { ClientOrigin } from '../spec/index.ts'
import type { ClientRecord } from '../store/index.ts'
import { TLS_NAME_MEMBERS } from './registration-certificates.ts'
import { logoutMetadataOf } from './registration-logout.ts'

/** A client as an administrator reads it: its metadata by the names of RFC 7591 §2, its state, and of its secrets only that they exist. */
export interface ClientDescription {
  readonly clientId: string
  readonly version: number
  readonly disabled: boolean
  readonly origin: ClientOrigin
  /** When it goes unless somebody uses it; undefined where it stays. */
  readonly unusedExpiresAt: Instant | undefined
  readonly createdAt: Instant
  readonly updatedAt: Instant
  readonly secrets: readonly { readonly expiresAt: Instant | undefined }[]
  readonly metadata: JsonObject
}

const tlsNameOf = ({ tlsClientName: name }: ClientRecord): readonly (readonly [string, Json])[] =>
  name === undefined ? [] : [[TLS_NAME_MEMBERS[name.kind], name.value]]

/** The metadata of a record: read again by `validateClient`, it gives the same settings. */
export const metadataOf = (client: ClientRecord): JsonObject => {
  const all: readonly (readonly [string, Json | undefined])[] = [
    ['client_name', client.name],
    ['application_type', client.applicationType],
    ['token_endpoint_auth_method', client.authMethod],
    ['jwks', client.jwks.length === 0 ? undefined : { keys: client.jwks }],
    ...tlsNameOf(client),
    ['jwks_uri', client.jwksUri],
    ['tls_client_certificate_bound_access_tokens', client.certificateBoundTokens],
    ['dpop_bound_access_tokens', client.dpopBoundTokens],
    ['redirect_uris', client.redirectUris],
    ['localhost_any_port', client.localhostAnyPort],
    ['scope', client.scopes.join(' ')],
    ['grant_types', client.grantTypes],
    ['pkce', client.pkce],
    ['nonce', client.nonce],
    ['id_token_signed_response_alg', client.idTokenAlg],
    ['id_token_claims', client.idTokenClaims],
    ['trusted', client.trusted],
    ['default_max_age', client.defaultMaxAge],
    ['require_pushed_authorization_requests', client.requirePushedRequests],
    ['refresh_tokens', client.refreshTokens],
    ...logoutMetadataOf(client.logout),
    ['request_object_signing_alg', client.requestObjectAlg],
    ['require_signed_request_object', client.requireSignedRequests],
    ['request_uris', client.requestUris],
    ['authorization_signed_response_alg', client.authorizationResponseAlg],
    ['cors_origins', client.corsOrigins],
    ['client_uri', client.clientUri],
    ['logo_uri', client.logoUri],
    ['policy_uri', client.policyUri],
    ['tos_uri', client.tosUri],
    ['initiate_login_uri', client.initiateLoginUri],
    ['contacts', client.contacts.length === 0 ? undefined : client.contacts],
  ]
  return Object.fromEntries(all.filter(([, value]) => value !== undefined))
}

/** What may be shown of a client: digests of secrets are left out, since whoever lists clients has no use for them. */
export const describeClient = (client: ClientRecord): ClientDescription => ({
  clientId: client.clientId,
  version: client.version,
  disabled: client.disabled,
  origin: client.origin,
  unusedExpiresAt: client.unusedExpiresAt,
  createdAt: client.createdAt,
  updatedAt: client.updatedAt,
  secrets: client.secrets.map(({ expiresAt }) => ({ expiresAt })),
  metadata: metadataOf(client),
})

/** Metadata with a change laid over it: a member of the change replaces, and null takes away (RFC 7396 §2, one level deep). */
export const mergeMetadata = (current: JsonObject, change: JsonObject): JsonObject =>
  Object.fromEntries(Object.entries({ ...current, ...change }).filter(([, value]) => value !== null))

/** Names of the members that differ, in the order of the alphabet. */
export const changedMembers = (before: JsonObject, after: JsonObject): readonly string[] =>
  [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]))
    .toSorted()
