// Owns the proof of both sets of default ports, by one list of cases: they must not differ in anything a caller can see.

import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { inspect } from 'node:util'
import { calculateJwkThumbprint, compactVerify, importJWK } from 'jose'
import t, { type Test } from 'tap'
import { base64url, isJsonObject, type Json, type JsonObject, utf8 } from '#src/base/index.js'
import { parseSigningJwk } from '#src/base/signing-jwk.js'
import type { Signer, SigningKeyName } from '#src/ports/index.js'
import * as node from '#src/ports-node/index.js'
import * as web from '#src/ports-web/index.js'
import { EDDSA, ES256, RS256 } from './vectors.js'

type ListedKey = SigningKeyName & { readonly privateJwk: JsonObject }

const DOORS = [
  {
    name: 'node',
    ports: node.nodePorts,
    generate: node.generateSigningKey,
    signer: async (keys: readonly ListedKey[]): Promise<Signer> => node.createNodeSigner(keys),
  },
  { name: 'web', ports: web.webPorts, generate: web.generateSigningKey, signer: web.createWebSigner },
] as const

const ALGS = ['RS256', 'ES256', 'EdDSA'] as const

const exported = (key: KeyObject): JsonObject => {
  const jwk: Json = JSON.parse(JSON.stringify(key.export({ format: 'jwk' })))
  if (!isJsonObject(jwk)) throw new TypeError('no JWK')
  return jwk
}

const rsa = (modulusLength: number): JsonObject => exported(generateKeyPairSync('rsa', { modulusLength }).privateKey)
const ec = (namedCurve: string): JsonObject => exported(generateKeyPairSync('ec', { namedCurve }).privateKey)

const problemOf = async (door: (typeof DOORS)[number], key: ListedKey): Promise<string> => {
  try {
    await door.signer([key])
    return 'accepted'
  } catch (error) {
    return error instanceof node.SigningKeyError ? error.code : `other: ${String(error)}`
  }
}

const verifies = async (input: string, signature: Uint8Array, jwk: JsonObject, alg: string): Promise<boolean> => {
  const { d: _d, ...publicJwk } = jwk
  const key = await importJWK(JSON.parse(JSON.stringify(publicJwk)), alg)
  await compactVerify(`${input}.${base64url(signature)}`, key)
  return true
}

const bad = (): readonly { readonly why: string; readonly key: ListedKey; readonly expected: string }[] => {
  const other = ec('P-256')
  const edOther = exported(generateKeyPairSync('ed25519').privateKey)
  const es = ES256.jwk
  return [
    { why: 'RSA of 1024 bits', key: { kid: 'k', alg: 'RS256', privateJwk: rsa(1024) }, expected: 'rsaTooShort' },
    { why: 'RSA of 2040 bits', key: { kid: 'k', alg: 'RS256', privateJwk: rsa(2040) }, expected: 'rsaTooShort' },
    { why: 'P-384 for ES256', key: { kid: 'k', alg: 'ES256', privateJwk: ec('P-384') }, expected: 'otherKeyType' },
    { why: 'secp256k1', key: { kid: 'k', alg: 'ES256', privateJwk: ec('secp256k1') }, expected: 'unknownCurve' },
    { why: 'EC for RS256', key: { kid: 'k', alg: 'RS256', privateJwk: es }, expected: 'otherKeyType' },
    { why: 'RSA for EdDSA', key: { kid: 'k', alg: 'EdDSA', privateJwk: RS256.jwk }, expected: 'otherKeyType' },
    {
      why: 'a symmetric key',
      key: { kid: 'k', alg: 'RS256', privateJwk: { kty: 'oct', k: 'c2VjcmV0' } },
      expected: 'unknownType',
    },
    {
      why: 'a public key',
      key: { kid: 'k', alg: 'ES256', privateJwk: { ...es, d: undefined } },
      expected: 'noPrivateMember',
    },
    {
      why: 'RSA without primes',
      key: { kid: 'k', alg: 'RS256', privateJwk: { ...RS256.jwk, p: undefined } },
      expected: 'noPrivateMember',
    },
    {
      why: 'a private part of the wrong type',
      key: { kid: 'k', alg: 'ES256', privateJwk: { ...es, d: 4711_4711 } },
      expected: 'noPrivateMember',
    },
    {
      why: 'another key of the same kind inside',
      key: { kid: 'k', alg: 'ES256', privateJwk: { ...es, d: other['d'] } },
      expected: 'halvesDiffer|unreadable',
    },
    {
      why: 'another Ed25519 seed',
      key: { kid: 'k', alg: 'EdDSA', privateJwk: { ...EDDSA.jwk, d: edOther['d'] } },
      expected: 'halvesDiffer|unreadable',
    },
    {
      why: 'a JWK of another alg',
      key: { kid: 'k', alg: 'RS256', privateJwk: { ...RS256.jwk, alg: 'PS256' } },
      expected: 'otherAlg',
    },
    {
      why: 'a JWK of another kid',
      key: { kid: 'k', alg: 'ES256', privateJwk: { ...es, kid: 'other' } },
      expected: 'otherKid',
    },
    {
      why: 'a JWK for encryption',
      key: { kid: 'k', alg: 'ES256', privateJwk: { ...es, use: 'enc' } },
      expected: 'notForSigning',
    },
  ]
}

