// Owns JWT access tokens as attackers write them, and the issuer's keys as they come and go. Real issuer, real HTTP.

import { createPublicKey } from 'node:crypto'
import type { JwtTokens } from '@vouchsafe/resource-server'
import fc from 'fast-check'
import { exportJWK, exportSPKI, generateKeyPair, importJWK, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import t, { type Test } from 'tap'
import { call, createClock, startApi, startWorld, type World } from './api.ts'
import { makeKey, signJws, startIssuer } from './issuer.ts'

const AT = 'at+jwt'

/** Sends a token and answers why it was refused, or `accepted`. */
const judge = async ({ api }: World, token: string): Promise<string> => {
  const { status } = await call(`${api.url}/v1/me`, token)
  const last = api.seen.at(-1)
  if (status === 200) return 'accepted'
  return last !== undefined && 'reason' in last ? `${status} ${last.reason}` : `${status}`
}

const segment = (value: unknown): string =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')

const partsOf = (token: string): [string, string, string] => {
  const [head = '', body = '', signature = ''] = token.split('.')
  return [head, body, signature]
}

t.test(
  '[ADJ-21, ADJ-23, WEB-068, WEB-069, ADV-151, ADV-152] type and algorithm come from a list, keys from the issuer alone',
  async (t) => {
    const world = await startWorld(t)
    const { issuer, mint } = world
    const now = world.clock.now()
    const claims = {
      iss: issuer.url,
      aud: `${world.api.url}/v1`,
      sub: 'a',
      client_id: 'c',
      iat: now,
      exp: now + 60,
      jti: '1',
    }
    t.equal(await judge(world, await mint()), 'accepted')
    t.equal(await judge(world, await mint({}, { typ: 'application/AT+jwt' })), 'accepted')
    for (const typ of ['JWT', 'logout+jwt', 'dpop+jwt', 'at+jwt ', '', 'jwt+at']) {
      t.equal(await judge(world, await mint({}, { typ })), '401 tokenTypeRefused', typ)
    }
    const untyped = await signJws(issuer.key.privateKey, { alg: 'ES256', kid: 'key-1' }, claims)
    t.equal(await judge(world, untyped), '401 tokenTypeRefused')
    for (const alg of ['none', 'None', 'NONE', 'nOnE']) {
      for (const signature of ['', 'AAAA']) {
        const token = `${segment({ alg, typ: AT, kid: 'key-1' })}.${segment(claims)}.${signature}`
        t.match(await judge(world, token), /^401 token(AlgorithmRefused|Malformed)$/, alg)
      }
    }
    const publicKey = await importJWK(issuer.key.publicJwk, 'ES256')
    if (publicKey instanceof Uint8Array) throw new Error('no key')
    const der = createPublicKey({ key: { ...issuer.key.publicJwk }, format: 'jwk' }).export({
      type: 'spki',
      format: 'der',
    })
    for (const text of [await exportSPKI(publicKey), JSON.stringify(issuer.key.publicJwk), der, Buffer.alloc(32)]) {
      const token = await signJws(new Uint8Array(Buffer.from(text)), { alg: 'HS256', typ: AT, kid: 'key-1' }, claims)
      t.equal(await judge(world, token), '401 tokenAlgorithmRefused')
    }
    const stranger = await makeKey('ES256', 'key-1')
    t.equal(await judge(world, await mint({}, { privateKey: stranger.privateKey })), '401 tokenSignatureInvalid')
    for (const header of [{ jwk: stranger.publicJwk }, { jku: `${issuer.url}/mine` }, { x5u: `${issuer.url}/mine` }]) {
      const token = await signJws(stranger.privateKey, { alg: 'ES256', typ: AT, kid: 'key-1', ...header }, claims)
      t.equal(await judge(world, token), '401 tokenSignatureInvalid', 'a key that the token brings is not looked at')
    }
    t.equal(issuer.asked.get('/mine'), undefined)
    const crit = await signJws(
      issuer.key.privateKey,
      { alg: 'ES256', typ: AT, kid: 'key-1', crit: ['b64'], b64: true },
      claims,
    )
    t.equal(await judge(world, crit), '401 tokenMalformed')
  },
)

t.test('[ADJ-23, R9700-34] issuer, audience, times and the claims of the profile are each checked', async (t) => {
  const world = await startWorld(t)
  const now = world.clock.now()
  const here = `${world.api.url}/v1`
  const cases: readonly (readonly [claims: Readonly<Record<string, unknown>>, verdict: string])[] = [
    [{ aud: [here] }, 'accepted'],
    [{ aud: ['https://other.example', here] }, 'accepted'],
    [{ aud: `${here}/` }, '401 tokenAudienceWrong'],
    [{ aud: world.api.url }, '401 tokenAudienceWrong'],
    [{ aud: ['https://other.example'] }, '401 tokenAudienceWrong'],
    [{ aud: here.toUpperCase() }, '401 tokenAudienceWrong'],
    [{ aud: undefined }, '401 tokenAudienceWrong'],
    [{ aud: [] }, '401 tokenAudienceWrong'],
    [{ aud: { 0: here } }, '401 tokenClaimsMalformed'],
    [{ aud: [here, 1] }, '401 tokenClaimsMalformed'],
    [{ iss: `${world.issuer.url}/` }, '401 tokenIssuerWrong'],
    [{ iss: 'https://evil.example' }, '401 tokenIssuerWrong'],
    [{ iss: undefined }, '401 tokenClaimsMalformed'],
    [{ exp: now }, '401 tokenExpired'],
    [{ exp: now + 0.5 }, '401 tokenExpired'],
    [{ exp: now + 1 }, 'accepted'],
    [{ exp: undefined }, '401 tokenClaimsMalformed'],
    [{ exp: String(now + 60) }, '401 tokenClaimsMalformed'],
    [{ nbf: now + 10 }, 'accepted'],
    [{ nbf: now + 11 }, '401 tokenNotYetValid'],
    [{ iat: now + 11 }, '401 tokenNotYetValid'],
    [{ nbf: 'now' }, '401 tokenClaimsMalformed'],
    ...['sub', 'client_id', 'iat', 'jti'].map((name) => [{ [name]: undefined }, '401 tokenClaimsMalformed'] as const),
    [{ sub: '' }, '401 tokenClaimsMalformed'],
    [{ sub: ['alice'] }, '401 tokenClaimsMalformed'],
    [{ scope: ['notes:read'] }, '401 tokenClaimsMalformed'],
    [{ acr: 1 }, '401 tokenClaimsMalformed'],
    [{ act: 'somebody' }, '401 tokenClaimsMalformed'],
    [{ cnf: {} }, '401 tokenClaimsMalformed'],
    [{ cnf: { kid: 'key' } }, '401 tokenClaimsMalformed'],
    [{ cnf: { jwk: world.issuer.key.publicJwk } }, '401 tokenClaimsMalformed'],
    [{ cnf: 'key' }, '401 tokenClaimsMalformed'],
    [{ cnf: { jkt: 'x', kid: 'key' } }, '401 boundTokenSentAsBearer'],
  ]
  for (const [claims, verdict] of cases)
    t.equal(await judge(world, await world.mint(claims)), verdict, JSON.stringify(claims))
})

t.test('[unit] a token says who acts for whom, and its claims cannot be changed', async (t) => {
  const world = await startWorld(t)
  const act = { sub: 'api-1', client_id: 'c1', act: { sub: 'front', iss: 'https://id.example' } }
  await judge(world, await world.mint({ act, amr: ['pwd'], acr: 'phr', auth_time: 5.5, role: ['a'] }))
  const token = world.api.seen.at(-1)
  if (token === undefined || 'ok' in token) throw new Error('refused')
  t.match(token, { subject: 'alice', clientId: 'app', scope: ['notes:read'], amr: ['pwd'], acr: 'phr', authTime: 5 })
  t.same(token.act, {
    subject: 'api-1',
    clientId: 'c1',
    issuer: undefined,
    act: { subject: 'front', clientId: undefined, issuer: 'https://id.example', act: undefined },
  })
  t.throws(() => Object.assign(token.claims, { role: ['admin'] }), TypeError)
  t.throws(() => Object.assign(token.claims['role'] ?? {}, { 0: 'admin' }), TypeError)
  let chain: object | undefined
  for (let depth = 0; depth < 11; depth++) chain = { sub: `actor-${depth}`, act: chain }
  t.equal(await judge(world, await world.mint({ act: chain })), '401 tokenClaimsMalformed')
})

const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** The same 64 bytes, written with a stray bit in the last letter. */
const rewrite = (signature: string): string =>
  signature.slice(0, -1) + LETTERS.charAt(LETTERS.indexOf(signature.slice(-1)) + 1)

t.test(
  '[ADV-051, WEB-071, WEB-073, WEB-074, WEB-075, ADV-155] what is not three canonical segments of a small signed JWT is refused',
  async (t) => {
    const world = await startWorld(t)
    const [head, body, signature] = partsOf(await world.mint())
    const wrong = [
      `${head}.${body}.${rewrite(signature)}`,
      `${head}.${body}.`,
      `${head}.${body}`,
      `.${body}.${signature}`,
      `${head}..${signature}`,
      `${head}.${body}.${signature}.`,
      `${head}.${body}.${signature}.a.b`,
      `${head}.${body}.${signature}=`,
      `${head}.${body}.${signature.slice(0, -1)}${signature.endsWith('B') ? 'C' : 'B'}`,
      `${head}.${body}.${'A'.repeat(86)}`,
      `${head}.${body}.${signature}AAAA`,
      `${segment('[]')}.${body}.${signature}`,
      `${segment('null')}.${body}.${signature}`,
      `${segment('{"alg":"ES256"')}.${body}.${signature}`,
      `${Buffer.from([0xff, 0xfe]).toString('base64url')}.${body}.${signature}`,
      `${segment({ alg: 'dir', enc: 'A256GCM', zip: 'DEF' })}..AAAA.AAAA.AAAA`,
      `${segment({ alg: 'PBES2-HS256+A128KW', p2c: 2 ** 31, enc: 'A256GCM' })}.AAAA.AAAA.AAAA.AAAA`,
      await world.mint({ deep: JSON.parse(`${'['.repeat(25)}${']'.repeat(25)}`) }),
      await signJws(world.issuer.key.privateKey, { alg: 'ES256', typ: AT, kid: 'key-1' }, await world.mint()),
    ]
    t.equal(
      await judge(world, `${head}.${body}.${rewrite(signature)}`),
      '401 tokenMalformed',
      'one value, one way to write it',
    )
    for (const token of wrong)
      t.match(await judge(world, token), /^401 token(Malformed|SignatureInvalid)$/, token.slice(-40))
    const { guard } = world.api
    const before = world.issuer.asked.get('/jwks')
    const large = await guard.authorize({
      method: 'GET',
      url: '/v1/me',
      headers: { authorization: `Bearer ${'a'.repeat(1_000_000)}` },
    })
    t.match(large, { ok: false, status: 400 })
    t.equal(world.issuer.asked.get('/jwks'), before)
  },
)

t.test('[ADV-051, V21-31] no text makes the guard throw, or lets anybody in', async (t) => {
  const world = await startWorld(t)
  const good = await world.mint()
  const piece = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 60 }),
    fc.constantFrom(...good.split('.')),
    fc.json().map(segment),
  )
  const value = fc.oneof(
    piece,
    fc.array(piece, { maxLength: 5 }).map((parts) => parts.join('.')),
  )
  const headers = fc.record({ authorization: value.map((text) => `Bearer ${text}`), dpop: value })
  await fc.assert(
    fc.asyncProperty(headers, fc.webUrl(), async (sent, url) => {
      const judged = await world.api.guard.authorize({ method: 'GET', url, headers: sent })
      return judged.ok ? sent.authorization === `Bearer ${good}` : judged.status === 400 || judged.status === 401
    }),
    { numRuns: 300 },
  )
})

