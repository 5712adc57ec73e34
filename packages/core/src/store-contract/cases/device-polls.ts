// Owns the cases on the polls of devices: noted, refused, redeemed, swept. Races are in races/.

import type { StoreCase } from '../contract.ts'
import { approvedDevice, claim, openedDevice, pollAt, pollOf, redeemingPoll } from '../devices.ts'
import { refreshStateFor } from '../families.ts'
import { at, on } from '../fresh.ts'
import { register, type SignedIn, signedIn, tokenFor, tokenNow } from '../world.ts'

/** Cases on the polls of devices. */
export const devicePollCases: readonly StoreCase[] = [
  {
    ids: ['R8628-08', 'OPS-015'],
    title:
      'a poll is noted; one that comes too soon makes the interval grow, for this and later polls; one within the tolerance does not',
    covers: ['devices.pollDevice:pending', 'devices.pollDevice:slowDown'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const device = await openedDevice(tools, await register(tools))
      for (const [seconds, outcome, interval] of [
        [10, 'pending', 5],
        [14, 'pending', 5],
        [17, 'slowDown', 10],
        [25, 'slowDown', 15],
        [39, 'pending', 15],
        [54, 'pending', 15],
      ] as const) {
        const proof = fresh.reservation()
        const poll = pollOf(device, { proofs: [proof] })
        assert.equal(await pollAt(tools, poll, seconds, { events: [fresh.event()] }), outcome, `${seconds}`)
        const found = await stores.devices.findDevice(device.userCodeDigest)
        assert.deepEqual(found, { ...device, interval, polledAt: at(seconds) })
        assert.equal(await stores.reservations.reserve([proof], at(seconds)), 'replayed')
      }
      assert.deepEqual(await tools.readEvents(), [])
    },
  },
  {
    ids: ['R8628-06', 'ADV-025'],
    title: 'a poll is unknown for another client or digest, then a replayed proof, then stale, and writes nothing then',
    covers: ['devices.pollDevice:unknown', 'devices.pollDevice:proofReplayed', 'devices.pollDevice:stale'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const used = fresh.reservation()
      await stores.reservations.reserve([used], at(0))
      const approved = await approvedDevice(tools, world)
      const { device } = approved
      const waiting = await openedDevice(tools, world.client)
      const denied = await openedDevice(tools, world.client)
      await claim(tools, world, denied)
      const { subject } = world.session
      await stores.devices.settleDevice({ handle: denied.handle, subject, issue: undefined }, on(2))
      const redeeming = redeemingPoll(tools, world, approved)
      const { accessToken, refresh } = redeeming.redemption ?? {
        accessToken: tokenFor(tools, approved.grant),
        refresh: undefined,
      }
      const on2 = (basis: Partial<SignedIn['basis']>) => ({
        ...redeeming,
        redemption: { accessToken, refresh, basis: { ...world.basis, ...basis } },
      })
      const other = await register(tools)
      for (const [poll, seconds, outcome] of [
        [{ ...redeeming, clientId: other.clientId }, 5, 'unknown'],
        [{ ...redeeming, deviceDigest: fresh.digest() }, 5, 'unknown'],
        [{ ...redeeming, handle: fresh.handle() }, 5, 'unknown'],
        [{ ...redeeming, proofs: [used] }, 5, 'proofReplayed'],
        [pollOf(waiting, { proofs: [used] }), 5, 'proofReplayed'],
        [pollOf(device), 5, 'stale'],
        [redeemingPoll(tools, world, { device: waiting, grant: approved.grant }), 5, 'stale'],
        [pollOf(denied), 5, 'stale'],
        [pollOf(waiting), 600, 'stale'],
        [redeeming, 600, 'stale'],
        [on2({ clientVersion: 2 }), 5, 'stale'],
        [on2({ subjectVersion: 2 }), 5, 'stale'],
      ] as const) {
        const free = fresh.reservation()
        const whole = { ...poll, proofs: [free, ...poll.proofs] }
        const before = await stores.devices.findDeviceCode(device)
        const events = { events: [fresh.event()], replayEvents: [fresh.event()] }
        assert.equal(await pollAt(tools, whole, seconds, events), outcome)
        assert.deepEqual(await stores.devices.findDeviceCode(device), before)
        assert.deepEqual(await stores.devices.findDevice(waiting.userCodeDigest), waiting)
        assert.equal(await tokenNow(tools, accessToken), undefined)
        assert.equal(await stores.reservations.reserve([free], at(5)), 'reserved')
      }
      assert.deepEqual(await tools.readEvents(), [])
      const revoked = await approvedDevice(tools, world)
      await stores.grants.revokeGrant(revoked.device.handle, on(3))
      assert.equal(await pollAt(tools, redeemingPoll(tools, world, revoked), 5), 'stale')
      await stores.sessions.endSession(world.session.sid, on(6))
      assert.equal(await pollAt(tools, redeeming, 7), 'stale', 'the approval ends with its session until it is fetched')
    },
  },
  {
    ids: ['R8628-09'],
    title: 'an approved device is redeemed once, with its tokens; the same code again revokes its grant, once',
    covers: ['devices.pollDevice:redeemed', 'devices.pollDevice:replayed'],
    races: [],
    run: async (tools) => {
      const { stores, assert, fresh } = tools
      const world = await signedIn(tools)
      const approved = await approvedDevice(tools, world)
      const poll = redeemingPoll(tools, world, approved)
      const refresh = refreshStateFor(tools)
      const proof = fresh.reservation()
      const whole = { ...poll, redemption: poll.redemption && { ...poll.redemption, refresh }, proofs: [proof] }
      const [event, replayEvent] = [fresh.event(), fresh.event()]
      const said = { events: [event], replayEvents: [replayEvent] }
      assert.equal(await pollAt(tools, whole, 10, said), 'redeemed')
      const found = await stores.devices.findDeviceCode(approved.device)
      assert.equal(found?.approval?.redeemedAt, at(10))
      assert.deepEqual((await stores.grants.findRefresh(approved.device.handle))?.refresh, refresh)
      const token = poll.redemption?.accessToken ?? tokenFor(tools, approved.grant)
      assert.deepEqual((await tokenNow(tools, token))?.token, token)
      assert.equal(await stores.reservations.reserve([proof], at(10)), 'replayed')
      assert.deepEqual(await tools.readEvents(), [event])
      await stores.sessions.endSession(world.session.sid, on(11))
      assert.equal((await tokenNow(tools, token))?.family?.state.revokedAt, undefined)
      // Even expired, and whether or not the poll would redeem.
      assert.equal(await pollAt(tools, pollOf(approved.device), 700, said), 'replayed')
      assert.equal(await pollAt(tools, redeemingPoll(tools, world, approved), 701, said), 'replayed')
      assert.equal((await tokenNow(tools, token))?.family?.state.revokedAt, at(700))
      assert.deepEqual(await tools.readEvents(), [event, replayEvent])
    },
  },
  {
    ids: [],
    title: 'a device is swept when it is kept no longer, not when it has expired',
    covers: ['sweeps.sweepExpired:value', 'devices.findDevice:value', 'devices.findDevice:nothing'],
    races: [],
    run: async (tools) => {
      const { stores, assert } = tools
      const device = await openedDevice(tools, await register(tools))
      await stores.sweeps.sweepExpired({ before: at(1000), limit: 10 })
      assert.deepEqual(await stores.devices.findDevice(device.userCodeDigest), device)
      await stores.sweeps.sweepExpired({ before: at(1001), limit: 10 })
      assert.equal(await stores.devices.findDevice(device.userCodeDigest), undefined)
    },
  },
]
