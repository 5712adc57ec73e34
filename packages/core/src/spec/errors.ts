// Owns the error codes of the specifications. Never decides when one is used: that is the rejection maps' work.

/** Error codes of the authorization endpoint (RFC 6749 §4.1.2.1, OIDC Core §3.1.2.6, RFC 8707 §2, RFC 9101 §7, OIDC unmet_authentication_requirements). */
export type AuthorizationError =
  | 'invalid_request'
  | 'unauthorized_client'
  | 'access_denied'
  | 'unsupported_response_type'
  | 'invalid_scope'
  | 'server_error'
  | 'temporarily_unavailable'
  | 'interaction_required'
  | 'login_required'
  | 'account_selection_required'
  | 'consent_required'
  | 'request_not_supported'
  | 'request_uri_not_supported'
  | 'invalid_request_uri'
  | 'invalid_request_object'
  | 'registration_not_supported'
  | 'invalid_target'
  | 'invalid_authorization_details'
  | 'unmet_authentication_requirements'

/** Error codes of the token endpoint (RFC 6749 §5.2, RFC 8707 §2, RFC 8628 §3.5, RFC 9449 §5, §8). */
export type TokenError =
  | 'invalid_request'
  | 'invalid_client'
  | 'invalid_grant'
  | 'unauthorized_client'
  | 'unsupported_grant_type'
  | 'invalid_scope'
  | 'invalid_target'
  | 'authorization_pending'
  | 'slow_down'
  | 'access_denied'
  | 'expired_token'
  | 'temporarily_unavailable'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'

/** Error codes of a protected resource (RFC 6750 §3.1). */
export type BearerError = 'invalid_request' | 'invalid_token' | 'insufficient_scope'

/** Error codes of the registration endpoint (RFC 7591 §3.2.2, RFC 6750 §3.1). */
export type RegistrationError =
  | 'invalid_redirect_uri'
  | 'invalid_client_metadata'
  | 'unapproved_software_statement'
  | 'invalid_request'
  | 'invalid_token'
  | 'temporarily_unavailable'
