// Owns openid-client as a relying party: every way to authenticate, and every way to ask.

import { createHash } from 'node:crypto'
import * as client from 'openid-client'
import t from 'tap'
import { ALICE } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { assertionKey, CALLBACK, claimsOf, prepare, refusalOf, register, signIn } from './openid-client.ts'
import { AS_ALICE, openWorld } from './world.ts'

const world = await openWorld(t)
const { issuer, alice } = world

const USER_CLAIMS = ['name', 'email', 'email_verified', 'address', 'phone_number', 'groups', 'preferred_username']

t.test('[CONF-B-oidcc-server, CONF-A12, OIDC-01, OIDC-38] a client signs in by Basic and reads userinfo', async (t) => {
  const config = await register(world, { token_endpoint_auth_method: 'client_secret_basic' })
  const tokens = await signIn(config, createVisitor(issuer), { scope: 'openid profile email' })
  t.match(tokens, { token_type: 'bearer', expires_in: 3600, scope: 'openid profile email' })
  const claims = claimsOf(tokens)
  t.match(claims, { iss: issuer, sub: alice, aud: config.clientMetadata().client_id })
  t.strictSame(
    USER_CLAIMS.filter((name) => name in claims),
    [],
    'the ID token tells of nobody but by his subject',
  )
  t.match(await client.fetchUserInfo(config, tokens.access_token, alice), { sub: alice, email: ALICE.email })
})

t.test('[CONF-B-oidcc-server-client-secret-post, V21-05] a client signs in with its secret in the body', async (t) => {
  const config = await register(world, { token_endpoint_auth_method: 'client_secret_post' }, client.ClientSecretPost)
  const tokens = await signIn(config, createVisitor(issuer))
  t.equal(claimsOf(tokens).sub, alice)
})

const ASSERTIONS: readonly { readonly alg: string; readonly audience: 'issuer' | 'token endpoint' }[] = [
  { alg: 'RS256', audience: 'issuer' },
  { alg: 'PS256', audience: 'token endpoint' },
  { alg: 'ES256', audience: 'issuer' },
  // The library signs with this key under the name Ed25519 (RFC 9864 §2.2).
  { alg: 'EdDSA', audience: 'token endpoint' },
]

t.test(
  '[CONF-D-oidcc-ensure-client-assertion-with-iss-aud-succeeds, CONF-D-assertion-audience] a client signs in with an assertion for the issuer or the token endpoint',
  async (t) => {
    for (const { alg, audience } of ASSERTIONS) {
      const { key, jwk } = await assertionKey(alg)
      const jwks = JSON.parse(JSON.stringify({ keys: [jwk] }))
      const config = await register(world, { token_endpoint_auth_method: 'private_key_jwt', jwks }, () =>
        client.PrivateKeyJwt(
          { key, kid: `by-${alg}` },
          {
            [client.modifyAssertion]: (_header, payload) => {
              if (audience === 'token endpoint') payload['aud'] = `${issuer}/token`
            },
          },
        ),
      )
      const tokens = await signIn(config, createVisitor(issuer))
      t.equal(claimsOf(tokens).sub, alice, `${alg} for the ${audience}`)
    }
  },
)

t.test('[R8252-01, R8252-04, R8252-09] a native client signs in at whatever loopback port it got', async (t) => {
  const native = { application_type: 'native', token_endpoint_auth_method: 'none' }
  for (const host of ['127.0.0.1', '[::1]']) {
    const config = await register(world, { ...native, redirect_uris: [`http://${host}/cb`] }, client.None)
    for (const port of [49152, 61000]) {
      const redirect_uri = `http://${host}:${port}/cb`
      const tokens = await signIn(config, createVisitor(issuer), { redirect_uri })
      t.equal(claimsOf(tokens).sub, alice, redirect_uri)
    }
    const { url } = await prepare(config, { redirect_uri: `http://${host}:61000/elsewhere` })
    const stayed = await createVisitor(issuer).signIn(url, AS_ALICE)
    t.ok(stayed.url.startsWith(`${issuer}/`), 'another path leads nowhere')
    t.equal(stayed.status, 400)
  }
})

