// Owns one HTTP request and its answer over a connection that stands (RFC 9112). Never follows anywhere and never keeps a connection.

import { type IncomingMessage, request as startRequest } from 'node:http'
import type { Socket } from 'node:net'
import { headersFor, promisesText, textOf } from './guard.ts'
import type { Target } from './target.ts'
import { type FetchOutcome, type FetchRequest, refused } from './types.ts'

// Generous for any server, and all that is kept of one that never ends.
const MAX_HEADER_BYTES = 16_384

const isOverflow = (error: Error): boolean => 'code' in error && error.code === 'HPE_HEADER_OVERFLOW'

const headersOf = (answer: IncomingMessage): ReadonlyMap<string, string> =>
  new Map(
    Object.entries(answer.headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, Array.isArray(value) ? value.join(', ') : value] as const],
    ),
  )

/** What the status line and the headers already decide; undefined to read on. */
const refuseByHead = (
  status: number,
  headers: ReadonlyMap<string, string>,
  maxBytes: number,
): FetchOutcome | undefined => {
  // Wherever it leads was not judged.
  if (status >= 300 && status < 400) return refused('redirected')
  if (!promisesText(headers)) return refused('notText')
  return Number(headers.get('content-length') ?? 0) > maxBytes ? refused('tooLarge') : undefined
}

const readAnswer = (answer: IncomingMessage, maxBytes: number, settle: (outcome: FetchOutcome) => void): void => {
  const status = answer.statusCode ?? 0
  const headers = headersOf(answer)
  const early = refuseByHead(status, headers, maxBytes)
  if (early !== undefined) {
    settle(early)
    return
  }
  const chunks: Uint8Array[] = []
  let length = 0
  answer.on('data', (chunk: Uint8Array) => {
    length += chunk.length
    if (length > maxBytes) settle(refused('tooLarge'))
    else chunks.push(chunk)
  })
  answer.once('end', () => {
    const body = textOf(chunks)
    settle(body === undefined ? refused('notText') : { outcome: 'answered', status, headers, body })
  })
  // Closed before its end: what came is part of an answer, which could mean anything.
  answer.once('close', () => settle(refused('unreachable')))
  answer.on('error', () => settle(refused('unreachable')))
}

/** Sends a request over a connection and reads the answer; closes the connection in any case. */
export const exchange = (
  socket: Socket,
  target: Target,
  request: FetchRequest,
  signal: AbortSignal,
): Promise<FetchOutcome> =>
  new Promise((resolve) => {
    const settle = (outcome: FetchOutcome): void => {
      resolve(outcome)
      socket.destroy()
    }
    signal.addEventListener('abort', () => settle(refused('timedOut')), { once: true })
    const body = request.body === undefined ? undefined : Buffer.from(request.body, 'utf8')
    const headers = new Map(headersFor(request))
    headers.set('host', target.authority)
    headers.set('connection', 'close')
    if (body !== undefined) headers.set('content-length', String(body.length))
    const sent = startRequest({
      createConnection: () => socket,
      method: request.method,
      path: target.path,
      headers: Object.fromEntries(headers),
      setHost: false,
      maxHeaderSize: MAX_HEADER_BYTES,
      insecureHTTPParser: false,
    })
    sent.once('response', (answer) => readAnswer(answer, request.maxBytes, settle))
    sent.on('error', (error) => settle(refused(isOverflow(error) ? 'tooLarge' : 'unreachable')))
    // Another protocol was switched to, or the connection ended without an answer.
    sent.once('close', () => settle(refused('unreachable')))
    sent.end(body)
  })