t.test('[unit] the verdicts agree with those of another implementation', async (t) => {
  const world = await startWorld(t)
  const { issuer, mint } = world
  const as: oauth.AuthorizationServer = { issuer: issuer.url, jwks_uri: `${issuer.url}/jwks` }
  const other = async (token: string): Promise<boolean> => {
    const request = new Request(`${world.api.url}/v1/me`, { headers: { authorization: `Bearer ${token}` } })
    const options = { [oauth.allowInsecureRequests]: true, signingAlgorithms: ['ES256', 'PS256', 'RS256', 'Ed25519'] }
    return oauth.validateJwtAccessToken(as, request, `${world.api.url}/v1`, options).then(
      () => true,
      () => false,
    )
  }
  for (const alg of ['RS256', 'PS256', 'Ed25519']) issuer.jwks.keys.push((await makeKey(alg, alg)).publicJwk)
  const tokens = [
    await mint(),
    await mint({ exp: 1 }),
    await mint({ aud: 'x' }),
    await mint({ iss: 'x' }),
    await mint({}, { typ: 'JWT' }),
    await mint({ client_id: undefined }),
    await mint({ nbf: world.clock.now() + 3600 }),
    await mint({}, await makeKey('Ed25519', 'Ed25519')),
  ]
  for (const token of tokens) t.equal((await judge(world, token)) === 'accepted', await other(token))
})

