// The door for Node, before real servers on loopback: honest ones, hostile ones, and a name server that changes its mind.

import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createGate } from '#src/gate.js'
import { createFetcher, type Fetcher, type FetcherOptions, type FetchOutcome, type FetchRequest } from '#src/index.js'
import { makeCertificate } from './certificate.ts'
import { serve, serveRaw, until } from './servers.ts'

const ask = (fetcher: Fetcher, url: string, request: Partial<FetchRequest> = {}): Promise<FetchOutcome> =>
  fetcher.fetch({ method: 'GET', headers: new Map(), body: undefined, maxBytes: 10_000, ...request, url })

const reasonOf = (outcome: FetchOutcome): string => (outcome.outcome === 'refused' ? outcome.reason : outcome.outcome)

const BOMB = gzipSync('x'.repeat(10_000_000))

// On a busy machine, what is not about time takes its time.
const development = (options: FetcherOptions = {}): Fetcher =>
  createFetcher({ allowLoopback: true, totalTimeout: 60_000, connectTimeout: 20_000, ...options })

t.test('[unit] an answer comes back whole, whatever its status', async (t) => {
  const server = await serve(t, (request, response) => {
    response.writeHead(request.method === 'POST' ? 503 : 200, { 'Content-Type': 'text/plain', 'X-Word': 'Ä' })
    request.pipe(response)
    if (request.method === 'GET') response.end('grüß')
  })
  const fetcher = development()
  const got = await ask(fetcher, `http://127.0.0.1:${server.port}/a?b=c`, {
    headers: new Map([['Accept', 'text/plain']]),
  })
  t.match(got, { outcome: 'answered', status: 200, body: 'grüß' })
  t.equal(got.outcome === 'answered' && got.headers.get('content-type'), 'text/plain')
  t.equal(server.requests[0]?.url, '/a?b=c')
  const posted = await ask(fetcher, `http://localhost:${server.port}/`, { method: 'POST', body: 'logout_token=ä' })
  t.match(posted, { outcome: 'answered', status: 503, body: 'logout_token=ä' })
  t.equal(server.requests[1]?.headers['content-length'], '15')
})

t.test(
  '[WEB-047] nothing of the host or of its environment is sent along: no proxy, no credentials, no cookies, one name',
  async (t) => {
    const proxy = await serve(t, (_, response) => response.end('by the proxy'))
    const server = await serve(t, (_, response) => {
      response.setHeader('Set-Cookie', 'a=b')
      response.end('{}')
    })
    const names = ['http_proxy', 'HTTP_PROXY', 'https_proxy', 'HTTPS_PROXY', 'ALL_PROXY', 'NODE_USE_ENV_PROXY']
    for (const name of names) process.env[name] = name === 'NODE_USE_ENV_PROXY' ? '1' : `http://127.0.0.1:${proxy.port}`
    t.teardown(() => {
      for (const name of names) delete process.env[name]
    })
    const fetcher = development()
    const headers = new Map([
      ...Object.entries({ Cookie: 'c=d', Host: 'inside', 'Proxy-Authorization': 'Basic eA==', 'Content-Length': '9' }),
      ...Object.entries({
        'Transfer-Encoding': 'chunked',
        'User-Agent': 'mine',
        'accept-encoding': 'gzip',
        Accept: 'a/b',
      }),
    ])
    for (const _ of [1, 2])
      t.equal(reasonOf(await ask(fetcher, `http://127.0.0.1:${server.port}/`, { headers })), 'answered')
    t.equal(proxy.connections(), 0)
    t.same(
      server.requests.map((request) => request.headers),
      [1, 2].map(() => ({
        accept: 'a/b',
        'user-agent': 'vouchsafe',
        'accept-encoding': 'identity',
        host: `127.0.0.1:${server.port}`,
        connection: 'close',
      })),
    )
  },
)

t.test(
  '[WEB-045, ADV-016] a name that leads inside is refused after it was resolved, and nothing is sent',
  async (t) => {
    const server = await serve(t, (_, response) => response.end('inside'))
    const leadsTo = (...addresses: string[]) => createFetcher({ lookup: async () => addresses })
    const url = `https://app.example:${server.port}/`
    for (const inside of [
      '127.0.0.1',
      '::1',
      '10.0.0.1',
      '169.254.169.254',
      'fd00::1',
      '::ffff:127.0.0.1',
      '64:ff9b::7f00:1',
    ]) {
      t.equal(reasonOf(await ask(leadsTo(inside), url)), 'addressForbidden', inside)
      t.equal(reasonOf(await ask(leadsTo('8.8.8.8', inside), url)), 'addressForbidden', `one of two: ${inside}`)
    }
    const strict = createFetcher()
    for (const host of [
      '127.0.0.1',
      '[::1]',
      'localhost',
      'a.localhost',
      '10.0.0.1',
      '169.254.169.254',
      '[fd00::1]',
      '[::ffff:7f00:1]',
    ]) {
      t.equal(reasonOf(await ask(strict, `https://${host}:${server.port}/`)), 'addressForbidden', host)
    }
    t.equal(server.connections(), 0)
  },
)

