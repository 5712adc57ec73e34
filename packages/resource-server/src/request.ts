// Owns a request as plain data, and how it is made of what frameworks have. Never reads a body.

/** Headers by name: an object whose values are a string or several, or anything with the `get` of a web `Headers`. */
export type RequestHeaders =
  | Readonly<Record<string, string | readonly string[] | undefined>>
  | { readonly get: (name: string) => string | null }

/** As much of a request as is looked at. A web `Request` is one as it stands. */
export interface ApiRequest {
  readonly method: string
  /** The target as the client wrote it: its path and query count, a host in it does not. */
  readonly url: string
  readonly headers: RequestHeaders
  /** The certificate that the client showed in TLS, in DER: from the socket, or from a proxy that is known to set it (RFC 8705 §3). */
  readonly clientCertificate?: Uint8Array | undefined
  /** The body of a form, only where `bodyToken` is on. */
  readonly formBody?: string | undefined
}

/** A request of `node:http`, `node:http2` or of a framework that stands on it, in the parts that are read. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** Express keeps the whole target here when a router was mounted on a path. */
  readonly originalUrl?: string | undefined
  /** Names and values in turn. Unlike `headers` it keeps a repeated Authorization header, which is then refused. */
  readonly rawHeaders: readonly string[]
  readonly socket: object
}

const peerCertificate = (socket: object): Uint8Array | undefined => {
  if (!('getPeerX509Certificate' in socket) || typeof socket.getPeerX509Certificate !== 'function') return undefined
  const certificate: unknown = socket.getPeerX509Certificate()
  if (typeof certificate !== 'object' || certificate === null || !('raw' in certificate)) return undefined
  return certificate.raw instanceof Uint8Array ? certificate.raw : undefined
}

const grouped = (rawHeaders: readonly string[]): Readonly<Record<string, readonly string[]>> => {
  const values = new Map<string, string[]>()
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = (rawHeaders[i] ?? '').toLowerCase()
    values.set(name, [...(values.get(name) ?? []), rawHeaders[i + 1] ?? ''])
  }
  return Object.fromEntries(values)
}

/** A request of `node:http` or `node:http2` as plain data, with the certificate that the client showed to this very process, if it showed one. */
export const fromNodeRequest = (request: NodeRequest): ApiRequest => ({
  method: request.method ?? '',
  url: request.originalUrl ?? request.url ?? '',
  headers: grouped(request.rawHeaders),
  clientCertificate: peerCertificate(request.socket),
})

const isGetter = (headers: RequestHeaders): headers is { readonly get: (name: string) => string | null } =>
  typeof headers.get === 'function'

/** Every value of a header, whatever the case of its name. A web `Headers` has joined repeated ones by commas, which no credential holds. */
export const headerValues = (headers: RequestHeaders, name: string): readonly string[] => {
  if (isGetter(headers)) {
    const value = headers.get(name)
    return value === null ? [] : [value]
  }
  return Object.entries(headers).flatMap(([one, value]) =>
    one.toLowerCase() !== name || value === undefined ? [] : typeof value === 'string' ? [value] : value,
  )
}

/** The target of a request at the API's own origin; undefined when it has none. */
export const targetOf = (url: string, origin: string): URL | undefined => {
  // Put together as text: resolved as a reference, `//elsewhere/path` would leave the origin.
  const text = url.startsWith('/') ? origin + url : url
  if (!URL.canParse(text)) return undefined
  const target = new URL(text)
  return URL.canParse(origin + target.pathname + target.search)
    ? new URL(origin + target.pathname + target.search)
    : undefined
}
