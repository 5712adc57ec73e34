// Owns the decision whether a name and a password belong together. Never tells apart, by answer or by work, a name that nobody has
// from a wrong password; never starts a session.

import { createHash } from 'node:crypto'
import {
  type AttemptKey,
  type AttemptStore,
  type AuditEntry,
  auditEntry,
  type Clock,
  digest,
  type Instant,
  networkOf,
  type Subject,
} from '@vouchsafe/core'
import type { Config } from '../config/index.ts'
import type { PasswordHasher } from './hashing.ts'
import { foldUsername, normalisePassword } from './names.ts'
import type { PasswordRow, People } from './people.ts'

/** What a person typed, and from where. */
export interface SignInAttempt {
  readonly username: string
  readonly password: string
  /** Address of the browser, as the door decided it. */
  readonly remoteAddress: string
}

/** How an attempt ended, and what the audit log is to be told. */
export type SignInOutcome = { readonly events: readonly AuditEntry[] } & (
  | { readonly outcome: 'verified'; readonly subject: Subject }
  /** The one answer for every other ending that has to do with name and password. */
  | { readonly outcome: 'refused' }
  /** Too many failures for this name or this network, whether it exists or not: 429, try again at `until`. */
  | { readonly outcome: 'throttled'; readonly until: Instant }
  /** Too many passwords are being hashed: 503, try again soon. */
  | { readonly outcome: 'busy' }
)

/** What signing in works with. */
export interface SignInDeps {
  readonly people: Pick<People, 'findPassword' | 'upgradeHash'>
  readonly hasher: PasswordHasher
  readonly attempts: AttemptStore
  readonly clock: Clock
  readonly throttle: Config['throttle']
}

type RefusalReason =
  | 'malformedPassword'
  | 'unknownUser'
  | 'noPassword'
  | 'wrongPassword'
  | 'disabled'
  | 'throttled'
  | 'busy'

// Digests, so that a copy of the table lists neither names nor addresses in clear.
const attemptKey = (kind: string, name: string, policy: AttemptKey['policy']): AttemptKey => ({
  key: digest(createHash('sha256').update(`sign_in:${kind}:${name}`).digest('base64url')),
  policy,
})

/** Compares with the hash that is there, else with a decoy of the same cost, so that both take the same time. */
const compare = async (
  hasher: PasswordHasher,
  row: PasswordRow | undefined,
  password: string,
): Promise<RefusalReason | undefined> => {
  const matches = await hasher.verify(row?.passwordHash ?? hasher.decoy, password)
  if (matches === 'busy') return 'busy'
  if (row === undefined) return 'unknownUser'
  if (row.passwordHash === undefined) return 'noPassword'
  if (!matches) return 'wrongPassword'
  return row.status === 'active' ? undefined : 'disabled'
}

const upgrade = async (deps: SignInDeps, row: PasswordRow, password: string): Promise<void> => {
  const from = row.passwordHash
  if (from === undefined || !deps.hasher.isOutdated(from)) return
  const to = await deps.hasher.hash(password)
  // Under load it can wait for the next time.
  if (to !== 'busy') await deps.people.upgradeHash({ subject: row.subject, from, to })
}

/** Decides sign-ins; rejects when the store of counters or people cannot be reached, since nobody is let in uncounted. */
export const createSignIn =
  (deps: SignInDeps): ((attempt: SignInAttempt) => Promise<SignInOutcome>) =>
  async (attempt) => {
    const now = deps.clock.now()
    const network = networkOf(attempt.remoteAddress)
    const refused = (reason: RefusalReason): { readonly events: readonly AuditEntry[] } => ({
      events: [auditEntry('sign_in.failed', now, { reason, network })],
    })
    const password = normalisePassword(attempt.password)
    // What can be no password tells nothing about the name, so it is neither hashed nor counted.
    if (password === undefined) return { outcome: 'refused', ...refused('malformedPassword') }
    if (deps.hasher.isFull()) return { outcome: 'busy', ...refused('busy') }
    const account = attemptKey('account', foldUsername(attempt.username), deps.throttle.account)
    const source = attemptKey('network', network, deps.throttle.network)
    const admission = await deps.attempts.admitAttempt([account, source], now)
    if (admission.outcome === 'throttled') {
      return { outcome: 'throttled', until: admission.until, ...refused('throttled') }
    }
    const row = await deps.people.findPassword(attempt.username)
    const reason = await compare(deps.hasher, row, password)
    if (reason === 'busy') {
      await deps.attempts.absolveAttempt({ reset: [], undo: [account.key, source.key] })
      return { outcome: 'busy', ...refused('busy') }
    }
    if (reason !== undefined || row === undefined) return { outcome: 'refused', ...refused(reason ?? 'unknownUser') }
    await deps.attempts.absolveAttempt({ reset: [account.key], undo: [source.key] })
    await upgrade(deps, row, password)
    return { outcome: 'verified', subject: row.subject, events: [] }
  }
