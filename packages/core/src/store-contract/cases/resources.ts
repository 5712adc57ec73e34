// Owns the cases on protected resources. Never races: see races/.

import type { StoreCase } from '../contract.ts'
import { on } from '../fresh.ts'

/** Cases on saving, listing and deleting resources. */
export const resourceCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'a resource is saved from the version before only, and listed as it was given',
    covers: ['resources.saveResource:saved', 'resources.saveResource:stale', 'resources.listResources:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      assert.deepEqual(await stores.resources.listResources(), [])
      const full = fresh.resource({
        scopes: [
          { name: 'read', description: 'Read “everything”', sensitive: false },
          { name: 'write', description: 'Write', sensitive: true },
        ],
        tokenFormat: 'jwt',
        accessTokenLifetime: 300,
        signingAlg: 'ES256',
        introspectionClients: [fresh.clientId()],
      })
      const bare = fresh.resource({ scopes: [] })
      const events = [fresh.event(), fresh.event(), fresh.event()]
      assert.equal(await stores.resources.saveResource({ ...full, version: 2 }, on(0, fresh.event())), 'stale')
      assert.equal(await stores.resources.saveResource(full, on(0, ...events.slice(0, 1))), 'saved')
      assert.equal(await stores.resources.saveResource(full, on(0, fresh.event())), 'stale')
      assert.equal(await stores.resources.saveResource({ ...full, version: 3 }, on(0, fresh.event())), 'stale')
      assert.equal(await stores.resources.saveResource(bare, on(0, ...events.slice(1, 2))), 'saved')
      const second = { ...full, version: 2, name: 'renamed', accessTokenLifetime: undefined }
      assert.equal(await stores.resources.saveResource(second, on(1, ...events.slice(2))), 'saved')
      assert.deepEqual(
        [...(await stores.resources.listResources())].sort((a, b) => (a.identifier < b.identifier ? -1 : 1)),
        [second, bare],
      )
      assert.deepEqual(await tools.readEvents(), events)
    },
  },
  {
    ids: [],
    title: 'a deleted resource is gone, and may be saved again from the beginning',
    covers: ['resources.deleteResource:deleted', 'resources.deleteResource:unknown'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const resource = fresh.resource()
      const event = fresh.event()
      await stores.resources.saveResource(resource, on(0))
      assert.equal(await stores.resources.deleteResource(resource.identifier, on(1, event)), 'deleted')
      assert.equal(await stores.resources.deleteResource(resource.identifier, on(2, fresh.event())), 'unknown')
      assert.deepEqual(await stores.resources.listResources(), [])
      assert.deepEqual(await tools.readEvents(), [event])
      assert.equal(await stores.resources.saveResource({ ...resource, version: 2 }, on(3)), 'stale')
      assert.equal(await stores.resources.saveResource(resource, on(3)), 'saved')
    },
  },
]
