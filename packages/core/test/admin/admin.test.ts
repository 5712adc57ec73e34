// Owns the proof of the administrator's use cases on the in-memory reference store.

import { createHash, randomBytes } from 'node:crypto'
import t from 'tap'
import {
  type AdminDeps,
  type ClientCreation,
  createClient,
  deleteClient,
  endSessionsOf,
  keepKeyRing,
  listClients,
  listKeys,
  type RegistrationPolicy,
  rotateKeys,
  setClientDisabled,
  setSubjectStatus,
  showClient,
  updateClient,
} from '#src/admin/index.js'
import { clientId, digest, instant, type JsonObject, later, reveal, sessionId, subject } from '#src/base/index.js'
import { DEFAULT_KEY_TIMING, type FreshKey } from '#src/keys/index.js'
import { createMemoryStores } from '#src/memory/index.js'
import { generateSigningKey } from '#src/ports-node/index.js'
import type { SigningAlg } from '#src/spec/index.js'
import type { AuditEntry, Stores } from '#src/store/index.js'

const START = instant(1_800_000_000)
const POLICY: RegistrationPolicy = {
  development: false,
  grantTypes: ['authorization_code'],
  scopes: 'any',
  unknownFields: 'refuse',
}
const METADATA = { client_name: 'Wiki', redirect_uris: ['https://wiki.example/cb'] }

interface World {
  readonly deps: AdminDeps
  readonly stores: Stores
  /** What the transitions were given to write. */
  readonly events: readonly AuditEntry[]
  readonly wait: (seconds: number) => void
}

const makeWorld = (): World => {
  let now = START
  const stores = createMemoryStores()
  const events: AuditEntry[] = []
  const { clients, sessions, subjects, keys } = stores
  const noting = <O extends { readonly events: readonly AuditEntry[] }>(occasion: O): O => {
    events.push(...occasion.events)
    return occasion
  }
  const deps: AdminDeps = {
    stores: {
      clients: {
        ...clients,
        createClient: (client, occasion) => clients.createClient(client, noting(occasion)),
        updateClient: (client, occasion) => clients.updateClient(client, noting(occasion)),
        deleteClient: (id, occasion) => clients.deleteClient(id, noting(occasion)),
      },
      sessions: { ...sessions, endSessionsOf: (end, occasion) => sessions.endSessionsOf(end, noting(occasion)) },
      subjects: { ...subjects, changeSubject: (change, occasion) => subjects.changeSubject(change, noting(occasion)) },
      keys: { ...keys, saveKeyRing: (ring, occasion) => keys.saveKeyRing(ring, noting(occasion)) },
    },
    ports: {
      clock: { now: () => now },
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      hasher: {
        sha256: (data) => new Uint8Array(createHash('sha256').update(data).digest()),
        sha512: () => {
          throw new Error('not asked for here')
        },
        hmacSha256: () => {
          throw new Error('not asked for here')
        },
      },
    },
  }
  return {
    deps,
    stores,
    events,
    wait: (seconds) => {
      now = later(now, seconds)
    },
  }
}

const created = async (world: World, metadata: JsonObject = METADATA, more: Partial<ClientCreation> = {}) => {
  const outcome = await createClient(world.deps, {
    actor: 'cli',
    clientId: undefined,
    metadata,
    policy: POLICY,
    ...more,
  })
  if (!outcome.ok) throw new Error(JSON.stringify(outcome.error))
  return outcome.value
}