t.test(
  '[WEB-045] the connection goes to the address that was judged, whatever the name leads to a moment later',
  async (t) => {
    const certificate = makeCertificate('rebind.example')
    const judged = await serve(t, (_, response) => response.end('judged'), { certificate, host: '127.0.0.2' })
    const inside = await serve(t, (_, response) => response.end('inside'), { certificate, port: judged.port })
    let asked = 0
    const lookup = async () => [asked++ === 0 ? '127.0.0.2' : '127.0.0.1']
    const fetcher = createFetcher({ lookup, allowedNetworks: ['127.0.0.2'], certificates: [certificate.cert] })
    const url = `https://rebind.example:${judged.port}/`
    t.match(await ask(fetcher, url), { outcome: 'answered', body: 'judged' })
    t.equal(asked, 1, 'the name is resolved once for a request')
    t.equal(judged.requests[0]?.headers.host, `rebind.example:${judged.port}`)
    t.equal(reasonOf(await ask(fetcher, url)), 'addressForbidden', 'and judged again for the next')
    t.equal(inside.connections(), 0)
  },
)

t.test('[WEB-044] clear text goes to loopback alone, and only where that is allowed', async (t) => {
  const server = await serve(t, (_, response) => response.end('{}'))
  t.equal(
    reasonOf(await ask(createFetcher({ allowedNetworks: ['127.0.0.0/8'] }), `http://127.0.0.1:${server.port}/`)),
    'urlUnacceptable',
  )
  const elsewhere = development({ allowedNetworks: ['10.0.0.0/8'], lookup: async () => ['10.0.0.1'] })
  t.equal(reasonOf(await ask(elsewhere, `http://app.example:${server.port}/`)), 'urlUnacceptable')
  const both = development({ lookup: async () => ['127.0.0.1', '8.8.8.8'] })
  t.equal(reasonOf(await ask(both, `http://app.example:${server.port}/`)), 'urlUnacceptable')
  t.equal(server.connections(), 0)
})

t.test(
  '[WEB-044] a certificate must be for the name and by somebody trusted, even where the environment says otherwise',
  async (t) => {
    const certificate = makeCertificate('app.example')
    const server = await serve(t, (_, response) => response.end('{}'), { certificate })
    const lookup = async () => ['127.0.0.1']
    const trusting = development({ lookup, certificates: [certificate.cert] })
    t.equal(reasonOf(await ask(trusting, `https://app.example:${server.port}/`)), 'answered')
    t.equal(reasonOf(await ask(trusting, `https://other.example:${server.port}/`)), 'unreachable', 'for another name')
    t.equal(reasonOf(await ask(trusting, `https://127.0.0.1:${server.port}/`)), 'unreachable', 'for an address')
    process.env['NODE_TLS_REJECT_UNAUTHORIZED'] = '0'
    t.teardown(() => delete process.env['NODE_TLS_REJECT_UNAUTHORIZED'])
    t.equal(
      reasonOf(await ask(development({ lookup }), `https://app.example:${server.port}/`)),
      'unreachable',
      'by nobody known',
    )
    t.equal(server.requests.length, 1)
  },
)

t.test('[WEB-046] a redirect is not followed, wherever it leads', async (t) => {
  const inside = await serve(t, (_, response) => response.end('inside'))
  const server = await serve(t, (request, response) => {
    response.writeHead(Number(request.url?.slice(1)), { Location: `http://127.0.0.1:${inside.port}/` })
    response.end('{}')
  })
  for (const status of [300, 301, 302, 303, 304, 307, 308, 399]) {
    t.equal(
      reasonOf(await ask(development(), `http://127.0.0.1:${server.port}/${status}`)),
      'redirected',
      String(status),
    )
  }
  t.equal(inside.connections(), 0)
})