t.test('[R8252-02] a native client signs in by a scheme of its own', async (t) => {
  const redirect_uri = 'org.example.app:/cb'
  const native = { application_type: 'native', token_endpoint_auth_method: 'none', redirect_uris: [redirect_uri] }
  const config = await register(world, native, client.None)
  const tokens = await signIn(config, createVisitor(issuer), { redirect_uri })
  t.equal(claimsOf(tokens).sub, alice)
})

t.test('[CONF-B-form-post, R9700-27] a response comes as a form that posts itself', async (t) => {
  const config = await register(world)
  const { url, checks } = await prepare(config, { response_mode: 'form_post' })
  const arrival = await createVisitor(issuer).signIn(url, AS_ALICE)
  t.equal(arrival.url, CALLBACK, 'nothing stands in the address')
  const body = new URLSearchParams([...(arrival.posted ?? [])])
  const tokens = await client.authorizationCodeGrant(config, new Request(CALLBACK, { method: 'POST', body }), checks)
  t.equal(claimsOf(tokens).sub, alice)

  const silent = await prepare(config, { response_mode: 'form_post', prompt: 'none' })
  const refused = await createVisitor(issuer).signIn(silent.url, AS_ALICE)
  const fields = new URLSearchParams([...(refused.posted ?? [])])
  const answer = new Request(CALLBACK, { method: 'POST', body: fields })
  t.match(await refusalOf(client.authorizationCodeGrant(config, answer, silent.checks)), { error: 'login_required' })
})

t.test(
  '[CONF-B-oidcc-prompt-none-logged-in, CONF-B-oidcc-max-age-10000, CONF-B-oidcc-id-token-hint] a second sign-in is silent and tells of the same one',
  async (t) => {
    const config = await register(world)
    const visitor = createVisitor(issuer)
    const first = await signIn(config, visitor, { max_age: '15000' })
    const { auth_time: since, sub } = claimsOf(first)
    for (const more of [{}, { max_age: '10000' }, { id_token_hint: first.id_token ?? '' }]) {
      const { url, checks } = await prepare(config, { ...more, prompt: 'none' })
      const { url: back } = await visitor.open(url)
      const maxAge = 'max_age' in more ? { maxAge: Number(more.max_age) } : {}
      const tokens = await client.authorizationCodeGrant(config, new URL(back), { ...checks, ...maxAge })
      t.match(claimsOf(tokens), { auth_time: since, sub }, JSON.stringify(Object.keys(more)))
    }
  },
)

t.test('[CONF-B-oidcc-prompt-login, CONF-B-oidcc-max-age-1, OIDC-07] a fresh sign-in is fresh', async (t) => {
  const config = await register(world)
  const visitor = createVisitor(issuer)
  const first = claimsOf(await signIn(config, visitor))
  await new Promise((resolve) => setTimeout(resolve, 2100))
  const aged = claimsOf(await signIn(config, visitor, { max_age: '1' }))
  t.ok(Number(aged.auth_time) > Number(first.auth_time))
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const asked = claimsOf(await signIn(config, visitor, { prompt: 'login' }))
  t.ok(Number(asked.auth_time) > Number(aged.auth_time))
})

t.test('[unit] a registered default_max_age makes the server tell auth_time, which the library wants', async (t) => {
  const config = await register(world, { default_max_age: 3600 })
  const visitor = createVisitor(issuer)
  t.type(claimsOf(await signIn(config, visitor)).auth_time, 'number')
})

const SCOPES: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  profile: {
    name: ALICE.name,
    given_name: ALICE.givenName,
    family_name: ALICE.familyName,
    middle_name: ALICE.middleName,
    nickname: ALICE.nickname,
    preferred_username: 'alice',
    profile: ALICE.profile,
    picture: ALICE.picture,
    website: ALICE.website,
    gender: ALICE.gender,
    birthdate: ALICE.birthdate,
    zoneinfo: ALICE.zoneinfo,
    locale: ALICE.locale,
    updated_at: Number,
  },
  email: { email: ALICE.email, email_verified: true },
  address: {
    address: {
      street_address: ALICE.streetAddress,
      locality: ALICE.locality,
      region: ALICE.region,
      postal_code: ALICE.postalCode,
      country: ALICE.country,
    },
  },
  phone: { phone_number: ALICE.phoneNumber, phone_number_verified: true },
  groups: { groups: ['admins', 'staff'] },
}

