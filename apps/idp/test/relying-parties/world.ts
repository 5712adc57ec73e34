// Owns what every relying party's test begins with: a running identity provider that knows Alice, and a server for the relying party
// itself. Asserts nothing.

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { createRequire } from 'node:module'
import { ALICE, createIssuer, PASSWORD, type TestIssuer } from '../support/idp.ts'

/** What is torn down with the test. */
export interface Ending {
  teardown(end: () => unknown): void
}

/** A running identity provider with one person. */
export interface World extends TestIssuer {
  /** Scheme, host and port, where `issuer` may have a path. */
  readonly origin: string
  /** Subject of Alice. */
  readonly alice: string
}

/** What Alice types, and that she allows. */
export const AS_ALICE = { username: 'alice', password: PASSWORD } as const

/** Starts an identity provider, under a path where one is given, that knows Alice. */
export const openWorld = async (t: Ending, path = '', env: Readonly<Record<string, string>> = {}): Promise<World> => {
  const issuer = await createIssuer(env, path)
  t.teardown(issuer.close)
  const alice = await issuer.person('alice', ALICE)
  const { origin } = await issuer.start()
  return { ...issuer, origin, alice }
}

/** Serves a relying party on a host of its own; its cookies are not those of the identity provider. */
export const serve = async (t: Ending, listenerFor: (origin: string) => RequestListener): Promise<string> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const origin = `http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
  server.on('request', listenerFor(origin))
  t.teardown(async () => {
    server.closeAllConnections()
    server.close()
    await once(server, 'close')
  })
  return origin
}

const load = createRequire(import.meta.url)

/** The part of Express that tests use; it ships no types. */
export interface ExpressApp extends RequestListener {
  use(...handlers: readonly unknown[]): void
  get(path: string, ...handlers: readonly unknown[]): void
}

/** Express, or another module without types. */
export const untyped = <Shape>(name: string): Shape => load(name)
