// Owns the proof of the registration rules: what may be registered, and under which word the rest is refused.

import { generateKeyPairSync } from 'node:crypto'
import t from 'tap'
import { type Json, type JsonObject, parseJson } from '#src/base/index.js'
import { type RegistrationPolicy, validateClient } from '#src/client/registration.js'
import { describeClientRejection } from '#src/client/registration-rejection.js'
import { checkOrigin, checkRedirectUri } from '#src/client/registration-uris.js'

const POLICY: RegistrationPolicy = {
  development: false,
  grantTypes: ['authorization_code'],
  scopes: 'any',
  unknownFields: 'refuse',
}
const WEB = { client_name: 'Wiki', redirect_uris: ['https://wiki.example/login/callback'] }

const reasonOf = (metadata: JsonObject, policy: Partial<RegistrationPolicy> = {}): string => {
  const validated = validateClient(metadata, { ...POLICY, ...policy })
  return validated.ok ? 'accepted' : `${validated.error.field} ${validated.error.reason}`
}

const verdictOn = (uri: string, applicationType: 'web' | 'native', development = false): string => {
  const verdict = checkRedirectUri(uri, { applicationType, development })
  return verdict.ok ? 'accepted' : verdict.error
}

const publicJwk = (pair: { readonly publicKey: ReturnType<typeof generateKeyPairSync>['publicKey'] }): JsonObject => {
  const jwk: Json | undefined = parseJson(JSON.stringify(pair.publicKey.export({ format: 'jwk' })), 10_000)
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) throw new Error('no JWK')
  return jwk as JsonObject
}

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const RSA = publicJwk(rsa)
const P256 = publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-256' }))
const WEAK = publicJwk(generateKeyPairSync('rsa', { modulusLength: 1024 }))
const SECP = publicJwk(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))
const ED25519 = publicJwk(generateKeyPairSync('ed25519'))

t.test(
  '[unit] the least that a client needs is a name and a redirect URI, and the defaults are the strict ones',
  async (t) => {
    const validated = validateClient(WEB, POLICY)
    t.ok(validated.ok)
    if (!validated.ok) return
    t.same(validated.value.warnings, [])
    t.match(validated.value.settings, {
      name: 'Wiki',
      applicationType: 'web',
      authMethod: 'client_secret_basic',
      grantTypes: ['authorization_code'],
      scopes: ['openid', 'profile', 'email'],
      pkce: 'required',
      nonce: 'required',
      idTokenAlg: 'RS256',
      idTokenClaims: 'minimal',
      trusted: false,
      localhostAnyPort: false,
      corsOrigins: [],
    })
  },
)

t.test('[ADV-004] a redirect URI with a wildcard or a pattern is not registered', async (t) => {
  for (const uri of [
    'https://*.example.com/cb',
    'https://app.example/*',
    'https://app.example/cb?x=*',
    'http://127.0.0.1:*/cb',
    'com.example.app:/*',
    'https://app.example/{tenant}/cb',
    'https://app.example/(a|b)^',
  ]) {
    t.equal(verdictOn(uri, 'native'), 'unsafeCharacter', uri)
  }
  t.equal(verdictOn('*', 'web'), 'unsafeCharacter')
})

t.test(
  '[ADV-083, ADV-095, ADV-100] only https, and for native clients loopback http and reversed domains, are schemes of a redirect URI',
  async (t) => {
    for (const scheme of [
      'javascript:alert(1)',
      'javascript://app.example/%0aalert(1)',
      'data:text/html,hi',
      'vbscript:x',
      'file:///etc/passwd',
      'blob:https://app.example/1',
      'about:blank',
      'ftp://app.example/cb',
      'ws://app.example/cb',
      'mailto:a@app.example',
      'intent://x',
      'view-source:https://app.example/',
      'filesystem:https://app.example/x',
      'myapp:/cb',
      'urn:ietf:wg:oauth:2.0:oob',
      'JavaScript:alert(1)',
      'HTTPS://app.example/cb',
    ]) {
      for (const type of ['web', 'native'] as const)
        t.equal(verdictOn(scheme, type), 'schemeNotAllowed', `${type} ${scheme}`)
    }
    t.equal(verdictOn('http://app.example/cb', 'web'), 'plainHttp')
    t.equal(verdictOn('http://app.example/cb', 'native'), 'plainHttp')
    t.equal(verdictOn('http://127.0.0.1.evil.example/cb', 'native', true), 'plainHttp')
    t.equal(reasonOf({ ...WEB, redirect_uris: ['javascript:alert(1)'] }), 'redirect_uris schemeNotAllowed')
    t.equal(verdictOn('https://app.example/cb?a=1&b=2', 'web'), 'accepted')
    t.equal(verdictOn('https://app.example', 'web'), 'accepted')
    t.equal(verdictOn('https://app.example:8443/cb', 'web'), 'accepted')
    t.equal(verdictOn('https://[2001:db8::1]/cb', 'web'), 'accepted')
  },
)

