// Owns Python's relying parties of Debian in a Flask app: Authlib, which reads metadata, verifies ID tokens and their at_hash, and
// requests-oauthlib, which knows addresses alone and stumbles over a scope that changed.

import { fileURLToPath } from 'node:url'
import t from 'tap'
import { ALICE, freePort } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { startProgram } from './programs.ts'
import { AS_ALICE, openWorld } from './world.ts'

const APP = fileURLToPath(new URL('../../test/relying-parties/flask_app.py', import.meta.url))
const PACKAGES = 'python3, python3-flask, python3-authlib, python3-requests, python3-requests-oauthlib'

const world = await openWorld(t)

type Metadata = Parameters<typeof world.client>[0]

/** Runs the app for a client of its own; what it found out after a sign-in, by either library. */
const openApp = async (
  ending: Parameters<typeof startProgram>[0],
  metadata: Metadata,
  env: Readonly<Record<string, string>> = {},
): Promise<(library: 'authlib' | 'oauthlib') => Promise<unknown>> => {
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const { clientId, clientSecret } = await world.client({
    client_name: 'Flask',
    redirect_uris: [`${origin}/authlib/callback`, `${origin}/oauthlib/callback`],
    scope: 'openid profile email groups',
    ...metadata,
  })
  await startProgram(ending, {
    path: '/usr/bin/python3',
    debian: PACKAGES,
    args: ['-I', APP],
    env: {
      PORT: String(port),
      ISSUER: world.issuer,
      CLIENT_ID: clientId,
      CLIENT_SECRET: clientSecret,
      SCOPE: 'openid email groups',
      // requests-oauthlib refuses plain http otherwise.
      OAUTHLIB_INSECURE_TRANSPORT: '1',
      ...env,
    },
    origin,
  })
  return async (library) => {
    const visitor = createVisitor(world.issuer, [origin])
    const { body } = await visitor.signIn(`${origin}/${library}/login`, AS_ALICE)
    return JSON.parse(body)
  }
}

const USERINFO = { sub: world.alice, email: ALICE.email, groups: ['admins', 'staff'] }

t.test(
  '[CONF-B-oidcc-server, OIDC-16, R9700-33] Authlib signs in by Basic and with a nonce, without PKCE, and finds at_hash right',
  async (t) => {
    const signIn = await openApp(t, { pkce: 'optional' })
    t.match(await signIn('authlib'), {
      claims: { iss: world.issuer, sub: world.alice, nonce: String, at_hash: String },
      userinfo: USERINFO,
    })
  },
)

t.test(
  '[CONF-B-oidcc-ensure-request-with-valid-pkce-succeeds] Authlib signs in with PKCE and its secret in the body',
  async (t) => {
    const signIn = await openApp(
      t,
      { token_endpoint_auth_method: 'client_secret_post' },
      { CODE_CHALLENGE_METHOD: 'S256', TOKEN_ENDPOINT_AUTH_METHOD: 'client_secret_post' },
    )
    t.match(await signIn('authlib'), { claims: { sub: world.alice }, userinfo: USERINFO })
  },
)

t.test('[R9700-06] Authlib without PKCE is refused where it is required', async (t) => {
  const signIn = await openApp(t, {})
  t.match(await signIn('authlib'), { failed: 'OAuthError', message: /invalid_request.*code_challenge/ })
})

t.test('[V21-10] requests-oauthlib signs in, and meets the scope that it asked for', async (t) => {
  const signIn = await openApp(t, { pkce: 'optional', nonce: 'optional' })
  t.match(await signIn('oauthlib'), { scope: ['openid', 'email', 'groups'], userinfo: USERINFO })
})
