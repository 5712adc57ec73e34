// Owns authentication by certificate at the endpoints: the registered name that an authority vouched for, or the registered key. How doors
// come to a certificate is theirs to show.

import { type ClientCertificate, type ClientRecord, digest, type Fetcher, type Reply } from '@vouchsafe/core'
import t, { type Test } from 'tap'
import { canonicalName } from '#src/client/distinguished-name.js'
import { validateClient } from '#src/client/registration.js'
import { clientKey } from './assertions.ts'
import { basic, bodyOf, type Parameters as Form, obtainCode } from './flows.ts'
import { proofOf } from './proofs.ts'
import { changeClient, openStores, refused, tokensOf } from './token-steps.ts'
import { CLIENT_SECRET, createWorld, encode, sha256, type World } from './world.ts'

const KEY = clientKey('ES256')
const OTHER = clientKey('ES256')

const certificate = (over: Partial<ClientCertificate> = {}): ClientCertificate => ({
  thumbprint: digest(sha256('certificate')),
  chainVerified: true,
  subject: 'CN=app,OU=Payments,O=Example\\, Inc.,C=DE',
  sanDns: ['app.example', 'Other.Example'],
  sanUri: ['https://app.example/client'],
  sanIp: ['10.1.2.3', '2001:DB8:0:0:0:0:0:1'],
  sanEmail: ['app@example.org'],
  publicJwk: KEY.jwk,
  ...over,
})

const NAMES: Readonly<Record<string, NonNullable<ClientRecord['tlsClientName']>>> = {
  subject: { kind: 'subjectDn', value: 'cn=app, ou=Payments, o=Example\\2C Inc., c=DE' },
  dns: { kind: 'sanDns', value: 'other.example' },
  uri: { kind: 'sanUri', value: 'https://app.example/client' },
  ip: { kind: 'sanIp', value: '2001:db8::1' },
  email: { kind: 'sanEmail', value: 'app@example.org' },
}

/** What of a certificate each name is not found in. */
const OTHERS: Readonly<Record<string, readonly Partial<ClientCertificate>[]>> = {
  subject: [
    { subject: 'CN=APP,OU=Payments,O=Example\\, Inc.,C=DE' },
    { subject: 'CN=app,O=Example\\, Inc.,C=DE' },
    { subject: 'CN=app,OU=Payments,O=Example\\, Inc.,C=DE,CN=root' },
    { subject: 'C=DE,O=Example\\, Inc.,OU=Payments,CN=app' },
    { subject: 'CN=app+OU=Payments,O=Example\\, Inc.,C=DE' },
    { subject: '' },
  ],
  dns: [{ sanDns: ['*.example'] }, { sanDns: [], sanUri: ['other.example'] }, { sanDns: ['an.other.example'] }],
  uri: [{ sanUri: ['https://app.example/client/'] }, { sanUri: [], sanDns: ['https://app.example/client'] }],
  ip: [{ sanIp: ['2001:DB8:0:0:0:0:0:2'] }, { sanIp: [], sanDns: ['2001:db8::1'] }],
  email: [{ sanEmail: ['App@example.org'] }, { sanEmail: [], subject: 'emailAddress=app@example.org' }],
}

type Got = Awaited<ReturnType<typeof obtainCode>>

const present = (world: World, got: Got, clientCertificate: ClientCertificate | undefined): Promise<Reply> =>
  world.send({
    path: '/token',
    method: 'POST',
    headers: new Map([['content-type', ['application/x-www-form-urlencoded']]]),
    body: encode({
      grant_type: 'authorization_code',
      code: got.code,
      redirect_uri: got.redirectUri,
      code_verifier: got.verifier,
      client_id: 'app',
    }),
    clientCertificate,
  })

const unauthenticated = (t: Test, world: World, reply: Reply, reason: string, why: string = reason): void => {
  refused(t, reply, 401, 'invalid_client', why)
  t.match(world.events.at(-1), { fields: { reason } }, why)
}

