// Owns what introspection answered a moment ago, for one process, bounded. Keeps tokens as verified, by the digest of all of the token's
// text; never a decision: scope, age and binding are judged anew for every request.

import { digestOf, utf8 } from './encoding.ts'
import type { VerifiedToken } from './token.ts'

/** Remembers active answers for a few seconds. */
export interface IntrospectionCache {
  readonly find: (digest: string, now: number) => VerifiedToken | undefined
  readonly keep: (digest: string, token: VerifiedToken, now: number) => void
}

// Some 10 MB when full of tokens with ordinary claims.
const CAPACITY = 10_000

/** The key of a token: a whole SHA-256, so that no two tokens share one and the cache holds nothing that can be spent. */
export const cacheKeyOf = (token: string): Promise<string> => digestOf(utf8(token))

/** Makes a cache that believes an answer for `seconds`, never beyond the token's end. */
export const createIntrospectionCache = (seconds: number): IntrospectionCache => {
  const held = new Map<string, { readonly token: VerifiedToken; readonly from: number; readonly until: number }>()
  return {
    find: (digest, now) => {
      const entry = held.get(digest)
      if (entry === undefined) return undefined
      // A clock that was set back must not stretch an answer's life.
      if (now >= entry.from && now < entry.until) return entry.token
      held.delete(digest)
      return undefined
    },
    keep: (digest, token, now) => {
      const until = Math.min(now + seconds, token.expiresAt ?? Number.POSITIVE_INFINITY)
      if (until <= now) return
      const [oldest] = held.keys()
      if (held.size >= CAPACITY && oldest !== undefined) held.delete(oldest)
      held.delete(digest)
      held.set(digest, { token, from: now, until })
    },
  }
}