t.test('[WEB-044, ADV-059] a body that is too long is let go of while it still arrives', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/told') response.setHeader('Content-Length', 1_000_000)
    response.write('x'.repeat(5000))
    // Endless: goes on for as long as somebody listens.
    if (request.url === '/endless') {
      const more = (): void => {
        while (!response.destroyed && response.write('x'.repeat(65_536)));
        if (!response.destroyed) response.once('drain', more)
      }
      more()
    } else if (request.url === '/exact') response.end('x'.repeat(5000))
  })
  const at = `http://127.0.0.1:${server.port}`
  t.equal(reasonOf(await ask(development(), `${at}/endless`)), 'tooLarge')
  t.equal(reasonOf(await ask(development(), `${at}/told`)), 'tooLarge', 'by its announced length, before it comes')
  t.match(await ask(development(), `${at}/exact`), { outcome: 'answered', body: 'x'.repeat(10_000) })
  t.equal(reasonOf(await ask(development(), `${at}/exact`, { maxBytes: 9999 })), 'tooLarge')
  await until(() => server.open() === 0)
})

t.test('[WEB-044, ADV-059] what takes too long is let go of, wherever it hangs', async (t) => {
  const certificate = makeCertificate('app.example')
  const silent = await serveRaw(t, () => undefined)
  const slow = await serve(t, (_, response) => {
    response.write('{')
    const timer = setInterval(() => response.write(' '), 10)
    response.on('close', () => clearInterval(timer))
  })
  const informing = await serveRaw(t, (socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 103 Early Hints\r\n\r\n'), 10)
    socket.on('close', () => clearInterval(timer))
  })
  const hurried = development({ totalTimeout: 150, certificates: [certificate.cert] })
  t.equal(reasonOf(await ask(hurried, `http://127.0.0.1:${slow.port}/`)), 'timedOut', 'in the body')
  t.equal(reasonOf(await ask(hurried, `http://127.0.0.1:${silent.port}/`)), 'timedOut', 'before the head')
  t.equal(reasonOf(await ask(hurried, `http://127.0.0.1:${informing.port}/`)), 'timedOut', 'in interim answers')
  t.match(reasonOf(await ask(hurried, `https://127.0.0.1:${silent.port}/`)), /timedOut|unreachable/, 'in the handshake')
  const lost = createFetcher({ totalTimeout: 50, lookup: () => new Promise(() => undefined) })
  t.equal(reasonOf(await ask(lost, 'https://app.example/')), 'timedOut', 'at the name server')
  for (const server of [slow, silent, informing]) await until(() => server.open() === 0)
})

t.test('[WEB-044] the head of an answer is bounded, too', async (t) => {
  let sent = 0
  const bomb = await serveRaw(t, (socket) => {
    socket.write('HTTP/1.1 200 OK\r\n')
    const more = (): void => {
      const line = `X-${'a'.repeat(100)}: ${'b'.repeat(1000)}\r\n`
      do sent += line.length
      while (!socket.destroyed && socket.write(line))
      if (!socket.destroyed) socket.once('drain', more)
    }
    more()
  })
  t.equal(reasonOf(await ask(development(), `http://127.0.0.1:${bomb.port}/`)), 'tooLarge')
  // What the two ends of a connection hold in their buffers comes on top of what is read.
  t.ok(sent < 20_000_000, `${sent} bytes`)
  await until(() => bomb.open() === 0)
})

t.test(
  '[WEB-044] only text is taken: nothing compressed, nothing of another kind, nothing that is not UTF-8',
  async (t) => {
    const heads: Readonly<Record<string, Record<string, string>>> = {
      gzip: { 'Content-Encoding': 'gzip' },
      br: { 'Content-Encoding': 'br' },
      image: { 'Content-Type': 'image/png' },
      json: { 'Content-Type': 'application/json', 'Content-Encoding': 'identity' },
    }
    const server = await serve(t, (request, response) => {
      const kind = request.url?.slice(1) ?? ''
      response.writeHead(200, heads[kind] ?? {})
      // A thousand to one: in memory it would be far above the limit.
      if (kind === 'gzip') response.end(BOMB)
      else response.end(kind === 'latin' ? Buffer.from('gr\xfc\xdf', 'latin1') : '{}')
    })
    const at = `http://127.0.0.1:${server.port}`
    for (const kind of ['gzip', 'br', 'image', 'latin'])
      t.equal(reasonOf(await ask(development(), `${at}/${kind}`)), 'notText', kind)
    t.equal(reasonOf(await ask(development(), `${at}/json`)), 'answered')
  },
)

