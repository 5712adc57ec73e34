// Owns the proof of the keys room: the life of a key, what is published, and where keys come from.

import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto'
import t from 'tap'
import { instant, type JsonObject, later } from '#src/base/index.js'
import { parsePublicJwk } from '#src/base/jwk.js'
import {
  activeKey,
  advance,
  DEFAULT_KEY_TIMING,
  dueForRotation,
  type FreshKey,
  JWKS_MAX_AGE,
  KeyConfigurationError,
  loadedKeys,
  publicJwks,
  retire,
  rotate,
  staticKeys,
  thumbprint,
} from '#src/keys/index.js'
import type { SigningAlg } from '#src/spec/index.js'
import type { StoredKey } from '#src/store/index.js'

const START = instant(1_800_000_000)
const TIMING = DEFAULT_KEY_TIMING
const hasher = { sha256: (data: Uint8Array) => createHash('sha256').update(data).digest() }

const jwkOf = (key: KeyObject): JsonObject => {
  const { kty, crv, n, e, x, y, d } = key.export({ format: 'jwk' })
  return Object.fromEntries(Object.entries({ kty, crv, n, e, x, y, d }).filter(([, value]) => value !== undefined))
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const okp = generateKeyPairSync('ed25519')
const JWK_OF: Readonly<Record<SigningAlg, JsonObject>> = {
  RS256: jwkOf(rsa.publicKey),
  ES256: jwkOf(ec.publicKey),
  EdDSA: jwkOf(okp.publicKey),
}

const fresh = (kid: string, alg: SigningAlg = 'RS256'): FreshKey => ({
  kid,
  alg,
  publicJwk: JWK_OF[alg],
  sealedPrivateKey: `sealed ${kid}`,
})

const rotated = (
  keys: readonly StoredKey[],
  kid: string,
  at: {
    readonly now: ReturnType<typeof instant>
    readonly urgency?: 'planned' | 'immediate'
    readonly alg?: SigningAlg
  },
): readonly StoredKey[] => {
  const taken = rotate(keys, {
    fresh: fresh(kid, at.alg),
    now: at.now,
    timing: TIMING,
    urgency: at.urgency ?? 'planned',
  })
  if (!taken.ok) throw new Error(taken.error.reason)
  return taken.value
}

const states = (keys: readonly StoredKey[]): Readonly<Record<string, string>> =>
  Object.fromEntries(keys.map((key) => [key.kid, key.state]))

const publishedKids = (keys: readonly StoredKey[]): readonly unknown[] => publicJwks(keys).keys.map((key) => key['kid'])

t.test(
  '[OPS-037] a new key is published a cache lifetime before it signs, and the old stays until its last token ends',
  async (t) => {
    const first = rotated([], 'one', { now: START })
    t.equal(activeKey(first, 'RS256')?.kid, 'one', 'the first key signs at once: nobody has cached anything yet')
    const waiting = rotated(first, 'two', { now: later(START, 100) })
    t.same(states(waiting), { one: 'active', two: 'next' })
    t.same(publishedKids(waiting), ['one', 'two'], 'published while it waits, the signing key first')
    t.ok(TIMING.publishAhead >= JWKS_MAX_AGE)
    const justBefore = advance(waiting, later(START, 99 + TIMING.publishAhead), TIMING)
    t.equal(justBefore, waiting, 'nothing moves a second early')
    const switched = advance(waiting, later(START, 100 + TIMING.publishAhead), TIMING)
    t.same(states(switched), { one: 'retiring', two: 'active' })
    t.same(publishedKids(switched), ['two', 'one'], 'the old key is still published')
    const switchedAt = later(START, 100 + TIMING.publishAhead)
    t.equal(advance(switched, later(switchedAt, TIMING.keepAfter - 1), TIMING), switched)
    const ended = advance(switched, later(switchedAt, TIMING.keepAfter), TIMING)
    t.same(states(ended), { one: 'retired', two: 'active' })
    t.same(publishedKids(ended), ['two'])
    t.equal(
      ended.find((key) => key.kid === 'one')?.sealedPrivateKey,
      '',
      'what never signs again keeps no private part',
    )
    const forgotten = advance(ended, later(switchedAt, 2 * TIMING.keepAfter), TIMING)
    t.same(states(forgotten), { two: 'active' })
  },
)

t.test('[OPS-037] a timing that would sign with a key that caches do not know is refused', async (t) => {
  t.throws(() => advance([], START, { ...TIMING, publishAhead: JWKS_MAX_AGE - 1 }), { code: 'unsuitable_key' })
})

t.test('[OPS-038] a key in wrong hands leaves the published set at once, and its successor signs', async (t) => {
  const alone = rotated([], 'one', { now: START })
  t.same(retire(alone, 'one', START), { ok: false, error: { reason: 'noSuccessor', alg: 'RS256' } })
  t.same(retire(alone, 'other', START), { ok: false, error: { reason: 'unknownKey', kid: 'other' } })
  const replaced = rotated(alone, 'two', { now: later(START, 5), urgency: 'immediate' })
  t.same(states(replaced), { one: 'retiring', two: 'active' })
  const ended = retire(replaced, 'one', later(START, 6))
  t.ok(ended.ok)
  if (ended.ok) {
    t.same(publishedKids(ended.value), ['two'])
    t.equal(ended.value.find((key) => key.kid === 'one')?.sealedPrivateKey, '')
  }
  const waiting = rotated(alone, 'three', { now: later(START, 5) })
  const swapped = retire(waiting, 'one', later(START, 6))
  t.ok(swapped.ok && activeKey(swapped.value, 'RS256')?.kid === 'three', 'a waiting key steps in')
})

t.test('[unit] one successor waits per algorithm, and a name is taken once', async (t) => {
  const keys = rotated(rotated([], 'one', { now: START }), 'two', { now: START })
  t.same(rotate(keys, { fresh: fresh('three'), now: later(START, 9), timing: TIMING, urgency: 'planned' }), {
    ok: false,
    error: { reason: 'alreadyWaiting', kid: 'two', signsFrom: START + TIMING.publishAhead },
  })
  t.same(rotate(keys, { fresh: fresh('two'), now: START, timing: TIMING, urgency: 'immediate' }), {
    ok: false,
    error: { reason: 'kidTaken', kid: 'two' },
  })
  const other = rotated(keys, 'four', { now: START, alg: 'ES256' })
  t.same(states(other), { one: 'active', two: 'next', four: 'active' }, 'algorithms rotate apart')
})

t.test('[unit] a successor is due when the active key is old or missing', async (t) => {
  const keys = rotated([], 'one', { now: START })
  t.same(dueForRotation(keys, START, TIMING), ['ES256', 'EdDSA'])
  t.same(dueForRotation(keys, later(START, TIMING.rotateEvery), TIMING), ['RS256', 'ES256', 'EdDSA'])
  const waiting = rotated(keys, 'two', { now: later(START, TIMING.rotateEvery) })
  t.same(dueForRotation(waiting, later(START, TIMING.rotateEvery), TIMING), ['ES256', 'EdDSA'])
})

t.test('[unit] the published set holds public members, alg and use alone, RS256 first', async (t) => {
  const keys = (['EdDSA', 'ES256', 'RS256'] as const).reduce<readonly StoredKey[]>(
    (ring, alg) => rotated(ring, alg, { now: START, alg }),
    [],
  )
  const published = publicJwks(keys).keys
  t.same(
    published.map((key) => [key['kid'], Object.keys(key).toSorted()]),
    [
      ['RS256', ['alg', 'e', 'kid', 'kty', 'n', 'use']],
      ['ES256', ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']],
      ['EdDSA', ['alg', 'crv', 'kid', 'kty', 'use', 'x']],
    ],
  )
  t.ok(published.every((key) => key['use'] === 'sig'))
  const [rsaKey] = keys.filter((key) => key.alg === 'RS256')
  if (rsaKey === undefined) throw new Error('no RSA key')
  t.throws(() => publicJwks([{ ...rsaKey, publicJwk: jwkOf(rsa.privateKey) }]), { code: 'weak_key' })
})

t.test(
  '[OPS-039, ADV-150] weak, private and unfitting keys are refused, by an error that names no member of the key',
  async (t) => {
    const weak = jwkOf(generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey)
    const record = { kid: 'k', alg: 'RS256', state: 'active', publicJwk: JWK_OF.RS256 } as const
    const refused: readonly (readonly [string, JsonObject, SigningAlg])[] = [
      ['weak_key', weak, 'RS256'],
      ['weak_key', jwkOf(rsa.privateKey), 'RS256'],
      ['weak_key', { ...JWK_OF.RS256, e: 'AQ' }, 'RS256'],
      ['weak_key', { kty: 'oct', k: 'c2VjcmV0' }, 'RS256'],
      ['unsuitable_key', JWK_OF.ES256, 'RS256'],
      ['unsuitable_key', JWK_OF.RS256, 'EdDSA'],
      ['unsuitable_key', jwkOf(generateKeyPairSync('ec', { namedCurve: 'P-384' }).publicKey), 'ES256'],
    ]
    for (const [code, publicJwk, alg] of refused) {
      try {
        staticKeys([{ ...record, alg, publicJwk }])
        t.fail(`${code} was accepted`)
      } catch (error) {
        t.ok(error instanceof KeyConfigurationError && error.code === code, code)
        const said = String(error)
        t.notOk(Object.values(publicJwk).some((value) => String(value).length > 8 && said.includes(String(value))))
      }
    }
    t.throws(() => staticKeys([record, record]), { code: 'duplicate_kid' })
    t.throws(() => staticKeys([{ ...record, state: 'next' }]), { code: 'no_active_key' })
    t.same(await staticKeys([record]).keys(), [record])
  },
)

t.test('[unit] the name of a key is its thumbprint, as the example of RFC 7638 §3.1 has it', async (t) => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn6' +
    '4tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91' +
    'CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
  const parsed = parsePublicJwk({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' })
  t.ok(parsed.ok)
  if (parsed.ok) t.equal(await thumbprint(parsed.value, hasher), 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
})

t.test('[unit] a ring is read once in a second however many ask, and a failed read is not kept', async (t) => {
  let now = START
  let reads = 0
  let broken = false
  const keys = rotated([], 'one', { now: START })
  const source = loadedKeys({
    clock: { now: () => now },
    store: {
      loadKeyRing: async () => {
        reads++
        if (broken) throw new Error('the database is away')
        return { revision: 1, keys }
      },
    },
  })
  await Promise.all([source.keys(), source.keys(), source.keys()])
  t.equal(reads, 1)
  now = later(now, 1)
  t.same(await source.keys(), keys)
  t.equal(reads, 2, 'a second later it is read again')
  now = later(now, 1)
  broken = true
  await t.rejects(Promise.resolve(source.keys()), /away/)
  broken = false
  t.same(await source.keys(), keys, 'the same second asks again after a failure')
})
