// Owns the base room: encodings that take one form alone, JSON that cannot hurt, secrets that do not print, comparison without a hint.

import { inspect } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import {
  base64url,
  equalInConstantTime,
  fromBase64url,
  fromUtf8,
  isBase64urlOf,
  isJsonObject,
  member,
  multiMap,
  parseJson,
  repeated,
  reveal,
  type Secret,
  secret,
  single,
  utf8,
} from '#src/base/index.js'

t.test(
  '[ADV-051] base64url goes there and back as Node has it, and no second spelling of the same bytes is taken',
  async (t) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        const text = base64url(bytes)
        const back = fromBase64url(text)
        return (
          text === Buffer.from(bytes).toString('base64url') && back !== undefined && Buffer.from(back).equals(bytes)
        )
      }),
    )
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.base64String()), (text) => {
        const bytes = fromBase64url(text)
        return bytes === undefined || base64url(bytes) === text
      }),
    )
    for (const text of ['A', 'AB', 'AAB', 'AA==', 'AA=', 'A A', 'AA\n', 'A+AA', 'A/AA', 'Ä', 'AAA\u0000', '𝄞AA'])
      t.equal(fromBase64url(text), undefined, JSON.stringify(text))
    t.ok(isBase64urlOf('A'.repeat(43), 43))
    t.notOk(isBase64urlOf('A'.repeat(42), 43) || isBase64urlOf(`${'A'.repeat(42)}B`, 43) || isBase64urlOf('', 1))
  },
)

t.test('[unit] UTF-8 is strict, and a byte order mark stays what it is', async (t) => {
  fc.assert(fc.property(fc.string({ unit: 'grapheme' }), (text) => fromUtf8(utf8(text)) === text))
  for (const bytes of [[0xff], [0xc3], [0xc0, 0x80], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]])
    t.equal(fromUtf8(new Uint8Array(bytes)), undefined)
  t.equal(fromUtf8(new Uint8Array([0xef, 0xbb, 0xbf, 0x61])), '\ufeffa')
})

t.test('[WEB-073, V21-31] JSON is taken to a length and a depth, and its members are its own', async (t) => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const parsed = parseJson(JSON.stringify(value), 100_000)
      return JSON.stringify(parsed) === JSON.stringify(value)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => parseJson(text, 1000) !== null || text.trim() === 'null'),
  )
  const nested = (depth: number): string => `${'['.repeat(depth)}${']'.repeat(depth)}`
  t.same([parseJson(nested(20), 100) !== undefined, parseJson(nested(21), 100)], [true, undefined])
  t.same(parseJson('{"a":"[[[[[[[[[[[[[[[[[[[[[[[[\\"[["}', 100), { a: '[[[[[[[[[[[[[[[[[[[[[[[["[[' })
  t.equal(parseJson('"aaaaaaaaa"', 10), undefined)
  const started = process.cpuUsage()
  parseJson('['.repeat(1_000_000), 2_000_000)
  t.ok(process.cpuUsage(started).user < 500_000)
  const parsed = parseJson('{"__proto__":{"admin":true},"toString":1}', 100)
  if (!isJsonObject(parsed)) throw new Error('an object')
  t.same(
    [member(parsed, 'admin'), member(parsed, 'constructor'), member(parsed, 'toString')],
    [undefined, undefined, 1],
  )
  t.notOk(isJsonObject([]) || isJsonObject(null) || isJsonObject('x') || isJsonObject(undefined))
})

t.test('[WEB-078, R9700-37] a secret prints as nothing of itself, wherever it is printed', async (t) => {
  const value = 'very-secret-value'
  const hidden = secret(value)
  const printed = [
    String(hidden),
    `${hidden}`,
    JSON.stringify({ hidden }),
    inspect(hidden, { showHidden: true, depth: 10, getters: true }),
    inspect({ hidden }, { showProxy: true }),
    JSON.stringify(Object.getOwnPropertyDescriptors(hidden)),
    JSON.stringify(structuredClone({ ...hidden })),
    Object.values(hidden).join(),
  ]
  for (const text of printed) t.notOk(text.includes(value), text)
  t.equal(JSON.stringify({ hidden }), '{"hidden":"[secret]"}')
  t.equal(reveal(hidden), value)
  t.ok(Object.isFrozen(hidden))
  t.throws(() => reveal({ kind: 'secret' } as unknown as Secret), TypeError)
})

t.test('[WEB-076, R6819-36, OIDC-39] comparison looks at every letter of equal lengths', async (t) => {
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => equalInConstantTime(a, b) === (a === b)))
  const read: number[] = []
  const watched = (text: string): string =>
    Object.create(String.prototype, {
      length: { value: text.length },
      charCodeAt: {
        value: (at: number) => {
          read.push(at)
          return text.charCodeAt(at)
        },
      },
    }) as string
  t.notOk(equalInConstantTime(watched('xbcdefgh'), 'abcdefgh'))
  t.same(read, [0, 1, 2, 3, 4, 5, 6, 7], 'the first difference ends nothing')
})

t.test(
  '[WEB-062, V21-07] a name has one value, several or none; empty is none, and several are never one',
  async (t) => {
    const map = multiMap([
      ['one', '1'],
      ['two', 'a'],
      ['two', 'b'],
      ['empty', ''],
      ['again', ''],
      ['again', ''],
      ['half', ''],
      ['half', 'x'],
      ['__proto__', 'p'],
    ])
    t.same(
      ['one', 'two', 'empty', 'again', 'half', '__proto__', 'constructor', 'none'].map((name) => single(map, name)),
      ['1', undefined, undefined, undefined, undefined, 'p', undefined, undefined],
    )
    t.same(repeated(map, new Set()), ['two', 'again', 'half'])
    t.same(repeated(map, new Set(['half'])), ['two', 'again'])
  },
)
