// Owns the races on one-time identifiers, counters of failures, events and the sweep: nothing is lost and nothing counts twice.

import type { StoreCase } from '../contract.ts'
import { at } from '../fresh.ts'
import { CONTENDERS, each, eachRound, oneWinner, onlyThese } from './rounds.ts'

const UNTHROTTLED = { free: 1000, baseDelay: 10, maxDelay: 60, forgetAfter: 3600 }

const reservationRaces: readonly StoreCase[] = [
  {
    ids: ['OPS-021'],
    title: 'of several reservations of one identifier one reserves, in whichever order it is named with others',
    covers: ['reservations.reserve:reserved', 'reservations.reserve:replayed'],
    races: ['reservations.reserve'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh } = tools
        const one = fresh.reservation()
        const two = fresh.reservation()
        const own = each(() => fresh.reservation())
        const answers = await tools.race(
          own.map((third, index) => () => {
            const named = index % 2 === 0 ? [one, third, two] : [two, third, one]
            return stores.reservations.reserve(named, at(0))
          }),
        )
        const winner = oneWinner(tools, answers, { winner: 'reserved', loser: 'replayed' })
        for (const [index, third] of own.entries()) {
          const expected = index === winner ? 'replayed' : 'reserved'
          tools.assert.equal(await stores.reservations.reserve([third], at(0)), expected, 'all or none')
        }
      }),
  },
  {
    ids: ['OPS-021'],
    title: 'of several reservations of one expired identifier one reserves, and a sweep beside them does not lose it',
    covers: ['reservations.reserve:reserved', 'reservations.reserve:replayed', 'sweeps.sweepExpired:value'],
    races: ['reservations.reserve', 'sweeps.sweepExpired'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, fresh } = tools
        const old = fresh.reservation({ expiresAt: at(5) })
        await stores.reservations.reserve([old], at(0))
        const anew = { ...old, expiresAt: at(300) }
        const sweep = async (): Promise<undefined> => {
          await stores.sweeps.sweepExpired({ before: at(6), limit: 100 })
          return undefined
        }
        const reserve = (): Promise<string> => stores.reservations.reserve([anew], at(10))
        const answers = await tools.race([sweep, ...each(() => reserve), sweep])
        const reserved = answers.filter((answer) => answer !== undefined)
        oneWinner(tools, reserved, { winner: 'reserved', loser: 'replayed' })
        tools.assert.equal(await reserve(), 'replayed')
      }),
  },
]

const attemptRaces: readonly StoreCase[] = [
  {
    ids: ['OPS-020', 'WEB-020'],
    title: 'attempts made at once are all counted',
    covers: ['attempts.admitAttempt:admitted', 'attempts.admitAttempt:throttled'],
    races: ['attempts.admitAttempt'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const account = fresh.digest()
        const network = fresh.digest()
        const named = [account, network].map((key) => ({ key, policy: UNTHROTTLED }))
        const answers = await tools.race(
          each((index) => () => {
            return stores.attempts.admitAttempt(index % 2 === 0 ? named : [...named].reverse(), at(0))
          }),
        )
        onlyThese(
          tools,
          answers.map((answer) => answer.outcome),
          ['admitted'],
        )
        for (const key of [account, network]) {
          // One more is the first above the free ones only if all twenty were counted, and no more than these.
          const keys = [{ key, policy: { ...UNTHROTTLED, free: CONTENDERS - 1 } }]
          assert.deepEqual(await stores.attempts.admitAttempt(keys, at(0)), { outcome: 'admitted' })
          assert.deepEqual(await stores.attempts.admitAttempt(keys, at(0)), { outcome: 'throttled', until: at(20) })
        }
      }),
  },
  {
    ids: ['WEB-020', 'OPS-020'],
    title: 'of attempts made at once none is admitted past the first block',
    covers: ['attempts.admitAttempt:admitted', 'attempts.admitAttempt:throttled'],
    races: ['attempts.admitAttempt'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        const keys = [
          { key: fresh.digest(), policy: { ...UNTHROTTLED, free: 3 } },
          { key: fresh.digest(), policy: UNTHROTTLED },
        ]
        const answers = await tools.race(
          each((index) => () => stores.attempts.admitAttempt(index % 2 === 0 ? keys : [...keys].reverse(), at(0))),
        )
        const throttled = answers.filter((answer) => answer.outcome === 'throttled')
        assert.equal(throttled.length, CONTENDERS - 4, 'three free ones and the one that sets the block')
        for (const answer of throttled) assert.deepEqual(answer, { outcome: 'throttled', until: at(10) })
      }),
  },
]

const upkeepRaces: readonly StoreCase[] = [
  {
    ids: [],
    title: 'several sweepers at once count every row once',
    covers: ['sweeps.sweepExpired:value'],
    races: ['sweeps.sweepExpired'],
    run: (tools) =>
      eachRound(tools, async () => {
        const { stores, assert, fresh } = tools
        await stores.reservations.reserve(
          each(() => fresh.reservation({ expiresAt: at(5) })),
          at(0),
        )
        const sweep = (): Promise<number> => stores.sweeps.sweepExpired({ before: at(6), limit: 3 })
        let total = 0
        for (const count of await tools.race([sweep, sweep, sweep, sweep])) total += count
        for (let count = await sweep(); count > 0; count = await sweep()) total += count
        assert.equal(total, CONTENDERS)
      }),
  },
  {
    ids: [],
    title: 'events appended at once are all kept',
    covers: ['audit.appendEvents:nothing'],
    races: ['audit.appendEvents'],
    run: (tools) =>
      eachRound(tools, async () => {
        const before = (await tools.readEvents()).length
        const events = each(() => [tools.fresh.event(), tools.fresh.event()])
        await tools.race(events.map((pair) => () => tools.stores.audit.appendEvents(pair)))
        tools.assert.equal((await tools.readEvents()).length, before + 2 * CONTENDERS)
      }),
  },
]

/** Races on what is counted. */
export const counterRaces: readonly StoreCase[] = [...reservationRaces, ...attemptRaces, ...upkeepRaces]
