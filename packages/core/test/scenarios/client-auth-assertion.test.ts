// Owns private_key_jwt: what an assertion must be, and every way in which it is not.

import { createHmac } from 'node:crypto'
import type { Reply } from '@vouchsafe/core'
import t from 'tap'
import { claimsFor, clientKey, keyedClient, part, redeemBy, signatureOf, signedBy } from './assertions.ts'
import { obtainCode } from './flows.ts'
import { headerOf, refused, statusOf } from './token-steps.ts'
import { createWorld, pkcePair, type World } from './world.ts'

const ES256 = clientKey('ES256')
const RS256 = clientKey('RS256')
const STRANGER = clientKey('ES256', ES256.kid)

interface Scene {
  readonly world: World
  readonly send: (assertion: string) => Promise<Reply>
  /** Judges a refused authentication; the reason is the one that the administrator reads. */
  readonly refuses: (assertion: string, reason: string, why: string) => Promise<void>
  /** Sends an assertion that holds, with the very code that was refused before. */
  readonly accepts: (assertion: string, why: string) => Promise<void>
  /** Goes on with a fresh code. */
  readonly renew: () => Promise<void>
}

const sceneWith = async (t: Tap, keys: Parameters<typeof keyedClient>[1]): Promise<Scene> => {
  const world = createWorld()
  await keyedClient(world, keys)
  const browser = world.browser()
  let got = await obtainCode(world, {}, browser)
  const renew = async (): Promise<void> => {
    got = await obtainCode(world, {}, browser)
  }
  const send = (assertion: string): Promise<Reply> => redeemBy(world, got, assertion)
  return {
    world,
    send,
    refuses: async (assertion, reason, why) => {
      const reply = await send(assertion)
      refused(t, reply, 401, 'invalid_client', why)
      t.equal(headerOf(reply, 'WWW-Authenticate'), undefined)
      t.match(world.events.at(-1), { name: 'client_authentication.failed', fields: { reason } }, why)
    },
    accepts: async (assertion, why) => {
      t.equal(statusOf(await send(assertion)), 200, why)
      await renew()
    },
    renew,
  }
}

type Tap = import('tap').Test

t.test(
  '[OIDC-26, R9700-17, OIDC-31, ADJ-23] an assertion by each published algorithm authenticates its client',
  async (t) => {
    const algs = ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']
    const keys = algs.map((alg) => clientKey(alg))
    const { world, accepts } = await sceneWith(t, keys)
    for (const key of keys) {
      await accepts(signedBy(key, claimsFor(world)), key.alg)
      await accepts(signedBy(key, claimsFor(world), { typ: 'JWT' }), `${key.alg}, typ JWT`)
      await accepts(signedBy(key, claimsFor(world), { kid: undefined }), `${key.alg}, no kid`)
    }
    t.same(world.faults, [])
  },
)

t.test('[ADV-161, ADV-154, OIDC-26, ADJ-23] the audience is this server and nobody beside it', async (t) => {
  const { world, accepts, refuses } = await sceneWith(t, [ES256])
  const aud = (value: unknown, header = {}): string => signedBy(ES256, claimsFor(world, { aud: value }), header)
  const issuer = 'https://op.example'
  const endpoint = `${issuer}/token`
  await accepts(aud(endpoint), 'the endpoint')
  await accepts(aud(issuer), 'the issuer')
  await accepts(aud([issuer]), 'the issuer in an array')
  await accepts(aud([endpoint, issuer]), 'both')
  const wrong: readonly unknown[] = [
    'https://other.example',
    `${issuer}/`,
    `${endpoint}/`,
    'https://OP.example',
    `${issuer}/authorize`,
    `${issuer}.evil.example`,
    [issuer, 'https://other.example'],
    [issuer, null],
    [[issuer]],
    [],
    {},
    { [issuer]: true },
    null,
    true,
    undefined,
  ]
  for (const value of wrong) await refuses(aud(value), 'assertionAudienceWrong', JSON.stringify(value) ?? 'absent')
  const strict = { typ: 'client-authentication+jwt' }
  await accepts(aud(issuer, strict), 'the issuer, with the explicit type')
  await accepts(aud(issuer, { typ: 'Client-Authentication+JWT' }), 'whatever the case of the type')
  for (const value of [endpoint, [issuer], [issuer, endpoint]])
    await refuses(aud(value, strict), 'assertionAudienceWrong', `${JSON.stringify(value)} with the explicit type`)
  await refuses(aud(endpoint, { typ: 'CLIENT-AUTHENTICATION+JWT' }), 'assertionAudienceWrong', 'in any case')
})