t.test('[R6819-01, R6819-29, R6819-30] a secret of 256 bits is given once and stays as its digest alone', async (t) => {
  const world = makeWorld()
  const { client, secret } = await created(world)
  if (secret === undefined) throw new Error('no secret')
  const clear = reveal(secret)
  t.match(clear, /^vcs_[A-Za-z0-9_-]{43}$/, '32 random bytes in unreserved characters')
  t.match(client.clientId, /^[a-z2-9]{24}$/)
  const stored = await world.stores.clients.findClient(clientId(client.clientId))
  t.same(stored?.secrets, [{ digest: createHash('sha256').update(clear).digest('base64url'), expiresAt: undefined }])
  const shown = JSON.stringify([
    await showClient(world.deps, clientId(client.clientId)),
    await listClients(world.deps, { after: undefined, limit: 9 }),
    world.events,
    secret,
  ])
  t.notOk(shown.includes(clear.slice(4)), 'neither shown nor listed nor audited')
  t.notOk(shown.includes(stored?.secrets[0]?.digest ?? 'missing'), 'nor is its digest')
  const another = await created(world)
  t.not(another.client.clientId, client.clientId)
  t.not(another.secret === undefined ? clear : reveal(another.secret), clear)
  t.equal(
    (await created(world, { ...METADATA, token_endpoint_auth_method: 'none' })).secret,
    undefined,
    'a public client has none',
  )
})

t.test('[OPS-021] an id of choice is taken once, and an odd one never', async (t) => {
  const world = makeWorld()
  await created(world, METADATA, { clientId: 'wiki' })
  const again = await createClient(world.deps, { actor: 'cli', clientId: 'wiki', metadata: METADATA, policy: POLICY })
  t.same(again, { ok: false, error: { kind: 'taken' } })
  for (const id of ['', 'a b', 'a/b', 'ä', 'a'.repeat(256), 'a:b']) {
    const odd = await createClient(world.deps, { actor: 'cli', clientId: id, metadata: METADATA, policy: POLICY })
    t.match(
      odd,
      { ok: false, error: { kind: 'rejected', rejection: { field: 'client_id' } } },
      JSON.stringify(id.slice(0, 9)),
    )
  }
  t.equal(
    world.events.filter(({ name }) => name === 'client.created').length,
    2,
    'the loser rides along and is not written',
  )
  t.equal((await world.deps.stores.clients.listClients({ after: undefined, limit: 9 })).items.length, 1)
})

t.test('[ADV-020] a change is judged with all that it leaves standing, by the rules of creation', async (t) => {
  const world = makeWorld()
  const { client } = await created(world, { ...METADATA, pkce: 'optional' })
  const id = clientId(client.clientId)
  const update = (change: JsonObject) =>
    updateClient(world.deps, { actor: 'cli', clientId: id, change, policy: POLICY, version: undefined })
  t.match(await update({ token_endpoint_auth_method: 'none' }), {
    ok: false,
    error: { kind: 'rejected', rejection: { field: 'pkce', reason: 'confidentialOnly' } },
  })
  t.match(await update({ redirect_uris: ['http://wiki.example/cb'] }), { ok: false, error: { kind: 'rejected' } })
  t.match(await update({ redirect_uris: null }), { ok: false, error: { kind: 'rejected' } })
  t.same((await showClient(world.deps, id))?.metadata, client.metadata, 'nothing of a refused change is kept')
  const changed = await update({ client_name: 'Wiki 2', policy_uri: 'https://wiki.example/privacy', pkce: null })
  t.ok(changed.ok)
  if (!changed.ok) return
  t.same(changed.value.client.metadata, {
    ...client.metadata,
    client_name: 'Wiki 2',
    policy_uri: 'https://wiki.example/privacy',
    pkce: 'required',
  })
  t.equal(changed.value.client.version, 2)
  t.same(world.events.at(-1)?.fields, { clientId: id, actor: 'cli', changed: ['client_name', 'pkce', 'policy_uri'] })
  const same = await update({ client_name: 'Wiki 2' })
  t.ok(same.ok && same.value.client.version === 2, 'no change writes nothing')
})

