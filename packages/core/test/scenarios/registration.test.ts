// Owns the scenarios of registration and its management over the wire: what is answered, kept, refused, spent and told. What such a client
// may then do is in self-registered.test.ts.

import type { JsonObject, Reply } from '@vouchsafe/core'
import { clientId } from '@vouchsafe/core'
import { updateClient } from '@vouchsafe/core/admin'
import { cryptoRandom, nodeHasher } from '@vouchsafe/core/ports-node'
import t from 'tap'
import { clientKey } from './assertions.ts'
import { bodyOf, claimsOf, exchange, obtainCode, redeem, userinfo } from './flows.ts'
import {
  initialToken,
  METADATA,
  manage,
  openWorld,
  REGISTER,
  registeredOf,
  registerIn,
  sendTo,
  statusOf,
} from './registration-steps.ts'
import { ALICE, createWorld, REDIRECT_URI, sha256, type World } from './world.ts'

const refusalOf = (reply: Reply): readonly [number, unknown] => [statusOf(reply), bodyOf(reply)['error']]

const headerOf = (reply: Reply, name: string): string | undefined =>
  'headers' in reply ? reply.headers.get(name) : undefined

const refusedFor = async (world: World, metadata: JsonObject): Promise<readonly [number, unknown]> =>
  refusalOf(await sendTo(world, { body: { ...METADATA, ...metadata } }))

t.test(
  '[DCR-09, CONF-D-any-registration, CONF-D-oidcc-server] a registration is answered 201, uncached, with everything that counts and defaults told',
  async (t) => {
    const world = openWorld()
    const { jwk } = clientKey('ES256')
    const reply = await sendTo(world, {
      body: {
        ...METADATA,
        contacts: ['dev@rp.example'],
        jwks: { keys: [jwk] },
        grant_types: ['authorization_code'],
        response_types: ['code'],
        scope: 'openid email',
      },
    })
    t.equal(statusOf(reply), 201)
    t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
    t.match(reply, { contentType: 'application/json' })
    const { client_id, client_secret, registration_access_token, ...told } = bodyOf(reply)
    t.match(client_secret, /^vcs_[\w-]{43}$/)
    t.match(registration_access_token, /^vcr_[\w-]{43}$/)
    t.match(told, {
      client_id_issued_at: world.clock.now(),
      client_secret_expires_at: 0,
      registration_client_uri: `https://op.example${REGISTER}?client_id=${client_id}`,
      client_name: 'Self-made',
      application_type: 'web',
      token_endpoint_auth_method: 'client_secret_basic',
      jwks: told['jwks'],
      redirect_uris: [REDIRECT_URI],
      scope: 'openid email',
      grant_types: ['authorization_code'],
      response_types: ['code'],
      id_token_signed_response_alg: 'RS256',
      contacts: ['dev@rp.example'],
    })
    const kept = await world.stores.clients.findClient(clientId(String(client_id)))
    t.match(kept, { origin: 'registered', trusted: false, pkce: 'required', nonce: 'required', corsOrigins: [] })
    t.equal(kept?.secrets[0]?.digest, sha256(String(client_secret)), 'a digest of the secret')
    t.equal(kept?.registrationTokenDigest, sha256(String(registration_access_token)), 'and of the token')
    t.match(world.events.length, 0, 'the event rode in the transition')
  },
)

t.test('[DCR-02] a client that authenticates by none is given no secret and is public', async (t) => {
  const world = openWorld()
  const { told, id } = await registerIn(world, { token_endpoint_auth_method: 'none' })
  t.notOk('client_secret' in told || 'client_secret_expires_at' in told)
  t.match(await world.stores.clients.findClient(id), { authMethod: 'none', secrets: [] })
})

