// Owns the proof of the configuration: what is refused at start, in which words, and that no credential is ever printed.

import { randomBytes } from 'node:crypto'
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { reveal } from '@vouchsafe/core'
import { validateClient } from '@vouchsafe/core/admin'
import t from 'tap'
import { suggestKey } from '#src/config/file.js'
import {
  type Config,
  configurationReference,
  describeProblem,
  type Environment,
  loadConfig,
} from '#src/config/index.js'

const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-config-'))
t.teardown(() => rm(folder, { recursive: true, force: true }))

const SECRET = randomBytes(32).toString('base64')
const PRODUCTION: Environment = {
  VOUCHSAFE_ENV: 'production',
  ISSUER: 'https://id.example.org',
  TRUSTED_PROXIES: '10.0.0.1',
  KEY_ENCRYPTION_SECRET: SECRET,
}

const accepted = async (env: Environment): Promise<Config> => {
  const loaded = await loadConfig(env)
  if (!loaded.ok) throw new Error(loaded.error.map(describeProblem).join('\n'))
  return loaded.value
}

const refusals = async (env: Environment): Promise<readonly string[]> => {
  const loaded = await loadConfig(env)
  return loaded.ok ? [] : loaded.error.map(describeProblem)
}

const withFile = async (content: string, name = 'config.yaml'): Promise<Environment> => {
  const path = join(folder, name)
  await writeFile(path, content)
  return { VOUCHSAFE_CONFIG: path }
}

t.test('[unit] with nothing set, the server is for this machine alone', async (t) => {
  const config = await accepted({})
  t.match(config, {
    production: false,
    issuer: 'http://localhost:3000',
    host: 'localhost',
    port: 3000,
    database: { kind: 'embedded', migrateOnStart: true },
    trustedProxies: [],
  })
  t.equal(config.dataFolder, join(process.cwd(), '.data'))
  t.equal(config.tls, undefined)
  t.equal(config.keyEncryption, undefined)
  t.equal(
    (await accepted({ PORT: '4000', ISSUER: '' })).issuer,
    'http://localhost:4000',
    'an empty variable counts as unset',
  )
  t.equal((await accepted({ NODE_ENV: 'production', VOUCHSAFE_ENV: 'development' })).production, false)
  t.equal((await accepted({ DATABASE_URL: 'postgres://a@h/x' })).database.migrateOnStart, false)
})

t.test('[WEB-043, R9700-20] production needs an issuer and refuses plain http on a network', async (t) => {
  t.equal((await accepted(PRODUCTION)).production, true)
  const without = (name: string): Environment => ({ ...PRODUCTION, [name]: undefined })
  t.match(await refusals(without('ISSUER')), [/^ISSUER \(in the file: issuer\) is needed in production/])
  t.match(await refusals({ NODE_ENV: 'production' }), [/^ISSUER /, /^KEY_ENCRYPTION_SECRET /])
  t.match(await refusals({ ...PRODUCTION, ISSUER: 'http://id.example.org' }), [/^ISSUER .* https/])
  t.same(await refusals({ ...PRODUCTION, ISSUER: 'http://127.0.0.1:3000' }), [], 'nobody else is on loopback')
  t.match(await refusals(without('TRUSTED_PROXIES')), [/TLS_CERT .*TRUSTED_PROXIES/], 'something has to end TLS')
})

t.test('[WEB-043] an issuer is taken only in the form in which it is compared', async (t) => {
  for (const issuer of [
    'https://id.example.org/',
    'https://id.example.org//',
    'https://id.example.org/a/',
    'https://id.example.org?x=1',
    'https://id.example.org?',
    'https://id.example.org#x',
    'https://id.example.org#',
    'https://user@id.example.org',
    'https://user:pass@id.example.org',
    'https://ID.example.org',
    'HTTPS://id.example.org',
    'https://id.example.org:443',
    'https://id.example.org/a/../b',
    'https://id.example.org/a//b',
    'https://id.example.org/%61',
    'https://id.example.org/ä',
    'https://id.example.org.',
    'https://id.example.org\\x',
    'ftp://id.example.org',
    'id.example.org',
    'https://',
  ]) {
    t.match(await refusals({ ...PRODUCTION, ISSUER: issuer }), [/^ISSUER \(in the file: issuer\) /], issuer)
  }
  for (const issuer of [
    'https://id.example.org/oidc',
    'https://id.example.org:8443',
    'https://id.example.org/a/b-c_d~e',
  ]) {
    t.equal((await accepted({ ...PRODUCTION, ISSUER: issuer })).issuer, issuer)
  }
})

