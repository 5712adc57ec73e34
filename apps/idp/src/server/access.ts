// Owns the rule that no route is served unless it says who may use it. Never checks a request itself: each kind of access is enforced
// where its routes are made, and this makes sure that none is made without.

import type { Provider, Route } from '@vouchsafe/core'
import type { FastifyInstance } from 'fastify'

/**
 * Who may use a route of ours. `anyone`: it shows nothing that is not public. `thisBrowser`: it shows only what belongs to the browser that
 * asks. `ownForm`: it changes something, and takes nothing but a form of this server with the token of this browser. `setUpLink`: it
 * needs the link of the first start.
 */
export type OwnAccess = 'anyone' | 'thisBrowser' | 'ownForm' | 'setUpLink'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may use the route; one of the provider's says so by itself. */
    readonly access?: OwnAccess
  }
}

const trimmed = (path: string): string => path.replaceAll('::', ':').replace(/(?<=.)\/$/, '')

/** Refuses, from here on, every route that declares no access (at registration, so that the server does not start). */
export const requireAccess = (app: FastifyInstance, provider: Pick<Provider, 'routes'>): void => {
  const declared = new Map<string, Route['access']>(provider.routes.map(({ path, access }) => [path, access]))
  app.addHook('onRoute', ({ method, url, config }) => {
    if (config?.access === undefined && !declared.has(trimmed(url))) {
      throw new Error(`the route ${String(method)} ${url} does not say who may use it`)
    }
  })
}