t.test('[DCR-05, DCR-20] what is unknown, or an operator’s alone, is ignored and not told back', async (t) => {
  const world = openWorld()
  const { told, id } = await registerIn(world, {
    client_id: 'chosen',
    client_secret: 'chosen',
    no_such_thing: 'x',
    trusted: true,
    pkce: 'optional',
    nonce: 'optional',
    localhost_any_port: true,
    id_token_claims: 'scoped',
    cors_origins: ['https://rp.example'],
    origin: 'operator',
    disabled: false,
    'client_name#ja': 'x',
  })
  for (const name of ['no_such_thing', 'trusted', 'pkce', 'nonce', 'localhost_any_port', 'cors_origins', 'origin']) {
    t.notOk(name in told, name)
  }
  t.not(id, 'chosen')
  t.match(await world.stores.clients.findClient(id), {
    origin: 'registered',
    trusted: false,
    pkce: 'required',
    nonce: 'required',
    localhostAnyPort: false,
    idTokenClaims: 'minimal',
    corsOrigins: [],
  })
})

t.test(
  '[DCR-10, DCR-11, DCR-12, CONF-D-oidcc-redirect-uri-regfrag] redirect URIs that are not safe are refused as such',
  async (t) => {
    const world = openWorld()
    for (const [uri, more] of [
      ['https://rp.example/cb#fragment', {}],
      ['http://rp.example/cb', {}],
      ['http://127.0.0.1/cb', { application_type: 'web' }],
      ['http://localhost:8080/cb', { application_type: 'web' }],
      ['com.example.app:/cb', { application_type: 'web' }],
      ['javascript:alert(1)', {}],
      ['https://*.rp.example/cb', {}],
      ['https://rp.example/<script>', {}],
    ] as const) {
      const reply = await sendTo(world, { body: { ...METADATA, redirect_uris: [REDIRECT_URI, uri], ...more } })
      t.same(refusalOf(reply), [400, 'invalid_redirect_uri'], uri)
      t.notMatch(JSON.stringify(bodyOf(reply)), /<|alert|rp\.example/, 'nothing of the request comes back')
    }
    t.same(await refusedFor(world, { redirect_uris: [] }), [400, 'invalid_redirect_uri'])
    const native = await registerIn(world, { application_type: 'native', redirect_uris: ['https://app.example/cb'] })
    t.equal(native.told['application_type'], 'native', 'a native client may claim an https address')
  },
)

t.test(
  '[DCR-01, DCR-03, DCR-04, DCR-16, CONF-E-oidcc-3rd_party-init-login-nohttps] other metadata that breaks a rule is invalid_client_metadata',
  async (t) => {
    const world = openWorld()
    const { jwk, privateKey } = clientKey('ES256')
    const refused: readonly JsonObject[] = [
      { grant_types: ['client_credentials'] },
      { response_types: ['code'], grant_types: ['urn:example:none'] },
      { response_types: ['token'] },
      { response_types: ['code id_token'], grant_types: ['authorization_code'] },
      { jwks: { keys: [jwk] }, jwks_uri: 'https://rp.example/jwks' },
      { jwks: { keys: [privateKey.export({ format: 'jwk' }) as JsonObject] } },
      { jwks: { keys: [{ kty: 'oct', k: 'c2VjcmV0' }] } },
      { token_endpoint_auth_method: 'private_key_jwt' },
      { token_endpoint_auth_method: 'client_secret_jwt' },
      { client_name: 'x'.repeat(101) },
      { client_name: 'Bank\u202egnp.exe' },
      { contacts: ['x'.repeat(255)] },
      { contacts: Array.from({ length: 11 }, (_, index) => `a${index}@rp.example`) },
      { contacts: 'dev@rp.example' },
      { tos_uri: `https://rp.example/${'x'.repeat(2048)}` },
      { policy_uri: `https://rp.example/${'x'.repeat(2048)}` },
      { logo_uri: 'http://rp.example/logo.png' },
      { initiate_login_uri: 'http://rp.example/start' },
      { subject_type: 'elsewhere' },
      { scope: 'of nobody' },
      { scope: 7 },
      { client_name: null },
    ]
    for (const metadata of refused) {
      t.same(await refusedFor(world, metadata), [400, 'invalid_client_metadata'], JSON.stringify(metadata).slice(0, 80))
    }
  },
)

