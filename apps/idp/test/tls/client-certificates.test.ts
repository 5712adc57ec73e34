// Owns clients with certificates at the running server: over TLS of its own on the second port, and behind a trusted proxy. What a
// certificate must hold is judged in packages/core/test/scenarios.

import { X509Certificate } from 'node:crypto'
import { connect } from 'node:tls'
import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import t from 'tap'
import { freePort, PASSWORD } from '../support/idp.ts'
import { ask, REDIRECT_URI } from '../web/wire.ts'
import { makeAuthority } from './certificate.ts'
import { openCertificateWorld, visitOf, withKey } from './certificate-world.ts'

const world = await openCertificateWorld(t)
const { authority, issuer, asking, origin } = world
const app = authority.certify('app')
const METADATA = { client_name: 'App', redirect_uris: [REDIRECT_URI] }
const NAMED = { ...METADATA, token_endpoint_auth_method: 'tls_client_auth', tls_client_auth_subject_dn: 'CN=app' }

t.test(
  '[ADJ-25, R9700-17] oauth4webapi authenticates by a certificate at the endpoints that ask for it, and finds them by itself',
  async (t) => {
    const { clientId } = await world.client(NAMED)
    const fetchAsApp = { [oauth.customFetch]: world.fetchWith(app) }
    const url = new URL(issuer)
    const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, fetchAsApp))
    t.match(server.mtls_endpoint_aliases, {
      token_endpoint: `${asking}/token`,
      userinfo_endpoint: `${asking}/userinfo`,
    })
    t.match(server.token_endpoint_auth_methods_supported, /tls_client_auth/)
    const client: oauth.Client = { client_id: clientId, use_mtls_endpoint_aliases: true }
    const { visitor, redirectUri } = visitOf(world)
    const verifier = oauth.generateRandomCodeVerifier()
    const at = new URL(server.authorization_endpoint ?? '')
    at.search = new URLSearchParams({
      client_id: clientId,
      redirect_uri: redirectUri,
      response_type: 'code',
      scope: 'openid',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    }).toString()
    const back = await visitor.signIn(at.href, { username: 'alice', password: PASSWORD })
    const parameters = oauth.validateAuthResponse(server, client, new URL(back.url))
    const options = { [oauth.customFetch]: fetchAsApp[oauth.customFetch] }
    const answer = await oauth.authorizationCodeGrantRequest(
      server,
      client,
      oauth.TlsClientAuth(),
      parameters,
      redirectUri,
      verifier,
      options,
    )
    const tokens = await oauth.processAuthorizationCodeResponse(server, client, answer, { requireIdToken: true })
    t.equal(oauth.getValidatedIdTokenClaims(tokens)?.sub, world.alice)
  },
)

t.test('[ADJ-25, R9700-38] openid-client’s tokens are good with its certificate alone', async (t) => {
  const bound = { ...NAMED, tls_client_certificate_bound_access_tokens: true }
  const { clientId } = await world.client(bound)
  const metadata = { client_id: clientId, use_mtls_endpoint_aliases: true }
  const options = { [openid.customFetch]: world.fetchWith(app) as openid.CustomFetch }
  const config = await openid.discovery(new URL(issuer), clientId, metadata, openid.TlsClientAuth(), options)
  t.equal(config.serverMetadata()['tls_client_certificate_bound_access_tokens'], true)
  const verifier = openid.randomPKCECodeVerifier()
  const url = openid.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    code_challenge: await openid.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
  })
  const back = await visitOf(world).visitor.signIn(url.href, { username: 'alice', password: PASSWORD })
  const tokens = await openid.authorizationCodeGrant(config, new URL(back.url), { pkceCodeVerifier: verifier })
  t.equal((await openid.fetchUserInfo(config, tokens.access_token, world.alice)).sub, world.alice)
  const use = { path: '/userinfo', headers: { authorization: `Bearer ${tokens.access_token}` }, ca: world.ca }
  t.equal((await ask(asking, use)).status, 401, 'without it')
  const { cert, key } = authority.certify('app')
  t.equal((await ask(asking, { ...use, cert, key })).status, 401, 'another one with its name')
  t.equal((await ask(origin, { ...use, cert: app.cert, key: app.key })).status, 401, 'where nobody asks for it')
  t.equal((await ask(asking, { ...use, cert: app.cert, key: app.key })).status, 200)
})

