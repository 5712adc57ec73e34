// Owns the members of client metadata that mean something this server does not do. Never judges a value: their presence is enough.

import { UNBUILT_REQUEST_FIELDS } from './registration-requests.ts'

/** Ignoring one of these would leave the client with less than it was promised, so they are refused wherever they come from. */
export const NOT_BUILT_FIELDS: readonly string[] = [
  ...UNBUILT_REQUEST_FIELDS,
  'software_statement',
  'sector_identifier_uri',
  'id_token_encrypted_response_alg',
  'userinfo_signed_response_alg',
  'userinfo_encrypted_response_alg',
  'frontchannel_logout_uri',
]
