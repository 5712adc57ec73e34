// Owns registration as relying parties do it by libraries that others wrote, against the running server: by an initial access token and without
// one, through a sign-in, and its management. The rules themselves are shown in the core's scenarios.

import * as oauth from 'oauth4webapi'
import * as oidc from 'openid-client'
import t from 'tap'
import { createVisitor } from '../support/person.ts'
import { AS_ALICE, openWorld } from './world.ts'

const CALLBACK = 'https://rp.example/callback'

t.test(
  '[DCR-07, DCR-09, DCR-13] openid-client registers by a token of the operator, signs a person in who is told of the app, and no second time',
  async (t) => {
    const world = await openWorld(t)
    const token = await world.command('registration-token', 'create', '--label', 'workshop')
    t.match(token['token'], /^vci_/)
    const metadata = {
      redirect_uris: [CALLBACK],
      client_name: 'Workshop',
      grant_types: ['authorization_code'],
      logo_uri: 'https://bank.example/logo.png',
      client_uri: 'https://bank.example/',
      // What openid-client does with a secret unless told otherwise.
      token_endpoint_auth_method: 'client_secret_post',
    }
    const options = { execute: [oidc.allowInsecureRequests], initialAccessToken: String(token['token']) }
    const register = (): Promise<oidc.Configuration> =>
      oidc.dynamicClientRegistration(new URL(world.issuer), metadata, undefined, options)
    const config = await register()
    await t.rejects(
      register(),
      { cause: [{ scheme: 'bearer', parameters: { error: 'invalid_token' } }] },
      'the token had one use',
    )
    const { registration_client_uri, registration_access_token, ...told } = config.clientMetadata()
    t.match(told, { client_name: 'Workshop', redirect_uris: [CALLBACK], client_secret_expires_at: 0 })

    const verifier = oidc.randomPKCECodeVerifier()
    const url = oidc.buildAuthorizationUrl(config, {
      redirect_uri: CALLBACK,
      scope: 'openid email',
      state: 'state-1',
      code_challenge: await oidc.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })
    const visitor = createVisitor(world.issuer)
    const page = await visitor.open(url.href)
    t.match(page.body, /Nobody has checked this app/)
    t.match(page.body, /rp\.example/)
    t.notMatch(page.body, /bank\.example/, 'neither a logo nor a link claims a relation')
    const arrival = await visitor.signIn(url.href, AS_ALICE)
    const tokens = await oidc.authorizationCodeGrant(config, new URL(arrival.url), {
      pkceCodeVerifier: verifier,
      expectedState: 'state-1',
    })
    t.equal(tokens.claims()?.sub, world.alice)

    const managed = String(registration_client_uri)
    const headers = { authorization: `Bearer ${registration_access_token}`, 'content-type': 'application/json' }
    const read = await fetch(managed, { headers })
    t.equal(read.status, 200)
    t.match(await read.json(), { client_id: told.client_id, client_name: 'Workshop' })
    const body = JSON.stringify({ ...metadata, client_id: told.client_id, client_name: 'Renamed' })
    const updated = await fetch(managed, { method: 'PUT', headers, body })
    t.equal(updated.status, 200)
    const renewed = (await updated.json()) as {
      readonly client_name: string
      readonly registration_access_token: string
    }
    t.equal(renewed.client_name, 'Renamed')
    t.equal((await fetch(managed, { headers })).status, 401)
    const deletion = { method: 'DELETE', headers: { authorization: `Bearer ${renewed.registration_access_token}` } }
    t.equal((await fetch(managed, deletion)).status, 204)
    const again = await createVisitor(world.issuer).open(url.href)
    t.match(again.body, /This app is not known here/)
  },
)

t.test(
  '[DCR-02, DCR-10] oauth4webapi registers a public client where anybody may, and hears why it may not',
  async (t) => {
    const world = await openWorld(t, '', { DYNAMIC_CLIENTS: 'open' })
    const issuer = new URL(world.issuer)
    const insecure = { [oauth.allowInsecureRequests]: true }
    const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
    t.equal(as.registration_endpoint, `${world.issuer}/register`)
    const register = async (metadata: Partial<oauth.OmitSymbolProperties<oauth.Client>>): Promise<oauth.Client> =>
      oauth.processDynamicClientRegistrationResponse(
        await oauth.dynamicClientRegistrationRequest(as, metadata, insecure),
      )
    const client = await register({ redirect_uris: [CALLBACK], token_endpoint_auth_method: 'none' })
    t.equal(client['token_endpoint_auth_method'], 'none')
    t.notOk('client_secret' in client)
    await t.rejects(register({ redirect_uris: ['http://rp.example/cb'] }), { cause: { error: 'invalid_redirect_uri' } })
    await t.rejects(register({ redirect_uris: [CALLBACK], software_statement: 'e30.e30.' }), {
      cause: { error: 'unapproved_software_statement' },
    })
    const listed = await world.command('client', 'show', client.client_id)
    t.match(listed, { origin: 'registered', trusted: false })
  },
)

t.test('[unit] where it is off, nobody registers, and the metadata says nothing of it', async (t) => {
  const world = await openWorld(t, '', { DYNAMIC_CLIENTS: 'off' })
  const metadata = await (await fetch(`${world.issuer}/.well-known/openid-configuration`)).json()
  t.notOk('registration_endpoint' in (metadata as object))
  t.equal((await fetch(`${world.issuer}/register`, { method: 'POST', body: '{}' })).status, 404)
})