t.test('[WEB-093] of two administrators who change one client, the second is told', async (t) => {
  const world = makeWorld()
  const { client } = await created(world)
  const id = clientId(client.clientId)
  const update = (name: string) =>
    updateClient(world.deps, {
      actor: name,
      clientId: id,
      change: { client_name: name },
      policy: POLICY,
      version: client.version,
    })
  t.match(await update('first'), { ok: true })
  t.same(await update('second'), { ok: false, error: { kind: 'stale' } })
  const raced = await Promise.all(
    ['third', 'fourth'].map((name) =>
      updateClient(world.deps, {
        actor: name,
        clientId: id,
        change: { client_name: name },
        policy: POLICY,
        version: undefined,
      }),
    ),
  )
  t.equal(raced.filter(({ ok }) => ok).length, 1)
  t.same(
    await updateClient(world.deps, {
      actor: 'a',
      clientId: clientId('nobody'),
      change: {},
      policy: POLICY,
      version: undefined,
    }),
    { ok: false, error: { kind: 'unknown' } },
  )
})

t.test('[unit] a client that begins to use a secret gets one, and one that stops keeps none', async (t) => {
  const world = makeWorld()
  const { client, secret: first } = await created(world)
  const id = clientId(client.clientId)
  const update = (change: JsonObject) =>
    updateClient(world.deps, { actor: 'cli', clientId: id, change, policy: POLICY, version: undefined })
  const posted = await update({ token_endpoint_auth_method: 'client_secret_post' })
  t.ok(posted.ok && posted.value.secret === undefined, 'the same secret goes on')
  t.equal((await world.stores.clients.findClient(id))?.secrets.length, 1)
  await update({ token_endpoint_auth_method: 'none' })
  t.same((await world.stores.clients.findClient(id))?.secrets, [])
  const back = await update({ token_endpoint_auth_method: 'client_secret_basic' })
  t.ok(back.ok && back.value.secret !== undefined)
  if (back.ok && back.value.secret !== undefined && first !== undefined) t.not(reveal(back.value.secret), reveal(first))
})

t.test('[unit] clients are switched off and on, listed by pages and deleted', async (t) => {
  const world = makeWorld()
  for (const id of ['c', 'a', 'b']) await created(world, METADATA, { clientId: id })
  const first = await listClients(world.deps, { after: undefined, limit: 2 })
  t.same(
    first.items.map((client) => client.clientId),
    ['a', 'b'],
  )
  const second = await listClients(world.deps, { after: first.next, limit: 2 })
  t.same(
    second.items.map((client) => client.clientId),
    ['c'],
  )
  t.equal(second.next, undefined)
  const off = { actor: 'cli', clientId: clientId('a'), disabled: true }
  t.equal(await setClientDisabled(world.deps, off), 'changed')
  t.equal(await setClientDisabled(world.deps, off), 'unchanged')
  t.match(await showClient(world.deps, clientId('a')), { disabled: true, version: 2 })
  t.equal(await setClientDisabled(world.deps, { ...off, disabled: false }), 'changed')
  t.equal(await setClientDisabled(world.deps, { ...off, clientId: clientId('x') }), 'unknown')
  t.equal(await deleteClient(world.deps, { actor: 'cli', clientId: clientId('a') }), 'deleted')
  t.equal(await deleteClient(world.deps, { actor: 'cli', clientId: clientId('a') }), 'unknown')
  t.equal(await showClient(world.deps, clientId('a')), undefined)
})

t.test('[WEB-015] who is disabled has no session left, also when he is let in again', async (t) => {
  const world = makeWorld()
  const who = subject('person')
  const session = (name: string) => ({
    sid: sessionId(name),
    secretDigest: digest(name.padEnd(43, '0')),
    subject: who,
    authTime: START,
    amr: ['pwd'],
    acr: undefined,
    startedAt: START,
    idleExpiresAt: later(START, 3600),
    absoluteExpiresAt: later(START, 7200),
    endedAt: undefined,
  })
  for (const name of ['one', 'two']) {
    await world.stores.sessions.startSession({ session: session(name), replaces: [] }, { now: START, events: [] })
  }
  const ended = await endSessionsOf(world.deps, {
    actor: 'cli',
    subject: who,
    except: sessionId('one'),
    reason: 'passwordChanged',
  })
  t.equal(ended, 1)
  const before = await world.stores.subjects.findSubject(who)
  t.equal(await setSubjectStatus(world.deps, { actor: 'cli', subject: who, status: 'disabled' }), 'changed')
  t.equal(await setSubjectStatus(world.deps, { actor: 'cli', subject: who, status: 'active' }), 'changed')
  t.equal(await setSubjectStatus(world.deps, { actor: 'cli', subject: subject('x'), status: 'active' }), 'unknown')
  const found = await world.stores.sessions.findSessions([session('one').secretDigest, session('two').secretDigest])
  t.ok(found.every((snapshot) => snapshot.session.endedAt !== undefined))
  t.equal(found[0]?.subject.version, (before?.version ?? 0) + 2, 'each change of rights bumps the version')
})