t.test(
  '[R6819-11, ADV-048] a secret that is missing, short, guessable or copied is refused, and never repeated',
  async (t) => {
    const weak = [
      'changeme',
      'password'.repeat(8),
      Buffer.from('a passphrase that is long enough, is it not?').toString('base64'),
      Buffer.from('Pack my box with five dozen liquor jugs, 1984!').toString('base64'),
      Buffer.from('Pack my box with five dozen liquor jugs, 1984!').toString('hex'),
      Buffer.alloc(32).toString('base64'),
      Buffer.alloc(32, 'ab').toString('hex'),
      Buffer.from(Array.from({ length: 32 }, (_, n) => n)).toString('base64'),
      '0123456789abcdef'.repeat(4),
      randomBytes(31).toString('base64'),
      randomBytes(16).toString('hex'),
      'not base64!',
    ]
    for (const secret of weak) {
      for (const env of [PRODUCTION, {}]) {
        const said = await refusals({ ...env, KEY_ENCRYPTION_SECRET: secret })
        t.match(said, [/^KEY_ENCRYPTION_SECRET .*openssl rand/])
        t.notOk(said.join().includes(secret))
      }
      const previous = await refusals({
        ...PRODUCTION,
        KEY_ENCRYPTION_SECRET_PREVIOUS: `${SECRET}, ${secret.replaceAll(',', '')}`,
      })
      t.match(previous, [/^KEY_ENCRYPTION_SECRET_PREVIOUS .*number 2/])
    }
    for (let round = 0; round < 200; round++) {
      for (const secret of [
        randomBytes(32).toString('base64'),
        randomBytes(32).toString('base64url'),
        randomBytes(32).toString('hex'),
      ]) {
        const said = await refusals({ ...PRODUCTION, KEY_ENCRYPTION_SECRET: secret })
        if (said.length > 0) t.fail(`a random secret was refused: ${said.join()}`)
      }
    }
  },
)

t.test('[unit] every fault is told at once, by both names of its setting', async (t) => {
  const said = await refusals({
    ISSUER: 'https://id.example.org/',
    PORT: '70000',
    LOG_LEVEL: 'loud',
    SESSION_IDLE: '90d',
    SESSION_ABSOLUTE: 'never',
    MIGRATE_ON_START: 'yes',
    TLS_CERT: join(folder, 'missing.pem'),
    TRUSTED_PROXIES: '10.0.0.0/8, everyone, 0.0.0.0/0, 10.0.0.0/33, ::/0',
  })
  for (const expected of [
    /^ISSUER \(in the file: issuer\) must not end with a slash; write https:\/\/id.example.org\.$/,
    /^PORT \(in the file: port\) must be a whole number from 0 to 65535 \(it is "70000", from the environment\)\.$/,
    /^LOG_LEVEL .* one of fatal, /,
    /^SESSION_ABSOLUTE .* a time from 1m to 365d/,
    /^MIGRATE_ON_START .* true or false/,
    /^TLS_KEY .* is needed, since TLS_CERT is set/,
    /^TLS_CERT .* cannot be read/,
    /^TRUSTED_PROXIES .* "everyone"/,
    /^TRUSTED_PROXIES .* "10.0.0.0\/33"/,
    /^TRUSTED_PROXIES .* 0.0.0.0\/0, which would trust everybody/,
    /^TRUSTED_PROXIES .* ::\/0, which would trust everybody/,
  ]) {
    t.ok(
      said.some((line) => expected.test(line)),
      String(expected),
    )
  }
})

