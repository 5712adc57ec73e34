// Owns the limits of the HTTP server itself: time, sizes and connections. Never knows what is served.

import type { ServerOptions } from 'node:http'
import type { FastifyServerOptions } from 'fastify'

/** Timeouts in milliseconds; a slow sender loses its connection, an honest one never notices. */
export const SOCKET_LIMITS: Readonly<ServerOptions> = {
  headersTimeout: 10_000,
  // Headers and body together; the largest body is 64 KiB.
  requestTimeout: 15_000,
  keepAliveTimeout: 72_000,
  connectionsCheckingInterval: 2_000,
  // An authorization request may be long in the target; what else is sent is short.
  maxHeaderSize: 32_768,
}

/** What Fastify itself limits. */
export const SERVER_LIMITS: Readonly<FastifyServerOptions> = {
  // The doors count for themselves; this is only never to be reached.
  bodyLimit: 131_072,
  // A route parameter is an identifier of at most 64 characters.
  routerOptions: { maxParamLength: 128 },
}

/** Sockets at once; more are refused rather than served slowly. */
export const MAX_CONNECTIONS = 10_000
