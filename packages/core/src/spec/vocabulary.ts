// Owns the words of the specifications that several rooms share. Never holds behaviour.

/** The ways a client can authenticate that are built (OIDC Core §9, RFC 7591 §2). */
export const CLIENT_AUTH_METHODS = [
  'none',
  'client_secret_basic',
  'client_secret_post',
  'private_key_jwt',
  'tls_client_auth',
  'self_signed_tls_client_auth',
] as const

/** The two that rest on a certificate (RFC 8705 §2). */
export const TLS_AUTH_METHODS: readonly ClientAuthMethod[] = ['tls_client_auth', 'self_signed_tls_client_auth']

/** One way of client authentication (RFC 7591 §2 `token_endpoint_auth_method`). */
export type ClientAuthMethod = (typeof CLIENT_AUTH_METHODS)[number]

/** Algorithms that this server signs ID tokens with (RFC 7518 §3.1, RFC 8037 §3.1); RS256 first because every relying party knows it. */
export const SIGNING_ALGS = ['RS256', 'ES256', 'EdDSA'] as const

/** One algorithm that this server signs with. */
export type SigningAlg = (typeof SIGNING_ALGS)[number]

/**
 * Algorithms accepted on client assertions: asymmetric only, since secrets are kept as digests (RFC 8725 §3.1). Ed25519 is what newer
 * libraries call EdDSA with that curve (RFC 9864 §2.2).
 */
export const ASSERTION_ALGS = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'] as const

/**
 * Algorithms accepted on DPoP proofs (RFC 9449 §4.2): asymmetric only. RS256 is left out: its padding is the weaker one, no client is bound
 * to it by an older deployment, and FAPI 2.0 forbids it.
 */
export const DPOP_ALGS = ['ES256', 'ES384', 'ES512', 'PS256', 'EdDSA', 'Ed25519'] as const

/** Response modes that are built (OAuth 2.0 Multiple Response Types §2.1, OAuth 2.0 Form Post Response Mode §2). */
export const RESPONSE_MODES = ['query', 'form_post'] as const

/**
 * The words for signed answers (JARM §2.3), and how each is sent. `jwt` is the default of a code, the query; there is no `fragment.jwt`
 * because nothing is sent in fragments.
 */
export const SIGNED_RESPONSE_MODES = {
  jwt: 'query.jwt',
  'query.jwt': 'query.jwt',
  'form_post.jwt': 'form_post.jwt',
} as const

/** One way to send an answer. */
export type ResponseMode = (typeof RESPONSE_MODES)[number] | 'query.jwt' | 'form_post.jwt'

/** Prompt values (OIDC Core §3.1.2.1). */
export const PROMPTS = ['none', 'login', 'consent', 'select_account'] as const

/** One prompt value. */
export type Prompt = (typeof PROMPTS)[number]

/** Scopes whose meaning this server knows by itself (OIDC Core §5.4; `groups` by convention of relying parties). */
export const STANDARD_SCOPES = ['openid', 'profile', 'email', 'address', 'phone', 'groups'] as const

/** What the `request_uri` of a pushed request begins with (RFC 9126 §2.2). */
export const PUSHED_REQUEST_URI = 'urn:ietf:params:oauth:request_uri:'

/** The scope that asks for tokens which outlive the session (OIDC Core §11). */
export const OFFLINE_ACCESS = 'offline_access'

/** The assertion type of a JWT for client authentication (RFC 7523 §2.2). */
export const JWT_BEARER_ASSERTION = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'

/** Who vouches for a client: an operator who registered it, or nobody, since it registered itself (RFC 7591 §5). */
export type ClientOrigin = 'operator' | 'registered'

/** The grant type of a device that a person lets in from elsewhere (RFC 8628 §3.4). */
export const DEVICE_CODE_GRANT = 'urn:ietf:params:oauth:grant-type:device_code'
/** Scopes that speak of a person to the client that he uses, and to no other: no client is given them in its own name, nor by exchange. */
export const PERSONAL_SCOPES: readonly string[] = [...STANDARD_SCOPES, OFFLINE_ACCESS]

/** Types of tokens that an exchange takes and gives (RFC 8693 §3). */
export const TOKEN_TYPES = {
  accessToken: 'urn:ietf:params:oauth:token-type:access_token',
  jwt: 'urn:ietf:params:oauth:token-type:jwt',
} as const

/** The grant type of token exchange (RFC 8693 §2.1). */
export const TOKEN_EXCHANGE = 'urn:ietf:params:oauth:grant-type:token-exchange'

/** The grant type of assertions (RFC 7523 §2.1). */
export const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer'
