// Owns the members of client metadata about signing out, and their rules. Never compares a request with what is registered.

import type { Json, JsonObject } from '../base/index.ts'
import type { ClientLogout } from '../store/index.ts'
import { type Read, readAll, readFlag, readList, readText, refuse } from './registration-fields.ts'
import { checkCalledUri, checkRedirectUri, type UriPolicy } from './registration-uris.ts'

// As many as there may be redirect URIs.
const MOST_URIS = 50

/** The members, by their names in the specifications. */
export const LOGOUT_FIELDS: readonly string[] = [
  'post_logout_redirect_uris',
  'backchannel_logout_uri',
  'backchannel_logout_session_required',
]

const readCalledUri = (metadata: JsonObject, field: string, policy: UriPolicy): Read<string | undefined> => {
  const uri = readText(metadata, field, 2048)
  if (!uri.ok || uri.value === undefined) return uri
  const checked = checkCalledUri(uri.value, policy)
  return checked.ok ? checked : refuse(field, checked.error)
}

/** Reads them; a URI after signing out keeps the rules of a redirect URI (OIDC RP-Initiated Logout §3.1, OIDC Back-Channel Logout §2.2). */
export const readLogout = (metadata: JsonObject, policy: UriPolicy): Read<ClientLogout> => {
  const check = (uri: string) => checkRedirectUri(uri, policy)
  return readAll({
    postLogoutRedirectUris: readList(metadata, 'post_logout_redirect_uris', { most: MOST_URIS, check }),
    backchannelUri: readCalledUri(metadata, 'backchannel_logout_uri', policy),
    backchannelSessionRequired: readFlag(metadata, 'backchannel_logout_session_required', false),
  })
}

/** The settings as metadata again; what was never set is left out. */
export const logoutMetadataOf = (logout: ClientLogout): readonly (readonly [string, Json | undefined])[] => [
  ['post_logout_redirect_uris', logout.postLogoutRedirectUris.length === 0 ? undefined : logout.postLogoutRedirectUris],
  ['backchannel_logout_uri', logout.backchannelUri],
  ['backchannel_logout_session_required', logout.backchannelSessionRequired ? true : undefined],
]
