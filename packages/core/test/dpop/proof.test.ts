// Owns the proof that a DPoP proof is judged as RFC 9449 §4.3 has it, by the room alone; what endpoints make of it is in scenarios/.

import { digest, instant, type WireRequest } from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { cryptoRandom, nodeHasher } from '@vouchsafe/core/ports-node'
import t from 'tap'
import type { Context } from '#src/context/index.js'
import { currentNonce, nonceHoldsUntil, readProof, withNonce } from '#src/dpop/index.js'
import { contextOf } from '#src/provider-config.js'
import { clientKey } from '../scenarios/assertions.ts'
import { proofOf, SAME_URLS, thumbprintOf, type Use, WRONG_CLAIMS, WRONG_FORMS } from '../scenarios/proofs.ts'
import { sha256 } from '../scenarios/world.ts'

const NOW = instant(1_900_000_000)
const KEY = clientKey('ES256')
const SECRETS = [new Uint8Array(32).fill(1), new Uint8Array(32).fill(2)]

const contextWith = (dpop: Context['features']['dpop'], issuer = 'https://op.example'): Context => {
  const context = contextOf({
    issuer,
    stores: createMemoryStores(),
    ports: {
      clock: { now: () => NOW },
      random: cryptoRandom,
      hasher: nodeHasher,
      signer: { sign: () => new Uint8Array() },
      keys: { keys: () => [] },
      accounts: { find: () => undefined },
    },
  })
  return { ...context, features: { ...context.features, dpop } }
}
const PLAIN = contextWith({ nonceSecrets: [] })
const NONCES = contextWith({ nonceSecrets: SECRETS })

const asked = (...proofs: readonly string[]): WireRequest => ({
  method: 'POST',
  path: '/token',
  query: '',
  headers: new Map(proofs.length === 0 ? [] : [['dpop', proofs]]),
  body: undefined,
  remoteAddress: '192.0.2.1',
})

const URLS = ['https://op.example/token', 'https://mtls.example:8443/token']
const read = (
  context: Context,
  proofs: readonly string[],
  over: { readonly now?: number; readonly token?: string } = {},
) =>
  readProof(context, asked(...proofs), {
    urls: URLS,
    tokenDigest: over.token === undefined ? undefined : digest(sha256(over.token)),
    now: instant(over.now ?? NOW),
  })
const use: Use = { now: NOW }
const reasonOf = async (...given: Parameters<typeof read>): Promise<string> => {
  const judged = await read(...given)
  return judged.ok ? 'accepted' : judged.error.reason
}

t.test('[unit] a proof of each algorithm holds, and names its key by the thumbprint', async (t) => {
  for (const alg of ['ES256', 'ES384', 'ES512', 'PS256', 'EdDSA', 'Ed25519']) {
    const key = clientKey(alg)
    const judged = await read(PLAIN, [
      proofOf(key, use, { jti: 'one', nbf: 0, exp: 1, more: {} }, { kid: 'any', more: 1 }),
    ])
    t.match(judged, {
      ok: true,
      value: {
        jkt: thumbprintOf(key),
        reservation: { namespace: `dpop:${thumbprintOf(key)}`, digest: sha256('one'), expiresAt: NOW + 70 },
      },
    })
  }
  t.same(await read(PLAIN, []), { ok: true, value: undefined }, 'none')
  t.same(await read(contextWith(undefined), ['nonsense']), { ok: true, value: undefined }, 'not offered')
})

t.test('[unit] a proof that is wrong in any one thing is refused for that', async (t) => {
  for (const { reason, title, make } of [...WRONG_FORMS, ...WRONG_CLAIMS]) {
    t.equal(await reasonOf(PLAIN, [make(KEY, use)]), reason, title)
    t.equal(await reasonOf(NONCES, [make(KEY, use)]), reason, `${title}, before a nonce is asked for`)
  }
  t.equal(await reasonOf(PLAIN, [proofOf(KEY, use), proofOf(KEY, use)]), 'dpopRepeated')
  t.equal(await reasonOf(PLAIN, ['', proofOf(KEY, use)]), 'dpopRepeated', 'an empty one first')
  for (const htu of [...SAME_URLS, 'https://mtls.example:8443/token']) {
    t.equal(await reasonOf(PLAIN, [proofOf(KEY, use, { htu })]), 'accepted', htu)
  }
})