t.test('[R8252-02] a private-use scheme is a reversed domain name followed by a single slash', async (t) => {
  t.equal(verdictOn('com.example.app:/oauth2/redirect', 'native'), 'accepted')
  t.equal(verdictOn('com.example.app:/cb?x=1', 'native'), 'accepted')
  t.equal(verdictOn('com.example.app:/cb', 'web'), 'privateUseNeedsNative')
  for (const uri of [
    'com.example.app://cb',
    'com.example.app:cb',
    'com.example.app:',
    'com..app:/cb',
    'com.example.:/cb',
  ]) {
    t.equal(verdictOn(uri, 'native'), 'privateUseForm', uri)
  }
  for (const uri of ['soap.beep:/cb', 'z39.50r:/cb', 'example:/cb', 'http:/cb', 'https:/cb']) {
    t.not(verdictOn(uri, 'native'), 'accepted', uri)
  }
})

t.test('[R8252-06] a redirect URI of a native client is complete, path included', async (t) => {
  for (const uri of [
    'com.example.app:/',
    'com.example.app:/?x=1',
    'com.example.app',
    '/callback',
    'callback',
    'http:127.0.0.1/cb',
    'http:///cb',
  ]) {
    t.not(verdictOn(uri, 'native'), 'accepted', uri)
  }
  t.equal(reasonOf({ ...WEB, application_type: 'native', redirect_uris: [] }), 'redirect_uris missing')
})

t.test(
  '[R8252-05] loopback is for native clients; by the name localhost it is allowed with a warning, its port fixed unless opted in',
  async (t) => {
    for (const uri of [
      'http://127.0.0.1/cb',
      'http://[::1]/cb',
      'http://127.0.0.1:8400/cb',
      'http://localhost:8400/cb',
    ]) {
      t.equal(verdictOn(uri, 'native'), 'accepted', uri)
      t.equal(verdictOn(uri, 'web'), 'loopbackNeedsNative', uri)
      t.equal(verdictOn(uri, 'web', true), 'accepted', `${uri} in development`)
    }
    for (const uri of ['http://127.0.0.2/cb', 'http://0.0.0.0/cb', 'http://192.168.1.2/cb', 'http://LOCALHOST/cb']) {
      t.equal(verdictOn(uri, 'native', true), 'plainHttp', uri)
    }
    const native = { client_name: 'CLI', application_type: 'native', token_endpoint_auth_method: 'none' }
    const named = validateClient({ ...native, redirect_uris: ['http://localhost/cb'] }, POLICY)
    t.ok(named.ok && named.value.warnings.includes('localhostByName') && !named.value.settings.localhostAnyPort)
    t.equal(reasonOf({ ...WEB, localhost_any_port: true }), 'localhost_any_port loopbackNeedsNative')
  },
)

t.test('[V21-02] a redirect URI with a fragment, even an empty one, is not registered', async (t) => {
  for (const uri of [
    'https://app.example/cb#x',
    'https://app.example/cb#',
    'com.example.app:/cb#x',
    'http://127.0.0.1/#',
  ]) {
    t.equal(verdictOn(uri, 'native'), 'fragment', uri)
  }
})

