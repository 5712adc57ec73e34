// Owns the proof of the node:http door: real servers, and raw sockets where a client library would tidy the request up.

import { connect } from 'node:net'
import { gzipSync } from 'node:zlib'
import t, { type Test } from 'tap'
import { createNodeDoor, type DoorRefusal, type NodeDoorOptions } from '#src/node.js'
import { headerOf, JSON_REPLY, type Listening, listen, raw, type Told, told } from './fixtures.js'

interface Served extends Listening {
  readonly provider: Told
  readonly refusals: DoorRefusal[]
}

const serve = async (
  t: Test,
  over: NodeDoorOptions & { readonly path?: string; readonly issuer?: string; readonly maxHeaderSize?: number } = {},
): Promise<Served> => {
  const { path = '', issuer, maxHeaderSize, ...options } = over
  const refusals: DoorRefusal[] = []
  const made: { provider?: Told } = {}
  const listening = await listen(
    (origin) => {
      const provider = told(issuer ?? `${origin}${path}`)
      made.provider = provider
      const door = createNodeDoor(provider, { onRefused: (refusal) => refusals.push(refusal), ...options })
      return (request, response) => {
        void door.serve(request, response).then((served) => {
          if (!served) response.writeHead(404).end('theirs')
        })
      }
    },
    maxHeaderSize === undefined ? {} : { maxHeaderSize },
  )
  t.teardown(listening.close)
  if (made.provider === undefined) throw new Error('not listening')
  return { ...listening, provider: made.provider, refusals }
}

const FORM = 'Content-Type: application/x-www-form-urlencoded\r\n'
const post = (length: number | string, headers = FORM): string =>
  `POST /token HTTP/1.1\r\nHost: x\r\n${headers}Content-Length: ${length}\r\n\r\n`

t.test('[unit] a request reaches the core as it was sent, and its answer the client', async (t) => {
  const { provider, port } = await serve(t)
  const lines = 'Host: x\r\nAuthorization: Basic YTpi\r\nauthorization: Bearer zzz\r\nCookie: a=1\r\nCookie: b=2\r\n'
  const answer = await raw(port, `POST /token?a=%20b&a=+ HTTP/1.1\r\n${lines}${FORM}Content-Length: 9\r\n\r\nx=1&x=%C3`)
  t.equal(answer.status, 200)
  t.equal(answer.body, '{"a":1}')
  t.equal(headerOf(answer, 'content-type'), 'application/json')
  const [asked] = provider.asked
  t.match(asked, { method: 'POST', path: '/token', query: 'a=%20b&a=+', body: 'x=1&x=%C3', remoteAddress: '127.0.0.1' })
  t.strictSame(asked?.headers.get('authorization'), ['Basic YTpi', 'Bearer zzz'], 'each occurrence for itself')
  t.strictSame(asked?.headers.get('cookie'), ['a=1', 'b=2'])
})

t.test(
  '[unit] only the routes are answered: exact paths, one trailing slash, HEAD as GET, other methods left to the core',
  async (t) => {
    const { provider, origin } = await serve(t, { path: '/auth' })
    for (const path of ['/auth/token', '/auth/token/'])
      t.equal((await fetch(origin + path, { method: 'POST' })).status, 200)
    t.strictSame(
      provider.asked.map(({ path }) => path),
      ['/auth/token', '/auth/token'],
    )
    for (const path of [
      '/token',
      '/auth/token//',
      '/auth/tokens',
      '/auth/Token',
      '/auth/token/x',
      '/auth%2Ftoken',
      '/',
    ]) {
      const answer = await fetch(origin + path, { method: 'POST' })
      t.equal(await answer.text(), 'theirs', path)
    }
    const head = await fetch(`${origin}/auth/authorize`, { method: 'HEAD' })
    t.equal(head.headers.get('content-length'), '7')
    t.equal(await head.text(), '')
    t.equal(provider.asked.at(-1)?.method, 'GET')
    await fetch(`${origin}/auth/token`, { method: 'HEAD' })
    t.equal(provider.asked.at(-1)?.method, 'HEAD', 'no GET to stand for it')
    await fetch(`${origin}/auth/token`, { method: 'DELETE' })
    t.equal(provider.asked.at(-1)?.method, 'DELETE')
  },
)

