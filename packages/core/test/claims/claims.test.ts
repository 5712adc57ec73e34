// Owns which claims may be asked for and in which shape they leave.

import fc from 'fast-check'
import t from 'tap'
import { claimsBeyondScope, claimsOfScope, limitClaims, parseClaims, releaseClaims } from '#src/claims/index.js'

t.test('[CONF-A9] a claim leaves in its shape or not at all: no blank, no null, no wrong type', async (t) => {
  const names = claimsOfScope(['profile', 'email', 'address', 'phone', 'groups'])
  const odd = {
    name: '',
    family_name: '   ',
    nickname: null,
    given_name: 7,
    picture: ['x'],
    birthdate: '3 May 1990',
    updated_at: '1700000000',
    email: 'a@example.org',
    email_verified: 'true',
    phone_number_verified: true,
    address: { formatted: '', country: ' ', region: null, locality: 3 },
    groups: ['', ' ', 5],
    unknown: 'x',
  }
  t.same(releaseClaims(names, odd), { email: 'a@example.org' })
  t.same(
    releaseClaims(names, { address: 'x', groups: 'x', email_verified: true, updated_at: 1.5, birthdate: '0000-13-01' }),
    {},
  )
  const good = {
    birthdate: '0000-02-29',
    updated_at: 0,
    email: 'a@example.org',
    email_verified: false,
    phone_number: '+1',
    phone_number_verified: true,
    address: { country: 'GB' },
    groups: ['a', 'b'],
  }
  t.same(releaseClaims(names, { ...good, groups: ['b', '', 'a'], address: { country: 'GB', region: '' } }), good)
  for (const birthdate of ['1990', '1990-02-03', '0000-12-31'])
    t.same(releaseClaims(['birthdate'], { birthdate }), { birthdate })
})

t.test('[OIDC-20] a name from a request reaches nothing but a claim of the person', async (t) => {
  const known = { name: 'Alice' }
  for (const name of ['__proto__', 'constructor', 'toString', 'hasOwnProperty'])
    t.same(releaseClaims([name], known), {}, name)
  const parsed = parseClaims('{"userinfo":{"__proto__":null,"constructor":{"essential":true},"email":null,"sub":null}}')
  t.ok(parsed.ok)
  const limited = parsed.ok ? limitClaims(parsed.value, ['openid', 'email']) : undefined
  t.same(
    limited?.userinfo.map((claim) => claim.name),
    ['email', 'sub'],
  )
  t.same(claimsBeyondScope(limited, ['openid']), ['email'], 'sub is no secret to a client that signs people in')
  t.same(claimsBeyondScope(limited, ['email']), [])
})

t.test('[ADV-058, QA-008] parsing a claims parameter never throws, and yields what was asked', async () => {
  const json = fc.oneof(
    fc.json(),
    fc.string(),
    fc.json().map((text) => `{"userinfo":${text},"id_token":null}`),
  )
  fc.assert(
    fc.property(json, (text) => typeof parseClaims(text).ok === 'boolean'),
    { numRuns: 500 },
  )
  const request = fc.record({
    essential: fc.boolean(),
    values: fc.array(fc.oneof(fc.string(), fc.integer(), fc.boolean()), { minLength: 1 }),
  })
  fc.assert(
    fc.property(fc.dictionary(fc.string(), request), (section) => {
      const parsed = parseClaims(JSON.stringify({ id_token: section }))
      return (
        parsed.ok &&
        JSON.stringify(parsed.value.idToken) ===
          JSON.stringify(Object.entries(section).map(([name, one]) => ({ name, ...one })))
      )
    }),
    { numRuns: 200 },
  )
})