const named = async (tlsClientName: ClientRecord['tlsClientName']): Promise<{ world: World; got: Got }> => {
  const world = createWorld({ features: { mtls: {} } })
  await world.client({ authMethod: 'tls_client_auth', secrets: [], tlsClientName })
  return { world, got: await obtainCode(world) }
}

t.test(
  '[ADJ-25] a client is known by the one name that it registered and an authority put into its certificate, and by nothing near it',
  async (t) => {
    for (const [name, tlsClientName] of Object.entries(NAMES)) {
      const { world, got } = await named(tlsClientName)
      for (const other of OTHERS[name] ?? []) {
        const reply = await present(world, got, certificate(other))
        unauthenticated(t, world, reply, 'certificateOfAnother', `${name}: ${JSON.stringify(other)}`)
      }
      unauthenticated(t, world, await present(world, got, undefined), 'certificateMissing', name)
      const selfMade = certificate({ chainVerified: false })
      unauthenticated(t, world, await present(world, got, selfMade), 'certificateUnverified', `${name}, by itself`)
      t.match(await present(world, got, certificate()), { status: 200 }, `${name}: nothing was used up before`)
    }
  },
)

t.test('[ADJ-25] a certificate of its own is the client’s when its key is registered, whoever signed it', async (t) => {
  const world = createWorld({ features: { mtls: {} } })
  await world.client({ authMethod: 'self_signed_tls_client_auth', secrets: [], jwks: [KEY.jwk] })
  const got = await obtainCode(world)
  const another = certificate({ publicJwk: OTHER.jwk })
  unauthenticated(t, world, await present(world, got, another), 'certificateOfAnother')
  unauthenticated(t, world, await present(world, got, certificate({ publicJwk: undefined })), 'certificateOfAnother')
  unauthenticated(t, world, await present(world, got, undefined), 'certificateMissing')
  t.match(await present(world, got, certificate({ chainVerified: false, subject: '' })), { status: 200 })
})

t.test('[ADJ-25] so is one whose key the client publishes, before and after it rotates', async (t) => {
  let keys = [KEY.jwk]
  let asked = 0
  const fetcher: Fetcher = {
    fetch: async () => {
      asked += 1
      return { outcome: 'answered', status: 200, headers: new Map(), body: JSON.stringify({ keys }) }
    },
  }
  const world = createWorld({ features: { mtls: {} } }, { fetcher })
  const jwksUri = 'https://app.example/jwks'
  await world.client({ authMethod: 'self_signed_tls_client_auth', secrets: [], jwksUri })
  const browser = world.browser()
  unauthenticated(t, world, await present(world, await obtainCode(world, {}, browser), undefined), 'certificateMissing')
  t.equal(asked, 0)
  t.match(await present(world, await obtainCode(world, {}, browser), certificate()), { status: 200 })
  keys = [OTHER.jwk]
  const another = certificate({ publicJwk: OTHER.jwk })
  t.match(await present(world, await obtainCode(world, {}, browser), another), { status: 200 })
  unauthenticated(
    t,
    world,
    await present(world, await obtainCode(world, {}, browser), certificate()),
    'certificateOfAnother',
  )
  t.equal(asked, 2)
  await changeClient(world, { authMethod: 'tls_client_auth', tlsClientName: NAMES['subject'] })
  const unnamed = certificate({ subject: 'CN=b', publicJwk: OTHER.jwk })
  unauthenticated(t, world, await present(world, await obtainCode(world, {}, browser), unnamed), 'certificateOfAnother')
})

