// The node:http door: IncomingMessage in, ServerResponse out. Never starts a server, and leaves every path alone that is not the provider's.

import type { IncomingMessage, ServerResponse } from 'node:http'
import { err, ok, type Reply, type Result, type WireRequest } from '@vouchsafe/core'
import type { BodyText } from './body.ts'
import { type ClientCertificates, certificateFinder } from './client-certificates.ts'
import {
  carriesBody,
  collectHeaders,
  forRoute,
  headCheck,
  type Purpose,
  purposeOf,
  type RequestHead,
  type Served,
  splitTarget,
} from './incoming.ts'
import { readNodeBody } from './node-body.ts'
import type { DoorOptions, RefusalReason } from './options.ts'
import { createWriter, type DrawPrompt, type Outgoing, type OwnPage } from './outgoing.ts'
import { peerFinder } from './proxies.ts'
import { refuse } from './refusal.ts'
import { routeFinder } from './route.ts'

export type { BodyText } from './body.ts'
export type { ClientCertificates } from './client-certificates.ts'
export { escapeHtml } from './html.ts'
export { carriesBody, forRoute, type Purpose, purposeOf, type RequestHead, type Served } from './incoming.ts'
export { readNodeBody } from './node-body.ts'
export type * from './options.ts'
export type { DrawPrompt, Outgoing, OwnPage } from './outgoing.ts'
export { type Audience, newReference } from './refusal.ts'
export { commonHeaders, contentSecurityPolicy, NO_PAGE_POLICY, type PagePolicy } from './security-headers.ts'

/** Options of the node:http door. */
export interface NodeDoorOptions extends DoorOptions {
  /** Where certificates of clients come from (RFC 8705); by default none is read. The provider's own option `mtls` must be set as well. */
  readonly clientCertificates?: ClientCertificates
  /** Addresses and ranges (CIDR) of proxies that are believed about X-Forwarded-For, -Host and -Proto; by default none is. */
  readonly trustProxy?: readonly string[]
}

/** A provider behind node:http. */
export interface NodeDoor {
  /** Answers a request for one of the provider's routes and says whether it did; false leaves the request untouched. */
  readonly serve: (request: IncomingMessage, response: ServerResponse) => Promise<boolean>
  /** Reads a request for a page of the embedder's own; an error is the reply to send. */
  readonly readRequest: (request: IncomingMessage) => Promise<Result<WireRequest, Reply>>
  /** Sends a reply of the provider. */
  readonly send: (reply: Reply, response: ServerResponse) => void
  /** Sends a page of the embedder's own, under the same headers as every other. */
  readonly sendPage: (page: OwnPage, response: ServerResponse) => void
  /** Answers a visit to an interaction's page: draws the prompt that `interactions.resume` named, and sends any other reply as it is. */
  readonly show: (reply: Reply, draw: DrawPrompt, response: ServerResponse) => void
}

/** The steps of a door one by one, for adapters of frameworks that read bodies and write answers themselves. */
export interface NodeSteps {
  /** Reads and checks everything but the body; an error is the reply to send. */
  readonly readHead: (request: IncomingMessage, purpose: Purpose) => Result<RequestHead, Reply>
  /** Joins a head and a body that was read; an error is the reply to send. */
  readonly withBody: (head: RequestHead, body: BodyText, purpose: Purpose) => Result<WireRequest, Reply>
  readonly answer: (reply: Reply) => Outgoing
  readonly page: (page: OwnPage) => Outgoing
  readonly visit: (reply: Reply, draw: DrawPrompt) => Outgoing
}

function* pairs(rawHeaders: readonly string[]): Generator<readonly [string, string]> {
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) yield [rawHeaders[i] ?? '', rawHeaders[i + 1] ?? '']
}

/** The steps of a door. Throws a TypeError for a proxy range that is none. */
export const createNodeSteps = (provider: Served, options: NodeDoorOptions): NodeSteps => {
  const check = headCheck(provider.issuer, options)
  const findPeer = peerFinder(options.trustProxy ?? [])
  const findCertificate = certificateFinder(options.clientCertificates)
  const writer = createWriter(provider.issuer, options)
  const refused = (reason: RefusalReason, head: RequestHead, purpose: Purpose): Result<never, Reply> => {
    const { reply, reference } = refuse(reason, purpose === 'machine' ? 'machine' : 'person')
    options.onRefused?.({ reason, reference, path: head.path, remoteAddress: head.remoteAddress })
    return err(reply)
  }
  return {
    readHead: (request, purpose) => {
      const peer = findPeer(request)
      const head: RequestHead = {
        method: request.method ?? 'GET',
        ...splitTarget(request.url ?? '/'),
        headers: collectHeaders(pairs(request.rawHeaders)),
        remoteAddress: peer.remoteAddress,
        clientCertificate: findCertificate(request, peer.fromProxy),
      }
      const checked = check(head, peer, purpose)
      return checked.ok ? checked : refused(checked.error, head, purpose)
    },
    withBody: (head, body, purpose) =>
      body.ok ? ok({ ...head, body: body.value }) : refused(body.error, head, purpose),
    answer: writer.reply,
    page: writer.page,
    visit: writer.visit,
  }
}

const write = (answer: Outgoing, response: ServerResponse): void => {
  response.statusCode = answer.status
  for (const [name, value] of answer.headers) {
    if (name === 'Set-Cookie') response.appendHeader(name, value)
    else response.setHeader(name, value)
  }
  // RFC 9110 §8.6: none of the two has content.
  if (answer.status === 204 || answer.status === 304) response.end()
  else response.setHeader('Content-Length', Buffer.byteLength(answer.body)).end(answer.body)
}

/** Puts a provider behind node:http. Throws a TypeError for a mount that is no path or a proxy range that is none. */
export const createNodeDoor = (provider: Served, options: NodeDoorOptions = {}): NodeDoor => {
  const findRoute = routeFinder(provider, options.mount)
  const steps = createNodeSteps(provider, options)
  const read = async (request: IncomingMessage, purpose: Purpose): Promise<Result<WireRequest, Reply>> => {
    const head = steps.readHead(request, purpose)
    if (!head.ok) return head
    const body: BodyText = carriesBody(head.value.method)
      ? await readNodeBody(request, head.value.headers)
      : ok(undefined)
    return steps.withBody(head.value, body, purpose)
  }
  return {
    serve: async (request, response) => {
      const route = findRoute(splitTarget(request.url ?? '/').path)
      if (route === undefined) return false
      const wire = await read(request, purposeOf(route))
      const reply = wire.ok ? await provider.respond(forRoute(wire.value, route)) : wire.error
      if (reply === undefined) return false
      write(steps.answer(reply), response)
      return true
    },
    readRequest: (request) => read(request, 'ownPage'),
    send: (reply, response) => write(steps.answer(reply), response),
    sendPage: (page, response) => write(steps.page(page), response),
    show: (reply, draw, response) => write(steps.visit(reply, draw), response),
  }
}