t.test('[unit] a mount takes a prefix away or gives one back', async (t) => {
  const stripped = await serve(t, { mount: { strip: '/inner/' } })
  t.equal((await fetch(`${stripped.origin}/inner/token`, { method: 'POST' })).status, 200)
  t.equal((await fetch(`${stripped.origin}/token`, { method: 'POST' })).status, 404)
  t.equal(stripped.provider.asked[0]?.path, '/token')
  const added = await serve(t, { path: '/auth', mount: { add: '/auth' } })
  t.equal((await fetch(`${added.origin}/token`, { method: 'POST' })).status, 200)
  t.equal(added.provider.asked[0]?.path, '/auth/token')
  t.throws(() => createNodeDoor(told('http://localhost'), { mount: { add: 'auth' } }), TypeError)
})

t.test('[WEB-056] a body above 64 KiB is refused before the rest of it is there', async (t) => {
  const { provider, port, refusals } = await serve(t)
  const exact = await raw(port, post(65_536), 'a'.repeat(65_536))
  t.equal(exact.status, 200)
  t.equal(provider.asked.pop()?.body?.length, 65_536)
  const announced = await raw(port, post(100_000_000))
  t.equal(announced.status, 413, 'not a byte of the body was sent')
  const chunk = `10001\r\n${'a'.repeat(65_537)}\r\n`
  const chunked = await raw(port, `POST /token HTTP/1.1\r\nHost: x\r\n${FORM}Transfer-Encoding: chunked\r\n\r\n`, chunk)
  t.equal(chunked.status, 413, 'the body had not ended')
  t.match(chunked.body, '"error":"invalid_request"')
  t.equal(provider.asked.length, 0, 'the core saw none of it')
  t.strictSame(
    refusals.map(({ reason }) => reason),
    ['bodyTooLarge', 'bodyTooLarge'],
  )
})

t.test('[WEB-056] a sender that does not stop loses its connection', async (t) => {
  const { port } = await serve(t)
  const socket = connect(port, '127.0.0.1')
  t.teardown(() => socket.destroy())
  socket.on('error', () => undefined).resume()
  const closed = new Promise((resolve) => socket.on('close', resolve))
  socket.write(post(1_000_000_000))
  let sent = 0
  const chunk = 'a'.repeat(65_536)
  while (!socket.destroyed && sent < 100_000_000) {
    sent += chunk.length
    if (!socket.write(chunk)) {
      await Promise.race([closed, new Promise((resolve) => socket.once('drain', resolve))])
    }
  }
  t.ok(socket.destroyed && sent < 50_000_000, `took ${sent} bytes`)
})

t.test('[WEB-060] a request target above 16 KiB is answered 414 or 431', async (t) => {
  const roomy = await serve(t, { maxHeaderSize: 65_536 })
  const target = (length: number): string =>
    `GET /authorize?a=${'b'.repeat(length)} HTTP/1.1\r\nHost: ${roomy.origin.slice(7)}\r\n\r\n`
  t.equal((await raw(roomy.port, target(16_000))).status, 200)
  const long = await raw(roomy.port, target(17_000))
  t.equal(long.status, 414)
  t.match(headerOf(long, 'content-type'), /^text\/html/, 'to a person a page')
  const narrow = await serve(t)
  t.equal((await raw(narrow.port, target(17_000))).status, 431)
  t.equal(narrow.provider.asked.length + roomy.provider.asked.length, 1)
})

t.test('[ADV-039] a compressed body is refused unread, so nothing can expand', async (t) => {
  const { provider, port } = await serve(t)
  const bomb = gzipSync('a'.repeat(10_000_000))
  for (const coding of ['gzip', 'x-gzip', 'deflate', 'br', 'zstd', 'gzip, identity', 'GZIP']) {
    const answer = await raw(port, post(bomb.length, `${FORM}Content-Encoding: ${coding}\r\n`), bomb)
    t.equal(answer.status, 415, coding)
    t.equal(headerOf(answer, 'accept-encoding'), 'identity')
  }
  t.equal(provider.asked.length, 0)
  t.equal((await raw(port, post(3, `${FORM}Content-Encoding: identity\r\n`), 'a=b')).status, 200)
})

t.test('[ADV-160] multipart is answered 415 whatever it holds', async (t) => {
  const { provider, port } = await serve(t)
  const part = '--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n'
  const body = `${part.repeat(1000)}--b--\r\n`
  for (const type of ['multipart/form-data; boundary=b', 'Multipart/Mixed;boundary=b']) {
    t.equal((await raw(port, post(body.length, `Content-Type: ${type}\r\n`), body)).status, 415)
  }
  t.equal((await raw(port, post(90_000_000, 'Content-Type: multipart/form-data; boundary=b\r\n'), part)).status, 415)
  t.equal(provider.asked.length, 0)
})

