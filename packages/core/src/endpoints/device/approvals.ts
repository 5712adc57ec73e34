// Owns what an embedder's pages call to let a device in (RFC 8628 §3.3): find what a user code stands for, and settle it. Guessing is
// limited before anything is looked up. Never lets a device in by showing it.

import { auditEntry } from '../../audit/index.ts'
import { err, ok, type Result } from '../../base/index.ts'
import { type Answer, type Context, digestOf } from '../../context/index.ts'
import { displayScopes, displayValues } from '../../interaction/index.ts'
import type { DeviceProblem, DevicePrompt, DeviceSettlement, Devices, OpenedDevice } from '../../provider-types.ts'
import { needsResources } from '../../resource/index.ts'
import {
  ensureBrowser,
  findBrowser,
  formToken,
  type HeldSession,
  isFormToken,
  liveSessions,
} from '../../session/index.ts'
import { DEVICE_CODE_GRANT } from '../../spec/index.ts'
import type { AttemptPolicy, ClientRecord, DeviceRecord, GrantRecord } from '../../store/index.ts'
import type { WireRequest } from '../../wire/index.ts'
import { parseUserCode, showUserCode } from './user-code.ts'

/**
 * Five wrong codes within the life of a code, from one network or one browser: the chance to hit one code stays below 2^-32
 * (RFC 8628 §5.1). Right ones cost nothing.
 */
const guessPolicy = (context: Context): AttemptPolicy => {
  const life = context.lifetimes.deviceCode
  return { free: 4, baseDelay: life, maxDelay: life, forgetAfter: life }
}

interface Found {
  readonly device: DeviceRecord
  readonly client: ClientRecord
}

const UNKNOWN = err({ reason: 'unknown' } as const)

const formOf = (device: Pick<DeviceRecord, 'handle'>): string => `device:${device.handle}`

/** A pending request with its client; everything else reads the same from outside. */
const findPending = async (context: Context, typed: string): Promise<Found | undefined> => {
  const code = parseUserCode(typed)
  const device = code === undefined ? undefined : await context.stores.devices.findDevice(await digestOf(context, code))
  if (device === undefined || device.status !== 'pending' || device.expiresAt <= context.ports.clock.now()) {
    return undefined
  }
  const client = await context.stores.clients.findClient(device.clientId)
  return client === undefined || client.disabled || !client.grantTypes.includes(DEVICE_CODE_GRANT)
    ? undefined
    : { device, client }
}

const lookUp = async (
  context: Context,
  request: WireRequest,
  typed: string,
): Promise<Answer<Result<Found, DeviceProblem>>> => {
  const now = context.ports.clock.now()
  const policy = guessPolicy(context)
  const network = request.remoteAddress
  const browser = await findBrowser(context, request)
  const byNetwork = await digestOf(context, `user_code_network:${network}`)
  const byBrowser = browser && (await digestOf(context, `user_code_browser:${browser.digest}`))
  const keys = [byNetwork, ...(byBrowser === undefined ? [] : [byBrowser])]
  const admitted = await context.stores.attempts.admitAttempt(
    keys.map((key) => ({ key, policy })),
    now,
  )
  if (admitted.outcome === 'throttled') {
    return { reply: err({ reason: 'throttled', until: admitted.until }), events: [] }
  }
  const found = await findPending(context, typed)
  if (found === undefined) return { reply: UNKNOWN, events: [auditEntry('device.guessed', now, { network })] }
  await context.stores.attempts.absolveAttempt({ reset: [], undo: keys })
  return { reply: ok(found), events: [] }
}

const prompt = async (
  context: Context,
  request: WireRequest,
  { device, client }: Found,
  { session }: HeldSession,
  typed: string,
): Promise<DevicePrompt> => {
  const { scope } = device
  const asked = { scope, claims: undefined }
  const known = needsResources(scope) ? await context.stores.resources.listResources() : []
  const account = await context.ports.accounts.find(session.subject)
  return {
    userCode: showUserCode(parseUserCode(typed) ?? ''),
    clientId: client.clientId,
    clientName: client.name,
    clientUri: client.clientUri,
    policyUri: client.policyUri,
    tosUri: client.tosUri,
    network: device.network,
    account: { sid: session.sid, subject: session.subject },
    scopes: displayScopes(asked, known),
    values: displayValues(asked, account?.claims ?? {}),
    expiresAt: device.expiresAt,
    csrf: await formToken(context, await ensureBrowser(context, request), formOf(device)),
  }
}

