// Owns what a load balancer asks: alive, and ready. Never tells more than yes or no, and why in one word.

import type { FastifyInstance } from 'fastify'

/** What readiness depends on. */
export interface Readiness {
  /** The word for what is missing; undefined when this node may be sent requests. */
  readonly missing: () => Promise<'draining' | 'clock' | 'database' | undefined>
}

/** Adds `/healthz` (the process answers) and `/readyz` (it may be sent requests), at the root whatever the issuer's path. */
export const addHealthRoutes = (app: FastifyInstance, readiness: Readiness): void => {
  const config = { access: 'anyone' } as const
  app.get('/healthz', { config }, (_request, to) => to.header('Cache-Control', 'no-store').send({ status: 'alive' }))
  app.get('/readyz', { config }, async (_request, to) => {
    const missing = await readiness.missing()
    to.header('Cache-Control', 'no-store')
    return missing === undefined ? to.send({ status: 'ready' }) : to.code(503).send({ status: 'not ready', missing })
  })
}
