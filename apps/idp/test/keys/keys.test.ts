// Owns the proof of signing keys at rest and in use, on a real Postgres.

import { createPublicKey, randomBytes, verify } from 'node:crypto'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { instant, later, reveal, type Stores, secret } from '@vouchsafe/core'
import { listKeys, rotateKeys } from '@vouchsafe/core/admin'
import { DEFAULT_KEY_TIMING, publicJwks } from '@vouchsafe/core/keys'
import { nodePorts } from '@vouchsafe/core/ports-node'
import { acquireTestDatabase } from '@vouchsafe/embedded-postgres/testing'
import { connect, createPostgresStores } from '@vouchsafe/postgres'
import t from 'tap'
import { migrateDatabase } from '#src/database/index.js'
import { openSigningKeys, type SigningKeyDeps, sealedKeyMaker } from '#src/keys/index.js'
import { readOrMakeKeyFile } from '#src/keys/key-file.js'
import { createSealer } from '#src/keys/sealing.js'

const lent = await acquireTestDatabase()
const sql = connect({ database: lent.connection })
await migrateDatabase({ sql })
const stores: Stores = createPostgresStores(sql)
let now = instant(1_800_000_000)
const ports = { ...nodePorts, clock: { now: () => now } }
t.teardown(async () => {
  await sql.end({ timeout: 5 })
  await lent.release()
})

const strong = () => secret(randomBytes(32).toString('base64'))
const [FIRST, SECOND] = [strong(), strong()]
const NAME = { kid: 'a-key', alg: 'ES256' }
const INPUT = 'eyJhbGciOiJFUzI1NiJ9.e30'

const deps = (over: Partial<SigningKeyDeps> = {}): SigningKeyDeps => ({
  stores,
  ports,
  sealer: createSealer({ current: FIRST, previous: [] }),
  timing: DEFAULT_KEY_TIMING,
  ...over,
})

t.test('[ADV-137] every seal has a nonce of its own, and opens for the key it was made for alone', async (t) => {
  const sealer = createSealer({ current: FIRST, previous: [] })
  const envelopes = Array.from({ length: 500 }, () => sealer.seal(NAME, 'the private part'))
  t.equal(new Set(envelopes.map((envelope) => envelope.split('.')[2])).size, 500)
  const [envelope = ''] = envelopes
  t.equal(sealer.open(NAME, envelope), 'the private part')
  t.notOk(envelope.includes(Buffer.from('the private part').toString('base64url')))
  t.throws(() => sealer.open({ ...NAME, kid: 'another' }, envelope), { code: 'broken_seal' })
  t.throws(() => sealer.open({ ...NAME, alg: 'RS256' }, envelope), { code: 'broken_seal' })
  const parts = envelope.split('.')
  for (const index of [0, 1, 2, 3]) {
    const altered = parts
      .with(index, `${parts[index]?.slice(0, -2)}${parts[index]?.endsWith('AA') ? 'BB' : 'AA'}`)
      .join('.')
    t.throws(() => sealer.open(NAME, altered), { name: 'SealError' }, `part ${index}`)
  }
  for (const broken of ['', 'v1', `${envelope}.x`, parts.with(3, '').join('.'), parts.with(2, '').join('.')]) {
    t.throws(() => sealer.open(NAME, broken), { name: 'SealError' })
  }
})

t.test(
  '[OPS-040] an earlier secret opens what it sealed, a later one seals it anew, and a foreign one is told to the operator',
  async (t) => {
    const sealed = createSealer({ current: FIRST, previous: [] }).seal(NAME, 'x')
    const overlap = createSealer({ current: SECOND, previous: [FIRST] })
    t.equal(overlap.open(NAME, sealed), 'x')
    t.notOk(overlap.isCurrent(sealed))
    t.ok(overlap.isCurrent(overlap.seal(NAME, 'x')))
    try {
      createSealer({ current: SECOND, previous: [] }).open(NAME, sealed)
      t.fail('a foreign secret opened it')
    } catch (error) {
      t.match(error, { code: 'unknown_secret', message: /KEY_ENCRYPTION_SECRET_PREVIOUS/ })
      t.notOk(String(error).includes(reveal(SECOND)))
    }
    t.throws(() => createSealer({ current: secret('weak'), previous: [] }), { code: 'weak_secret' })
  },
)

t.test('[unit] two nodes that start on an empty database use one ring, which signs with every algorithm', async (t) => {
  const [one, two] = await Promise.all([openSigningKeys(deps()), openSigningKeys(deps())])
  const keys = await one.keys()
  t.same(
    (await two.keys()).map(({ kid }) => kid),
    keys.map(({ kid }) => kid),
  )
  t.same(
    keys.map(({ alg, state }) => `${alg} ${state}`),
    ['RS256 active', 'ES256 active', 'EdDSA active'],
  )
  for (const jwk of publicJwks(keys).keys) {
    const name = { kid: String(jwk['kid']), alg: keys.find(({ kid }) => kid === jwk['kid'])?.alg ?? 'RS256' }
    const signature = await two.signer.sign(name, INPUT)
    const key = createPublicKey({ format: 'jwk', key: { ...jwk } })
    const options = name.alg === 'ES256' ? { key, dsaEncoding: 'ieee-p1363' as const } : { key }
    t.ok(verify(name.alg === 'EdDSA' ? null : 'sha256', Buffer.from(INPUT), options, signature), name.alg)
  }
  const table = JSON.stringify(await sql`select to_jsonb(k) as key from signing_keys k`)
  t.notMatch(table, /"d"/, 'nothing of a private key lies in the table in clear')
  t.ok((await stores.keys.loadKeyRing()).keys.every(({ sealedPrivateKey }) => sealedPrivateKey.startsWith('v1.')))
  await t.rejects(Promise.resolve(one.signer.sign({ kid: 'unknown', alg: 'RS256' }, INPUT)), { code: 'unknownKey' })
})