t.test('[unit] a body that is not UTF-8 is refused, one that is arrives whole however it was cut', async (t) => {
  const { provider, port } = await serve(t)
  for (const bytes of [[0xff], [0xc3], [0xc0, 0xaf], [0xed, 0xa0, 0x80], [0xf5, 0x80, 0x80, 0x80]]) {
    t.equal((await raw(port, post(bytes.length), Uint8Array.from(bytes))).status, 400)
  }
  t.equal(provider.asked.length, 0)
  const letters = Buffer.from('\ufeffa=é€😀')
  const cut = [...letters].map((byte) =>
    Buffer.concat([Buffer.from('1\r\n'), Buffer.from([byte]), Buffer.from('\r\n')]),
  )
  const head = `POST /token HTTP/1.1\r\nHost: x\r\n${FORM}Transfer-Encoding: chunked\r\n\r\n`
  t.equal((await raw(port, head, ...cut, '0\r\n\r\n')).status, 200)
  t.equal(provider.asked[0]?.body, '\ufeffa=é€😀')
  t.equal((await raw(port, post(0))).status, 200)
  t.equal(provider.asked[1]?.body, undefined, 'no bytes, no body')
})

t.test('[unit] a client that goes away in the middle of its body is not put to the core', async (t) => {
  const { provider, port, refusals, origin } = await serve(t)
  const socket = connect(port, '127.0.0.1')
  socket.write(`${post(100)}half`)
  await new Promise((resolve) => setTimeout(resolve, 50))
  socket.destroy()
  await new Promise((resolve) => setTimeout(resolve, 100))
  t.equal(provider.asked.length, 0)
  t.strictSame(
    refusals.map(({ reason }) => reason),
    ['bodyIncomplete'],
  )
  t.equal((await fetch(`${origin}/token`, { method: 'POST' })).status, 200, 'the server lives')
})

t.test('[unit] a body that something else has read is a clear error, not a request that hangs', async (t) => {
  const outcome: { error?: unknown } = {}
  const listening = await listen((origin) => {
    const door = createNodeDoor(told(origin))
    return (request, response) => {
      request.resume().on('end', () => {
        void door.serve(request, response).catch((error: unknown) => {
          outcome.error = error
          response.writeHead(500).end()
        })
      })
    }
  })
  t.teardown(listening.close)
  await fetch(`${listening.origin}/token`, { method: 'POST', body: 'a=b' })
  t.match(outcome.error, { name: 'TypeError', message: /already read/ })
})

t.test('[WEB-041, OIDC-49] a page is served on the host of the issuer alone', async (t) => {
  const { provider, port, origin, refusals } = await serve(t)
  const get = (host: string, path = '/authorize'): ReturnType<typeof raw> =>
    raw(port, `GET ${path} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
  t.equal((await get(origin.slice(7))).status, 200)
  for (const host of [
    'evil.example',
    `localhost:${port}`,
    '127.0.0.1',
    `127.0.0.1:${port}.evil.example`,
    'a b',
    '[',
    '',
  ]) {
    const answer = await get(host)
    t.equal(answer.status, 421, host)
    t.notMatch(answer.body, /evil/)
  }
  t.equal(
    (await get(origin.slice(7), `http://evil.example:${port}/authorize`)).status,
    421,
    'the target outranks the header',
  )
  const twice = await raw(port, `GET /authorize HTTP/1.1\r\nHost: ${origin.slice(7)}\r\nHost: evil.example\r\n\r\n`)
  t.equal(twice.status, 400)
  t.equal((await raw(port, 'GET /authorize HTTP/1.1\r\n\r\n')).status, 400)
  t.equal(provider.asked.length, 1)
  t.ok(
    refusals.every(({ reference }) => /^[A-Z2-9]{4}-[A-Z2-9]{4}$/.test(reference ?? '')),
    'the person has a code to pass on',
  )
  t.equal(
    (await raw(port, post(0).replace('Host: x', 'Host: internal:3000'))).status,
    200,
    'machines may use another name',
  )
  const any = await serve(t, { anyHost: true })
  t.equal((await raw(any.port, 'GET /authorize HTTP/1.1\r\nHost: evil.example\r\n\r\n')).status, 200)
  const own = await serve(t, { issuer: 'http://op.example' })
  t.equal(
    (await raw(own.port, 'GET /authorize HTTP/1.1\r\nHost: OP.example:80\r\n\r\n')).status,
    200,
    'letter case and the own port do not count',
  )
})

