// Owns the registration endpoint: registering (RFC 7591 §3) by POST, and managing (RFC 7592 §2) by GET, PUT and DELETE with the client in the
// query. Never keeps a token in clear and never answers anything that a cache may keep.

import { auditEntry } from '../../audit/index.ts'
import type { ClientId, Instant, Result } from '../../base/index.ts'
import type { SelfRegistrationRules } from '../../client/self-registration.ts'
import type { Answer, Context } from '../../context/index.ts'
import { NO_STORE, type Reply, type WireRequest } from '../../wire/index.ts'
import type { Addressee } from '../cross-origin.ts'
import { deleteRegistration, namedClient, ownRegistration, readRegistration, replaceRegistration } from './manage.ts'
import { register } from './register.ts'
import type { RegistrationRejection } from './rejection.ts'
import { respondRegistration, respondRejection } from './respond.ts'

/** How clients may register themselves. */
export interface RegistrationRules extends SelfRegistrationRules {
  /** `token` asks for an initial access token; `open` takes anybody, at a limited rate. */
  readonly mode: 'token' | 'open'
  /** The URL at which a client manages its registration. */
  readonly managedAt: (id: ClientId) => string
}

interface Ending {
  readonly outcome: Result<Reply, RegistrationRejection>
  readonly events: Answer<Reply>['events']
  readonly client: ClientId | undefined
}

const registered = async (
  context: Context,
  rules: RegistrationRules,
  request: WireRequest,
  now: Instant,
): Promise<Ending> => {
  const outcome = await register(context, rules, request, now)
  if (!outcome.ok) return { outcome, events: [], client: undefined }
  const reply = respondRegistration(201, outcome.value)
  return { outcome: { ok: true, value: reply }, events: [], client: outcome.value.client.clientId }
}

const managed = async (
  context: Context,
  rules: RegistrationRules,
  request: WireRequest,
  now: Instant,
): Promise<Ending> => {
  const own = await ownRegistration(context, request)
  const client = namedClient(request)
  if (!own.ok) return { outcome: own, events: [], client }
  const network = request.remoteAddress
  if (request.method === 'GET') {
    const { clientId } = own.value.client
    const reply = respondRegistration(200, readRegistration(rules, own.value))
    const events = [auditEntry('client.registration_read', now, { clientId, network })]
    return { outcome: { ok: true, value: reply }, events, client }
  }
  if (request.method === 'PUT') {
    const outcome = await replaceRegistration(context, rules, { own: own.value, request, now })
    const told = outcome.ok ? { ok: true as const, value: respondRegistration(200, outcome.value) } : outcome
    return { outcome: told, events: [], client }
  }
  const outcome = await deleteRegistration(context, own.value, { network, now })
  const gone: Reply = { kind: 'empty', status: 204, headers: NO_STORE }
  return { outcome: outcome.ok ? { ok: true, value: gone } : outcome, events: [], client }
}

/** Answers a request at the registration endpoint. */
export const registrationEndpoint =
  (context: Context, rules: RegistrationRules) =>
  async (request: WireRequest): Promise<Answer<Reply> & Addressee> => {
    const now = context.ports.clock.now()
    const answer = request.method === 'POST' ? registered : managed
    const { outcome, events, client } = await answer(context, rules, request, now)
    if (outcome.ok) return { reply: outcome.value, events, client }
    const rejection = outcome.error
    const field = rejection.reason === 'metadataRejected' ? { field: rejection.rejection.field } : {}
    const who = client === undefined ? {} : { clientId: client }
    const fields = { ...who, reason: rejection.reason, ...field, network: request.remoteAddress }
    return {
      reply: respondRejection(rejection, now),
      events: [...events, auditEntry('registration.refused', now, fields)],
      client,
    }
  }
