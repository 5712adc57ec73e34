// Owns what the relying parties of this folder, and those that cannot run here, need in common: the spellings, shapes and tolerances that
// one or another of them stumbles over.

import { createHash } from 'node:crypto'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import t from 'tap'
import { ALICE } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { AS_ALICE, openWorld } from './world.ts'

const world = await openWorld(t)
const { issuer } = world
const REDIRECT_URI = 'http://127.0.0.1:9/cb'
const VERIFIER = 'v'.repeat(64)

type Credentials = Awaited<ReturnType<typeof world.client>>
type Metadata = Parameters<typeof world.client>[0]

const register = (metadata: Metadata = {}): Promise<Credentials> =>
  world.client({ client_name: 'Anybody', redirect_uris: [REDIRECT_URI], ...metadata })

const codeFor = async ({ clientId }: Credentials, redirectUri = REDIRECT_URI): Promise<string> => {
  const url = new URL(`${issuer}/authorize`)
  url.search = new URLSearchParams({
    client_id: clientId,
    redirect_uri: redirectUri,
    response_type: 'code',
    scope: 'openid email',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
  }).toString()
  const { url: back } = await createVisitor(issuer).signIn(url.href, AS_ALICE)
  return new URL(back).searchParams.get('code') ?? ''
}

const basic = (id: string, secret: string): Readonly<Record<string, string>> => ({
  authorization: `Basic ${Buffer.from(`${id}:${secret}`).toString('base64')}`,
})

const redeem = (
  code: string,
  headers: Readonly<Record<string, string>>,
  form: Readonly<Record<string, string>> = {},
  path = '/token',
): Promise<Response> =>
  fetch(`${issuer}${path}`, {
    method: 'POST',
    redirect: 'error',
    headers,
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code,
      redirect_uri: REDIRECT_URI,
      code_verifier: VERIFIER,
      ...form,
    }),
  })

const tokensFor = async (client: Credentials): Promise<Readonly<Record<string, string>>> => {
  const response = await redeem(await codeFor(client), basic(client.clientId, client.clientSecret))
  if (!response.ok) throw new Error(await response.text())
  return JSON.parse(await response.text())
}

const metadataOf = async (): Promise<Readonly<Record<string, unknown>>> =>
  JSON.parse(await (await fetch(`${issuer}/.well-known/openid-configuration`)).text())

t.test(
  '[CONF-A2, CONF-C2, CONF-C3, CONF-C4, CONF-C6, R9700-10, V21-29] discovery names what clients stop without',
  async (t) => {
    const metadata = await metadataOf()
    t.match(metadata, {
      issuer,
      authorization_endpoint: `${issuer}/authorize`,
      token_endpoint: `${issuer}/token`,
      userinfo_endpoint: `${issuer}/userinfo`,
      jwks_uri: `${issuer}/jwks`,
      response_types_supported: ['code'],
      grant_types_supported: ['authorization_code'],
      subject_types_supported: ['public'],
      code_challenge_methods_supported: ['S256'],
    })
    const holds = (name: string, ...values: readonly string[]): void => {
      const list = metadata[name]
      t.ok(Array.isArray(list) && values.every((value) => list.includes(value)), `${name}: ${values}`)
    }
    holds(
      'token_endpoint_auth_methods_supported',
      'client_secret_basic',
      'client_secret_post',
      'none',
      'private_key_jwt',
    )
    holds('scopes_supported', 'openid', 'profile', 'email', 'groups')
    holds('claims_supported', 'sub', 'email', 'groups')
    holds('id_token_signing_alg_values_supported', 'RS256')
    holds('response_modes_supported', 'query', 'form_post')
  },
)

t.test('[CONF-A1] every published key says what it is for, by an identifier of its own', async (t) => {
  const { keys } = JSON.parse(await (await fetch(`${issuer}/jwks`)).text())
  for (const key of keys) {
    t.match(key, { kid: String, alg: /^(RS256|ES256|EdDSA)$/, use: 'sig' })
    t.notOk(['d', 'p', 'q', 'k'].some((name) => name in key))
  }
  const kids = keys.map(({ kid }: { kid: string }) => kid)
  t.equal(new Set(kids).size, kids.length)
})

t.test('[CONF-A6, CONF-A7, V21-10] tokens have the shapes that simple clients count on', async (t) => {
  const client = await register()
  const [one, two] = [await tokensFor(client), await tokensFor(client)]
  t.equal(one['token_type'], 'Bearer')
  t.ok(Number.isInteger(one['expires_in']), 'a number, not a text')
  t.equal(one['scope'], 'openid email')
  const [first, second] = [decodeJwt(one['id_token'] ?? ''), decodeJwt(two['id_token'] ?? '')]
  t.match(decodeProtectedHeader(one['id_token'] ?? ''), { alg: 'RS256', kid: String })
  t.equal(first.aud, client.clientId, 'a plain text for the only one')
  t.ok(first['azp'] === undefined || first['azp'] === client.clientId)
  t.type(first.jti, 'string')
  t.not(first.jti, second.jti)
  const hash = createHash('sha256')
    .update(one['access_token'] ?? '')
    .digest()
  t.equal(first['at_hash'], hash.subarray(0, 16).toString('base64url'))
  t.notOk('nonce' in first, 'no nonce where none was sent')
})

