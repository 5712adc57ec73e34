// Owns the properties of what takes untrusted text apart: nothing throws, whatever comes in, and nothing but the exact form is taken.

import fc from 'fast-check'
import t from 'tap'
import { type JsonObject, multiMap, reveal, single } from '#src/base/index.js'
import { parseCredentials } from '#src/client-auth/index.js'
import { cryptoRandom } from '#src/ports-node/index.js'
import { decodeJws, mintCredential, mintHandle, parseCredential, verifyJws } from '#src/tokens/index.js'
import { parseAuthorizationHeader, parseForm, type WireRequest } from '#src/wire/index.js'

const requestWith = (headers: readonly (readonly [string, readonly string[]])[]): WireRequest => ({
  method: 'POST',
  path: '/token',
  query: '',
  headers: new Map(headers),
  body: undefined,
  remoteAddress: '192.0.2.1',
})

const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string({ maxLength: 300 }), fc.base64String({ maxLength: 300 }))
const segment = fc.oneof(
  text,
  fc.json().map((json) => Buffer.from(json).toString('base64url')),
  fc.constant(''),
)
const jwt = fc.oneof(
  text,
  fc.array(segment, { maxLength: 6 }).map((parts) => parts.join('.')),
)

t.test('[ADV-112, V21-31] no Authorization header makes the parser throw', async (t) => {
  const scheme = fc.constantFrom('Basic', 'Bearer', 'basic', 'Digest', '', ' ')
  const header = fc.oneof(
    text,
    fc.tuple(scheme, fc.constantFrom(' ', '  ', '\t', ''), text).map((parts) => parts.join('')),
    text.map((pair) => `Basic ${Buffer.from(pair).toString('base64')}`),
  )
  fc.assert(
    fc.property(fc.array(header, { maxLength: 3 }), (values) => {
      const parsed = parseAuthorizationHeader(requestWith([['authorization', values]]))
      if (parsed.ok && parsed.value.scheme === 'basic') t.not(parsed.value.clientId, '')
      return parsed.ok || parsed.error === 'malformed'
    }),
  )
})

t.test(
  '[V21-04, V21-31] no form and header make the credentials parser throw, nor take two methods for one',
  async () => {
    const names = fc.constantFrom(
      'client_id',
      'client_secret',
      'client_assertion',
      'client_assertion_type',
      'code',
      '__proto__',
    )
    const pairs = fc.array(fc.tuple(names, fc.oneof(text, jwt)), { maxLength: 8 })
    const basic = text.map((pair) => `Basic ${Buffer.from(pair).toString('base64')}`)
    fc.assert(
      fc.property(pairs, fc.option(fc.oneof(text, basic), { nil: undefined }), (given, authorization) => {
        const form = multiMap(given)
        const headers = authorization === undefined ? [] : [['authorization', [authorization]] as const]
        const parsed = parseCredentials(requestWith(headers), form)
        if (!parsed.ok) return typeof parsed.error.reason === 'string'
        const inHeader = authorization !== undefined
        const inBody = single(form, 'client_secret') !== undefined
        const byAssertion = single(form, 'client_assertion') !== undefined
        return Number(inHeader) + Number(inBody) + Number(byAssertion) <= 1 && parsed.value.clientId !== ''
      }),
    )
  },
)

t.test(
  '[ADV-051, WEB-075, V21-31] no text makes the JWS decoder throw, and what it takes is three canonical segments of objects',
  async () => {
    fc.assert(
      fc.property(jwt, (given) => {
        const decoded = decodeJws(given)
        if (decoded === undefined) return true
        const canonical = given
          .split('.')
          .every((part) => part !== '' && Buffer.from(part, 'base64url').toString('base64url') === part)
        return (
          canonical && given.split('.').length === 3 && !Array.isArray(decoded.header) && !Array.isArray(decoded.claims)
        )
      }),
      { numRuns: 500 },
    )
  },
)

t.test('[ADV-052, ADJ-23, V21-31] no header and no key make the verifier throw', async () => {
  const member = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.array(fc.string()))
  const header = fc.record(
    {
      alg: fc.oneof(fc.constantFrom('RS256', 'ES256', 'EdDSA', 'none', 'HS256'), member),
      kid: member,
      typ: member,
      crit: member,
    },
    { requiredKeys: [] },
  )
  const key = fc.record(
    {
      kty: fc.constantFrom('RSA', 'EC', 'OKP', 'oct'),
      crv: fc.constantFrom('P-256', 'Ed25519'),
      n: member,
      e: member,
      x: member,
      y: member,
      k: member,
    },
    { requiredKeys: [] },
  )
  await fc.assert(
    fc.asyncProperty(header, fc.array(key, { maxLength: 3 }), async (head, keys) => {
      const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
      const verified = await verifyJws(`${part(head)}.${part({})}.AAAA`, {
        keys: keys as readonly JsonObject[],
        algs: ['RS256', 'ES256', 'EdDSA'],
        types: [undefined, 'jwt'],
      })
      return !verified.ok && typeof verified.error.reason === 'string'
    }),
  )
})

t.test('[WEB-063, V21-31] no text makes the form parser throw, and every name keeps every value', async () => {
  fc.assert(
    fc.property(fc.oneof(text, fc.webQueryParameters()), (given) => {
      const parsed = parseForm(given)
      return parsed.ok ? parsed.value instanceof Map : typeof parsed.error.reason === 'string'
    }),
  )
  const pairs = fc.array(fc.tuple(fc.constantFrom('a', 'a[]', 'a.b', '__proto__'), fc.string()), { maxLength: 20 })
  fc.assert(
    fc.property(pairs, (given) => {
      const parsed = parseForm(new URLSearchParams(given).toString())
      const usable = given.every(([, value]) => !value.includes('\0'))
      if (!parsed.ok) return !usable
      return given.every(([name, value]) => parsed.value.get(name)?.includes(value))
    }),
  )
})

t.test(
  '[ADV-081, R6819-14] a credential is its handle and 32 bytes, and any other text is another credential or none',
  async (t) => {
    const handle = mintHandle(cryptoRandom)
    const minted = reveal(mintCredential(cryptoRandom, handle))
    t.equal(parseCredential(minted), handle)
    fc.assert(
      fc.property(fc.nat(63), fc.string({ minLength: 0, maxLength: 2, unit: 'binary' }), (at, put) => {
        const altered = minted.slice(0, at) + put + minted.slice(at + 1)
        const parsed = parseCredential(altered)
        return parsed === undefined || altered.length === 64
      }),
    )
    fc.assert(fc.property(text, (given) => parseCredential(given) === undefined || /^[A-Za-z0-9_-]{64}$/.test(given)))
    const counted: number[] = []
    const counting = {
      bytes: (length: number) => {
        counted.push(length)
        return cryptoRandom.bytes(length)
      },
    }
    mintCredential(counting, handle)
    t.same(counted, [32])
  },
)
