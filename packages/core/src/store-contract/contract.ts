// Owns the shapes of the contract suite: what a store must be opened as, what a case is, what running it yields. Never knows a test
// runner nor a runtime: assertions come in from outside, because core's sources import no `node:*`.

import type { AuditEntry, Stores } from '../store/index.ts'
import type { Fresh } from './fresh.ts'

/** A store under test, empty when opened. */
export interface StoreHarness {
  readonly stores: Stores
  /** All audit events stored so far, in any order; no store reads them back, so the harness has its own door. */
  readEvents(): Promise<readonly AuditEntry[]>
  /** Gives back what opening took; called once, after the case, failed or not. */
  close(): Promise<void>
}

/**
 * Opens an empty store; called once per case. A store on a server may keep its connections and clear its tables between two calls:
 * cases run one after another. It should allow as many connections as a race has contenders, or the race is none.
 */
export type StoreFactory = () => Promise<StoreHarness>

/** The assertions that cases use, strict ones; `node:assert/strict` fits, and so does a few lines' worth elsewhere. */
export interface ContractAssert {
  equal(actual: unknown, expected: unknown, message?: string): void
  /** Compares by structure; a member that is undefined differs from one that is missing. */
  deepEqual(actual: unknown, expected: unknown, message?: string): void
}

/** `store.method`, as in `grants.redeemAuthorizationCode`. */
export type MethodName = {
  [S in keyof Stores]: `${S}.${keyof Stores[S] & string}`
}[keyof Stores]

/** One way a method can end: an outcome's own word; `true`, `false`; `nothing` for undefined; `value` for any other answer. */
export type Arm = `${MethodName}:${string}`

/** What a case works with. Every call through `stores` is recorded. */
export interface CaseTools {
  readonly stores: Stores
  readonly assert: ContractAssert
  /** New identifiers, digests and records; never the same twice within a case. */
  readonly fresh: Fresh
  /** How often a race is run again, each time on fresh records. */
  readonly rounds: number
  readEvents(): Promise<readonly AuditEntry[]>
  /**
   * Lets the contenders go at once: connections are warmed up first, and none starts before all stand at the barrier. Answers in
   * their order; rejects if one is rejected, after all have ended.
   */
  race<T>(contenders: readonly (() => Promise<T>)[]): Promise<readonly T[]>
}

/** A case as data: any runner can register it. */
export interface StoreCase {
  /** Requirements that this case would fail without; empty where none stands behind it. */
  readonly ids: readonly string[]
  /** What holds, in the present tense; unique within the suite. */
  readonly title: string
  /** The arms that this case reaches and judges; one that was not reached fails the case. */
  readonly covers: readonly Arm[]
  /** The methods that this case lets several callers call at once; one that was not raced fails the case. */
  readonly races: readonly MethodName[]
  run(tools: CaseTools): Promise<void>
}

/** How cases are run. */
export interface RunOptions {
  readonly open: StoreFactory
  readonly assert: ContractAssert
  /** Rounds per race: 5 finds an `await` between check and write; hundreds are for long runs. */
  readonly rounds: number
}

/** How one case went. */
export interface CaseResult {
  readonly case: StoreCase
  /** What was thrown, or undefined when the case holds. */
  readonly failure: Error | undefined
  /** Arms that were really seen, as `store.method:arm`. */
  readonly observed: ReadonlySet<string>
  /** Methods that several contenders of one race called. */
  readonly raced: ReadonlySet<string>
}