t.test('[unit] what is no whole answer is none', async (t) => {
  const says = (text: string) => serveRaw(t, (socket) => socket.end(text))
  const broken = [
    '',
    'SSH-2.0-OpenSSH_9\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
  ]
  for (const text of broken) {
    const { port } = await says(text)
    t.equal(reasonOf(await ask(development(), `http://127.0.0.1:${port}/`)), 'unreachable', text)
  }
  const server = await serve(t, (_, response) => response.end())
  const headers = new Map([['X-Word', 'a\r\nHost: inside']])
  t.equal(reasonOf(await ask(development(), `http://127.0.0.1:${server.port}/`, { headers })), 'unreachable')
  t.equal(server.requests.length, 0)
})

t.test('[unit] the next of several addresses is tried when one does not answer', async (t) => {
  const server = await serve(t, (_, response) => response.end('{}'))
  const fetcher = development({ lookup: async () => ['127.0.0.77', '127.0.0.1'] })
  t.equal(reasonOf(await ask(fetcher, `http://app.example:${server.port}/`)), 'answered')
  const nowhere = createFetcher({ lookup: async () => [] })
  t.equal(reasonOf(await ask(nowhere, 'https://app.example/')), 'unreachable')
})

t.test('[WEB-044, OPS-059] a URL that failed rests, longer each time, and its neighbours do not', async (t) => {
  let failing = true
  const server = await serve(t, (_, response) => (failing ? response.socket?.destroy() : response.end('{}')))
  let now = 0
  const fetcher = development({ now: () => now, coolDown: { first: 1000, most: 3000 } })
  const url = `http://127.0.0.1:${server.port}/a`
  const at = async (moment: number): Promise<string> => {
    now = moment
    return reasonOf(await ask(fetcher, url))
  }
  t.equal(await at(0), 'unreachable')
  t.equal(await at(999), 'coolingDown')
  t.equal(server.connections(), 1, 'nobody is asked meanwhile')
  t.equal(reasonOf(await ask(fetcher, `${url}/b`)), 'unreachable', 'another URL is asked')
  t.equal(await at(1000), 'unreachable')
  t.equal(await at(2999), 'coolingDown')
  t.equal(await at(3000), 'unreachable')
  t.equal(await at(5999), 'coolingDown', 'never longer than the most')
  failing = false
  t.equal(await at(6000), 'answered')
  t.equal(await at(6001), 'answered')
  failing = true
  t.equal(await at(6002), 'unreachable')
  t.equal(await at(7002), 'unreachable', 'after an answer the count starts anew')
})

t.test('[WEB-044] one host takes no more than its share, and a full one keeps nobody else waiting', async (t) => {
  const held: (() => void)[] = []
  let most = 0
  const busy = await serve(t, (_, response) => {
    held.push(() => response.end('{}'))
    most = Math.max(most, held.length)
  })
  const other = await serve(t, (_, response) => response.end('{}'))
  const fetcher = development({ atOnce: { perHost: 2 }, totalTimeout: 60_000, lookup: async () => ['127.0.0.1'] })
  const running = [1, 2, 3, 4, 5].map((n) => ask(fetcher, `http://busy.example:${busy.port}/${n}`))
  await until(() => held.length === 2)
  t.equal(reasonOf(await ask(fetcher, `http://other.example:${other.port}/`)), 'answered')
  t.equal(busy.connections(), 2)
  for (let answered = 0; answered < 5; answered++) {
    await until(() => held.length > 0)
    held.shift()?.()
  }
  t.same((await Promise.all(running)).map(reasonOf), Array(5).fill('answered'))
  t.equal(most, 2)
})

t.test('[unit] who gave up waiting takes nobody’s place', async (t) => {
  const gate = createGate({ perHost: 1, inAll: 2 })
  const patient = new AbortController().signal
  await gate.enter('a', patient)
  const hurried = new AbortController()
  const gaveUp = gate.enter('a', hurried.signal)
  hurried.abort()
  await t.rejects(gaveUp)
  const next = gate.enter('a', patient)
  gate.leave('a')
  await next
  await gate.enter('b', patient)
  let admitted = false
  const third = gate.enter('c', patient).then(() => {
    admitted = true
  })
  t.notOk(admitted, 'no more than in all')
  gate.leave('a')
  await third
})

t.test('[unit] options that cannot be worked with are refused at once', async (t) => {
  for (const options of [
    { totalTimeout: 0 },
    { connectTimeout: Number.NaN },
    { atOnce: { perHost: 0 } },
    { allowedNetworks: ['x'] },
  ]) {
    t.throws(() => createFetcher(options), { code: 'fetcher_option_invalid' }, JSON.stringify(options))
  }
})