t.test('[OIDC-26, ADV-052, ADJ-23] issuer and subject are the client', async (t) => {
  const { world, refuses, accepts } = await sceneWith(t, [ES256])
  await keyedClient(world, [ES256], 'twin')
  const say = (over: Record<string, unknown>): string => signedBy(ES256, claimsFor(world, over))
  for (const iss of ['other', 'APP', '', undefined, null, ['app'], 1, { app: 1 }])
    await refuses(say({ iss }), 'assertionIssuerWrong', `iss ${JSON.stringify(iss)}`)
  for (const sub of ['', undefined, null, ['app'], 1, { app: 1 }, 'a'.repeat(300)])
    await refuses(say({ sub }), 'credentialsMalformed', `sub ${JSON.stringify(sub)}`)
  await refuses(say({ sub: 'nobody' }), 'clientUnknown', 'an unknown client')
  await refuses(say({ sub: 'twin' }), 'assertionIssuerWrong', 'a client with the same key')
  const got = await obtainCode(world)
  const named = (id: string): Promise<Reply> => redeemBy(world, got, say({}), { client_id: id })
  refused(t, await named('twin'), 401, 'invalid_client', 'another client_id beside it')
  t.equal(statusOf(await named('app')), 200, 'its own client_id beside it')
  await accepts(say({}), 'as it should be')
})

t.test('[ADV-091, ADV-052, OPS-035, OIDC-26] times are numbers, close to now, and an end is needed', async (t) => {
  const { world, refuses, accepts } = await sceneWith(t, [ES256])
  const now = world.clock.now()
  const say = (over: Record<string, unknown>): string => signedBy(ES256, claimsFor(world, over))
  for (const exp of [undefined, null, `${now + 60}`, [now + 60], {}, true])
    await refuses(say({ exp }), 'assertionExpiryMissing', `exp ${JSON.stringify(exp)}`)
  await refuses(say({ exp: now - 10 }), 'assertionExpired', 'over')
  await refuses(say({ exp: now - 60 }), 'assertionExpired', 'long over')
  await refuses(say({ exp: 0 }), 'assertionExpired', 'at the beginning of time')
  await refuses(say({ exp: -1e300 }), 'assertionExpired', 'before it')
  await accepts(say({ exp: now - 8 }), 'over by what clocks differ')
  await accepts(say({ exp: now + 3600 }), 'in an hour')
  await accepts(say({ exp: now + 60.5, iat: now - 0.25 }), 'with fractions')
  await refuses(say({ exp: now + 3611 }), 'assertionExpiresTooLate', 'in more than an hour')
  await refuses(say({ exp: 1e300 }), 'assertionExpiresTooLate', 'never')
  for (const name of ['nbf', 'iat']) {
    await accepts(say({ [name]: now + 8 }), `${name} ahead by what clocks differ`)
    await accepts(say({ [name]: undefined }), `no ${name}`)
    for (const value of [now + 11, now + 60, `${now}`, null, [now], {}])
      await refuses(say({ [name]: value }), 'assertionNotYetValid', `${name} ${JSON.stringify(value)}`)
  }
})

t.test(
  '[ADV-041, ADV-052, OIDC-26, OIDC-41] an assertion authenticates one request, also of two at once, and needs its own name',
  async (t) => {
    const { world, refuses, accepts, renew } = await sceneWith(t, [ES256])
    const say = (over: Record<string, unknown>): string => signedBy(ES256, claimsFor(world, over))
    for (const jti of [undefined, '', null, 1, ['a'], 'a'.repeat(257)])
      await refuses(say({ jti }), 'assertionIdMissing', `jti ${JSON.stringify(jti)}`)
    const once = say({ jti: 'once', exp: world.clock.now() + 60.5 })
    await accepts(once, 'the first time')
    await refuses(once, 'proofReplayed', 'the second time')
    await refuses(say({ jti: 'once' }), 'proofReplayed', 'another one of the same name')
    world.clock.advance(70)
    await renew()
    await refuses(once, 'proofReplayed', 'in its last second')
    world.clock.advance(1)
    await refuses(once, 'assertionExpired', 'and after its end')
    await keyedClient(world, [ES256], 'other')
    const theirs = await obtainCode(world, { client_id: 'other' })
    const reply = await redeemBy(world, theirs, say({ iss: 'other', sub: 'other', jti: 'once' }))
    t.equal(statusOf(reply), 200, 'another client may name its own the same')
    const shared = say({ jti: 'shared' })
    const codes = await Promise.all([obtainCode(world), obtainCode(world)])
    const replies = await Promise.all(codes.map((got) => redeemBy(world, got, shared)))
    t.same(replies.map(statusOf).sort(), [200, 401])
    t.same(world.faults, [])
  },
)