t.test(
  '[V21-01] a certificate beside another method proves nothing, and nothing is believed where it is off',
  async (t) => {
    const off = createWorld()
    await off.client({ authMethod: 'tls_client_auth', secrets: [], tlsClientName: NAMES['subject'] })
    unauthenticated(t, off, await present(off, await obtainCode(off), certificate()), 'clientAuthMethodWrong')
    const world = createWorld({ features: { mtls: {} } })
    await world.client({ jwks: [KEY.jwk], tlsClientName: NAMES['subject'] })
    const got = await obtainCode(world)
    unauthenticated(t, world, await present(world, got, certificate()), 'clientAuthMethodWrong')
    await changeClient(world, { disabled: true })
    unauthenticated(t, world, await present(world, got, certificate()), 'clientDisabled')
  },
)

const askUserinfo = (
  world: World,
  authorization: string,
  clientCertificate: ClientCertificate | undefined,
): Promise<Reply> =>
  world.send({ path: '/userinfo', headers: new Map([['authorization', [authorization]]]), clientCertificate })

t.test(
  '[ADJ-25, R9700-12, R9700-38] tokens of a client that asked for it are good with its certificate alone',
  async (t) => {
    const { stores, state } = openStores()
    const world = createWorld({ features: { mtls: {}, dpop: { nonce: 'never' } }, stores })
    await world.client({
      authMethod: 'tls_client_auth',
      secrets: [],
      tlsClientName: NAMES['subject'],
      certificateBoundTokens: true,
      grantTypes: ['authorization_code', 'refresh_token'],
      scopes: ['openid', 'offline_access'],
    })
    const got = await obtainCode(world, { scope: 'openid offline_access', prompt: 'consent' })
    const { accessToken: token, body } = tokensOf(await present(world, got, certificate()))
    t.equal(body['token_type'], 'Bearer')
    t.same(
      [...state.tokens.values()].map((entry) => entry.token.binding),
      [{ method: 'x5t#S256', thumbprint: sha256('certificate') }],
    )
    const another = certificate({ thumbprint: digest(sha256('another')) })
    refused(t, await askUserinfo(world, `Bearer ${token}`, undefined), 401, 'invalid_token', 'none')
    refused(t, await askUserinfo(world, `Bearer ${token}`, another), 401, 'invalid_token', 'another certificate')
    const proof = proofOf(KEY, { now: world.clock.now(), htm: 'GET', htu: 'https://op.example/userinfo', token })
    const asKey = await world.send({
      path: '/userinfo',
      headers: new Map([
        ['authorization', [`DPoP ${token}`]],
        ['dpop', [proof]],
      ]),
      clientCertificate: certificate(),
    })
    refused(t, asKey, 401, 'invalid_token', 'with a proof of a key')
    t.match(await askUserinfo(world, `Bearer ${token}`, certificate()), { status: 200 })

    // A renewed certificate with the same name: the client authenticates, and the new token is the new certificate's (RFC 8705 §6.3).
    const form = encode({ grant_type: 'refresh_token', refresh_token: String(body['refresh_token']), client_id: 'app' })
    const refresh = (clientCertificate: ClientCertificate | undefined, headers: [string, string[]][] = []) =>
      world.send({
        path: '/token',
        method: 'POST',
        headers: new Map([['content-type', ['application/x-www-form-urlencoded']], ...headers]),
        body: form,
        clientCertificate,
      })
    const both = await refresh(certificate(), [['dpop', [proofOf(KEY, { now: world.clock.now() })]]])
    refused(t, both, 400, 'invalid_dpop_proof', 'a proof beside the certificate')
    const renewed = tokensOf(await refresh(another)).accessToken
    refused(t, await askUserinfo(world, `Bearer ${renewed}`, certificate()), 401, 'invalid_token')
    t.match(await askUserinfo(world, `Bearer ${renewed}`, another), { status: 200 })
  },
)

