// Owns serving the static files of the pages. Never touches the disk while a request waits, and never serves a name that it does not know.

import type { FastifyInstance } from 'fastify'
import { assets } from '../views/render.ts'

/** Adds a route for each file; the name changes with the content, so a browser may keep it for a year. */
export const addAssetRoutes = (app: FastifyInstance, basePath: string): void => {
  for (const asset of assets) {
    app.get(`${basePath}${asset.path}`, { config: { access: 'anyone' } }, (request, to) => {
      to.header('Cache-Control', 'public, max-age=31536000, immutable')
      to.header('ETag', asset.etag)
      if (request.headers['if-none-match'] === asset.etag) return to.code(304).send()
      return to.type(asset.contentType).send(asset.body)
    })
  }
}
