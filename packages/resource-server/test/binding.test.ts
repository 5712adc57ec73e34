// Owns tokens that are bound to their sender: DPoP proofs made by oauth4webapi, wrong ones made by hand, and certificates over real TLS.

import { createHash, X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import { request as askTls, createServer as createTlsServer } from 'node:https'
import {
  createMemoryReplayStore,
  createResourceServer,
  type DpopConfig,
  type ResourceServerConfig,
} from '@vouchsafe/resource-server'
import { calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import t, { type Test } from 'tap'
import { type Answer, callRaw, challengesOf, createClock, serve, startWorld, type TestApi, type World } from './api.ts'
import { makeCertificate } from './certificate.ts'
import { signJws, startIssuer } from './issuer.ts'

const insecure = { [oauth.allowInsecureRequests]: true }

/** A client with a key, which makes its own proofs. */
interface Sender {
  readonly keys: Awaited<ReturnType<typeof generateKeyPair>>
  readonly jwk: JWK
  readonly jkt: string
}

const createSender = async (alg = 'ES256'): Promise<Sender> => {
  const keys = await generateKeyPair(alg, { extractable: true })
  const jwk = await exportJWK(keys.publicKey)
  return { keys, jwk, jkt: await calculateJwkThumbprint(jwk) }
}

const ath = (token: string): string => createHash('sha256').update(token).digest('base64url')

type Part = Readonly<Record<string, unknown>>

/** A proof written by hand: right unless told otherwise. */
const prove = (
  { clock, api }: World,
  sender: Sender,
  token: string,
  over: { readonly header?: Part; readonly claims?: Part } = {},
) => {
  const header = { alg: 'ES256', typ: 'dpop+jwt', jwk: sender.jwk, ...over.header }
  const claims = {
    jti: Math.random().toString(36),
    htm: 'GET',
    htu: `${api.url}/v1/me`,
    iat: clock.now(),
    ath: ath(token),
  }
  return signJws(sender.keys.privateKey, header, { ...claims, ...over.claims })
}

const send = async (
  world: World,
  headers: readonly string[],
  path = '/v1/me',
): Promise<[verdict: string, answer: Answer]> => {
  const answer = await callRaw(`${world.api.url}${path}`, headers)
  const last = world.api.seen.at(-1)
  const reason = last !== undefined && 'reason' in last ? last.reason : ''
  return [answer.status === 200 ? 'accepted' : `${answer.status} ${reason}`, answer]
}

const sendBound = (world: World, token: string, proof: string, path?: string): Promise<[string, Answer]> =>
  send(world, ['Authorization', `DPoP ${token}`, 'DPoP', proof], path)

const startBound = async (t: Test, over: DpopConfig = {}, config: Partial<ResourceServerConfig> = {}) => {
  const world = await startWorld(t, () => ({ dpop: over, ...config }))
  const sender = await createSender()
  return { world, sender, token: await world.mint({ cnf: { jkt: sender.jkt } }) }
}

t.test('[unit] a proof of a client library is taken, one for each call', async (t) => {
  for (const alg of ['ES256', 'PS256', 'Ed25519']) {
    const { world } = await startBound(t)
    const sender = await createSender(alg)
    const token = await world.mint({ cnf: { jkt: sender.jkt } })
    const handle = oauth.DPoP({}, sender.keys)
    for (const path of ['/v1/me', '/v1/me?page=2#top', '/v1/a%2fb/~x/%7Ey']) {
      const url = new URL(world.api.url + path)
      const response = await oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, {
        DPoP: handle,
        ...insecure,
      })
      t.equal(response.status, 200, `${alg} ${path}`)
    }
    t.match(world.api.seen.at(-1), { confirmation: { jkt: sender.jkt } })
  }
})

t.test('[R9700-34] a bound token is of no use without its key, and nothing may be left out', async (t) => {
  const { world, sender, token } = await startBound(t)
  const proof = await prove(world, sender, token)
  const [asBearer, answer] = await send(world, ['Authorization', `Bearer ${token}`, 'DPoP', proof])
  t.equal(asBearer, '401 boundTokenSentAsBearer')
  const [first, second] = await challengesOf(answer)
  t.match(first, { scheme: 'bearer', parameters: { error: 'invalid_token' } })
  t.match(second, { scheme: 'dpop', parameters: { algs: 'ES256 EdDSA Ed25519 PS256 ES384 ES512' } })
  t.notOk('error' in (second?.parameters ?? {}))
  const [without, refused] = await send(world, ['Authorization', `DPoP ${token}`])
  t.equal(without, '401 proofMissing')
  t.match(await challengesOf(refused), [{ scheme: 'dpop', parameters: { error: 'invalid_dpop_proof' } }])
  const thief = await createSender()
  t.equal((await sendBound(world, token, await prove(world, thief, token)))[0], '401 proofKeyWrong')
  const unbound = await world.mint()
  t.equal((await sendBound(world, unbound, await prove(world, sender, unbound)))[0], '401 unboundTokenSentWithProof')
  t.equal((await send(world, ['Authorization', `dpop ${token}`, 'dpop', proof]))[0], 'accepted', 'in any case')
  t.equal((await send(world, ['Authorization', `Bearer ${unbound}`]))[0], 'accepted')
})

t.test('[unit] of what a proof must have, each part is checked', async (t) => {
  const { world, sender, token } = await startBound(t)
  const other = await createSender()
  const now = world.clock.now()
  const privateJwk = await exportJWK(sender.keys.privateKey)
  const cases: readonly (readonly [over: Parameters<typeof prove>[3] & object, verdict: string])[] = [
    [{ header: { typ: 'JWT' } }, 'proofTypeRefused'],
    [{ header: { typ: undefined } }, 'proofTypeRefused'],
    [{ header: { jwk: undefined } }, 'proofKeyMalformed'],
    [{ header: { jwk: privateJwk } }, 'proofKeyMalformed'],
    [{ header: { jwk: 'key' } }, 'proofKeyMalformed'],
    [{ header: { jwk: other.jwk } }, 'proofSignatureInvalid'],
    ...['jti', 'htm', 'htu', 'iat'].map((name) => [{ claims: { [name]: undefined } }, 'proofClaimsMalformed'] as const),
    ...['jti', 'htm', 'htu', 'nonce'].map((name) => [{ claims: { [name]: 1 } }, 'proofClaimsMalformed'] as const),
    [{ claims: { iat: String(now) } }, 'proofClaimsMalformed'],
    [{ claims: { jti: 'j'.repeat(513) } }, 'proofClaimsMalformed'],
    [{ claims: { pad: 'p'.repeat(6000) } }, 'proofMalformed'],
    [{ claims: { ath: undefined } }, 'proofTokenWrong'],
    [{ claims: { ath: ath('another') } }, 'proofTokenWrong'],
    [{ claims: { htm: 'POST' } }, 'proofMethodWrong'],
    [{ claims: { htm: 'get' } }, 'proofMethodWrong'],
    [{ claims: { htu: `${world.api.url}/v1/other` } }, 'proofTargetWrong'],
    [{ claims: { htu: `${world.api.url}/v1/me/` } }, 'proofTargetWrong'],
    [{ claims: { htu: 'https://elsewhere.example/v1/me' } }, 'proofTargetWrong'],
    [{ claims: { htu: '/v1/me' } }, 'proofTargetWrong'],
    [{ claims: { htu: `${world.api.url}/v1/me`.replace('http://', 'https://') } }, 'proofTargetWrong'],
    [{ claims: { htu: `${world.api.url}/v1/me`.replace('http://', 'http://user@') } }, 'proofTargetWrong'],
    [{ claims: { iat: now - 61 } }, 'proofTimeWrong'],
    [{ claims: { iat: now + 31 } }, 'proofTimeWrong'],
    [{ claims: { iat: now - 3600 } }, 'proofTimeWrong'],
  ]
  for (const [over, verdict] of cases) {
    const [judged, answer] = await sendBound(world, token, await prove(world, sender, token, over))
    t.equal(judged, `401 ${verdict}`, JSON.stringify(over).slice(0, 80))
    t.match(await challengesOf(answer), [{ scheme: 'dpop', parameters: { error: 'invalid_dpop_proof' } }])
  }
  const proof = await prove(world, sender, token)
  const [head = '', body = '', signature = ''] = proof.split('.')
  const none = `${Buffer.from(JSON.stringify({ alg: 'none', typ: 'dpop+jwt', jwk: sender.jwk })).toString('base64url')}.${body}.`
  for (const text of ['no-jwt', `${head}.${body}`, `${head}.${body}.`, `${proof}=`, none, `${proof}.${signature}`]) {
    t.equal((await sendBound(world, token, text))[0], '401 proofMalformed', text.slice(-20))
  }
  const rsa = await createSender('RS256')
  const byRsa = await world.mint({ cnf: { jkt: rsa.jkt } })
  const weak = await prove(world, rsa, byRsa, { header: { alg: 'RS256' } })
  t.equal((await sendBound(world, byRsa, weak))[0], '401 proofAlgorithmRefused')
  const hmac = await signJws(
    new Uint8Array(32),
    { alg: 'HS256', typ: 'dpop+jwt', jwk: { kty: 'oct', k: 'A'.repeat(43) } },
    {},
  )
  t.equal((await sendBound(world, token, hmac))[0], '401 proofAlgorithmRefused')
  const twice = ['Authorization', `DPoP ${token}`, 'DPoP', proof, 'dpop', await prove(world, sender, token)]
  t.equal((await send(world, twice))[0], '401 proofRepeated')
  const joined = new Headers({ authorization: `DPoP ${token}`, dpop: `${proof}, ${proof}` })
  t.match(await world.api.guard.authorize({ method: 'GET', url: '/v1/me', headers: joined }), {
    reason: 'proofRepeated',
  })
  t.equal((await sendBound(world, token, proof))[0], 'accepted')
})

t.test('[unit] what a proof may have does no harm', async (t) => {
  const { world, sender, token } = await startBound(t)
  const now = world.clock.now()
  const { port } = new URL(world.api.url)
  for (const over of [
    { claims: { iat: now - 10 } },
    { claims: { iat: now + 10 } },
    { claims: { iat: now - 59.5 } },
    { claims: { htu: `${world.api.url}/v1/me?x=1#y` } },
    { claims: { htu: `HTTP://127.0.0.1:${port}/v1/../v1/%6De` } },
    { claims: { nbf: now + 100, exp: now - 100, extra: true, nonce: 'of somebody else' } },
    { header: { kid: 'k', extra: 'x' } },
    { header: { typ: 'DPoP+JWT' } },
  ]) {
    t.equal(
      (await sendBound(world, token, await prove(world, sender, token, over)))[0],
      'accepted',
      JSON.stringify(over),
    )
  }
  const elsewhere = await world.api.guard.authorize({
    method: 'GET',
    url: `https://elsewhere.example/v1/me`,
    headers: { Authorization: `DPoP ${token}`, DPoP: await prove(world, sender, token) },
  })
  t.ok(elsewhere.ok, 'the host is that of the configuration, whatever Host said')
  const lured = await prove(world, sender, token, { claims: { htu: 'https://elsewhere.example/v1/me' } })
  const judged = await world.api.guard.authorize({
    method: 'GET',
    url: 'https://elsewhere.example/v1/me',
    headers: { Authorization: `DPoP ${token}`, DPoP: lured },
  })
  t.match(judged, { reason: 'proofTargetWrong' })
  const doubled = await world.api.guard.authorize({
    method: 'GET',
    url: '//elsewhere.example/v1/me',
    headers: { Authorization: `DPoP ${token}`, DPoP: lured },
  })
  t.match(doubled, { reason: 'proofTargetWrong' })
  const path = '//elsewhere.example/v1/me'
  const written = await prove(world, sender, token, { claims: { htu: world.api.url + path } })
  const taken = { authorization: `DPoP ${token}`, dpop: written }
  t.ok((await world.api.guard.authorize({ method: 'GET', url: path, headers: taken })).ok, 'such a path is a path')
})

t.test('[unit] a proof is good once, in a race too, and a refused request uses none up', async (t) => {
  const { world, sender, token } = await startBound(t)
  const proof = await prove(world, sender, token)
  const race = await Promise.all(Array.from({ length: 20 }, () => sendBound(world, token, proof)))
  t.equal(race.filter(([, { status }]) => status === 200).length, 1)
  t.equal(race.filter(([, { status }]) => status === 401).length, 19)
  world.clock.advance(60)
  t.equal((await sendBound(world, token, proof))[0], '401 proofReplayed', 'as long as it is good')
  world.clock.advance(1)
  t.equal((await sendBound(world, token, proof))[0], '401 proofTimeWrong')
  const spare = await prove(world, sender, token, { claims: { htm: 'POST', htu: `${world.api.url}/v1/notes` } })
  const post = (bearer: string): Promise<Answer> =>
    callRaw(`${world.api.url}/v1/notes`, ['Authorization', `DPoP ${bearer}`, 'DPoP', spare], 'POST')
  t.equal((await post(token)).status, 403)
  t.equal((await post(token)).status, 403, 'lacking scope it was not used up')
  const again = await createSender()
  const theirs = await world.mint({ cnf: { jkt: again.jkt } })
  const jti = { claims: { jti: 'same' } }
  t.equal((await sendBound(world, token, await prove(world, sender, token, jti)))[0], 'accepted')
  t.equal(
    (await sendBound(world, theirs, await prove(world, again, theirs, jti)))[0],
    'accepted',
    'another key, another proof',
  )
})

t.test('[unit] the memory of proofs is bounded and refuses rather than forgets', async (t) => {
  const { world, sender, token } = await startBound(t, { replay: createMemoryReplayStore(2) })
  const use = async (): Promise<string> => (await sendBound(world, token, await prove(world, sender, token)))[0]
  t.same([await use(), await use(), await use()], ['accepted', 'accepted', '503 replayStoreFull'])
  world.clock.advance(92)
  t.equal(await use(), 'accepted')
  const down = await startBound(t, { replay: { reserve: () => Promise.reject(new Error('down')) } })
  const [judged] = await sendBound(down.world, down.token, await prove(down.world, down.sender, down.token))
  t.equal(judged, '503 dependencyFailed')
})

t.test(
  '[unit] nonces: a client library gets one and goes on; without, with an old or with another one no proof is good',
  async (t) => {
    const nonceSecret = new Uint8Array(32).fill(7)
    const { world, sender, token } = await startBound(t, { nonceSecret })
    const url = new URL(`${world.api.url}/v1/me`)
    const handle = oauth.DPoP({}, sender.keys)
    const visit = (): Promise<Response> =>
      oauth.protectedResourceRequest(token, 'GET', url, undefined, undefined, { DPoP: handle, ...insecure })
    const first: unknown = await visit().catch((thrown: unknown) => thrown)
    t.ok(oauth.isDPoPNonceError(first))
    t.equal((await visit()).status, 200)
    const nonceOf = (answer: Answer): string => answer.headers.get('dpop-nonce') ?? ''
    const use = async (nonce: string | undefined): Promise<[string, Answer]> =>
      sendBound(world, token, await prove(world, sender, token, { claims: { nonce } }))
    const [missing, told] = await use(undefined)
    t.equal(missing, '401 nonceMissing')
    t.match(await challengesOf(told), [{ scheme: 'dpop', parameters: { error: 'use_dpop_nonce' } }])
    const nonce = nonceOf(told)
    t.equal((await use('invented'))[0], '401 nonceStale')
    const [judged, answer] = await use(nonce)
    t.equal(judged, 'accepted')
    t.equal(nonceOf(answer), nonce)
    world.clock.advance(180)
    const [late, newer] = await use(nonce)
    t.equal(late, 'accepted', 'the one before is still good')
    t.not(nonceOf(newer), nonce, 'and a newer one comes along')
    world.clock.advance(180)
    t.equal((await use(nonce))[0], '401 nonceStale')
    const sibling = createResourceServer({
      issuer: world.issuer.url,
      resource: `${world.api.url}/v1`,
      tokens: { format: 'jwt' },
      now: world.clock.now,
      dpop: { nonceSecret },
    })
    const [, current] = await use(undefined)
    const proof = await prove(world, sender, token, { claims: { nonce: nonceOf(current) } })
    const headers = { authorization: `DPoP ${token}`, dpop: proof }
    t.ok((await sibling.authorize({ method: 'GET', url: '/v1/me', headers })).ok, 'every process knows it')
    const stale = await prove(world, sender, token, { claims: { iat: world.clock.now() - 3600 } })
    const [old, offered] = await sendBound(world, token, stale)
    t.equal(old, '401 proofTimeWrong')
    t.not(nonceOf(offered), '', 'a nonce is offered')
  },
)

t.test('[unit] an API that demands bound tokens takes no other, and one without DPoP takes no bound one', async (t) => {
  const strict = await startBound(t, {}, { senderConstraint: 'dpop' })
  const [plain, answer] = await send(strict.world, ['Authorization', `Bearer ${await strict.world.mint()}`])
  t.equal(plain, '401 senderConstraintMissing')
  t.match(await challengesOf(answer), [{ scheme: 'dpop', parameters: { error: 'invalid_token' } }])
  t.equal((await challengesOf((await send(strict.world, []))[1])).map(({ scheme }) => scheme).join(), 'dpop')
  const { world, sender, token } = strict
  t.equal((await sendBound(world, token, await prove(world, sender, token)))[0], 'accepted')
  t.match(world.api.guard.metadata.document, { dpop_bound_access_tokens_required: true })
  const off = await startWorld(t, () => ({ dpop: false }))
  const bound = await off.mint({ cnf: { jkt: sender.jkt } })
  t.equal((await send(off, ['Authorization', `Bearer ${bound}`]))[0], '401 boundTokenSentAsBearer')
  const [ignored, bare] = await sendBound(off, bound, await prove(off, sender, bound))
  t.equal(ignored, '401 credentialsMissing')
  t.equal(bare.headers.get('www-authenticate')?.includes('DPoP'), false)
  const either = await startBound(t, {}, { senderConstraint: 'either' })
  t.equal(
    (await send(either.world, ['Authorization', `Bearer ${await either.world.mint()}`]))[0],
    '401 senderConstraintMissing',
  )
})

const thumbprint = (pem: string): string =>
  createHash('sha256').update(new X509Certificate(pem).raw).digest('base64url')

t.test('[R9700-34] a token bound to a certificate is good on a connection with that certificate alone', async (t) => {
  const [own, client, stranger] = ['localhost', 'client', 'stranger'].map(makeCertificate)
  if (own === undefined || client === undefined || stranger === undefined) throw new Error('no certificate')
  const clock = createClock()
  const issuer = await startIssuer(t, clock)
  const server = createTlsServer({ ...own, requestCert: true, rejectUnauthorized: false }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  const address = server.address()
  const port = typeof address === 'object' ? address?.port : 0
  const resource = `https://127.0.0.1:${port}/v1`
  const seen: TestApi['seen'] = []
  const config = { issuer: issuer.url, resource, tokens: { format: 'jwt' }, now: clock.now } as const
  serve(server, createResourceServer({ ...config, senderConstraint: 'mtls' }), seen)
  const visit = async (token: string, certificate: { cert?: string; key?: string }): Promise<string> => {
    const headers = { authorization: `Bearer ${token}` }
    const sent = askTls(`${resource}/me`, {
      ca: own.cert,
      checkServerIdentity: () => undefined,
      agent: false,
      headers,
      ...certificate,
    })
    sent.end()
    const [response] = await once(sent, 'response')
    response.resume()
    const last = seen.at(-1)
    return last !== undefined && 'reason' in last ? `${response.statusCode} ${last.reason}` : `${response.statusCode}`
  }
  const bound = await issuer.mint({ aud: resource, cnf: { 'x5t#S256': thumbprint(client.cert) } })
  t.equal(await visit(bound, client), '200')
  t.equal(await visit(bound, stranger), '401 certificateWrong')
  t.equal(await visit(bound, {}), '401 certificateMissing')
  t.equal(await visit(await issuer.mint({ aud: resource }), client), '401 senderConstraintMissing')
  const sender = await createSender()
  const both = await issuer.mint({ aud: resource, cnf: { 'x5t#S256': thumbprint(client.cert), jkt: sender.jkt } })
  t.equal(await visit(both, client), '401 boundTokenSentAsBearer', 'bound to both, both are needed')
})