t.test(
  '[WEB-042] forwarded headers count from listed proxies alone, from the right, and never reach the core',
  async (t) => {
    const lines = (...headers: readonly string[]): string =>
      `GET /authorize HTTP/1.1\r\nHost: inner:1\r\n${headers.map((line) => `${line}\r\n`).join('')}\r\n`
    const forwarded = ['X-Forwarded-Host: op.example', 'X-Forwarded-Proto: https', 'X-Forwarded-For: 198.51.100.9']
    const unlisted = await serve(t, { issuer: 'https://op.example', trustProxy: ['10.0.0.0/8', '::1'] })
    t.equal((await raw(unlisted.port, lines(...forwarded))).status, 421, 'from anybody else they are not believed')
    const none = await serve(t, { issuer: 'https://op.example', anyHost: true })
    t.equal((await raw(none.port, lines(...forwarded, 'Forwarded: for=198.51.100.9'))).status, 200)
    t.equal(none.provider.asked[0]?.remoteAddress, '127.0.0.1')
    t.strictSame([...(none.provider.asked[0]?.headers.keys() ?? [])], ['host'])

    const listed = await serve(t, {
      issuer: 'https://op.example',
      requireHttps: true,
      trustProxy: ['127.0.0.1', '10.0.0.0/8', '2001:db8::/32'],
    })
    const seen = async (...headers: readonly string[]): Promise<string | undefined> => {
      const answer = await raw(
        listed.port,
        lines('X-Forwarded-Host: op.example', 'X-Forwarded-Proto: https', ...headers),
      )
      return answer.status === 200 ? listed.provider.asked.at(-1)?.remoteAddress : `status ${answer.status}`
    }
    t.equal(await seen('X-Forwarded-For: 198.51.100.9'), '198.51.100.9')
    t.equal(
      await seen('X-Forwarded-For: 6.6.6.6, 198.51.100.9, 10.1.2.3'),
      '198.51.100.9',
      'what stands further left is hearsay',
    )
    t.equal(await seen('X-Forwarded-For: 6.6.6.6', 'X-Forwarded-For: 198.51.100.9, 2001:db8::7'), '198.51.100.9')
    t.equal(await seen('X-Forwarded-For: 198.51.100.9:5555'), '198.51.100.9')
    t.equal(await seen('X-Forwarded-For: [2001:dead::1]:5555'), '2001:dead::1')
    t.equal(await seen('X-Forwarded-For: ::ffff:198.51.100.9'), '198.51.100.9')
    t.equal(
      await seen('X-Forwarded-For: 198.51.100.9, unknown, 10.1.2.3'),
      '10.1.2.3',
      'it ends where a hop names nobody',
    )
    t.equal(await seen('X-Forwarded-For: '), '127.0.0.1')
    t.equal(await seen('X-Forwarded-For: 10.0.0.1, 10.0.0.2'), '10.0.0.1')
    t.equal(await seen('X-Forwarded-Proto: http'), 'status 400', 'the nearest proxy has the last word')
    for (const range of ['10.0.0.0/33', '10.0.0.0/', 'loopback', '10.0.0.0/8/8', '', '::/129', '10.0.0.0/-1']) {
      t.throws(
        () => createNodeDoor(told('https://op.example'), { trustProxy: [range] }),
        { name: 'TypeError', message: /^trustProxy/ },
        range,
      )
    }
  },
)

t.test('[R9700-20] where https is required plain http is refused, for pages and machines alike', async (t) => {
  const { provider, port } = await serve(t, { issuer: 'https://op.example', requireHttps: true })
  const page = await raw(port, 'GET /authorize HTTP/1.1\r\nHost: op.example\r\nX-Forwarded-Proto: https\r\n\r\n')
  t.equal(page.status, 400)
  t.equal((await raw(port, post(0))).status, 400)
  t.equal(provider.asked.length, 0)
})

t.test('[ADV-112, ADV-156] malformed headers are answered 4xx or passed on whole, and the process lives', async (t) => {
  const { provider, port, origin } = await serve(t)
  const bytes = (line: string): Uint8Array =>
    Buffer.from(`POST /token HTTP/1.1\r\nHost: x\r\n${line}\r\nContent-Length: 3\r\n\r\na=b`, 'latin1')
  const lines = [
    'Authorization:',
    'Authorization: ',
    'Authorization: Basic',
    'Authorization: Basic \xff\xfe',
    'Authorization: \x01\x02',
    `Authorization: Basic ${'A'.repeat(15_000)}`,
    `Authorization: ${'Basic '.repeat(2000)}`,
    'Authorization: Basic %%%\r\nAuthorization: Bearer',
    'Cookie: ',
    'Cookie: ;;;=;=\x80',
    `Cookie: ${'a=b; '.repeat(2500)}`,
    'Cookie: __proto__=1; constructor=2',
    'Cookie: %',
    'Cookie: a="\x7f',
    'Content-Type: ',
    'Content-Type: /',
    'Content-Type: ;;;',
    'Content-Type: application/x-www-form-urlencoded; charset=\xff',
    'Content-Type: application/x-www-form-urlencoded;;;;charset',
    `Content-Type: ${'a'.repeat(15_000)}`,
    'Content-Type: a/b\tc\x00',
    'Content-Encoding: \xff',
    '__proto__: 1',
    'constructor: 1',
    'Content-Length: 3',
    'Transfer-Encoding: chunked',
    'Host: y',
    `X-Forwarded-For: ${','.repeat(10_000)}`,
    'no colon',
    ': empty name',
    'Bad Name: 1',
  ]
  for (const line of lines) {
    const answer = await raw(port, bytes(line))
    t.ok(
      answer.status === 200 || (answer.status >= 400 && answer.status < 500),
      `${answer.status} for ${JSON.stringify(line.slice(0, 60))}`,
    )
  }
  t.ok(provider.asked.length > 10, "most of them are the core's to judge")
  t.equal((await fetch(`${origin}/token`, { method: 'POST', body: 'a=b' })).status, 200)
})

