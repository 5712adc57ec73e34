// The door on global fetch, for Bun, Deno and Workers. It cannot see or pin the address that a name leads to, so it asks nobody whom its
// owner did not name. Never follows a redirect and never sends credentials.

import { type GuardOptions, guard, headersFor, promisesText, type Send, textOf } from './guard.ts'
import { parseTarget } from './target.ts'
import { type Fetcher, FetcherOptionError, type FetchOutcome, refused } from './types.ts'

export type { CoolDownTimes } from './cool-down.ts'
export type { GateLimits } from './gate.ts'
export type { GuardOptions } from './guard.ts'
export { type Fetcher, FetcherOptionError, type FetchOutcome, type FetchRefusal, type FetchRequest } from './types.ts'

/** What a fetcher on global fetch is made of. */
export interface WebFetcherOptions extends GuardOptions {
  /**
   * Origins that may be asked, such as `https://app.example`, each written out. There is no default and no wildcard: where addresses cannot
   * be pinned, a name that anybody may choose leads wherever its owner likes.
   */
  readonly allowedOrigins: readonly string[]
  /** Another function of the same shape, such as a service binding; global fetch unless given. */
  readonly fetch?: typeof globalThis.fetch
}

const originsOf = (origins: readonly string[]): ReadonlySet<string> => {
  if (origins.length === 0) throw new FetcherOptionError('allowedOrigins', 'must name at least one origin')
  for (const origin of origins) {
    if (parseTarget(origin)?.origin !== origin) {
      throw new FetcherOptionError('allowedOrigins', 'must be origins such as https://app.example, each written out')
    }
  }
  return new Set(origins)
}

const readBody = async (response: Response, maxBytes: number): Promise<FetchOutcome | readonly Uint8Array[]> => {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = response.body?.getReader()
  if (reader === undefined) return chunks
  for (let read = await reader.read(); !read.done; read = await reader.read()) {
    length += read.value.length
    if (length > maxBytes) {
      await reader.cancel()
      return refused('tooLarge')
    }
    chunks.push(read.value)
  }
  return chunks
}

const readAnswer = async (response: Response, maxBytes: number): Promise<FetchOutcome> => {
  const { status } = response
  // A browser's fetch hides a redirect behind status 0.
  if (status === 0 || (status >= 300 && status < 400)) return refused('redirected')
  const headers = new Map(response.headers)
  if (!promisesText(headers)) return refused('notText')
  const read = await readBody(response, maxBytes)
  if ('outcome' in read) return read
  const body = textOf(read)
  return body === undefined ? refused('notText') : { outcome: 'answered', status, headers, body }
}

/**
 * Makes a fetcher on global fetch. Throws a `FetcherOptionError` for options that cannot be worked with, first of all for an empty
 * list of origins.
 */
export const createWebFetcher = (options: WebFetcherOptions): Fetcher => {
  const origins = originsOf(options.allowedOrigins)
  const ask: typeof globalThis.fetch = options.fetch ?? ((input, init) => globalThis.fetch(input, init))
  const send: Send = async (target, request, signal) => {
    if (!origins.has(target.origin)) return refused('addressForbidden')
    const response = await ask(target.href, {
      method: request.method,
      headers: Object.fromEntries(headersFor(request)),
      redirect: 'manual',
      // No more is asked for: servers' runtimes keep no cookies and no cache, and some refuse the words for it.
      signal,
      ...(request.body === undefined ? {} : { body: request.body }),
    })
    return readAnswer(response, request.maxBytes)
  }
  return guard(send, options)
}
