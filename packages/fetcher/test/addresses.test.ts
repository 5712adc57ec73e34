// Which addresses and which URLs are ever asked.

import fc from 'fast-check'
import t from 'tap'
import { addressRule } from '#src/addresses.js'
import { parseTarget } from '#src/target.js'
import { FetcherOptionError } from '#src/types.js'

const strict = addressRule({ loopback: false, networks: [] })

const INSIDE: readonly string[] = [
  ...['0.0.0.0', '0.1.2.3', '10.0.0.1', '10.255.255.255', '100.64.0.1', '100.100.100.200', '100.127.255.255'],
  ...['127.0.0.1', '127.1.2.3', '169.254.169.254', '169.254.170.2', '172.16.0.1', '172.31.255.255', '192.0.0.192'],
  ...['192.0.2.1', '192.88.99.1', '192.168.1.1', '198.18.0.1', '198.19.255.255', '198.51.100.7', '203.0.113.9'],
  ...['224.0.0.1', '239.255.255.255', '240.0.0.1', '255.255.255.255', '168.63.129.16'],
  ...[
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:8.8.8.8',
    '::ffff:a00:1',
    '::127.0.0.1',
    'fe80::1',
    'fe80::1%eth0',
    'febf::1',
  ],
  ...['fc00::1', 'fd00:ec2::254', 'fd12:3456::1', 'fec0::1', 'ff02::1', '100::1', '5f00::1', '64:ff9b:1::a00:1'],
  ...['64:ff9b::10.0.0.1', '64:ff9b::7f00:1', '64:ff9b::a9fe:a9fe', '64:ff9b::', '2001::1', '2001:0:4136:e378::1'],
  ...['2001:2::1', '2001:20::1', '2001:db8::1', '2002:a00:1::1', '2002:7f00:1::', '3fff::1', '4000::1'],
  ...['', 'localhost', '127.1', '0x7f.0.0.1', '1.2.3.4.5', '[::1]', '8.8.8.8/8'],
]

const PUBLIC: readonly string[] = [
  ...['1.1.1.1', '8.8.8.8', '9.255.255.255', '11.0.0.1', '100.63.255.255', '100.128.0.1', '126.0.0.1', '128.0.0.1'],
  ...[
    '172.15.255.255',
    '172.32.0.1',
    '192.0.1.1',
    '192.167.0.1',
    '192.169.0.1',
    '198.17.0.1',
    '198.20.0.1',
    '223.255.255.1',
  ],
  ...[
    '2600::1',
    '2606:4700:4700::1111',
    '2a00:1450:4001::1',
    '2001:4860:4860::8888',
    '64:ff9b::8.8.8.8',
    '64:ff9b::808:808',
  ],
]

t.test(
  '[WEB-045, ADV-016] every address that leads inside is forbidden, in every spelling, and public ones are not',
  async (t) => {
    for (const address of INSIDE) t.equal(strict(address), false, address)
    for (const address of PUBLIC) t.equal(strict(address), true, address)
  },
)

t.test('[WEB-045] no IPv4 address becomes reachable by being embedded in an IPv6 one', async () => {
  const octet = fc.nat(255)
  fc.assert(
    fc.property(fc.tuple(octet, octet, octet, octet), ([a, b, c, d]) => {
      const [high, low] = [(a << 8) | b, (c << 8) | d].map((part) => part.toString(16))
      const embedded = [
        `::${high}:${low}`,
        `::ffff:${high}:${low}`,
        `2002:${high}:${low}::1`,
        `2001:0:${high}:${low}::1`,
      ]
      return (
        embedded.every((address) => !strict(address)) &&
        strict(`64:ff9b::${high}:${low}`) === strict([a, b, c, d].join('.'))
      )
    }),
    { numRuns: 300 },
  )
})

t.test('[unit] what an operator allows is allowed, and nothing beside it', async (t) => {
  const rule = addressRule({ loopback: false, networks: ['10.20.0.0/16', 'fd12:3456::/32', '192.168.7.7'] })
  for (const address of ['10.20.0.1', '10.20.255.255', 'fd12:3456::9', '192.168.7.7', '8.8.8.8'])
    t.ok(rule(address), address)
  for (const address of ['10.21.0.1', 'fd12:3457::1', '192.168.7.8', '127.0.0.1', '::ffff:10.20.0.1']) {
    t.notOk(rule(address), address)
  }
  const loopback = addressRule({ loopback: true, networks: [] })
  for (const address of ['127.0.0.1', '127.9.9.9', '::1']) t.ok(loopback(address), address)
  for (const address of ['10.0.0.1', '::ffff:127.0.0.1', '169.254.169.254']) t.notOk(loopback(address), address)
  for (const network of ['10.0.0.0/33', '10.0.0.0/8/8', 'fd00::/129', 'inside', '', '10.0.0.0/', 'fe80::1%eth0/64']) {
    t.throws(() => addressRule({ loopback: false, networks: [network] }), FetcherOptionError, network)
  }
})

t.test('[WEB-044] only plain https and http URLs of usual services are ever asked', async (t) => {
  const wrong: readonly string[] = [
    ...[
      '',
      'app.example',
      '/jwks',
      '//app.example/',
      'ftp://app.example/',
      'file:///etc/passwd',
      'data:,x',
      'gopher://a.example/',
    ],
    ...[
      'https:app.example',
      'https:/app.example',
      'https:\\\\app.example',
      'https://',
      'https:///x',
      'https://a b.example/',
    ],
    ...[
      'https://user@app.example/',
      'https://user:word@app.example/',
      'https://@app.example/',
      'https://app.example/#part',
    ],
    ...[
      'https://app.example/#',
      'https://app.example\\@inside/',
      'https://app.example/\t',
      'https://app.exa\u00admple/',
    ],
    ...[
      'https://2130706433/',
      'https://0x7f.0.0.1/',
      'https://127.1/',
      'https://0177.0.0.1/',
      'https://127.0.0.1./',
      'https://app.example./',
    ],
    ...[
      'https://app.example:0/',
      'https://app.example:22/',
      'https://app.example:25/',
      'https://app.example:6667/',
      'https://app.example:99999/',
    ],
    `https://app.example/${'x'.repeat(2048)}`,
  ]
  for (const url of wrong) t.equal(parseTarget(url), undefined, url)
  t.match(parseTarget('https://App.Example/a?b=c'), { host: 'app.example', port: 443, secure: true, path: '/a?b=c' })
  t.match(parseTarget('https://bücher.example:8443'), { host: 'xn--bcher-kva.example', port: 8443, path: '/' })
  t.match(parseTarget('http://[::1]:9000/x'), { host: '::1', port: 9000, secure: false, authority: '[::1]:9000' })
})
