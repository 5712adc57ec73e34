// Owns the devices of the in-memory store that ask to be let in. Each transition is one synchronous step, so that nothing runs between
// its checks and its writes. Never sees a code, only its digest.

import type { GrantHandle, Instant } from '../base/index.ts'
import type { DevicePoll, DeviceRecord, DeviceStore } from '../store/index.ts'
import { anyReserved, basisHolds, isLive, standsAt, stateAround } from './judge.ts'
import { type DeviceEntry, type GrantEntry, insertNew, keep, type MemoryState, record } from './state.ts'
import { insertGrant, reserveAll, revoke, storeToken } from './writes.ts'

type Polled = Awaited<ReturnType<DeviceStore['pollDevice']>>

/** The entry, if its client is still the one that asked. */
const living = (state: MemoryState, entry: DeviceEntry | undefined): DeviceEntry | undefined =>
  entry !== undefined && state.clients.get(entry.device.clientId)?.incarnation === entry.clientIncarnation
    ? entry
    : undefined

const findPending = (state: MemoryState, handle: GrantHandle, now: Instant): DeviceEntry | undefined => {
  const entry = living(state, state.devices.get(handle))
  return entry?.device.status === 'pending' && now < entry.device.expiresAt ? entry : undefined
}

const replace = (state: MemoryState, entry: DeviceEntry, changes: Partial<DeviceRecord>): void => {
  state.devices.set(entry.device.handle, { ...entry, device: keep({ ...entry.device, ...changes }) })
}

const findUserCode = (state: MemoryState, digest: DeviceRecord['userCodeDigest']): DeviceEntry | undefined =>
  [...state.devices.values()].find(({ device }) => device.userCodeDigest === digest)

const findCode = (
  state: MemoryState,
  { handle, deviceDigest }: Pick<DevicePoll, 'handle' | 'deviceDigest'>,
): DeviceEntry | undefined => {
  const entry = living(state, state.devices.get(handle))
  return entry?.device.deviceDigest === deviceDigest ? entry : undefined
}

/** Whether the tokens of an approval may be given out. */
const canRedeem = (state: MemoryState, grant: GrantEntry, poll: DevicePoll, now: Instant): boolean => {
  if (poll.redemption === undefined || grant.revokedAt !== undefined) return false
  const around = stateAround(state, grant)
  return standsAt(around, poll.redemption.basis) && isLive(around.session, now)
}

/** The judgement alone, in the order of the contract. */
const judge = (state: MemoryState, poll: DevicePoll, now: Instant): Polled => {
  const entry = findCode(state, poll)
  if (entry === undefined || entry.device.clientId !== poll.clientId) return 'unknown'
  if (anyReserved(state, poll.proofs, now)) return 'proofReplayed'
  const { device } = entry
  const grant = device.status === 'approved' ? state.grants.get(poll.handle) : undefined
  if (grant?.redeemedAt !== undefined) return 'replayed'
  if (device.status === 'denied' || now >= device.expiresAt) return 'stale'
  if (grant !== undefined) return canRedeem(state, grant, poll, now) ? 'redeemed' : 'stale'
  if (poll.redemption !== undefined || device.status === 'approved') return 'stale'
  const early = device.polledAt !== undefined && now < device.polledAt + device.interval - poll.tolerance
  return early ? 'slowDown' : 'pending'
}

const redeem = (
  state: MemoryState,
  grant: GrantEntry | undefined,
  { redemption }: DevicePoll,
  occasion: Parameters<DeviceStore['pollDevice']>[1],
): void => {
  if (grant === undefined || redemption === undefined) return
  storeToken(state, redemption.accessToken)
  const refresh = redemption.refresh && keep(redemption.refresh)
  state.grants.set(grant.grant.handle, { ...grant, redeemedAt: occasion.now, refresh })
  record(state, occasion.events)
}

const commitPoll = (
  state: MemoryState,
  poll: DevicePoll,
  occasion: Parameters<DeviceStore['pollDevice']>[1],
): Polled => {
  const outcome = judge(state, poll, occasion.now)
  const entry = state.devices.get(poll.handle)
  const grant = state.grants.get(poll.handle)
  if (entry === undefined || outcome === 'unknown' || outcome === 'proofReplayed' || outcome === 'stale') return outcome
  reserveAll(state, poll.proofs)
  switch (outcome) {
    case 'redeemed':
      redeem(state, grant, poll, occasion)
      return outcome
    case 'replayed':
      if (grant !== undefined && revoke(state, grant, occasion.now) === 'revoked') record(state, occasion.replayEvents)
      return outcome
    case 'slowDown':
      replace(state, entry, { polledAt: occasion.now, interval: entry.device.interval + poll.growth })
      return outcome
    case 'pending':
      replace(state, entry, { polledAt: occasion.now })
      return outcome
  }
}

/** Devices over a shared state. */
export const memoryDevices = (state: MemoryState): DeviceStore => ({
  openDevice: async ({ device, clientVersion, proofs }, { now, events }) => {
    const client = state.clients.get(device.clientId)
    if (client === undefined || client.record.disabled || client.record.version !== clientVersion) return 'stale'
    if (anyReserved(state, proofs, now)) return 'proofReplayed'
    if (findUserCode(state, device.userCodeDigest) !== undefined) return 'taken'
    insertNew(state.devices, device.handle, { device: keep(device), clientIncarnation: client.incarnation })
    reserveAll(state, proofs)
    record(state, events)
    return 'opened'
  },

  findDevice: async (userCodeDigest) => living(state, findUserCode(state, userCodeDigest))?.device,

  findDeviceCode: async (code) => {
    const entry = findCode(state, code)
    const grant = entry?.device.status === 'approved' ? state.grants.get(code.handle) : undefined
    return (
      entry && {
        device: entry.device,
        approval: grant && { grant: grant.grant, redeemedAt: grant.redeemedAt, state: stateAround(state, grant) },
      }
    )
  },

  claimDevice: async ({ handle, subject, now }) => {
    const entry = findPending(state, handle, now)
    if (entry === undefined) return 'unknown'
    if (entry.device.claimedBy !== undefined && entry.device.claimedBy !== subject) return 'mismatched'
    replace(state, entry, { claimedBy: subject })
    return 'claimed'
  },

  settleDevice: async ({ handle, subject, issue }, { now, events }) => {
    const entry = findPending(state, handle, now)
    if (entry === undefined) return 'unknown'
    if (entry.device.claimedBy !== subject) return 'mismatched'
    if (issue !== undefined) {
      const { grant } = issue
      const fits = grant.handle === handle && grant.clientId === entry.device.clientId && grant.subject === subject
      if (!fits || !basisHolds(state, issue, { now, consent: 'compared' })) return 'stale'
      insertGrant(state, { grant, codeDigest: undefined })
    }
    replace(state, entry, { status: issue === undefined ? 'denied' : 'approved' })
    record(state, events)
    return 'settled'
  },

  pollDevice: async (poll, occasion) => commitPoll(state, poll, occasion),
})
