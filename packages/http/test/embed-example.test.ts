// Owns the proof of the embedding example: the very text of the guide, in a process of its own, against a client library that others wrote.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import * as client from 'openid-client'
import t, { type Test } from 'tap'

const REDIRECT_URI = 'http://localhost:4000/callback'
const EXAMPLE = new URL('./embed-example.js', import.meta.url)
const SOURCE = new URL('../test/embed-example.ts', import.meta.url)
const GUIDE = new URL('../../../docs/guide/embedding.md', import.meta.url)

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const answers = async (issuer: string, child: ChildProcess): Promise<void> => {
  for (let tries = 0; tries < 100 && child.exitCode === null; tries++) {
    const up = await fetch(`${issuer}/jwks`).then(
      ({ ok }) => ok,
      () => false,
    )
    if (up) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the example does not answer')
}

const start = async (t: Test): Promise<string> => {
  const port = await freePort()
  const child = spawn(process.execPath, [EXAMPLE.pathname], { env: { PORT: String(port) }, stdio: 'inherit' })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const issuer = `http://localhost:${port}`
  await answers(issuer, child)
  return issuer
}

/** A browser without scripts: cookies, redirects within the issuer, and the one form of a page. */
interface Browser {
  /** Follows redirects until a page or an address elsewhere. */
  open(url: string): Promise<{ readonly url: string; readonly status: number; readonly html: string }>
  submit(
    page: { readonly url: string; readonly html: string },
    fields: Readonly<Record<string, string>>,
  ): ReturnType<Browser['open']>
}

const newBrowser = (issuer: string): Browser => {
  const jar = new Map<string, string>()
  const go = async (url: string, init: RequestInit): ReturnType<Browser['open']> => {
    if (!url.startsWith(`${issuer}/`)) return { url, status: 0, html: '' }
    const cookie = [...jar].map(([name, value]) => `${name}=${value}`).join('; ')
    const response = await fetch(url, { ...init, headers: { ...init.headers, cookie }, redirect: 'manual' })
    for (const line of response.headers.getSetCookie()) {
      const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
      jar.set(name, value)
    }
    const location = response.headers.get('location')
    if (location !== null) return go(new URL(location, url).href, {})
    return { url, status: response.status, html: await response.text() }
  }
  return {
    open: (url) => go(url, {}),
    submit: ({ url, html }, fields) => {
      const csrf = /name="csrf" value="([^"]+)"/.exec(html)?.[1] ?? ''
      const headers = { 'content-type': 'application/x-www-form-urlencoded', 'sec-fetch-site': 'same-origin' }
      return go(url, { method: 'POST', headers, body: new URLSearchParams({ csrf, ...fields }).toString() })
    },
  }
}

const LOGIN = { act: 'login', username: 'alice', password: 'wonderland' }

/** One authorization request of openid-client, with what its answer is checked against. */
const requestOf = async (config: client.Configuration, over: Record<string, string> = {}) => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
  const url = client.buildAuthorizationUrl(config, {
    redirect_uri: REDIRECT_URI,
    scope: 'openid email',
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...over,
  })
  return { url: url.href, checks: { pkceCodeVerifier, expectedState, expectedNonce } }
}

t.test('[unit] the guide shows the example that is tested, and it is at most sixty lines', async (t) => {
  const source = await readFile(SOURCE, 'utf8')
  const example = source.slice(source.indexOf('import '))
  const shown = /```ts compiled\n([\s\S]*?)```/.exec(await readFile(GUIDE, 'utf8'))?.[1]
  t.equal(shown, example)
  t.ok(example.trimEnd().split('\n').length <= 60)
})

t.test('[unit] openid-client signs in at the example, by own login and consent pages', async (t) => {
  const issuer = await start(t)
  const config = await client.discovery(new URL(issuer), 'my-app', undefined, client.None(), {
    execute: [client.allowInsecureRequests],
  })
  const browser = newBrowser(issuer)
  const { url, checks } = await requestOf(config)
  const login = await browser.open(url)
  t.match(login.html, /<h1>My app<\/h1>[\s\S]*name="username"[\s\S]*name="password"/)
  const wrong = await browser.submit(login, { ...LOGIN, password: 'wrong' })
  t.equal(wrong.status, 401)
  t.match(wrong.html, 'Wrong name or password.')
  t.equal((await browser.submit(wrong, { ...LOGIN, username: 'constructor' })).status, 401)
  t.equal((await browser.submit({ ...login, html: '' }, LOGIN)).status, 403, 'without the token of the page')
  t.equal((await newBrowser(issuer).open(login.url)).status, 403, 'in another browser')
  const consent = await browser.submit(wrong, LOGIN)
  t.match(consent.html, 'alice@example.org', 'the values that will be shared')
  const back = await browser.submit(consent, { act: 'allow' })
  t.ok(back.url.startsWith(`${REDIRECT_URI}?`), back.url)

  const tokens = await client.authorizationCodeGrant(config, new URL(back.url), checks)
  t.match(tokens.claims(), { iss: issuer, sub: 'alice', aud: 'my-app', nonce: checks.expectedNonce })
  t.match(await client.fetchUserInfo(config, tokens.access_token, 'alice'), {
    sub: 'alice',
    email: 'alice@example.org',
  })

  const again = await requestOf(config, { prompt: 'select_account' })
  const select = await browser.open(again.url)
  t.match(select.html, '>alice</button>')
  const sid = /value="([^"]+)">alice/.exec(select.html)?.[1] ?? ''
  const shown = await browser.submit(select, { act: sid })
  const denied = await browser.submit(shown, { act: 'deny' })
  const refused: unknown = await client.authorizationCodeGrant(config, new URL(denied.url), again.checks).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  t.match(refused, { error: 'access_denied' })

  const other = await browser.submit(await browser.open((await requestOf(config, { prompt: 'select_account' })).url), {
    act: 'other',
  })
  t.match(other.html, 'name="username"', 'another account signs in')
  t.equal((await fetch(`${issuer}/elsewhere`)).status, 404)
})
