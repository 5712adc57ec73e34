// Owns which keys a client may register for its assertions. Never verifies a signature.

import { err, isJsonObject, type Json, type JsonObject, member, ok, type Result } from '../base/index.ts'
import { type KeyKind, parsePublicJwk } from '../base/jwk.ts'
import { ASSERTION_ALGS } from '../spec/index.ts'
import type { ClientRejection, ClientRejectionReason } from './registration-rejection.ts'

// A rotation needs two or three; more would only make each failed verification dearer.
const MAX_KEYS = 10
// A kid is an opaque name: long ones carry something else.
const MAX_KID = 255

const KIND_OF: Readonly<Record<(typeof ASSERTION_ALGS)[number], KeyKind>> = {
  RS256: 'RSA',
  PS256: 'RSA',
  ES256: 'P-256',
  ES384: 'P-384',
  ES512: 'P-521',
  EdDSA: 'Ed25519',
  Ed25519: 'Ed25519',
}

const isAssertionAlg = (alg: string): alg is keyof typeof KIND_OF => ASSERTION_ALGS.some((known) => known === alg)

const checkKey = (jwk: JsonObject): Result<JsonObject | undefined, ClientRejectionReason> => {
  const [kid, alg, use] = [member(jwk, 'kid'), member(jwk, 'alg'), member(jwk, 'use')]
  const parsed = parsePublicJwk(jwk)
  if (!parsed.ok && parsed.error === 'privateMember') return err('privateKey')
  if (jwk['kty'] === 'oct') return err('privateKey')
  // Keys for encryption stand in the same set (RFC 7517 §4.2); they sign nothing, so they are left out.
  if (use === 'enc') return ok(undefined)
  if (use !== undefined && use !== 'sig') return err('unsuitableKey')
  if (!parsed.ok) return err('weakKey')
  if (kid !== undefined && (typeof kid !== 'string' || kid === '' || kid.length > MAX_KID)) return err('malformed')
  if (alg !== undefined) {
    if (typeof alg !== 'string' || !isAssertionAlg(alg) || KIND_OF[alg] !== parsed.value.kind)
      return err('unsuitableKey')
  }
  const named = Object.entries({ kid, alg }).filter(([, value]) => value !== undefined)
  return ok({ ...parsed.value.members, ...Object.fromEntries(named), use: 'sig' })
}

// A publisher may share one set among several of its clients.
const MAX_PUBLISHED = 50

/**
 * Reads a JWK Set that a client publishes: its strong, public keys for signatures. Others are passed over (RFC 7517 §5), but a set that shows a
 * private or symmetric key is undefined as a whole: who can read it can sign. Undefined, too, for anything that is no set of at most 50 keys.
 */
export const readPublishedJwks = (document: Json | undefined): readonly JsonObject[] | undefined => {
  const keys = isJsonObject(document) ? member(document, 'keys') : undefined
  if (!Array.isArray(keys) || keys.length > MAX_PUBLISHED) return undefined
  const kept: JsonObject[] = []
  for (const key of Array.from<Json | undefined>(keys)) {
    const checked = isJsonObject(key) ? checkKey(key) : err('malformed' as const)
    if (!checked.ok && checked.error === 'privateKey') return undefined
    if (checked.ok && checked.value !== undefined) kept.push(checked.value)
  }
  return kept
}

/** Reads a JWK Set by value (RFC 7591 §2 `jwks`): at most ten public, asymmetric, strong keys, reduced to the members that are used. */
export const checkClientJwks = (jwks: Json | undefined): Result<readonly JsonObject[], ClientRejection> => {
  const refuse = (reason: ClientRejectionReason, item?: number): Result<never, ClientRejection> =>
    err({ reason, field: 'jwks', item })
  if (jwks === undefined) return ok([])
  const keys = isJsonObject(jwks) ? member(jwks, 'keys') : undefined
  if (!Array.isArray(keys)) return refuse('malformed')
  if (keys.length > MAX_KEYS) return refuse('tooMany')
  const kept: JsonObject[] = []
  for (const [item, key] of Array.from<Json | undefined>(keys).entries()) {
    if (!isJsonObject(key)) return refuse('malformed', item)
    const checked = checkKey(key)
    if (!checked.ok) return refuse(checked.error, item)
    if (checked.value !== undefined) kept.push(checked.value)
  }
  return ok(kept)
}
