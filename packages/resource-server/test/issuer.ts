// Owns an issuer for tests: real HTTP, keys and signatures by jose, and faults that a test switches on. Never shares code with what it tests.

import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { CompactSign, type CryptoKey, exportJWK, generateKeyPair, importJWK, type JWK, jwtVerify } from 'jose'
import type { Test } from 'tap'

/** A key of the issuer, published or not. */
export interface TestKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: CryptoKey
  readonly publicJwk: JWK
}

type Pair = ReturnType<typeof generateKeyPair>
const rsaPairs = new Map<string, Pair>()

// An RSA key takes half a second: one for each algorithm is enough.
const pairOf = (alg: string): Pair => {
  const made = rsaPairs.get(alg) ?? generateKeyPair(alg, { extractable: true })
  if (/^[RP]S/.test(alg)) rsaPairs.set(alg, made)
  return made
}

/** Makes a key pair of an algorithm. */
export const makeKey = async (alg: string, kid: string): Promise<TestKey> => {
  const { privateKey, publicKey } = await pairOf(alg)
  return { alg, kid, privateKey, publicJwk: { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' } }
}

/** Signs any header and claims as a compact JWS. */
export const signJws = (
  key: CryptoKey | Uint8Array,
  header: Readonly<Record<string, unknown>> & { readonly alg: string },
  claims: unknown,
): Promise<string> =>
  new CompactSign(new TextEncoder().encode(typeof claims === 'string' ? claims : JSON.stringify(claims)))
    .setProtectedHeader(header)
    .sign(key)

/** How an issuer answers a path instead of rightly. */
export type Fault = (request: IncomingMessage, response: ServerResponse) => void

/** An issuer that is up. */
export interface TestIssuer {
  readonly url: string
  /** The published set, and what introspection knows; both may be changed. */
  readonly jwks: { keys: JWK[] }
  readonly tokens: Map<string, Readonly<Record<string, unknown>>>
  readonly metadata: Record<string, unknown>
  /** Answers of one path that go wrong. */
  readonly faults: Map<string, Fault>
  /** How often each path was asked. */
  readonly asked: Map<string, number>
  readonly key: TestKey
  readonly mint: (
    over?: Readonly<Record<string, unknown>>,
    from?: Partial<TestKey> & { readonly typ?: string },
  ) => Promise<string>
  readonly stop: () => Promise<void>
}

export const CREDENTIALS = { method: 'client_secret_basic', clientId: 'api one', clientSecret: 'a+b: ü%' } as const

const bodyOf = async (request: IncomingMessage): Promise<URLSearchParams> => {
  let text = ''
  for await (const piece of request) text += String(piece)
  return new URLSearchParams(text)
}

const isBasicOf = (header: string | undefined): boolean => {
  const [id = '', secret = ''] = Buffer.from(header?.replace(/^Basic /, '') ?? '', 'base64')
    .toString()
    .split(':')
  const decode = (text: string): string => new URLSearchParams(`x=${text}`).get('x') ?? ''
  return decode(id) === CREDENTIALS.clientId && decode(secret) === CREDENTIALS.clientSecret
}

/** The public key by which `private_key_jwt` is checked, when a test sets one. */
export const assertionKeys = new Map<string, JWK>()

const isAssertedBy = async (form: URLSearchParams, issuer: string): Promise<boolean> => {
  const clientId = form.get('client_id') ?? ''
  const jwk = assertionKeys.get(clientId)
  if (jwk === undefined) return false
  const checks = {
    issuer: clientId,
    subject: clientId,
    audience: issuer,
    maxTokenAge: 60,
    requiredClaims: ['jti', 'exp'],
  }
  return jwtVerify(form.get('client_assertion') ?? '', await importJWK(jwk, 'ES256'), checks).then(
    () => form.get('client_assertion_type') === 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
    () => false,
  )
}

/** Starts an issuer on a free port of loopback; the test's end stops it. */
export const startIssuer = async (t: Test, clock: { readonly now: () => number }, path = ''): Promise<TestIssuer> => {
  const key = await makeKey('ES256', 'key-1')
  const [tokens, faults, asked] = [new Map(), new Map<string, Fault>(), new Map<string, number>()]
  const jwks = { keys: [key.publicJwk] }
  const metadata: Record<string, unknown> = {}
  const json = (response: ServerResponse, status: number, value: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(value))
  }
  const introspect = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = await bodyOf(request)
    const known = isBasicOf(request.headers.authorization) || (await isAssertedBy(form, issuer.url))
    if (!known || request.method !== 'POST') return json(response, 401, { error: 'invalid_client' })
    json(response, 200, tokens.get(form.get('token') ?? '') ?? { active: false })
  }
  const server = createServer((request, response) => {
    const target = request.url ?? ''
    asked.set(target, (asked.get(target) ?? 0) + 1)
    const fault = faults.get(target)
    if (fault !== undefined) return fault(request, response)
    if (target === `/.well-known/oauth-authorization-server${path}`) return json(response, 200, metadata)
    if (target === '/jwks') return json(response, 200, jwks)
    if (target === '/introspect') return void introspect(request, response)
    response.writeHead(404).end()
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}`
  const stop = async (): Promise<void> => {
    if (!server.listening) return
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  }
  t.teardown(stop)
  const mint: TestIssuer['mint'] = (
    over = {},
    { alg = key.alg, kid = key.kid, privateKey = key.privateKey, typ = 'at+jwt' } = {},
  ) => {
    const now = clock.now()
    const claims = {
      iss: issuer.url,
      aud: 'unset',
      sub: 'alice',
      client_id: 'app',
      iat: now,
      exp: now + 600,
      jti: `j${Math.random()}`,
    }
    return signJws(privateKey, { alg, kid, typ }, { ...claims, ...over })
  }
  const issuer: TestIssuer = { url: origin + path, jwks, tokens, metadata, faults, asked, key, mint, stop }
  Object.assign(metadata, {
    issuer: issuer.url,
    jwks_uri: `${origin}/jwks`,
    introspection_endpoint: `${origin}/introspect`,
  })
  return issuer
}