const privateTexts = (jwk: JsonObject): readonly string[] =>
  ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k'].flatMap((name) => (jwk[name] === undefined ? [] : [String(jwk[name])]))

for (const door of DOORS) {
  t.test(`[unit] ${door.name}: signatures equal the published ones where the algorithm is deterministic`, async (t) => {
    const signer = await door.signer([
      { kid: 'r', alg: 'RS256', privateJwk: RS256.jwk },
      { kid: 'e', alg: 'ES256', privateJwk: ES256.jwk },
      { kid: 'd', alg: 'EdDSA', privateJwk: EDDSA.jwk },
    ])
    t.equal(base64url(await signer.sign({ kid: 'r', alg: 'RS256' }, RS256.input)), RS256.signature)
    t.equal(base64url(await signer.sign({ kid: 'd', alg: 'EdDSA' }, EDDSA.input)), EDDSA.signature)
    const es256 = await signer.sign({ kid: 'e', alg: 'ES256' }, ES256.input)
    t.equal(es256.length, 64, 'R || S, not DER')
    t.ok(await verifies(ES256.input, es256, ES256.jwk, 'ES256'))
  })

  t.test(
    `[unit] ${door.name}: a generated key is named by its thumbprint, and its signatures verify elsewhere`,
    async (t) => {
      for (const alg of ALGS) {
        const key = await door.generate(alg)
        const { kid, publicJwk, privateJwk } = key
        t.equal(kid, await calculateJwkThumbprint(JSON.parse(JSON.stringify(publicJwk)), 'sha256'))
        t.match(publicJwk, { kid, alg, use: 'sig' })
        t.strictSame(privateTexts(publicJwk), [], 'the public half holds nothing private')
        const signer = await door.signer([{ kid, alg, privateJwk }])
        const input = `${base64url(utf8(JSON.stringify({ alg, kid })))}.${base64url(utf8('{}'))}`
        t.ok(await verifies(input, await signer.sign({ kid, alg }, input), publicJwk, alg))
        t.not((await door.generate(alg)).kid, kid, 'the next one is another')
      }
      await t.rejects(
        Promise.resolve().then(() => Reflect.apply(door.generate, undefined, ['HS256'])),
        {
          code: 'unsupportedAlg',
        },
      )
    },
  )

  t.test(`[OPS-039] ${door.name}: a weak, unfit or broken signing key stops the start`, async (t) => {
    for (const { why, key, expected } of bad()) t.match(await problemOf(door, key), new RegExp(`^(${expected})$`), why)
    const unbuilt = await problemOf(
      door,
      Reflect.apply(Object.assign, undefined, [{}, { kid: 'k', alg: 'HS256', privateJwk: {} }]),
    )
    t.equal(unbuilt, 'unsupportedAlg')
    const twice = { kid: 'k', alg: 'ES256', privateJwk: ES256.jwk } as const
    await t.rejects(
      Promise.resolve().then(() => door.signer([twice, twice])),
      { code: 'repeatedKid' },
    )
  })

  t.test(`[ADV-150] ${door.name}: the error about a bad key holds none of it, however it is printed`, async (t) => {
    for (const { why, key } of bad()) {
      const error: unknown = await door.signer([key]).then(
        () => undefined,
        (reason: unknown) => reason,
      )
      t.ok(error instanceof Error, why)
      const printed = `${String(error)} ${inspect(error, { depth: 9 })} ${JSON.stringify(error)}`
      for (const text of privateTexts(key.privateJwk)) t.notOk(printed.includes(text.slice(0, 8)), why)
    }
  })

  t.test(
    `[unit] ${door.name}: an unknown kid and an alg that is not the key's are refused as rejections`,
    async (t) => {
      const signer = await door.signer([{ kid: 'e', alg: 'ES256', privateJwk: ES256.jwk }])
      await t.rejects(Promise.resolve(signer.sign({ kid: 'nobody', alg: 'ES256' }, 'x')), { code: 'unknownKey' })
      await t.rejects(Promise.resolve(signer.sign({ kid: '__proto__', alg: 'ES256' }, 'x')), { code: 'unknownKey' })
      await t.rejects(Promise.resolve(signer.sign({ kid: 'e', alg: 'RS256' }, 'x')), { code: 'otherAlg' })
    },
  )

  t.test(`[unit] ${door.name}: hashes and MACs are the published ones, and randomness never repeats`, async (t) => {
    const { hasher, random, clock } = door.ports
    // FIPS 180-4 examples of "abc" and RFC 4231 §4.3.
    const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')
    t.equal(hex(await hasher.sha256(utf8('abc'))), 'ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
    t.match(hex(await hasher.sha512(utf8('abc'))), /^ddaf35a193617abacc417349ae20413112e6fa4e89a97ea2.{80}$/)
    const mac = await hasher.hmacSha256(utf8('Jefe'), utf8('what do ya want for nothing?'))
    t.equal(hex(mac), '5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843')
    const members = parseSigningJwk(EDDSA.jwk, { kid: '', alg: 'EdDSA' })
    const canonical = members.ok ? JSON.stringify(members.value.publicJwk.members) : ''
    t.equal(base64url(await hasher.sha256(utf8(canonical))), EDDSA.thumbprint)
    const drawn = new Set(Array.from({ length: 1000 }, () => hex(random.bytes(16))))
    t.equal(drawn.size, 1000)
    t.equal(random.bytes(200_000).length, 200_000)
    t.ok(
      random
        .bytes(70_000)
        .subarray(65_536)
        .some((byte) => byte !== 0),
      'beyond the first block as well',
    )
    t.equal(random.bytes(0).length, 0)
    t.ok(Number.isInteger(clock.now()) && Math.abs(clock.now() - Date.now() / 1000) < 2)
  })
}

t.test('[OPS-039] node: keys given as objects, and keys found later, are checked as well', async (t) => {
  const good = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = node.createNodeSigner([{ kid: 'k', alg: 'ES256', privateKey: good.privateKey }])
  t.ok((await signer.sign({ kid: 'k', alg: 'ES256' }, 'x')) instanceof Uint8Array)
  const pss = generateKeyPairSync('rsa-pss', { modulusLength: 2048 }).privateKey
  t.throws(() => node.createNodeSigner([{ kid: 'k', alg: 'ES256', privateKey: good.publicKey }]), {
    code: 'notPrivate',
  })
  t.throws(() => node.createNodeSigner([{ kid: 'k', alg: 'RS256', privateKey: pss }]), { code: 'otherKeyType' })
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey
  const keys = new Map([
    ['good', good.privateKey],
    ['weak', weak],
  ])
  const finding = node.createNodeSigner((kid) => keys.get(kid))
  t.ok((await finding.sign({ kid: 'good', alg: 'ES256' }, 'x')).length === 64)
  await t.rejects(Promise.resolve(finding.sign({ kid: 'good', alg: 'EdDSA' }, 'x')), { code: 'otherKeyType' })
  await t.rejects(Promise.resolve(finding.sign({ kid: 'weak', alg: 'RS256' }, 'x')), { code: 'rsaTooShort' })
  await t.rejects(Promise.resolve(finding.sign({ kid: 'none', alg: 'RS256' }, 'x')), { code: 'unknownKey' })
  const later = node.createNodeSigner(async (kid) => keys.get(kid))
  t.ok((await later.sign({ kid: 'good', alg: 'ES256' }, 'x')).length === 64)
})

t.test('[unit] node: ES256 and EdDSA answer at once, RS256 leaves the event loop free', (t) => {
  const signer = node.createNodeSigner([
    { kid: 'r', alg: 'RS256', privateJwk: RS256.jwk },
    { kid: 'e', alg: 'ES256', privateJwk: ES256.jwk },
    { kid: 'd', alg: 'EdDSA', privateJwk: EDDSA.jwk },
  ])
  t.ok(signer.sign({ kid: 'e', alg: 'ES256' }, 'x') instanceof Uint8Array)
  t.ok(signer.sign({ kid: 'd', alg: 'EdDSA' }, 'x') instanceof Uint8Array)
  t.ok(signer.sign({ kid: 'r', alg: 'RS256' }, 'x') instanceof Promise)
  t.end()
})

t.test('[OPS-039] web: keys of the runtime are checked as well', async (t) => {
  const { subtle } = webcrypto
  const usages = ['sign', 'verify'] as const
  const make = (algorithm: webcrypto.RsaHashedKeyGenParams | webcrypto.EcKeyGenParams) =>
    subtle
      .generateKey(algorithm, false, [...usages])
      .then((pair) => ('privateKey' in pair ? pair : Promise.reject(pair)))
  const p256 = await make({ name: 'ECDSA', namedCurve: 'P-256' })
  const p384 = await make({ name: 'ECDSA', namedCurve: 'P-384' })
  const rsaOf = (modulusLength: number, hash: string) =>
    make({ name: 'RSASSA-PKCS1-v1_5', hash, modulusLength, publicExponent: new Uint8Array([1, 0, 1]) })
  const refused = async (t: Test, alg: SigningKeyName['alg'], privateKey: webcrypto.CryptoKey, code: string) =>
    t.rejects(web.createWebSigner([{ kid: 'k', alg, privateKey }]), { code })
  await refused(t, 'ES256', p256.publicKey, 'notPrivate')
  await refused(t, 'ES256', p384.privateKey, 'otherKeyType')
  await refused(t, 'RS256', p256.privateKey, 'otherKeyType')
  await refused(t, 'RS256', (await rsaOf(1024, 'SHA-256')).privateKey, 'rsaTooShort')
  await refused(t, 'RS256', (await rsaOf(2048, 'SHA-384')).privateKey, 'otherKeyType')
  const finding = await web.createWebSigner((kid) => (kid === 'k' ? p256.privateKey : undefined))
  t.equal((await finding.sign({ kid: 'k', alg: 'ES256' }, 'x')).length, 64)
  await t.rejects(Promise.resolve(finding.sign({ kid: 'o', alg: 'ES256' }, 'x')), { code: 'unknownKey' })
})

t.test('[unit] web: nothing of a runtime is imported', async (t) => {
  const folder = new URL('../../dist/ports-web/', import.meta.url)
  const files = (await readdir(folder)).filter((name) => name.endsWith('.js'))
  t.ok(files.length > 3)
  for (const name of files)
    t.notMatch(await readFile(new URL(name, folder), 'utf8'), /from ['"](?!\.)|\bprocess\b|\bBuffer\b/)
})