t.test(
  '[unit] openid-client authenticates by a certificate that it made itself and registered the key of',
  async (t) => {
    const own = makeAuthority('nobody').certify('whoever')
    const { clientId } = await world.client({ ...METADATA, ...withKey(own) })
    const metadata = { client_id: clientId, use_mtls_endpoint_aliases: true }
    const options = { [openid.customFetch]: world.fetchWith(own) as openid.CustomFetch }
    const config = await openid.discovery(new URL(issuer), clientId, metadata, openid.TlsClientAuth(), options)
    const verifier = openid.randomPKCECodeVerifier()
    const url = openid.buildAuthorizationUrl(config, {
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      code_challenge: await openid.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const back = await visitOf(world).visitor.signIn(url.href, { username: 'alice', password: PASSWORD })
    const tokens = await openid.authorizationCodeGrant(config, new URL(back.url), { pkceCodeVerifier: verifier })
    t.equal(tokens.claims()?.sub, world.alice)
    const fetched = await openid.fetchUserInfo(config, tokens.access_token, world.alice)
    t.equal(fetched.sub, world.alice)
  },
)

t.test(
  '[ADJ-25] what no authority of ours signed, another name, and none at all are refused, and the code is kept',
  async (t) => {
    const { clientId } = await world.client(NAMED)
    const got = await world.code(clientId)
    const attempts = {
      'no certificate': undefined,
      'another name': authority.certify('another'),
      'the name, by an authority of its own': makeAuthority('Client authority').certify('app'),
    }
    for (const [name, certificate] of Object.entries(attempts)) {
      const answer = await world.redeemAt(asking, clientId, got, certificate === undefined ? {} : { certificate })
      t.match(answer, { status: 401, body: /invalid_client/ }, name)
    }
    const unasked = await world.redeemAt(origin, clientId, got, { certificate: app })
    t.match(unasked, { status: 401, body: /invalid_client/ }, 'the first port asks nobody')
    const der = new X509Certificate(app.cert).raw.toString('base64')
    const forged = await world.redeemAt(asking, clientId, got, { headers: { 'client-cert': `:${der}:` } })
    t.match(forged, { status: 401, body: /invalid_client/ }, 'a header of its own')
    t.equal((await world.redeemAt(asking, clientId, got, { certificate: app })).status, 200)
  },
)

t.test('[unit] the second port serves machines alone, under the rules of the first', async (t) => {
  for (const path of [
    '/',
    '/authorize?client_id=a',
    '/.well-known/openid-configuration',
    '/healthz',
    '/interaction/a',
  ]) {
    const answer = await ask(asking, { path, ca: world.ca })
    t.match(answer, { status: 404, body: '' }, path)
  }
  t.equal((await ask(asking, { path: '/userinfo', ca: world.ca })).status, 401)
  const old = await new Promise<string>((resolve) => {
    const socket = connect({
      host: 'localhost',
      port: Number(new URL(asking).port),
      ca: world.ca,
      maxVersion: 'TLSv1.1',
    })
    socket.once('secureConnect', () => resolve('connected'))
    socket.once('error', () => resolve('refused'))
  })
  t.equal(old, 'refused')
})

t.test('[ADV-030, R9700-40] behind a proxy, the header counts from its address alone', async (t) => {
  const { clientId } = await world.client(NAMED)
  const header = (certificate: typeof app) => ({
    headers: {
      'client-cert': `:${new X509Certificate(certificate.cert).raw.toString('base64')}:`,
      'x-forwarded-proto': 'https',
    },
  })
  const second = async (env: Readonly<Record<string, string>>) =>
    (await world.start({ MTLS_PORT: String(await freePort()), ...env })).origin
  const trusting = await second({ TRUSTED_PROXIES: '127.0.0.1,::1', CLIENT_CERT_HEADER: 'verified' })
  const distant = await second({ TRUSTED_PROXIES: '192.0.2.0/24', CLIENT_CERT_HEADER: 'verified' })
  const careless = await second({ TRUSTED_PROXIES: '127.0.0.1,::1', CLIENT_CERT_HEADER: 'unverified' })
  const got = await world.code(clientId)
  t.match(await world.redeemAt(distant, clientId, got, header(app)), { status: 401 }, 'from elsewhere')
  t.match(await world.redeemAt(careless, clientId, got, header(app)), { status: 401 }, 'no chain was verified')
  t.match(
    await world.redeemAt(trusting, clientId, got, header(authority.certify('b'))),
    { status: 401 },
    'another name',
  )
  t.match(await world.redeemAt(trusting, clientId, got, header(app)), { status: 200 }, 'the proxy’s word')
})