t.test(
  '[unit] requests to others go to public addresses, and to this machine only while the server is for it alone',
  async (t) => {
    const outgoing = async (env: Environment): Promise<unknown> => (await accepted(env)).outgoing
    t.same(await outgoing({}), { loopback: true, networks: [] })
    t.same(await outgoing({ FETCH_LOOPBACK: 'false' }), { loopback: false, networks: [] })
    t.same(await outgoing({ ISSUER: 'http://id.example.org' }), { loopback: false, networks: [] })
    t.same(await outgoing({ ...PRODUCTION, FETCH_ALLOWED_NETWORKS: '10.20.0.0/16, fd12::/32' }), {
      loopback: false,
      networks: ['10.20.0.0/16', 'fd12::/32'],
    })
    t.same(await outgoing({ ...PRODUCTION, ISSUER: 'https://localhost' }), { loopback: false, networks: [] })
    t.match(await refusals({ ...PRODUCTION, FETCH_LOOPBACK: 'true' }), [
      /^FETCH_LOOPBACK .* must not be set in production/,
    ])
    t.match(await refusals({ FETCH_ALLOWED_NETWORKS: 'inside, 0.0.0.0/0' }), [
      /^FETCH_ALLOWED_NETWORKS .* "inside"/,
      /^FETCH_ALLOWED_NETWORKS .* "0.0.0.0\/0"/,
    ])
  },
)

t.test('[unit] times are seconds or have a unit, and go together', async (t) => {
  const config = await accepted({
    SESSION_IDLE: '30m',
    SESSION_ABSOLUTE: '7d',
    ID_TOKEN_LIFETIME: '90',
    ACCESS_TOKEN_LIFETIME: '2h',
  })
  t.match(config.lifetimes, { sessionIdle: 1800, sessionAbsolute: 604_800, idToken: 90, opaqueAccessToken: 7200 })
  t.match(await refusals({ SESSION_IDLE: '2d', SESSION_ABSOLUTE: '1d' }), [/^SESSION_IDLE .*SESSION_ABSOLUTE/])
  t.match(await refusals({ KEY_KEEP_AFTER: '1h', ID_TOKEN_LIFETIME: '2h' }), [/^KEY_KEEP_AFTER /])
  t.match(await refusals({ KEY_PUBLISH_AHEAD: '1m' }), [/^KEY_PUBLISH_AHEAD .* from 15m/])
  t.match(await refusals({ LOGIN_BASE_DELAY: '10m', LOGIN_MAX_DELAY: '1m' }), [/^LOGIN_BASE_DELAY /])
  for (const time of ['1w', '-1', '1.5h', '1e3', '0x10', ' ', '12 h']) {
    const said = await refusals({ ID_TOKEN_LIFETIME: time })
    if (time.trim() !== '') t.match(said, [/^ID_TOKEN_LIFETIME /], time)
  }
})