t.test(
  '[ADJ-25] a client that authenticates otherwise binds its tokens to any certificate, and gets none without',
  async (t) => {
    const features = { mtls: {} } as const
    for (const authMethod of ['client_secret_basic', 'none'] as const) {
      const world = createWorld({ features })
      await world.client({
        authMethod,
        secrets: authMethod === 'none' ? [] : [{ digest: digest(sha256(CLIENT_SECRET)), expiresAt: undefined }],
        certificateBoundTokens: true,
        grantTypes: ['authorization_code', 'refresh_token'],
        scopes: ['openid', 'offline_access'],
      })
      const headers = new Map([
        ['content-type', ['application/x-www-form-urlencoded']],
        ...(authMethod === 'none' ? [] : [['authorization', [basic('app', CLIENT_SECRET)]] as [string, string[]]]),
      ])
      const send = (form: Form, clientCertificate?: ClientCertificate): Promise<Reply> =>
        world.send({
          path: '/token',
          method: 'POST',
          headers,
          body: encode({ client_id: 'app', ...form }),
          clientCertificate,
        })
      const got = await obtainCode(world, { scope: 'openid offline_access', prompt: 'consent' })
      const code = {
        grant_type: 'authorization_code',
        code: got.code,
        redirect_uri: got.redirectUri,
        code_verifier: got.verifier,
      }
      const own = certificate({ chainVerified: false })
      refused(t, await send(code), 400, 'invalid_request', 'no certificate')
      const { accessToken, body } = tokensOf(await send(code, own))
      refused(t, await askUserinfo(world, `Bearer ${accessToken}`, undefined), 401, 'invalid_token')
      t.match(await askUserinfo(world, `Bearer ${accessToken}`, own), { status: 200 })
      const again = { grant_type: 'refresh_token', refresh_token: String(body['refresh_token']) }
      const other = certificate({ thumbprint: digest(sha256('another')) })
      const next = await send(again, other)
      // The refresh token of a client that proves nothing else is its certificate's (RFC 8705 §7.1).
      if (authMethod === 'none') refused(t, next, 400, 'invalid_grant')
      else t.match(next, { status: 200 })
    }
  },
)

t.test('[unit] metadata offers certificates where they are used, and says where they are asked for', async (t) => {
  const documentOf = async (mtls?: { readonly endpointBase?: string }) =>
    bodyOf(
      await createWorld({ features: { par: true, ...(mtls === undefined ? {} : { mtls }) } }).send({
        path: '/.well-known/openid-configuration',
      }),
    )
  const methods = (document: Awaited<ReturnType<typeof documentOf>>): readonly unknown[] =>
    [document['token_endpoint_auth_methods_supported']].flat().filter((method) => String(method).includes('tls'))
  const [off, here, elsewhere] = [
    await documentOf(),
    await documentOf({}),
    await documentOf({ endpointBase: 'https://mtls.example:8443' }),
  ]
  t.same(methods(off), [])
  t.same(methods(here), ['tls_client_auth', 'self_signed_tls_client_auth'])
  t.notOk('mtls_endpoint_aliases' in here || 'mtls_endpoint_aliases' in off)
  const base = 'https://mtls.example:8443'
  // No browser is sent there: the authorization endpoint has no alias.
  t.same(elsewhere['mtls_endpoint_aliases'], {
    token_endpoint: `${base}/token`,
    userinfo_endpoint: `${base}/userinfo`,
    pushed_authorization_request_endpoint: `${base}/par`,
  })
  for (const endpointBase of [
    'http://mtls.example',
    'https://mtls.example/',
    'https://mtls.example?a',
    'https://a@mtls.example',
    'mtls',
  ]) {
    t.throws(() => createWorld({ features: { mtls: { endpointBase } } }), {
      code: 'configuration_invalid',
      setting: 'features.mtls.endpointBase',
    })
  }
})

