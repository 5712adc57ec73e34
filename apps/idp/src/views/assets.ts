// Owns the static files that pages refer to: read once at start, named by their content, so that they may be cached
// for ever. Never reads a file while a request waits.

import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'

/** A static file: where it is served (below the base path), as what, and its bytes. */
export interface Asset {
  /** Path below the base path; it changes whenever the content does. */
  readonly path: string
  readonly contentType: string
  readonly body: Buffer
  /** A strong entity tag, quotes included (RFC 9110 §8.8.3). */
  readonly etag: string
}

/** The folder of templates and static files, the same seen from the sources and from the build. */
export const VIEWS_FOLDER: URL = new URL('../../views/', import.meta.url)

const load = (name: string, extension: string, contentType: string): Asset => {
  const body = readFileSync(new URL(`${name}.${extension}`, VIEWS_FOLDER))
  const digest = createHash('sha256').update(body).digest('base64url').slice(0, 16)
  return { path: `/assets/${name}.${digest}.${extension}`, contentType, body, etag: `"${digest}"` }
}

/** The one stylesheet. */
export const stylesheet: Asset = load('style', 'css', 'text/css; charset=utf-8')

/** The mark in the browser's tab. */
export const icon: Asset = load('icon', 'svg', 'image/svg+xml')

/** Everything that must be served for the pages to look right. */
export const assets: readonly Asset[] = [stylesheet, icon]
