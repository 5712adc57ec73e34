// Owns the attributes of cookies, which no reply can loosen. Never chooses names or values.

import type { Cookie } from '@vouchsafe/core'

const NAME = /^[A-Za-z0-9!#$%&'*+\-.^_`|~]+$/
const VALUE = /^[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*$/

/**
 * A Set-Cookie line: HttpOnly, SameSite=Lax and Path=/ always, Secure when the issuer is https, never a Domain; an empty value deletes
 * (RFC 6265 §4.1). Throws for a name or value that no cookie can carry.
 */
export const setCookie = (cookie: Cookie, secure: boolean): string => {
  if (!NAME.test(cookie.name) || !VALUE.test(cookie.value)) throw new TypeError(`not a cookie: ${cookie.name}`)
  const maxAge = cookie.value === '' ? 0 : cookie.maxAge
  const parts = [`${cookie.name}=${cookie.value}`, 'Path=/', 'HttpOnly', 'SameSite=Lax']
  if (secure) parts.push('Secure')
  if (maxAge !== undefined) parts.push(`Max-Age=${Math.max(0, Math.floor(maxAge))}`)
  return parts.join('; ')
}
