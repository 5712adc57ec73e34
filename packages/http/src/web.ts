// The web-standard door: Request in, Response out, for Bun, Deno, Workers and frameworks that speak them.
// Never imports a runtime's own modules. A runtime joins repeated headers before this door sees them.

import { err, ok, type Reply, type Result, type WireRequest } from '@vouchsafe/core'
import { type BodyText, bodyText } from './body.ts'
import {
  carriesBody,
  collectHeaders,
  forRoute,
  headCheck,
  type Peer,
  type Purpose,
  purposeOf,
  type RequestHead,
  refusedBody,
  type Served,
  splitTarget,
} from './incoming.ts'
import { BODY_LIMIT } from './limits.ts'
import type { DoorOptions, RefusalReason } from './options.ts'
import { createWriter, type DrawPrompt, type Outgoing, type OwnPage } from './outgoing.ts'
import { refuse } from './refusal.ts'
import { routeFinder } from './route.ts'

export { escapeHtml } from './html.ts'
export type * from './options.ts'
export type { DrawPrompt, OwnPage } from './outgoing.ts'
export { contentSecurityPolicy, type PagePolicy } from './security-headers.ts'

/** Options of the web-standard door. */
export interface WebDoorOptions extends DoorOptions {
  /**
   * Who is at the other end: the address always, which only the runtime knows; host and scheme where they differ from those of the
   * request's URL, as behind a proxy. Never take any of them from a header that anybody can send.
   */
  readonly peer: (request: Request) => Pick<Peer, 'remoteAddress'> & Partial<Peer>
}

/** A provider behind Request and Response. */
export interface WebDoor {
  /** Answers a request for one of the provider's routes; undefined when the path is none of them. */
  readonly serve: (request: Request) => Promise<Response | undefined>
  /** Reads a request for a page of the embedder's own; an error is the reply to send. */
  readonly toWireRequest: (request: Request) => Promise<Result<WireRequest, Reply>>
  /** A reply of the provider as a Response. */
  readonly toResponse: (reply: Reply) => Response
  /** A page of the embedder's own, under the same headers as every other. */
  readonly toPage: (page: OwnPage) => Response
  /** Answers a visit to an interaction's page: draws the prompt that `interactions.resume` named, and sends any other reply as it is. */
  readonly show: (reply: Reply, draw: DrawPrompt) => Response
}

const readBody = async (request: Request): Promise<BodyText> => {
  if (Number(request.headers.get('content-length') ?? 0) > BODY_LIMIT) return err('bodyTooLarge')
  const reader = request.body?.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    for (;;) {
      const chunk = await reader?.read()
      if (chunk === undefined || chunk.done) return bodyText(chunks)
      length += chunk.value.length
      if (length > BODY_LIMIT) {
        await reader?.cancel()
        return err('bodyTooLarge')
      }
      chunks.push(chunk.value)
    }
  } catch {
    return err('bodyIncomplete')
  }
}

const toResponse = (answer: Outgoing, withBody: boolean): Response => {
  const headers = new Headers()
  for (const [name, value] of answer.headers) headers.append(name, value)
  const bodiless = !withBody || answer.body === ''
  return new Response(bodiless ? null : answer.body, { status: answer.status, headers })
}

/** Puts a provider behind Request and Response. Throws a TypeError for a mount that is no path. */
export const createWebDoor = (provider: Served, options: WebDoorOptions): WebDoor => {
  const findRoute = routeFinder(provider, options.mount)
  const check = headCheck(provider.issuer, options)
  const writer = createWriter(provider.issuer, options)

  const read = async (request: Request, purpose: Purpose): Promise<Result<WireRequest, Reply>> => {
    const url = new URL(request.url)
    const peer: Peer = { host: url.host, secure: url.protocol === 'https:', ...options.peer(request) }
    const head: RequestHead = {
      method: request.method.toUpperCase(),
      ...splitTarget(request.url),
      headers: collectHeaders(request.headers),
      remoteAddress: peer.remoteAddress,
    }
    const refused = (reason: RefusalReason): Result<never, Reply> => {
      const { reply, reference } = refuse(reason, purpose === 'machine' ? 'machine' : 'person')
      options.onRefused?.({ reason, reference, path: head.path, remoteAddress: head.remoteAddress })
      return err(reply)
    }
    const checked = check(head, peer, purpose)
    if (!checked.ok) return refused(checked.error)
    if (!carriesBody(head.method)) return ok({ ...head, body: undefined })
    const unread = refusedBody(head.headers)
    if (unread !== undefined) return refused(unread)
    const body = await readBody(request)
    return body.ok ? ok({ ...head, body: body.value }) : refused(body.error)
  }

  return {
    serve: async (request) => {
      const route = findRoute(splitTarget(request.url).path)
      if (route === undefined) return undefined
      const wire = await read(request, purposeOf(route))
      const reply = wire.ok ? await provider.respond(forRoute(wire.value, route)) : wire.error
      return reply === undefined ? undefined : toResponse(writer.reply(reply), request.method !== 'HEAD')
    },
    toWireRequest: (request) => read(request, 'ownPage'),
    toResponse: (reply) => toResponse(writer.reply(reply), true),
    toPage: (page) => toResponse(writer.page(page), true),
    show: (reply, draw) => toResponse(writer.visit(reply, draw), true),
  }
}
