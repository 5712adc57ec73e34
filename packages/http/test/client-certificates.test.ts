// Owns the proof that the node door believes a client's certificate from a listed proxy alone, and reads it as it is. TLS of its own is
// shown at the running server (apps/idp/test/tls).

import { createHash } from 'node:crypto'
import t, { type Test } from 'tap'
import { parseClientCertHeader } from '#src/client-certificates.js'
import { createNodeDoor, type NodeDoorOptions } from '#src/node.js'
import { listen, raw, type Told, told } from './fixtures.js'

// A certificate made for this file: several names of each kind, a subject with every character that is escaped, two parts in one, and a URI
// that reads like two names.
const DER = [
  'MIICUjCCAfegAwIBAgIUNYspkRXfSOTvaizyO8Ob/1tgQMgwCgYIKoZIzj0EAwIwXDELMAkGA1UEBhMCREUxGDAWBgNVBAoMD0V4',
  'YW0sIHBsZSt4ICJxIjEdMAgGA1UECwwBYTARBgNVBAMMCiBjbGllbnQ9MSAxFDASBgkqhkiG9w0BCQEWBWFAYi5jMCAXDTI2MTEy',
  'MTE3MDAzMVoYDzIxMjYxMDI4MTcwMDMxWjBcMQswCQYDVQQGEwJERTEYMBYGA1UECgwPRXhhbSwgcGxlK3ggInEiMR0wCAYDVQQL',
  'DAFhMBEGA1UEAwwKIGNsaWVudD0xIDEUMBIGCSqGSIb3DQEJARYFYUBiLmMwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNCAATdmF52',
  'xAD6laq8qCYDFgVSi1XuhDbO1+zAAYkclyA3+SZq9spbZURefONBm3Lk38WbLkKrMw0R/isdRKSJ3Dlxo4GUMIGRMHAGA1UdEQRp',
  'MGeCCWEuZXhhbXBsZYIJYi5leGFtcGxlhilodHRwczovL2EuZXhhbXBsZS94P2E9MSwgRE5TOmV2aWwuZXhhbXBsZYYFdXJuOmGH',
  'BAoAAAGHECABDbgAAAAAAAAAAAAAAAGBBXhAeS56MB0GA1UdDgQWBBT2b7rG/OHpk152K+FNZVqD5P70MDAKBggqhkjOPQQDAgNJ',
  'ADBGAiEA5TKVr72CWLHbTnVNudVzBzwvULty1sVjgp69ZWB/UGMCIQCCsAWKDmCmvXKc4mJ5nzq58nFF+GEnx20ZAraVqB36rg==',
].join('')

const der = Buffer.from(DER, 'base64')

/** Asks once with these header lines; answers what the core was given. */
const given = async (t: Test, options: NodeDoorOptions, ...lines: readonly string[]) => {
  const made: { provider?: Told } = {}
  const served = await listen((origin) => {
    const provider = told(origin)
    made.provider = provider
    const door = createNodeDoor(provider, options)
    return (request, response) => void door.serve(request, response)
  })
  t.teardown(served.close)
  const head = ['POST /token HTTP/1.1', 'Host: x', 'Content-Length: 0', ...lines].join('\r\n')
  const { status } = await raw(served.port, `${head}\r\n\r\n`)
  t.equal(status, 200)
  return made.provider?.asked[0]
}

const TRUSTED = { trustProxy: ['127.0.0.1'] }
const VERIFIED = { clientCertificates: { proxyHeader: 'verified' } } as const
const UNVERIFIED = { clientCertificates: { proxyHeader: 'unverified' } } as const
const HEADER = `Client-Cert: :${DER}:`

t.test(
  '[ADV-030, R9700-40] a certificate in a header is believed from a listed proxy where that is set, and stripped from everybody',
  async (t) => {
    const cases: readonly (readonly [NodeDoorOptions, boolean, string])[] = [
      [{ ...TRUSTED, ...VERIFIED }, true, 'a listed proxy'],
      [{ trustProxy: ['192.0.2.1'], ...VERIFIED }, false, 'another address than the listed one'],
      [VERIFIED, false, 'no proxy is listed'],
      [TRUSTED, false, 'a listed proxy of whom no certificates are taken'],
      [{ ...TRUSTED, clientCertificates: { tls: true } }, false, 'certificates of the connection are taken alone'],
      [{}, false, 'nothing is set'],
    ]
    for (const [options, believed, why] of cases) {
      const asked = await given(t, options, HEADER, 'Client-Cert-Chain: :AAAA:', 'X-Forwarded-For: 203.0.113.9')
      t.equal(asked?.clientCertificate !== undefined, believed, why)
      t.notOk(
        asked?.headers.has('client-cert') || asked?.headers.has('client-cert-chain'),
        `${why}: the core sees no header`,
      )
    }
    const behind = await given(t, { ...TRUSTED, ...VERIFIED }, 'X-Forwarded-For: 127.0.0.1')
    t.equal(behind?.clientCertificate, undefined, 'no header, no certificate')
  },
)

t.test('[ADV-030] a header that is not exactly one certificate is none', async (t) => {
  t.ok(parseClientCertHeader([`:${DER}:`]))
  t.ok(parseClientCertHeader([` :${DER}: ; a=1;b`]), 'parameters mean nothing')
  const wrong: readonly (readonly string[])[] = [
    [],
    [''],
    ['::'],
    [DER],
    [`:${DER}:`, `:${DER}:`],
    [`:${DER}:, :${DER}:`],
    [`:${DER}`],
    [`:${DER.slice(0, -4)}:`],
    [`:${Buffer.concat([der, Buffer.from('more')]).toString('base64')}:`],
    [`:${Buffer.from(`-----BEGIN CERTIFICATE-----\n${DER}\n-----END CERTIFICATE-----`).toString('base64')}:`],
    [`:${'A'.repeat(40_000)}:`],
    ['?1'],
  ]
  for (const values of wrong) t.equal(parseClientCertHeader(values), undefined, JSON.stringify(values).slice(0, 60))
  const twice = await given(t, { ...TRUSTED, ...VERIFIED }, HEADER, HEADER)
  t.equal(twice?.clientCertificate, undefined, 'one that the proxy added to the client’s own')
})

t.test('[unit] a certificate is read as it is: names apart by kind, the subject as RFC 4514 has it', async (t) => {
  const asked = await given(t, { ...TRUSTED, ...UNVERIFIED }, HEADER)
  t.match(asked?.clientCertificate, {
    thumbprint: createHash('sha256').update(der).digest('base64url'),
    chainVerified: false,
    subject: 'emailAddress=a@b.c,OU=a + CN=\\ client=1\\ ,O=Exam\\, ple\\+x \\"q\\",C=DE',
    sanDns: ['a.example', 'b.example'],
    sanUri: ['https://a.example/x?a=1, DNS:evil.example', 'urn:a'],
    sanIp: ['10.0.0.1', '2001:DB8:0:0:0:0:0:1'],
    sanEmail: ['x@y.z'],
    publicJwk: { kty: 'EC', crv: 'P-256' },
  })
  t.equal(asked?.clientCertificate?.sanDns.length, 2, 'a comma in one name makes no other')
  const verified = await given(t, { ...TRUSTED, ...VERIFIED }, HEADER)
  t.equal(verified?.clientCertificate?.chainVerified, true)
})
