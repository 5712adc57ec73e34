// Owns the one line that a request leaves in the log: method, route, status, time. Never a query, a header, a body or an identifier
// from a path: what carries credentials cannot get in, rather than being filtered out.

import type { FastifyInstance } from 'fastify'

/** Logs each answer by the pattern of its route. */
export const logRequests = (app: FastifyInstance): void => {
  app.addHook('onResponse', async (request, to) => {
    const route = request.routeOptions.url ?? 'none'
    const level = to.statusCode >= 500 ? 'error' : 'info'
    const line = { method: request.method, route, status: to.statusCode, ms: Math.round(to.elapsedTime) }
    request.log[level](line, 'request')
  })
}
