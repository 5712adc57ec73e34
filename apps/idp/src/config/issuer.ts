// Owns what an issuer identifier may be. Never derives one from a request.

import { err, ok, type Result } from '@vouchsafe/core'

const LOOPBACK: ReadonlySet<string> = new Set(['localhost', '127.0.0.1', '[::1]'])

/** Whether an address is on this machine, where plain http is seen by nobody else. */
export const isLoopbackIssuer = (issuer: string): boolean => LOOPBACK.has(new URL(issuer).hostname)

/**
 * Reads an issuer identifier: http or https, a host, perhaps a port and a path, and nothing else, written exactly as it will be compared,
 * since relying parties compare it byte by byte (OIDC Discovery §4.3, RFC 8414 §2). The error is a sentence without its subject.
 */
export const parseIssuer = (text: string): Result<string, string> => {
  let url: URL
  try {
    url = new URL(text)
  } catch {
    return err('must be an address such as https://id.example.org.')
  }
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return err('must begin with https:// (or http:// on this machine).')
  if (url.username !== '' || url.password !== '') return err('must not hold a user name or password.')
  if (text.includes('?') || text.includes('#')) return err('must not have a query or a fragment.')
  if (text.endsWith('/')) return err(`must not end with a slash; write ${text.replace(/\/+$/, '')}.`)
  const written = url.pathname === '/' ? url.origin : url.origin + url.pathname
  if (written !== text) return err(`is not in its plain form; write ${written}.`)
  if (!/^(?:\/[A-Za-z0-9._~-]+)*$/.test(url.pathname === '/' ? '' : url.pathname)) {
    return err('has a path with characters other than letters, digits and - . _ ~ between single slashes.')
  }
  if (url.hostname.endsWith('.')) return err('has a host that ends with a dot.')
  return ok(text)
}
