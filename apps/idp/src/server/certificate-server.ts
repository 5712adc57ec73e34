// Owns the second port, which asks clients for a certificate (RFC 8705 §5). Never serves a page: a browser would ask its person for one.

import { readFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:https'
import type { Provider } from '@vouchsafe/core'
import type { ClientCertificates } from '@vouchsafe/http/node'
import type { FastifyInstance } from 'fastify'
import type { Config, MtlsConfig } from '../config/index.ts'
import { MAX_CONNECTIONS, SOCKET_LIMITS } from './limits.ts'
import { refuseBrokenRequests } from './refusals.ts'

declare module 'fastify' {
  interface FastifyInstance {
    /** Opens the second port, where there is one; rejects when it cannot. Closing the app closes it. */
    listenForCertificates(): Promise<void>
  }
}

/** Whom the door believes about certificates. */
export const certificatesOf = ({ port, proxyHeader }: MtlsConfig): ClientCertificates => ({
  tls: port !== undefined,
  ...(proxyHeader === undefined ? {} : { proxyHeader }),
})

const listening = (server: Server, port: number, host: string): Promise<void> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ port, host }, () => {
      server.off('error', reject)
      resolve()
    })
  })

/** Adds the second server to an app; it serves the endpoints of clients and tokens, and nothing else. */
export const addCertificateServer = async (
  app: FastifyInstance,
  config: Config,
  provider: Pick<Provider, 'routes'>,
): Promise<void> => {
  const { tls, mtls } = config
  if (tls === undefined || mtls?.port === undefined) {
    app.decorate('listenForCertificates', async () => undefined)
    return
  }
  const { port, clientCaFile } = mtls
  const [cert, key] = await Promise.all([readFile(tls.certFile), readFile(tls.keyFile)])
  // Always a list: without one, every public authority could vouch for a client.
  const ca = clientCaFile === undefined ? [] : [await readFile(clientCaFile)]
  const served = new Set(
    provider.routes.filter(({ access }) => access === 'client' || access === 'bearer').map(({ path }) => path),
  )
  // Whoever has no certificate, or one of his own, is judged by what he is registered for, not by the handshake.
  const asking = { requestCert: true, rejectUnauthorized: false, ca }
  const server = createServer(
    { ...SOCKET_LIMITS, cert, key, minVersion: tls.minVersion, ...asking },
    (request, response) => {
      const path = (request.url ?? '/').split('?', 1)[0] ?? '/'
      if (served.has(path)) app.routing(request, response)
      else response.writeHead(404, { 'Cache-Control': 'no-store', 'Content-Length': '0' }).end()
    },
  )
  server.on('clientError', refuseBrokenRequests(true))
  server.maxConnections = MAX_CONNECTIONS
  app.decorate('listenForCertificates', () => listening(server, port, config.host))
  app.addHook('onClose', async () => {
    if (!server.listening) return
    const closed = new Promise((resolve) => server.close(resolve))
    server.closeIdleConnections()
    await closed
  })
}