t.test('[OPS-004, ADV-041] a refused request spends neither assertion nor code', async (t) => {
  const world = createWorld()
  await keyedClient(world, [ES256])
  const got = await obtainCode(world)
  const assertion = signedBy(ES256, claimsFor(world))
  const wrong = await redeemBy(world, got, assertion, { code_verifier: pkcePair().verifier })
  refused(t, wrong, 400, 'invalid_grant')
  t.equal(statusOf(await redeemBy(world, got, assertion)), 200)
})

t.test(
  '[WEB-068, WEB-069, ADV-151, OIDC-46, ADJ-23] neither "none" nor a MAC keyed with the public key is a signature',
  async (t) => {
    const { world, refuses, accepts } = await sceneWith(t, [RS256, ES256])
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      const input = `${part({ alg, kid: RS256.kid })}.${part(claimsFor(world))}`
      await refuses(`${input}.`, 'credentialsMalformed', `${alg} without a signature`)
      await refuses(`${input}.AAAA`, 'jwtAlgorithmRefused', `${alg} with one`)
      const real = signatureOf(RS256, input).toString('base64url')
      await refuses(`${input}.${real}`, 'jwtAlgorithmRefused', `${alg} with a real one`)
    }
    const { publicKey, jwk } = RS256
    const texts = [
      publicKey.export({ type: 'spki', format: 'pem' }),
      publicKey.export({ type: 'pkcs1', format: 'pem' }),
      publicKey.export({ type: 'spki', format: 'der' }),
      JSON.stringify(jwk),
      JSON.stringify(publicKey.export({ format: 'jwk' })),
      String(jwk['n']),
      '',
    ]
    for (const text of texts) {
      for (const alg of ['HS256', 'HS384', 'HS512']) {
        const input = `${part({ alg, kid: RS256.kid })}.${part(claimsFor(world))}`
        const mac = createHmac(alg.replace('HS', 'sha'), text).update(input).digest('base64url')
        await refuses(`${input}.${mac}`, 'jwtAlgorithmRefused', alg)
      }
    }
    for (const alg of ['RS384', 'RS512', 'ES256K', 'rs256', '', 1, null, ['RS256']])
      await refuses(signedBy(RS256, claimsFor(world), { alg }), 'jwtAlgorithmRefused', `alg ${JSON.stringify(alg)}`)
    await refuses(signedBy(RS256, claimsFor(world), { alg: undefined }), 'jwtAlgorithmRefused', 'no alg')
    await refuses(signedBy(RS256, claimsFor(world), { alg: 'PS256' }), 'jwtKeyUnknown', 'the alg of another key')
    await refuses(signedBy(ES256, claimsFor(world), { alg: 'RS256' }), 'jwtKeyUnknown', 'another kind of key')
    await accepts(signedBy(RS256, claimsFor(world)), 'as it should be')
  },
)

t.test(
  '[ADV-152, WEB-070, ADJ-23] the key is one that the client registered, by an opaque name, whatever the header says',
  async (t) => {
    const odd = clientKey('ES256', "../../etc/passwd' or 1=1 --")
    const { world, refuses, accepts } = await sceneWith(t, [ES256, odd])
    const say = (header: Record<string, unknown>, key = ES256): string => signedBy(key, claimsFor(world), header)
    await accepts(say({}, odd), 'a name with quotes is a name')
    for (const kid of [
      'unknown',
      '',
      'https://evil.example/key',
      '../key-ES256',
      'KEY-ES256',
      '__proto__',
      'constructor',
    ])
      await refuses(say({ kid }), 'jwtKeyUnknown', kid)
    for (const kid of [1, null, ['key-ES256'], {}, 'k'.repeat(257)])
      await refuses(say({ kid }), 'jwtMalformed', JSON.stringify(kid))
    await refuses(say({}, STRANGER), 'jwtSignatureInvalid', "a stranger's key")
    for (const header of [
      { jwk: STRANGER.jwk },
      { jku: 'https://evil.example/jwks' },
      { x5c: ['MIIB'] },
      { x5u: 'https://evil.example/cert' },
    ])
      await refuses(say(header, STRANGER), 'jwtSignatureInvalid', `a stranger's key with ${Object.keys(header)[0]}`)
    await refuses(say({ jwk: STRANGER.jwk, kid: undefined }, STRANGER), 'jwtSignatureInvalid', 'and no name')
    const none = createWorld()
    await keyedClient(none, [])
    refused(t, await redeemBy(none, await obtainCode(none), say({})), 401, 'invalid_client', 'a client without keys')
  },
)

