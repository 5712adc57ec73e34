// The door on global fetch, before real servers on loopback.

import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createWebFetcher, type FetchOutcome, type FetchRequest } from '#src/web.js'
import { serve, until } from './servers.ts'

const ask = (
  port: number,
  path: string,
  request: Partial<FetchRequest> = {},
  totalTimeout = 60_000,
): Promise<FetchOutcome> => {
  const origin = `http://127.0.0.1:${port}`
  return createWebFetcher({ allowedOrigins: [origin], totalTimeout }).fetch({
    ...{ method: 'GET', headers: new Map(), body: undefined, maxBytes: 10_000, ...request },
    url: `${origin}${path}`,
  })
}

const BOMB = gzipSync('x'.repeat(10_000_000))

const reasonOf = (outcome: FetchOutcome): string => (outcome.outcome === 'refused' ? outcome.reason : outcome.outcome)

t.test('[WEB-044] the web door asks nobody whom its owner did not name', async (t) => {
  const server = await serve(t, (_, response) => response.end('inside'))
  const request: FetchRequest = {
    url: `http://127.0.0.1:${server.port}/`,
    method: 'GET',
    headers: new Map(),
    body: undefined,
    maxBytes: 9,
  }
  const fetcher = createWebFetcher({ allowedOrigins: ['https://app.example', 'http://127.0.0.1'] })
  t.equal(reasonOf(await fetcher.fetch(request)), 'addressForbidden')
  t.equal(server.connections(), 0)
  for (const allowedOrigins of [
    [],
    ['*'],
    ['https://*.example'],
    ['app.example'],
    ['https://app.example/'],
    ['https://APP.example'],
    ['null'],
  ]) {
    t.throws(() => createWebFetcher({ allowedOrigins }), { code: 'fetcher_option_invalid' }, allowedOrigins.join())
  }
})

t.test('[WEB-044, WEB-046, ADV-059] the web door holds the same limits', async (t) => {
  const server = await serve(t, (request, response) => {
    if (request.url === '/away') response.writeHead(302, { Location: '/inside' })
    if (request.url === '/gzip') response.writeHead(200, { 'Content-Encoding': 'gzip' })
    if (request.url === '/gzip') response.end(BOMB)
    else if (request.url === '/endless') {
      const timer = setInterval(() => response.write('x'.repeat(5000)), 1)
      response.on('close', () => clearInterval(timer))
    } else if (request.url === '/slow') response.write('{')
    else if (request.url === '/latin') response.end(Buffer.from([0xfc]))
    else response.end('{}')
  })
  t.match(await ask(server.port, '/x', { method: 'POST', body: 'a=b' }), {
    outcome: 'answered',
    status: 200,
    body: '{}',
  })
  t.equal(server.requests[0]?.headers['user-agent'], 'vouchsafe')
  t.equal(reasonOf(await ask(server.port, '/away')), 'redirected')
  t.equal(reasonOf(await ask(server.port, '/gzip')), 'notText')
  t.equal(reasonOf(await ask(server.port, '/latin')), 'notText')
  t.equal(reasonOf(await ask(server.port, '/endless')), 'tooLarge')
  t.equal(reasonOf(await ask(server.port, '/slow', {}, 200)), 'timedOut')
  t.notOk(server.requests.some(({ url }) => url === '/inside'))
  await until(() => server.open() <= 4)
})