t.test('[unit] own pages are read and sent through the same door', async (t) => {
  const listening = await listen((origin) => {
    const door = createNodeDoor(told(origin))
    return (request, response) => {
      void door.readRequest(request).then((wire) => {
        if (!wire.ok) return door.send(wire.error, response)
        response.setHeader('Set-Cookie', 'theirs=1')
        return door.sendPage(
          { html: `<p>${wire.value.body}`, cookies: [{ name: 'ours', value: '2', maxAge: 5 }] },
          response,
        )
      })
    }
  })
  t.teardown(listening.close)
  const answer = await fetch(`${listening.origin}/login`, { method: 'POST', body: 'a=b' })
  t.equal(await answer.text(), '<p>a=b')
  t.strictSame(answer.headers.getSetCookie(), ['theirs=1', 'ours=2; Path=/; HttpOnly; SameSite=Lax; Max-Age=5'])
  t.match(answer.headers.get('content-security-policy'), /^default-src 'none'/)
  const elsewhere = await raw(listening.port, 'GET /login HTTP/1.1\r\nHost: evil.example\r\n\r\n')
  t.equal(elsewhere.status, 421)
})

t.test(
  '[WEB-003] a form that another site sent is refused at own pages, and still taken at the authorization endpoint',
  async (t) => {
    const listening = await listen((origin) => {
      const provider = told(origin)
      const door = createNodeDoor(provider)
      return (request, response) => {
        void door.serve(request, response).then(async (served) => {
          if (served) return
          const wire = await door.readRequest(request)
          if (wire.ok) door.sendPage({ html: 'done' }, response)
          else door.send(wire.error, response)
        })
      }
    })
    t.teardown(listening.close)
    const status = async (headers: Record<string, string>, method = 'POST', path = '/login'): Promise<number> => {
      const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
      const head = `${method} ${path} HTTP/1.1\r\nHost: ${listening.origin.slice(7)}\r\n${lines.join('')}Content-Length: 0\r\n\r\n`
      return (await raw(listening.port, head)).status
    }
    for (const site of ['cross-site', 'same-site', 'same-origin, cross-site', '']) {
      t.equal(await status({ 'Sec-Fetch-Site': site, Origin: listening.origin }), 403, site)
      t.equal(await status({ 'Sec-Fetch-Site': site }, 'GET'), 200, 'a link from elsewhere is none')
    }
    t.equal(await status({ Origin: 'https://evil.example' }), 403)
    t.equal(await status({ Origin: `${listening.origin}.evil.example` }), 403)
    t.equal(await status({ Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' }, 'DELETE'), 403)
    t.equal(
      await status({ 'Sec-Fetch-Site': 'same-origin', Origin: 'null' }),
      200,
      'as browsers send it under no-referrer',
    )
    t.equal(await status({ Origin: listening.origin }), 200)
    t.equal(await status({}), 200, 'a browser that says nothing: the token of the form decides')
    t.equal(await status({ Origin: 'https://rp.example', 'Sec-Fetch-Site': 'cross-site' }, 'POST', '/authorize'), 200)
  },
)

t.test('[unit] an empty answer has neither body nor length', async (t) => {
  const { provider, origin } = await serve(t)
  provider.next = { kind: 'empty', status: 204, headers: new Map([['Allow', 'POST']]) }
  const answer = await fetch(`${origin}/token`, { method: 'OPTIONS' })
  t.equal(answer.status, 204)
  t.equal(answer.headers.get('content-length'), null)
  t.equal(answer.headers.get('allow'), 'POST')
  provider.next = JSON_REPLY
})
