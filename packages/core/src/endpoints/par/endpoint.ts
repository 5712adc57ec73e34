// Owns the pushed authorization request endpoint (RFC 9126 §2): read, authenticate, judge, store under a digest, answer with the
// reference. Never asks a person, and never says more of a refused client than the token endpoint does.

import { auditEntry } from '../../audit/index.ts'
import { err, type Instant, later, ok, type Result } from '../../base/index.ts'
import { type AuthenticatedClient, authenticateClient, withProof } from '../../client-auth/index.ts'
import { type Answer, type Context, digestOf, randomText } from '../../context/index.ts'
import { withNonce } from '../../dpop/index.ts'
import { PUSHED_REQUEST_URI } from '../../spec/index.ts'
import type { AttemptPolicy, AuthorizationRequestRecord, ClientRecord } from '../../store/index.ts'
import type { Reply, WireRequest } from '../../wire/index.ts'
import type { Addressee } from '../cross-origin.ts'
import { type ProvenKeys, readKeys, whichReplayed } from '../token/binding.ts'
import { decidePush } from './decide.ts'
import { type ParsedPush, parsePush } from './parse.ts'
import type { PushRejection } from './rejection.ts'
import { respondPushed, respondPushRefused } from './respond.ts'

// One retry settles an honest race; more means something keeps changing.
const MAX_TRIES = 3

/** Each push is a row: a network of clients that prove nothing may write a burst, and then one in five seconds (RFC 6819 §4.4.1.11). */
const PUBLIC_PUSHES: AttemptPolicy = { free: 300, baseDelay: 1, maxDelay: 5, forgetAfter: 60 }

interface Occasion {
  readonly network: string
  readonly now: Instant
}

interface Pushed {
  readonly requestUri: string
  readonly client: ClientRecord
}

const throttle = async (context: Context, { network, now }: Occasion): Promise<PushRejection | undefined> => {
  const key = await digestOf(context, `public_push:${network}`)
  const admitted = await context.stores.attempts.admitAttempt([{ key, policy: PUBLIC_PUSHES }], now)
  if (admitted.outcome === 'admitted') return undefined
  return { by: 'push', rejection: { reason: 'pushesThrottled', until: admitted.until } }
}

const commit = async (
  context: Context,
  authenticated: AuthenticatedClient,
  request: AuthorizationRequestRecord,
  now: Instant,
): Promise<Result<Pushed, PushRejection | 'stale'>> => {
  const { client, proofs } = authenticated
  // 256 bits: whoever guesses a reference goes on with somebody's request (RFC 9126 §7.1).
  const requestUri = `${PUSHED_REQUEST_URI}${randomText(context, 32)}`
  const expiresAt = later(now, context.lifetimes.pushedRequest)
  const pushed = {
    digest: await digestOf(context, requestUri),
    request,
    pushedAt: now,
    expiresAt,
    // A browser that comes in the last second may take as long as an interaction does.
    keptUntil: later(expiresAt, context.lifetimes.interaction),
    spentAt: undefined,
  }
  const push = { pushed, clientVersion: client.version, proofs }
  const outcome = await context.stores.pushedRequests.pushRequest(push, { now, events: [] })
  switch (outcome) {
    case 'pushed':
      return ok({ requestUri, client })
    case 'stale':
      return err('stale')
    case 'proofReplayed':
      return err({ by: 'client', rejection: { reason: 'proofReplayed' } })
  }
}

/** A proof with a push binds the code as dpop_jkt does, and contradicts it nowhere (RFC 9449 §10.1). */
const bindToKey = (
  request: AuthorizationRequestRecord,
  { proof }: ProvenKeys,
): Result<AuthorizationRequestRecord, PushRejection> => {
  if (proof === undefined) return ok(request)
  if (request.dpopJkt !== undefined && request.dpopJkt !== proof.jkt) {
    return err({ by: 'client', rejection: { reason: 'dpopKeysDiffer' } })
  }
  return ok({ ...request, dpopJkt: proof.jkt })
}

const pushOnce = async (
  context: Context,
  wire: WireRequest,
  { form, credentials }: ParsedPush,
  occasion: Occasion,
): Promise<Result<Pushed, PushRejection | 'stale'>> => {
  const authenticated = await authenticateClient(context, credentials, occasion)
  if (!authenticated.ok) return err({ by: 'client', rejection: authenticated.error })
  const keys = await readKeys(context, wire, { endpoint: 'par', now: occasion.now })
  if (!keys.ok) return err({ by: 'client', rejection: keys.error })
  const decided = await decidePush(context, authenticated.value.client, { form, now: occasion.now })
  if (!decided.ok) return decided
  const request = bindToKey(decided.value, keys.value)
  if (!request.ok) return request
  const throttled = authenticated.value.method === 'none' ? await throttle(context, occasion) : undefined
  if (throttled !== undefined) return err(throttled)
  const proven = withProof(authenticated.value, keys.value.proof?.reservation)
  const pushed = await commit(context, proven, request.value, occasion.now)
  if (pushed.ok || pushed.error === 'stale' || pushed.error.by !== 'client') return pushed
  const ending = whichReplayed(pushed.error.rejection, authenticated.value, keys.value)
  return err(ending === 'stale' ? ending : { by: 'client', rejection: ending })
}

const push = async (
  context: Context,
  wire: WireRequest,
  parsed: ParsedPush,
  occasion: Occasion,
): Promise<Result<Pushed, PushRejection>> => {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const ending = await pushOnce(context, wire, parsed, occasion)
    if (ending.ok) return ending
    if (ending.error !== 'stale') return err(ending.error)
  }
  return err({ by: 'client', rejection: { reason: 'stateChanged' } })
}

const refusalEvent = (
  who: { readonly clientId?: string; readonly method?: string },
  refusal: { readonly reason: string; readonly status: number; readonly error: string },
  { network, now }: Occasion,
): Answer<Reply>['events'] => {
  const { reason, status, error } = refusal
  if (status === 401 || status === 429)
    return [auditEntry('client_authentication.failed', now, { ...who, reason, network })]
  const named = who.clientId === undefined ? {} : { clientId: who.clientId }
  return [auditEntry('authorization.refused', now, { ...named, reason, error, network })]
}

/** Answers a push. Only POST reaches it. */
export const pushEndpoint =
  (context: Context): ((request: WireRequest) => Promise<Answer<Reply> & Addressee>) =>
  async (request) => {
    const occasion: Occasion = { network: request.remoteAddress, now: context.ports.clock.now() }
    const parsed = parsePush(request)
    const ending = parsed.ok ? await push(context, request, parsed.value, occasion) : parsed
    if (ending.ok) {
      const { requestUri, client } = ending.value
      const reply = respondPushed(requestUri, context.lifetimes.pushedRequest)
      return { reply: await withNonce(context, reply, occasion.now), events: [], client }
    }
    const { reply, told } = respondPushRefused(request, ending.error, occasion.now)
    const { clientId, method } = parsed.ok ? parsed.value.credentials : {}
    const who = clientId === undefined ? {} : { clientId, ...(method === undefined ? {} : { method }) }
    const { reason } = ending.error.rejection
    const events = refusalEvent(who, { reason, status: told.status, error: told.error }, occasion)
    return { reply: await withNonce(context, reply, occasion.now), events, client: clientId }
  }
