// Owns whom to believe about a client's certificate, and reading one (RFC 8705 §2, RFC 9440 §2). Never believes a header that a listed
// proxy did not send, nor takes a proxy's own certificate for its client's.

import { X509Certificate } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { type ClientCertificate, digest, isJsonObject, parseJson } from '@vouchsafe/core'

/** Where certificates of clients come from; each is off unless it is named. */
export interface ClientCertificates {
  /**
   * Takes the one of the connection, on a server that asks for it (`requestCert`). Its `ca` must name the authorities for clients alone: Node's
   * own list of public authorities would vouch for anybody.
   */
  readonly tls?: boolean
  /**
   * Takes the `Client-Cert` header (RFC 9440 §2.2) of the proxies in `trustProxy`, which must set it or take it away on every request.
   * `verified` where they let through only what an authority for clients signed, `unverified` where they let through any.
   */
  readonly proxyHeader?: 'verified' | 'unverified'
}

/** The certificate of a request; undefined when there is none to believe. */
export type FindCertificate = (request: IncomingMessage, fromProxy: boolean) => ClientCertificate | undefined

// A chain of certificates is no certificate; a real one has a few KiB.
const MAX_HEADER = 16_384

/** One Byte Sequence, with parameters that mean nothing here (RFC 8941 §3.3.5, RFC 9440 §2.1). */
const SF_BINARY = /^ *:([A-Za-z0-9+/]*={0,2}):(?: *; *[a-z*][a-z0-9_.*-]*(?:=[^;,]*)?)* *$/

const parseDer = (der: Buffer): X509Certificate | undefined => {
  try {
    const certificate = new X509Certificate(der)
    // What follows a certificate, or one in another form, would have another thumbprint than the certificate that was proved.
    return certificate.raw.equals(der) ? certificate : undefined
  } catch {
    return undefined
  }
}

/** Reads the value of a `Client-Cert` header; undefined unless it is exactly one certificate (RFC 9440 §2.2). */
export const parseClientCertHeader = (values: readonly string[]): X509Certificate | undefined => {
  const [value, ...more] = values
  if (value === undefined || more.length > 0 || value.length > MAX_HEADER) return undefined
  const encoded = SF_BINARY.exec(value)?.[1]
  return encoded === undefined || encoded === '' ? undefined : parseDer(Buffer.from(encoded, 'base64'))
}

// Node writes one part of a name per line, the first in the certificate first, and escapes as RFC 4514 §2.4 does.
const distinguishedName = (subject: string | undefined): string =>
  (subject ?? '')
    .split('\n')
    .filter((part) => part !== '')
    .toReversed()
    .join(',')

type NameList = { readonly kind: string; readonly value: string }[]

/** Node joins alternative names by commas and writes those as JSON that could be mistaken for more than one. */
const alternativeNames = (text: string | undefined): NameList => {
  const names: NameList = []
  const item = /([^:,]+):("(?:[^"\\]|\\.)*"|[^,]*)(?:, |$)/y
  for (let found = item.exec(text ?? ''); found !== null; found = item.exec(text ?? '')) {
    const [, kind = '', value = ''] = found
    names.push({ kind, value: value.startsWith('"') ? String(parseJson(value, MAX_HEADER)) : value })
    if (item.lastIndex >= (text ?? '').length) break
  }
  return names
}

const publicJwkOf = (certificate: X509Certificate): ClientCertificate['publicJwk'] => {
  try {
    const jwk = parseJson(JSON.stringify(certificate.publicKey.export({ format: 'jwk' })), MAX_HEADER)
    return isJsonObject(jwk) ? jwk : undefined
  } catch {
    // A key that has no form as a JWK cannot have been registered as one.
    return undefined
  }
}

/** A certificate as the core reads it. */
export const describeCertificate = (certificate: X509Certificate, chainVerified: boolean): ClientCertificate => {
  const names = alternativeNames(certificate.subjectAltName)
  const of = (kind: string): readonly string[] => names.filter((name) => name.kind === kind).map(({ value }) => value)
  return {
    thumbprint: digest(Buffer.from(certificate.fingerprint256.replaceAll(':', ''), 'hex').toString('base64url')),
    chainVerified,
    subject: distinguishedName(certificate.subject),
    sanDns: of('DNS'),
    sanUri: of('URI'),
    sanIp: of('IP Address'),
    sanEmail: of('email'),
    publicJwk: publicJwkOf(certificate),
  }
}

type Socket = IncomingMessage['socket']

const ofSocket = (socket: Socket): ClientCertificate | undefined => {
  if (!('getPeerX509Certificate' in socket) || typeof socket.getPeerX509Certificate !== 'function') return undefined
  const certificate: unknown = socket.getPeerX509Certificate()
  if (!(certificate instanceof X509Certificate)) return undefined
  return describeCertificate(certificate, 'authorized' in socket && socket.authorized === true)
}

const headerValues = ({ rawHeaders }: IncomingMessage, name: string): readonly string[] =>
  rawHeaders.flatMap((header, i) => (i % 2 === 0 && header.toLowerCase() === name ? [rawHeaders[i + 1] ?? ''] : []))

/** Finds certificates as the options say. */
export const certificateFinder = (options: ClientCertificates = {}): FindCertificate => {
  // A connection has one certificate for all its requests; reading it is dear.
  const known = new WeakMap<Socket, { readonly certificate: ClientCertificate | undefined }>()
  return (request, fromProxy) => {
    if (fromProxy) {
      if (options.proxyHeader === undefined) return undefined
      const certificate = parseClientCertHeader(headerValues(request, 'client-cert'))
      return certificate && describeCertificate(certificate, options.proxyHeader === 'verified')
    }
    if (options.tls !== true) return undefined
    const { socket } = request
    const found = known.get(socket) ?? { certificate: ofSocket(socket) }
    known.set(socket, found)
    return found.certificate
  }
}
