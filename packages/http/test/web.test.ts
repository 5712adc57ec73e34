// Owns the proof of the web-standard door: the same rules as at the node door, where Request lets them be seen.

import { gzipSync } from 'node:zlib'
import { createProvider, type Provider, subject } from '@vouchsafe/core'
import { createClient } from '@vouchsafe/core/admin'
import { staticKeys } from '@vouchsafe/core/keys'
import { createMemoryStores } from '@vouchsafe/core/memory'
import { createWebSigner, generateSigningKey, webPorts } from '@vouchsafe/core/ports-web'
import { compactVerify, importJWK, type JWK } from 'jose'
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

const REDIRECT_URI = 'https://rp.example/callback'

/** A provider on WebCrypto and memory alone, as it would stand in a runtime that is not Node. */
const webProvider = async (): Promise<Provider> => {
  const stores = createMemoryStores()
  const key = await generateSigningKey('RS256')
  const ports = {
    ...webPorts,
    signer: await createWebSigner([key]),
    keys: staticKeys([{ ...key, state: 'active' }]),
    accounts: { find: () => ({ claims: { name: 'Alice' } }) },
  }
  const made = await createClient(
    { stores, ports },
    {
      clientId: 'spa',
      actor: 'test',
      metadata: { client_name: 'SPA', redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' },
      policy: { development: false, grantTypes: ['authorization_code'], scopes: 'any', unknownFields: 'refuse' },
    },
  )
  if (!made.ok) throw new Error(JSON.stringify(made.error))
  return createProvider({ issuer: 'https://op.example', stores, ports })
}

t.test('[unit] a person signs in over Request, Response and WebCrypto alone', async (t) => {
  const provider = await webProvider()
  const door = createWebDoor(provider, { peer: () => ({ remoteAddress: '192.0.2.7' }) })
  const jar = new Map<string, string>()
  const requestOf = (url: string, form?: Record<string, string>): Request => {
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const post = form && { method: 'POST', body: new URLSearchParams(form).toString() }
    return new Request(url, { headers: { cookie, ...(form && FORM) }, ...post })
  }
  const keep = (response: Response | undefined): Response => {
    for (const line of response?.headers.getSetCookie() ?? []) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    return response ?? new Response(null, { status: 404 })
  }
  const own = async (
    step: (request: Parameters<Provider['respond']>[0]) => ReturnType<Provider['interactions']['resume']>,
  ) => {
    const wire = await door.toWireRequest(requestOf('https://op.example/interaction/x', {}))
    return wire.ok ? step(wire.value) : wire.error
  }
  const query = new URLSearchParams({
    client_id: 'spa',
    redirect_uri: REDIRECT_URI,
    response_type: 'code',
    scope: 'openid',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
  })
  const started = keep(await door.serve(requestOf(`https://op.example/authorize?${query}`)))
  const id = started.headers.get('location')?.split('/').at(-1) ?? ''
  const login = await own((request) => provider.interactions.resume(request, id))
  if (login.kind !== 'interact') throw new Error(JSON.stringify(login))
  t.equal(await door.show(login, ({ prompt }) => ({ html: prompt.kind })).text(), 'login')
  const facts = { subject: subject('alice'), amr: ['pwd'], acr: undefined }
  const consent = await own((request) => provider.interactions.authenticated(request, { ...login.interaction, facts }))
  keep(door.toResponse(consent))
  if (consent.kind !== 'interact') throw new Error(JSON.stringify(consent))
  const allowed = await own((request) => provider.interactions.consented(request, consent.interaction))
  const back = new URL(keep(door.toResponse(allowed)).headers.get('location') ?? '')
  const form = {
    grant_type: 'authorization_code',
    code: back.searchParams.get('code') ?? '',
    redirect_uri: REDIRECT_URI,
    client_id: 'spa',
    code_verifier: 'dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk',
  }
  const answer = keep(await door.serve(requestOf('https://op.example/token', form)))
  const tokens: { readonly id_token: string } = JSON.parse(await answer.text())
  const published = keep(await door.serve(requestOf('https://op.example/jwks')))
  const jwks: { readonly keys: readonly [JWK] } = JSON.parse(await published.text())
  const { payload } = await compactVerify(tokens.id_token, await importJWK(jwks.keys[0], 'RS256'))
  t.match(JSON.parse(new TextDecoder().decode(payload)), { iss: 'https://op.example', sub: 'alice', aud: 'spa' })
})
