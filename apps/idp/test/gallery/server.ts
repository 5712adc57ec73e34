// Owns a small loopback server that shows every sample page under the policy that the identity provider uses.
// Never part of what is shipped.

import { createServer, type Server, type ServerResponse } from 'node:http'
import { assets, renderPage } from '#src/views/render.js'
import { context, type Sample, samples } from '../views/samples.ts'

/** A gallery that listens. */
export interface Gallery {
  readonly origin: string
  readonly close: () => Promise<void>
}

const POLICY = [
  "default-src 'none'",
  "style-src 'self'",
  "img-src 'self' https:",
  "form-action 'self'",
  "base-uri 'none'",
  "frame-ancestors 'none'",
].join('; ')

const respond = (reply: ServerResponse, status: number, contentType: string, body: string | Buffer): void => {
  reply.writeHead(status, {
    'content-type': contentType,
    'content-security-policy': POLICY,
    'referrer-policy': 'same-origin',
    'x-content-type-options': 'nosniff',
  })
  reply.end(body)
}

const listen = (server: Server): Promise<string> =>
  new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the gallery has no port'))
      else resolve(`http://127.0.0.1:${address.port}`)
    })
  })

/** Opens the gallery on a free loopback port; each sample is at /<name>. */
export const openGallery = async (shown: readonly Sample[] = samples): Promise<Gallery> => {
  const server = createServer((request, reply) => {
    const path = request.url ?? '/'
    const asset = assets.find((candidate) => candidate.path === path)
    if (asset !== undefined) return respond(reply, 200, asset.contentType, asset.body)
    const sample = shown.find((candidate) => `/${candidate.name}` === path)
    if (sample === undefined) return respond(reply, 404, 'text/plain', 'no such sample')
    respond(reply, 200, 'text/html; charset=utf-8', renderPage(sample.page, context))
  })
  const origin = await listen(server)
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
  return { origin, close }
}