t.test('[ADV-136] what browsers and servers read differently is not registered', async (t) => {
  const refused: readonly (readonly [string, string])[] = [
    ['https://user@app.example/cb', 'userinfo'],
    ['https://app.example@evil.example/cb', 'userinfo'],
    ['https://app.example\\@evil.example/cb', 'unsafeCharacter'],
    ['https://app.example/c b', 'unsafeCharacter'],
    ['https://app.example/cb\n', 'unsafeCharacter'],
    ['\thttps://app.example/cb', 'unsafeCharacter'],
    ['https://app.example/cb\u0000', 'unsafeCharacter'],
    ['https://аpp.example/cb', 'unsafeCharacter'],
    ['https://app.example/%zz', 'unsafeCharacter'],
    ['https:app.example/cb', 'notAbsolute'],
    ['https:///app.example/cb', 'notAbsolute'],
    ['//app.example/cb', 'notAbsolute'],
    ['https://app.example:99999/cb', 'ambiguousHost'],
    ['https://app.example:/cb', 'ambiguousHost'],
    ['https://app.example./cb', 'ambiguousHost'],
    ['https://ex%61mple.org/cb', 'ambiguousHost'],
    ['https://0x7f.1/cb', 'ambiguousHost'],
    ['https://2130706433/cb', 'ambiguousHost'],
    ['http://127.1/cb', 'ambiguousHost'],
    ['http://[0:0:0:0:0:0:0:1]/cb', 'ambiguousHost'],
    ['https://app.example/a/../cb', 'ambiguousPath'],
    ['https://app.example/a/%2e%2E/cb', 'ambiguousPath'],
    ['com.example.app:/a/../cb', 'ambiguousPath'],
    [`https://app.example/${'a'.repeat(2048)}`, 'tooLong'],
  ]
  for (const [uri, reason] of refused) t.equal(verdictOn(uri, 'native'), reason, JSON.stringify(uri.slice(0, 60)))
})

t.test('[ADV-018] a redirect URI that holds a parameter of the answer is not registered', async (t) => {
  for (const query of ['code=x', 'a=1&state=', 'iss=x', 'error=x', 'st%61te=x']) {
    t.equal(verdictOn(`https://app.example/cb?${query}`, 'web'), 'reservedParameter', query)
    t.equal(verdictOn(`com.example.app:/cb?${query}`, 'native'), 'reservedParameter', query)
  }
  t.equal(verdictOn('https://app.example/cb?codes=x&next=state', 'web'), 'accepted')
})

t.test('[ADV-119] the links of a client are https', async (t) => {
  for (const field of ['client_uri', 'logo_uri', 'policy_uri', 'tos_uri']) {
    t.equal(reasonOf({ ...WEB, [field]: 'https://wiki.example/about#team' }), `${field} fragment`)
    t.equal(reasonOf({ ...WEB, [field]: 'https://wiki.example/about?x=1' }), 'accepted')
    t.equal(reasonOf({ ...WEB, [field]: 'http://wiki.example/' }, { development: true }), `${field} plainHttp`)
    t.equal(reasonOf({ ...WEB, [field]: 'javascript:alert(1)' }), `${field} schemeNotAllowed`)
    t.equal(reasonOf({ ...WEB, [field]: 'data:image/png;base64,AA' }), `${field} schemeNotAllowed`)
    t.equal(reasonOf({ ...WEB, [field]: 'https://x@wiki.example/' }), `${field} userinfo`)
    t.equal(reasonOf({ ...WEB, [field]: 7 }), `${field} malformed`)
  }
})

t.test('[ADV-128] an origin is registered in exactly its own form', async (t) => {
  const verdict = (origin: string, development = false): string => {
    const checked = checkOrigin(origin, { development })
    return checked.ok ? 'accepted' : checked.error
  }
  t.equal(verdict('https://app.example'), 'accepted')
  t.equal(verdict('https://app.example:8443'), 'accepted')
  for (const origin of [
    'https://app.example/',
    'https://app.example:443',
    'https://App.example',
    'https://app.example/x',
  ]) {
    t.equal(verdict(origin), 'notAnOrigin', origin)
  }
  t.equal(verdict('http://localhost:5173'), 'plainHttp')
  t.equal(verdict('http://localhost:5173', true), 'accepted')
  t.equal(verdict('http://app.example', true), 'plainHttp')
  t.equal(verdict('null'), 'notAbsolute')
  t.equal(verdict('https://*.app.example'), 'unsafeCharacter')
})

