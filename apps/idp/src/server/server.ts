// Owns the HTTP server: Fastify with the provider, the pages, the limits and the end of its life. Never composes what it serves.

import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import rateLimit from '@fastify/rate-limit'
import { readRawBodies, vouchsafe } from '@vouchsafe/fastify'
import { newReference } from '@vouchsafe/http/node'
import { isStoreError } from '@vouchsafe/postgres'
import Fastify, { type FastifyBaseLogger, type FastifyError, type FastifyInstance, LogController } from 'fastify'
import type { Config } from '../config/index.ts'
import { addAssetRoutes } from '../pages/asset-routes.ts'
import { addDeviceRoutes } from '../pages/device-routes.ts'
import { addInteractionRoutes } from '../pages/interaction-routes.ts'
import { presentLogout } from '../pages/logout.ts'
import { addOwnRoutes } from '../pages/own-routes.ts'
import { presentFormPost, presentProblem } from '../pages/problem.ts'
import { pageOf, sendProblem } from '../pages/send.ts'
import type { Surroundings } from '../pages/surroundings.ts'
import { type ErrorProblem, renderPage } from '../views/render.ts'
import { requireAccess } from './access.ts'
import { addCertificateServer, certificatesOf } from './certificate-server.ts'
import { addHealthRoutes, type Readiness } from './health.ts'
import { MAX_CONNECTIONS, SERVER_LIMITS, SOCKET_LIMITS } from './limits.ts'
import { logRequests } from './log.ts'
import { addCommonHeaders, refuseBrokenRequests } from './refusals.ts'

/** What the server is made of. */
export interface ServerParts {
  readonly config: Config
  readonly around: Surroundings
  readonly readiness: Readiness
  readonly log: FastifyBaseLogger
}

type Listener = (request: IncomingMessage, response: ServerResponse) => void

/** Makes the node server: over TLS where a certificate is configured, never below the configured version. */
const serverFactory = async (config: Config): Promise<(listener: Listener) => Server> => {
  if (config.tls === undefined) return (listener) => createHttpServer(SOCKET_LIMITS, listener)
  const { certFile, keyFile, minVersion } = config.tls
  const [cert, key] = await Promise.all([readFile(certFile), readFile(keyFile)])
  return (listener) => createHttpsServer({ ...SOCKET_LIMITS, cert, key, minVersion }, listener)
}

const problemOf = (status: number): ErrorProblem => {
  if (status === 404) return 'notFound'
  if (status === 413) return 'requestTooLarge'
  if (status === 429) return 'tooManyRequests'
  if (status === 503) return 'unavailable'
  return status >= 500 ? 'unexpected' : 'requestInvalid'
}

const statusOf = (error: Partial<FastifyError>): number => {
  // The database cannot be reached: soon it can, and the same request will do.
  if (isStoreError(error) && error.code === 'store_unavailable') return 503
  return error.statusCode !== undefined && error.statusCode >= 400 ? error.statusCode : 500
}

/** Faults and unknown addresses are pages too: no stack, no path, no version. */
const answerTheRest = (app: FastifyInstance, around: Surroundings): void => {
  app.setNotFoundHandler((_request, to) => sendProblem(app, around, to, { problem: 'notFound', status: 404 }))
  app.setErrorHandler((error: FastifyError, request, to) => {
    const status = statusOf(error)
    const reference = newReference()
    if (status >= 500) request.log.error({ err: error, reference }, 'a request failed')
    if (status === 503) to.header('Retry-After', '5')
    return sendProblem(app, around, to, { problem: problemOf(status), status, reference })
  })
}

/** Paths that servers and documents are fetched by: many relying parties may share one address. */
const isPagePath = (around: Surroundings, path: string): boolean => {
  const route = around.provider.routes.find((served) => served.path === path)
  return route === undefined ? !/^\/(?:healthz|readyz)$/.test(path) : route.access === 'browser'
}

/** Every page may open an interaction, which is a row: one address cannot fill the table (RFC 6819 §4.4.1.11). */
const limitPages = async (app: FastifyInstance, config: Config, around: Surroundings): Promise<void> => {
  // Counted by each node for itself: a node holds no state that matters, and an approximate bound is enough here.
  await app.register(rateLimit, { global: false, cache: 20_000 })
  const check = app.createRateLimit({
    max: config.pagesPerMinute,
    timeWindow: 60_000,
  })
  app.addHook('onRequest', async (request, to) => {
    if (!isPagePath(around, request.url.split('?', 1)[0] ?? '/')) return
    const limit = await check(request)
    if (limit.isAllowed || !limit.isExceeded) return
    to.header('Retry-After', String(limit.ttlInSeconds))
    await sendProblem(app, around, to, { problem: 'tooManyRequests', status: 429 })
  })
}

/** Builds the server; the caller listens. Rejects when a certificate cannot be read or a proxy range is none. */
export const buildServer = async ({ config, around, readiness, log }: ServerParts): Promise<FastifyInstance> => {
  const secure = config.issuer.startsWith('https:')
  const app: FastifyInstance = Fastify({
    ...SERVER_LIMITS,
    serverFactory: await serverFactory(config),
    loggerInstance: log,
    logController: new LogController({ disableRequestLogging: true }),
    return503OnClosing: false,
    forceCloseConnections: 'idle',
    // An identifier of ours: one that a request brings could forge a line of the log.
    requestIdHeader: false,
    // For the limit below alone; the provider's door decides for itself, by the same list.
    trustProxy: [...config.trustedProxies],
    clientErrorHandler: refuseBrokenRequests(secure),
    // An address that the router cannot read is none of ours; its own words would name the router and repeat the address.
    frameworkErrors: (_error, _request, to) => {
      sendProblem(app, around, to, { problem: 'notFound', status: 404 })
    },
  })
  requireAccess(app, around.provider)
  addCommonHeaders(app, secure)
  app.server.maxConnections = MAX_CONNECTIONS
  logRequests(app)
  await limitPages(app, config, around)
  await app.register(vouchsafe, {
    provider: around.provider,
    trustProxy: config.trustedProxies,
    requireHttps: config.production && secure,
    ...(config.mtls === undefined ? {} : { clientCertificates: certificatesOf(config.mtls) }),
    onRefused: (refusal) => app.log.info({ refusal }, 'a request was refused'),
    render: {
      page: ({ page }) => pageOf(around, presentProblem(page, around.basePath)),
      logout: ({ page }) =>
        pageOf(around, presentLogout(page, around.basePath), { leadsAway: page.step === 'confirm' }),
      formPost: (reply, nonce) =>
        renderPage(presentFormPost(reply), { locale: 'en', nonce, brand: around.brand, basePath: around.basePath }),
    },
  })
  await addCertificateServer(app, config, around.provider)
  answerTheRest(app, around)
  addHealthRoutes(app, readiness)
  addAssetRoutes(app, around.basePath)
  await app.register(async (scope) => {
    readRawBodies(scope)
    addInteractionRoutes(scope, around)
    addOwnRoutes(scope, around)
    addDeviceRoutes(scope, around)
  })
  return app
}
