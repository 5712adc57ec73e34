// Owns which other origins may read an answer (Fetch, CORS protocol). Never allows credentials, never a pattern, never `null`.

import { clientId } from '../base/index.ts'
import type { Context } from '../context/index.ts'
import type { ClientRecord } from '../store/index.ts'
import { type Reply, type ReplyHeaders, singleHeader, type WireRequest } from '../wire/index.ts'

const originOf = (request: WireRequest): string | undefined => {
  const origin = singleHeader(request, 'origin')
  return origin === undefined || origin === 'null' || origin.length > 512 ? undefined : origin
}

const withHeaders = (reply: Reply, headers: ReplyHeaders): Reply =>
  reply.kind === 'json' || reply.kind === 'empty'
    ? { ...reply, headers: new Map([...reply.headers, ...headers]) }
    : reply

/** Documents that hold nothing of anybody may be read from anywhere. */
export const openToAll = (reply: Reply): Reply => withHeaders(reply, new Map([['Access-Control-Allow-Origin', '*']]))

/** Whom an answer is for: a client as it was read, the identifier that a request gave, or nobody that is known. */
export interface Addressee {
  readonly client: ClientRecord | string | undefined
}

/** Lets the origin read an answer if the client it is for registered it; an answer that names no client, if any client did. */
export const openToClient = async (
  context: Context,
  request: WireRequest,
  answer: Addressee & { readonly reply: Reply },
): Promise<Reply> => {
  const origin = originOf(request)
  const vary = new Map([['Vary', 'Origin']])
  if (origin === undefined) return withHeaders(answer.reply, vary)
  // Tokens that were committed are answered with what is known: a read that failed now would lose them.
  const client =
    typeof answer.client === 'string' ? await context.stores.clients.findClient(clientId(answer.client)) : answer.client
  const allowed =
    client === undefined
      ? await context.stores.clients.isRegisteredOrigin(origin)
      : !client.disabled && client.corsOrigins.includes(origin)
  if (!allowed) return withHeaders(answer.reply, vary)
  const exposed: [string, string][] = [
    ['Access-Control-Allow-Origin', origin],
    ['Access-Control-Expose-Headers', 'WWW-Authenticate, Retry-After, DPoP-Nonce'],
  ]
  return withHeaders(answer.reply, new Map([...vary, ...exposed]))
}

/** Answers a preflight; it is not cached, so that removing an origin works at once. */
export const preflight = async (
  context: Context,
  request: WireRequest,
  route: { readonly methods: readonly string[]; readonly open: 'all' | 'clients' },
): Promise<Reply> => {
  const origin = originOf(request)
  const allowed =
    origin !== undefined && (route.open === 'all' || (await context.stores.clients.isRegisteredOrigin(origin)))
  if (!allowed) return { kind: 'empty', status: 204, headers: new Map([['Vary', 'Origin']]) }
  return {
    kind: 'empty',
    status: 204,
    headers: new Map([
      ['Vary', 'Origin'],
      ['Access-Control-Allow-Origin', route.open === 'all' ? '*' : origin],
      ['Access-Control-Allow-Methods', route.methods.join(', ')],
      ['Access-Control-Allow-Headers', 'Authorization, Content-Type, DPoP'],
      ['Access-Control-Max-Age', '0'],
    ]),
  }
}