t.test('[WEB-072] of several keys with one name only fitting ones are tried, and few', async (t) => {
  const twins = [
    clientKey('RS256', 'one'),
    clientKey('EdDSA', 'one'),
    clientKey('ES256', 'one'),
    clientKey('ES256', 'one'),
  ]
  const encryption = { ...clientKey('ES256', 'one').jwk, use: 'enc' }
  const { world, accepts } = await sceneWith(t, [encryption, ...twins])
  for (const key of twins) await accepts(signedBy(key, claimsFor(world)), key.alg)
  const flood = Array.from({ length: 6 }, () => clientKey('ES256', 'one'))
  const many = await sceneWith(t, flood)
  const [first, , , fourth, fifth] = flood
  if (first === undefined || fourth === undefined || fifth === undefined) throw new Error('six keys')
  await many.accepts(signedBy(first, claimsFor(many.world)), 'the first')
  await many.accepts(signedBy(fourth, claimsFor(many.world)), 'the fourth')
  await many.refuses(signedBy(fifth, claimsFor(many.world)), 'jwtSignatureInvalid', 'the fifth is never tried')
  const sealed = await sceneWith(t, [{ ...ES256.jwk, use: 'enc' }])
  await sealed.refuses(signedBy(ES256, claimsFor(sealed.world)), 'jwtKeyUnknown', 'a key for encryption')
  const fixed = await sceneWith(t, [{ ...RS256.jwk, alg: 'PS256' }])
  await fixed.refuses(signedBy(RS256, claimsFor(fixed.world)), 'jwtKeyUnknown', 'a key for another algorithm')
})

t.test('[WEB-071] weak keys, wrong curves and signatures of the wrong length verify nothing', async (t) => {
  const weak = clientKey('weak', 'weak')
  const curve = clientKey('ES384', 'curve')
  const { world, refuses } = await sceneWith(t, [ES256, weak, curve, { ...curve.jwk, kid: 'lies', alg: 'ES256' }])
  await refuses(signedBy(weak, claimsFor(world)), 'jwtSignatureInvalid', 'RSA of 1024 bits')
  await refuses(signedBy(curve, claimsFor(world), { alg: 'ES256' }), 'jwtKeyUnknown', 'P-384 for ES256')
  await refuses(signedBy(curve, claimsFor(world), { alg: 'ES256', kid: 'lies' }), 'jwtKeyUnknown', 'and registered so')
  const input = `${part({ alg: 'ES256', kid: ES256.kid })}.${part(claimsFor(world))}`
  const real = signatureOf(ES256, input)
  const der = Buffer.concat([Buffer.from([0x30, 0x44, 0x02, 0x20]), real])
  const signatures = [
    Buffer.alloc(64),
    Buffer.alloc(1),
    real.subarray(0, 63),
    Buffer.concat([real, Buffer.alloc(1)]),
    Buffer.concat([Buffer.alloc(32), real.subarray(32)]),
    real.subarray(0, 32),
    der,
  ]
  for (const signature of signatures)
    await refuses(`${input}.${signature.toString('base64url')}`, 'jwtSignatureInvalid', `${signature.length} bytes`)
  await refuses(`${input}.`, 'credentialsMalformed', 'no bytes')
})

