// Owns the steps of cases about devices that ask to be let in. Never judges what a case is about.

import type { AuditEntry, DevicePoll, DeviceRecord, GrantRecord } from '../store/index.ts'
import type { CaseTools } from './contract.ts'
import { at, on } from './fresh.ts'
import { issueFor, redeemingOn, type SignedIn, tokenFor } from './world.ts'

/** A device of this client, not stored yet: it lives 600 seconds, is kept 1000 and may ask every 5. */
export const deviceFor = (
  tools: CaseTools,
  client: SignedIn['client'],
  changes: Partial<DeviceRecord> = {},
): DeviceRecord => ({
  handle: tools.fresh.handle(),
  deviceDigest: tools.fresh.digest(),
  userCodeDigest: tools.fresh.digest(),
  clientId: client.clientId,
  scope: ['openid', 'profile'],
  resources: [`https://api.example/${tools.fresh.text()}`],
  network: '192.0.2.7',
  openedAt: at(0),
  expiresAt: at(600),
  keptUntil: at(1000),
  status: 'pending',
  claimedBy: undefined,
  interval: 5,
  polledAt: undefined,
  ...changes,
})

/** A stored device. */
export const openedDevice = async (
  tools: CaseTools,
  client: SignedIn['client'],
  changes: Partial<DeviceRecord> = {},
): Promise<DeviceRecord> => {
  const device = deviceFor(tools, client, changes)
  const open = { device, clientVersion: client.version, proofs: [] }
  tools.assert.equal(await tools.stores.devices.openDevice(open, on(0)), 'opened')
  return device
}

/** The approval of a device by the person of this world, offline as such a grant is. */
export const approvalFor = (
  tools: CaseTools,
  world: SignedIn,
  device: DeviceRecord,
): { readonly grant: GrantRecord; readonly basis: SignedIn['basis'] } => {
  const { scope, resources, handle } = device
  const nothing = { redirectUriDigest: undefined, codeChallenge: undefined, nonce: undefined }
  const { grant, basis } = issueFor(tools, world, {
    grant: { handle, scope, resources, offline: true, codeExpiresAt: device.expiresAt, ...nothing },
  })
  return { grant, basis }
}

/** Claims a device for a person, one second after the start. */
export const claim = async (tools: CaseTools, { session }: SignedIn, { handle }: DeviceRecord): Promise<void> => {
  const { subject } = session
  tools.assert.equal(await tools.stores.devices.claimDevice({ handle, subject, now: at(1) }), 'claimed')
}

/** A stored device that was claimed and let in. */
export const approvedDevice = async (
  tools: CaseTools,
  world: SignedIn,
): Promise<{ readonly device: DeviceRecord; readonly grant: GrantRecord }> => {
  const device = await openedDevice(tools, world.client)
  await claim(tools, world, device)
  const issue = approvalFor(tools, world, device)
  const settle = { handle: device.handle, subject: world.session.subject, issue }
  tools.assert.equal(await tools.stores.devices.settleDevice(settle, on(2)), 'settled')
  return { device, grant: issue.grant }
}

/** A poll by the right client, with nothing to redeem unless changed. */
export const pollOf = (device: DeviceRecord, changes: Partial<DevicePoll> = {}): DevicePoll => ({
  handle: device.handle,
  deviceDigest: device.deviceDigest,
  clientId: device.clientId,
  redemption: undefined,
  tolerance: 1,
  growth: 5,
  proofs: [],
  ...changes,
})

/** A poll that would redeem this approval. */
export const redeemingPoll = (
  tools: CaseTools,
  world: SignedIn,
  { device, grant }: { readonly device: DeviceRecord; readonly grant: GrantRecord },
  changes: Partial<DevicePoll> = {},
): DevicePoll => {
  const { clientVersion, subjectVersion } = world.basis
  const redemption = {
    basis: { clientVersion, subjectVersion },
    accessToken: tokenFor(tools, grant),
    refresh: undefined,
  }
  return pollOf(device, { redemption, ...changes })
}

/** Polls `seconds` after the start. */
export const pollAt = (
  tools: CaseTools,
  poll: DevicePoll,
  seconds: number,
  events: { readonly events?: readonly AuditEntry[]; readonly replayEvents?: readonly AuditEntry[] } = {},
): Promise<string> => tools.stores.devices.pollDevice(poll, redeemingOn(seconds, events))
