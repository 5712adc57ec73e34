// Owns whether the time of an answer tells which names exist: five hundred of each, at the default cost of a hash.

import t from 'tap'
import { createIssuer } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { ask, cookieHeader, FORM, formBody, openForm } from './wire.ts'

const SAMPLES = 500
// Chance alone moves the measure by 0.018 (one standard deviation) at this many samples.
const MOST = 0.08

/** How often a value of the one list is above one of the other: one half where nothing tells them apart. */
const separation = (ones: readonly number[], others: readonly number[]): number => {
  const above = ones.reduce((sum, one) => sum + others.filter((other) => one > other).length, 0)
  return above / (ones.length * others.length)
}

t.test(
  '[WEB-026, ADV-087] in five hundred samples the time of an answer tells no name that exists from one that does not',
  async (t) => {
    const issuer = await createIssuer({
      HASH_MEMORY: '19456',
      LOGIN_FREE_ATTEMPTS: '1000',
      NETWORK_FREE_ATTEMPTS: '100000',
    })
    t.teardown(() => issuer.close())
    const node = await issuer.start()
    await issuer.person('alice')
    const visitor = createVisitor(issuer.issuer)
    const page = await openForm(visitor, `${issuer.issuer}/sign-in`)
    const headers = { cookie: cookieHeader(visitor), 'content-type': FORM, 'sec-fetch-site': 'same-origin' }
    const timeOf = async (username: string): Promise<number> => {
      const body = formBody(new Map([...page.fields, ['username', username], ['password', 'a wrong password']]))
      const began = performance.now()
      const { status } = await ask(node.origin, { method: 'POST', path: '/sign-in', headers, body })
      if (status !== 401) throw new Error(`answered ${status}`)
      return performance.now() - began
    }
    const times = { alice: [] as number[], nobody: [] as number[] }
    for (let at = 0; at < SAMPLES + 20; at++) {
      // In turn and in both orders, so that what else the machine does falls on both alike.
      const order = at % 2 === 0 ? (['alice', 'nobody'] as const) : (['nobody', 'alice'] as const)
      for (const name of order) {
        const time = await timeOf(name)
        if (at >= 20) times[name].push(time)
      }
    }
    const found = separation(times.alice, times.nobody)
    t.ok(Math.abs(found - 0.5) < MOST, `a known name is slower in ${found} of all pairs`)
  },
)
