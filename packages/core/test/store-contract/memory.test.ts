// Owns the registration of the contract suite for the in-memory store. Never holds a case of its own but on copying.

import assert from 'node:assert/strict'
import t from 'tap'
import { createFresh, on } from '#src/store-contract/fresh.js'
import { raceCases, runCase, storeCases, titleOf } from '#src/store-contract/index.js'
import { openMemory } from './memory-harness.ts'

for (const storeCase of [...storeCases, ...raceCases]) {
  t.test(titleOf(storeCase), async () => {
    const { failure } = await runCase(storeCase, { open: openMemory, assert, rounds: 5 })
    if (failure !== undefined) throw failure
  })
}

t.test('[unit] what is stored can be changed neither by its giver nor by its reader', async (t) => {
  const { stores } = await openMemory()
  const client = { ...createFresh().client(), scopes: ['openid'] }
  await stores.clients.createClient(client, on(0))
  client.scopes.push('admin')
  const found = await stores.clients.findClient(client.clientId)
  t.strictSame(found?.scopes, ['openid'])
  t.throws(() => Reflect.apply(Array.prototype.push, found?.scopes, ['admin']), TypeError)
  t.strictSame((await stores.clients.findClient(client.clientId))?.scopes, ['openid'])
})

t.test('[OPS-021] a second record under a random key rejects, and writes nothing', async (t) => {
  const { stores, readEvents } = await openMemory()
  const fresh = createFresh()
  const session = fresh.session()
  await stores.sessions.startSession({ session, replaces: [] }, on(0))
  const twin = fresh.session({ sid: session.sid })
  const sameSecret = fresh.session({ secretDigest: session.secretDigest })
  for (const second of [twin, sameSecret]) {
    const start = { session: second, replaces: [session.sid] }
    await t.rejects(stores.sessions.startSession(start, on(1, fresh.event())), TypeError)
    t.equal(await stores.subjects.findSubject(second.subject), undefined)
  }
  t.strictSame(
    (await stores.sessions.findSessions([session.secretDigest, twin.secretDigest])).map((found) => found.session),
    [session],
  )
  t.strictSame(await readEvents(), [])
})
