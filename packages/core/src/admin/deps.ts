// Owns what the use cases are given. Never knows who calls: CLI, console and REST API are all `actor`.

import type { Instant } from '../base/index.ts'
import type { Ports } from '../ports/index.ts'
import type { Stores } from '../store/index.ts'

/** What the use cases work with. */
export interface AdminDeps {
  readonly stores: Pick<Stores, 'clients' | 'sessions' | 'subjects' | 'keys'>
  readonly ports: Pick<Ports, 'clock' | 'random' | 'hasher'>
}

/** What every change is told: who does it, for the audit log (`cli`, or the subject of an administrator). */
export interface Commission {
  readonly actor: string
}

/** The current instant. */
export const nowOf = (deps: Pick<AdminDeps, 'ports'>): Instant => deps.ports.clock.now()
