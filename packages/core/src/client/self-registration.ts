// Owns what a client may say of itself where no operator vouches for it: what is left out, filled in or narrowed before the one set of rules
// judges it. Never judges itself: see registration.ts.

import { type Json, type JsonObject, member, type Result } from '../base/index.ts'
import type { ClientRecord } from '../store/index.ts'
import { metadataOf } from './metadata.ts'
import { destinationOf, isOnDevice } from './redirect-uri.ts'
import { type ValidatedClient, validateClient } from './registration.ts'
import type { ClientRejection } from './registration-rejection.ts'

/** What the operator lets clients say of themselves. */
export interface SelfRegistrationRules {
  /** Whether web clients may have `http` redirect URIs on loopback. */
  readonly development: boolean
  readonly grantTypes: readonly string[]
  /** Whether keys that a client publishes can be fetched. */
  readonly fetches: boolean
  readonly scopes: readonly string[]
}

// Names of our own, which no client can know: each would make it more than it is, so that to a client they do not exist (RFC 7591 §2: what is not
// understood is ignored).
const OPERATOR_FIELDS: ReadonlySet<string> = new Set([
  'trusted',
  'pkce',
  'nonce',
  'localhost_any_port',
  'id_token_claims',
  'cors_origins',
  'refresh_tokens',
])

const MAX_DEFAULT_NAME = 60

const firstRedirectUri = (metadata: JsonObject): string | undefined => {
  const uris = member(metadata, 'redirect_uris')
  const [first] = Array.isArray(uris) ? Array.from<Json | undefined>(uris) : []
  return typeof first === 'string' && /^[\x21-\x7e]+$/.test(first) ? first : undefined
}

/** A client without a name is called by where it sends people: anything else would be somebody's claim. */
const nameOf = (metadata: JsonObject): string => {
  const uri = firstRedirectUri(metadata)
  const destination = uri === undefined ? '' : destinationOf(uri)
  return destination === '' ? 'unnamed' : destination.slice(0, MAX_DEFAULT_NAME)
}

/** Programs on a device rarely say that they are: redirect URIs that end there do (RFC 8252 §7). */
const applicationTypeOf = (metadata: JsonObject): 'web' | 'native' => {
  const uris = member(metadata, 'redirect_uris')
  const onDevice =
    Array.isArray(uris) && Array.from<Json | undefined>(uris).some((uri) => typeof uri === 'string' && isOnDevice(uri))
  return onDevice ? 'native' : 'web'
}

/** What of a list may be had; all that was asked where that is nothing, so that the rules refuse it by name. */
const narrowed = (asked: readonly string[], allowed: readonly string[]): readonly string[] => {
  const kept = asked.filter((value) => allowed.includes(value))
  return kept.length === 0 ? asked : kept
}

const isTexts = (values: readonly (Json | undefined)[]): values is readonly string[] =>
  values.every((value) => typeof value === 'string')

/**
 * Metadata as it is judged: RFC 7591 §2 lets a server replace what a client asks for, and tell it so. Grant types and scopes are narrowed to
 * those that may be had, because clients ask for all they know; what is missing is filled in.
 */
const settle = (metadata: JsonObject, rules: SelfRegistrationRules): JsonObject => {
  const known = Object.entries(metadata).filter(([name]) => !OPERATOR_FIELDS.has(name))
  const grantTypes = member(metadata, 'grant_types')
  const listed = Array.isArray(grantTypes) ? Array.from<Json | undefined>(grantTypes) : undefined
  const scope = member(metadata, 'scope')
  return {
    client_name: nameOf(metadata),
    application_type: applicationTypeOf(metadata),
    ...Object.fromEntries(known),
    ...(listed !== undefined && isTexts(listed) ? { grant_types: narrowed(listed, rules.grantTypes) } : {}),
    ...(scope === undefined ? { scope: rules.scopes.join(' ') } : {}),
    ...(typeof scope === 'string' ? { scope: narrowed(scope.split(' '), rules.scopes).join(' ') } : {}),
  }
}

/** Judges what a client says of itself by the rules for every client (RFC 7591 §2), without what only an operator may say. */
export const validateSelfRegistered = (
  metadata: JsonObject,
  rules: SelfRegistrationRules,
): Result<ValidatedClient, ClientRejection> =>
  validateClient(settle(metadata, rules), {
    development: rules.development,
    grantTypes: rules.grantTypes,
    scopes: new Set(rules.scopes),
    unknownFields: 'ignore',
    fetches: rules.fetches,
  })

/** What a client is told of its registration: everything that counts, defaults too, and nothing that is an operator's (RFC 7591 §3.2.1). */
export const registeredMetadataOf = (client: ClientRecord): JsonObject => ({
  ...Object.fromEntries(Object.entries(metadataOf(client)).filter(([name]) => !OPERATOR_FIELDS.has(name))),
  response_types: client.grantTypes.includes('authorization_code') ? ['code'] : [],
})