t.test('[unit] every algorithm of the list is taken, with a key of its kind and strength', async (t) => {
  const world = await startWorld(t)
  for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519']) {
    const key = await makeKey(alg, `of-${alg}`)
    world.issuer.jwks.keys = [key.publicJwk]
    world.clock.advance(31)
    t.equal(await judge(world, await world.mint({}, key)), 'accepted', alg)
    world.issuer.jwks.keys = [{ ...key.publicJwk, alg: alg === 'RS256' ? 'PS256' : 'RS256' }]
    world.clock.advance(301)
    t.equal(await judge(world, await world.mint({}, key)), '401 tokenKeyUnknown', `${alg} by a key for another`)
  }
  const narrow = await startWorld(t, () => ({ tokens: { format: 'jwt', algorithms: ['PS256'] } }))
  t.equal(await judge(narrow, await narrow.mint()), '401 tokenAlgorithmRefused')
})

const judgeKeys = async (
  t: Test,
  keys: readonly JWK[],
  signer: Awaited<ReturnType<typeof makeKey>>,
): Promise<string> => {
  const world = await startWorld(t)
  world.issuer.jwks.keys = [...keys]
  return judge(world, await world.mint({}, signer))
}

t.test(
  '[WEB-070, WEB-071, WEB-072] of a set only a few keys that fit are tried, and no weak or private one',
  async (t) => {
    const key = await makeKey('ES256', 'same')
    const others = await Promise.all(Array.from({ length: 4 }, () => makeKey('ES256', 'same')))
    const strangers = others.map(({ publicJwk }) => publicJwk)
    t.equal(await judgeKeys(t, [...strangers.slice(0, 3), key.publicJwk], key), 'accepted')
    t.equal(
      await judgeKeys(t, [...strangers, key.publicJwk], key),
      '401 tokenSignatureInvalid',
      'the fifth is not tried',
    )
    const noise = [
      ...(await Promise.all(['ES384', 'Ed25519', 'RS256'].map((alg) => makeKey(alg, 'same')))).map(
        (one) => one.publicJwk,
      ),
    ]
    t.equal(
      await judgeKeys(t, [...noise, ...noise, key.publicJwk], key),
      'accepted',
      'what does not fit does not count',
    )
    const { privateKey } = await generateKeyPair('ES256', { extractable: true })
    const leaked = { ...(await exportJWK(privateKey)), kid: 'same', alg: 'ES256' }
    t.equal(await judgeKeys(t, [leaked], { ...key, privateKey }), '401 tokenKeyUnknown', 'a published private key')
    t.equal(await judgeKeys(t, [{ ...key.publicJwk, use: 'enc' }], key), '401 tokenKeyUnknown')
    t.equal(await judgeKeys(t, [{ ...key.publicJwk, key_ops: ['sign'] }], key), '401 tokenKeyUnknown')
    t.equal(await judgeKeys(t, [{ ...key.publicJwk, x: 'AAAA' }], key), '401 tokenKeyUnknown')
    t.equal(await judgeKeys(t, [{ kty: 'oct', k: 'AAAA', kid: 'same' }], key), '401 tokenKeyUnknown')
    const rsa = await makeKey('RS256', 'weak')
    t.equal(
      await judgeKeys(t, [{ ...rsa.publicJwk, n: String(rsa.publicJwk.n).slice(0, 172) }], rsa),
      '401 tokenKeyUnknown',
    )
    t.equal(await judgeKeys(t, [{ ...rsa.publicJwk, e: 'AQ' }], rsa), '401 tokenKeyUnknown')
    for (const kid of ['../../etc/passwd', "' OR 1=1 --", 'https://evil.example/key', '__proto__', 'constructor']) {
      const odd = await makeKey('ES256', kid)
      t.equal(await judgeKeys(t, [odd.publicJwk], odd), 'accepted', 'a kid is compared and nothing else')
      t.equal(await judgeKeys(t, [key.publicJwk], odd), '401 tokenKeyUnknown')
    }
    const long = await makeKey('ES256', 'k'.repeat(257))
    t.equal(await judgeKeys(t, [long.publicJwk], long), '401 tokenMalformed')
  },
)

