// Owns what one step of the flow works with: who came, and where the request stands. Never decides anything.

import type { Digest, Instant } from '../../base/index.ts'
import type { Browser, HeldSession } from '../../session/index.ts'
import type { AuthorizationRequestRecord, InteractionRecord } from '../../store/index.ts'
import type { Cookie } from '../../wire/index.ts'
import type { AuthorizationRejection } from './rejection.ts'

/** One visit of a browser: who it is, and what it brought. */
export interface Visit {
  readonly browser: Browser
  readonly network: string
  readonly now: Instant
  /** Reads the browser's live sessions anew. */
  readonly sessions: () => Promise<readonly HeldSession[]>
  /** Cookies set on the way: they go out with every answer, or a session just begun would be lost. */
  readonly cookies: readonly Cookie[]
}

/** What a step came to, where it did not end in something to send: the state it rests on moved, or the pushed request was spent. */
export type Missed = 'stale' | 'requestSpent'

/** Where a request stands. */
export interface Flow {
  readonly request: AuthorizationRequestRecord
  /** The pushed request that it is a copy of: spent by whatever answers the client. */
  readonly pushedRequest: Digest | undefined
  /** Undefined until a person had to be asked something. */
  readonly interaction: InteractionRecord | undefined
  /** Whether this very visit allowed what the consent page showed. */
  readonly allowed: boolean
  /**
   * Whether this visit brings an answer that was not heard yet: until then nothing is issued, and the page stays shown to whom it was
   * shown. Another tab may have signed somebody else in meanwhile, who neither typed this nor read that.
   */
  readonly answering: boolean
  /** What this very visit ended the request with: the person refused, or may not sign in. */
  readonly ending: AuthorizationRejection | undefined
}