t.test('[DCR-06] a software statement is refused by its own error, and never taken as said', async (t) => {
  const world = openWorld()
  t.same(await refusedFor(world, { software_statement: 'e30.e30.' }), [400, 'unapproved_software_statement'])
})

t.test(
  '[WEB-058, WEB-064] a body that is no JSON, too deep or too wide is refused, and the last of a repeated name counts in the one parser',
  async (t) => {
    const world = openWorld()
    const deep = `{"redirect_uris":${'['.repeat(21)}${']'.repeat(21)}}`
    const wide = JSON.stringify(Object.fromEntries(Array.from({ length: 201 }, (_, index) => [`m${index}`, index])))
    for (const body of ['', '{', '[]', '"text"', 'null', deep, '['.repeat(60_000), wide]) {
      t.same(refusalOf(await sendTo(world, { body })), [400, 'invalid_client_metadata'], body.slice(0, 30))
    }
    const asForm = await sendTo(world, {
      body: JSON.stringify(METADATA),
      contentType: 'application/x-www-form-urlencoded',
    })
    t.same(refusalOf(asForm), [400, 'invalid_client_metadata'])
    const twice = `{"redirect_uris":["https://first.example/cb"],"redirect_uris":["${REDIRECT_URI}"],"__proto__":{"trusted":true}}`
    const { told, id } = registeredOf(
      await sendTo(world, { body: twice, contentType: 'application/json; charset=utf-8' }),
    )
    t.same(told['redirect_uris'], [REDIRECT_URI])
    t.match(await world.stores.clients.findClient(id), { redirectUris: [REDIRECT_URI], trusted: false })
  },
)

t.test('[DCR-15] scopes are those of the list alone, and clients that name none have the list', async (t) => {
  const world = openWorld({ registration: { mode: 'open', scopes: ['openid', 'profile', 'notes:read'] } })
  t.equal((await registerIn(world, { scope: 'openid admin notes:read groups' })).told['scope'], 'openid notes:read')
  t.equal((await registerIn(world)).told['scope'], 'openid profile notes:read')
  t.same(await refusedFor(world, { scope: 'admin' }), [400, 'invalid_client_metadata'])
})

t.test(
  '[unit] a program on a device is read as native, unnamed clients go by their address, and more grants than there are become fewer',
  async (t) => {
    const world = openWorld()
    const { told } = registeredOf(
      await sendTo(world, {
        body: {
          redirect_uris: ['edu.kit.data.oidc-agent:/redirect', 'http://localhost:4242', 'http://127.0.0.1:8080'],
          grant_types: [
            'refresh_token',
            'urn:ietf:params:oauth:grant-type:device_code',
            'authorization_code',
            'password',
          ],
          response_types: ['code'],
          scope: 'openid offline_access profile eduperson_entitlement',
        },
      }),
    )
    t.equal(told['application_type'], 'native')
    t.equal(told['client_name'], 'edu.kit.data.oidc-agent:')
    t.notOk(JSON.stringify(told['grant_types']).includes('password'))
    t.equal(told['scope'], 'openid offline_access profile')
    t.same(told['grant_types'], ['refresh_token', 'authorization_code'])
    t.notOk('refresh_tokens' in told)
    t.equal((await registerIn(world, { client_name: undefined as never })).told['client_name'], 'rp.example')
  },
)