t.test('[OPS-037] a node signs with a key that another rotated in, within a second', async (t) => {
  const [one, two] = [await openSigningKeys(deps()), await openSigningKeys(deps())]
  await two.keys()
  const rotated = await rotateKeys(deps(), {
    actor: 'test',
    makeKey: sealedKeyMaker(deps().sealer),
    timing: DEFAULT_KEY_TIMING,
    algs: ['ES256'],
    urgency: 'immediate',
  })
  t.ok(rotated.ok)
  const fresh = (await listKeys({ stores })).find(({ alg, state }) => alg === 'ES256' && state === 'active')
  if (fresh === undefined) throw new Error('no active key')
  t.ok(await one.signer.sign({ kid: fresh.kid, alg: 'ES256' }, INPUT), 'at once, when it is asked to')
  now = later(now, 1)
  t.ok((await two.keys()).some(({ kid, state }) => kid === fresh.kid && state === 'active'))
  const retiring = (await two.keys()).find(({ alg, state }) => alg === 'ES256' && state === 'retiring')
  t.ok(retiring, 'the old key is still published')
  now = later(now, DEFAULT_KEY_TIMING.keepAfter)
  await one.keep()
  now = later(now, 1)
  t.notOk((await two.keys()).some(({ kid, state }) => kid === retiring?.kid && state !== 'retired'))
  if (retiring !== undefined) {
    await t.rejects(Promise.resolve(two.signer.sign({ kid: retiring.kid, alg: 'ES256' }, INPUT)), {
      code: 'unknownKey',
    })
  }
})

t.test(
  '[OPS-040] a start with a new secret beside the old seals everything anew, and then needs the old no more',
  async (t) => {
    await t.rejects(openSigningKeys(deps({ sealer: createSealer({ current: SECOND, previous: [] }) })), {
      code: 'unknown_secret',
    })
    const overlap = createSealer({ current: SECOND, previous: [FIRST] })
    const keys = await openSigningKeys(deps({ sealer: overlap }))
    const active = (await keys.keys()).find(({ alg, state }) => alg === 'EdDSA' && state === 'active')
    t.ok(active && (await keys.signer.sign({ kid: active.kid, alg: 'EdDSA' }, INPUT)))
    await openSigningKeys(deps({ sealer: createSealer({ current: SECOND, previous: [] }) }))
  },
)

t.test('[OPS-039] a ring with a weak or foreign key fails the start', async (t) => {
  const { revision, keys } = await stores.keys.loadKeyRing()
  const sealer = createSealer({ current: SECOND, previous: [] })
  const [es, ed] = ['ES256', 'EdDSA'].map((alg) => keys.find((key) => key.alg === alg && key.state === 'active'))
  if (es === undefined || ed === undefined) throw new Error('no keys')
  // The private part of one key under the name of another: signatures would verify nowhere.
  const swapped = { ...es, sealedPrivateKey: sealer.seal(es, sealer.open(ed, ed.sealedPrivateKey)) }
  const save = async (ring: typeof keys, from: number): Promise<void> => {
    t.equal(await stores.keys.saveKeyRing({ revision: from, keys: ring }, { now, events: [] }), 'saved')
  }
  await save(
    keys.map((key) => (key.kid === es.kid ? swapped : key)),
    revision,
  )
  await t.rejects(openSigningKeys(deps({ sealer })), { name: 'SigningKeyError' })
  await save(keys, revision + 1)
  await openSigningKeys(deps({ sealer }))
})

t.test('[unit] the key file is made once, readable by its owner alone, and whole', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-key-file-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  const data = join(folder, 'new', 'data')
  const made = await Promise.all(Array.from({ length: 8 }, () => readOrMakeKeyFile(data)))
  t.equal(new Set(made.map(reveal)).size, 1, 'of many starts at once, one makes it')
  t.same(await readdir(data), ['key-encryption-secret'], 'no draft is left')
  const path = join(data, 'key-encryption-secret')
  t.equal((await stat(path)).mode & 0o777, 0o600)
  t.equal(Buffer.from(await readFile(path, 'utf8'), 'base64').length, 32)
  t.equal(reveal(await readOrMakeKeyFile(data)), made[0] === undefined ? '' : reveal(made[0]))
  createSealer({ current: await readOrMakeKeyFile(data), previous: [] })
  await chmod(path, 0o644)
  await t.rejects(readOrMakeKeyFile(data), { code: 'key_file', message: /chmod 600/ })
  await chmod(path, 0o600)
  await writeFile(path, 'changed by hand')
  const changed = await readOrMakeKeyFile(data)
  t.throws(() => createSealer({ current: changed, previous: [] }), { code: 'weak_secret' })
})
