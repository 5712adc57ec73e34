// Owns the making of replies: status, cache headers, JSON. Never decides which reply it is.

import type { JsonObject } from '../base/index.ts'
import type { Cookie, ErrorPage, Reply, ReplyHeaders } from './reply.ts'

/** No extra headers. */
export const NO_HEADERS: ReplyHeaders = new Map()

/** Headers that keep an answer out of every cache (RFC 6749 §5.1, OAuth 2.1 §3.2.3). */
export const NO_STORE: ReplyHeaders = new Map([
  ['Cache-Control', 'no-store'],
  ['Pragma', 'no-cache'],
])

/** A JSON answer that no cache may keep. */
export const jsonReply = (status: number, body: JsonObject, headers: ReplyHeaders = NO_HEADERS): Reply => ({
  kind: 'json',
  status,
  contentType: 'application/json',
  body: JSON.stringify(body),
  headers: new Map([...NO_STORE, ...headers]),
})

/** A page on the server itself that no cache may keep. */
export const pageReply = (
  status: number,
  page: ErrorPage,
  headers: ReplyHeaders = NO_HEADERS,
  cookies: readonly Cookie[] = [],
): Reply => ({ kind: 'page', status, page, headers: new Map([...NO_STORE, ...headers]), cookies })
