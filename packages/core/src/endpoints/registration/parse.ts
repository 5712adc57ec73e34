// Owns reading a request at the registration endpoint: its token and its JSON. Never judges metadata.

import { err, isJsonObject, type JsonObject, ok, parseJson, type Result, type Secret } from '../../base/index.ts'
import { LIMITS } from '../../spec/index.ts'
import { parseAuthorizationHeader, singleHeader, type WireRequest } from '../../wire/index.ts'
import type { RegistrationRejection } from './rejection.ts'

/** The bearer token of a request, undefined where there is none; it is read from the header alone (RFC 6750 §2.1). */
export const parseToken = (request: WireRequest): Result<Secret | undefined, RegistrationRejection> => {
  const header = parseAuthorizationHeader(request)
  if (!header.ok) return err({ reason: 'headerMalformed' })
  return ok(header.value.scheme === 'bearer' ? header.value.token : undefined)
}

const isJsonContentType = (contentType: string | undefined): boolean =>
  contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/json'

/**
 * The JSON object of a body: one parser, and of a name that is repeated the last value counts (RFC 8259 §4). Which members mean something
 * is for the rules to say.
 */
export const parseMetadata = (request: WireRequest): Result<JsonObject, RegistrationRejection> => {
  if (!isJsonContentType(singleHeader(request, 'content-type'))) return err({ reason: 'bodyNotJson' })
  const parsed = parseJson(request.body ?? '', LIMITS.form)
  if (parsed === undefined) return err({ reason: 'bodyNotJson' })
  if (!isJsonObject(parsed)) return err({ reason: 'bodyNotObject' })
  return Object.keys(parsed).length > LIMITS.fields ? err({ reason: 'bodyTooWide' }) : ok(parsed)
}
