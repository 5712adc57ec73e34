// Owns relying parties that are a line of middleware in an Express app: Auth.js, which reads the profile from the ID token alone, and
// express-openid-connect, which asks for a nonce and PKCE and reads userinfo.

import { ExpressAuth, type ExpressAuthConfig } from '@auth/express'
import t from 'tap'
import { ALICE } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { AS_ALICE, type ExpressApp, openWorld, serve, untyped } from './world.ts'

const express = untyped<() => ExpressApp>('express')
const { auth } = untyped<{ readonly auth: (options: object) => unknown }>('express-openid-connect')

const world = await openWorld(t)

/** An app on an origin of its own, made when its client is registered. */
const openApp = async (
  ending: Parameters<typeof serve>[0],
  metadata: Parameters<typeof world.client>[0],
  callback: string,
  appFor: (origin: string, credentials: { readonly clientId: string; readonly clientSecret: string }) => ExpressApp,
): Promise<string> => {
  let app: ExpressApp | undefined
  const origin = await serve(ending, () => (request, response) => app?.(request, response))
  const made = await world.client({ client_name: 'App', redirect_uris: [`${origin}${callback}`], ...metadata })
  app = appFor(origin, made)
  return origin
}

const createAuthJs = (credentials: { readonly clientId: string; readonly clientSecret: string }): ExpressApp => {
  const app = express()
  const config: ExpressAuthConfig = {
    providers: [{ id: 'vouchsafe', name: 'Vouchsafe', type: 'oidc', issuer: world.issuer, ...credentials }],
    secret: 'of the app, and long enough for its cookies',
    trustHost: true,
    basePath: '/auth',
    callbacks: { session: ({ session, token }) => ({ ...session, subject: token.sub }) },
  }
  app.use('/auth', ExpressAuth(config))
  return app
}

const throughAuthJs = async (origin: string): Promise<unknown> => {
  const visitor = createVisitor(world.issuer, [origin])
  const { csrfToken } = JSON.parse((await visitor.open(`${origin}/auth/csrf`)).body)
  const leaving = await visitor.request(`${origin}/auth/signin/vouchsafe`, [
    ['csrfToken', csrfToken],
    ['callbackUrl', `${origin}/auth/session`],
  ])
  const arrival = await visitor.signIn(leaving.headers.get('location') ?? '', AS_ALICE)
  return JSON.parse(arrival.body)
}

t.test(
  '[unit] Auth.js signs in by Basic and PKCE, and finds the profile in the ID token where the client is to have it there',
  async (t) => {
    const metadata = { id_token_claims: 'scoped' }
    const origin = await openApp(t, metadata, '/auth/callback/vouchsafe', (_origin, made) => createAuthJs(made))
    t.match(await throughAuthJs(origin), {
      user: { name: ALICE.name, email: ALICE.email, image: ALICE.picture },
      subject: String,
    })
  },
)

t.test('[unit] Auth.js signs in without a profile where the ID token stays minimal', async (t) => {
  const origin = await openApp(t, {}, '/auth/callback/vouchsafe', (_origin, made) => createAuthJs(made))
  const session = Object(await throughAuthJs(origin))
  t.type(session.subject, 'string')
  t.notOk(session.user.email)
})

/** What express-openid-connect knows of the one who asks. */
interface Asking {
  readonly oidc: {
    readonly idTokenClaims: Readonly<Record<string, unknown>>
    fetchUserInfo(): Promise<Readonly<Record<string, unknown>>>
  }
}

const createMiddleware = (
  origin: string,
  { clientId, clientSecret }: { readonly clientId: string; readonly clientSecret: string },
  more: object,
): ExpressApp => {
  const app = express()
  app.use(
    auth({
      issuerBaseURL: world.issuer,
      baseURL: origin,
      clientID: clientId,
      clientSecret,
      secret: 'of the app, and long enough for its cookies',
      authRequired: true,
      ...more,
    }),
  )
  app.get('/', async (request: Asking, response: { json(body: unknown): void }) =>
    response.json({ claims: request.oidc.idTokenClaims, userinfo: await request.oidc.fetchUserInfo() }),
  )
  return app
}

t.test('[unit] express-openid-connect signs in with PKCE and nonce, by code in the query', async (t) => {
  const scope = 'openid profile email'
  const origin = await openApp(t, {}, '/callback', (at, made) =>
    createMiddleware(at, made, { authorizationParams: { response_type: 'code', response_mode: 'query', scope } }),
  )
  const { body } = await createVisitor(world.issuer, [origin]).signIn(`${origin}/`, AS_ALICE)
  t.match(JSON.parse(body), { claims: { sub: world.alice }, userinfo: { sub: world.alice, name: ALICE.name } })
})
