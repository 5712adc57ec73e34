// Owns the steps of cases about grants that are refreshed. Never judges what a case is about.

import type {
  AuditEntry,
  CodeIssue,
  CodeRedemption,
  GrantRecord,
  GrantRefresh,
  RefreshOutcome,
  RefreshRecord,
  RefreshSnapshot,
} from '../store/index.ts'
import type { CaseTools } from './contract.ts'
import { at } from './fresh.ts'
import { issued, present, redeem, redemptionOf, type SignedIn, tokenFor } from './world.ts'

/** A refresh state that begins ten seconds after the start: idle for 1000 seconds, absolute at 5000. */
export const refreshStateFor = (tools: CaseTools, changes: Partial<RefreshRecord> = {}): RefreshRecord => ({
  current: tools.fresh.digest(),
  previous: undefined,
  salt: undefined,
  mark: tools.fresh.digest(),
  rotatedAt: undefined,
  idleExpiresAt: at(1000),
  absoluteExpiresAt: at(5000),
  binding: undefined,
  ...changes,
})

/** A redeemed code whose grant has a refresh state. */
export interface Lasting {
  readonly issue: CodeIssue
  readonly redemption: CodeRedemption
  readonly state: RefreshRecord
}

/** Redeems a code of this world ten seconds after the start, with a refresh state. */
export const lasting = async (
  tools: CaseTools,
  world: SignedIn,
  changes: { readonly grant?: Partial<GrantRecord>; readonly state?: Partial<RefreshRecord> } = {},
): Promise<Lasting> => {
  const issue = await issued(tools, world, { grant: changes.grant ?? {} })
  const state = refreshStateFor(tools, changes.state)
  const redemption = redemptionOf(tools, issue, { refresh: state })
  tools.assert.deepEqual(await redeem(tools, redemption), { outcome: 'redeemed' })
  return { issue, redemption, state }
}

/** A refresh with the current token, that rotates, unless changed. The window is 30 seconds. */
export const refreshOf = (
  tools: CaseTools,
  { issue, state }: Pick<Lasting, 'issue' | 'state'>,
  changes: Partial<GrantRefresh> = {},
): GrantRefresh => ({
  handle: issue.grant.handle,
  presented: state.current,
  minted: true,
  clientId: issue.grant.clientId,
  binding: state.binding,
  basis: { clientVersion: issue.basis.clientVersion, subjectVersion: issue.basis.subjectVersion },
  rotation: { successor: tools.fresh.digest(), salt: tools.fresh.digest(), window: 30 },
  idleExpiresAt: at(2000),
  accessToken: tokenFor(tools, issue.grant, at(20)),
  proofs: [],
  ...changes,
})

/** The events of a refresh, one list for each ending that writes some. */
export interface RefreshEvents {
  readonly events?: readonly AuditEntry[]
  readonly retryEvents?: readonly AuditEntry[]
  readonly replayEvents?: readonly AuditEntry[]
}

/** Presents a refresh token `seconds` after the start. */
export const refreshAt = (
  tools: CaseTools,
  refresh: GrantRefresh,
  seconds: number,
  events: RefreshEvents = {},
): Promise<RefreshOutcome> =>
  tools.stores.grants.refreshGrant(refresh, {
    now: at(seconds),
    events: [],
    retryEvents: [],
    replayEvents: [],
    ...events,
  })

/** The refresh state as it is stored now. */
export const refreshNow = async (tools: CaseTools, issue: CodeIssue): Promise<RefreshSnapshot> =>
  present(await tools.stores.grants.findRefresh(issue.grant.handle), 'the refresh state')
