// Owns what a provider refuses to be composed of: every fault is named at composition, none waits for a request.

import { createProvider, type ProviderConfig, parseIssuer } from '@vouchsafe/core'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { createNodeSigner, cryptoRandom, nodeHasher } from '@vouchsafe/core/ports-node'
import t from 'tap'
import { instant } from '#src/base/index.js'

const SOUND: ProviderConfig = {
  issuer: 'https://op.example',
  stores: createMemoryStores(),
  ports: {
    clock: { now: () => instant(1) },
    random: cryptoRandom,
    hasher: nodeHasher,
    signer: createNodeSigner([]),
    keys: { keys: () => [] },
    accounts: { find: () => undefined },
  },
}

const fails = (setting: string) => ({ name: 'ConfigurationError', code: 'configuration_invalid', setting })

t.test(
  '[WEB-043, R9700-20, OIDC-33, R9207-05] an issuer is https, has one spelling, and nothing that a client could compare wrongly',
  async (t) => {
    for (const issuer of [
      'https://op.example',
      'https://op.example:8443',
      'https://op.example/tenant/one',
      'http://localhost',
      'http://localhost:3000',
      'http://127.0.0.1:3000',
      'http://[::1]:3000/path',
    ])
      t.equal(createProvider({ ...SOUND, issuer }).issuer, issuer)
    for (const issuer of [
      '',
      'op.example',
      'http://op.example',
      'http://localhost.evil.example',
      'http://127.0.0.2',
      'ftp://op.example',
      'javascript:alert(1)',
      'https://op.example/',
      'https://op.example/tenant/',
      'https://op.example//',
      'https://op.example?',
      'https://op.example?a=b',
      'https://op.example#',
      'https://op.example/#f',
      'https://user@op.example',
      'https://user:pass@op.example',
      'https://OP.example',
      'HTTPS://op.example',
      'https://op.example:443',
      'https://op.example/a/../b',
      'https://op.example/a b',
      ' https://op.example',
      'https://op.example\n',
      'https:op.example',
      'https://öp.example',
    ]) {
      t.throws(() => parseIssuer(issuer), fails('issuer'), issuer)
      t.throws(() => createProvider({ ...SOUND, issuer }), fails('issuer'))
    }
  },
)

t.test('[ADV-111] what is missing or cannot be worked with is named when the provider is composed', async (t) => {
  const stores = [
    ...['clients', 'resources', 'subjects', 'sessions', 'consents', 'grants', 'accessTokens', 'interactions'],
    ...['reservations', 'attempts', 'audit'],
  ]
  for (const name of stores) {
    const config = { ...SOUND, stores: { ...SOUND.stores, [name]: undefined } } as unknown as ProviderConfig
    t.throws(() => createProvider(config), fails(`stores.${name}`))
  }
  for (const name of ['clock', 'random', 'hasher', 'signer', 'keys', 'accounts']) {
    const config = { ...SOUND, ports: { ...SOUND.ports, [name]: undefined } } as unknown as ProviderConfig
    t.throws(() => createProvider(config), fails(`ports.${name}`))
  }
  const code = 'authorizationCode'
  for (const [name, seconds] of [
    [code, 0],
    [code, -1],
    [code, 1.5],
    [code, Number.NaN],
    [code, 601],
    ['idToken', Infinity],
    ['pushedRequest', 600],
  ] as const)
    t.throws(() => createProvider({ ...SOUND, lifetimes: { [name]: seconds } }), fails(`lifetimes.${name}`))
  t.ok(createProvider({ ...SOUND, lifetimes: { authorizationCode: 600 } }))
})

t.test(
  '[unit] a feature whose store is missing is refused at composition, and no store is asked for in vain',
  async (t) => {
    const stores = { ...SOUND.stores, pushedRequests: undefined } as unknown as ProviderConfig['stores']
    for (const par of [true, 'required'] as const)
      t.throws(() => createProvider({ ...SOUND, stores, features: { par } }), fails('stores.pushedRequests'))
    for (const features of [{}, { par: false }]) t.ok(createProvider({ ...SOUND, stores, features }))
  },
)

t.test('[CONF-C7] languages are published in canonical form, or not at all', async (t) => {
  t.ok(createProvider({ ...SOUND, uiLocales: ['en', 'pt-BR', 'zh-Hant-TW'] }))
  for (const tag of ['EN', 'pt_BR', 'pt-br', '', 'en ', 'x', '*'])
    t.throws(() => createProvider({ ...SOUND, uiLocales: ['en', tag] }), fails('uiLocales'), tag)
  for (const value of ['', 'two words', 'é'])
    t.throws(() => createProvider({ ...SOUND, acrValues: [value] }), fails('acrValues'), value)
})

t.test('[ADV-075, ADV-015] every route says who may call it, and no path beside them is answered', async (t) => {
  const provider = createProvider(SOUND)
  t.same(
    provider.routes.map(({ name, path, methods, access, crossOrigin }) => [
      name,
      path,
      methods.join(' '),
      access,
      crossOrigin,
    ]),
    [
      ['authorize', '/authorize', 'GET POST', 'browser', false],
      ['token', '/token', 'POST', 'client', true],
      ['userinfo', '/userinfo', 'GET POST', 'bearer', true],
      ['jwks', '/jwks', 'GET', 'anyone', true],
      ['discovery', '/.well-known/openid-configuration', 'GET', 'anyone', true],
      ['metadata', '/.well-known/oauth-authorization-server', 'GET', 'anyone', true],
    ],
  )
  const ask = (path: string) =>
    provider.respond({
      method: 'GET',
      path,
      query: '',
      headers: new Map(),
      body: undefined,
      remoteAddress: '192.0.2.1',
    })
  for (const path of [
    '/',
    '',
    '//',
    '/tokens',
    '/token/x',
    '/TOKEN',
    '/token//',
    '/introspect',
    '/revoke',
    '/register',
    '/par',
    '/device_authorization',
    '/end_session',
    '/__proto__',
    '/constructor',
  ])
    t.equal(await ask(path), undefined, path)
})