t.test(
  '[DCR-07] with tokens, a registration needs one that is known, live and not spent; only a registration spends it',
  async (t) => {
    const world = createWorld({ registration: { mode: 'token' } })
    const bare = await sendTo(world, { body: METADATA })
    t.same(refusalOf(bare), [401, 'invalid_token'])
    t.equal(headerOf(bare, 'WWW-Authenticate'), 'Bearer')
    const wrong = await sendTo(world, { body: METADATA, token: 'vci_nobody' })
    t.same(refusalOf(wrong), [401, 'invalid_token'])
    t.equal(headerOf(wrong, 'WWW-Authenticate'), 'Bearer error="invalid_token"')
    const token = await initialToken(world, { uses: 2, lifetime: 100, scopes: ['openid', 'admin'] })
    t.same(refusalOf(await sendTo(world, { body: { redirect_uris: [] }, token })), [400, 'invalid_redirect_uri'])
    const first = registeredOf(await sendTo(world, { body: METADATA, token }))
    t.equal(first.told['scope'], 'openid', 'the token narrows, and never widens')
    world.clock.advance(99)
    registeredOf(await sendTo(world, { body: METADATA, token }))
    const spent = await sendTo(world, { body: METADATA, token })
    t.same(bodyOf(spent), bodyOf(wrong), 'a spent one is not told from an unknown one')
    const late = await initialToken(world, { lifetime: 60 })
    world.clock.advance(60)
    t.same(bodyOf(await sendTo(world, { body: METADATA, token: late })), bodyOf(wrong), 'nor is an expired one')
    const asQuery = await sendTo(world, { body: METADATA, query: `access_token=${await initialToken(world)}` })
    t.equal(statusOf(asQuery), 401, 'nor is one read from a query')
    t.same(
      world.events.map(({ name, fields }) => `${name} ${fields['reason']}`),
      [
        'registration.refused tokenMissing',
        'registration.refused tokenUnknown',
        'registration.refused metadataRejected',
        'registration.refused tokenSpent',
        'registration.refused tokenExpired',
        'registration.refused tokenMissing',
      ],
    )
  },
)

t.test('[DCR-08] where anybody may register, one network soon has to wait, and others do not', async (t) => {
  const world = openWorld()
  const from = (address: string): Promise<Reply> => sendTo(world, { body: METADATA, from: address })
  t.same(await refusedFor(world, { redirect_uris: [] }), [400, 'invalid_redirect_uri'])
  const free = await Promise.all(Array.from({ length: 20 }, (_, index) => from(`2001:db8:0:1::${index + 1}`)))
  t.ok(free.every((reply) => statusOf(reply) === 201))
  t.equal(statusOf(await from('2001:db8:0:1::ffff')), 201)
  const throttled = await from('2001:db8:0:1::1')
  t.same(refusalOf(throttled), [429, 'temporarily_unavailable'])
  t.equal(headerOf(throttled, 'Retry-After'), '60')
  t.equal(statusOf(await from('2001:db8:0:2::1')), 201)
  const token = await initialToken(world)
  t.equal(
    statusOf(await sendTo(world, { body: METADATA, token, from: '2001:db8:0:1::1' })),
    201,
    'a token waits for nobody',
  )
  world.clock.advance(60)
  t.equal(statusOf(await from('2001:db8:0:1::1')), 201)
})

t.test(
  '[DCR-17] without its token a registration is not read, changed or deleted, and no client is told from a wrong token',
  async (t) => {
    const world = openWorld()
    const one = await registerIn(world)
    const other = await registerIn(world)
    const operators = await world.client()
    await world.client({ clientId: clientId('digestless'), registrationTokenDigest: undefined })
    const expected = bodyOf(await manage(world, 'GET', { query: 'client_id=nobody', token: 'vcr_x' }))
    for (const method of ['GET', 'PUT', 'DELETE'] as const) {
      const body = method === 'PUT' ? METADATA : undefined
      for (const wrong of [
        { query: one.query, token: other.token },
        { query: one.query, token: sha256(one.token) },
        { query: `client_id=${operators.clientId}`, token: one.token },
        { query: 'client_id=digestless', token: '-'.repeat(43) },
        { query: `${one.query}&${other.query}`, token: one.token },
        { query: '', token: one.token },
      ]) {
        const reply = await manage(world, method, wrong, body)
        t.equal(statusOf(reply), 401)
        t.same(bodyOf(reply), expected)
      }
      const bare = await sendTo(world, { method, query: one.query, ...(body === undefined ? {} : { body }) })
      t.same([statusOf(bare), headerOf(bare, 'WWW-Authenticate')], [401, 'Bearer'])
    }
    const record = await world.stores.clients.findClient(one.id)
    if (record === undefined) throw new Error('no record')
    await world.stores.clients.updateClient(
      { ...record, version: 2, disabled: true },
      { now: world.clock.now(), events: [] },
    )
    t.same(bodyOf(await manage(world, 'GET', one)), expected, 'a disabled client manages nothing')
  },
)

