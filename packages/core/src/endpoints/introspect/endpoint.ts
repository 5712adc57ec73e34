// Owns the introspection endpoint (RFC 7662 §2): what a token is worth now, for those whose business it is. Never says why one is worth
// nothing, and never serves a client that anybody can name.

import { auditEntry } from '../../audit/index.ts'
import { err, type Instant, type JsonObject, ok, type Result, secret, single } from '../../base/index.ts'
import { loadAccessToken } from '../../bearer/index.ts'
import { isConfidentialClient } from '../../client/index.ts'
import { type Answer, type Context, digestOf } from '../../context/index.ts'
import type { TokenRejection } from '../../grant-types/index.ts'
import { LIMITS } from '../../spec/index.ts'
import type { AttemptPolicy, ClientRecord } from '../../store/index.ts'
import { digestOfPresented, parseRefreshToken } from '../../tokens/index.ts'
import type { Reply, WireRequest } from '../../wire/index.ts'
import {
  authenticateForm,
  type ClientForm,
  type Occasion,
  parseClientForm,
  refuseForm,
  spendProofs,
} from '../client-form.ts'
import { describeAccessToken, describeRefreshToken, type IntrospectionFacts } from './decide.ts'
import { respondIntrospection } from './respond.ts'

/** Guesses at tokens by one caller: a busy API sees some dead ones, and a thousand in a row are a scan (RFC 7662 §4). */
const SCAN_POLICY: AttemptPolicy = { free: 1000, baseDelay: 1, maxDelay: 60, forgetAfter: 60 }

const parseToken = ({ form, client: { client } }: ClientForm): Result<string, TokenRejection> => {
  if (!isConfidentialClient(client)) return err({ reason: 'callerIsPublic' })
  const token = single(form, 'token')
  if (token === undefined) return err({ reason: 'parameterMissing', name: 'token' })
  return ok(token.length > LIMITS.jwt ? '' : token)
}

const describe = async (
  context: Context,
  token: string,
  caller: ClientRecord,
  now: Instant,
): Promise<JsonObject | undefined> => {
  const facts: IntrospectionFacts = {
    issuer: context.issuer,
    caller: caller.clientId,
    resources: await context.stores.resources.listResources(),
    now,
  }
  const presented = parseRefreshToken(token)
  if (presented !== undefined) {
    const found = await context.stores.grants.findRefresh(presented.handle)
    // One that was rotated away is not active, though it may still be answered within its window.
    const current = found !== undefined && found.refresh.current === (await digestOfPresented(context, presented))
    return current ? describeRefreshToken(found, facts) : undefined
  }
  const found = await loadAccessToken(context, secret(token))
  return found && describeAccessToken(found, facts)
}

const countScan = async (
  context: Context,
  caller: ClientRecord,
  now: Instant,
): Promise<Result<'counted', TokenRejection>> => {
  const key = await digestOf(context, `introspection:${caller.clientId}`)
  const counted = await context.stores.attempts.admitAttempt([{ key, policy: SCAN_POLICY }], now)
  return counted.outcome === 'admitted' ? ok('counted') : err({ reason: 'clientThrottled', until: counted.until })
}

const introspect = async (
  context: Context,
  form: ClientForm,
  now: Instant,
): Promise<Result<JsonObject | undefined, TokenRejection>> => {
  const token = parseToken(form)
  if (!token.ok) return token
  const described = await describe(context, token.value, form.client.client, now)
  if (described === undefined) {
    const counted = await countScan(context, form.client.client, now)
    if (!counted.ok) return counted
  }
  const spent = await spendProofs(context, form.client, now)
  return spent.ok ? ok(described) : spent
}

/** Answers an introspection. Only POST reaches it; browsers of other origins never do. */
export const introspectionEndpoint =
  (context: Context): ((request: WireRequest) => Promise<Answer<Reply>>) =>
  async (request) => {
    const occasion: Occasion = { network: request.remoteAddress, now: context.ports.clock.now() }
    const parsed = parseClientForm(request)
    const form = await authenticateForm(context, parsed, occasion)
    if (!form.ok) return refuseForm(request, parsed, form.error, occasion)
    const answer = await introspect(context, form.value, occasion.now)
    if (!answer.ok) return refuseForm(request, parsed, answer.error, occasion)
    const { client } = form.value.client
    const fields = { clientId: client.clientId, active: answer.value !== undefined, network: occasion.network }
    return {
      reply: await respondIntrospection(context, request, client, answer.value, occasion.now),
      events: [auditEntry('token.introspected', occasion.now, fields)],
    }
  }