t.test('[ADV-053] odd shapes of metadata are refused, never coerced', async (t) => {
  const holes: Json[] = ['https://a.example/cb']
  holes[2] = 'https://b.example/cb'
  for (const uris of [holes, [null], [7], [['https://a.example/cb']], 'https://a.example/cb', {}, null]) {
    t.equal(reasonOf({ ...WEB, redirect_uris: uris }), 'redirect_uris malformed', JSON.stringify(uris))
  }
  t.equal(reasonOf({ ...WEB, redirect_uris: ['https://a.example/', 'https://a.example/'] }), 'redirect_uris repeated')
  t.equal(
    reasonOf({ ...WEB, redirect_uris: Array.from({ length: 51 }, (_, n) => `https://a.example/${n}`) }),
    'redirect_uris tooMany',
  )
  t.equal(reasonOf({ ...WEB, trusted: 'true' }), 'trusted malformed')
  t.equal(reasonOf({ ...WEB, default_max_age: '60' }), 'default_max_age malformed')
  t.equal(reasonOf({ ...WEB, default_max_age: -1 }), 'default_max_age outOfRange')
  t.equal(reasonOf({ ...WEB, default_max_age: 1.5 }), 'default_max_age malformed')
  t.equal(reasonOf({ ...WEB, scope: ['openid'] }), 'scope malformed')
  t.equal(reasonOf({ ...WEB, jwks: [RSA] }), 'jwks malformed')
  t.equal(reasonOf({ ...WEB, jwks: { keys: ['x'] } }), 'jwks malformed')
  t.equal(
    reasonOf({ ...WEB, token_endpoint_auth_method: 'client_secret_jwt' }),
    'token_endpoint_auth_method unsupportedValue',
  )
  t.equal(reasonOf({ ...WEB, id_token_signed_response_alg: 'none' }), 'id_token_signed_response_alg unsupportedValue')
  t.equal(reasonOf({ ...WEB, grant_types: ['implicit'] }), 'grant_types unsupportedValue')
  t.equal(reasonOf({ ...WEB, response_types: ['token'] }), 'response_types unsupportedValue')
})

t.test(
  '[unit] unknown members are refused from an administrator and ignored at a registration endpoint; what is not built is refused from both',
  async (t) => {
    t.equal(reasonOf({ ...WEB, redirect_uri: 'https://a.example' }), 'redirect_uri unknownField')
    t.equal(reasonOf({ ...WEB, contacts: ['a@b.example'] }, { unknownFields: 'ignore' }), 'accepted')
    t.equal(reasonOf({ ...WEB, jwks_uri: 'http://a.example/jwks' }, { unknownFields: 'ignore' }), 'jwks_uri notBuilt')
  },
)

t.test(
  '[DCR-03, ADV-017] where keys are published is an https address outside, and never beside keys by value',
  async (t) => {
    const keyed = { ...WEB, token_endpoint_auth_method: 'private_key_jwt' }
    const judge = (jwks_uri: Json, over: Partial<RegistrationPolicy> = {}): string =>
      reasonOf({ ...keyed, jwks_uri }, { fetches: true, ...over })
    for (const uri of ['https://app.example/jwks.json', 'https://keys.app.example:8443/a?b=c'])
      t.equal(judge(uri), 'accepted', uri)
    t.equal(
      reasonOf({ ...keyed, jwks_uri: 'https://app.example/jwks', jwks: { keys: [RSA] } }, { fetches: true }),
      'jwks_uri notBoth',
    )
    t.equal(
      reasonOf({ ...keyed, jwks_uri: 'https://app.example/jwks', jwks: { keys: [] } }, { fetches: true }),
      'jwks_uri notBoth',
    )
    t.equal(reasonOf({ ...keyed, jwks_uri: 'https://app.example/jwks' }), 'jwks_uri notBuilt')
    t.equal(reasonOf(keyed, { fetches: true }), 'jwks keysNeeded')
    for (const [reason, uris] of Object.entries({
      malformed: ['', 7, null, ['https://app.example/']],
      tooLong: [`https://app.example/${'x'.repeat(2048)}`],
      fragment: ['https://app.example/jwks#part'],
      userinfo: ['https://user@app.example/jwks', 'https://user:word@app.example/'],
      plainHttp: ['http://app.example/jwks', 'http://localhost/jwks', 'http://127.0.0.1:9/'],
      schemeNotAllowed: [
        'file:///etc/passwd',
        'ftp://app.example/',
        'data:application/json,x',
        'gopher://app.example/',
      ],
      ambiguousHost: [
        'https://2130706433/',
        'https://0x7f.1/',
        'https://127.1/',
        'https://app.example./',
        'https://[::FFFF:127.0.0.1]/',
      ],
      hostInside: [
        ...[
          'https://127.0.0.1/',
          'https://10.0.0.1/',
          'https://192.168.1.1/',
          'https://169.254.169.254/latest/',
          'https://8.8.8.8/',
        ],
        ...[
          'https://[::1]/',
          'https://[fd00::1]/',
          'https://[::ffff:7f00:1]/',
          'https://localhost/',
          'https://a.localhost/',
          'https://intranet/',
        ],
      ],
    })) {
      for (const uri of uris) t.equal(judge(uri), `jwks_uri ${reason}`, String(uri))
    }
    for (const uri of ['http://localhost:9000/jwks', 'http://127.0.0.1:9000/jwks', 'https://[::1]:9000/jwks']) {
      t.equal(judge(uri, { development: true }), 'accepted', uri)
    }
    for (const uri of ['http://app.example/', 'http://10.0.0.1/'])
      t.equal(judge(uri, { development: true }), 'jwks_uri plainHttp', uri)
    t.equal(judge('https://10.0.0.1/', { development: true }), 'jwks_uri hostInside')
  },
)

