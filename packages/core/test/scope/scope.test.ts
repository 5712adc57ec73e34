// Owns the syntax and the limits of scope.

import fc from 'fast-check'
import t from 'tap'
import { decideScope, parseScope } from '#src/scope/index.js'

/** The least time that a call takes, in milliseconds: the machine may be busy with others. */
const leastTime = (call: () => unknown): number => {
  const times = Array.from({ length: 5 }, () => {
    const started = performance.now()
    call()
    return performance.now() - started
  })
  return Math.min(...times)
}

t.test('[ADV-006, WEB-067] a scope parameter costs little, however long and odd it is', async (t) => {
  const hostile = [
    'a'.repeat(1_000_000),
    'a '.repeat(500_000),
    ' '.repeat(100_000),
    `${'a'.repeat(2047)}"`,
    '\u0000'.repeat(2048),
  ]
  for (const text of hostile) {
    t.same(parseScope(text), { ok: false, error: { reason: 'scopeMalformed' } })
    t.ok(leastTime(() => parseScope(text)) < 10)
  }
  const full = Array.from({ length: 900 }, (_, i) => String.fromCharCode(0x61 + (i % 26))).join(' ')
  t.match(parseScope(full), { ok: true, value: { length: 26 } })
  t.ok(leastTime(() => parseScope(full)) < 10)
})

t.test('[ADV-057] exactly the characters of a scope token are taken', async (t) => {
  for (let code = 0; code < 0x180; code++) {
    const text = String.fromCharCode(code)
    const allowed = code > 0x20 && code < 0x7f && text !== '"' && text !== '\\'
    t.equal(parseScope(`a${text}b`).ok, allowed || text === ' ', `U+${code.toString(16)}`)
  }
})

t.test('[unit] what is granted is what was asked, in order and once, and never more than is registered', async (t) => {
  t.same(parseScope('openid email openid'), { ok: true, value: ['openid', 'email'] })
  const token = fc.constantFrom<string>('openid', 'email', 'profile', 'a', 'b', 'offline_access')
  fc.assert(
    fc.property(fc.array(token), fc.array(token), fc.boolean(), (requested, allowed, offline) => {
      const decided = decideScope(requested, { scopes: allowed, offline })
      const wanted = requested.filter((value) => value !== 'offline_access')
      if (decided.ok) {
        t.same(decided.value, offline ? requested : wanted)
        return wanted.every((value) => allowed.includes(value))
      }
      return wanted.length === 0 || wanted.some((value) => !allowed.includes(value))
    }),
    { numRuns: 200 },
  )
})
