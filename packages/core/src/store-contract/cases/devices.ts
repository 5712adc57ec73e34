// Owns the cases on devices that ask to be let in: opened, found, claimed, settled. Polls are in device-polls.ts, races in races/.

import type { CaseTools, StoreCase } from '../contract.ts'
import { approvalFor, approvedDevice, claim, deviceFor, openedDevice, pollAt, redeemingPoll } from '../devices.ts'
import { at, on } from '../fresh.ts'
import { register, type SignedIn, signedIn } from '../world.ts'

const settledBy = async (tools: CaseTools, world: SignedIn, seconds: number, changes: object): Promise<string> => {
  const device = await openedDevice(tools, world.client)
  await claim(tools, world, device)
  const { grant, basis } = approvalFor(tools, world, device)
  const issue = { grant, basis: { ...basis, ...changes } }
  const settle = { handle: device.handle, subject: world.session.subject, issue }
  const outcome = await tools.stores.devices.settleDevice(settle, on(seconds, tools.fresh.event()))
  const found = await tools.stores.devices.findDeviceCode(device)
  tools.assert.equal(found?.approval === undefined, outcome !== 'settled')
  return outcome
}

const openCases: readonly StoreCase[] = [
  {
    ids: ['R8628-14'],
    title: 'a device is found as it was opened, by each of its digests, and its proofs and events are written with it',
    covers: [
      'devices.openDevice:opened',
      'devices.findDevice:value',
      'devices.findDevice:nothing',
      'devices.findDeviceCode:value',
      'devices.findDeviceCode:nothing',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const bare = deviceFor(tools, client, { scope: [], resources: [] })
      const full = deviceFor(tools, client, { claimedBy: fresh.subject(), interval: 10, polledAt: at(3) })
      for (const device of [bare, full]) {
        const proofs = [fresh.reservation(), fresh.reservation()]
        const event = fresh.event()
        assert.equal(await stores.devices.findDevice(device.userCodeDigest), undefined)
        assert.equal(await stores.devices.openDevice({ device, clientVersion: 1, proofs }, on(0, event)), 'opened')
        assert.deepEqual(await stores.devices.findDevice(device.userCodeDigest), device)
        assert.deepEqual(await stores.devices.findDeviceCode(device), { device, approval: undefined })
        const other = { handle: device.handle, deviceDigest: fresh.digest() }
        assert.equal(await stores.devices.findDeviceCode(other), undefined)
        assert.deepEqual((await tools.readEvents()).at(-1), event)
        for (const proof of proofs) assert.equal(await stores.reservations.reserve([proof], at(1)), 'replayed')
      }
    },
  },
  {
    ids: ['R8628-12'],
    title: 'a device is stale, then a replay, then taken, and writes nothing then, its proofs included',
    covers: ['devices.openDevice:stale', 'devices.openDevice:proofReplayed', 'devices.openDevice:taken'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const client = await register(tools)
      const disabled = await register(tools)
      await stores.clients.updateClient({ ...disabled, version: 2, disabled: true }, on(1))
      const known = await openedDevice(tools, client)
      const { userCodeDigest } = known
      const used = fresh.reservation()
      await stores.reservations.reserve([used], at(0))
      for (const [of, clientVersion, proofs, outcome] of [
        [fresh.client(), 1, [used], 'stale'],
        [disabled, 2, [used], 'stale'],
        [client, 2, [used], 'stale'],
        [client, 1, [used], 'proofReplayed'],
        [client, 1, [], 'taken'],
      ] as const) {
        const free = fresh.reservation()
        const device = deviceFor(tools, of, { userCodeDigest })
        const open = { device, clientVersion, proofs: [free, ...proofs] }
        assert.equal(await stores.devices.openDevice(open, on(2, fresh.event())), outcome)
        assert.equal(await stores.devices.findDeviceCode(device), undefined)
        assert.equal(await stores.reservations.reserve([free], at(2)), 'reserved')
      }
      assert.deepEqual(await stores.devices.findDevice(userCodeDigest), known)
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: ['OPS-017'],
    title: 'what a deleted client asked for its devices is dead, and stays so when another client takes its id',
    covers: [
      'devices.findDevice:nothing',
      'devices.findDeviceCode:nothing',
      'devices.claimDevice:unknown',
      'devices.settleDevice:unknown',
      'devices.pollDevice:unknown',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const world = await signedIn(tools)
      const { device, grant } = await approvedDevice(tools, world)
      const waiting = await openedDevice(tools, world.client)
      const { subject } = world.session
      await stores.clients.deleteClient(world.client.clientId, on(3))
      for (const again of [false, true]) {
        if (again) await stores.clients.createClient(world.client, on(4))
        assert.equal(await stores.devices.findDevice(waiting.userCodeDigest), undefined)
        assert.equal(await stores.devices.findDeviceCode(device), undefined)
        assert.equal(await stores.devices.claimDevice({ handle: waiting.handle, subject, now: at(5) }), 'unknown')
        const settle = { handle: waiting.handle, subject, issue: undefined }
        assert.equal(await stores.devices.settleDevice(settle, on(5)), 'unknown')
        assert.equal(await pollAt(tools, redeemingPoll(tools, world, { device, grant }), 6), 'unknown')
      }
    },
  },
]

const settleCases: readonly StoreCase[] = [
  {
    ids: ['R8628-17', 'ADV-103'],
    title: 'a device that one person claimed is claimed and settled by nobody else, and by nobody before a claim',
    covers: [
      'devices.claimDevice:claimed',
      'devices.claimDevice:mismatched',
      'devices.settleDevice:mismatched',
      'devices.settleDevice:settled',
    ],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const thief = await signedIn(tools)
      const device = await openedDevice(tools, world.client)
      const { handle } = device
      const settle = (by: SignedIn, issue: ReturnType<typeof approvalFor> | undefined) =>
        stores.devices.settleDevice({ handle, subject: by.session.subject, issue }, on(2, fresh.event()))
      assert.equal(await settle(world, approvalFor(tools, world, device)), 'mismatched', 'not claimed')
      await claim(tools, world, device)
      await claim(tools, world, device)
      const { subject } = thief.session
      assert.equal(await stores.devices.claimDevice({ handle, subject, now: at(1) }), 'mismatched')
      assert.equal(await settle(thief, undefined), 'mismatched')
      const stolen = approvalFor(tools, { ...thief, client: world.client }, device)
      assert.equal(await settle(thief, stolen), 'mismatched')
      assert.deepEqual(await stores.devices.findDevice(device.userCodeDigest), {
        ...device,
        claimedBy: world.session.subject,
      })
      assert.deepEqual(await tools.readEvents(), [])
      assert.equal(await settle(world, undefined), 'settled')
      assert.equal((await stores.devices.findDevice(device.userCodeDigest))?.status, 'denied')
      assert.equal((await tools.readEvents()).length, 1)
    },
  },
  {
    ids: ['ADV-025'],
    title:
      'an approval writes the grant; it is stale for another client, person or handle, and when its basis does not hold',
    covers: ['devices.settleDevice:settled', 'devices.settleDevice:stale'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const device = await openedDevice(tools, world.client)
      await claim(tools, world, device)
      const { subject } = world.session
      const right = approvalFor(tools, world, device)
      const other = await register(tools)
      for (const grant of [
        { ...right.grant, clientId: other.clientId },
        { ...right.grant, subject: fresh.subject() },
        { ...right.grant, handle: fresh.handle() },
      ]) {
        const settle = { handle: device.handle, subject, issue: { ...right, grant } }
        assert.equal(await stores.devices.settleDevice(settle, on(2, fresh.event())), 'stale')
      }
      for (const changes of [{ clientVersion: 2 }, { subjectVersion: 2 }, { sid: fresh.sessionId() }]) {
        assert.equal(await settledBy(tools, world, 2, changes), 'stale')
      }
      assert.deepEqual(await tools.readEvents(), [])
      const event = fresh.event()
      const settle = { handle: device.handle, subject, issue: right }
      assert.equal(await stores.devices.settleDevice(settle, on(2, event)), 'settled')
      const found = await stores.devices.findDeviceCode(device)
      assert.deepEqual(found?.approval?.grant, right.grant)
      assert.equal(found?.approval?.redeemedAt, undefined)
      assert.equal(found?.device.status, 'approved')
      assert.deepEqual(await tools.readEvents(), [event])
      await stores.sessions.endSession(world.session.sid, on(3))
      assert.equal(await settledBy(tools, world, 4, {}), 'stale', 'the session ended')
    },
  },
  {
    ids: ['R8628-04'],
    title: 'a device that is settled, expired or not there is neither claimed nor settled',
    covers: ['devices.claimDevice:unknown', 'devices.settleDevice:unknown'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const { subject } = world.session
      const { device: settled } = await approvedDevice(tools, world)
      const expired = await openedDevice(tools, world.client)
      await claim(tools, world, expired)
      for (const [device, seconds] of [
        [settled, 3],
        [expired, 600],
        [deviceFor(tools, world.client), 3],
      ] as const) {
        const { handle } = device
        assert.equal(await stores.devices.claimDevice({ handle, subject, now: at(seconds) }), 'unknown')
        for (const issue of [undefined, approvalFor(tools, world, device)]) {
          const settle = { handle, subject, issue }
          assert.equal(await stores.devices.settleDevice(settle, on(seconds, fresh.event())), 'unknown')
        }
      }
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
]

/** Cases on devices up to a person's decision. */
export const deviceCases: readonly StoreCase[] = [...openCases, ...settleCases]
