// Owns the published form of the ring. Never publishes a member that it does not name itself.

import type { JsonObject } from '../base/index.ts'
import { parsePublicJwk } from '../base/jwk.ts'
import { SIGNING_ALGS } from '../spec/index.ts'
import type { KeyState } from '../store/index.ts'
import { KeyConfigurationError, type PublicKeyRecord } from './records.ts'

// A relying party that takes the first key it finds for an algorithm shall find the one that signs today.
const ORDER: Readonly<Record<KeyState, number>> = { active: 0, retiring: 1, next: 2, retired: 3 }

const publishedForm = (key: PublicKeyRecord): JsonObject => {
  const parsed = parsePublicJwk(key.publicJwk)
  if (!parsed.ok) throw new KeyConfigurationError('weak_key', `signing key ${key.kid} is not accepted: ${parsed.error}`)
  return { ...parsed.value.members, kid: key.kid, alg: key.alg, use: 'sig' }
}

/** The JWK Set to publish (RFC 7517 §5): public members, `kid`, `alg` and `use` of every key that is not retired. Throws for a key that is private or weak. */
export const publicJwks = (keys: readonly PublicKeyRecord[]): { readonly keys: readonly JsonObject[] } => {
  const published = keys.filter((key) => key.state !== 'retired')
  const rank = (key: PublicKeyRecord): number => ORDER[key.state] * SIGNING_ALGS.length + SIGNING_ALGS.indexOf(key.alg)
  return { keys: published.toSorted((left, right) => rank(left) - rank(right)).map(publishedForm) }
}
