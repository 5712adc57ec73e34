// Owns the metadata document (OIDC Discovery §3, RFC 8414 §2). Derived from what is built and configured, never written by hand.

import type { JsonObject } from '../../base/index.ts'
import { STANDARD_CLAIMS } from '../../claims/index.ts'
import type { DpopSettings, MtlsSettings } from '../../context/index.ts'
import {
  ASSERTION_ALGS,
  CLIENT_AUTH_METHODS,
  type ClientAuthMethod,
  DPOP_ALGS,
  OFFLINE_ACCESS,
  PROMPTS,
  RESPONSE_MODES,
  SIGNED_RESPONSE_MODES,
  STANDARD_SCOPES,
  TLS_AUTH_METHODS,
} from '../../spec/index.ts'

/** What of signing out is composed. */
export interface LogoutFacts {
  readonly endSession: string | undefined
  readonly backchannel: boolean
}

/** What the document is derived from. */
export interface MetadataFacts {
  readonly issuer: string
  readonly endpoints: {
    readonly authorization: string
    readonly token: string
    readonly userinfo: string
    readonly jwks: string
    /** Undefined where pushed requests are switched off. */
    readonly pushedAuthorizationRequest: string | undefined
    /** Undefined where tokens cannot be given back. */
    readonly revocation: string | undefined
    /** Undefined where nobody can ask what a token is worth. */
    readonly introspection: string | undefined
    /** Undefined where clients cannot register themselves. */
    readonly registration: string | undefined
    /** Undefined where devices cannot be let in. */
    readonly deviceAuthorization: string | undefined
  }
  /** Signed request objects: none, by value alone, or by reference too. */
  readonly requestObjects: 'none' | 'byValue' | 'byReference'
  /** Whether answers may be signed. */
  readonly signedResponses: boolean
  /** Whether requests of every client must be pushed. */
  readonly requirePushedRequests: boolean
  readonly logout: LogoutFacts
  readonly grantTypes: readonly string[]
  /** Algorithms with an active key. */
  readonly signingAlgs: readonly string[]
  readonly acrValues: readonly string[]
  readonly uiLocales: readonly string[]
  readonly dpop: DpopSettings | undefined
  readonly mtls: MtlsSettings | undefined
}

const ID_TOKEN_CLAIMS = ['iss', 'sub', 'aud', 'exp', 'iat', 'jti', 'nonce', 'auth_time', 'acr', 'amr', 'at_hash', 'sid']

const machineEndpoints = [
  'token_endpoint',
  'userinfo_endpoint',
  'pushed_authorization_request_endpoint',
  'revocation_endpoint',
  'introspection_endpoint',
  'device_authorization_endpoint',
]

// Where a certificate is asked for on a port of its own; browsers are not sent there, so that none asks its person for one (RFC 8705 §5).
const aliasesOf = (document: JsonObject, { issuer, mtls }: MetadataFacts): JsonObject => {
  const base = mtls?.endpointBase
  if (base === undefined) return {}
  const aliases = machineEndpoints.flatMap((name) => {
    const url = document[name]
    return typeof url === 'string' ? [[name, `${base}${url.slice(issuer.length)}`] as const] : []
  })
  return { mtls_endpoint_aliases: Object.fromEntries(aliases) }
}

/** How clients authenticate here; the same at every endpoint but introspection, where a client must prove itself. */
const authMethodsOf = (facts: MetadataFacts): readonly ClientAuthMethod[] =>
  CLIENT_AUTH_METHODS.filter((method) => facts.mtls !== undefined || !TLS_AUTH_METHODS.includes(method))

