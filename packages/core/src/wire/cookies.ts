// Owns reading the Cookie header. Never trusts a count, an order or a value in it; writing attributes is the doors' work.

import type { WireRequest } from './request.ts'

// Browsers stop far below this; a longer header is read as if it were not there.
const MAX_HEADER = 8192

/** The first value of a cookie by name; undefined when it is absent or the header is absurdly long (RFC 6265 §5.4). */
export const readCookie = (request: WireRequest, name: string): string | undefined => {
  const header = request.headers.get('cookie')?.join('; ')
  if (header === undefined || header.length > MAX_HEADER) return undefined
  for (const part of header.split(';')) {
    const split = part.indexOf('=')
    if (split > 0 && part.slice(0, split).trim() === name) return part.slice(split + 1).trim()
  }
  return undefined
}
