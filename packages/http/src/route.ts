// Owns finding the route of a path. Never matches a prefix or a pattern: a path is a route's or it is not ours.

import type { Provider, Route } from '@vouchsafe/core'
import type { Mount } from './options.ts'

/** Finds the route of a path as received; undefined when the provider has none there. */
export type FindRoute = (path: string) => Route | undefined

const trimmed = (prefix: string | undefined): string => {
  const text = prefix?.replace(/\/+$/, '') ?? ''
  if (text !== '' && !text.startsWith('/')) throw new TypeError(`mount prefix must start with a slash: ${prefix}`)
  return text
}

/** Compares paths exactly, but for the mount and for one trailing slash, which is tolerated without a redirect. */
export const routeFinder = (provider: Pick<Provider, 'routes'>, mount: Mount | undefined): FindRoute => {
  const strip = trimmed(mount?.strip)
  const add = trimmed(mount?.add)
  const byPath = new Map(provider.routes.map((route) => [route.path, route]))
  return (received) => {
    if (!received.startsWith(`${strip}/`)) return undefined
    const path = add + received.slice(strip.length)
    return byPath.get(path) ?? (path.endsWith('/') ? byPath.get(path.slice(0, -1)) : undefined)
  }
}
