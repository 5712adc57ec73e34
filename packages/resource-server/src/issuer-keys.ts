// Owns the issuer's public keys: fetched when needed, kept for a while, fetched again for a key that is not known yet. Never tries a key
// that does not fit algorithm and use, and never lets a request decide how often the issuer is asked.

import type { CryptoKey } from 'jose'
import type { FindEndpoint } from './issuer-metadata.ts'
import { type JsonObject, member } from './json.ts'
import { type Algorithm, isAlgorithm, KEY_KIND_OF_ALG, type PublicJwk, parsePublicJwk } from './jwk.ts'
import { importKey } from './jws.ts'
import type { Ask } from './outbound.ts'
import type { Rejection } from './rejection.ts'
import { err, ok, type Result } from './result.ts'
import { singleFlight } from './single-flight.ts'

/** Which key signed, as far as a header says. */
export interface KeySelector {
  readonly alg: Algorithm
  readonly kid: string | undefined
}

/** Finds the keys that may have signed: a few at most; none when the issuer has no such key. */
export type FindKeys = (selector: KeySelector) => Promise<Result<readonly CryptoKey[], Rejection>>

interface IssuerKey {
  readonly jwk: PublicJwk
  readonly kid: string | undefined
  readonly alg: Algorithm | undefined
  readonly imported: Map<Algorithm, Promise<CryptoKey | undefined>>
}

// How long a key that the issuer withdrew may still be taken here.
const REFRESH_AFTER = 300
// How long keys are used while the issuer cannot be reached; then nothing is accepted any more.
const KEEP_FOR = 3600
// Unknown key ids cost an attacker nothing, so they make the issuer be asked this often at most.
const COOL_DOWN = 30
const RETRY_AFTER = 5
const MAX_KEYS = 100
// A set with many keys of one kid must not turn one request into many verifications (RFC 8725 §3.1).
const MAX_TRIES = 4

const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const parseKey = (value: unknown): IssuerKey | undefined => {
  if (!isObject(value)) return undefined
  const jwk = parsePublicJwk(value)
  const [kid, alg, use, ops] = ['kid', 'alg', 'use', 'key_ops'].map((name) => member(value, name))
  if (jwk === undefined || (use !== undefined && use !== 'sig')) return undefined
  if (ops !== undefined && !(Array.isArray(ops) && ops.includes('verify'))) return undefined
  if ((kid !== undefined && typeof kid !== 'string') || (alg !== undefined && !isAlgorithm(alg))) return undefined
  return { jwk, kid, alg, imported: new Map() }
}

const parseSet = (set: JsonObject): Result<readonly IssuerKey[], Rejection> => {
  const keys = member(set, 'keys')
  if (!Array.isArray(keys) || keys.length > MAX_KEYS) {
    return err({ reason: 'issuerAnswerMalformed', cause: 'its keys are no set, or too many' })
  }
  return ok(keys.map(parseKey).filter((key) => key !== undefined))
}

// A key may be published under the one name and used under the other (RFC 9864 §2.2); the kind of key is compared besides.
const nameOf = (alg: Algorithm): Algorithm => (alg === 'EdDSA' ? 'Ed25519' : alg)

const select = (keys: readonly IssuerKey[], { alg, kid }: KeySelector): readonly IssuerKey[] =>
  keys
    .filter((key) => kid === undefined || key.kid === kid)
    .filter(
      (key) => key.jwk.kind === KEY_KIND_OF_ALG[alg] && (key.alg === undefined || nameOf(key.alg) === nameOf(alg)),
    )
    .slice(0, MAX_TRIES)

const importOnce = (key: IssuerKey, alg: Algorithm): Promise<CryptoKey | undefined> => {
  const begun = key.imported.get(alg) ?? importKey(key.jwk, alg)
  key.imported.set(alg, begun)
  return begun
}

const importAll = async (keys: readonly IssuerKey[], alg: Algorithm): Promise<readonly CryptoKey[]> =>
  (await Promise.all(keys.map((key) => importOnce(key, alg)))).filter((key) => key !== undefined)

/** What the finder of keys stands on. */
export interface KeysSource {
  readonly ask: Ask
  readonly findEndpoint: FindEndpoint
  readonly jwksUri: string | undefined
  readonly now: () => number
}

const loadKeys = async ({
  ask,
  findEndpoint,
  jwksUri,
}: KeysSource): Promise<Result<readonly IssuerKey[], Rejection>> => {
  const url = jwksUri === undefined ? await findEndpoint('jwks_uri') : ok(jwksUri)
  const set = url.ok ? await ask({ url: url.value }) : url
  return set.ok ? parseSet(set.value) : set
}

/** Makes the finder of one issuer's keys. */
export const createKeyFinder = (source: KeysSource): FindKeys => {
  let held: { readonly keys: readonly IssuerKey[]; readonly at: number } | undefined
  let last: { readonly at: number; readonly fault: Rejection | undefined } | undefined
  // A clock that was set back counts as any time passed: waiting for it to catch up could take years.
  const passed = (since: number, span: number): boolean => {
    const elapsed = source.now() - since
    return elapsed < 0 || elapsed >= span
  }
  const refresh = singleFlight(async () => {
    const loaded = await loadKeys(source)
    const at = source.now()
    if (loaded.ok) held = { keys: loaded.value, at }
    last = { at, fault: loaded.ok ? undefined : loaded.error }
  })
  const mayAsk = (): boolean =>
    last === undefined || passed(last.at, last.fault === undefined ? COOL_DOWN : RETRY_AFTER)
  const fresh = async (): Promise<Result<readonly IssuerKey[], Rejection>> => {
    if ((held === undefined || passed(held.at, REFRESH_AFTER)) && mayAsk()) await refresh()
    if (held !== undefined && !passed(held.at, KEEP_FOR)) return ok(held.keys)
    return err(last?.fault ?? { reason: 'issuerUnreachable' })
  }
  return async (selector) => {
    const keys = await fresh()
    if (!keys.ok) return keys
    const found = select(keys.value, selector)
    if (found.length > 0) return ok(await importAll(found, selector.alg))
    if (mayAsk()) await refresh()
    // A key that is not known may be new: while the issuer cannot be asked, nobody can tell.
    if (last?.fault !== undefined) return err(last.fault)
    return ok(await importAll(select(held?.keys ?? [], selector), selector.alg))
  }
}
