// Owns a relying party set up as Wiki.js 2 sets up passport-openidconnect: addresses instead of discovery, the secret in the body, no PKCE,
// no nonce, and a profile from userinfo whose groups decide the local ones.

import t from 'tap'
import { ALICE } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { AS_ALICE, type ExpressApp, openWorld, serve, untyped, type World } from './world.ts'

/** What the strategy hands over: what userinfo says, what the ID token says, and the token itself. */
type Verify = (
  request: unknown,
  issuer: string,
  userinfo: { readonly _json: Readonly<Record<string, unknown>>; readonly displayName?: string },
  fromIdToken: unknown,
  context: unknown,
  idToken: string,
  ...rest: readonly [unknown, unknown, unknown, (error: unknown, user?: object) => void]
) => void

interface Passport {
  initialize(): unknown
  use(name: string, strategy: object): void
  authenticate(name: string, options: object): unknown
}

const express = untyped<() => ExpressApp>('express')
const session = untyped<(options: object) => unknown>('express-session')
const { Passport: NewPassport } = untyped<{ readonly Passport: new () => Passport }>('passport')
const { Strategy } = untyped<{ readonly Strategy: new (options: object, verify: Verify) => object }>(
  'passport-openidconnect',
)

interface WikiOptions {
  readonly world: World
  readonly clientId: string
  readonly clientSecret: string
  readonly origin: string
  /** What older versions of the library append to the address of userinfo. */
  readonly userinfoQuery?: string
}

const LOCAL_GROUPS = ['Administrators', 'Editors']

/** The wiki: who signed in, or how it failed, as JSON. */
const createWiki = ({ world, clientId, clientSecret, origin, userinfoQuery = '' }: WikiOptions): ExpressApp => {
  const app = express()
  const passport = new NewPassport()
  const strategy = new Strategy(
    {
      authorizationURL: `${world.issuer}/authorize`,
      tokenURL: `${world.issuer}/token`,
      userInfoURL: `${world.issuer}/userinfo${userinfoQuery}`,
      issuer: world.issuer,
      clientID: clientId,
      clientSecret,
      callbackURL: `${origin}/login/oidc/callback`,
      passReqToCallback: true,
      skipUserProfile: false,
    },
    (_request, _issuer, userinfo, _fromIdToken, _context, idToken, _access, _refresh, _parameters, done) => {
      const { groups, ...claims } = userinfo._json
      const [, payload = ''] = idToken.split('.')
      done(null, {
        name: userinfo.displayName,
        email: claims['email'],
        // A claim that is no list changes nothing.
        groups: Array.isArray(groups) ? LOCAL_GROUPS.filter((group) => groups.includes(group)) : 'unchanged',
        idToken: JSON.parse(Buffer.from(payload, 'base64url').toString()),
      })
    },
  )
  passport.use('oidc', strategy)
  app.use(session({ secret: 'of the wiki', resave: false, saveUninitialized: false }), passport.initialize())
  const signIn = passport.authenticate('oidc', { scope: ['openid', 'profile', 'email', 'groups'], session: false })
  app.get('/login/oidc', signIn)
  app.get('/login/oidc/callback', signIn, (request: { user: unknown }, response: { json(body: unknown): void }) =>
    response.json(request.user),
  )
  app.use((error: unknown, _request: unknown, response: { json(body: unknown): void }, _next: unknown) => {
    const { code, message } = Object.assign({ code: undefined, message: undefined }, error, {
      message: error instanceof Error ? error.message : undefined,
    })
    response.json({ failed: code, message })
  })
  return app
}

const world = await openWorld(t)

const METADATA = {
  client_name: 'Wiki',
  token_endpoint_auth_method: 'client_secret_post',
  scope: 'openid profile email groups',
  pkce: 'optional',
  nonce: 'optional',
}

/** A wiki whose registration differs by these members. */
const openWiki = async (
  ending: Parameters<typeof serve>[0],
  metadata: Readonly<Record<string, string>> = {},
  userinfoQuery?: string,
): Promise<string> => {
  let app: ExpressApp | undefined
  const origin = await serve(ending, () => (request, response) => app?.(request, response))
  const made = await world.client({ ...METADATA, redirect_uris: [`${origin}/login/oidc/callback`], ...metadata })
  app = createWiki({ world, ...made, origin, ...(userinfoQuery === undefined ? {} : { userinfoQuery }) })
  return origin
}

const signIn = async (origin: string, username = 'alice'): Promise<Readonly<Record<string, unknown>>> => {
  const { body } = await createVisitor(world.issuer, [origin]).signIn(`${origin}/login/oidc`, { ...AS_ALICE, username })
  return JSON.parse(body)
}

t.test('[unit] signs in without PKCE and nonce where both are optional, by its secret in the body', async (t) => {
  const origin = await openWiki(t)
  const user = await signIn(origin)
  t.match(user, { name: ALICE.name, email: ALICE.email, groups: [] })
  t.match(user, { idToken: { iss: world.issuer, sub: world.alice } })
  const told = Object.keys(Object(user['idToken']))
  t.notOk(
    told.some((name) => ['name', 'email', 'groups', 'preferred_username', 'nonce'].includes(name)),
    'the ID token stays minimal',
  )
})

t.test('[unit] takes over exactly the groups it knows, out of three hundred', async (t) => {
  const groups = ['Unknown', 'Editors', ...Array.from({ length: 300 }, (_, n) => `team-${n}`), 'Administrators']
  await world.person('bob', { ...ALICE, email: 'bob@example.org', groups })
  const origin = await openWiki(t)
  t.strictSame((await signIn(origin, 'bob'))['groups'], LOCAL_GROUPS)
})

t.test('[CONF-A9] a person without e-mail and groups has no such claims, rather than empty ones', async (t) => {
  const { email: _email, ...rest } = ALICE
  await world.person('carol', { ...rest, email: undefined, emailVerified: false, groups: [] })
  const origin = await openWiki(t)
  const user = await signIn(origin, 'carol')
  t.notOk('email' in user)
  t.equal(user['groups'], 'unchanged')
})

t.test('[OIDC-50] what an older version appends to the address of userinfo is ignored', async (t) => {
  const origin = await openWiki(t, {}, '?schema=openid')
  t.match(await signIn(origin), { email: ALICE.email })
})

t.test('[R9700-06] the same wiki is refused with invalid_request where PKCE is required', async (t) => {
  const origin = await openWiki(t, { pkce: 'required' })
  t.match(await signIn(origin), { failed: 'invalid_request', message: /code_challenge/ })
})

t.test('[R9700-04] without PKCE, it is refused where a nonce is required', async (t) => {
  const origin = await openWiki(t, { nonce: 'required' })
  t.match(await signIn(origin), { failed: 'invalid_request', message: /nonce/ })
})