const open = async (context: Context, request: WireRequest, typed: string): Promise<Answer<OpenedDevice>> => {
  const { reply: looked, events } = await lookUp(context, request, typed)
  if (!looked.ok) return { reply: { kind: 'problem', problem: looked.error }, events }
  const found = looked.value
  const now = context.ports.clock.now()
  const [current] = await liveSessions(context, request, now)
  // A browser without our cookie holds no session either.
  if (current === undefined || (await findBrowser(context, request)) === undefined) {
    return { reply: { kind: 'signIn', userCode: showUserCode(parseUserCode(typed) ?? '') }, events: [] }
  }
  const { handle } = found.device
  const claimed = await context.stores.devices.claimDevice({ handle, subject: current.subject.subject, now })
  switch (claimed) {
    case 'claimed':
      return { reply: { kind: 'confirm', prompt: await prompt(context, request, found, current, typed) }, events: [] }
    case 'mismatched':
      return { reply: { kind: 'problem', problem: { reason: 'elsewhere' } }, events: [] }
    case 'unknown':
      return { reply: { kind: 'problem', problem: { reason: 'unknown' } }, events: [] }
  }
}

const grantOf = ({ device }: Found, { session }: HeldSession, now: GrantRecord['issuedAt']): GrantRecord => ({
  handle: device.handle,
  clientId: device.clientId,
  subject: session.subject,
  sid: session.sid,
  scope: device.scope,
  resources: device.resources,
  // The device is elsewhere: what it was given does not end with the browser that let it in.
  offline: true,
  redirectUriDigest: undefined,
  codeChallenge: undefined,
  dpopJkt: undefined,
  nonce: undefined,
  authTime: session.authTime,
  amr: session.amr,
  acr: session.acr,
  claims: undefined,
  issuedAt: now,
  codeExpiresAt: device.expiresAt,
})

type Settled = Awaited<ReturnType<Devices['settle']>>

const settle = async (context: Context, request: WireRequest, said: DeviceSettlement): Promise<Answer<Settled>> => {
  const answer = (reply: Settled): Answer<Settled> => ({ reply, events: [] })
  // No guess: a code counts here only with the token that its own page was given.
  const found = await findPending(context, said.userCode)
  const browser = await findBrowser(context, request)
  if (found === undefined) return answer('unknown')
  const submitted = { form: formOf(found.device), csrf: said.csrf }
  if (browser === undefined || !(await isFormToken(context, browser, submitted))) return answer('forged')
  const now = context.ports.clock.now()
  const held = (await liveSessions(context, request, now)).find(({ session }) => session.sid === said.sid)
  if (held === undefined) return answer('elsewhere')
  const { client, device } = found
  const { subject } = held
  const basis = {
    clientVersion: client.version,
    subjectVersion: subject.version,
    sid: held.session.sid,
    consentVersion: undefined,
  }
  const allowed = said.answer === 'allow'
  const fields = {
    clientId: client.clientId,
    subject: subject.subject,
    scope: device.scope.join(' '),
    network: request.remoteAddress,
  }
  const event = auditEntry('device.settled', now, { ...fields, ...(allowed ? { grant: device.handle } : {}) })
  const outcome = await context.stores.devices.settleDevice(
    {
      handle: device.handle,
      subject: subject.subject,
      issue: allowed ? { grant: grantOf(found, held, now), basis } : undefined,
    },
    { now, events: [event] },
  )
  switch (outcome) {
    case 'settled':
      return answer(allowed ? 'allowed' : 'denied')
    case 'mismatched':
      return answer('elsewhere')
    // Changed in this very moment, or settled in another tab: the code is typed anew.
    case 'stale':
    case 'unknown':
      return answer('unknown')
  }
}

/** The calls of an embedder's device pages, each with its events. */
export const deviceApprovals = (
  context: Context,
): {
  readonly open: (request: WireRequest, typed: string) => Promise<Answer<OpenedDevice>>
  readonly settle: (request: WireRequest, said: DeviceSettlement) => Promise<Answer<Settled>>
} => ({
  open: (request, typed) => open(context, request, typed),
  settle: (request, said) => settle(context, request, said),
})
