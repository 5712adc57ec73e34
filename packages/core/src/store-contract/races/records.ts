// Owns the races on clients, resources, people, sessions and keys. Races against an ending are in endings.ts.

import type { StoreCase } from '../contract.ts'
import { at, on } from '../fresh.ts'
import { register, signIn } from '../world.ts'
import { CONTENDERS, each, eachRound, oneWinner, onlyThese } from './rounds.ts'

const clientRaces: readonly StoreCase[] = [
  {
    ids: ['OPS-021'],
    title: 'of several clients created under one id one is created, and it is the one that stays',
    covers: ['clients.createClient:created', 'clients.createClient:taken'],
    races: ['clients.createClient'],
    run: (tools) =>
      eachRound(tools, async () => {
        const clientId = tools.fresh.clientId()
        const clients = each(() => tools.fresh.client({ clientId, name: tools.fresh.text() }))
        const answers = await tools.race(
          clients.map((client) => () => tools.stores.clients.createClient(client, on(0))),
        )
        const winner = oneWinner(tools, answers, { winner: 'created', loser: 'taken' })
        tools.assert.deepEqual(await tools.stores.clients.findClient(clientId), clients[winner])
      }),
  },
  {
    ids: [],
    title: 'of several updates of a client from one version one is updated, and none is lost in it',
    covers: ['clients.updateClient:updated', 'clients.updateClient:stale'],
    races: ['clients.updateClient'],
    run: (tools) =>
      eachRound(tools, async () => {
        const client = await register(tools)
        const updates = each(() => ({ ...client, version: 2, name: tools.fresh.text() }))
        const answers = await tools.race(
          updates.map((update) => () => tools.stores.clients.updateClient(update, on(1))),
        )
        const winner = oneWinner(tools, answers, { winner: 'updated', loser: 'stale' })
        tools.assert.deepEqual(await tools.stores.clients.findClient(client.clientId), updates[winner])
      }),
  },
  {
    ids: ['OPS-017'],
    title: 'of several deletions of a client one deletes, and an update beside them does not bring it back',
    covers: ['clients.deleteClient:deleted', 'clients.deleteClient:unknown'],
    races: ['clients.deleteClient'],
    run: (tools) =>
      eachRound(tools, async () => {
        const before = (await tools.readEvents()).length
        const client = await register(tools)
        const events = each(() => tools.fresh.event())
        const updates: string[] = []
        const update = async (): Promise<undefined> => {
          updates.push(await tools.stores.clients.updateClient({ ...client, version: 2 }, on(1)))
          return undefined
        }
        const answers = await tools.race([
          update,
          ...events.map((event) => () => tools.stores.clients.deleteClient(client.clientId, on(1, event))),
          update,
        ])
        const deletions = answers.filter((answer) => answer !== undefined)
        oneWinner(tools, deletions, { winner: 'deleted', loser: 'unknown' })
        onlyThese(tools, updates, ['updated', 'stale', 'unknown'])
        tools.assert.equal(await tools.stores.clients.findClient(client.clientId), undefined)
        tools.assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
]

const resourceRaces: readonly StoreCase[] = [
  {
    ids: [],
    title:
      'of several savings of a resource from one version one is saved, the first version too, and of several deletions one deletes',
    covers: [
      'resources.saveResource:saved',
      'resources.saveResource:stale',
      'resources.deleteResource:deleted',
      'resources.deleteResource:unknown',
    ],
    races: ['resources.saveResource', 'resources.deleteResource'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert } = tools
        const resource = tools.fresh.resource()
        for (const version of [1, 2]) {
          const savings = each(() => ({ ...resource, version, name: tools.fresh.text() }))
          const answers = await tools.race(savings.map((saving) => () => stores.resources.saveResource(saving, on(0))))
          const winner = oneWinner(tools, answers, { winner: 'saved', loser: 'stale' })
          const stored = (await stores.resources.listResources()).filter(
            (one) => one.identifier === resource.identifier,
          )
          assert.deepEqual(stored, savings.slice(winner, winner + 1))
        }
        const answers = await tools.race(each(() => () => stores.resources.deleteResource(resource.identifier, on(1))))
        oneWinner(tools, answers, { winner: 'deleted', loser: 'unknown' })
      }),
  },
]

const personRaces: readonly StoreCase[] = [
  {
    ids: ['OPS-021'],
    title: 'of several recordings of one person one is created',
    covers: ['subjects.createSubject:created', 'subjects.createSubject:taken'],
    races: ['subjects.createSubject'],
    run: (tools) =>
      eachRound(tools, async () => {
        const subject = tools.fresh.subject()
        const answers = await tools.race(each(() => () => tools.stores.subjects.createSubject(subject, on(0))))
        oneWinner(tools, answers, { winner: 'created', loser: 'taken' })
      }),
  },
  {
    ids: ['OPS-020'],
    title: 'changes of a person at once all count in his version',
    covers: ['subjects.changeSubject:changed'],
    races: ['subjects.changeSubject'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { subject } = await signIn(tools)
        const answers = await tools.race(
          each((index) => () => {
            const status = index % 2 === 0 ? 'disabled' : 'active'
            return tools.stores.subjects.changeSubject({ subject, status }, on(1))
          }),
        )
        onlyThese(tools, answers, ['changed'])
        tools.assert.equal((await tools.stores.subjects.findSubject(subject))?.version, 1 + CONTENDERS)
      }),
  },
  {
    ids: [],
    title: 'sessions of a person never seen before all start at once, and he is recorded once',
    covers: ['sessions.startSession:started'],
    races: ['sessions.startSession'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const subject = fresh.subject()
        const replaced = await signIn(tools)
        const sessions = each(() => fresh.session({ subject }))
        const answers = await tools.race(
          sessions.map((session) => () => stores.sessions.startSession({ session, replaces: [replaced.sid] }, on(1))),
        )
        onlyThese(tools, answers, ['started'])
        assert.deepEqual(await stores.subjects.findSubject(subject), { subject, status: 'active', version: 1 })
        const found = await stores.sessions.findSessions([...sessions, replaced].map((one) => one.secretDigest))
        assert.deepEqual(
          found.map((one) => one.session),
          [...sessions, { ...replaced, endedAt: at(1) }],
        )
      }),
  },
  {
    ids: ['OPS-018'],
    title: 'a person who is recorded and disabled while his first sessions start stays disabled',
    covers: ['subjects.changeSubject:changed'],
    races: ['sessions.startSession'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const subject = fresh.subject()
        const starting = each(() => fresh.session({ subject })).map(
          (session) => (): Promise<string> => stores.sessions.startSession({ session, replaces: [] }, on(1)),
        )
        const disabling = async (): Promise<string> => {
          await stores.subjects.createSubject(subject, on(1))
          return stores.subjects.changeSubject({ subject, status: 'disabled' }, on(1))
        }
        const answers = await tools.race([...starting, disabling])
        onlyThese(tools, answers, ['started', 'subjectDisabled', 'changed'])
        assert.deepEqual(await stores.subjects.findSubject(subject), { subject, status: 'disabled', version: 2 })
      }),
  },
  {
    ids: [],
    title: 'of several endings of one session one ends it, and a touch beside them does not bring it back',
    covers: ['sessions.endSession:ended', 'sessions.endSession:alreadyEnded', 'sessions.touchSession:ended'],
    races: ['sessions.endSession', 'sessions.touchSession'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const before = (await tools.readEvents()).length
        const session = await signIn(tools, { idleExpiresAt: at(100) })
        const { sid } = session
        const endings = each(() => fresh.event()).map(
          (event) => (): Promise<string> => stores.sessions.endSession(sid, on(1, event)),
        )
        const touches = each(
          (index) => (): Promise<string> => stores.sessions.touchSession({ sid, idleExpiresAt: at(200 + index) }),
        )
        const answers = await tools.race([...touches.slice(0, 5), ...endings, ...touches.slice(5)])
        oneWinner(tools, answers.slice(5, 5 + CONTENDERS), { winner: 'ended', loser: 'alreadyEnded' })
        onlyThese(tools, [...answers.slice(0, 5), ...answers.slice(5 + CONTENDERS)], ['touched', 'ended'])
        assert.equal(await stores.sessions.touchSession({ sid, idleExpiresAt: at(900) }), 'ended')
        const [found] = await stores.sessions.findSessions([session.secretDigest])
        assert.equal(found?.session.endedAt, at(1))
        assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: [],
    title: 'of several renewals of a session from one secret one renews it',
    covers: ['sessions.renewSession:renewed', 'sessions.renewSession:stale'],
    races: ['sessions.renewSession'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const before = (await tools.readEvents()).length
        const { sid, subject, secretDigest: from } = await signIn(tools)
        const sessions = each(() => fresh.session({ sid, subject }))
        const answers = await tools.race(
          sessions.map(
            (session) => (): Promise<string> => stores.sessions.renewSession({ session, from }, on(1, fresh.event())),
          ),
        )
        oneWinner(tools, answers, { winner: 'renewed', loser: 'stale' })
        const found = await stores.sessions.findSessions([from, ...sessions.map((session) => session.secretDigest)])
        assert.equal(found.length, 1)
        assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: [],
    title: 'touches at once leave the latest idle end',
    covers: ['sessions.touchSession:touched'],
    races: ['sessions.touchSession'],
    run: (tools) =>
      eachRound(tools, async () => {
        const session = await signIn(tools, { idleExpiresAt: at(100) })
        const { sid } = session
        // Neither the first nor the last to arrive brings the latest end.
        const ends = each((index) => at(200 + ((index * 7) % CONTENDERS)))
        const answers = await tools.race(
          ends.map((idleExpiresAt) => () => tools.stores.sessions.touchSession({ sid, idleExpiresAt })),
        )
        onlyThese(tools, answers, ['touched'])
        const [found] = await tools.stores.sessions.findSessions([session.secretDigest])
        tools.assert.equal(found?.session.idleExpiresAt, at(200 + CONTENDERS - 1))
      }),
  },
  {
    ids: [],
    title: 'endings of all sessions of a person at once count every session once',
    covers: ['sessions.endSessionsOf:value'],
    races: ['sessions.endSessionsOf'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { subject } = await signIn(tools)
        for (let more = 0; more < 4; more++) await signIn(tools, { subject })
        const counts = await tools.race(
          each(() => () => tools.stores.sessions.endSessionsOf({ subject, except: undefined }, on(1))),
        )
        tools.assert.equal(
          counts.reduce((sum, count) => sum + count, 0),
          5,
        )
      }),
  },
]

const keyRaces: readonly StoreCase[] = [
  {
    ids: [],
    title: 'of several key rings saved from one revision one is saved, whole',
    covers: ['keys.saveKeyRing:saved', 'keys.saveKeyRing:stale'],
    races: ['keys.saveKeyRing'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh } = tools
        const { revision } = await stores.keys.loadKeyRing()
        const rings = each(() => ({ revision, keys: [fresh.key(), fresh.key({ state: 'next' })] }))
        const answers = await tools.race(rings.map((ring) => () => stores.keys.saveKeyRing(ring, on(0))))
        const winner = oneWinner(tools, answers, { winner: 'saved', loser: 'stale' })
        tools.assert.deepEqual(await stores.keys.loadKeyRing(), { revision: revision + 1, keys: rings[winner]?.keys })
      }),
  },
]

/** Races of one method on one record. */
export const recordRaces: readonly StoreCase[] = [...clientRaces, ...resourceRaces, ...personRaces, ...keyRaces]
