// Owns mod_auth_openidc of Debian as a relying party, in an Apache that protects one page.

import t from 'tap'
import { ALICE, freePort } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { startApache } from './apache.ts'
import { AS_ALICE, openWorld } from './world.ts'

const world = await openWorld(t)

type Metadata = Parameters<typeof world.client>[0]
type Ending = Parameters<typeof startApache>[0]

/** An Apache with a client of its own. */
const openApache = async (
  ending: Ending,
  metadata: Metadata,
  directives: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const origin = `http://127.0.0.1:${await freePort()}`
  const { clientId, clientSecret } = await world.client({
    client_name: 'Intranet',
    redirect_uris: [`${origin}/redirect`],
    ...metadata,
  })
  await startApache(ending, origin, {
    OIDCProviderMetadataURL: `${world.issuer}/.well-known/openid-configuration`,
    OIDCClientID: clientId,
    OIDCClientSecret: clientSecret,
    ...directives,
  })
  return origin
}

/** The variables that the protected page shows. */
const variablesOf = (page: string): Readonly<Record<string, string>> =>
  Object.fromEntries(page.split('\n').map((line) => [line.split('=', 1)[0] ?? '', line.slice(line.indexOf('=') + 1)]))

const UNKNOWN = '(none)'

t.test('[CONF-B-oidcc-server, CONF-A12] signs in as it comes: by Basic and with a nonce, without PKCE', async (t) => {
  const origin = await openApache(t, { pkce: 'optional' })
  const visitor = createVisitor(world.issuer, [origin])
  const arrival = await visitor.signIn(`${origin}/`, AS_ALICE)
  t.equal(arrival.status, 200)
  t.match(variablesOf(arrival.body), {
    REMOTE_USER: `${world.alice}@${world.issuer}`,
    OIDC_CLAIM_sub: world.alice,
    OIDC_CLAIM_email: UNKNOWN,
  })
  const again = await visitor.open(`${origin}/`)
  t.equal(again.url, `${origin}/`, 'it remembers')
  t.equal(variablesOf(again.body)['OIDC_CLAIM_sub'], world.alice)
})

t.test('[R9700-06] is refused with invalid_request where PKCE is required', async (t) => {
  const origin = await openApache(t, {})
  const arrival = await createVisitor(world.issuer, [origin]).signIn(`${origin}/`, AS_ALICE)
  t.ok(arrival.url.startsWith(`${origin}/redirect?`))
  t.match(new URL(arrival.url).searchParams.get('error'), 'invalid_request')
  t.notMatch(arrival.body, 'REMOTE_USER')
})

t.test(
  '[CONF-B-oidcc-ensure-request-with-valid-pkce-succeeds] signs in with PKCE and is told all that its scopes name',
  async (t) => {
    const origin = await openApache(
      t,
      { token_endpoint_auth_method: 'client_secret_post', scope: 'openid profile email groups' },
      {
        OIDCPKCEMethod: 'S256',
        OIDCProviderTokenEndpointAuth: 'client_secret_post',
        OIDCScope: '"openid profile email groups"',
        OIDCRemoteUserClaim: 'preferred_username',
      },
    )
    const arrival = await createVisitor(world.issuer, [origin]).signIn(`${origin}/`, AS_ALICE)
    t.match(variablesOf(arrival.body), {
      REMOTE_USER: 'alice',
      OIDC_CLAIM_email: ALICE.email,
      OIDC_CLAIM_name: ALICE.name,
      OIDC_CLAIM_groups: 'admins,staff',
    })
  },
)

t.test(
  '[CONF-B-oidcc-ensure-post-request-succeeds, CONF-B-form-post] asks by a posted form and is answered by one',
  async (t) => {
    const origin = await openApache(
      t,
      {},
      {
        OIDCPKCEMethod: 'S256',
        OIDCProviderAuthRequestMethod: 'POST',
        OIDCResponseMode: 'form_post',
        OIDCCookieSameSite: 'Off',
      },
    )
    const arrival = await createVisitor(world.issuer, [origin]).signIn(`${origin}/`, AS_ALICE)
    t.match(variablesOf(arrival.body), { OIDC_CLAIM_sub: world.alice })
  },
)

t.test('[unit] a person who denies is not let in', async (t) => {
  const origin = await openApache(t, {}, { OIDCPKCEMethod: 'S256' })
  const arrival = await createVisitor(world.issuer, [origin]).signIn(`${origin}/`, { ...AS_ALICE, consent: 'deny' })
  t.equal(new URL(arrival.url).searchParams.get('error'), 'access_denied')
  t.notMatch(arrival.body, 'REMOTE_USER')
})
