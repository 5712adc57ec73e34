// Owns the key ring of a running node: filled at first start, opened, kept moving, never more than a second old. Never lets a private
// key out: it only signs.

import {
  isJsonObject,
  type Json,
  type Ports,
  parseJson,
  type Signer,
  type StoredKey,
  type Stores,
} from '@vouchsafe/core'
import { type KeyKeeping, keepKeyRing, type MakeKey } from '@vouchsafe/core/admin'
import { assertSoundKeys, type KeySource, type KeyTiming } from '@vouchsafe/core/keys'
import { createNodeSigner, generateSigningKey, type NodeSigningKey } from '@vouchsafe/core/ports-node'
import { SealError, type Sealer } from './sealing.ts'

/** What the ring works with. */
export interface SigningKeyDeps {
  readonly stores: Pick<Stores, 'clients' | 'sessions' | 'subjects' | 'keys'>
  readonly ports: Pick<Ports, 'clock' | 'random' | 'hasher'>
  readonly sealer: Sealer
  readonly timing: KeyTiming
}

/** Signing on this node. */
export interface SigningKeys extends KeySource {
  readonly signer: Signer
  /** Does what time asks of the ring (moves keys on, makes successors); to be called every minute. Rejects when the store cannot be reached. */
  keep(): Promise<void>
}

interface Opened {
  readonly at: number
  readonly revision: number
  readonly keys: readonly StoredKey[]
  readonly kids: ReadonlySet<string>
  readonly signer: Signer
}

const MAX_JWK = 10_000

/** Makes keys whose private part is sealed before it is handed on. */
export const sealedKeyMaker =
  (sealer: Sealer): MakeKey =>
  async (alg) => {
    const { kid, publicJwk, privateJwk } = await generateSigningKey(alg)
    return { kid, alg, publicJwk, sealedPrivateKey: sealer.seal({ kid, alg }, JSON.stringify(privateJwk)) }
  }

const openKey = (sealer: Sealer, key: StoredKey): NodeSigningKey => {
  const privateJwk: Json | undefined = parseJson(sealer.open(key, key.sealedPrivateKey), MAX_JWK)
  if (!isJsonObject(privateJwk)) throw new SealError('broken_seal', `signing key ${key.kid} holds no key`)
  return { kid: key.kid, alg: key.alg, privateJwk }
}

/** Seals anew what an earlier secret sealed, so that it can be taken out of the configuration; another node may have done it already. */
const resealKeys = async ({ stores, ports, sealer }: SigningKeyDeps): Promise<void> => {
  const { revision, keys } = await stores.keys.loadKeyRing()
  const isStale = (key: StoredKey): boolean => key.sealedPrivateKey !== '' && !sealer.isCurrent(key.sealedPrivateKey)
  if (!keys.some(isStale)) return
  const resealed = keys.map((key) =>
    isStale(key) ? { ...key, sealedPrivateKey: sealer.seal(key, sealer.open(key, key.sealedPrivateKey)) } : key,
  )
  await stores.keys.saveKeyRing({ revision, keys: resealed }, { now: ports.clock.now(), events: [] })
}

const keepRing = async (deps: SigningKeyDeps): Promise<void> => {
  const keeping: KeyKeeping = { actor: 'schedule', makeKey: sealedKeyMaker(deps.sealer), timing: deps.timing }
  const kept = await keepKeyRing(deps, keeping)
  if (!kept.ok) throw new Error(`the key ring could not be kept: ${kept.error.reason}`)
}

/** Opens the ring for use: every key that may sign is opened and tried, so that a wrong secret or a weak key fails here and not later. */
const openRing = async (deps: SigningKeyDeps, before: Opened | undefined): Promise<Opened> => {
  const at = deps.ports.clock.now()
  const { revision, keys } = await deps.stores.keys.loadKeyRing()
  if (before?.revision === revision) return { ...before, at }
  assertSoundKeys(keys)
  const live = keys.filter(({ state }) => state !== 'retired')
  const signer = createNodeSigner(live.map((key) => openKey(deps.sealer, key)))
  return { at, revision, keys, kids: new Set(live.map(({ kid }) => kid)), signer }
}

/**
 * The ring of this node. Makes RS256, ES256 and EdDSA keys where there are none (of two nodes that do so at once, one wins and both use its
 * keys), and rejects, so that the start fails, for a key that cannot be opened or is weak.
 */
export const openSigningKeys = async (deps: SigningKeyDeps): Promise<SigningKeys> => {
  await keepRing(deps)
  await resealKeys(deps)
  let opened = await openRing(deps, undefined)
  let opening: Promise<Opened> | undefined
  const refresh = (): Promise<Opened> => {
    opening ??= openRing(deps, opened)
      .then((fresh) => {
        opened = fresh
        return fresh
      })
      .finally(() => {
        opening = undefined
      })
    return opening
  }
  return {
    keys: () => (opened.at === deps.ports.clock.now() ? opened.keys : refresh().then(({ keys }) => keys)),
    signer: {
      sign: (name, signingInput) =>
        // Another node may have switched to a key that this one has not seen.
        opened.kids.has(name.kid)
          ? opened.signer.sign(name, signingInput)
          : refresh().then(({ signer }) => signer.sign(name, signingInput)),
    },
    keep: async () => {
      await keepRing(deps)
      await refresh()
    },
  }
}
