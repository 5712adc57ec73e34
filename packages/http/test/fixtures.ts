// Owns what the tests of the doors share: a provider that answers what it is told, servers on loopback, raw sockets. Asserts nothing.

import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import type { Reply, VerifiedRedirectUri, WireRequest } from '@vouchsafe/core'
import type { Served } from '#src/node.js'

/** A provider of two routes, one for people and one for machines, that remembers what it was asked. */
export interface Told extends Served {
  readonly asked: WireRequest[]
  next: Reply
}

/** What a client is answered by default. */
export const JSON_REPLY: Reply = {
  kind: 'json',
  status: 200,
  contentType: 'application/json',
  body: '{"a":1}',
  headers: new Map([['Cache-Control', 'no-store']]),
}

/** A provider value as data: no composition, no stores. */
export const told = (issuer: string): Told => {
  const base = new URL(issuer).pathname.replace(/\/$/, '')
  const asked: WireRequest[] = []
  const provider: Told = {
    issuer,
    routes: [
      { name: 'authorize', path: `${base}/authorize`, methods: ['GET', 'POST'], access: 'browser', crossOrigin: false },
      { name: 'token', path: `${base}/token`, methods: ['POST'], access: 'client', crossOrigin: true },
    ],
    asked,
    next: JSON_REPLY,
    respond: async (request) => {
      asked.push(request)
      return provider.next
    },
  }
  return provider
}

/** Names a redirect URI as one that the core verified. */
export const verified = (uri: string): VerifiedRedirectUri => uri as VerifiedRedirectUri

/** A server on a free port of loopback. */
export interface Listening {
  readonly server: Server
  readonly port: number
  readonly origin: string
  close(): Promise<void>
}

/** Listens on 127.0.0.1; the issuer can only be known afterwards, so the listener is made from the origin. */
export const listen = async (
  make: (origin: string) => RequestListener,
  options: { readonly maxHeaderSize?: number } = {},
): Promise<Listening> => {
  const server = createServer(options)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `http://127.0.0.1:${port}`
  server.on('request', make(origin))
  return {
    server,
    port,
    origin,
    close: () =>
      new Promise((resolve, reject) => {
        server.closeAllConnections()
        server.close((error) => (error === undefined ? resolve() : reject(error)))
      }),
  }
}

/** A raw answer. */
export interface RawAnswer {
  readonly status: number
  readonly head: string
  readonly body: string
}

/** Sends bytes as they are and reads until one whole answer is there, the socket closes or two seconds pass. */
export const raw = (port: number, ...parts: readonly (string | Uint8Array)[]): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const settle = (): void => {
      clearTimeout(timer)
      socket.destroy()
      const [head = '', ...rest] = text.split('\r\n\r\n')
      resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(head)?.[1] ?? 0), head, body: rest.join('\r\n\r\n') })
    }
    const timer = setTimeout(settle, 2000)
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      const [head = '', ...rest] = text.split('\r\n\r\n')
      const length = /^content-length: (\d+)/im.exec(head)?.[1]
      if (length !== undefined && rest.join('\r\n\r\n').length >= Number(length)) settle()
    })
    socket.on('close', settle)
    socket.on('error', () => undefined)
    for (const part of parts) socket.write(part)
  })

/** The value of a header of a raw answer. */
export const headerOf = (answer: RawAnswer, name: string): string | undefined =>
  new RegExp(`^${name}: (.*)$`, 'im').exec(answer.head)?.[1]?.trim()
