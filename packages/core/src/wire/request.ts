// Owns the neutral HTTP request that every door builds. Never knows a framework, and never reads a body's meaning.

import type { ClientCertificate } from './client-certificate.ts'

/** An HTTP request as plain data. */
export interface WireRequest {
  /** Upper-case method. */
  readonly method: string
  /** Path as received, without query. */
  readonly path: string
  /** Raw query string without the question mark; empty when there is none. */
  readonly query: string
  /** Every value of every header by lower-case name, in order of arrival. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** The whole body, decoded as strict UTF-8 by the door; undefined when there is none. */
  readonly body: string | undefined
  /** Address of the peer, or of the client that a trusted proxy names; decided by the door alone. */
  readonly remoteAddress: string
  /** What the client proved by its TLS handshake; decided by the door alone, never by a header that anybody can send. */
  readonly clientCertificate?: ClientCertificate | undefined
}

/** The value of a header that occurs exactly once, undefined when it is absent or repeated. */
export const singleHeader = (request: WireRequest, name: string): string | undefined => {
  const values = request.headers.get(name)
  return values?.length === 1 ? values[0] : undefined
}

/** How often a header occurs. */
export const headerCount = (request: WireRequest, name: string): number => request.headers.get(name)?.length ?? 0
