// Owns the one comparison of redirect URIs, by property: equal bytes, or a loopback port of a native client, and nothing else.

import { clientId } from '@vouchsafe/core'
import fc from 'fast-check'
import t from 'tap'
import { destinationOf, isOnDevice, matchRedirectUri } from '#src/client/index.js'
import { clientRecord } from '../scenarios/world.ts'

const REGISTERED = [
  'https://rp.example/callback',
  'https://rp.example/cb?a=1&b=%20',
  'http://127.0.0.1/cb',
  'http://127.0.0.1:8080/cb?a=1',
  'http://[::1]/cb',
  'http://localhost:3000/cb',
  'com.example.app:/cb',
]

const native = (redirectUris: readonly string[], localhostAnyPort = false) =>
  clientRecord({ clientId: clientId('app'), applicationType: 'native', redirectUris, localhostAnyPort })

/** The rule in other words: what is left when the port of a loopback address is taken out. */
const withoutPort = (uri: string): string | undefined => {
  const parts = /^(http:\/\/(?:127\.0\.0\.1|\[::1\]))(?::(\d{1,5}))?((?:[/?].*)?)$/s.exec(uri)
  return parts === null || Number(parts[2] ?? 0) > 65_535 ? undefined : `${parts[1]}${parts[3]}`
}

const mutated = fc.constantFrom(...REGISTERED).chain((uri) =>
  fc.oneof(
    fc.nat(uri.length).map((at) => uri.slice(0, at) + uri.slice(at + 1)),
    fc
      .tuple(fc.nat(uri.length), fc.string({ unit: 'binary', minLength: 1, maxLength: 3 }))
      .map(([at, text]) => uri.slice(0, at) + text + uri.slice(at)),
    fc
      .tuple(fc.nat(uri.length), fc.string({ minLength: 1, maxLength: 1 }))
      .map(([at, text]) => uri.slice(0, at) + text + uri.slice(at + 1)),
    fc.nat(uri.length).map((at) => uri.slice(0, at).toUpperCase() + uri.slice(at)),
    fc
      .constantFrom('.', '/', '?', '#', '@evil.example', '%00', '\\', ';x', ':0', ' ', '\n', '/../x')
      .map((tail) => uri + tail),
    fc.nat(70_000).map((port) => uri.replace(/^(http:\/\/[^/:]*(?:::1\])?)(:\d+)?/, `$1:${port}`)),
    fc.constant(uri),
  ),
)

t.test(
  '[QA-007, R9700-01, ADV-004, ADV-044] of all mutations of a registered URI only an equal one and another loopback port match',
  async (t) => {
    let [equal, otherPort, refused] = [0, 0, 0]
    fc.assert(
      fc.property(mutated, (requested) => {
        const same = REGISTERED.includes(requested)
        const loopback = withoutPort(requested)
        const port =
          loopback !== undefined && !requested.includes('#') && REGISTERED.some((uri) => withoutPort(uri) === loopback)
        const matched = matchRedirectUri(native(REGISTERED), requested)
        if (same) equal++
        else if (port) otherPort++
        else refused++
        // A web client has no exception at all.
        const web = { ...native(REGISTERED), applicationType: 'web' as const }
        return (matched === requested) === (same || port) && (matchRedirectUri(web, requested) === requested) === same
      }),
      { numRuns: 1500 },
    )
    t.ok(equal > 50 && otherPort > 25 && refused > 250, `${equal} equal, ${otherPort} other ports, ${refused} others`)
  },
)

t.test('[R8252-05] localhost by name has a free port only where the client is set so', async (t) => {
  const requested = 'http://localhost:4000/cb'
  t.equal(matchRedirectUri(native(REGISTERED), requested), undefined)
  t.equal(matchRedirectUri(native(REGISTERED, true), requested), requested)
  t.equal(matchRedirectUri(native(REGISTERED, true), 'http://localhost.evil.example:4000/cb'), undefined)
  t.equal(
    matchRedirectUri(native(['http://127.0.0.1/cb'], true), 'http://localhost/cb'),
    undefined,
    'a name is no address',
  )
})

t.test('[WEB-066] matching is linear in a hostile URI', async (t) => {
  const registered = native(['http://127.0.0.1/cb'])
  for (const text of [
    'http://127.0.0.1:'.padEnd(100_000, '1'),
    'http://127.0.0.1/'.padEnd(100_000, '/'),
    'h'.repeat(1_000_000),
  ]) {
    const times = Array.from({ length: 5 }, () => {
      const started = performance.now()
      matchRedirectUri(registered, text)
      return performance.now() - started
    })
    t.equal(matchRedirectUri(registered, text), undefined)
    t.ok(Math.min(...times) < 10)
  }
})

t.test('[unit] what a person is told of the destination is the host, or the scheme of an app', async (t) => {
  const expected = [
    ['https://rp.example:8443/cb?x=https://evil.example', 'rp.example:8443', false],
    ['https://rp.example?x', 'rp.example', false],
    ['http://127.0.0.1:1/cb', '127.0.0.1:1', true],
    ['http://[::1]/cb', '[::1]', true],
    ['http://localhost/cb', 'localhost', true],
    ['com.example.app:/cb', 'com.example.app:', true],
  ] as const
  for (const [uri, destination, onDevice] of expected)
    t.same([destinationOf(uri), isOnDevice(uri)], [destination, onDevice], uri)
})
