// Owns the life of signing keys as pure steps: next, active, retiring, retired. Never makes a key, reads a clock or stores anything.

import { err, type Instant, later, ok, type Result } from '../base/index.ts'
import type { SigningAlg } from '../spec/index.ts'
import { SIGNING_ALGS } from '../spec/index.ts'
import type { KeyState, StoredKey } from '../store/index.ts'
import { activeKey, KeyConfigurationError } from './records.ts'

/** Seconds that a relying party may keep the published keys (the `max-age` of the JWK Set). */
export const JWKS_MAX_AGE: number = 15 * 60

/** How long keys stay in their states, in seconds. */
export interface KeyTiming {
  /** Between publishing a key and signing with it; at least `JWKS_MAX_AGE`. */
  readonly publishAhead: number
  /** Between the last signature of a key and its end; at least the longest life of what it signed. */
  readonly keepAfter: number
  /** Age of an active key at which a successor is due. */
  readonly rotateEvery: number
}

/** Defaults of the key timing. */
export const DEFAULT_KEY_TIMING: KeyTiming = {
  // Four cache lifetimes, for relying parties whose caches are slower than they say.
  publishAhead: 4 * JWKS_MAX_AGE,
  // The absolute life of a session: its ID token can come back as a hint for as long (OIDC Core §3.1.2.1).
  keepAfter: 30 * 24 * 60 * 60,
  rotateEvery: 90 * 24 * 60 * 60,
}

/** A key that was just made, its private part sealed. */
export type FreshKey = Pick<StoredKey, 'kid' | 'alg' | 'publicJwk' | 'sealedPrivateKey'>

/** Why a ring did not take a key or let one go. */
export type KeyRingRejection =
  | { readonly reason: 'alreadyWaiting'; readonly kid: string; readonly signsFrom: Instant }
  | { readonly reason: 'kidTaken'; readonly kid: string }
  | { readonly reason: 'unknownKey'; readonly kid: string }
  | { readonly reason: 'noSuccessor'; readonly alg: SigningAlg }

/** What a rotation does: a successor that waits until it is known everywhere, or, in an emergency, one that signs at once. */
export interface Rotation {
  readonly fresh: FreshKey
  readonly now: Instant
  readonly timing: KeyTiming
  readonly urgency: 'planned' | 'immediate'
}

const inState = (key: StoredKey, state: KeyState, now: Instant): StoredKey => ({
  ...key,
  state,
  since: now,
  // What never signs again needs no private part any more.
  sealedPrivateKey: state === 'retired' ? '' : key.sealedPrivateKey,
})

const activate = (keys: readonly StoredKey[], chosen: StoredKey, now: Instant): readonly StoredKey[] =>
  keys.map((key) => {
    if (key.kid === chosen.kid) return inState(key, 'active', now)
    return key.alg === chosen.alg && key.state === 'active' ? inState(key, 'retiring', now) : key
  })

/** Whether time alone moves this key on: a `next` that was published long enough, a `retiring` whose last token has ended. */
const isRipe = (key: StoredKey, now: Instant, timing: KeyTiming): boolean =>
  (key.state === 'next' && later(key.since, timing.publishAhead) <= now) ||
  (key.state === 'retiring' && later(key.since, timing.keepAfter) <= now)

/**
 * Moves every key on for which it is time, and forgets the retired ones after as long again; gives the same array when there is nothing
 * to do. Throws a `KeyConfigurationError` when the timing would sign with a key that caches do not know yet.
 */
export const advance = (keys: readonly StoredKey[], now: Instant, timing: KeyTiming): readonly StoredKey[] => {
  if (timing.publishAhead < JWKS_MAX_AGE) {
    throw new KeyConfigurationError('unsuitable_key', `keys must be published ${JWKS_MAX_AGE} s before they sign`)
  }
  let moved = keys
  for (const key of keys) {
    if (!isRipe(key, now, timing)) continue
    moved =
      key.state === 'next'
        ? activate(moved, key, now)
        : moved.map((other) => (other.kid === key.kid ? inState(other, 'retired', now) : other))
  }
  const kept = moved.filter((key) => key.state !== 'retired' || later(key.since, timing.keepAfter) > now)
  return kept.length === moved.length ? moved : kept
}

/** Algorithms whose active key has reached its age, or is missing, and that have no successor waiting. */
export const dueForRotation = (keys: readonly StoredKey[], now: Instant, timing: KeyTiming): readonly SigningAlg[] =>
  SIGNING_ALGS.filter((alg) => {
    if (keys.some((key) => key.alg === alg && key.state === 'next')) return false
    const active = activeKey(keys, alg)
    return active === undefined || later(active.since, timing.rotateEvery) <= now
  })

/**
 * Takes a fresh key into the ring. It waits as `next` until `advance` finds it ripe; it signs at once where nothing signs for its
 * algorithm yet, or where the rotation is immediate. A planned rotation is refused while another key of the algorithm waits.
 */
export const rotate = (
  keys: readonly StoredKey[],
  { fresh, now, timing, urgency }: Rotation,
): Result<readonly StoredKey[], KeyRingRejection> => {
  if (keys.some((key) => key.kid === fresh.kid)) return err({ reason: 'kidTaken', kid: fresh.kid })
  const current = advance(keys, now, timing)
  const waiting = current.find((key) => key.alg === fresh.alg && key.state === 'next')
  if (waiting !== undefined && urgency === 'planned') {
    return err({ reason: 'alreadyWaiting', kid: waiting.kid, signsFrom: later(waiting.since, timing.publishAhead) })
  }
  const added: StoredKey = { ...fresh, state: 'next', createdAt: now, since: now }
  const grown = [...current, added]
  const atOnce = urgency === 'immediate' || activeKey(current, fresh.alg) === undefined
  return ok(atOnce ? activate(grown, added, now) : grown)
}

/**
 * Ends a key at once, whatever it signed: for a key that got into wrong hands. The active key is ended only where another of its
 * algorithm waits, which then signs at once.
 */
export const retire = (
  keys: readonly StoredKey[],
  kid: string,
  now: Instant,
): Result<readonly StoredKey[], KeyRingRejection> => {
  const ended = keys.find((key) => key.kid === kid && key.state !== 'retired')
  if (ended === undefined) return err({ reason: 'unknownKey', kid })
  const successor = keys.find((key) => key.alg === ended.alg && key.state === 'next' && key.kid !== kid)
  if (ended.state === 'active' && successor === undefined) return err({ reason: 'noSuccessor', alg: ended.alg })
  const moved = ended.state === 'active' && successor !== undefined ? activate(keys, successor, now) : keys
  return ok(moved.map((key) => (key.kid === kid ? inState(key, 'retired', now) : key)))
}
