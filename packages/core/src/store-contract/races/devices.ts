// Owns the races on devices: many polls, people and tabs, one winner each.

import type { StoreCase } from '../contract.ts'
import {
  approvalFor,
  approvedDevice,
  claim,
  deviceFor,
  openedDevice,
  pollAt,
  pollOf,
  redeemingPoll,
} from '../devices.ts'
import { at, on } from '../fresh.ts'
import { register, signedIn, tokenNow } from '../world.ts'
import { each, eachRound, oneWinner, onlyThese } from './rounds.ts'

/** Races on devices. */
export const deviceRaces: readonly StoreCase[] = [
  {
    ids: ['R8628-12'],
    title: 'of twenty devices with one user code one opens',
    covers: ['devices.openDevice:opened', 'devices.openDevice:taken'],
    races: ['devices.openDevice'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh } = tools
        const client = await register(tools)
        const userCodeDigest = fresh.digest()
        const devices = each(() => deviceFor(tools, client, { userCodeDigest }))
        const answers = await tools.race(
          devices.map((device) => () => stores.devices.openDevice({ device, clientVersion: 1, proofs: [] }, on(0))),
        )
        const winner = oneWinner(tools, answers, { winner: 'opened', loser: 'taken' })
        tools.assert.deepEqual(await stores.devices.findDevice(userCodeDigest), devices[winner])
      }),
  },
  {
    ids: ['R8628-17'],
    title: 'of twenty people with one user code one claims',
    covers: ['devices.claimDevice:claimed', 'devices.claimDevice:mismatched'],
    races: ['devices.claimDevice'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh } = tools
        const { handle, userCodeDigest } = await openedDevice(tools, await register(tools))
        const people = each(() => fresh.subject())
        const answers = await tools.race(
          people.map((subject) => () => stores.devices.claimDevice({ handle, subject, now: at(1) })),
        )
        const winner = oneWinner(tools, answers, { winner: 'claimed', loser: 'mismatched' })
        tools.assert.equal((await stores.devices.findDevice(userCodeDigest))?.claimedBy, people[winner])
      }),
  },
  {
    ids: [],
    title: 'of twenty tabs that allow or refuse one device one settles it',
    covers: ['devices.settleDevice:settled', 'devices.settleDevice:unknown'],
    races: ['devices.settleDevice'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const world = await signedIn(tools)
        const device = await openedDevice(tools, world.client)
        await claim(tools, world, device)
        const { subject } = world.session
        const issues = each((index) => (index % 2 === 0 ? approvalFor(tools, world, device) : undefined))
        const before = (await tools.readEvents()).length
        const answers = await tools.race(
          issues.map(
            (issue) => () =>
              stores.devices.settleDevice({ handle: device.handle, subject, issue }, on(2, fresh.event())),
          ),
        )
        const winner = oneWinner(tools, answers, { winner: 'settled', loser: 'unknown' })
        const found = await stores.devices.findDeviceCode(device)
        assert.deepEqual(found?.approval?.grant, issues[winner]?.grant)
        assert.equal((await tools.readEvents()).length, before + 1)
      }),
  },
  {
    ids: ['OPS-014', 'R8628-09'],
    title: 'of twenty polls with one approved device code one gets tokens, and those are revoked by the others',
    covers: ['devices.pollDevice:redeemed', 'devices.pollDevice:replayed'],
    races: ['devices.pollDevice'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { assert, fresh } = tools
        const world = await signedIn(tools)
        const approved = await approvedDevice(tools, world)
        const polls = each(() => redeemingPoll(tools, world, approved))
        const before = (await tools.readEvents()).length
        const answers = await tools.race(
          polls.map(
            (poll) => () => pollAt(tools, poll, 10, { events: [fresh.event()], replayEvents: [fresh.event()] }),
          ),
        )
        const winner = oneWinner(tools, answers, { winner: 'redeemed', loser: 'replayed' })
        for (const [index, { redemption }] of polls.entries()) {
          const token = redemption && (await tokenNow(tools, redemption.accessToken))
          assert.equal(token?.family?.state.revokedAt, index === winner ? at(10) : undefined)
        }
        assert.equal((await tools.readEvents()).length, before + 2)
      }),
  },
  {
    ids: ['R8628-08'],
    title: 'of twenty polls at one moment one is in time, and the interval grows by every other',
    covers: ['devices.pollDevice:pending', 'devices.pollDevice:slowDown'],
    races: ['devices.pollDevice'],
    run: (tools) =>
      eachRound(tools, async () => {
        const device = await openedDevice(tools, await register(tools))
        const answers = await tools.race(each(() => () => pollAt(tools, pollOf(device), 10)))
        oneWinner(tools, answers, { winner: 'pending', loser: 'slowDown' })
        const found = await tools.stores.devices.findDevice(device.userCodeDigest)
        tools.assert.equal(found?.interval, 5 + 19 * 5)
      }),
  },
  {
    ids: [],
    title:
      'polls that cross an approval note themselves or are told to look again, and never redeem what they did not read',
    covers: ['devices.settleDevice:settled', 'devices.pollDevice:stale'],
    races: ['devices.pollDevice'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert } = tools
        const world = await signedIn(tools)
        const device = await openedDevice(tools, world.client)
        await claim(tools, world, device)
        const issue = approvalFor(tools, world, device)
        const settle = { handle: device.handle, subject: world.session.subject, issue }
        const polls = each(() => () => pollAt(tools, pollOf(device), 10))
        const answers = await tools.race<string>([...polls, () => stores.devices.settleDevice(settle, on(10))])
        onlyThese(tools, answers, ['pending', 'slowDown', 'stale', 'settled'])
        assert.equal(await pollAt(tools, pollOf(device), 10), 'stale')
        assert.equal(await pollAt(tools, redeemingPoll(tools, world, { device, grant: issue.grant }), 11), 'redeemed')
      }),
  },
]