t.test('[unit] a proof counts from ten seconds before its time to a minute after', async (t) => {
  for (const [iat, expected] of [
    [-71, 'dpopTimeWrong'],
    [-70, 'dpopTimeWrong'],
    [-69, 'accepted'],
    [-10, 'accepted'],
    [0.5, 'accepted'],
    [10, 'accepted'],
    [11, 'dpopTimeWrong'],
    [3600, 'dpopTimeWrong'],
  ] as const) {
    t.equal(await reasonOf(PLAIN, [proofOf(KEY, use, { iat: NOW + iat })]), expected, String(iat))
  }
  const judged = await read(PLAIN, [proofOf(KEY, use, { iat: NOW + 9.5 })])
  // What is reserved must be kept for as long as the proof would be accepted, or it could be sent again.
  t.match(judged, { value: { reservation: { expiresAt: NOW + 80 } } })
})

t.test('[unit] a proof for a token names that token', async (t) => {
  const proof = proofOf(KEY, { ...use, token: 'a' })
  t.equal(await reasonOf(PLAIN, [proof], { token: 'a' }), 'accepted')
  t.equal(await reasonOf(PLAIN, [proof], { token: 'b' }), 'dpopTokenWrong')
  t.equal(await reasonOf(PLAIN, [proofOf(KEY, use)], { token: 'a' }), 'dpopTokenWrong')
})

t.test('[unit] a nonce holds for one to two minutes on every node, under the issuer it was made for', async (t) => {
  const at = (NOW - (NOW % 60)) as typeof NOW
  const nonce = (await currentNonce(NONCES, at)) ?? ''
  t.match(nonce, /^[\w-]{22}$/)
  t.equal(await currentNonce(PLAIN, at), undefined)
  const reply = { kind: 'empty', status: 204, headers: new Map() } as const
  t.same(await withNonce(NONCES, reply, at), { ...reply, headers: new Map([['DPoP-Nonce', nonce]]) })
  t.equal(await withNonce(PLAIN, reply, at), reply)
  t.equal(await currentNonce(NONCES, instant(at + 59)), nonce)
  t.not(await currentNonce(NONCES, instant(at + 60)), nonce)
  const other = contextWith({ nonceSecrets: SECRETS.toReversed() })
  t.equal(await nonceHoldsUntil(other, nonce, at), at + 120, 'by an earlier secret too')
  const holds = async (context: Context, now: number, text = nonce) =>
    (await nonceHoldsUntil(context, text, instant(now))) !== undefined
  t.ok(await holds(NONCES, at + 119))
  t.notOk(await holds(NONCES, at + 120))
  t.ok(await holds(NONCES, at - 2), 'a node whose clock is behind')
  t.notOk(await holds(NONCES, at - 61))
  t.notOk(await holds(contextWith({ nonceSecrets: SECRETS }, 'https://other.example'), at))
  t.notOk(await holds(contextWith({ nonceSecrets: [new Uint8Array(32).fill(3)] }), at))
  t.notOk(await holds(NONCES, at, `${nonce.slice(0, -1)}_`))

  t.equal(await reasonOf(NONCES, [proofOf(KEY, use)]), 'dpopNonceMissing')
  t.equal(await reasonOf(NONCES, [proofOf(KEY, { ...use, nonce: 'old' })]), 'dpopNonceStale')
  t.equal(await reasonOf(NONCES, [proofOf(KEY, use, { nonce: 7 })]), 'dpopNonceStale')
  const proof = proofOf(KEY, { now: 5, nonce })
  t.equal(
    await reasonOf(NONCES, [proof], { now: at }),
    'accepted',
    'a client whose clock is wrong: the nonce tells the time',
  )
  t.match(await read(NONCES, [proof], { now: at }), { value: { reservation: { expiresAt: at + 120 } } })
})
