// Owns reading a body from a Node stream. Never keeps more than the limit, whatever the sender announces or does.

import type { IncomingMessage } from 'node:http'
import { err } from '@vouchsafe/core'
import { type BodyText, bodyText } from './body.ts'
import { refusedBody } from './incoming.ts'
import { BODY_LIMIT } from './limits.ts'

// A sender that is still writing does not read: what it sends is thrown away up to here, so that it can see the answer.
const DISCARD_LIMIT = 1_048_576

const discard = (request: IncomingMessage): void => {
  let discarded = 0
  request.on('data', (chunk: Buffer) => {
    discarded += chunk.length
    if (discarded > DISCARD_LIMIT) request.destroy()
  })
  request.on('error', () => undefined)
  request.resume()
}

const collect = (request: IncomingMessage): Promise<BodyText> =>
  new Promise((resolve) => {
    const chunks: Uint8Array[] = []
    let length = 0
    const settle = (outcome: BodyText): void => {
      request.off('data', take).off('end', end).off('close', gone).off('error', gone)
      resolve(outcome)
    }
    const take = (chunk: Buffer): void => {
      length += chunk.length
      if (length <= BODY_LIMIT) chunks.push(chunk)
      else {
        settle(err('bodyTooLarge'))
        discard(request)
      }
    }
    const end = (): void => settle(bodyText(chunks))
    const gone = (): void => settle(err('bodyIncomplete'))
    request.on('data', take).on('end', end).on('close', gone).on('error', gone)
  })

/** Reads the body of a request as text: at most 64 KiB, uncompressed, not multipart, strict UTF-8. Rejects only when something else has read it before. */
export const readNodeBody = async (
  request: IncomingMessage,
  headers: ReadonlyMap<string, readonly string[]>,
): Promise<BodyText> => {
  const announced = Number(headers.get('content-length')?.at(0) ?? 0)
  const refused = refusedBody(headers) ?? (announced > BODY_LIMIT ? 'bodyTooLarge' : undefined)
  if (request.readableEnded) {
    throw new TypeError('the body of this request was already read: put the door before whatever parses bodies')
  }
  if (request.destroyed) return err('bodyIncomplete')
  if (refused === undefined) return collect(request)
  discard(request)
  return err(refused)
}