t.test(
  '[CONF-B-oidcc-scope-profile, CONF-B-oidcc-scope-email, CONF-B-oidcc-scope-address, CONF-B-oidcc-scope-phone, CONF-B-oidcc-scope-all, CONF-A8] each scope brings its claims to userinfo, and nothing to the ID token',
  async (t) => {
    const names = Object.keys(SCOPES)
    const config = await register(world, { scope: `openid ${names.join(' ')}` })
    const visitor = createVisitor(issuer)
    for (const asked of [...names.map((name) => [name]), names]) {
      const tokens = await signIn(config, visitor, { scope: `openid ${asked.join(' ')}` })
      const userinfo = await client.fetchUserInfo(config, tokens.access_token, alice)
      const wanted = Object.assign({ sub: alice }, ...asked.map((name) => SCOPES[name]))
      t.match(userinfo, wanted, asked.join(' '))
      t.strictSame(Object.keys(userinfo).toSorted(), Object.keys(wanted).toSorted(), `no more than ${asked.join(' ')}`)
      t.notOk(USER_CLAIMS.some((name) => name in claimsOf(tokens)))
    }
  },
)

t.test('[CONF-B-oidcc-claims-essential, OIDC-20] single claims come where they are asked for', async (t) => {
  const config = await register(world)
  const claims = { userinfo: { name: { essential: true }, unheard_of: null }, id_token: { email: null } }
  const tokens = await signIn(config, createVisitor(issuer), { claims: JSON.stringify(claims) })
  const userinfo = await client.fetchUserInfo(config, tokens.access_token, alice)
  t.strictSame(userinfo, { sub: alice, name: ALICE.name })
  t.match(claimsOf(tokens), { email: ALICE.email })
  t.notOk('name' in claimsOf(tokens))
})

t.test(
  '[CONF-B-oidcc-idtoken-signature, CONF-D-oidcc-idtoken-rs256, OIDC-16] an ID token is signed as registered, RS256 where nothing is',
  async (t) => {
    for (const alg of [undefined, 'RS256', 'ES256', 'EdDSA']) {
      const config = await register(world, alg === undefined ? {} : { id_token_signed_response_alg: alg })
      const tokens = await signIn(config, createVisitor(issuer))
      const [header = ''] = (tokens.id_token ?? '').split('.')
      const { alg: used, kid } = JSON.parse(Buffer.from(header, 'base64url').toString())
      t.equal(used, alg ?? 'RS256')
      t.type(kid, 'string')
      const digest = createHash(alg === 'EdDSA' ? 'sha512' : 'sha256')
        .update(tokens.access_token)
        .digest()
      t.equal(claimsOf(tokens)['at_hash'], digest.subarray(0, digest.length / 2).toString('base64url'))
    }
  },
)

t.test('[ADJ-22, OIDC-48, R9207-05] an issuer with a path is found in both well-known forms', async (t) => {
  const inPath = await openWorld(t, '/oidc/team')
  const visitor = createVisitor(inPath.issuer)
  for (const algorithm of ['oidc', 'oauth2'] as const) {
    const { clientId, clientSecret } = await inPath.client({ client_name: algorithm, redirect_uris: [CALLBACK] })
    const config = await client.discovery(
      new URL(inPath.issuer),
      clientId,
      undefined,
      client.ClientSecretBasic(clientSecret),
      { algorithm, execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] },
    )
    const tokens = await signIn(config, visitor, { scope: 'openid email' })
    t.match(claimsOf(tokens), { iss: inPath.issuer, sub: inPath.alice })
    t.match(await client.fetchUserInfo(config, tokens.access_token, inPath.alice), { email: ALICE.email })
  }
})
