// Owns the form parser and the reading of cookies, by property and by hostile text.

import { formDecode, formEncode, isFormContentType, parseForm, readCookie, type WireRequest } from '@vouchsafe/core'
import fc from 'fast-check'
import t from 'tap'

const entriesOf = (text: string): readonly (readonly [string, readonly string[]])[] | undefined => {
  const parsed = parseForm(text)
  return parsed.ok ? [...parsed.value] : undefined
}

t.test('[QA-008, V21-31] the parser never throws on any text, and what it takes can be written again', async (t) => {
  const piece = fc.constantFrom(
    '&',
    '=',
    '%',
    '+',
    '%2',
    '%ff',
    '%00',
    '%ed%a0%80',
    '%F0%9F%A6%86',
    'a',
    'é',
    '\ud800',
    '[]',
    '.',
  )
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(piece, { maxLength: 40 }).map((parts) => parts.join('')),
  )
  let taken = 0
  fc.assert(
    fc.property(text, (form) => {
      const entries = entriesOf(form)
      if (entries === undefined) return true
      taken++
      const written = entries.flatMap(([name, values]) =>
        values.map((value) => `${formEncode(name)}=${formEncode(value)}`),
      )
      // A part without a name would be lost when it is empty as well.
      return JSON.stringify(entriesOf(written.join('&'))) === JSON.stringify(entries)
    }),
    { numRuns: 1200 },
  )
  t.ok(taken > 200, `${taken} were forms`)
})

t.test('[QA-008] every name and value comes back, and only form-encoded characters are written', async (t) => {
  const any = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(any, (text) => formDecode(formEncode(text)) === text && /^[A-Za-z0-9\-._*+%]*$/.test(formEncode(text))),
    { numRuns: 1000 },
  )
  t.equal(formEncode("a b&c=d~!'()*é"), 'a+b%26c%3Dd%7E%21%27%28%29%2A%C3%A9')
  const sent = new URLSearchParams([
    ['x y', '1&2=3+4'],
    ['x y', '🦆'],
  ]).toString()
  t.same(entriesOf(sent), [['x y', ['1&2=3+4', '🦆']]])
})

t.test('[unit] what is ill-encoded, holds U+0000 or half a character is refused whole', async (t) => {
  for (const text of [
    'a=%',
    'a=%z1',
    'a=%ff',
    '%=1',
    'a=%c3',
    'a=%ed%a0%80',
    'a=%00',
    'a=\0',
    '%00=a',
    'a=\ud83d',
    'x=1&a=%',
  ]) {
    t.same(parseForm(text), { ok: false, error: { reason: 'formIllEncoded' } }, JSON.stringify(text))
  }
})

t.test(
  '[WEB-057, WEB-063] two hundred fields are read and none is cut off: one more, or padding before it, changes nothing',
  async (t) => {
    const fields = (count: number): string => Array.from({ length: count }, (_, i) => `p${i}=${i}`).join('&')
    t.equal(entriesOf(fields(200))?.length, 200)
    t.same(parseForm(fields(201)), { ok: false, error: { reason: 'tooManyFields' } })
    t.same(parseForm('a=1&'.repeat(201)), { ok: false, error: { reason: 'tooManyFields' } })
    for (const padding of [1, 199, 200, 201, 5000]) {
      t.same(entriesOf(`a=1${'&'.repeat(padding)}a=2`), [['a', ['1', '2']]], `${padding} ampersands`)
    }
    t.same(entriesOf('a[]=1&a[0]=2&a.b=3&__proto__=4&a%5Bx%5D=5'), [
      ['a[]', ['1']],
      ['a[0]', ['2']],
      ['a.b', ['3']],
      ['__proto__', ['4']],
      ['a[x]', ['5']],
    ])
  },
)

t.test('[WEB-057, WEB-067] cost is linear: a form at its limit takes milliseconds, one above it none', async (t) => {
  const limit = 65_536
  const hostile = [
    '&'.repeat(limit),
    '='.repeat(limit),
    '+'.repeat(limit),
    '%41'.repeat(limit / 3),
    `a=${'%'.repeat(limit - 2)}`,
    'a&'.repeat(limit / 2),
  ]
  for (const text of hostile) {
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now()
      parseForm(text)
      return performance.now() - started
    })
    t.ok(Math.min(...times) < 50, text.slice(0, 3))
  }
  t.same(parseForm('a'.repeat(limit + 1)), { ok: false, error: { reason: 'formTooLarge' } })
  const deep = `a${'['.repeat(10_000)}${']'.repeat(10_000)}=1`
  t.equal(entriesOf(deep)?.length, 1)
})

t.test('[unit] a form is named by its media type alone', async (t) => {
  for (const type of [
    'application/x-www-form-urlencoded',
    'Application/X-WWW-Form-Urlencoded; charset=UTF-8',
    'application/x-www-form-urlencoded;x',
  ]) {
    t.ok(isFormContentType(type), type)
  }
  for (const type of [
    undefined,
    '',
    'application/json',
    'multipart/form-data',
    'application/x-www-form-urlencodedx',
    'x; application/x-www-form-urlencoded',
  ]) {
    t.notOk(isFormContentType(type), String(type))
  }
})

const withCookies = (...cookie: readonly string[]): WireRequest => ({
  method: 'GET',
  path: '/',
  query: '',
  headers: new Map([['cookie', cookie]]),
  body: undefined,
  remoteAddress: '192.0.2.1',
})

t.test('[ADV-112, ADV-135] any Cookie header is read without harm, and a cookie only by its whole name', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary' })), fc.string(), (headers, name) => {
      const value = readCookie(withCookies(...headers), name)
      return value === undefined || headers.join('; ').includes(value)
    }),
    { numRuns: 1000 },
  )
  t.equal(readCookie(withCookies('a=1; b=2', 'c=3'), 'c'), '3')
  t.equal(readCookie(withCookies('a=1; a=2'), 'a'), '1')
  t.equal(readCookie(withCookies('x-a=1; A=2; a =3'), 'a'), '3')
  t.equal(readCookie(withCookies('a; =a; b'), 'a'), undefined)
  t.equal(readCookie(withCookies('__proto__=1'), 'toString'), undefined)
  t.equal(readCookie(withCookies(`a=1; b=${'x'.repeat(8192)}`), 'a'), undefined)
})
