// Owns the shapes of a device that asks to be let in (RFC 8628 §3). Never holds a code in clear.

import type { ClientId, Digest, GrantHandle, Instant, Subject } from '../base/index.ts'
import type { GrantSnapshot } from './grant-records.ts'

/** A device that asks to be let in. */
export interface DeviceRecord {
  /** Of the grant that approving it writes. */
  readonly handle: GrantHandle
  readonly deviceDigest: Digest
  /** Of the code that a person types, in its bare form: capital letters alone. */
  readonly userCodeDigest: Digest
  readonly clientId: ClientId
  readonly scope: readonly string[]
  /** Protected resources that the tokens are to be for (RFC 8707 §2). */
  readonly resources: readonly string[]
  /** Address that the device asked from: told to who is to approve it. */
  readonly network: string
  readonly openedAt: Instant
  readonly expiresAt: Instant
  /** Until then it is known what became of it, so that a code that comes again is found out. */
  readonly keptUntil: Instant
  readonly status: 'pending' | 'approved' | 'denied'
  /** Who brought the user code while signed in: nobody else can settle it (RFC 8628 §5.5). */
  readonly claimedBy: Subject | undefined
  /** Seconds between two polls; grows when the device is too fast. */
  readonly interval: number
  readonly polledAt: Instant | undefined
}

/** A device code as found. */
export interface DeviceSnapshot {
  readonly device: DeviceRecord
  /** The grant, once a person approved, and when its tokens were given out. */
  readonly approval: (GrantSnapshot & { readonly redeemedAt: Instant | undefined }) | undefined
}
