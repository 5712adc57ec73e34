// Owns an API for tests: real HTTP on node:http, guarded by the package as its users would. Never answers but through it.

import { once } from 'node:events'
import { request as ask, createServer, type IncomingMessage, type Server } from 'node:http'
import {
  createResourceServer,
  forbid,
  fromNodeRequest,
  type Refusal,
  type Requirement,
  type ResourceServer,
  type ResourceServerConfig,
  type VerifiedToken,
} from '@vouchsafe/resource-server'
import * as oauth from 'oauth4webapi'
import type { Test } from 'tap'
import { startIssuer, type TestIssuer } from './issuer.ts'

/** A clock that a test moves, in seconds. */
export interface TestClock {
  readonly now: () => number
  readonly advance: (seconds: number) => void
}

/** Makes a clock that stands at the present. */
export const createClock = (): TestClock => {
  let at = Math.floor(Date.now() / 1000)
  return {
    now: () => at,
    advance: (seconds) => {
      at += seconds
    },
  }
}

/** What each path of the API demands. */
const REQUIREMENTS: Readonly<Record<string, Requirement>> = {
  'GET /v1/notes': { scope: 'notes:read' },
  'POST /v1/notes': { scope: ['notes:read', 'notes:write'] },
  'POST /v1/payments': { scope: 'payments', acr: 'phr phrh', maxAge: 300 },
}

/** An API that is up. */
export interface TestApi {
  readonly url: string
  readonly guard: ResourceServer
  /** What was let through, and what was refused and why, in order. */
  readonly seen: (VerifiedToken | Refusal)[]
}

const readText = async (request: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const piece of request) text += String(piece)
  return text
}

/** Serves a guard on a server that listens already. */
export const serve = (server: Server, guard: ResourceServer, seen: TestApi['seen'], bodyToken = false): void => {
  server.on('request', async (request, response): Promise<unknown> => {
    const [path = ''] = (request.url ?? '').split('?', 1)
    if (path === guard.metadata.path) {
      const { status, headers, body } = guard.metadata.response
      return response.writeHead(status, headers).end(body)
    }
    const formBody = bodyToken ? await readText(request) : undefined
    const asked = { ...fromNodeRequest(request), formBody }
    const judged = await guard.authorize(asked, REQUIREMENTS[`${request.method} ${path}`])
    const allowed = judged.ok && path === '/v1/notes/private' ? forbid({ detail: 'not your note' }) : judged
    if (!allowed.ok) {
      seen.push(allowed)
      return response.writeHead(allowed.status, { ...allowed.headers }).end(allowed.body)
    }
    seen.push(allowed.token)
    response.writeHead(200, { ...allowed.headers, 'content-type': 'application/json' })
    return response.end(JSON.stringify({ subject: allowed.token.subject }))
  })
}

/** Starts an API on a free port of loopback; the test's end stops it. */
export const startApi = async (t: Test, configure: (origin: string) => ResourceServerConfig): Promise<TestApi> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const config = configure(url)
  const guard = createResourceServer(config)
  const seen: TestApi['seen'] = []
  serve(server, guard, seen, config.bodyToken)
  return { url, guard, seen }
}

/** An issuer, an API that trusts it, and their common clock. */
export interface World {
  readonly clock: TestClock
  readonly issuer: TestIssuer
  readonly api: TestApi
  /** A token for this API. */
  readonly mint: TestIssuer['mint']
}

/** Starts both; JWTs unless told otherwise. */
export const startWorld = async (
  t: Test,
  over: (issuer: TestIssuer) => Partial<ResourceServerConfig> = () => ({}),
): Promise<World> => {
  const clock = createClock()
  const issuer = await startIssuer(t, clock)
  const api = await startApi(t, (origin) => ({
    issuer: issuer.url,
    resource: `${origin}/v1`,
    tokens: { format: 'jwt' },
    now: clock.now,
    ...over(issuer),
  }))
  const mint: TestIssuer['mint'] = (claims, from) =>
    issuer.mint({ aud: `${api.url}/v1`, scope: 'notes:read', ...claims }, from)
  return { clock, issuer, api, mint }
}

/** An answer of the API, read. */
export interface Answer {
  readonly status: number
  readonly headers: Headers
  readonly body: string
}

/** Sends a request with a token by Bearer, or without. */
export const call = async (url: string, token?: string, init: RequestInit = {}): Promise<Answer> => {
  const headers = new Headers(init.headers)
  if (token !== undefined) headers.set('authorization', `Bearer ${token}`)
  const response = await fetch(url, { ...init, headers })
  return { status: response.status, headers: response.headers, body: await response.text() }
}

/** Sends headers exactly as written, as a flat list, repeated ones too. */
export const callRaw = async (url: string, headers: readonly string[], method = 'GET'): Promise<Answer> => {
  const { hostname, port, pathname, search, host } = new URL(url)
  const raw = ask({
    hostname,
    port,
    path: pathname + search,
    method,
    agent: false,
    headers: ['host', host, ...headers],
  })
  raw.end()
  const [response]: [IncomingMessage] = (await once(raw, 'response')) as [IncomingMessage]
  const answered = new Headers(Object.entries(response.headers).map(([name, value]) => [name, String(value)]))
  return { status: response.statusCode ?? 0, headers: answered, body: await readText(response) }
}

/** One challenge of a WWW-Authenticate header. */
export interface Challenge {
  readonly scheme: string
  readonly parameters: Readonly<Record<string, string | undefined>>
}

/** The challenges of an answer as oauth4webapi reads them; none where there is no header. */
export const challengesOf = async ({ status, headers, body }: Answer): Promise<readonly Challenge[]> => {
  const again = (): Promise<Response> => Promise.resolve(new Response(body, { status, headers }))
  try {
    const url = new URL('https://api.example')
    await oauth.protectedResourceRequest('token', 'GET', url, undefined, undefined, { [oauth.customFetch]: again })
    return []
  } catch (thrown) {
    if (!(thrown instanceof oauth.WWWAuthenticateChallengeError)) throw thrown
    return thrown.cause.map(({ scheme, parameters }) => ({ scheme, parameters: { ...parameters } }))
  }
}