t.test('[WEB-061, WEB-067] names and scopes have limits and plain characters, found out in linear time', async (t) => {
  t.equal(reasonOf({ ...WEB, client_name: '' }), 'client_name malformed')
  t.equal(reasonOf({ ...WEB, client_name: '   ' }), 'client_name missing')
  t.equal(reasonOf({ redirect_uris: WEB.redirect_uris }), 'client_name missing')
  t.equal(reasonOf({ ...WEB, client_name: 'n'.repeat(100) }), 'accepted')
  t.equal(reasonOf({ ...WEB, client_name: '𝒩'.repeat(100) }), 'accepted')
  t.equal(reasonOf({ ...WEB, client_name: 'n'.repeat(101) }), 'client_name tooLong')
  for (const bad of ['a\nb', 'a\u202Eb', 'a\u200Bb', 'a\u0000b', 'a\u2028b', 'a\uD800b']) {
    t.equal(reasonOf({ ...WEB, client_name: bad }), 'client_name unsafeCharacter', `code point ${bad.codePointAt(1)}`)
  }
  t.equal(reasonOf({ ...WEB, client_name: '<b>Wiki</b> & "Co"' }), 'accepted', 'markup is text; pages escape it')
  t.equal(reasonOf({ ...WEB, scope: 'openid a"b' }), 'scope unsafeCharacter')
  t.equal(reasonOf({ ...WEB, scope: 'openid\temail' }), 'scope unsafeCharacter')
  t.equal(reasonOf({ ...WEB, scope: `openid ${'s'.repeat(101)}` }), 'scope tooLong')
  t.equal(reasonOf({ ...WEB, scope: 'openid admin' }, { scopes: new Set(['openid']) }), 'scope scopeNotAllowed')
  const huge = 'a.'.repeat(50_000)
  // Time of this process alone, so that a busy machine changes nothing.
  const before = process.cpuUsage()
  for (const uri of [`https://${huge}`, `${huge}:/x`, `https://a.example/?${huge}`, `https://${'a@'.repeat(50_000)}`]) {
    verdictOn(uri, 'native')
    reasonOf({ ...WEB, client_name: uri, scope: uri, client_uri: uri, cors_origins: [uri] })
  }
  const { user, system } = process.cpuUsage(before)
  t.ok((user + system) / 1000 < 4 * 10, 'under 10 ms for each')
})

