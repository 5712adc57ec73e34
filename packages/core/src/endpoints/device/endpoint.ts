// Owns the device authorization endpoint (RFC 8628 §3.1): read, authenticate, judge as the authorization endpoint does, store under digests,
// answer with the codes. Never asks a person.

import { auditEntry } from '../../audit/index.ts'
import { err, type Instant, later, type MultiMap, ok, type Result, repeated, reveal, single } from '../../base/index.ts'
import {
  type AuthenticatedClient,
  authenticateClient,
  type PresentedCredentials,
  parseCredentials,
} from '../../client-auth/index.ts'
import { type Answer, type Context, digestOf } from '../../context/index.ts'
import type { TokenRejection } from '../../grant-types/index.ts'
import { decideTarget, parseResources } from '../../resource/index.ts'
import { decideScope, parseScope } from '../../scope/index.ts'
import { DEVICE_CODE_GRANT, POLL_INTERVAL } from '../../spec/index.ts'
import type { AttemptPolicy, ClientRecord, DeviceRecord } from '../../store/index.ts'
import { mintCredential, mintHandle } from '../../tokens/index.ts'
import {
  isFormContentType,
  jsonReply,
  parseForm,
  type Reply,
  singleHeader,
  type WireRequest,
} from '../../wire/index.ts'
import type { Addressee } from '../cross-origin.ts'
import { respondRefused } from '../token/respond.ts'
import { mintUserCode, showUserCode } from './user-code.ts'

// One retry settles an honest race, or a user code that is in use; more means something keeps changing.
const MAX_TRIES = 3

/** Each request is a row: a network of clients that prove nothing may write a burst, and then one in five seconds. */
const PUBLIC_REQUESTS: AttemptPolicy = { free: 100, baseDelay: 1, maxDelay: 5, forgetAfter: 60 }

/** A day: a device code that is stolen and comes again that late is still found out. */
const KEPT_AFTER = 86_400

const MAY_REPEAT: ReadonlySet<string> = new Set(['resource'])

interface ParsedDevice {
  readonly form: MultiMap
  readonly credentials: PresentedCredentials
}

interface Occasion {
  readonly network: string
  readonly now: Instant
}

interface Opened {
  readonly deviceCode: string
  readonly userCode: string
  readonly client: ClientRecord
}

const parse = (request: WireRequest): Result<ParsedDevice, TokenRejection> => {
  if (!isFormContentType(singleHeader(request, 'content-type'))) return err({ reason: 'notAForm' })
  const form = parseForm(request.body ?? '')
  if (!form.ok) return form
  if (repeated(form.value, MAY_REPEAT).length > 0) return err({ reason: 'parameterRepeated' })
  const credentials = parseCredentials(request, form.value)
  return credentials.ok ? ok({ form: form.value, credentials: credentials.value }) : credentials
}

/** Scope and resources by the rules of the authorization endpoint. */
const decide = async (
  context: Context,
  client: ClientRecord,
  form: MultiMap,
): Promise<Result<Pick<DeviceRecord, 'scope' | 'resources'>, TokenRejection>> => {
  if (!client.grantTypes.includes(DEVICE_CODE_GRANT)) return err({ reason: 'grantTypeNotAllowed' })
  const text = single(form, 'scope')
  if (text === undefined) return err({ reason: 'scopeMissing' })
  const asked = parseScope(text)
  if (!asked.ok) return err({ reason: 'scopeMalformed' })
  const offline = client.grantTypes.includes('refresh_token')
  const scope = decideScope(asked.value, { scopes: client.scopes, offline })
  if (!scope.ok) return err({ reason: scope.error.reason === 'scopeNotAllowed' ? 'scopeExceeded' : scope.error.reason })
  const resources = parseResources(form.get('resource') ?? [])
  if (!resources.ok) return resources
  if (resources.value.length > 0) {
    const known = await context.stores.resources.listResources()
    const target = decideTarget({ scope: scope.value, asked: [], granted: resources.value }, known, context.lifetimes)
    if (!target.ok && target.error.reason !== 'resourcesIncompatible') return target
  }
  return ok({ scope: scope.value, resources: resources.value })
}

const throttle = async (context: Context, { network, now }: Occasion): Promise<TokenRejection | undefined> => {
  const key = await digestOf(context, `public_device:${network}`)
  const admitted = await context.stores.attempts.admitAttempt([{ key, policy: PUBLIC_REQUESTS }], now)
  return admitted.outcome === 'admitted' ? undefined : { reason: 'clientThrottled', until: admitted.until }
}

