// Owns reading how a client sends its authorization requests and how it is answered: pushed, signed, by reference, in a signed answer.
// Never fetches what a reference names.

import { err, type JsonObject, member, ok, type Result } from '../base/index.ts'
import { ASSERTION_ALGS, SIGNING_ALGS } from '../spec/index.ts'
import type { ClientRecord } from '../store/index.ts'
import { type Read, readAll, readChoice, readFlag, readList } from './registration-fields.ts'
import type { ClientRejectionReason } from './registration-rejection.ts'
import { checkCalledUri } from './registration-uris.ts'

/** Members that are read here (RFC 9126 §6, RFC 9101 §10.5, OIDC Registration §2, JARM §3). */
export const REQUEST_FIELDS: readonly string[] = [
  'require_pushed_authorization_requests',
  'request_object_signing_alg',
  'require_signed_request_object',
  'request_uris',
  'authorization_signed_response_alg',
]

/** Members of the same specifications that are not built: what they ask for would be missing without a word. */
export const UNBUILT_REQUEST_FIELDS: readonly string[] = [
  'request_object_encryption_alg',
  'authorization_encrypted_response_alg',
]

/** The part of a client that says how it sends requests and is answered. */
export type RequestSettings = Pick<
  ClientRecord,
  'requirePushedRequests' | 'requestObjectAlg' | 'requireSignedRequests' | 'requestUris' | 'authorizationResponseAlg'
>

/** What the place of registration allows of it. */
export interface RequestPolicy {
  readonly development: boolean
  /** Whether this server fetches anything at all. */
  readonly fetches?: boolean
}

const MAX_REQUEST_URIS = 20
// RFC 3986 §3.5; without the colon and the like that only serve to hide something.
const FRAGMENT = /^[A-Za-z0-9\-._~=]{0,128}$/

/** An address that this server may be sent to; a fragment names a version of what lies there (OIDC Core §6.2) and is not fetched. */
const checkRequestUri = (text: string, policy: RequestPolicy): Result<string, ClientRejectionReason> => {
  if (!policy.fetches) return err('notBuilt')
  const [address = '', fragment = '', ...more] = text.split('#')
  if (more.length > 0 || !FRAGMENT.test(fragment)) return err('unsafeCharacter')
  const checked = checkCalledUri(address, policy)
  return checked.ok ? ok(text) : checked
}

const readOptionalChoice = <Choice extends string>(
  metadata: JsonObject,
  field: string,
  choices: readonly [Choice, ...(readonly Choice[])],
): Read<Choice | undefined> =>
  member(metadata, field) === undefined ? ok(undefined) : readChoice(metadata, field, choices, choices[0])

/** Reads the members of RFC 9126 §6, RFC 9101 §10.5, OIDC Registration §2 and JARM §3. */
export const readRequestSettings = (metadata: JsonObject, policy: RequestPolicy): Read<RequestSettings> =>
  readAll({
    requirePushedRequests: readFlag(metadata, 'require_pushed_authorization_requests', false),
    requestObjectAlg: readOptionalChoice(metadata, 'request_object_signing_alg', ASSERTION_ALGS),
    requireSignedRequests: readFlag(metadata, 'require_signed_request_object', false),
    requestUris: readList(metadata, 'request_uris', {
      most: MAX_REQUEST_URIS,
      check: (text) => checkRequestUri(text, policy),
    }),
    authorizationResponseAlg: readOptionalChoice(metadata, 'authorization_signed_response_alg', SIGNING_ALGS),
  })