t.test('[WEB-069, WEB-071] a client registers public, asymmetric, strong keys alone', async (t) => {
  const withKeys = (...keys: readonly Json[]): JsonObject => ({
    ...WEB,
    token_endpoint_auth_method: 'private_key_jwt',
    jwks: { keys },
  })
  t.equal(reasonOf(withKeys({ ...RSA, kid: 'a' }, { ...P256, alg: 'ES256' }, ED25519)), 'accepted')
  t.equal(reasonOf(withKeys()), 'jwks keysNeeded')
  t.equal(reasonOf(withKeys({ ...P256, use: 'enc' })), 'jwks keysNeeded', 'a key for encryption signs nothing')
  t.equal(reasonOf(withKeys({ kty: 'oct', k: 'c2VjcmV0' })), 'jwks privateKey')
  t.equal(reasonOf(withKeys({ kty: 'oct' })), 'jwks privateKey')
  t.equal(reasonOf(withKeys({ ...P256, d: 'x' })), 'jwks privateKey')
  t.equal(reasonOf(withKeys({ ...P256, use: 'enc', d: 'x' })), 'jwks privateKey')
  t.equal(reasonOf(withKeys(WEAK)), 'jwks weakKey')
  t.equal(reasonOf(withKeys(SECP)), 'jwks weakKey')
  t.equal(reasonOf(withKeys({ ...P256, x: 'AA' })), 'jwks weakKey')
  t.equal(reasonOf(withKeys({ ...RSA, e: 'AQ' })), 'jwks weakKey')
  t.equal(reasonOf(withKeys({ ...P256, alg: 'RS256' })), 'jwks unsuitableKey')
  t.equal(reasonOf(withKeys({ ...RSA, alg: 'HS256' })), 'jwks unsuitableKey')
  t.equal(reasonOf(withKeys({ ...RSA, kid: 'k'.repeat(256) })), 'jwks malformed')
  t.equal(reasonOf(withKeys(...Array.from({ length: 11 }, () => P256))), 'jwks tooMany')
  const kept = validateClient(withKeys({ ...RSA, kid: 'a', x5c: ['AA'], note: 'x' }), POLICY)
  t.ok(kept.ok)
  if (kept.ok) t.same(Object.keys(kept.value.settings.jwks[0] ?? {}).toSorted(), ['e', 'kid', 'kty', 'n', 'use'])
})

t.test(
  '[R9700-06, R8252-07] PKCE and nonce are optional for confidential clients alone, and a secret in a native app makes none',
  async (t) => {
    const optional = { ...WEB, pkce: 'optional', nonce: 'optional' }
    const validated = validateClient(optional, POLICY)
    t.ok(validated.ok)
    if (validated.ok) t.same(validated.value.warnings, ['pkceOptional', 'nonceOptional'])
    t.equal(reasonOf({ ...WEB, pkce: 'optional', token_endpoint_auth_method: 'none' }), 'pkce confidentialOnly')
    t.equal(reasonOf({ ...WEB, nonce: 'optional', token_endpoint_auth_method: 'none' }), 'nonce confidentialOnly')
    t.equal(reasonOf({ ...WEB, pkce: 'optional', application_type: 'native' }), 'pkce confidentialOnly')
    const keyed = {
      ...WEB,
      application_type: 'native',
      token_endpoint_auth_method: 'private_key_jwt',
      jwks: { keys: [P256] },
    }
    t.equal(reasonOf({ ...keyed, pkce: 'optional' }), 'accepted', 'a key of its own is no shared secret')
  },
)