const makeKey = async (alg: SigningAlg): Promise<FreshKey> => {
  const { kid, publicJwk } = await generateSigningKey(alg)
  return { kid, alg, publicJwk, sealedPrivateKey: `sealed ${kid}` }
}
const KEEPING = { actor: 'cli', makeKey, timing: DEFAULT_KEY_TIMING }

t.test('[unit] two nodes that find no keys agree on one ring, and later keep it moving by themselves', async (t) => {
  const world = makeWorld()
  const rings = await Promise.all([keepKeyRing(world.deps, KEEPING), keepKeyRing(world.deps, KEEPING)])
  const [one, two] = rings.map((ring) =>
    ring.ok ? ring.value.map(({ kid, alg, state }) => ({ kid, alg, state })) : [],
  )
  t.same(one, two)
  t.same(
    one?.map(({ alg, state }) => `${alg} ${state}`),
    ['RS256 active', 'ES256 active', 'EdDSA active'],
  )
  await keepKeyRing(world.deps, KEEPING)
  t.equal((await world.stores.keys.loadKeyRing()).revision, 1, 'nothing to do writes nothing')
  world.wait(DEFAULT_KEY_TIMING.rotateEvery)
  await keepKeyRing(world.deps, KEEPING)
  t.equal((await listKeys(world.deps)).filter(({ state }) => state === 'next').length, 3)
  world.wait(DEFAULT_KEY_TIMING.publishAhead)
  await keepKeyRing(world.deps, KEEPING)
  const moved = await listKeys(world.deps)
  t.equal(moved.filter(({ state }) => state === 'active').length, 3)
  t.equal(moved.filter(({ state }) => state === 'retiring').length, 3)
})

t.test('[unit] a rotation by hand waits for the caches, or signs at once where that is asked', async (t) => {
  const world = makeWorld()
  await keepKeyRing(world.deps, KEEPING)
  const rotation = { ...KEEPING, algs: ['RS256'] as const, urgency: 'planned' as const }
  const planned = await rotateKeys(world.deps, rotation)
  t.ok(planned.ok && planned.value.some(({ alg, state }) => alg === 'RS256' && state === 'next'))
  t.match(await rotateKeys(world.deps, rotation), { ok: false, error: { reason: 'alreadyWaiting' } })
  t.match(await rotateKeys(world.deps, { ...rotation, algs: ['ES256', 'RS256'] }), { ok: false })
  t.equal((await listKeys(world.deps)).filter(({ alg }) => alg === 'ES256').length, 1, 'all or nothing')
  const before = (await listKeys(world.deps)).find(({ alg, state }) => alg === 'RS256' && state === 'active')
  const atOnce = await rotateKeys(world.deps, { ...rotation, urgency: 'immediate' })
  t.ok(atOnce.ok)
  const after = await listKeys(world.deps)
  t.equal(after.find(({ kid }) => kid === before?.kid)?.state, 'retiring')
  t.notOk(JSON.stringify([planned, atOnce, after, world.events]).includes('sealed'), 'no private part is shown')
  t.match(world.events.at(-1), { name: 'keys.rotated', fields: { alg: 'RS256', actor: 'cli' } })
})
