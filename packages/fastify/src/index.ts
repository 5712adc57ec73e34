// Owns mounting a provider into Fastify: its routes, its own body parser, its answers. Never touches the parsers, hooks or error handler
// of the scopes around it.

import { ok, type Provider, type Reply, type Result, type WireRequest } from '@vouchsafe/core'
import {
  createNodeSteps,
  type DrawPrompt,
  forRoute,
  type NodeDoorOptions,
  type NodeSteps,
  type Outgoing,
  type OwnPage,
  type Purpose,
  purposeOf,
} from '@vouchsafe/http/node'
import type { FastifyError, FastifyInstance, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import { refusalOf } from './errors.ts'
import { rawBody, readRawBodies } from './raw-body.ts'

export type { DrawPrompt, Html, NodeDoorOptions, OwnPage, Render } from '@vouchsafe/http/node'
export { contentSecurityPolicy, escapeHtml } from '@vouchsafe/http/node'
export { readRawBodies } from './raw-body.ts'

/** Options of the plugin. */
export interface VouchsafeOptions extends Omit<NodeDoorOptions, 'mount'> {
  readonly provider: Provider
  /** Need not be given: the paths are those of the issuer's URLs. A prefix that is not the issuer's path is refused. */
  readonly prefix?: string
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Reads a request for a page of your own; an error is the reply to send. */
    wireRequest(request: FastifyRequest): Result<WireRequest, Reply>
    /** Sends a reply of the provider. */
    sendReply(reply: Reply, to: FastifyReply): FastifyReply
    /** Answers a visit to an interaction's page: draws the prompt that `interactions.resume` named, and sends any other reply as it is. */
    showReply(reply: Reply, draw: DrawPrompt, to: FastifyReply): FastifyReply
    /** Sends a page of your own, under the same headers as every other. */
    sendPage(page: OwnPage, to: FastifyReply): FastifyReply
  }
}

const send = (answer: Outgoing, to: FastifyReply): FastifyReply => {
  to.code(answer.status)
  // Fastify appends to Set-Cookie and replaces every other header.
  for (const [name, value] of answer.headers) to.header(name, value)
  return to.send(answer.body)
}

const wireRequestOf = (steps: NodeSteps, request: FastifyRequest, purpose: Purpose): Result<WireRequest, Reply> => {
  const head = steps.readHead(request.raw, purpose)
  return head.ok ? steps.withBody(head.value, rawBody(request) ?? ok(undefined), purpose) : head
}

/** A path as Fastify's router reads it literally, relative to the scope's prefix. Throws where it lies outside. */
const pathWithin = (scope: FastifyInstance, path: string): string => {
  if (!path.startsWith(`${scope.prefix}/`)) {
    throw new Error(
      `the route ${path} lies outside the prefix ${scope.prefix}: register vouchsafe at the root; its paths follow the issuer`,
    )
  }
  return path.slice(scope.prefix.length).replaceAll(':', '::')
}

const addRoutes = (scope: FastifyInstance, provider: Provider, steps: NodeSteps): void => {
  for (const route of provider.routes) {
    const purpose = purposeOf(route)
    const answer = async (request: FastifyRequest, to: FastifyReply): Promise<FastifyReply> => {
      const wire = wireRequestOf(steps, request, purpose)
      const reply = wire.ok ? await provider.respond(forRoute(wire.value, route)) : wire.error
      if (reply === undefined) throw new Error(`the provider does not answer for its own route ${route.path}`)
      return send(steps.answer(reply), to)
    }
    const path = pathWithin(scope, route.path)
    scope.all(path, answer)
    // A trailing slash is tolerated without a redirect.
    if (!path.endsWith('/')) scope.all(`${path}/`, answer)
  }
}

const refuseOwnPrefix = (issuer: string, prefix: string | undefined): void => {
  const base = new URL(issuer).pathname.replace(/\/$/, '')
  if (prefix !== undefined && prefix !== base) {
    throw new Error(`the prefix of vouchsafe is the path of its issuer, ${JSON.stringify(base)}, not ${prefix}`)
  }
}

const plugin: FastifyPluginAsync<VouchsafeOptions> = async (app, { provider, prefix, ...options }) => {
  refuseOwnPrefix(provider.issuer, prefix)
  const steps = createNodeSteps(provider, options)
  app.decorate('wireRequest', (request: FastifyRequest) => wireRequestOf(steps, request, 'ownPage'))
  app.decorate('sendReply', (reply: Reply, to: FastifyReply) => send(steps.answer(reply), to))
  app.decorate('showReply', (reply: Reply, draw: DrawPrompt, to: FastifyReply) => send(steps.visit(reply, draw), to))
  app.decorate('sendPage', (page: OwnPage, to: FastifyReply) => send(steps.page(page), to))
  await app.register(async (scope) => {
    readRawBodies(scope)
    scope.setErrorHandler((error: FastifyError, request, to) => {
      const { reply, isFault } = refusalOf(error)
      if (isFault) request.log.error({ err: error }, 'vouchsafe')
      return send(steps.answer(reply), to)
    })
    addRoutes(scope, provider, steps)
  })
}

/**
 * Fastify 5 plugin that serves a provider: `await app.register(vouchsafe, { provider })`. Its routes stand at the paths of the issuer's
 * URLs, whatever else the app serves; the decorators are for your interaction pages. Registration rejects for a proxy range that is none
 * and for a prefix that the issuer's paths do not begin with.
 */
export const vouchsafe: FastifyPluginAsync<VouchsafeOptions> = Object.assign(plugin, {
  // The decorators belong to the app that registers, so the plugin opens no scope of its own around them.
  [Symbol.for('skip-override')]: true,
  [Symbol.for('fastify.display-name')]: '@vouchsafe/fastify',
  [Symbol.for('plugin-meta')]: { name: '@vouchsafe/fastify', fastify: '5.x' },
})
