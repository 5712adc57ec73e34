// Owns what a door refuses by itself, and the words for it. Never refuses anything that the core could judge.

import { jsonReply, pageReply, type Reply, type ReplyHeaders } from '@vouchsafe/core'
import type { RefusalReason } from './options.ts'

/** To whom an answer speaks: a person gets a page, a machine JSON. */
export type Audience = 'person' | 'machine'

interface Refusal {
  readonly status: number
  readonly detail: string
  readonly headers?: ReplyHeaders
}

const REFUSALS: Readonly<Record<RefusalReason, Refusal>> = {
  urlTooLong: { status: 414, detail: 'the request target is longer than 16 KiB' },
  bodyTooLarge: { status: 413, detail: 'the request body is larger than 64 KiB' },
  // RFC 7694 §3: the header says which codings would do. None is accepted, so no input can expand.
  bodyCompressed: {
    status: 415,
    detail: 'a compressed request body is not accepted',
    headers: new Map([['Accept-Encoding', 'identity']]),
  },
  bodyMultipart: { status: 415, detail: 'a multipart request body is not accepted' },
  bodyNotUtf8: { status: 400, detail: 'the request body is not valid UTF-8' },
  bodyIncomplete: { status: 400, detail: 'the request body ended early' },
  hostRepeated: { status: 400, detail: 'the request names more than one host' },
  hostOfOthers: { status: 421, detail: 'this server does not answer for that host' },
  foreignPost: { status: 403, detail: 'this form was sent from another site' },
  plainHttp: { status: 400, detail: 'this server is reached over https only' },
}

const LETTERS = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'

/** A short random code that a person can read out, in the form that the core's own have. */
export const newReference = (): string => {
  const code = Array.from(crypto.getRandomValues(new Uint8Array(8)), (byte) => LETTERS.charAt(byte % LETTERS.length))
  return `${code.slice(0, 4).join('')}-${code.slice(4).join('')}`
}

/** The answer to a refused request, with the reference that a page shows. */
export const refuse = (
  reason: RefusalReason,
  audience: Audience,
): { readonly reply: Reply; readonly reference: string | undefined } => {
  const { status, detail, headers } = REFUSALS[reason]
  if (audience === 'machine') {
    return {
      reply: jsonReply(status, { error: 'invalid_request', error_description: detail }, headers),
      reference: undefined,
    }
  }
  const reference = newReference()
  return {
    reply: pageReply(status, { problem: 'invalidRequest', reference, detail, client: undefined }, headers),
    reference,
  }
}