t.test(
  '[OIDC-24] how requests are sent and answers signed is registered with the algorithms that are built, and addresses with https',
  async (t) => {
    const jwks = { keys: [P256] }
    t.equal(reasonOf({ ...WEB, require_pushed_authorization_requests: true }), 'accepted')
    t.equal(
      reasonOf({ ...WEB, require_pushed_authorization_requests: 'true' }),
      'require_pushed_authorization_requests malformed',
    )
    t.equal(reasonOf({ ...WEB, jwks, require_signed_request_object: true }), 'accepted')
    t.equal(reasonOf({ ...WEB, require_signed_request_object: true }), 'jwks keysNeeded')
    for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'])
      t.equal(reasonOf({ ...WEB, request_object_signing_alg: alg }), 'accepted', alg)
    for (const alg of ['none', 'HS256', 'RS512', ''])
      t.equal(reasonOf({ ...WEB, request_object_signing_alg: alg }), 'request_object_signing_alg unsupportedValue', alg)
    t.equal(reasonOf({ ...WEB, authorization_signed_response_alg: 'ES256' }), 'accepted')
    for (const alg of ['none', 'HS256', 'PS256'])
      t.equal(
        reasonOf({ ...WEB, authorization_signed_response_alg: alg }),
        'authorization_signed_response_alg unsupportedValue',
      )
    for (const field of ['request_object_encryption_alg', 'authorization_encrypted_response_alg'])
      t.equal(reasonOf({ ...WEB, [field]: 'RSA-OAEP' }, { unknownFields: 'ignore' }), `${field} notBuilt`)
    const uris = [
      'https://wiki.example/r.jwt',
      'https://wiki.example/r.jwt#GkurKxf5T0Y-mnPFCHqWOMiZi4VS138cQO_V7PZHAdM',
    ]
    const validated = validateClient({ ...WEB, request_uris: uris }, { ...POLICY, fetches: true })
    t.ok(validated.ok)
    if (validated.ok) t.same(validated.value.settings.requestUris, uris)
    for (const [uri, reason] of [
      ['http://wiki.example/r.jwt', 'plainHttp'],
      ['http://localhost/r.jwt', 'plainHttp'],
      ['file:///etc/passwd', 'schemeNotAllowed'],
      ['https://user@wiki.example/r', 'userinfo'],
      ['https://127.1/r', 'ambiguousHost'],
      ['https://wiki.example/*', 'unsafeCharacter'],
      ['https://wiki.example/r#a#b', 'unsafeCharacter'],
      ['https://wiki.example/r#a b', 'unsafeCharacter'],
      ['/r.jwt', 'notAbsolute'],
    ] as const)
      t.equal(reasonOf({ ...WEB, request_uris: [uri] }, { fetches: true }), `request_uris ${reason}`, uri)
    t.equal(reasonOf({ ...WEB, request_uris: uris }), 'request_uris notBuilt', 'nothing is fetched here')
  },
)

t.test('[R6819-16] a client that any application could stand in for is not trusted', async (t) => {
  const native = { client_name: 'CLI', application_type: 'native', token_endpoint_auth_method: 'none', trusted: true }
  t.equal(reasonOf({ ...native, redirect_uris: ['http://127.0.0.1/cb'] }), 'trusted provenOnly')
  t.equal(reasonOf({ ...native, redirect_uris: ['com.example.app:/cb'] }), 'trusted provenOnly')
  t.equal(reasonOf({ ...native, redirect_uris: ['https://app.example/cb'] }), 'accepted')
  t.equal(reasonOf({ ...WEB, trusted: true }), 'accepted')
})

t.test('[unit] a rejection is told in one sentence that names the member and not its value', async (t) => {
  const validated = validateClient({ ...WEB, redirect_uris: ['https://a.example/', 'http://secret.example/'] }, POLICY)
  t.notOk(validated.ok)
  if (!validated.ok) t.equal(describeClientRejection(validated.error), 'redirect_uris[1] must use https.')
})

t.test(
  '[OUT-10, ADV-095, ADV-083] a URI for after signing out keeps the rules of a redirect URI: no scriptable scheme, no plain http but on loopback',
  async (t) => {
    const reason = (uri: string, more: JsonObject = {}, policy: Partial<RegistrationPolicy> = {}): string =>
      reasonOf({ ...WEB, ...more, post_logout_redirect_uris: [uri] }, policy).replace('post_logout_redirect_uris ', '')
    const native = { application_type: 'native' }
    t.equal(reason('https://wiki.example/signed-out?from=op'), 'accepted')
    t.equal(reason('javascript:alert(1)'), 'schemeNotAllowed')
    t.equal(reason('data:text/html,x'), 'schemeNotAllowed')
    t.equal(reason('vbscript:x'), 'schemeNotAllowed')
    t.equal(reason('http://wiki.example/signed-out'), 'plainHttp')
    t.equal(reason('https://wiki.example/*'), 'unsafeCharacter')
    t.equal(reason('https://wiki.example/#x'), 'fragment')
    t.equal(reason('https://user@wiki.example/'), 'userinfo')
    t.equal(reason('https://wiki.example/?state=x'), 'reservedParameter')
    t.equal(reason('http://127.0.0.1/done'), 'loopbackNeedsNative')
    t.equal(reason('http://127.0.0.1/done', {}, { development: true }), 'accepted')
    t.equal(reason('http://127.0.0.1/done', native), 'accepted')
    t.equal(reason('com.example.app:/done', native), 'accepted')
    const both = ['https://a.example/', 'https://a.example/']
    t.equal(reasonOf({ ...WEB, post_logout_redirect_uris: both }), 'post_logout_redirect_uris repeated')
  },
)