t.test('[DCR-18, CONF-E-oidcc-3rd_party-init-login] a registration is read as it is, without the secret', async (t) => {
  const world = openWorld()
  const made = await registerIn(world, { initiate_login_uri: 'https://rp.example/start' })
  t.equal(made.told['initiate_login_uri'], 'https://rp.example/start')
  const reply = await manage(world, 'GET', made)
  t.equal(statusOf(reply), 200)
  t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
  const { client_secret: _, client_secret_expires_at: __, ...shown } = made.told
  t.same(bodyOf(reply), shown)
  t.same(world.events.at(-1)?.name, 'client.registration_read')
})

t.test(
  '[DCR-19] an update that names another client or secret, or says what the server alone says, changes nothing',
  async (t) => {
    const world = openWorld()
    const made = await registerIn(world)
    const before = await world.stores.clients.findClient(made.id)
    for (const more of [
      {},
      { client_id: 'another' },
      { client_id: made.id, client_secret: 'another' },
      { client_id: made.id, client_secret: 7 },
      { client_id: made.id, registration_access_token: made.token },
      { client_id: made.id, registration_client_uri: 'https://op.example' },
      { client_id: made.id, client_id_issued_at: 1 },
      { client_id: made.id, client_secret_expires_at: 0 },
    ]) {
      const reply = await manage(world, 'PUT', made, { ...METADATA, ...more })
      t.same(refusalOf(reply), [400, 'invalid_client_metadata'], JSON.stringify(more))
    }
    t.same(await world.stores.clients.findClient(made.id), before)
    const secret = String(made.told['client_secret'])
    const held = await manage(world, 'PUT', made, { ...METADATA, client_id: made.id, client_secret: secret })
    t.equal(statusOf(held), 200)
    t.notOk('client_secret' in bodyOf(held), 'the secret stays, and is not shown again')
  },
)

t.test(
  '[DCR-20, DCR-22] an update judges the whole anew, resets what it leaves out, raises nothing, and replaces the token',
  async (t) => {
    const world = openWorld({ registration: { mode: 'open', scopes: ['openid', 'email', 'notes'] } })
    const made = await registerIn(world, {
      scope: 'openid email',
      tos_uri: 'https://rp.example/tos',
      default_max_age: 60,
    })
    const ports = { clock: world.clock, random: cryptoRandom, hasher: nodeHasher }
    const policy = {
      development: false,
      grantTypes: ['authorization_code'],
      scopes: 'any',
      unknownFields: 'refuse',
    } as const
    const byOperator = { actor: 'operator', clientId: made.id, policy, version: undefined }
    const widened = await updateClient(
      { stores: world.stores, ports },
      {
        ...byOperator,
        change: { pkce: 'optional', scope: 'openid email admin', cors_origins: ['https://rp.example'] },
      },
    )
    t.ok(widened.ok)
    const trust = await updateClient({ stores: world.stores, ports }, { ...byOperator, change: { trusted: true } })
    t.match(trust, { ok: false, error: { rejection: { field: 'trusted', reason: 'operatorsClientsOnly' } } })
    const asked = {
      client_id: made.id,
      ...METADATA,
      redirect_uris: ['https://new.example/cb'],
      scope: 'openid notes admin email',
    }
    for (const wrong of [{ redirect_uris: ['http://new.example/cb'] }, { software_statement: 'x' }]) {
      t.equal(statusOf(await manage(world, 'PUT', made, { ...asked, ...wrong })), 400)
    }
    const reply = await manage(world, 'PUT', made, { ...asked, trusted: true })
    const changed = registeredOf(reply)
    t.equal(changed.told['scope'], 'openid email', 'no scope beyond the list, nor beyond what it had')
    t.notOk('tos_uri' in changed.told || 'default_max_age' in changed.told)
    t.match(await world.stores.clients.findClient(made.id), {
      trusted: false,
      pkce: 'required',
      corsOrigins: [],
      tosUri: undefined,
      redirectUris: ['https://new.example/cb'],
      registrationTokenDigest: sha256(changed.token),
    })
    t.equal(statusOf(await manage(world, 'GET', made)), 401, 'the token before is dead')
    t.equal(statusOf(await manage(world, 'GET', changed)), 200)
    const twice = await Promise.all(
      [1, 2].map(() => manage(world, 'PUT', changed, { client_id: made.id, ...METADATA })),
    )
    t.same(twice.map(statusOf).sort(), [200, 503], 'of two updates from one state one counts')
  },
)

