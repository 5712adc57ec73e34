// Owns what certification asks of a server over https, at the running server with TLS of its own and a test authority. What the protocol
// says about each request in itself is in packages/core/test/scenarios.

import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { globalAgent } from 'node:https'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { createLocalJWKSet, decodeProtectedHeader, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import t from 'tap'
import { ALICE, createIssuer, PASSWORD, type TestClient } from '../support/idp.ts'
import { createVisitor, type Visitor } from '../support/person.ts'
import {
  type Answered,
  type Asked,
  ask,
  askRaw,
  basic,
  codeRequest,
  FORM,
  REDIRECT_URI,
  redemption,
} from '../web/wire.ts'
import { makeCertificates } from './certificate.ts'

const { ca, cert, key } = makeCertificates()
// Visitors believe the test's authority and no other.
globalAgent.options.ca = ca
const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-tls-'))
const files = { TLS_CERT: join(folder, 'cert.pem'), TLS_KEY: join(folder, 'key.pem') }
await Promise.all([writeFile(files.TLS_CERT, cert), writeFile(files.TLS_KEY, key)])
const issuer = await createIssuer({
  ...files,
  VOUCHSAFE_ENV: 'production',
  KEY_ENCRYPTION_SECRET: randomBytes(32).toString('base64'),
})
t.teardown(async () => {
  await issuer.close()
  await rm(folder, { recursive: true })
})
const node = await issuer.start()
await issuer.person('alice')

const get = (path: string, over: Partial<Asked> = {}): Promise<Answered> => ask(node.origin, { path, ca, ...over })
const post = (path: string, body: string, headers: Record<string, string> = {}): Promise<Answered> =>
  get(path, { method: 'POST', headers: { 'content-type': FORM, ...headers }, body })

const discovered = await get('/.well-known/openid-configuration')
const metadata: Record<string, unknown> = JSON.parse(discovered.body)
const jwks: { readonly keys: readonly Record<string, string>[] } = JSON.parse((await get('/jwks')).body)
const keySet = createLocalJWKSet({ keys: [...jwks.keys] as never })

interface Tokens {
  readonly id_token: string
  readonly access_token: string
}

/** A whole sign-in: the answer's parameters, the tokens, and who it was. */
const flow = async (
  client: TestClient,
  over: Readonly<Record<string, string>> = {},
  visitor: Visitor = createVisitor(issuer.issuer),
  redeemWith: (code: string, verifier: string) => Promise<Answered> = (code, verifier) =>
    post('/token', redemption(code, verifier), { authorization: basic(client) }),
) => {
  const { url, verifier } = codeRequest(issuer.issuer, client.clientId, over)
  const arrival = await visitor.signIn(url, { username: 'alice', password: PASSWORD })
  const answered = new URL(arrival.url).searchParams
  const answer = await redeemWith(answered.get('code') ?? '', verifier)
  const tokens: Tokens = JSON.parse(answer.body)
  const { payload, protectedHeader } = await jwtVerify(tokens.id_token, keySet)
  return { answered, answer, tokens, claims: payload, header: protectedHeader, visitor }
}

const userinfoOf = async ({ access_token }: Tokens): Promise<JWTPayload> => {
  const answer = await get('/userinfo', { headers: { authorization: `Bearer ${access_token}` } })
  if (answer.status !== 200) throw new Error(`userinfo answered ${answer.status}: ${answer.body}`)
  return JSON.parse(answer.body)
}

const client = await issuer.client({
  client_name: 'App',
  redirect_uris: [REDIRECT_URI],
  scope: 'openid profile email address phone',
})

t.test(
  '[CONF-C1, CONF-C5, CONF-A2, R9700-18, OIDC-33, OIDC-48] discovery is JSON below the issuer, and every address in it is https and answers',
  async (t) => {
    t.equal(discovered.status, 200)
    t.match(discovered.headers.get('content-type') ?? '', /^application\/json/)
    t.equal(metadata['issuer'], issuer.issuer)
    const addresses = Object.entries(metadata).filter(([name]) => /_endpoint$|_uri$/.test(name))
    t.same(addresses.map(([name]) => name).sort(), [
      'authorization_endpoint',
      'device_authorization_endpoint',
      'end_session_endpoint',
      'introspection_endpoint',
      'jwks_uri',
      'pushed_authorization_request_endpoint',
      'registration_endpoint',
      'revocation_endpoint',
      'token_endpoint',
      'userinfo_endpoint',
    ])
    for (const [name, address] of addresses) {
      const url = new URL(String(address))
      t.equal(url.protocol, 'https:', name)
      t.equal(url.host, new URL(issuer.issuer).host, name)
      t.same([url.search, url.hash, url.username], ['', '', ''], name)
      t.not((await get(url.pathname)).status, 404, `${name} is there`)
    }
    const inserted = await get('/.well-known/oauth-authorization-server')
    t.equal(inserted.body, discovered.body)
  },
)

t.test(
  '[CONF-C2, CONF-C3, CONF-C4, CONF-C6, CONF-C7, CONF-C8, R9700-10, V21-29, ADV-099, CONF-B-oidcc-idtoken-unsigned, CONF-D-oidcc-request-uri-unsigned] metadata has the types of the registry, offers what certification needs and nothing unsafe',
  (t) => {
    const list = (name: string): readonly unknown[] => {
      const value = metadata[name]
      t.ok(Array.isArray(value), `${name} is a list`)
      return Array.isArray(value) ? value : []
    }
    t.same(list('response_types_supported'), ['code'])
    t.ok(list('grant_types_supported').includes('authorization_code'))
    t.same(list('subject_types_supported'), ['public'])
    t.ok(list('id_token_signing_alg_values_supported').includes('RS256'))
    t.ok(list('scopes_supported').includes('openid'))
    t.ok(list('claims_supported').includes('sub'))
    t.same(list('code_challenge_methods_supported'), ['S256'])
    t.notMatch(discovered.body, /"none"(?!.*auth)|"plain"|HS256/)
    t.notOk(list('id_token_signing_alg_values_supported').includes('none'))
    for (const tag of list('ui_locales_supported')) t.equal(Intl.getCanonicalLocales(String(tag))[0], tag)
    const flag = /^require_|_parameter_supported$|_logout_supported$|_session_supported$/
    for (const [name, value] of Object.entries(metadata)) {
      if (flag.test(name)) t.type(value, 'boolean', name)
      else if (/_supported$/.test(name)) {
        t.ok(Array.isArray(value) && value.every((item) => typeof item === 'string'), `${name} lists texts`)
      } else t.type(value, 'string', name)
    }
    t.notOk(list('request_object_signing_alg_values_supported').includes('none'))
    t.equal(metadata['require_request_uri_registration'], true)
    t.end()
  },
)

t.test('[CONF-A1] the key set holds public keys with names of their own', (t) => {
  t.ok(jwks.keys.length > 0)
  t.equal(new Set(jwks.keys.map(({ kid }) => kid)).size, jwks.keys.length)
  for (const jwk of jwks.keys) {
    t.ok(jwk['kid'] && jwk['alg'] && ['RSA', 'EC', 'OKP'].includes(jwk['kty'] ?? ''))
    for (const secret of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']) t.notOk(secret in jwk, `no ${secret}`)
  }
  t.end()
})

t.test(
  '[R6819-07, WEB-016, WEB-038, R9700-20, ADV-111] over https every answer demands it for the future, every cookie is __Host- and Secure, and plain http gets nothing',
  async (t) => {
    for (const path of [
      '/',
      '/sign-in',
      '/authorize',
      '/jwks',
      '/userinfo',
      '/healthz',
      '/nowhere',
      '/.well-known/openid-configuration',
    ]) {
      t.match((await get(path)).headers.get('strict-transport-security') ?? '', /max-age=\d{8}/, path)
    }
    const visitor = createVisitor(issuer.issuer)
    const response = await visitor.request(`${issuer.issuer}/sign-in`)
    const lines = response.headers.getSetCookie()
    const authorize = await visitor.request(codeRequest(issuer.issuer, client.clientId).url)
    await visitor.signIn(`${issuer.issuer}/sign-in`, { username: 'alice', password: PASSWORD })
    t.ok(lines.length > 0)
    for (const line of [...lines, ...authorize.headers.getSetCookie()]) {
      t.match(line, /^__Host-[^=]+=/)
      for (const attribute of ['Secure', 'HttpOnly', 'SameSite=Lax', 'Path=/']) t.match(line, `; ${attribute}`)
      t.notMatch(line, /domain/i)
    }
    t.equal(visitor.cookies.size, 2)
    for (const name of visitor.cookies.keys()) t.match(name, /^__Host-/)
    const { host } = new URL(node.origin)
    const plain = await askRaw(node.origin, `GET / HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`, 2000)
    t.notMatch(plain, /HTTP\/1\.1 [23]/, 'plain http on the same port')
  },
)

const handshake = (origin: string, options: ConnectionOptions): Promise<string> =>
  new Promise((resolve) => {
    const { hostname, port } = new URL(origin)
    const socket = connect({ host: hostname, port: Number(port), servername: hostname, ca, ...options }, () => {
      resolve(socket.getProtocol() ?? 'none')
      socket.destroy()
    })
    socket.on('error', () => resolve('refused'))
  })

t.test('[ADV-070] the oldest TLS that is spoken is the configured one', async (t) => {
  const strict = await issuer.start({ TLS_MIN_VERSION: 'TLSv1.3' })
  // Down to what the library itself can still say.
  const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' } as const
  const two = { maxVersion: 'TLSv1.2' } as const
  t.equal(await handshake(node.origin, {}), 'TLSv1.3')
  t.equal(await handshake(node.origin, two), 'TLSv1.2')
  t.equal(await handshake(node.origin, old), 'refused')
  t.equal(await handshake(strict.origin, {}), 'TLSv1.3')
  t.equal(await handshake(strict.origin, two), 'refused')
  await strict.stop()
})

t.test(
  '[CONF-A7, CONF-A8, CONF-A12, OIDC-01, OIDC-16, OIDC-38, R9700-30, R9700-32, R9700-33, CONF-B-oidcc-server, CONF-B-oidcc-idtoken-signature, CONF-B-oidcc-userinfo-get, CONF-B-oidcc-userinfo-post-header, CONF-B-oidcc-userinfo-post-body] a sign-in over https ends with an ID token that verifies, and userinfo that is about the same person',
  async (t) => {
    const nonce = randomBytes(8).toString('hex')
    const { answered, answer, tokens, claims, header } = await flow(client, { nonce, state: 'a state' })
    t.equal(answer.status, 200)
    t.equal(answer.headers.get('cache-control'), 'no-store')
    t.same([answered.get('state'), answered.get('iss')], ['a state', issuer.issuer])
    t.equal(header.alg, 'RS256')
    t.ok(header.kid)
    const now = Date.now() / 1000
    t.same([claims.iss, [claims.aud].flat(), claims['nonce']], [issuer.issuer, [client.clientId], nonce])
    t.ok(Number(claims.exp) > now && Number(claims.exp) < now + 86_400)
    t.ok(Math.abs(Number(claims.iat) - now) < 60)
    t.match(claims['at_hash'], /^[\w-]{22}$/)
    t.notOk(
      ['name', 'email', 'address', 'phone_number'].some((name) => name in claims),
      'no claims about the person',
    )
    const bearer = { authorization: `Bearer ${tokens.access_token}` }
    const ways = [
      await get('/userinfo', { headers: bearer }),
      await post('/userinfo', '', bearer),
      await post('/userinfo', `access_token=${tokens.access_token}`),
    ]
    for (const way of ways) {
      t.equal(way.status, 200)
      t.match(way.headers.get('content-type') ?? '', /^application\/json/)
      t.equal(JSON.parse(way.body).sub, claims.sub)
    }
    const without = await flow(client)
    t.notOk('nonce' in without.claims, 'no nonce where none was sent')
    t.equal(without.claims.sub, claims.sub, 'and the same person')
  },
)

const SCOPES: Readonly<Record<string, readonly string[]>> = {
  profile: [
    'name',
    'family_name',
    'given_name',
    'middle_name',
    'nickname',
    'preferred_username',
    'profile',
    'picture',
    'website',
    'gender',
    'birthdate',
    'zoneinfo',
    'locale',
    'updated_at',
  ],
  email: ['email', 'email_verified'],
  address: ['address'],
  phone: ['phone_number', 'phone_number_verified'],
}

t.test(
  '[CONF-B-oidcc-scope-profile, CONF-B-oidcc-scope-email, CONF-B-oidcc-scope-address, CONF-B-oidcc-scope-phone, CONF-B-oidcc-scope-all, OIDC-22] each scope brings each of its claims to userinfo and no other',
  async (t) => {
    const visitor = createVisitor(issuer.issuer)
    for (const [scope, names] of [
      ...Object.entries(SCOPES),
      ['profile email address phone', Object.values(SCOPES).flat()] as const,
    ]) {
      const { tokens, claims } = await flow(client, { scope: `openid ${scope}` }, visitor)
      const info = await userinfoOf(tokens)
      t.same(Object.keys(info).sort(), ['sub', ...names].sort(), scope)
      t.equal(info.sub, claims.sub)
      t.notOk(
        names.some((name) => name in claims),
        'none of them in the ID token',
      )
      if (scope === 'email') t.same([info['email'], info['email_verified']], [ALICE.email, true])
    }
  },
)

t.test(
  '[CONF-D-oidcc-redirect-uri-query-OK, CONF-D-oidcc-redirect-uri-query-mismatch, CONF-D-oidcc-redirect-uri-query-added, CONF-D-oidcc-ensure-redirect-uri-in-authorization-request, R9700-03] a registered query is kept, and any other address ends on a page of ours',
  async (t) => {
    const withQuery = `${REDIRECT_URI}?a=b&c=d`
    const app = await issuer.client({ client_name: 'Query', redirect_uris: [withQuery, 'https://other.example/'] })
    const visitor = createVisitor(issuer.issuer)
    const { url } = codeRequest(issuer.issuer, app.clientId, { redirect_uri: withQuery })
    const arrival = await visitor.signIn(url, { username: 'alice', password: PASSWORD })
    t.match(arrival.url, `${withQuery}&`)
    t.ok(new URL(arrival.url).searchParams.get('code'))
    for (const redirect_uri of [
      REDIRECT_URI,
      `${withQuery}&e=f`,
      `${REDIRECT_URI}?a=b&c=x`,
      `${REDIRECT_URI}?c=d&a=b`,
      '',
    ]) {
      const stuck = await visitor.open(codeRequest(issuer.issuer, app.clientId, { redirect_uri }).url)
      t.equal(stuck.status, 400, redirect_uri || 'none')
      t.equal(new URL(stuck.url).origin, issuer.issuer, 'no redirect')
    }
  },
)

t.test(
  '[CONF-D-oidcc-ensure-client-assertion-with-iss-aud-succeeds, CONF-D-assertion-audience, CONF-D-oidcc-idtoken-rs256] a client signs in with a key of its own, for the issuer or the token endpoint',
  async (t) => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
    const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'one', alg: 'RS256', use: 'sig' }
    const app = await issuer.client({
      client_name: 'Assertions',
      redirect_uris: [REDIRECT_URI],
      token_endpoint_auth_method: 'private_key_jwt',
      id_token_signed_response_alg: 'RS256',
      jwks: { keys: [jwk as never] },
    })
    for (const audience of [issuer.issuer, String(metadata['token_endpoint'])]) {
      const { answer, tokens } = await flow(app, {}, undefined, async (code, verifier) => {
        const assertion = await new SignJWT({ jti: randomBytes(16).toString('hex') })
          .setProtectedHeader({ alg: 'RS256', kid: 'one' })
          .setIssuer(app.clientId)
          .setSubject(app.clientId)
          .setAudience(audience)
          .setIssuedAt()
          .setNotBefore('0s')
          .setExpirationTime('60s')
          .sign(privateKey)
        const type = encodeURIComponent('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
        return post(
          '/token',
          `${redemption(code, verifier)}&client_assertion_type=${type}&client_assertion=${assertion}`,
        )
      })
      t.equal(answer.status, 200, audience)
      t.equal(decodeProtectedHeader(tokens.id_token).alg, 'RS256')
    }
  },
)

t.test(
  '[CONF-D-oidcc-registration-logo-uri, CONF-D-oidcc-registration-policy-uri, CONF-D-oidcc-registration-tos-uri, WEB-052] the sign-in page shows the client’s logo and links its policy and terms',
  async (t) => {
    const app = await issuer.client({
      client_name: 'Shown',
      redirect_uris: [REDIRECT_URI],
      logo_uri: 'https://shown.example/logo.png',
      policy_uri: 'https://shown.example/policy',
      tos_uri: 'https://shown.example/terms',
    })
    const visitor = createVisitor(issuer.issuer)
    const { url } = codeRequest(issuer.issuer, app.clientId)
    const page = await visitor.open(url)
    t.match(page.body, /<img[^>]*src="https:\/\/shown\.example\/logo\.png"/)
    for (const target of ['policy', 'terms']) {
      const [link = ''] = new RegExp(`<a[^>]*href="https://shown\\.example/${target}"[^>]*>`).exec(page.body) ?? []
      t.match(link, /rel="[^"]*noopener[^"]*"/, target)
    }
    const answer = await visitor.request(page.url)
    t.match(answer.headers.get('content-security-policy') ?? '', /img-src 'self' https:\/\/shown\.example(?:;|$)/)
  },
)