t.test(
  '[CONF-B-oidcc-userinfo-get, CONF-B-oidcc-userinfo-post-header, CONF-B-oidcc-userinfo-post-body, OIDC-18] userinfo answers GET and POST, and ignores a query',
  async (t) => {
    const { access_token: token = '' } = await tokensFor(await register())
    const authorization = `Bearer ${token}`
    const asked: readonly (readonly [string, RequestInit])[] = [
      ['/userinfo', { headers: { authorization } }],
      ['/userinfo', { method: 'POST', headers: { authorization } }],
      ['/userinfo', { method: 'POST', headers: { authorization }, body: '' }],
      ['/userinfo', { method: 'POST', body: new URLSearchParams({ access_token: token }) }],
      ['/userinfo?schema=openid', { headers: { authorization } }],
      ['/userinfo/', { headers: { authorization } }],
    ]
    for (const [path, init] of asked) {
      const answer = await fetch(`${issuer}${path}`, { ...init, redirect: 'error' })
      t.equal(answer.status, 200, `${init.method ?? 'GET'} ${path}`)
      t.match(answer.headers.get('content-type'), /^application\/json/)
      t.strictSame(JSON.parse(await answer.text()), { sub: world.alice, email: ALICE.email, email_verified: true })
    }
    const inQuery = await fetch(`${issuer}/userinfo?access_token=${token}`)
    t.equal(inQuery.status, 401, 'an address is no place for a token')
  },
)

t.test('[R9700-28, V21-21] a token in the address is no token, and in two places it is refused', async (t) => {
  const { access_token: token = '' } = await tokensFor(await register())
  t.equal((await fetch(`${issuer}/userinfo?access_token=${token}`)).status, 401)
  const twice = await fetch(`${issuer}/userinfo`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}` },
    body: new URLSearchParams({ access_token: token }),
  })
  t.equal(twice.status, 400)
})

t.test('[unit] a public client may send Basic with an empty secret, as oidc-agent does', async (t) => {
  const client = await register({ application_type: 'native', token_endpoint_auth_method: 'none' })
  const response = await redeem(await codeFor(client), basic(client.clientId, ''))
  t.equal(response.status, 200)
  const confidential = await register()
  const refused = await redeem(await codeFor(confidential), basic(confidential.clientId, ''))
  t.equal(refused.status, 401, 'a client that has a secret must show it')
})

t.test('[V21-04] the same credentials in two places are refused, a bare client_id beside Basic is not', async (t) => {
  const client = await register()
  const code = await codeFor(client)
  const header = basic(client.clientId, client.clientSecret)
  const both = await redeem(code, header, { client_id: client.clientId, client_secret: client.clientSecret })
  t.equal(both.status, 400)
  t.match(await both.json(), { error: 'invalid_request' })
  t.equal((await redeem(code, header, { client_id: client.clientId })).status, 200)
})

t.test('[unit] a secret made here is the same to clients that encode it and to those that do not', async (t) => {
  for (let n = 0; n < 5; n++) {
    const { clientId, clientSecret } = await register()
    for (const text of [clientId, clientSecret]) t.equal(new URLSearchParams([['', text]]).toString().slice(1), text)
  }
})

t.test('[unit] a slash at the end of an address is no other address, and nothing redirects', async (t) => {
  const client = await register()
  const code = await codeFor(client)
  t.equal((await redeem(code, basic(client.clientId, client.clientSecret), {}, '/token/')).status, 200)
  for (const path of ['/.well-known/openid-configuration/', '/jwks/', '/.well-known/oauth-authorization-server']) {
    t.equal((await fetch(`${issuer}${path}`, { redirect: 'error' })).status, 200, path)
  }
})

t.test('[unit] localhost by name gets any port only where that was opted for', async (t) => {
  const native = { application_type: 'native', token_endpoint_auth_method: 'none' }
  const redirectUri = 'http://localhost:61000/cb'
  const strict = await register({ ...native, redirect_uris: ['http://localhost/cb'] })
  const open = await register({ ...native, redirect_uris: ['http://localhost/cb'], localhost_any_port: true })
  t.equal(await codeFor(strict, redirectUri), '')
  t.not(await codeFor(open, redirectUri), '')
})

t.test(
  '[unit] a page of a registered origin may read metadata, keys, tokens and userinfo, and no other page may',
  async (t) => {
    const origin = 'https://spa.example'
    const client = await register({ token_endpoint_auth_method: 'none', cors_origins: [origin] })
    const form = { client_id: client.clientId }
    const allowed = (response: Response): string | null => response.headers.get('access-control-allow-origin')
    for (const path of ['/.well-known/openid-configuration', '/jwks']) {
      t.ok(allowed(await fetch(`${issuer}${path}`, { headers: { origin } })), path)
    }
    const response = await redeem(await codeFor(client), { origin }, form)
    t.equal(response.status, 200)
    t.equal(allowed(response), origin)
    const { access_token: token } = JSON.parse(await response.text())
    const userinfo = await fetch(`${issuer}/userinfo`, { headers: { origin, authorization: `Bearer ${token}` } })
    t.equal(allowed(userinfo), origin)
    const elsewhere = 'https://elsewhere.example'
    t.equal(allowed(await redeem(await codeFor(client), { origin: elsewhere }, form)), null)
    const other = { headers: { origin: elsewhere, authorization: `Bearer ${token}` } }
    t.equal(allowed(await fetch(`${issuer}/userinfo`, other)), null)
  },
)
