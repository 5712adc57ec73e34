// Owns keeping the key ring: filling it at first start, moving it on with time, rotating it by hand. Of several nodes the store's
// revision decides who saves. Never sees a private key in clear.

import { auditEntry } from '../audit/index.ts'
import { err, type Instant, ok, type Result } from '../base/index.ts'
import {
  activeKey,
  advance,
  dueForRotation,
  type FreshKey,
  type KeyRingRejection,
  type KeyTiming,
  rotate,
} from '../keys/index.ts'
import type { MaybePromise } from '../ports/index.ts'
import { SIGNING_ALGS, type SigningAlg } from '../spec/index.ts'
import type { AuditEntry, KeyState, StoredKey } from '../store/index.ts'
import { type AdminDeps, type Commission, nowOf } from './deps.ts'

/** Makes a key and seals its private part; asked only when one is needed. */
export type MakeKey = (alg: SigningAlg) => MaybePromise<FreshKey>

/** What keeping the ring needs besides the stores. */
export interface KeyKeeping extends Commission {
  readonly makeKey: MakeKey
  readonly timing: KeyTiming
}

/** A key as an administrator reads it. */
export interface KeyDescription {
  readonly kid: string
  readonly alg: SigningAlg
  readonly state: KeyState
  readonly createdAt: Instant
  readonly since: Instant
}

/** Why a rotation did not happen. `contended`: other nodes kept saving the ring. */
export type RotationRefusal = KeyRingRejection | { readonly reason: 'contended' }

type Step = (keys: readonly StoredKey[], now: Instant) => Promise<Result<readonly StoredKey[], KeyRingRejection>>

const TRIES = 5

const describeKey = ({ kid, alg, state, createdAt, since }: StoredKey): KeyDescription => ({
  kid,
  alg,
  state,
  createdAt,
  since,
})

const rotationsBetween = (
  before: readonly StoredKey[],
  after: readonly StoredKey[],
  told: { readonly now: Instant; readonly actor: string },
): readonly AuditEntry[] => {
  const ofAlg = (keys: readonly StoredKey[], alg: SigningAlg): string =>
    keys
      .filter((key) => key.alg === alg)
      .map((key) => `${key.kid} ${key.state}`)
      .join()
  return SIGNING_ALGS.filter((alg) => ofAlg(before, alg) !== ofAlg(after, alg)).map((alg) =>
    auditEntry('keys.rotated', told.now, { alg, active: activeKey(after, alg)?.kid ?? '', actor: told.actor }),
  )
}

/** Loads, steps and saves; loads anew when another node saved in between. */
const stepRing = async (
  deps: AdminDeps,
  actor: string,
  step: Step,
): Promise<Result<readonly StoredKey[], RotationRefusal>> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const { revision, keys } = await deps.stores.keys.loadKeyRing()
    const now = nowOf(deps)
    const stepped = await step(keys, now)
    if (!stepped.ok) return stepped
    if (stepped.value === keys) return ok(keys)
    const events = rotationsBetween(keys, stepped.value, { now, actor })
    const outcome = await deps.stores.keys.saveKeyRing({ revision, keys: stepped.value }, { now, events })
    if (outcome === 'saved') return ok(stepped.value)
  }
  return err({ reason: 'contended' })
}

/** Makes each key once, however often the step is repeated: an RSA key costs a tenth of a second and more. */
const makeOnce = (makeKey: MakeKey): MakeKey => {
  const made = new Map<SigningAlg, FreshKey>()
  return async (alg) => {
    const key = made.get(alg) ?? (await makeKey(alg))
    made.set(alg, key)
    return key
  }
}

/**
 * Does what time asks of the ring: moves keys on, and makes a successor where one is due or none signs. To be called at start, and again
 * and again; it writes only where there is something to do. Of two nodes that find the ring empty, one fills it and the other takes what it finds.
 */
export const keepKeyRing = async (
  deps: AdminDeps,
  keeping: KeyKeeping,
): Promise<Result<readonly StoredKey[], RotationRefusal>> => {
  const makeKey = makeOnce(keeping.makeKey)
  return stepRing(deps, keeping.actor, async (keys, now) => {
    let ring = advance(keys, now, keeping.timing)
    for (const alg of dueForRotation(ring, now, keeping.timing)) {
      const fresh = await makeKey(alg)
      const rotated = rotate(ring, { fresh, now, timing: keeping.timing, urgency: 'planned' })
      if (!rotated.ok) return rotated
      ring = rotated.value
    }
    return ok(ring)
  })
}

/**
 * Begins a rotation of the algorithms named. Planned, the new keys wait until every cache knows them; immediate, they sign at once,
 * and relying parties that keep the old set too long refuse tokens until they fetch it anew.
 */
export const rotateKeys = async (
  deps: AdminDeps,
  rotation: KeyKeeping & { readonly algs: readonly SigningAlg[]; readonly urgency: 'planned' | 'immediate' },
): Promise<Result<readonly KeyDescription[], RotationRefusal>> => {
  const makeKey = makeOnce(rotation.makeKey)
  const stepped = await stepRing(deps, rotation.actor, async (keys, now) => {
    let ring = keys
    for (const alg of rotation.algs) {
      const fresh = await makeKey(alg)
      const rotated = rotate(ring, { fresh, now, timing: rotation.timing, urgency: rotation.urgency })
      if (!rotated.ok) return rotated
      ring = rotated.value
    }
    return ok(ring)
  })
  return stepped.ok ? ok(stepped.value.map(describeKey)) : stepped
}

/** The keys of the ring and where each stands; no part of a private key. */
export const listKeys = async (deps: Pick<AdminDeps, 'stores'>): Promise<readonly KeyDescription[]> =>
  (await deps.stores.keys.loadKeyRing()).keys.map(describeKey)
