// Owns which access token a request presents, and how: by one header alone (or a form body, where that is on). Never judges the token.

import type { Rejection } from './rejection.ts'
import { type ApiRequest, headerValues } from './request.ts'
import { err, ok, type Result } from './result.ts'

/** The scheme of an Authorization header that presents an access token (RFC 6750 §2.1, RFC 9449 §7.1). */
export type Scheme = 'Bearer' | 'DPoP'

/** An access token as it was presented. */
export interface Presented {
  readonly scheme: Scheme
  readonly token: string
}

const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/

// A JWT with many groups fits; header lines of servers end not far above.
const MAX_TOKEN = 16_384

const MAX_FORM = 65_536

const inHeader = (request: ApiRequest, schemes: readonly Scheme[]): Result<Presented | undefined, Rejection> => {
  const [header, ...more] = headerValues(request.headers, 'authorization')
  if (more.length > 0) return err({ reason: 'authorizationRepeated' })
  if (header === undefined) return ok(undefined)
  const space = header.indexOf(' ')
  const name = (space < 0 ? header : header.slice(0, space)).toLowerCase()
  // Another scheme may be the application's own: to this API such a request has no access token.
  const scheme = schemes.find((one) => one.toLowerCase() === name)
  if (scheme === undefined) return ok(undefined)
  const token = space < 0 ? '' : header.slice(space + 1)
  if (token.length > MAX_TOKEN || !TOKEN68.test(token)) return err({ reason: 'authorizationMalformed' })
  return ok({ scheme, token })
}

const inBody = ({ method, headers, formBody }: ApiRequest): Result<string | undefined, Rejection> => {
  if (formBody === undefined || method === 'GET' || method === 'HEAD') return ok(undefined)
  const [type = ''] = headerValues(headers, 'content-type')
  if (!/^application\/x-www-form-urlencoded *(?:;|$)/i.test(type)) return ok(undefined)
  if (formBody.length > MAX_FORM) return err({ reason: 'requestMalformed' })
  const [token, ...more] = new URLSearchParams(formBody).getAll('access_token').filter((value) => value !== '')
  if (more.length > 0) return err({ reason: 'tokenInSeveralPlaces' })
  if (token === undefined) return ok(undefined)
  return token.length > MAX_TOKEN || !TOKEN68.test(token) ? err({ reason: 'requestMalformed' }) : ok(token)
}

/** How a request may present its token here. */
export interface Transport {
  readonly schemes: readonly Scheme[]
  readonly bodyToken: boolean
  readonly target: URL
}

/** Finds the one access token of a request; a request without one is `credentialsMissing` (RFC 6750 §2). */
export const parseCredentials = (request: ApiRequest, transport: Transport): Result<Presented, Rejection> => {
  const header = inHeader(request, transport.schemes)
  if (!header.ok) return header
  const body = transport.bodyToken ? inBody(request) : ok(undefined)
  if (!body.ok) return body
  // A token in a URL is in logs, histories and Referer headers: it is never taken (RFC 9700 §4.3.2).
  const inQuery = transport.target.searchParams.has('access_token')
  const places = [header.value !== undefined, body.value !== undefined, inQuery].filter(Boolean)
  if (places.length > 1) return err({ reason: 'tokenInSeveralPlaces' })
  if (header.value !== undefined) return ok(header.value)
  if (body.value !== undefined) return ok({ scheme: 'Bearer', token: body.value })
  return err({ reason: inQuery ? 'tokenInQuery' : 'credentialsMissing' })
}
