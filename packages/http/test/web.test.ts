// Owns the proof of the web-standard door: the same rules as at the node door, where Request lets them be seen.

import { gzipSync } from 'node:zlib'
import t from 'tap'
import { createWebDoor, type WebDoorOptions } from '#src/web.js'
import { type Told, told } from './fixtures.js'

const make = (
  over: Partial<WebDoorOptions> = {},
): { readonly provider: Told; readonly send: (path: string, init?: RequestInit) => Promise<Response | undefined> } => {
  const provider = told('https://op.example')
  const door = createWebDoor(provider, { peer: () => ({ remoteAddress: '192.0.2.7' }), ...over })
  const send = (path: string, init?: RequestInit): Promise<Response | undefined> =>
    door.serve(new Request(path.startsWith('/') ? `https://op.example${path}` : path, init))
  return { provider, send }
}

const FORM = { 'content-type': 'application/x-www-form-urlencoded' }

t.test('[unit] a Request reaches the core as it was sent, and its answer is a Response', async (t) => {
  const { provider, send } = make()
  const answer = await send('/token?a=%20b&a=+#f', { method: 'POST', body: 'x=1', headers: { ...FORM, cookie: 'a=1' } })
  t.equal(answer?.status, 200)
  t.equal(await answer?.text(), '{"a":1}')
  t.match(provider.asked[0], {
    method: 'POST',
    path: '/token',
    query: 'a=%20b&a=+',
    body: 'x=1',
    remoteAddress: '192.0.2.7',
  })
  t.strictSame(provider.asked[0]?.headers.get('cookie'), ['a=1'])
  t.equal(await send('/theirs'), undefined)
  t.equal((await send('/token/', { method: 'POST' }))?.status, 200)
  const head = await send('/authorize', { method: 'HEAD' })
  t.equal(head?.body, null)
  t.equal(provider.asked.at(-1)?.method, 'GET')
})

t.test('[WEB-056] a body above 64 KiB is refused without the rest', async (t) => {
  const { provider, send } = make()
  let pulled = 0
  let cancelled = false
  const endless = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      pulled += 16_384
      controller.enqueue(new Uint8Array(16_384))
    },
    cancel: () => {
      cancelled = true
    },
  })
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', body: endless, headers: FORM, duplex: 'half' }
  t.equal((await send('/token', init))?.status, 413)
  t.ok(cancelled)
  t.ok(pulled < 200_000, `pulled ${pulled}`)
  t.equal((await send('/token', { method: 'POST', body: 'a'.repeat(65_537), headers: FORM }))?.status, 413)
  t.equal(provider.asked.length, 0)
  t.equal((await send('/token', { method: 'POST', body: 'a'.repeat(65_536), headers: FORM }))?.status, 200)
})

t.test('[ADV-039, ADV-160] compressed, multipart and ill-encoded bodies are refused', async (t) => {
  const { provider, send } = make()
  const gzip = { method: 'POST', body: gzipSync('a=b'), headers: { ...FORM, 'content-encoding': 'gzip' } }
  t.equal((await send('/token', gzip))?.status, 415)
  const parts = new FormData()
  parts.set('a', 'b')
  t.equal((await send('/token', { method: 'POST', body: parts }))?.status, 415)
  t.equal((await send('/token', { method: 'POST', body: Uint8Array.from([0xff]), headers: FORM }))?.status, 400)
  const broken = new ReadableStream({ start: (controller) => controller.error(new Error('gone')) })
  const init: RequestInit & { duplex: 'half' } = { method: 'POST', body: broken, headers: FORM, duplex: 'half' }
  t.equal((await send('/token', init))?.status, 400)
  t.equal(provider.asked.length, 0)
})

t.test('[WEB-060, WEB-041, R9700-20] long targets, foreign hosts and plain http are refused', async (t) => {
  const { provider, send } = make({ requireHttps: true })
  t.equal((await send(`/authorize?a=${'b'.repeat(16_400)}`))?.status, 414)
  t.equal((await send('https://evil.example/authorize'))?.status, 421)
  t.equal((await send('http://op.example/authorize'))?.status, 400)
  t.equal(provider.asked.length, 0)
  t.equal((await send('https://inner:1/token', { method: 'POST' }))?.status, 200)
  const behind = make({
    requireHttps: true,
    peer: () => ({ remoteAddress: '192.0.2.8', host: 'op.example', secure: true }),
  })
  t.equal((await behind.send('http://inner:1/authorize'))?.status, 200, 'the app says what its proxy told it')
})

t.test('[WEB-042] forwarded headers of anybody are not believed and not passed on', async (t) => {
  const { provider, send } = make()
  const headers = {
    'x-forwarded-for': '6.6.6.6',
    'x-forwarded-host': 'evil.example',
    forwarded: 'for=6.6.6.6',
    'x-a': '1',
  }
  t.equal((await send('/authorize', { headers }))?.status, 200)
  t.equal(provider.asked[0]?.remoteAddress, '192.0.2.7')
  t.strictSame([...(provider.asked[0]?.headers.keys() ?? [])], ['x-a'])
})
