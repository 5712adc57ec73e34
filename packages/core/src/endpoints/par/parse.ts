// Owns reading a pushed authorization request: a form with a client's credentials in it. Never authenticates anybody.

import { err, type MultiMap, ok, type Result, repeated } from '../../base/index.ts'
import { type PresentedCredentials, parseCredentials } from '../../client-auth/index.ts'
import { isFormContentType, parseForm, singleHeader, type WireRequest } from '../../wire/index.ts'
import type { PushRejection } from './rejection.ts'

/** A push, read but not judged. */
export interface ParsedPush {
  readonly form: MultiMap
  readonly credentials: PresentedCredentials
}

// Whether the others may be repeated is decided where they are parsed.
const ONCE: ReadonlySet<string> = new Set(['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'])

/** Reads a push; a reference to another request in it is refused, however often it is there (RFC 9126 §2.1). */
export const parsePush = (request: WireRequest): Result<ParsedPush, PushRejection> => {
  if (!isFormContentType(singleHeader(request, 'content-type'))) {
    return err({ by: 'client', rejection: { reason: 'notAForm' } })
  }
  const form = parseForm(request.body ?? '')
  if (!form.ok) return err({ by: 'client', rejection: form.error })
  if (repeated(form.value, new Set()).some((name) => ONCE.has(name))) {
    return err({ by: 'client', rejection: { reason: 'parameterRepeated' } })
  }
  const credentials = parseCredentials(request, form.value)
  if (!credentials.ok) return err({ by: 'client', rejection: credentials.error })
  if (form.value.get('request_uri')?.some((value) => value !== '') === true) {
    return err({ by: 'push', rejection: { reason: 'requestUriPushed' } })
  }
  return ok({ form: form.value, credentials: credentials.value })
}