t.test(
  '[unit] a new key is found at once, a withdrawn one is gone within minutes, and nobody makes the issuer be asked in a row',
  async (t) => {
    const world = await startWorld(t)
    const { issuer, clock } = world
    const asked = (): number => issuer.asked.get('/jwks') ?? 0
    const old = await world.mint({ exp: clock.now() + 100_000 })
    await Promise.all(Array.from({ length: 20 }, () => judge(world, old)))
    t.equal(asked(), 1, 'twenty first requests ask once')
    for (let round = 0; round < 20; round++) {
      t.equal(await judge(world, await world.mint({}, { kid: `invented-${round}` })), '401 tokenKeyUnknown')
    }
    t.equal(asked(), 1, 'invented ids within the cool-down ask nothing')
    const next = await makeKey('ES256', 'key-2')
    issuer.jwks.keys.push(next.publicJwk)
    clock.advance(30)
    t.equal(await judge(world, await world.mint({}, next)), 'accepted')
    t.equal(asked(), 2)
    issuer.jwks.keys = [next.publicJwk]
    clock.advance(299)
    t.equal(await judge(world, old), 'accepted', 'still kept')
    clock.advance(1)
    t.equal(await judge(world, old), '401 tokenKeyUnknown')
    t.equal(asked(), 3)
  },
)

