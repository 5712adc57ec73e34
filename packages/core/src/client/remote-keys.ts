// Owns the key sets that clients publish under their jwks_uri (RFC 7591 §2, OIDC Core §10.1.1): fetched when needed, kept for minutes,
// bounded in number. Never verifies a signature, and never believes a set that registration would refuse.

import { err, type Instant, type JsonObject, later, ok, parseJson, type Result } from '../base/index.ts'
import type { RemoteKeys, RemoteKeysRejection } from '../context/index.ts'
import type { FetchOutcome, Ports } from '../ports/index.ts'
import { readPublishedJwks } from './registration-keys.ts'

// Seconds. A key that a client takes back is honoured no longer than this while its server answers.
const FRESH_FOR = 300
// While it does not answer, the last set is used on for a while (an outage of minutes signs nobody out), and not a second beyond.
const KEPT_FOR = 900
// An unknown kid makes us ask again, at once the first time; anybody can invent one, so not more often than this.
const ASK_AGAIN_AFTER = 30
// After a failure somebody may be repairing it.
const RETRY_AFTER = 10
// Sets in memory; each is reduced to some tens of kilobytes at the most.
const MOST_SETS = 500
const MOST_BYTES = 65_536

const TYPE = /^(?:application\/(?:[\w.-]+\+)?json|text\/plain)[ \t]*(?:;|$)/i

interface PublishedSet {
  keys: readonly JsonObject[] | undefined
  fetchedAt: Instant
  mayAskAt: Instant
  failure: RemoteKeysRejection
  asking: Promise<void> | undefined
}

const unreachable: RemoteKeysRejection = { reason: 'clientKeysUnreachable' }
const malformed: RemoteKeysRejection = { reason: 'clientKeysMalformed' }

/** Why a fetch brought no set; nothing of what was answered is told on. */
const failureOf = (outcome: FetchOutcome, before: RemoteKeysRejection): RemoteKeysRejection => {
  if (outcome.outcome === 'answered') return malformed
  switch (outcome.reason) {
    case 'urlUnacceptable':
    case 'addressForbidden':
      return { reason: 'clientKeysForbidden' }
    case 'redirected':
    case 'tooLarge':
    case 'notText':
      return malformed
    case 'coolingDown':
      return before
    default:
      return unreachable
  }
}

const keysOf = (outcome: FetchOutcome): readonly JsonObject[] | undefined => {
  if (outcome.outcome !== 'answered' || outcome.status !== 200) return undefined
  const type = outcome.headers.get('content-type')
  return type === undefined || TYPE.test(type) ? readPublishedJwks(parseJson(outcome.body, MOST_BYTES)) : undefined
}

const fetchSet = async (ports: Pick<Ports, 'fetcher'>, uri: string): Promise<FetchOutcome> => {
  const nothing: FetchOutcome = { outcome: 'refused', reason: 'unreachable' }
  try {
    const headers = new Map([['accept', 'application/jwk-set+json, application/json']])
    const request = { url: uri, method: 'GET', headers, body: undefined, maxBytes: MOST_BYTES } as const
    return (await ports.fetcher?.fetch(request)) ?? nothing
  } catch {
    return nothing
  }
}

/** Makes an empty memory of key sets; without the port `fetcher` none can be had. */
export const createRemoteKeys = (ports: Pick<Ports, 'clock' | 'fetcher'>): RemoteKeys => {
  const sets = new Map<string, PublishedSet>()

  const setAt = (uri: string, now: Instant): PublishedSet => {
    const set = sets.get(uri) ?? {
      keys: undefined,
      fetchedAt: now,
      mayAskAt: now,
      failure: unreachable,
      asking: undefined,
    }
    // Last used last, so that the first is the one to let go of.
    sets.delete(uri)
    sets.set(uri, set)
    const [oldest] = sets.keys()
    if (sets.size > MOST_SETS && oldest !== undefined) sets.delete(oldest)
    return set
  }

  const ask = async (uri: string, set: PublishedSet, wanted: 'known' | 'newer'): Promise<void> => {
    const outcome = await fetchSet(ports, uri)
    const keys = keysOf(outcome)
    const now = ports.clock.now()
    if (keys === undefined) set.failure = failureOf(outcome, set.failure)
    else {
      set.keys = keys
      set.fetchedAt = now
    }
    set.mayAskAt = later(now, keys === undefined ? RETRY_AFTER : wanted === 'newer' ? ASK_AGAIN_AFTER : 0)
    set.asking = undefined
  }

  return {
    find: async (uri, wanted): Promise<Result<readonly JsonObject[], RemoteKeysRejection>> => {
      const now = ports.clock.now()
      const set = setAt(uri, now)
      const needed = wanted === 'newer' || set.keys === undefined || now >= later(set.fetchedAt, FRESH_FOR)
      if (needed && set.asking === undefined && now >= set.mayAskAt) set.asking = ask(uri, set, wanted)
      // Whoever comes while it is fetched waits for the same answer: one fetch at a time per URL.
      if (needed) await set.asking
      const usable = set.keys !== undefined && ports.clock.now() < later(set.fetchedAt, KEPT_FOR)
      return usable && set.keys !== undefined ? ok(set.keys) : err(set.failure)
    },
  }
}
