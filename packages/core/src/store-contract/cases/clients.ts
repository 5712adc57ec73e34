// Owns the cases on clients. Never races: see races/.

import type { StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { codeNow, issued, issueFor, redeem, redemptionOf, register, signedIn, tokenNow } from '../world.ts'
import { consented } from './issue.ts'

/** Cases on finding, listing, creating, updating and deleting clients. */
export const clientCases: readonly StoreCase[] = [
  {
    ids: [],
    title: 'a created client is found as it was given, every member of it',
    covers: ['clients.createClient:created', 'clients.findClient:value', 'clients.findClient:nothing'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const full = fresh.client({
        applicationType: 'native',
        authMethod: 'private_key_jwt',
        secrets: [
          { digest: fresh.digest(), expiresAt: undefined },
          { digest: fresh.digest(), expiresAt: at(86400) },
        ],
        tlsClientName: { kind: 'subjectDn', value: 'CN=client,O=Example\\, Inc.' },
        certificateBoundTokens: true,
        dpopBoundTokens: true,
        jwksUri: 'https://client.example/jwks.json',
        localhostAnyPort: true,
        pkce: 'optional',
        nonce: 'required',
        idTokenAlg: 'EdDSA',
        idTokenClaims: 'scoped',
        trusted: true,
        defaultMaxAge: 0,
        requirePushedRequests: true,
        requestObjectAlg: 'PS256',
        requireSignedRequests: true,
        requestUris: ['https://client.example/request.jwt#v1', 'https://client.example/two'],
        authorizationResponseAlg: 'ES256',
        clientUri: 'https://client.example/',
        logoUri: 'https://client.example/logo.png',
        policyUri: 'https://client.example/policy',
        tosUri: 'https://client.example/terms',
        initiateLoginUri: 'https://client.example/start',
        contacts: ['ops@client.example', 'Åsa <asa@client.example>'],
        updatedAt: at(5),
      })
      const bare = fresh.client({
        secrets: [],
        jwks: [],
        redirectUris: [],
        origin: 'registered',
        registrationTokenDigest: fresh.digest(),
        unusedExpiresAt: at(500),
        scopes: [],
        grantTypes: [],
        corsOrigins: [],
      })
      for (const client of [full, bare]) {
        assert.equal(await stores.clients.findClient(client.clientId), undefined)
        assert.equal(await stores.clients.createClient(client, on(0)), 'created')
        assert.deepEqual(await stores.clients.findClient(client.clientId), client)
      }
    },
  },
  {
    ids: ['OPS-021'],
    title: 'a client id that is taken is answered as taken, and neither the record nor an event is written',
    covers: ['clients.createClient:taken'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const first = await register(tools)
      const second = fresh.client({ clientId: first.clientId, name: 'another' })
      assert.equal(await stores.clients.createClient(second, on(1, fresh.event())), 'taken')
      assert.deepEqual(await stores.clients.findClient(first.clientId), first)
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: [],
    title: 'a client is updated from the version before only; a stale or unknown one writes nothing',
    covers: ['clients.updateClient:updated', 'clients.updateClient:stale', 'clients.updateClient:unknown'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const first = await register(tools)
      const event = fresh.event()
      const second = { ...first, version: 2, name: 'second', disabled: true, redirectUris: [], updatedAt: at(1) }
      assert.equal(await stores.clients.updateClient(second, on(1, event)), 'updated')
      for (const version of [1, 2, 4]) {
        const late = { ...first, version, name: 'late' }
        assert.equal(await stores.clients.updateClient(late, on(2, fresh.event())), 'stale', `version ${version}`)
      }
      assert.equal(await stores.clients.updateClient(fresh.client({ version: 2 }), on(2, fresh.event())), 'unknown')
      assert.deepEqual(await stores.clients.findClient(first.clientId), second)
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: [],
    title: 'clients are listed in pages by id, each once, and the last page says that it is the last',
    covers: ['clients.listClients:value'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      assert.deepEqual(await stores.clients.listClients({ after: undefined, limit: 2 }), { items: [], next: undefined })
      const clients = ['b', 'B', 'a', '-', '_', '9'].map((id) => fresh.client({ clientId: fresh.clientId(), name: id }))
      for (const client of clients) await stores.clients.createClient(client, on(0))
      const expected = clients.map((client) => client.clientId).sort()
      const seen: string[] = []
      let after: string | undefined
      let pages = 0
      do {
        const page = await stores.clients.listClients({ after, limit: 2 })
        seen.push(...page.items.map((client) => client.clientId))
        after = page.next
        pages++
      } while (after !== undefined && pages < 10)
      assert.deepEqual(seen, expected)
      assert.equal(pages, 3, 'six clients fill three pages of two, and no empty one follows')
    },
  },
  {
    ids: ['OPS-017'],
    title: 'deleting a client takes its consents, and its codes and tokens are dead from then on',
    covers: [
      'clients.deleteClient:deleted',
      'clients.deleteClient:unknown',
      'grants.redeemAuthorizationCode:stale',
      'consents.findConsent:value',
      'consents.findConsent:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const used = redemptionOf(tools, await issued(tools, world))
      assert.deepEqual(await redeem(tools, used), { outcome: 'redeemed' })
      const open = await issued(tools, world)
      await consented(tools, world, ['openid'])
      const event = fresh.event()
      assert.equal(await stores.clients.deleteClient(world.client.clientId, on(11, event)), 'deleted')
      assert.equal(await stores.clients.deleteClient(world.client.clientId, on(12, fresh.event())), 'unknown')
      assert.equal(await stores.clients.findClient(world.client.clientId), undefined)
      assert.deepEqual(await redeem(tools, redemptionOf(tools, open), 12), { outcome: 'stale' })
      assert.equal((await tokenNow(tools, used.accessToken))?.family?.state.client, undefined)
      assert.equal(await stores.grants.issueAuthorizationCode(issueFor(tools, world), on(12)), 'stale')
      const key = { subject: world.session.subject, clientId: world.client.clientId }
      assert.equal(await stores.consents.findConsent(key), undefined)
      assert.deepEqual(await tools.readEvents(), [event])
    },
  },
  {
    ids: [],
    title: 'a client created again under a deleted id revives neither codes nor tokens of the first',
    covers: ['clients.createClient:created', 'grants.redeemAuthorizationCode:stale'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const used = redemptionOf(tools, await issued(tools, world))
      assert.deepEqual(await redeem(tools, used), { outcome: 'redeemed' })
      const open = await issued(tools, world)
      await stores.clients.deleteClient(world.client.clientId, on(11))
      assert.equal(await stores.clients.createClient(world.client, on(11)), 'created')
      assert.deepEqual(await redeem(tools, redemptionOf(tools, open), 12), { outcome: 'stale' })
      assert.equal((await codeNow(tools, open)).state.client, undefined)
      assert.equal((await tokenNow(tools, used.accessToken))?.family?.state.client, undefined)
      const anew = await issued(tools, world)
      assert.deepEqual(await redeem(tools, redemptionOf(tools, anew), 13), { outcome: 'redeemed' })
    },
  },
  {
    ids: [],
    title: 'an origin counts as registered while a client that is not disabled names exactly it',
    covers: ['clients.isRegisteredOrigin:true', 'clients.isRegisteredOrigin:false'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const origin = 'https://spa.example'
      assert.equal(await stores.clients.isRegisteredOrigin(origin), false)
      const client = await register(tools, { corsOrigins: ['https://other.example', origin] })
      assert.equal(await stores.clients.isRegisteredOrigin(origin), true)
      for (const near of ['https://spa.example:8443', 'http://spa.example', 'https://spa.exampl', '%', '']) {
        assert.equal(await stores.clients.isRegisteredOrigin(near), false, near)
      }
      await stores.clients.updateClient({ ...client, version: 2, disabled: true }, on(1))
      assert.equal(await stores.clients.isRegisteredOrigin(origin), false)
    },
  },
]
