// Owns the authorization endpoint (RFC 6749 §3.1, OIDC Core §3.1.2): GET and POST through the same parser and the same flow.

import { auditEntry } from '../../audit/index.ts'
import { type ClientId, err, type MultiMap, type Result } from '../../base/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { NO_PROGRESS } from '../../interaction/index.ts'
import { ensureBrowser, findBrowser, liveSessions } from '../../session/index.ts'
import {
  isFormContentType,
  parseForm,
  type Reply,
  readCookie,
  singleHeader,
  type WireRequest,
} from '../../wire/index.ts'
import { advance } from './flow.ts'
import { locateClient } from './parse.ts'
import { newInteraction } from './present.ts'
import type { PageRejection } from './rejection.ts'
import { respondPage } from './respond.ts'
import { respondRefusal } from './send-back.ts'
import { openRequest } from './source.ts'
import type { Visit } from './visit.ts'

/** One visit by a request; the browser is given its cookie if it has none. */
export const visitOf = async (context: Context, request: WireRequest): Promise<Visit> => {
  const now = context.ports.clock.now()
  const browser = await ensureBrowser(context, request)
  return {
    browser,
    network: request.remoteAddress,
    now,
    sessions: () => liveSessions(context, request, now),
    cookies: [],
  }
}

// What a URI may consist of (RFC 3986 §2): doors read other bytes by different rules, and `state` would come back changed.
const URI_TEXT = /^[\x21-\x7e]*$/

const formOf = (request: WireRequest): Result<MultiMap, PageRejection> => {
  if (request.method === 'GET')
    return URI_TEXT.test(request.query) ? parseForm(request.query) : err({ reason: 'formIllEncoded' })
  if (request.method !== 'POST') return err({ reason: 'methodNotAllowed' })
  if (!isFormContentType(singleHeader(request, 'content-type'))) return err({ reason: 'notAForm' })
  return parseForm(request.body ?? '')
}

/**
 * Whether a POST came without any cookie of ours: a browser leaves Lax cookies out of a cross-site POST, so nothing is known of it until it
 * comes back by GET.
 */
const cameBare = async (context: Context, request: WireRequest): Promise<boolean> =>
  request.method === 'POST' &&
  (await findBrowser(context, request)) === undefined &&
  readCookie(request, context.cookies.session) === undefined

const onPage = (
  context: Context,
  request: WireRequest,
  rejection: PageRejection,
  clientId: ClientId | undefined,
): Answer<Reply> => {
  const { reply, reference } = respondPage(context, rejection)
  const fields = {
    reason: rejection.reason === 'requestUnreadable' ? rejection.cause.reason : rejection.reason,
    reference,
    network: request.remoteAddress,
    ...(clientId === undefined ? {} : { clientId }),
  }
  return { reply, events: [auditEntry('authorization.refused', context.ports.clock.now(), fields)] }
}

/** Answers an authorization request. */
export const authorizeEndpoint =
  (context: Context) =>
  async (request: WireRequest): Promise<Answer<Reply>> => {
    const form = formOf(request)
    if (!form.ok) return onPage(context, request, form.error, undefined)
    const client = await locateClient(context, form.value)
    if (!client.ok) return onPage(context, request, client.error, undefined)
    const { clientId } = client.value
    const now = context.ports.clock.now()
    const asked = await openRequest(context, client.value, { form: form.value, now })
    if (asked.kind === 'page') return onPage(context, request, asked.rejection, clientId)
    if (asked.kind === 'refused') {
      const { reply, reference } = await respondRefusal(context, {
        client: client.value,
        address: asked.address,
        rejection: asked.rejection,
        sessions: () => liveSessions(context, request, now),
        cookies: [],
      })
      const shown = reference === undefined ? {} : { reference }
      const fields = { clientId, reason: asked.rejection.reason, ...shown, network: request.remoteAddress }
      return { reply, events: [auditEntry('authorization.refused', now, fields)] }
    }
    if (await cameBare(context, request)) {
      const interaction = newInteraction(context, {
        request: asked.request,
        pushedRequest: asked.pushedRequest,
        browserDigest: undefined,
        progress: NO_PROGRESS,
        now,
      })
      await context.stores.interactions.openInteraction(interaction)
      return { reply: { kind: 'resume', interactionId: interaction.id, cookies: [] }, events: [] }
    }
    const flow = {
      request: asked.request,
      pushedRequest: asked.pushedRequest,
      interaction: undefined,
      allowed: false,
      answering: false,
      ending: undefined,
    }
    return advance(context, await visitOf(context, request), flow)
  }