t.test(
  '[unit] a file sets what the environment leaves open, and a misspelt name is answered with the one that was meant',
  async (t) => {
    const yaml = await withFile(
      'port: 4001\nissuer: http://localhost:4001\nsessionIdle: 1h\ntrustedProxies:\n  - 10.0.0.1\n  - fd00::/8\n',
    )
    t.match(await accepted({ ...yaml, PORT: '4002' }), {
      port: 4002,
      issuer: 'http://localhost:4001',
      lifetimes: { sessionIdle: 3600 },
      trustedProxies: ['10.0.0.1', 'fd00::/8'],
    })
    const json = await withFile('{ "brandName": "Our house", "migrateOnStart": false }', 'config.json')
    t.match(await accepted(json), { brandName: 'Our house', database: { migrateOnStart: false } })
    t.match(
      await refusals(
        await withFile('isuer: http://localhost\nsession_idle: 1h\nTRUSTED_PROXIES: []\nwallpaper: blue\nport: "x"\n'),
      ),
      [
        /"isuer", which is not a setting; did you mean issuer\?/,
        /"session_idle", .* sessionIdle\?/,
        /"TRUSTED_PROXIES", .* trustedProxies\?/,
        /"wallpaper", .* docs\/reference\/configuration.md/,
      ],
    )
    t.match(await refusals(await withFile('port: "x"\n')), [/^PORT .* \(it is "x", from the file\)/])
    t.match(await refusals(await withFile('port:\n')), [/^PORT .* is empty/])
    t.match(await refusals(await withFile('- a\n')), [/must hold settings by name/])
    t.match(await refusals(await withFile('port: 1\nport: 2\n')), [/not valid YAML/])
    t.match(await refusals(await withFile('{ "port": 1', 'broken.json')), [/not valid JSON/])
    t.match(await refusals({ VOUCHSAFE_CONFIG: join(folder, 'absent.yaml') }), [/cannot be read \(ENOENT\)/])
    t.same(await accepted(await withFile('')), await accepted({}), 'an empty file sets nothing')
    t.equal(suggestKey('x'.repeat(10_000)), undefined)
  },
)

t.test('[unit] a file of aliases or of great size is refused', async (t) => {
  const bomb = ['a0: &a0 [x,x]', ...Array.from({ length: 30 }, (_, n) => `a${n + 1}: &a${n + 1} [*a${n},*a${n}]`)].join(
    '\n',
  )
  const before = process.cpuUsage()
  t.match(await refusals(await withFile(bomb)), [/uses an alias/])
  t.ok(process.cpuUsage(before).user < 2_000_000)
  t.match(await refusals(await withFile(`brandName: ${'#'.repeat(300_000)}`)), [/larger than 256 KiB/])
})

t.test('[WEB-078] the configuration and its faults print no credential', async (t) => {
  const url = 'postgres://app:hunter2hunter2@db.example:5432/vouchsafe'
  const config = await accepted({
    ...PRODUCTION,
    DATABASE_URL: url,
    KEY_ENCRYPTION_SECRET_PREVIOUS: randomBytes(32).toString('hex'),
  })
  const printed = [
    inspect(config, { depth: 9, showHidden: true }),
    JSON.stringify(config),
    `${config.keyEncryption?.current}`,
  ].join()
  t.notOk(printed.includes('hunter2'))
  t.notOk(printed.includes(SECRET))
  t.ok(config.database.kind === 'url' && reveal(config.database.url) === url)
  const wrong = await refusals({
    DATABASE_URL: 'mysql://app:hunter2@db/x',
    KEY_ENCRYPTION_SECRET: `hunter2 ${'x'.repeat(600)}`,
  })
  t.equal(wrong.length, 2)
  t.notOk(wrong.join().includes('hunter2'))
  t.notOk((await refusals(await withFile('databaseUrl: [hunter2]\n'))).join().includes('hunter2'))
})

t.test('[unit] a database with several hosts is taken', async (t) => {
  const config = await accepted({ DATABASE_URL: 'postgres://app@a.example:5432,b.example:5433/vouchsafe' })
  t.equal(config.database.kind, 'url')
})

t.test('[unit] TLS files come together, can be read, and go with an https issuer', async (t) => {
  const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(cert, 'x')
  await writeFile(key, 'x')
  await chmod(key, 0o600)
  const tls = { TLS_CERT: cert, TLS_KEY: key, ISSUER: 'https://localhost:3000', TLS_MIN_VERSION: 'TLSv1.3' }
  t.same((await accepted(tls)).tls, { certFile: cert, keyFile: key, minVersion: 'TLSv1.3' })
  t.match(await refusals({ ...tls, TLS_KEY: undefined }), [/^TLS_KEY /])
  t.match(await refusals({ ...tls, ISSUER: 'http://localhost:3000' }), [/^ISSUER .* https/])
  t.match(await refusals({ ...tls, TLS_MIN_VERSION: 'TLSv1.1' }), [/^TLS_MIN_VERSION /])
})

