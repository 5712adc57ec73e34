// Owns what the use cases are given, and the secrets they make. Never knows who calls: CLI, console and REST API are all `actor`.

import { base64url, type Digest, digest, type Instant, reveal, type Secret, secret, utf8 } from '../base/index.ts'
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

// Unreserved in URIs, safe on a command line and easy to read out: no upper case, no 0, 1, l or o.
const ID_LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'
const ID_LENGTH = 24
const SECRET_BYTES = 32

/** A client identifier that nobody guesses and anybody can type (120 bits). */
export const mintClientId = (deps: Pick<AdminDeps, 'ports'>): string =>
  [...deps.ports.random.bytes(ID_LENGTH)].map((byte) => ID_LETTERS.charAt(byte % ID_LETTERS.length)).join('')

/**
 * A client secret of 256 bits in unreserved characters, so that form encoding before Basic changes nothing (RFC 6749 §2.3.1). Its prefix
 * lets scanners of source code find one that was committed.
 */
export const mintClientSecret = (deps: Pick<AdminDeps, 'ports'>): Secret =>
  secret(`vcs_${base64url(deps.ports.random.bytes(SECRET_BYTES))}`)

/** SHA-256 of a secret: the only form that is kept. */
export const digestOfSecret = async (deps: Pick<AdminDeps, 'ports'>, hidden: Secret): Promise<Digest> =>
  digest(base64url(await deps.ports.hasher.sha256(utf8(reveal(hidden)))))

/** The current instant. */
export const nowOf = (deps: Pick<AdminDeps, 'ports'>): Instant => deps.ports.clock.now()
