// Owns handing bodies to the doors as they came. Never parses one, and never lets a framework's parser see it.

import type { IncomingMessage } from 'node:http'
import { type BodyText, readNodeBody } from '@vouchsafe/http/node'
import type { FastifyInstance, FastifyRequest } from 'fastify'

const bodies = new WeakMap<IncomingMessage, BodyText>()

const headersOf = (request: IncomingMessage): ReadonlyMap<string, readonly string[]> => {
  const headers = new Map<string, string[]>()
  for (const [name, value] of Object.entries(request.headersDistinct)) if (value !== undefined) headers.set(name, value)
  return headers
}

/**
 * Makes a scope read every body as raw text under the limits of the doors, whatever its type; parsers that it inherited are put aside. A
 * handler finds the text in `request.body`; what was refused is answered by `wireRequest`. Use it in the scope of your interaction pages.
 */
export const readRawBodies = (scope: FastifyInstance): void => {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('*', async (_request: FastifyRequest, payload: IncomingMessage) => {
    const body = await readNodeBody(payload, headersOf(payload))
    bodies.set(payload, body)
    return body.ok ? body.value : undefined
  })
}

/** The body that was read for a request; undefined when there was none to read. */
export const rawBody = (request: FastifyRequest): BodyText | undefined => bodies.get(request.raw)
