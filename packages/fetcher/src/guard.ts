// Owns the guards that both doors share: which URLs, how many at once, for how long, and the rest after a failure. Never opens a
// connection: a door hands in what does.

import { type CoolDownTimes, createCoolDown } from './cool-down.ts'
import { createGate, type GateLimits } from './gate.ts'
import { parseTarget, type Target } from './target.ts'
import { type Fetcher, FetcherOptionError, type FetchOutcome, type FetchRequest, refused } from './types.ts'

/** Options of both doors. */
export interface GuardOptions {
  /** Milliseconds for everything: waiting, resolving, connecting, and the last byte of the body. */
  readonly totalTimeout?: number
  readonly atOnce?: Partial<GateLimits>
  readonly coolDown?: Partial<CoolDownTimes>
  /** A monotonic clock in milliseconds. */
  readonly now?: () => number
}

/** Does one request whose URL is acceptable; may reject, and stops when the signal aborts. */
export type Send = (target: Target, request: FetchRequest, signal: AbortSignal) => Promise<FetchOutcome>

// A person waits for some of these answers; whoever serves keys or metadata and needs longer is not in working order.
const TOTAL_TIMEOUT = 5000
const AT_ONCE: GateLimits = { perHost: 4, inAll: 64 }
const COOL_DOWN: CoolDownTimes = { first: 2000, most: 60_000 }

/** What every request says it is. It names no version: a target learns what to look for in old ones otherwise. */
export const USER_AGENT = 'vouchsafe'

// Set by the fetcher, or of the connection alone (RFC 9110 §7.6.1); `cookie` would speak for somebody.
const NOT_TAKEN: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'user-agent', 'accept-encoding', 'cookie', 'expect', 'range'],
  ...['connection', 'keep-alive', 'transfer-encoding', 'te', 'trailer', 'upgrade', 'proxy-authorization'],
])

/** The headers to send: the caller's that are his to set, and the fetcher's own. */
export const headersFor = (request: FetchRequest): ReadonlyMap<string, string> => {
  const headers = new Map<string, string>()
  for (const [name, value] of request.headers) {
    const lower = name.toLowerCase()
    if (!NOT_TAKEN.has(lower)) headers.set(lower, value)
  }
  headers.set('user-agent', USER_AGENT)
  // What was never compressed cannot grow when it is read.
  headers.set('accept-encoding', 'identity')
  return headers
}

// Nobody asks for these; what comes with such a type is not what was meant (an upload, a page's picture).
const NOT_TEXT = /^(?:image|audio|video|font|multipart|model)\//i

/** Whether an answer's headers promise a text as it is: not compressed all the same, and of no other kind. */
export const promisesText = (headers: ReadonlyMap<string, string>): boolean => {
  const encoding = headers.get('content-encoding')?.trim().toLowerCase() ?? ''
  return (encoding === '' || encoding === 'identity') && !NOT_TEXT.test(headers.get('content-type') ?? '')
}

/** Reads bytes as UTF-8; undefined for anything else. */
export const textOf = (chunks: readonly Uint8Array[]): string | undefined => {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  try {
    return chunks.map((chunk) => decoder.decode(chunk, { stream: true })).join('') + decoder.decode()
  } catch {
    return undefined
  }
}

/** A positive number of milliseconds or of requests; throws a `FetcherOptionError` for anything else. */
export const positive = (option: string, value: number): number => {
  if (!Number.isFinite(value) || value <= 0) throw new FetcherOptionError(option, 'must be a positive number')
  return value
}

const aborted = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => {
    signal.addEventListener('abort', () => reject(new Error('out of time')), { once: true })
  })

/** Puts the shared guards before what sends. */
export const guard = (send: Send, options: GuardOptions): Fetcher => {
  const totalTimeout = positive('totalTimeout', options.totalTimeout ?? TOTAL_TIMEOUT)
  const gate = createGate({
    perHost: positive('atOnce.perHost', options.atOnce?.perHost ?? AT_ONCE.perHost),
    inAll: positive('atOnce.inAll', options.atOnce?.inAll ?? AT_ONCE.inAll),
  })
  const coolDown = createCoolDown({ ...COOL_DOWN, ...options.coolDown }, options.now ?? (() => performance.now()))

  const sendInTurn = async (target: Target, request: FetchRequest, signal: AbortSignal): Promise<FetchOutcome> => {
    await gate.enter(target.host, signal)
    try {
      // While it waited, the same URL may have failed for another.
      if (coolDown.isResting(target.href)) return refused('coolingDown')
      const outcome = await Promise.race([send(target, request, signal), aborted(signal)]).catch(() =>
        refused(signal.aborted ? 'timedOut' : 'unreachable'),
      )
      if (outcome.outcome === 'answered') coolDown.answered(target.href)
      else coolDown.failed(target.href)
      return outcome
    } finally {
      gate.leave(target.host)
    }
  }

  return {
    fetch: async (request) => {
      const target = parseTarget(request.url)
      if (target === undefined) return refused('urlUnacceptable')
      if (coolDown.isResting(target.href)) return refused('coolingDown')
      const deadline = new AbortController()
      const timer = setTimeout(() => deadline.abort(), totalTimeout)
      try {
        return await sendInTurn(target, request, deadline.signal)
      } catch {
        // It never came to its turn.
        return refused('timedOut')
      } finally {
        clearTimeout(timer)
        // Whatever is still under way for this request ends with it.
        deadline.abort()
      }
    },
  }
}