const tokenEndpointsOf = (facts: MetadataFacts): JsonObject => {
  const { revocation, introspection } = facts.endpoints
  const methods = authMethodsOf(facts)
  return {
    ...(revocation === undefined
      ? {}
      : {
          revocation_endpoint: revocation,
          revocation_endpoint_auth_methods_supported: methods,
          revocation_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
        }),
    ...(introspection === undefined
      ? {}
      : {
          introspection_endpoint: introspection,
          introspection_endpoint_auth_methods_supported: methods.filter((method) => method !== 'none'),
          introspection_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
          introspection_signing_alg_values_supported: facts.signingAlgs,
        }),
  }
}
/** The members about signing out (OIDC RP-Initiated Logout §2.1, OIDC Back-Channel Logout §2.1). */
const logoutMetadata = (logout: LogoutFacts): JsonObject => ({
  ...(logout.endSession === undefined ? {} : { end_session_endpoint: logout.endSession }),
  ...(logout.backchannel ? { backchannel_logout_supported: true, backchannel_logout_session_supported: true } : {}),
})

const documentOf = (facts: MetadataFacts): JsonObject => ({
  issuer: facts.issuer,
  authorization_endpoint: facts.endpoints.authorization,
  token_endpoint: facts.endpoints.token,
  userinfo_endpoint: facts.endpoints.userinfo,
  jwks_uri: facts.endpoints.jwks,
  ...(facts.endpoints.pushedAuthorizationRequest === undefined
    ? {}
    : {
        pushed_authorization_request_endpoint: facts.endpoints.pushedAuthorizationRequest,
        require_pushed_authorization_requests: facts.requirePushedRequests,
      }),
  ...(facts.endpoints.deviceAuthorization === undefined
    ? {}
    : { device_authorization_endpoint: facts.endpoints.deviceAuthorization }),
  scopes_supported: facts.grantTypes.includes('refresh_token') ? [...STANDARD_SCOPES, OFFLINE_ACCESS] : STANDARD_SCOPES,
  ...(facts.endpoints.registration === undefined ? {} : { registration_endpoint: facts.endpoints.registration }),
  response_types_supported: ['code'],
  response_modes_supported: [...RESPONSE_MODES, ...(facts.signedResponses ? Object.keys(SIGNED_RESPONSE_MODES) : [])],
  ...(facts.signedResponses ? { authorization_signing_alg_values_supported: facts.signingAlgs } : {}),
  grant_types_supported: facts.grantTypes,
  subject_types_supported: ['public'],
  id_token_signing_alg_values_supported: facts.signingAlgs,
  token_endpoint_auth_methods_supported: authMethodsOf(facts),
  token_endpoint_auth_signing_alg_values_supported: ASSERTION_ALGS,
  ...tokenEndpointsOf(facts),
  code_challenge_methods_supported: ['S256'],
  claim_types_supported: ['normal'],
  claims_supported: [...ID_TOKEN_CLAIMS, ...STANDARD_CLAIMS],
  claims_parameter_supported: true,
  request_parameter_supported: facts.requestObjects !== 'none',
  request_uri_parameter_supported: facts.requestObjects === 'byReference',
  ...(facts.requestObjects === 'byReference' ? { require_request_uri_registration: true } : {}),
  ...(facts.requestObjects === 'none' ? {} : { request_object_signing_alg_values_supported: ASSERTION_ALGS }),
  prompt_values_supported: PROMPTS,
  authorization_response_iss_parameter_supported: true,
  ...(facts.dpop === undefined ? {} : { dpop_signing_alg_values_supported: DPOP_ALGS }),
  ...(facts.mtls === undefined ? {} : { tls_client_certificate_bound_access_tokens: true }),
  ...logoutMetadata(facts.logout),
  ...(facts.acrValues.length === 0 ? {} : { acr_values_supported: facts.acrValues }),
  ...(facts.uiLocales.length === 0 ? {} : { ui_locales_supported: facts.uiLocales }),
})

/** The document; every URL comes from the configured issuer. */
export const metadataOf = (facts: MetadataFacts): JsonObject => {
  const document = documentOf(facts)
  return { ...document, ...aliasesOf(document, facts) }
}