t.test(
  '[ADV-030] certificates of clients come in where somebody vouches for them, or the start is refused',
  async (t) => {
    const [cert, key] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    await writeFile(cert, 'x')
    await writeFile(key, 'x')
    const tls = { TLS_CERT: cert, TLS_KEY: key, ISSUER: 'https://id.example.org/team' }
    t.equal((await accepted(tls)).mtls, undefined)
    t.match((await accepted({ ...tls, MTLS_PORT: '8443', MTLS_CLIENT_CA: cert })).mtls, {
      port: 8443,
      clientCaFile: cert,
      proxyHeader: undefined,
      endpointBase: 'https://id.example.org:8443/team',
    })
    const proxied = { ...PRODUCTION, CLIENT_CERT_HEADER: 'verified' }
    t.match((await accepted(proxied)).mtls, { port: undefined, proxyHeader: 'verified', endpointBase: undefined })
    const base = { ...proxied, MTLS_ENDPOINT_BASE: 'https://mtls.example.org' }
    t.match((await accepted(base)).mtls, { endpointBase: 'https://mtls.example.org' })
    t.match(await refusals({ ...proxied, ...tls, TRUSTED_PROXIES: undefined }), [
      /^CLIENT_CERT_HEADER .*TRUSTED_PROXIES/,
    ])
    t.match(await refusals({ ...PRODUCTION, MTLS_PORT: '8443' }), [/^MTLS_PORT .*TLS_CERT/])
    t.match(await refusals({ ...tls, PORT: '8443', MTLS_PORT: '8443' }), [/^MTLS_PORT .* another port/])
    t.match(await refusals({ ...tls, MTLS_CLIENT_CA: cert }), [/^MTLS_CLIENT_CA .*MTLS_PORT/])
    t.match(await refusals({ ...tls, MTLS_PORT: '8443', MTLS_CLIENT_CA: `${cert}.not` }), [
      /^MTLS_CLIENT_CA .* cannot be read/,
    ])
    t.match(await refusals({ ...tls, MTLS_ENDPOINT_BASE: 'https://mtls.example.org' }), [
      /^MTLS_ENDPOINT_BASE .*MTLS_PORT/,
    ])
    for (const wrong of ['http://mtls.example.org', 'https://mtls.example.org/', 'mtls.example.org']) {
      t.match(await refusals({ ...base, MTLS_ENDPOINT_BASE: wrong }), [/^MTLS_ENDPOINT_BASE /], wrong)
    }
  },
)

t.test('[unit] the reference page says what the table of settings says', async (t) => {
  const page = await readFile(new URL('../../../../docs/reference/configuration.md', import.meta.url), 'utf8')
  t.equal(page, configurationReference(), 'run node apps/idp/dist/config/write-reference.js')
})

t.test(
  '[QA-019] with the mandatory settings alone, and a client of a name and an address, everything is strict',
  async (t) => {
    const config = await accepted(PRODUCTION)
    t.match(config, {
      production: true,
      lifetimes: { authorizationCode: 60, opaqueAccessToken: 3600, sessionIdle: 43_200 },
    })
    t.ok(config.throttle.account.free <= 10 && config.throttle.account.maxDelay >= 60, 'guessing is slowed')
    t.ok(config.hashing.memory >= 19_456 && config.hashing.passes >= 2, 'passwords are dear to guess')
    const policy = {
      development: false,
      grantTypes: ['authorization_code'],
      scopes: 'any',
      unknownFields: 'refuse',
    } as const
    const made = validateClient({ client_name: 'App', redirect_uris: ['https://app.example.org/callback'] }, policy)
    t.match(made, {
      ok: true,
      value: {
        settings: {
          authMethod: 'client_secret_basic',
          pkce: 'required',
          nonce: 'required',
          trusted: false,
          localhostAnyPort: false,
          idTokenClaims: 'minimal',
          corsOrigins: [],
        },
      },
    })
  },
)
