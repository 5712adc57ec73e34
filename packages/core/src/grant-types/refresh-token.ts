// Owns the refresh_token grant type (RFC 6749 §6): one token of a family lives at any time, a lost answer is given again, and a token
// whose successor was used ends the family. Never trusts what was read for the verdict: the transition's own condition decides.

import { auditEntry } from '../audit/index.ts'
import { type Digest, err, exhaustive, later, type MultiMap, ok, type Result, single } from '../base/index.ts'
import { limitClaims } from '../claims/index.ts'
import { isConfidentialClient } from '../client/index.ts'
import type { Context } from '../context/index.ts'
import { OFFLINE_ACCESS } from '../spec/index.ts'
import { decideGrant } from '../standing/index.ts'
import type { GrantRecord, GrantRefresh, RefreshSnapshot } from '../store/index.ts'
import {
  deriveRefresh,
  digestOfPresented,
  isMintedFor,
  type PresentedRefresh,
  parseRefreshToken,
} from '../tokens/index.ts'
import {
  type CommitFacts,
  type Committed,
  type DecideFacts,
  type GrantType,
  grantTypeOf,
  type OpenGrantType,
  type TokenDecision,
} from './grant-type.ts'
import type { TokenRejection } from './rejection.ts'

interface LoadedRefresh {
  readonly digest: Digest
  /** Whether the secret carries the mark of the grant that was found. */
  readonly minted: boolean
  readonly snapshot: RefreshSnapshot | undefined
}

type Facts = DecideFacts<PresentedRefresh, LoadedRefresh>

const parse = (form: MultiMap): Result<PresentedRefresh, TokenRejection> => {
  const text = single(form, 'refresh_token')
  if (text === undefined) return err({ reason: 'parameterMissing', name: 'refresh_token' })
  const presented = parseRefreshToken(text)
  return presented === undefined ? err({ reason: 'refreshUnknown' }) : ok(presented)
}

const load = async (context: Context, presented: PresentedRefresh): Promise<LoadedRefresh> => {
  const snapshot = await context.stores.grants.findRefresh(presented.handle)
  return {
    digest: await digestOfPresented(context, presented),
    minted: snapshot !== undefined && (await isMintedFor(context, presented, snapshot.refresh)),
    snapshot,
  }
}

/** What was granted and the client may still have, narrowed as asked; offline access is not a scope of access tokens to narrow. */
const decideScope = (facts: Facts, grant: GrantRecord): Result<readonly string[], TokenRejection> => {
  const { scopes } = facts.client.client
  const left = grant.scope.filter((value) => value === OFFLINE_ACCESS || scopes.includes(value))
  if (left.every((value) => value === OFFLINE_ACCESS)) return err({ reason: 'scopesTaken' })
  const { scope: asked } = facts.asked
  if (asked === undefined) return ok(left)
  // A client that repeats its whole list may name offline access though it was not given it.
  const wanted = asked.filter((value) => value !== OFFLINE_ACCESS)
  if (!wanted.every((value) => grant.scope.includes(value))) return err({ reason: 'scopeExceeded' })
  const narrowed = left.filter((value) => asked.includes(value))
  return narrowed.some((value) => value !== OFFLINE_ACCESS) ? ok(narrowed) : err({ reason: 'scopesTaken' })
}

const decide = (facts: Facts): Result<TokenDecision, TokenRejection> => {
  const { snapshot, minted, digest } = facts.loaded
  if (snapshot === undefined || !minted) return err({ reason: 'refreshUnknown' })
  const { grant, refresh } = snapshot
  const { client } = facts.client
  if (grant.clientId !== client.clientId) return err({ reason: 'refreshOfAnotherClient' })
  const next = { kind: 'successor', presented: facts.parsed, of: refresh } as const
  const issue = { grant, resources: grant.resources, refresh: next } as const
  if (snapshot.state.revokedAt !== undefined) return err({ reason: 'grantRevoked' })
  if (refresh.idleExpiresAt <= facts.now || refresh.absoluteExpiresAt <= facts.now) {
    return err({ reason: 'refreshExpired' })
  }
  // Neither of the two that may come: the commit decides again, and revokes.
  if (digest !== refresh.current && digest !== refresh.previous) {
    return ok({ ...issue, scope: grant.scope, idTokenOf: undefined, doomed: true })
  }
  const dead = decideGrant(snapshot, facts.now)
  if (dead !== undefined) return err(dead)
  const scope = decideScope(facts, grant)
  if (!scope.ok) return scope
  const claims = grant.claims && limitClaims(grant.claims, client.scopes)
  // The nonce belongs to the request that the person answered (OIDC Core §12.2).
  const told = { ...grant, scope: scope.value, claims, nonce: undefined }
  return ok({
    ...issue,
    scope: scope.value,
    idTokenOf: scope.value.includes('openid') ? told : undefined,
    doomed: false,
  })
}

