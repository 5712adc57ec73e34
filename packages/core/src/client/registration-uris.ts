// Owns which URIs a client may register: redirect URIs, links and origins. Never compares a request with what is registered.

import { err, ok, type Result } from '../base/index.ts'
import { LIMITS } from '../spec/index.ts'
import type { ClientRejectionReason } from './registration-rejection.ts'

/** What the place of registration allows. */
export interface UriPolicy {
  readonly applicationType: 'web' | 'native'
  /** Whether web clients may have `http` redirect URIs and origins on loopback, for development. */
  readonly development: boolean
}

type Verdict = Result<string, ClientRejectionReason>

// RFC 3986 §2 without `*`: a pattern is never registered, and nothing a browser would repair, strip or read as a slash gets in.
const URI_CHARACTERS = /^[A-Za-z0-9\-._~:/?#[\]@!$&'()+,;=%]+$/
const BROKEN_ESCAPE = /%(?![0-9A-Fa-f]{2})/
const SCHEME = /^([A-Za-z][A-Za-z0-9+.-]*):/
const HOST_AND_PORT = /^([a-z0-9.-]+|\[[0-9a-f:.]+\])(?::([0-9]{1,5}))?$/i
const REVERSED_DOMAIN = /^[a-z][a-z0-9-]*(?:\.[a-z0-9-]+)+$/

// Registered schemes with a dot, which would pass for reversed domain names (IANA, URI Schemes).
const DOTTED_SCHEMES: ReadonlySet<string> = new Set([
  'iris.beep',
  'iris.lwz',
  'iris.xpc',
  'iris.xpcs',
  'soap.beep',
  'soap.beeps',
  'z39.50',
  'z39.50r',
  'z39.50s',
])

// What an authorization response adds: a second value of one of these would confuse the client (RFC 6749 §4.1.2, RFC 9207 §2).
const RESPONSE_PARAMETERS: ReadonlySet<string> = new Set([
  'code',
  'state',
  'iss',
  'error',
  'error_description',
  'error_uri',
  'response',
])

const LOOPBACK_ADDRESSES: ReadonlySet<string> = new Set(['127.0.0.1', '[::1]'])

/** Whether a host is this device: the two loopback literals of RFC 8252 §7.3, or `localhost` by name (RFC 8252 §8.3). */
export const isLoopbackHost = (host: string): boolean => LOOPBACK_ADDRESSES.has(host) || host === 'localhost'

interface HttpUri {
  readonly scheme: 'http' | 'https'
  /** As it was written: a loopback host counts only in its usual spelling. */
  readonly host: string
  readonly url: URL
}

const parseUrl = (text: string): URL | undefined => {
  try {
    return new URL(text)
  } catch {
    return undefined
  }
}

const checkText = (text: string): Result<string, ClientRejectionReason> => {
  if (text.length > LIMITS.redirectUri) return err('tooLong')
  if (!URI_CHARACTERS.test(text) || BROKEN_ESCAPE.test(text)) return err('unsafeCharacter')
  if (text.includes('#')) return err('fragment')
  const scheme = SCHEME.exec(text)?.[1]
  if (scheme === undefined) return err('notAbsolute')
  // Schemes are written in lower case everywhere; another spelling only serves to slip past a comparison.
  return scheme === scheme.toLowerCase() ? ok(scheme) : err('schemeNotAllowed')
}

/** Reads an http or https URI, refusing every form that two parsers could take apart differently. */
const parseHttpUri = (text: string, scheme: 'http' | 'https'): Result<HttpUri, ClientRejectionReason> => {
  const rest = text.slice(scheme.length + 1)
  if (!rest.startsWith('//') || rest.startsWith('///')) return err('notAbsolute')
  const authorityEnd = rest.slice(2).search(/[/?]/)
  const authority = authorityEnd === -1 ? rest.slice(2) : rest.slice(2, 2 + authorityEnd)
  const afterAuthority = authorityEnd === -1 ? '' : rest.slice(2 + authorityEnd)
  if (authority.includes('@')) return err('userinfo')
  const parts = HOST_AND_PORT.exec(authority)
  const url = parseUrl(text)
  const host = parts?.[1]
  if (host === undefined || url === undefined) return err('ambiguousHost')
  // `127.1`, `0x7f.0.0.1`, `2130706433` and the like: the URL parser turns them into another host than the one written.
  if (host.toLowerCase() !== url.hostname || host.endsWith('.')) return err('ambiguousHost')
  const path = afterAuthority.split('?', 1)[0] ?? ''
  if (path !== '' && path !== url.pathname) return err('ambiguousPath')
  return ok({ scheme, host, url })
}

const holdsResponseParameter = (query: string): boolean =>
  [...new URLSearchParams(query).keys()].some((name) => RESPONSE_PARAMETERS.has(name))

const checkPrivateUse = (text: string, scheme: string, policy: UriPolicy): Verdict => {
  if (!scheme.includes('.') || DOTTED_SCHEMES.has(scheme)) return err('schemeNotAllowed')
  if (policy.applicationType !== 'native') return err('privateUseNeedsNative')
  const rest = text.slice(scheme.length + 1)
  // One slash: with two, what follows would be an authority that nobody owns (RFC 8252 §7.1). A path makes it complete (RFC 8252 §8.4).
  if (!REVERSED_DOMAIN.test(scheme) || !text.startsWith(scheme) || !/^\/[^/?]/.test(rest)) return err('privateUseForm')
  if (
    rest
      .split('?', 1)[0]
      ?.split('/')
      .some((part) => /^(?:\.|%2e){1,2}$/i.test(part))
  )
    return err('ambiguousPath')
  return holdsResponseParameter(rest.split('?').slice(1).join('?')) ? err('reservedParameter') : ok(text)
}

/**
 * Whether a redirect URI may be registered: https; for native clients also http on loopback and private-use schemes; for web clients http on
 * loopback in development only. Answers the URI as it was written, since matching is equality of strings (RFC 9700 §4.1.3, RFC 8252 §7).
 */
export const checkRedirectUri = (text: string, policy: UriPolicy): Verdict => {
  const scheme = checkText(text)
  if (!scheme.ok) return scheme
  if (scheme.value !== 'https' && scheme.value !== 'http') return checkPrivateUse(text, scheme.value, policy)
  const uri = parseHttpUri(text, scheme.value)
  if (!uri.ok) return uri
  if (holdsResponseParameter(uri.value.url.search)) return err('reservedParameter')
  if (uri.value.scheme === 'https') return ok(text)
  if (!isLoopbackHost(uri.value.host)) return err('plainHttp')
  return policy.applicationType === 'native' || policy.development ? ok(text) : err('loopbackNeedsNative')
}

/** Whether a URI that a page links to may be registered: https alone (OIDC Core §16, RFC 7591 §2 `client_uri`). */
export const checkLinkUri = (text: string): Verdict => {
  const scheme = checkText(text)
  if (!scheme.ok) return scheme.error === 'fragment' ? err('fragment') : scheme
  if (scheme.value === 'http') return err('plainHttp')
  if (scheme.value !== 'https') return err('schemeNotAllowed')
  const uri = parseHttpUri(text, 'https')
  return uri.ok ? ok(text) : uri
}

/**
 * Whether a client may name a URI for this server to call itself: https to a host by its name, or this machine in development. Where a name
 * leads is judged when it is called.
 */
export const checkCalledUri = (text: string, policy: Pick<UriPolicy, 'development'>): Verdict => {
  const scheme = checkText(text)
  if (!scheme.ok) return scheme
  if (scheme.value !== 'https' && scheme.value !== 'http') return err('schemeNotAllowed')
  const uri = parseHttpUri(text, scheme.value)
  if (!uri.ok) return uri
  const { hostname } = uri.value.url
  if (isLoopbackHost(uri.value.host) && policy.development) return ok(text)
  if (scheme.value === 'http') return err('plainHttp')
  const byName = hostname.includes('.') && !hostname.endsWith('.localhost') && !/^[\d.]+$/.test(hostname)
  return byName ? ok(text) : err('hostInside')
}

/** Whether a text is exactly an origin that may read answers (Fetch, CORS protocol; RFC 6454 §6.2): https, or http on loopback in development. */
export const checkOrigin = (text: string, policy: Pick<UriPolicy, 'development'>): Verdict => {
  const scheme = checkText(text)
  if (!scheme.ok) return scheme
  if (scheme.value !== 'https' && scheme.value !== 'http') return err('schemeNotAllowed')
  const uri = parseHttpUri(text, scheme.value)
  if (!uri.ok) return uri
  if (uri.value.url.origin !== text) return err('notAnOrigin')
  if (scheme.value === 'https') return ok(text)
  return policy.development && isLoopbackHost(uri.value.host) ? ok(text) : err('plainHttp')
}
