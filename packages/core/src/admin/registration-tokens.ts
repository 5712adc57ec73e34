// Owns what an operator does to initial access tokens (RFC 7591 §3). Never shows one twice: only its digest is kept.

import { auditEntry } from '../audit/index.ts'
import { err, later, ok, type Result, type Secret } from '../base/index.ts'
import { digestOfSecret, mintClientId, mintSecret } from '../client/credentials.ts'
import type { Page, RegistrationTokenRecord, Stores } from '../store/index.ts'
import { type AdminDeps, type Commission, nowOf } from './deps.ts'

/** What these use cases work with. */
export interface RegistrationTokenDeps extends Pick<AdminDeps, 'ports'> {
  readonly stores: Pick<Stores, 'registrationTokens'>
}

/** What a new initial access token is good for. */
export interface RegistrationTokenCreation extends Commission {
  /** Words of at most 100 characters for what it is meant for. */
  readonly label: string
  /** How many clients may be registered with it: 1 to 10 000. */
  readonly uses: number
  /** Seconds: from a minute to a year. */
  readonly lifetime: number
  /** Scopes that these clients may have, of those that clients may register at all; undefined for all of these. */
  readonly scopes: readonly string[] | undefined
}

/** An initial access token as an operator reads it. */
export type RegistrationTokenDescription = Omit<RegistrationTokenRecord, 'digest'>

/** Which part of a creation is out of its bounds. */
export type RegistrationTokenRefusal = 'label' | 'uses' | 'lifetime' | 'scopes'

const YEAR = 365 * 24 * 60 * 60
const SCOPE_TOKEN = /^[\x21\x23-\x5B\x5D-\x7E]{1,100}$/

const within = (value: number, least: number, most: number): boolean =>
  Number.isInteger(value) && value >= least && value <= most

const refusalOf = ({
  label,
  uses,
  lifetime,
  scopes,
}: RegistrationTokenCreation): RegistrationTokenRefusal | undefined => {
  if (label.length > 100 || /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(label)) return 'label'
  if (!within(uses, 1, 10_000)) return 'uses'
  if (!within(lifetime, 60, YEAR)) return 'lifetime'
  return scopes?.every((scope) => SCOPE_TOKEN.test(scope)) === false ? 'scopes' : undefined
}

const describe = ({ digest: _, ...shown }: RegistrationTokenRecord): RegistrationTokenDescription => shown

/** Makes an initial access token of 256 bits; it is in the answer and kept as a digest only (RFC 6819 §5.1.4.1.3). */
export const createRegistrationToken = async (
  deps: RegistrationTokenDeps,
  creation: RegistrationTokenCreation,
): Promise<
  Result<{ readonly token: Secret; readonly record: RegistrationTokenDescription }, RegistrationTokenRefusal>
> => {
  const refused = refusalOf(creation)
  if (refused !== undefined) return err(refused)
  const { label, uses, lifetime, scopes, actor } = creation
  const now = nowOf(deps)
  const token = mintSecret(deps, 'vci')
  const digest = await digestOfSecret(deps, token)
  const expiresAt = later(now, lifetime)
  const record = { id: mintClientId(deps), digest, label, scopes, usesLeft: uses, createdAt: now, expiresAt }
  const events = [auditEntry('registration_token.created', now, { id: record.id, uses, actor })]
  const outcome = await deps.stores.registrationTokens.createRegistrationToken(record, { now, events })
  // An id of 120 random bits that is taken means that the randomness is none.
  if (outcome === 'taken') throw new Error('a random identifier was taken')
  return ok({ token, record: describe(record) })
}

/** A page of initial access tokens, spent and expired ones too. */
export const listRegistrationTokens = async (
  deps: RegistrationTokenDeps,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<Page<RegistrationTokenDescription>> => {
  const { items, next } = await deps.stores.registrationTokens.listRegistrationTokens(page)
  return { items: items.map(describe), next }
}

/** Revokes an initial access token at once; clients that were registered with it stay. */
export const revokeRegistrationToken = async (
  deps: RegistrationTokenDeps,
  revocation: Commission & { readonly id: string },
): Promise<'revoked' | 'unknown'> => {
  const now = nowOf(deps)
  const events = [auditEntry('registration_token.revoked', now, { id: revocation.id, actor: revocation.actor })]
  return deps.stores.registrationTokens.revokeRegistrationToken(revocation.id, { now, events })
}
