// Owns the Authorization header: scheme and credentials, exactly one space apart. Never decides whether they are right.

import { err, fromUtf8, ok, type Result, type Secret, secret } from '../base/index.ts'
import { formDecode } from './form.ts'
import { headerCount, singleHeader, type WireRequest } from './request.ts'

/** What the Authorization header holds. */
export type AuthorizationHeader =
  | { readonly scheme: 'absent' }
  | { readonly scheme: 'basic'; readonly clientId: string; readonly password: Secret; readonly empty: boolean }
  | { readonly scheme: 'bearer' | 'dpop'; readonly token: Secret }
  | { readonly scheme: 'other' }

const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/

const fromBase64 = (text: string): string | undefined => {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(text)) return undefined
  try {
    return fromUtf8(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)))
  } catch {
    return undefined
  }
}

const parseBasic = (credentials: string): Result<AuthorizationHeader, 'malformed'> => {
  const pair = fromBase64(credentials)
  const colon = pair?.indexOf(':') ?? -1
  if (pair === undefined || colon < 0) return err('malformed')
  // RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
  const clientId = formDecode(pair.slice(0, colon))
  const password = formDecode(pair.slice(colon + 1))
  if (clientId === undefined || password === undefined || clientId === '') return err('malformed')
  return ok({ scheme: 'basic', clientId, password: secret(password), empty: password === '' })
}

/** Parses the header; `malformed` for a repeated header, anything but one space, or credentials that do not decode (RFC 9110 §11.4). */
export const parseAuthorizationHeader = (request: WireRequest): Result<AuthorizationHeader, 'malformed'> => {
  if (headerCount(request, 'authorization') === 0) return ok({ scheme: 'absent' })
  const header = singleHeader(request, 'authorization')
  const space = header?.indexOf(' ') ?? -1
  if (header === undefined || space < 0) return err('malformed')
  const scheme = header.slice(0, space).toLowerCase()
  const credentials = header.slice(space + 1)
  if (scheme === 'basic') return parseBasic(credentials)
  if (scheme !== 'bearer' && scheme !== 'dpop') return ok({ scheme: 'other' })
  return TOKEN68.test(credentials) ? ok({ scheme, token: secret(credentials) }) : err('malformed')
}
