// Owns the identifiers and secrets that clients are given. Never keeps one in clear: a record holds digests.

import { base64url, type Digest, digest, reveal, type Secret, secret, utf8 } from '../base/index.ts'
import type { Ports } from '../ports/index.ts'
import type { ClientRecord, ClientSecretRecord } from '../store/index.ts'

/** What minting works with. */
export interface MintingDeps {
  readonly ports: Pick<Ports, 'random' | 'hasher'>
}

// Unreserved in URIs, safe on a command line and easy to read out: no upper case, no 0, 1, l or o.
const ID_LETTERS = 'abcdefghijkmnpqrstuvwxyz23456789'
const ID_LENGTH = 24
const SECRET_BYTES = 32

/** An identifier that nobody guesses and anybody can type (120 bits). */
export const mintClientId = (deps: MintingDeps): string =>
  [...deps.ports.random.bytes(ID_LENGTH)].map((byte) => ID_LETTERS.charAt(byte % ID_LETTERS.length)).join('')

/**
 * A secret of 256 bits in unreserved characters, so that form encoding before Basic changes nothing (RFC 6749 §2.3.1). Its prefix lets
 * scanners of source code find one that was committed: `vcs` for a client secret, `vcr` for a token that manages a registration, `vci`
 * for one that allows registering.
 */
export const mintSecret = (deps: MintingDeps, prefix: 'vcs' | 'vcr' | 'vci'): Secret =>
  secret(`${prefix}_${base64url(deps.ports.random.bytes(SECRET_BYTES))}`)

/** SHA-256 of a secret: the only form that is kept. */
export const digestOfSecret = async (deps: MintingDeps, hidden: Secret): Promise<Digest> =>
  digest(base64url(await deps.ports.hasher.sha256(utf8(reveal(hidden)))))

/** Whether a client authenticates by a secret that it sends. */
export const usesSecret = (client: Pick<ClientRecord, 'authMethod'>): boolean =>
  client.authMethod === 'client_secret_basic' || client.authMethod === 'client_secret_post'

/** Secrets of a client after a change, and the one in clear that was made, for the one answer that carries it. */
export interface ChangedSecrets {
  readonly secret: Secret | undefined
  readonly records: readonly ClientSecretRecord[]
}

/**
 * The secrets of a client whose way to authenticate is now `after`: one that begins to use a secret is given one, one that stops loses its own,
 * since it must not work again by a later change of heart. `before` is undefined for a new client.
 */
export const changeSecrets = async (
  deps: MintingDeps,
  before: Pick<ClientRecord, 'authMethod' | 'secrets'> | undefined,
  after: Pick<ClientRecord, 'authMethod'>,
): Promise<ChangedSecrets> => {
  if (!usesSecret(after)) return { secret: undefined, records: [] }
  if (before !== undefined && usesSecret(before)) return { secret: undefined, records: before.secrets }
  const made = mintSecret(deps, 'vcs')
  return { secret: made, records: [{ digest: await digestOfSecret(deps, made), expiresAt: undefined }] }
}
