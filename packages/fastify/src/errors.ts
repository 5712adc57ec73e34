// Owns the answer where Fastify itself refuses a request of ours. Never tells the outside more than that.

import { jsonReply, type Reply } from '@vouchsafe/core'
import type { FastifyError } from 'fastify'

/** The reply to an error of Fastify or of a hook: its own status for a malformed request, 500 without a word for anything else. */
export const refusalOf = (error: Partial<FastifyError>): { readonly reply: Reply; readonly isFault: boolean } => {
  const status = error.statusCode ?? 500
  if (status >= 400 && status < 500) {
    const body = { error: 'invalid_request', error_description: 'the request is malformed' }
    return { reply: jsonReply(status, body), isFault: false }
  }
  return { reply: jsonReply(500, { error: 'server_error' }), isFault: true }
}