const commit = async (
  context: Context,
  { client, proofs }: AuthenticatedClient,
  asked: Pick<DeviceRecord, 'scope' | 'resources'>,
  { network, now }: Occasion,
): Promise<Result<Opened, TokenRejection | 'stale'>> => {
  const handle = mintHandle(context.ports.random)
  // 256 bits beside the handle (RFC 8628 §5.2).
  const deviceCode = reveal(mintCredential(context.ports.random, handle))
  const userCode = mintUserCode(context.ports.random)
  const expiresAt = later(now, context.lifetimes.deviceCode)
  const device: DeviceRecord = {
    handle,
    deviceDigest: await digestOf(context, deviceCode),
    userCodeDigest: await digestOf(context, userCode),
    clientId: client.clientId,
    ...asked,
    network,
    openedAt: now,
    expiresAt,
    keptUntil: later(expiresAt, KEPT_AFTER),
    status: 'pending',
    claimedBy: undefined,
    interval: POLL_INTERVAL,
    polledAt: undefined,
  }
  const { clientId } = client
  const events = [auditEntry('device.opened', now, { clientId, scope: asked.scope.join(' '), network })]
  const open = { device, clientVersion: client.version, proofs }
  const outcome = await context.stores.devices.openDevice(open, { now, events })
  switch (outcome) {
    case 'opened':
      return ok({ deviceCode, userCode: showUserCode(userCode), client })
    case 'stale':
    case 'taken':
      return err('stale')
    case 'proofReplayed':
      return err({ reason: 'proofReplayed' })
  }
}

const openOnce = async (
  context: Context,
  { form, credentials }: ParsedDevice,
  occasion: Occasion,
): Promise<Result<Opened, TokenRejection | 'stale'>> => {
  const authenticated = await authenticateClient(context, credentials, occasion)
  if (!authenticated.ok) return authenticated
  const asked = await decide(context, authenticated.value.client, form)
  if (!asked.ok) return asked
  const throttled = authenticated.value.method === 'none' ? await throttle(context, occasion) : undefined
  return throttled === undefined ? commit(context, authenticated.value, asked.value, occasion) : err(throttled)
}

const open = async (
  context: Context,
  parsed: ParsedDevice,
  occasion: Occasion,
): Promise<Result<Opened, TokenRejection>> => {
  for (let tries = 0; tries < MAX_TRIES; tries++) {
    const ending = await openOnce(context, parsed, occasion)
    if (ending.ok) return ending
    if (ending.error !== 'stale') return err(ending.error)
  }
  return err({ reason: 'stateChanged' })
}

const refusalEvents = (
  credentials: Pick<PresentedCredentials, 'clientId' | 'method'> | undefined,
  { reason }: TokenRejection,
  told: { readonly status: number; readonly error: string },
  { network, now }: Occasion,
): Answer<Reply>['events'] => {
  const who = credentials === undefined ? {} : { clientId: credentials.clientId }
  if (told.status === 401 || told.status === 429) {
    const method = credentials === undefined ? {} : { method: credentials.method }
    return [auditEntry('client_authentication.failed', now, { ...who, ...method, reason, network })]
  }
  return [auditEntry('authorization.refused', now, { ...who, reason, error: told.error, network })]
}

/** Answers a device authorization request. Only POST reaches it. */
export const deviceEndpoint =
  (context: Context, verificationUri: string): ((request: WireRequest) => Promise<Answer<Reply> & Addressee>) =>
  async (request) => {
    const occasion: Occasion = { network: request.remoteAddress, now: context.ports.clock.now() }
    const parsed = parse(request)
    const ending = parsed.ok ? await open(context, parsed.value, occasion) : parsed
    if (ending.ok) {
      const { deviceCode, userCode, client } = ending.value
      const reply = jsonReply(200, {
        device_code: deviceCode,
        user_code: userCode,
        verification_uri: verificationUri,
        verification_uri_complete: `${verificationUri}?user_code=${userCode}`,
        expires_in: context.lifetimes.deviceCode,
        interval: POLL_INTERVAL,
      })
      return { reply, events: [], client }
    }
    const { reply, told } = respondRefused(request, ending.error, occasion.now)
    const credentials = parsed.ok ? parsed.value.credentials : undefined
    return { reply, events: refusalEvents(credentials, ending.error, told, occasion), client: credentials?.clientId }
  }
