// Owns the answers to what is refused before any route sees it: what is no HTTP, and addresses that the router cannot read. Never repeats
// a word of the request, and never names what this server is made of.

import type { Socket } from 'node:net'
import { commonHeaders, NO_PAGE_POLICY } from '@vouchsafe/http/node'
import type { FastifyInstance } from 'fastify'

const STATUS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: '431 Request Header Fields Too Large',
  ERR_HTTP_REQUEST_TIMEOUT: '408 Request Timeout',
}

/** Answers on a bare socket what was no readable request, and closes it. */
export const refuseBrokenRequests =
  (secure: boolean) =>
  (error: NodeJS.ErrnoException, socket: Socket): void => {
    if (error.code === 'ECONNRESET' || socket.destroyed) return
    if (socket.writable) {
      const headers = [
        ...commonHeaders(secure),
        ['Content-Security-Policy', NO_PAGE_POLICY],
        ['Cache-Control', 'no-store'],
      ]
      const lines = headers.map(([name, value]) => `${name}: ${value}\r\n`).join('')
      const status = STATUS[error.code ?? ''] ?? '400 Bad Request'
      socket.write(`HTTP/1.1 ${status}\r\n${lines}Content-Length: 0\r\nConnection: close\r\n\r\n`)
    }
    socket.destroy(error)
  }

/** Puts the headers of every answer on those that no door wrote: static files, probes. */
export const addCommonHeaders = (app: FastifyInstance, secure: boolean): void => {
  const headers = [...commonHeaders(secure), ['Content-Security-Policy', NO_PAGE_POLICY] as const]
  app.addHook('onSend', async (_request, to) => {
    for (const [name, value] of headers) if (!to.hasHeader(name)) to.header(name, value)
  })
}