t.test(
  '[ADV-051, WEB-074, WEB-075, ADV-155] what is not three strict segments of JSON objects is no assertion',
  async (t) => {
    const { world, refuses, accepts } = await sceneWith(t, [ES256])
    const good = signedBy(ES256, claimsFor(world))
    const [head = '', body = '', signature = ''] = good.split('.')
    const array = Buffer.from(`[${JSON.stringify(claimsFor(world))}]`).toString('base64url')
    const jwe = { alg: 'dir', enc: 'A256GCM', zip: 'DEF' }
    const pbes = { alg: 'PBES2-HS256+A128KW', enc: 'A128GCM', p2c: 2_147_483_647, p2s: 'AAAA' }
    const broken: readonly (readonly [string, string])[] = [
      ['padding', `${good}=`],
      ['padding inside', `${head}=.${body}.${signature}`],
      ['white space before', ` ${good}`],
      ['white space behind', `${good}\n`],
      ['white space inside', `${head}.${body}. ${signature}`],
      ['the other alphabet', `${head}.${body}.${signature.slice(0, -2)}+/`],
      ['stray bits', `${head}.${body}.${signature.slice(0, -1)}${/[AQgw]$/.test(signature) ? 'B' : '_'}`],
      ['two segments', `${head}.${body}`],
      ['one segment', head],
      ['an extra dot', `${good}.`],
      ['a fourth segment', `${good}.AAAA`],
      ['an empty header', `.${body}.${signature}`],
      ['an empty payload, as detached', `${head}..${signature}`],
      ['no signature', `${head}.${body}.`],
      ['a header that is no object', `${part('x')}.${body}.${signature}`],
      ['a payload that is an array', `${head}.${array}.${signature}`],
      ['a JWT in a JWT', `${head}.${Buffer.from(good).toString('base64url')}.${signature}`],
      ['JSON serialisation', JSON.stringify({ protected: head, payload: body, signature })],
      ['bytes that are no UTF-8', `${head}.${Buffer.from([0x7b, 0xff, 0x7d]).toString('base64url')}.${signature}`],
      ['a JWE', `${part(jwe)}..AAAA.AAAA.AAAA`],
      ['a JWE with a costly key', `${part(pbes)}.AAAA.AAAA.AAAA.AAAA`],
      ['a JWE in three segments', `${part(pbes)}.AAAA.AAAA`],
    ]
    const before = process.cpuUsage()
    for (const [why, jwt] of broken) await refuses(jwt, 'credentialsMalformed', why)
    t.ok(process.cpuUsage(before).user < 500_000, 'and nothing of it costs')
    await refuses(`${part(pbes)}.${body}.${signature}`, 'jwtAlgorithmRefused', 'the header of a JWE')
    await refuses(signedBy(ES256, claimsFor(world), { crit: ['exp'] }), 'jwtMalformed', 'crit')
    await refuses(signedBy(ES256, claimsFor(world), { crit: ['b64'], b64: false }), 'jwtMalformed', 'b64')
    await refuses(signedBy(ES256, claimsFor(world), { b64: true }), 'jwtMalformed', 'b64 alone')
    for (const typ of ['at+jwt', 'dpop+jwt', 'logout+jwt', '', 'application/jwt', 1, null, ['JWT']])
      await refuses(signedBy(ES256, claimsFor(world), { typ }), 'jwtTypeRefused', `typ ${JSON.stringify(typ)}`)
    await accepts(good, 'as it should be')
  },
)

t.test('[WEB-073] a large assertion is refused by its size, before anything of it is read', async (t) => {
  const { world, send, refuses, accepts } = await sceneWith(t, [ES256])
  const padded = (length: number): string => signedBy(ES256, claimsFor(world, { pad: 'a'.repeat(length) }))
  const before = process.cpuUsage()
  refused(t, await send(padded(1_000_000)), 413, 'invalid_request', 'a megabyte')
  t.ok(process.cpuUsage(before).user < 500_000)
  await refuses(padded(20_000), 'credentialsMalformed', 'above 16 KiB')
  const thousands = Object.fromEntries(Array.from({ length: 1500 }, (_, i) => [`c${i}`, 1]))
  await refuses(signedBy(ES256, claimsFor(world, thousands)), 'credentialsMalformed', 'thousands of claims')
  const deep = JSON.parse(`${'['.repeat(30)}${']'.repeat(30)}`) as unknown
  await refuses(signedBy(ES256, claimsFor(world, { deep })), 'credentialsMalformed', 'depth')
  await accepts(padded(8_000), 'below it')
})

t.test('[V21-04] an assertion goes with its type and with no other credentials', async (t) => {
  const world = createWorld()
  await keyedClient(world, [ES256])
  const got = await obtainCode(world)
  const assertion = signedBy(ES256, claimsFor(world))
  const send = (over: Record<string, string | undefined>): Promise<Reply> => redeemBy(world, got, assertion, over)
  refused(t, await send({ client_secret: 'x' }), 400, 'invalid_request', 'a secret beside it')
  refused(t, await send({ client_assertion_type: undefined }), 401, 'invalid_client', 'no type')
  refused(t, await send({ client_assertion: undefined }), 401, 'invalid_client', 'a type alone')
  const saml = 'urn:ietf:params:oauth:client-assertion-type:saml2-bearer'
  refused(t, await send({ client_assertion_type: saml }), 401, 'invalid_client', 'another type')
  t.equal(statusOf(await send({})), 200)
})