t.test('[unit] an update to another way of authenticating gives a secret or takes it away', async (t) => {
  const world = openWorld()
  const made = await registerIn(world, { token_endpoint_auth_method: 'none' })
  const update = { client_id: made.id, ...METADATA }
  const secretive = registeredOf(await manage(world, 'PUT', made, update))
  t.match(secretive.told['client_secret'], /^vcs_/)
  const open = registeredOf(await manage(world, 'PUT', secretive, { ...update, token_endpoint_auth_method: 'none' }))
  t.notOk('client_secret' in open.told)
  t.same((await world.stores.clients.findClient(made.id))?.secrets, [])
})

t.test(
  '[DCR-21, DCR-23, CONF-A13] deleting answers 204, kills what was issued to that client alone, and is audited',
  async (t) => {
    const world = openWorld()
    const tokens = []
    for (const made of [await registerIn(world), await registerIn(world)]) {
      const authorization = `Basic ${Buffer.from(`${made.id}:${made.told['client_secret']}`).toString('base64')}`
      const got = await obtainCode(world, { client_id: made.id, scope: 'openid email' })
      const spare = await obtainCode(world, { client_id: made.id })
      const form = {
        grant_type: 'authorization_code',
        code: got.code,
        redirect_uri: got.redirectUri,
        code_verifier: got.verifier,
      }
      const body = bodyOf(await exchange(world, form, { authorization }))
      t.equal(claimsOf(body['id_token'])['aud'], made.id)
      tokens.push({ made, access: String(body['access_token']), spare, authorization })
    }
    const [gone, stays] = tokens
    if (gone === undefined || stays === undefined) throw new Error('two were registered')
    const reply = await manage(world, 'DELETE', gone.made)
    t.match(reply, { kind: 'empty', status: 204 })
    t.equal(headerOf(reply, 'Cache-Control'), 'no-store')
    t.equal(statusOf(await userinfo(world, gone.access)), 401)
    t.equal(statusOf(await redeem(world, gone.spare, { client_id: gone.made.id })), 401)
    t.equal(statusOf(await manage(world, 'GET', gone.made)), 401)
    t.same(bodyOf(await userinfo(world, stays.access))['email'], ALICE['email'])
    t.equal(statusOf(await manage(world, 'GET', stays.made)), 200)
  },
)

t.test('[R9700-19] a client cannot choose its identifier, which is no person’s', async (t) => {
  const world = openWorld()
  const { id } = await registerIn(world, { client_id: 'alice', sub: 'alice' })
  t.match(id, /^[a-z2-9]{24}$/)
})

t.test(
  '[unit] clients cannot register where registration is off, other methods are refused, and discovery says which it is',
  async (t) => {
    const off = createWorld()
    t.equal(await off.provider.respond({ ...BARE, path: REGISTER }), undefined)
    t.notOk('registration_endpoint' in bodyOf(await off.send({ path: '/.well-known/openid-configuration' })))
    for (const mode of ['token', 'open'] as const) {
      const world = createWorld({ registration: { mode } })
      const metadata = bodyOf(await world.send({ path: '/.well-known/openid-configuration' }))
      t.equal(metadata['registration_endpoint'], `https://op.example${REGISTER}`)
      t.equal(statusOf(await sendTo(world, { method: 'PATCH' })), 405)
    }
  },
)

const BARE = { method: 'POST', query: '', headers: new Map(), body: '{}', remoteAddress: '192.0.2.1' } as const
