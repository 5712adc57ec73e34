// Owns the one comparison of redirect URIs. Never normalises: byte equality, with one exception for the port of loopback
// addresses (RFC 8252 §7.3), because every other kind of matching was somebody's open redirect.

import type { VerifiedRedirectUri } from '../base/index.ts'
import { LIMITS } from '../spec/index.ts'
import type { ClientRecord } from '../store/index.ts'

interface Loopback {
  readonly host: string
  readonly rest: string
}

const LOOPBACK = /^http:\/\/(127\.0\.0\.1|\[::1\]|localhost)(?::([0-9]{1,5}))?([/?][\x21-\x7e]*)?$/

const parseLoopback = (uri: string): Loopback | undefined => {
  const found = LOOPBACK.exec(uri)
  if (found === null || Number(found[2] ?? 80) > 65535 || uri.includes('#')) return undefined
  return { host: found[1] ?? '', rest: found[3] ?? '' }
}

const equalButForPort = (registered: string, requested: string, localhostAnyPort: boolean): boolean => {
  const left = parseLoopback(registered)
  const right = parseLoopback(requested)
  if (left === undefined || right === undefined) return false
  if (left.host === 'localhost' && !localhostAnyPort) return false
  return left.host === right.host && left.rest === right.rest
}

const match = (
  client: ClientRecord,
  registeredUris: readonly string[],
  requested: string,
): VerifiedRedirectUri | undefined => {
  if (requested.length > LIMITS.redirectUri) return undefined
  const matches = registeredUris.some(
    (registered) =>
      registered === requested ||
      (client.applicationType === 'native' && equalButForPort(registered, requested, client.localhostAnyPort)),
  )
  return matches ? (requested as VerifiedRedirectUri) : undefined
}

/** The requested URI, verified, if the client registered it (RFC 9700 §4.1.3); undefined otherwise. */
export const matchRedirectUri = (client: ClientRecord, requested: string): VerifiedRedirectUri | undefined =>
  match(client, client.redirectUris, requested)

/** The same for where a person is sent after signing out, among the URIs registered for that alone (OIDC RP-Initiated Logout §3). */
export const matchPostLogoutRedirectUri = (client: ClientRecord, requested: string): VerifiedRedirectUri | undefined =>
  match(client, client.logout.postLogoutRedirectUris, requested)

/** Whether a redirect ends on the person's own device: loopback or a private-use scheme (RFC 8252 §7). */
export const isOnDevice = (uri: string): boolean =>
  !uri.startsWith('https:') && (!uri.startsWith('http:') || LOOPBACK.test(uri))

/** What a person is told of where he will be sent: the host, or the scheme of an app. */
export const destinationOf = (uri: string): string => {
  if (!/^https?:/.test(uri)) return uri.slice(0, uri.indexOf(':') + 1)
  return uri.slice(uri.indexOf('//') + 2).split(/[/?#]/, 1)[0] ?? ''
}

/** Origin of a redirect URI, or the scheme of an app with its colon: a source expression of CSP Level 3 §2.3.1. */
export const redirectOriginOf = (uri: string): string =>
  /^https?:/.test(uri) ? `${uri.slice(0, uri.indexOf('//'))}//${destinationOf(uri)}` : destinationOf(uri)
