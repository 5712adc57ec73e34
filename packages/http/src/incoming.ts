// Owns the checks of a request that need no meaning: length, host, transport, coding. Never reads a body's meaning.

import { err, ok, type Provider, type Result, type Route, type WireRequest } from '@vouchsafe/core'
import { URL_LIMIT } from './limits.ts'
import type { DoorOptions, RefusalReason } from './options.ts'

/** A request without its body. */
export type RequestHead = Omit<WireRequest, 'body'>

/** Who is at the other end, as far as this server believes it. */
export interface Peer {
  readonly remoteAddress: string
  /** The host that the browser asked for. */
  readonly host: string | undefined
  /** Whether the browser's connection was https. */
  readonly secure: boolean
}

/** Headers by lower-case name from pairs in order of arrival; what only the door may believe is left out. */
export const collectHeaders = (pairs: Iterable<readonly [string, string]>): ReadonlyMap<string, readonly string[]> => {
  const headers = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const key = name.toLowerCase()
    if (key === 'forwarded' || key.startsWith('x-forwarded-') || key.startsWith('client-cert')) continue
    const values = headers.get(key)
    if (values === undefined) headers.set(key, [value])
    else values.push(value)
  }
  return headers
}

/** Splits a request target into path and raw query; an absolute one (RFC 9112 §3.2.2) loses its origin. */
export const splitTarget = (target: string): { readonly path: string; readonly query: string } => {
  const local = /^https?:\/\//i.test(target) ? target.replace(/^https?:\/\/[^/?#]*/i, '') : target
  const bare = local.split('#', 1)[0] ?? ''
  const mark = bare.indexOf('?')
  const path = mark < 0 ? bare : bare.slice(0, mark)
  return { path: path === '' ? '/' : path, query: mark < 0 ? '' : bare.slice(mark + 1) }
}

const hostOf = (scheme: string, host: string): string | undefined => {
  try {
    // The scheme's own port is the same as none.
    return new URL(`${scheme}//${host}`).host
  } catch {
    return undefined
  }
}

/**
 * What a request is for: a route for machines, a route for people (which other sites may post to: an authorization request is allowed
 * to be a post), or a page of the embedder's own, whose forms come from its own pages alone.
 */
export type Purpose = 'machine' | 'page' | 'ownPage'

/** Whether a request that changes something says itself that another site sent it (Fetch Metadata §2.4, RFC 6454 §7). */
const isForeignPost = (head: RequestHead, origin: string | undefined): boolean => {
  if (!carriesBody(head.method)) return false
  const site = head.headers.get('sec-fetch-site')?.join()
  if (site !== undefined) return site !== 'same-origin' && site !== 'none'
  // Our own pages are sent with `no-referrer`, under which a browser says `null` even of them: only a name counts.
  const from = head.headers.get('origin')?.join()
  return from !== undefined && from !== 'null' && origin !== undefined && from !== origin
}

/** Checks of one request's head: whether it may be answered at all. */
export type HeadCheck = (head: RequestHead, peer: Peer, purpose: Purpose) => Result<RequestHead, RefusalReason>

/** The checks of a door for one issuer. */
export const headCheck = (issuer: string, options: Pick<DoorOptions, 'anyHost' | 'requireHttps'>): HeadCheck => {
  const { host, protocol, origin } = new URL(issuer)
  const anyHost = options.anyHost === true
  return (head, peer, purpose) => {
    if (head.path.length + head.query.length > URL_LIMIT) return err('urlTooLong')
    if (options.requireHttps === true && !peer.secure) return err('plainHttp')
    if ((head.headers.get('host')?.length ?? 0) > 1) return err('hostRepeated')
    if (purpose === 'machine') return ok(head)
    // Machines may come by an internal name: nothing that they are told depends on it. A page on a foreign name has foreign cookies.
    const asked = peer.host === undefined ? undefined : hostOf(protocol, peer.host)
    if (!anyHost && asked !== host) return err('hostOfOthers')
    if (purpose === 'ownPage' && isForeignPost(head, anyHost ? undefined : origin)) return err('foreignPost')
    return ok(head)
  }
}

/** Refuses a body by its headers alone, before a byte of it is read. */
export const refusedBody = (headers: WireRequest['headers']): RefusalReason | undefined => {
  const coding = headers.get('content-encoding')?.join(',').trim().toLowerCase()
  if (coding !== undefined && coding !== '' && coding !== 'identity') return 'bodyCompressed'
  const type = headers.get('content-type')?.join(',').trim().toLowerCase()
  if (type?.startsWith('multipart/')) return 'bodyMultipart'
  return undefined
}

/** Whether a method carries a body that means anything here (RFC 9110 §9.3.1: on GET it means nothing). */
export const carriesBody = (method: string): boolean => method !== 'GET' && method !== 'HEAD'

/** The request that the core is asked: the route's own path, and GET where HEAD came for a page that can be got (RFC 9110 §9.3.2). */
export const forRoute = (request: WireRequest, route: Route): WireRequest => ({
  ...request,
  path: route.path,
  method: request.method === 'HEAD' && route.methods.includes('GET') ? 'GET' : request.method,
})

/** What requests for a route are for. */
export const purposeOf = (route: Route): Purpose => (route.access === 'browser' ? 'page' : 'machine')

/** What a door asks of a provider. */
export type Served = Pick<Provider, 'issuer' | 'routes' | 'respond'>
