// Owns openid-client and oauth4webapi with tokens bound to their keys (RFC 9449), without nonces and with them, over real HTTP. What is
// refused is in packages/core/test/scenarios.

import * as oauth from 'oauth4webapi'
import * as openid from 'openid-client'
import t, { type Test } from 'tap'
import { createIssuer } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { AS_ALICE } from './world.ts'

const INSECURE = { [oauth.allowInsecureRequests]: true } as const
const REDIRECT_URI = 'http://127.0.0.1:9/callback'
const METADATA = {
  client_name: 'App',
  redirect_uris: [REDIRECT_URI],
  grant_types: ['authorization_code', 'refresh_token'],
  scope: 'openid email offline_access',
  dpop_bound_access_tokens: true,
}

const started = async (t: Test, nonce: 'never' | 'required') => {
  const issuer = await createIssuer({ DPOP_NONCE: nonce })
  t.teardown(issuer.close)
  const alice = await issuer.person('alice')
  await issuer.start()
  return { ...issuer, alice }
}

for (const nonce of ['never', 'required'] as const) {
  t.test(
    `[R9449-07, R9449-15, R9449-16] openid-client binds code, tokens and refresh to its key (nonces: ${nonce})`,
    async (t) => {
      const world = await started(t, nonce)
      const made = await world.client({ ...METADATA, token_endpoint_auth_method: 'none' })
      const config = await openid.discovery(new URL(world.issuer), made.clientId, undefined, openid.None(), {
        execute: [openid.allowInsecureRequests],
      })
      const keys = await openid.randomDPoPKeyPair('ES256')
      const DPoP = openid.getDPoPHandle(config, keys)
      const verifier = openid.randomPKCECodeVerifier()
      const parameters = {
        redirect_uri: REDIRECT_URI,
        scope: 'openid email offline_access',
        prompt: 'consent',
        code_challenge: await openid.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
        dpop_jkt: await DPoP.calculateThumbprint(),
      }
      const url = openid.buildAuthorizationUrl(config, parameters)
      const back = await createVisitor(world.issuer).signIn(url.href, AS_ALICE)
      const checks = { pkceCodeVerifier: verifier }
      const tokens = await openid.authorizationCodeGrant(config, new URL(back.url), checks, undefined, { DPoP })
      t.equal(tokens.token_type, 'dpop')
      const told = await openid.fetchUserInfo(config, tokens.access_token, world.alice, { DPoP })
      t.equal(told.sub, world.alice)
      await t.rejects(openid.fetchUserInfo(config, tokens.access_token, world.alice), 'without its key')
      const next = await openid.refreshTokenGrant(config, tokens.refresh_token ?? '', undefined, { DPoP })
      t.equal(next.token_type, 'dpop')
      const thief = openid.getDPoPHandle(config, await openid.randomDPoPKeyPair('ES256'))
      const stolen = openid.refreshTokenGrant(config, next.refresh_token ?? '', undefined, { DPoP: thief })
      t.match(await stolen.catch((error: unknown) => error), { error: 'invalid_grant' })
      const again = await openid.refreshTokenGrant(config, next.refresh_token ?? '', undefined, { DPoP })
      t.ok(await openid.fetchUserInfo(config, again.access_token, world.alice, { DPoP }))
    },
  )

  t.test(
    `[R9449-07, R9449-12, R9449-15, R9449-19] oauth4webapi pushes, redeems and asks with one key (nonces: ${nonce})`,
    async (t) => {
      const world = await started(t, nonce)
      const made = await world.client(METADATA)
      const url = new URL(world.issuer)
      const server = await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, INSECURE))
      t.match(server.dpop_signing_alg_values_supported, ['ES256'])
      const client: oauth.Client = { client_id: made.clientId }
      const auth = oauth.ClientSecretBasic(made.clientSecret)
      const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('EdDSA', { extractable: true }))
      const verifier = oauth.generateRandomCodeVerifier()
      let asked = 0
      /** As its documentation has it: an answer that only wants a nonce is asked for again. */
      const patiently = async <T>(ask: () => Promise<T>): Promise<T> => {
        asked++
        try {
          return await ask()
        } catch (error) {
          if (!oauth.isDPoPNonceError(error)) throw error
          asked++
          return ask()
        }
      }
      const parameters = {
        client_id: made.clientId,
        redirect_uri: REDIRECT_URI,
        response_type: 'code',
        scope: 'openid',
        code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
        code_challenge_method: 'S256',
      }
      const options = { ...INSECURE, DPoP }
      const pushed = await patiently(async () =>
        oauth.processPushedAuthorizationResponse(
          server,
          client,
          await oauth.pushedAuthorizationRequest(server, client, auth, parameters, options),
        ),
      )
      const at = new URL(server.authorization_endpoint ?? '')
      at.search = new URLSearchParams({ client_id: made.clientId, request_uri: pushed.request_uri }).toString()
      const back = await createVisitor(world.issuer).signIn(at.href, AS_ALICE)
      const answered = oauth.validateAuthResponse(server, client, new URL(back.url))
      const tokens = await patiently(async () =>
        oauth.processAuthorizationCodeResponse(
          server,
          client,
          await oauth.authorizationCodeGrantRequest(server, client, auth, answered, REDIRECT_URI, verifier, options),
        ),
      )
      t.equal(tokens.token_type, 'dpop')
      const told = await patiently(async () =>
        oauth.processUserInfoResponse(
          server,
          client,
          world.alice,
          await oauth.userInfoRequest(server, client, tokens.access_token, options),
        ),
      )
      t.equal(told.sub, world.alice)
      t.equal(asked, nonce === 'never' ? 3 : 4, 'one nonce serves every endpoint')
    },
  )
}