/** Half of what the access token lives at the most: a token that was given again must not outlast the window's purpose. */
const windowOf = (context: Context, facts: CommitFacts<PresentedRefresh, LoadedRefresh>): number => {
  const { expiresAt, issuedAt } = facts.accessToken
  return Math.min(context.lifetimes.refreshWindow, Math.floor((expiresAt - issuedAt) / 2))
}

const refreshOf = (
  context: Context,
  facts: CommitFacts<PresentedRefresh, LoadedRefresh>,
  snapshot: RefreshSnapshot,
): GrantRefresh => {
  const { client, loaded, parsed, accessToken, refresh, now } = facts
  return {
    handle: parsed.handle,
    presented: loaded.digest,
    minted: loaded.minted,
    clientId: client.client.clientId,
    // The key is the public client's only proof of itself; another one has authenticated (RFC 9449 §5).
    binding: isConfidentialClient(client.client) ? snapshot.refresh.binding : accessToken.binding,
    basis: { clientVersion: client.client.version, subjectVersion: snapshot.state.subject?.version ?? 0 },
    rotation:
      refresh?.minted.salt === undefined
        ? undefined
        : { successor: refresh.minted.digest, salt: refresh.minted.salt, window: windowOf(context, facts) },
    idleExpiresAt: later(now, context.lifetimes.refreshIdle),
    accessToken,
    proofs: client.proofs,
  }
}

const commit = async (
  context: Context,
  facts: CommitFacts<PresentedRefresh, LoadedRefresh>,
): Promise<Result<Committed, TokenRejection | 'stale'>> => {
  const { loaded, parsed, accessToken, refresh, now, network } = facts
  const { snapshot } = loaded
  if (snapshot === undefined) return err({ reason: 'refreshUnknown' })
  const { subject, handle, clientId } = snapshot.grant
  const fields = { clientId, subject, grant: handle, network }
  const scope = accessToken.scope.join(' ')
  const ending = await context.stores.grants.refreshGrant(refreshOf(context, facts, snapshot), {
    now,
    events: [auditEntry('refresh_token.rotated', now, { ...fields, scope })],
    retryEvents: [auditEntry('refresh_token.retried', now, { ...fields, scope })],
    replayEvents: [auditEntry('refresh_token.replayed', now, fields)],
  })
  switch (ending.outcome) {
    case 'rotated':
      return ok({ refreshToken: refresh?.minted.token, events: [] })
    case 'kept':
      return ok({ refreshToken: parsed.token, events: [] })
    case 'retried': {
      const again = await deriveRefresh(context, parsed, { salt: ending.salt, mark: snapshot.refresh.mark })
      return ok({ refreshToken: again.token, events: [] })
    }
    case 'stale':
      return err('stale')
    case 'replayed':
      return err({ reason: 'refreshReplayed' })
    case 'unknown':
      return err({ reason: 'refreshUnknown' })
    case 'mismatched':
      return err({ reason: 'refreshOfAnotherClient' })
    case 'proofReplayed':
      return err({ reason: 'proofReplayed' })
    case 'revoked':
      return err({ reason: 'grantRevoked' })
    case 'expired':
      return err({ reason: 'refreshExpired' })
    default:
      return exhaustive(ending)
  }
}

const grantType: GrantType<PresentedRefresh, LoadedRefresh> = {
  grantType: 'refresh_token',
  parse,
  load,
  decide,
  commit,
}

/** The refresh_token grant type. */
export const refreshToken: OpenGrantType = grantTypeOf(grantType)
