// Owns the device_code grant type (RFC 8628 §3.4): a device asks until a person has let it in. Every poll that may go on ends in one
// transition, which notes it or redeems the code. Never gives a code's tokens out twice.

import { auditEntry } from '../audit/index.ts'
import {
  type Digest,
  err,
  exhaustive,
  type GrantHandle,
  type MultiMap,
  ok,
  type Result,
  single,
} from '../base/index.ts'
import { type Context, digestOf } from '../context/index.ts'
import { DEVICE_CODE_GRANT, OFFLINE_ACCESS, POLL_INTERVAL, POLL_TOLERANCE } from '../spec/index.ts'
import { decideGrant } from '../standing/index.ts'
import type { DeviceSnapshot } from '../store/index.ts'
import { parseCredential } from '../tokens/index.ts'
import {
  type CommitFacts,
  type Committed,
  type DecideFacts,
  type GrantType,
  grantTypeOf,
  type OpenGrantType,
  type TokenDecision,
} from './grant-type.ts'
import type { TokenRejection } from './rejection.ts'

interface ParsedPoll {
  readonly code: string
  readonly handle: GrantHandle
}

interface LoadedDevice {
  readonly deviceDigest: Digest
  readonly snapshot: DeviceSnapshot | undefined
}

type Facts = DecideFacts<ParsedPoll, LoadedDevice>

const parse = (form: MultiMap): Result<ParsedPoll, TokenRejection> => {
  const code = single(form, 'device_code')
  if (code === undefined) return err({ reason: 'parameterMissing', name: 'device_code' })
  const handle = parseCredential(code)
  return handle === undefined ? err({ reason: 'deviceCodeUnknown' }) : ok({ code, handle })
}

const load = async (context: Context, { code, handle }: ParsedPoll): Promise<LoadedDevice> => {
  const deviceDigest = await digestOf(context, code)
  return { deviceDigest, snapshot: await context.stores.devices.findDeviceCode({ handle, deviceDigest }) }
}

const NOTHING: TokenDecision = {
  grant: undefined,
  scope: [],
  resources: [],
  idTokenOf: undefined,
  refresh: { kind: 'none' },
  doomed: true,
}

const decideApproved = (
  { client: { client }, now }: Facts,
  { grant, state }: NonNullable<DeviceSnapshot['approval']>,
): Result<TokenDecision, TokenRejection> => {
  // Until the device has fetched its tokens the approval lives no longer than the session it was given in, as a code does: who changes his
  // password in between has taken it back. From then on it is the device's own.
  const dead = decideGrant({ grant: { ...grant, offline: false }, state }, now)
  if (dead !== undefined) return err(dead)
  const scope = grant.scope.filter((value) => value === OFFLINE_ACCESS || client.scopes.includes(value))
  // Offline access alone is access to nothing.
  if (scope.every((value) => value === OFFLINE_ACCESS)) return err({ reason: 'scopesTaken' })
  const lasting =
    client.grantTypes.includes('refresh_token') && (scope.includes(OFFLINE_ACCESS) || client.refreshTokens === 'always')
  return ok({
    grant,
    scope,
    resources: grant.resources,
    idTokenOf: scope.includes('openid') ? { ...grant, scope } : undefined,
    refresh: { kind: lasting ? 'first' : 'none' },
    doomed: false,
  })
}

const decide = (facts: Facts): Result<TokenDecision, TokenRejection> => {
  const { snapshot } = facts.loaded
  if (snapshot === undefined || snapshot.device.clientId !== facts.client.client.clientId) {
    return err({ reason: 'deviceCodeUnknown' })
  }
  const { device, approval } = snapshot
  // Goes on to the commit, which revokes the grant in the write that finds the replay.
  if (approval?.redeemedAt !== undefined) return ok(NOTHING)
  if (device.status === 'denied') return err({ reason: 'deviceDenied' })
  if (device.expiresAt <= facts.now) return err({ reason: 'deviceCodeExpired' })
  // A poll is written down, so that the next one can be told to wait.
  return approval === undefined ? ok(NOTHING) : decideApproved(facts, approval)
}

/** What the transition is given to store, where the load found an approval that was not redeemed. */
const redemptionOf = ({ client, loaded, accessToken, refresh }: CommitFacts<ParsedPoll, LoadedDevice>) => {
  const approval = loaded.snapshot?.approval
  if (approval === undefined || approval.redeemedAt !== undefined) return undefined
  const basis = { clientVersion: client.client.version, subjectVersion: approval.state.subject?.version ?? 0 }
  return { basis, accessToken, refresh: refresh?.record }
}

const commit = async (
  context: Context,
  facts: CommitFacts<ParsedPoll, LoadedDevice>,
): Promise<Result<Committed, TokenRejection | 'stale'>> => {
  const { client, loaded, parsed, accessToken, refresh, now, network } = facts
  const { clientId } = client.client
  const subject = loaded.snapshot?.approval?.grant.subject
  const fields = subject && { clientId, subject, grant: parsed.handle, network }
  const redeemed = fields && { ...fields, scope: accessToken.scope.join(' ') }
  const outcome = await context.stores.devices.pollDevice(
    {
      handle: parsed.handle,
      deviceDigest: loaded.deviceDigest,
      clientId,
      redemption: redemptionOf(facts),
      tolerance: POLL_TOLERANCE,
      growth: POLL_INTERVAL,
      proofs: client.proofs,
    },
    {
      now,
      events: redeemed === undefined ? [] : [auditEntry('device_code.redeemed', now, redeemed)],
      replayEvents: fields === undefined ? [] : [auditEntry('device_code.replayed', now, fields)],
    },
  )
  switch (outcome) {
    case 'redeemed':
      return ok({ refreshToken: refresh?.minted.token, events: [] })
    case 'stale':
      return err('stale')
    case 'pending':
      return err({ reason: 'devicePending' })
    case 'slowDown':
      return err({ reason: 'deviceTooFast' })
    case 'replayed':
      return err({ reason: 'deviceCodeReplayed' })
    case 'unknown':
      return err({ reason: 'deviceCodeUnknown' })
    case 'proofReplayed':
      return err({ reason: 'proofReplayed' })
    default:
      return exhaustive(outcome)
  }
}

const grantType: GrantType<ParsedPoll, LoadedDevice> = { grantType: DEVICE_CODE_GRANT, parse, load, decide, commit }

/** The device_code grant type; it needs `features.device`, which brings the endpoint that the codes come from. */
export const deviceCode: OpenGrantType = grantTypeOf(grantType)
