// Owns the metadata document of this API and where it stands (RFC 9728). Never says what is not enabled.

import type { ResourceServerConfig } from './config.ts'
import type { JsonObject } from './json.ts'
import type { Settings } from './settings.ts'

/** The metadata of a protected resource, ready to be served. */
export interface ResourceMetadata {
  /** Where the document stands, as a path on the API's origin (RFC 9728 §3.1). */
  readonly path: string
  /** The same as a whole URL, which challenges name. */
  readonly url: string
  readonly document: JsonObject
  /** The answer to a GET of the path, for every origin: a browser's app reads it without credentials. */
  readonly response: {
    readonly status: 200
    readonly headers: Readonly<Record<string, string>>
    readonly body: string
  }
}

// Clients read it before each authorization; a change is seen this soon.
const MAX_AGE = 300

const WELL_KNOWN = '/.well-known/oauth-protected-resource'

const documentOf = (config: ResourceServerConfig, settings: Settings): JsonObject => {
  const { scopes, name, documentation, policyUri, tosUri } = config.description ?? {}
  const { dpop, senderConstraint, bodyToken } = settings
  const entries: readonly (readonly [name: string, value: JsonObject[string]])[] = [
    ['resource', settings.resource],
    ['authorization_servers', [settings.issuer]],
    ['scopes_supported', scopes],
    ['bearer_methods_supported', bodyToken ? ['header', 'body'] : ['header']],
    ['resource_name', name],
    ['resource_documentation', documentation],
    ['resource_policy_uri', policyUri],
    ['resource_tos_uri', tosUri],
    ['dpop_signing_alg_values_supported', dpop?.algorithms],
    ['dpop_bound_access_tokens_required', senderConstraint === 'dpop' ? true : undefined],
    ['tls_client_certificate_bound_access_tokens', senderConstraint === 'mtls' ? true : undefined],
  ]
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined))
}

/** Makes the metadata of a resource: the well-known part goes between its host and its path (RFC 9728 §3.1). */
export const createMetadata = (config: ResourceServerConfig, settings: Settings): ResourceMetadata => {
  const { pathname, search, origin } = new URL(settings.resource)
  const path = `${WELL_KNOWN}${pathname === '/' ? '' : pathname}`
  const document = documentOf(config, settings)
  const headers = {
    'Content-Type': 'application/json',
    'Cache-Control': `public, max-age=${MAX_AGE}`,
    'Access-Control-Allow-Origin': '*',
  }
  const url = `${origin}${path}${search}`
  return { path, url, document, response: { status: 200, headers, body: JSON.stringify(document) } }
}