t.test('[unit] a distinguished name is compared part by part, however it was written', async (t) => {
  const same: readonly (readonly [string, string])[] = [
    ['CN=a,O=b', '2.5.4.3=a , 2.5.4.10 = b '],
    ['CN=Lu\\C4\\8Di\\C4\\87', 'cn=Lučić'],
    ['CN=a\\+b', 'CN=a\\2Bb'],
    ['CN=a+OU=b', 'OU=b+CN=a'],
    ['E=a@b', 'emailAddress=a@b'],
    ['CN=\\ a\\ ', 'CN=\\20a\\20'],
  ]
  for (const [left, right] of same) {
    t.not(canonicalName(left), undefined, left)
    t.equal(canonicalName(left), canonicalName(right), `${left} and ${right}`)
  }
  const different: readonly (readonly [string, string])[] = [
    ['CN=a,O=b', 'O=b,CN=a'],
    ['CN=a,CN=a', 'CN=a'],
    ['CN=\\ a', 'CN=a'],
    ['CN=a\\,O=b', 'CN=a,O=b'],
    ['CN=%20', 'CN=\\ '],
    ['1.2.3=a', '1.2.4=a'],
  ]
  for (const [left, right] of different) t.not(canonicalName(left), canonicalName(right), `${left} is not ${right}`)
  for (const wrong of [
    '',
    'CN',
    '=a',
    'CN=a,',
    'CN=a;O=b',
    'CN=#04024869',
    'CN="a"',
    'CN=a\\',
    'CN=\ud800',
    'CN=a,,O=b',
  ]) {
    t.equal(canonicalName(wrong), undefined, wrong)
  }
})

t.test(
  '[unit] a client registers exactly one name of its certificate, and only where it authenticates by it',
  async (t) => {
    const policy = {
      development: false,
      grantTypes: ['authorization_code'],
      scopes: 'any',
      unknownFields: 'refuse',
    } as const
    const read = (metadata: Record<string, unknown>) =>
      validateClient(
        { client_name: 'App', redirect_uris: ['https://app.example/cb'], ...metadata } as Parameters<
          typeof validateClient
        >[0],
        policy,
      )
    const method = { token_endpoint_auth_method: 'tls_client_auth' }
    t.match(read({ ...method, tls_client_auth_san_ip: '10.0.0.1' }), {
      ok: true,
      value: { settings: { tlsClientName: { kind: 'sanIp', value: '10.0.0.1' } } },
    })
    const refusals: readonly (readonly [Record<string, unknown>, string, string])[] = [
      [method, 'tls_client_auth_subject_dn', 'missing'],
      [
        { ...method, tls_client_auth_subject_dn: 'CN=a', tls_client_auth_san_dns: 'a' },
        'tls_client_auth_san_dns',
        'tooMany',
      ],
      [{ ...method, tls_client_auth_subject_dn: 'app' }, 'tls_client_auth_subject_dn', 'malformed'],
      [{ ...method, tls_client_auth_san_dns: '*.example' }, 'tls_client_auth_san_dns', 'malformed'],
      [{ ...method, tls_client_auth_san_ip: '10.0.0.0/8' }, 'tls_client_auth_san_ip', 'malformed'],
      [{ ...method, tls_client_auth_san_ip: '010.0.0.1' }, 'tls_client_auth_san_ip', 'malformed'],
      [{ ...method, tls_client_auth_san_uri: 'a b' }, 'tls_client_auth_san_uri', 'malformed'],
      [{ ...method, tls_client_auth_san_email: 'a' }, 'tls_client_auth_san_email', 'malformed'],
      [{ tls_client_auth_subject_dn: 'CN=a' }, 'tls_client_auth_subject_dn', 'unsupportedValue'],
      [
        { dpop_bound_access_tokens: true, tls_client_certificate_bound_access_tokens: true },
        'dpop_bound_access_tokens',
        'unsupportedValue',
      ],
      [{ token_endpoint_auth_method: 'self_signed_tls_client_auth' }, 'jwks', 'keysNeeded'],
    ]
    for (const [metadata, field, reason] of refusals) {
      t.match(read(metadata), { ok: false, error: { field, reason } }, JSON.stringify(metadata))
    }
  },
)
