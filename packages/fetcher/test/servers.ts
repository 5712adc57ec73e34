// Owns real servers on loopback for the tests, well-behaved and not. Never answers for longer than its test.

import { createServer as createPlain, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createSecure } from 'node:https'
import { createServer as createRaw, type Server, type Socket } from 'node:net'
import type { makeCertificate } from './certificate.ts'

/** What tests need of a tap test to clean up after themselves. */
export interface Ending {
  teardown(run: () => unknown): unknown
}

/** A server that is listening. */
export interface Listening {
  readonly port: number
  readonly requests: readonly IncomingMessage[]
  /** Connections ever made. */
  readonly connections: () => number
  /** Connections that are open now. */
  readonly open: () => number
}

const listen = async (
  t: Ending,
  server: Server,
  place: { host: string; port: number },
): Promise<() => readonly [number, number]> => {
  const sockets = new Set<Socket>()
  let made = 0
  server.on('connection', (socket) => {
    made += 1
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
    socket.on('error', () => undefined)
  })
  server.on('tlsClientError', () => undefined)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(place.port, place.host, resolve)
  })
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    return new Promise((resolve) => server.close(resolve))
  })
  return () => [made, sockets.size]
}

const portOf = (server: Server): number => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('not listening')
  return address.port
}

/** Serves http, or https with a certificate, on a loopback address. */
export const serve = async (
  t: Ending,
  answer: RequestListener,
  options: {
    readonly certificate?: ReturnType<typeof makeCertificate>
    readonly host?: string
    readonly port?: number
  } = {},
): Promise<Listening> => {
  const requests: IncomingMessage[] = []
  const record: RequestListener = (request, response) => {
    requests.push(request)
    answer(request, response)
  }
  const server = options.certificate === undefined ? createPlain(record) : createSecure(options.certificate, record)
  const counts = await listen(t, server, { host: options.host ?? '127.0.0.1', port: options.port ?? 0 })
  return { port: portOf(server), requests, connections: () => counts()[0], open: () => counts()[1] }
}

/** Serves whatever bytes it likes to each connection. */
export const serveRaw = async (t: Ending, speak: (socket: Socket) => void): Promise<Listening> => {
  const server = createRaw((socket) => {
    // Read and dropped, so that the end of the other side is noticed.
    socket.resume()
    speak(socket)
  })
  const counts = await listen(t, server, { host: '127.0.0.1', port: 0 })
  return { port: portOf(server), requests: [], connections: () => counts()[0], open: () => counts()[1] }
}

/** Waits until something holds, for as long as the test may run. */
export const until = async (holds: () => boolean): Promise<void> => {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5))
}