t.test(
  '[unit] known keys outlive a short absence of the issuer, not a long one; an unknown key does not',
  async (t) => {
    const world = await startWorld(t)
    const { issuer, clock } = world
    const token = await world.mint({ exp: clock.now() + 100_000 })
    t.equal(await judge(world, token), 'accepted')
    issuer.faults.set('/jwks', (_, response) => response.writeHead(500).end())
    clock.advance(600)
    t.equal(await judge(world, token), 'accepted')
    t.equal(await judge(world, await world.mint({}, { kid: 'new' })), '503 issuerAnswerMalformed')
    clock.advance(3000)
    t.equal(await judge(world, token), '503 issuerAnswerMalformed')
    issuer.faults.clear()
    t.equal(await judge(world, token), '503 issuerAnswerMalformed', 'not asked again at once')
    clock.advance(5)
    t.equal(await judge(world, token), 'accepted')
    clock.advance(-5000)
    t.equal(await judge(world, await world.mint()), 'accepted', 'a clock that was set back stops nothing')
  },
)

t.test(
  '[unit] an issuer with a path is found by either well-known form, and a given jwksUri spares the question',
  async (t) => {
    const start = async (path: string, tokens: (origin: string) => JwtTokens): Promise<World> => {
      const clock = createClock()
      const issuer = await startIssuer(t, clock, path)
      const config = { issuer: issuer.url, now: clock.now, tokens: tokens(issuer.url.slice(0, -path.length)) }
      const api = await startApi(t, (origin) => ({ ...config, resource: `${origin}/v1` }))
      return { clock, issuer, api, mint: (claims, from) => issuer.mint({ aud: `${api.url}/v1`, ...claims }, from) }
    }
    const inserted = '/.well-known/oauth-authorization-server/tenant'
    const world = await start('/tenant', () => ({ format: 'jwt' }))
    t.equal(await judge(world, await world.mint()), 'accepted')
    t.equal(world.issuer.asked.get(inserted), 1)
    const other = await start('/tenant', () => ({ format: 'jwt' }))
    other.issuer.faults.set(inserted, (_, response) => response.writeHead(404).end())
    other.issuer.faults.set('/tenant/.well-known/openid-configuration', (_, response) =>
      response.end(JSON.stringify(other.issuer.metadata)),
    )
    t.equal(await judge(other, await other.mint()), 'accepted')
    const direct = await start('/tenant', (origin) => ({ format: 'jwt', jwksUri: `${origin}/jwks` }))
    t.equal(await judge(direct, await direct.mint()), 'accepted')
    t.same([...direct.issuer.asked.keys()], ['/jwks'])
  },
)
