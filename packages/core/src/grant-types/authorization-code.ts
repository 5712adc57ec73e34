// Owns the authorization_code grant type (RFC 6749 §4.1.3, RFC 7636 §4.6). Never consumes before everything else holds: a refused
// request leaves the code as it was, and only an otherwise valid replay kills the grant.

import { auditEntry } from '../audit/index.ts'
import {
  type Digest,
  err,
  exhaustive,
  type GrantHandle,
  type MultiMap,
  ok,
  type Result,
  single,
} from '../base/index.ts'
import { limitClaims } from '../claims/index.ts'
import { isConfidentialClient } from '../client/index.ts'
import { type Context, digestOf } from '../context/index.ts'
import { challengeOf } from '../pkce/index.ts'
import { LIMITS, OFFLINE_ACCESS } from '../spec/index.ts'
import { decideGrant } from '../standing/index.ts'
import type { AuthorizationCodeSnapshot, GrantRecord, TokenBinding } from '../store/index.ts'
import { parseCredential } from '../tokens/index.ts'
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

interface ParsedCodeRequest {
  readonly code: string
  readonly handle: GrantHandle
  readonly redirectUri: string | undefined
  readonly verifier: string | undefined
}

interface LoadedCode {
  readonly codeDigest: Digest
  readonly redirectUriDigest: Digest | undefined
  /** What the verifier answers: `malformed` for one that no challenge can come from, undefined when none was sent. */
  readonly challenge: string | 'malformed' | undefined
  readonly snapshot: AuthorizationCodeSnapshot | undefined
}

type Facts = DecideFacts<ParsedCodeRequest, LoadedCode>

const parse = (form: MultiMap): Result<ParsedCodeRequest, TokenRejection> => {
  const code = single(form, 'code')
  if (code === undefined) return err({ reason: 'parameterMissing', name: 'code' })
  const handle = parseCredential(code)
  if (handle === undefined) return err({ reason: 'codeUnknown' })
  const redirectUri = single(form, 'redirect_uri')
  if ((redirectUri?.length ?? 0) > LIMITS.redirectUri) return err({ reason: 'redirectUriMismatch' })
  return ok({ code, handle, redirectUri, verifier: single(form, 'code_verifier') })
}

const load = async (context: Context, parsed: ParsedCodeRequest): Promise<LoadedCode> => {
  const { redirectUri, verifier, handle } = parsed
  const codeDigest = await digestOf(context, parsed.code)
  return {
    codeDigest,
    redirectUriDigest: redirectUri === undefined ? undefined : await digestOf(context, redirectUri),
    challenge:
      verifier === undefined ? undefined : ((await challengeOf(context.ports.hasher, verifier)) ?? 'malformed'),
    snapshot: await context.stores.grants.findAuthorizationCode({ handle, codeDigest }),
  }
}

const mayGoWithoutChallenge = ({ client: { client } }: Facts): boolean =>
  isConfidentialClient(client) && client.pkce === 'optional'

const isBoundTo = (binding: TokenBinding | undefined, jkt: Digest): boolean =>
  binding?.method === 'jkt' && binding.thumbprint === jkt

/** Each binding is checked by itself, whatever the others say (RFC 6749 §4.1.3). */
const checkBindings = (facts: Facts, grant: GrantRecord): TokenRejection | undefined => {
  const { redirectUriDigest, challenge } = facts.loaded
  if (grant.clientId !== facts.client.client.clientId) return { reason: 'codeOfAnotherClient' }
  // Left out, it is only missed where no challenge binds the code to who asked for it (OAuth 2.1 §10.1).
  const redirectHolds =
    redirectUriDigest === undefined ? grant.codeChallenge !== undefined : redirectUriDigest === grant.redirectUriDigest
  if (!redirectHolds) return { reason: 'redirectUriMismatch' }
  // A stolen code and its verifier are worth nothing without the key (RFC 9449 §10).
  if (grant.dpopJkt !== undefined && !isBoundTo(facts.binding, grant.dpopJkt)) return { reason: 'codeKeyWrong' }
  if (grant.codeChallenge === undefined && challenge !== undefined) return { reason: 'verifierUnexpected' }
  // The client may have become one that needs PKCE since: a code without a challenge is then bound to nothing (RFC 9700 §2.1.1).
  if (grant.codeChallenge === undefined) return mayGoWithoutChallenge(facts) ? undefined : { reason: 'verifierMissing' }
  if (challenge === undefined) return { reason: 'verifierMissing' }
  return challenge === grant.codeChallenge ? undefined : { reason: 'verifierWrong' }
}

/** The state around the grant, read just now. */
const checkState = (facts: Facts, snapshot: AuthorizationCodeSnapshot): TokenRejection | undefined => {
  const { grant, state } = snapshot
  if (state.revokedAt !== undefined) return { reason: 'grantRevoked' }
  if (grant.codeExpiresAt <= facts.now) return { reason: 'codeExpired' }
  return decideGrant(snapshot, facts.now)
}

const decide = (facts: Facts): Result<TokenDecision, TokenRejection> => {
  const { snapshot } = facts.loaded
  if (snapshot === undefined) return err({ reason: 'codeUnknown' })
  const { grant } = snapshot
  const { client } = facts.client
  const unbound = checkBindings(facts, grant)
  if (unbound !== undefined) return err(unbound)
  const issue = { grant, resources: grant.resources, refresh: { kind: 'none' } } as const
  // Goes on to the commit, which revokes the grant in the write that finds the replay.
  if (snapshot.redeemedAt !== undefined) return ok({ ...issue, scope: grant.scope, idTokenOf: undefined, doomed: true })
  const dead = checkState(facts, snapshot)
  if (dead !== undefined) return err(dead)
  // What was taken from the client since the person allowed it is not given any more.
  const scope = grant.scope.filter((value) => value === OFFLINE_ACCESS || client.scopes.includes(value))
  // Offline access alone is access to nothing.
  if (scope.every((value) => value === OFFLINE_ACCESS)) return err({ reason: 'scopesTaken' })
  const claims = grant.claims && limitClaims(grant.claims, client.scopes)
  const lasting = client.grantTypes.includes('refresh_token') && (grant.offline || client.refreshTokens === 'always')
  return ok({
    ...issue,
    scope,
    idTokenOf: scope.includes('openid') ? { ...grant, scope, claims } : undefined,
    refresh: { kind: lasting ? 'first' : 'none' },
    doomed: false,
  })
}

const commit = async (
  context: Context,
  facts: CommitFacts<ParsedCodeRequest, LoadedCode>,
): Promise<Result<Committed, TokenRejection | 'stale'>> => {
  const { client, loaded, parsed, accessToken, refresh, now, network } = facts
  const { snapshot, challenge } = loaded
  if (snapshot === undefined) return err({ reason: 'codeUnknown' })
  const { clientId, version: clientVersion } = client.client
  const { subject, handle } = snapshot.grant
  const fields = { clientId, subject, grant: handle, network }
  const ending = await context.stores.grants.redeemAuthorizationCode(
    {
      handle: parsed.handle,
      codeDigest: loaded.codeDigest,
      clientId,
      redirectUriDigest: loaded.redirectUriDigest,
      codeChallenge: challenge,
      basis: { clientVersion, subjectVersion: snapshot.state.subject?.version ?? 0 },
      accessToken,
      refresh: refresh?.record,
      proofs: client.proofs,
    },
    {
      now,
      events: [auditEntry('authorization_code.redeemed', now, { ...fields, scope: accessToken.scope.join(' ') })],
      replayEvents: [auditEntry('authorization_code.replayed', now, fields)],
    },
  )
  switch (ending.outcome) {
    case 'redeemed':
      return ok({ refreshToken: refresh?.minted.token, events: [] })
    case 'stale':
      return err('stale')
    case 'replayed':
      return err({ reason: 'codeReplayed' })
    case 'unknown':
      return err({ reason: 'codeUnknown' })
    case 'mismatched':
      return err({ reason: 'codeOfAnotherClient' })
    case 'proofReplayed':
      return err({ reason: 'proofReplayed' })
    case 'revoked':
      return err({ reason: 'grantRevoked' })
    case 'expired':
      return err({ reason: 'codeExpired' })
    default:
      return exhaustive(ending)
  }
}

const grantType: GrantType<ParsedCodeRequest, LoadedCode> = {
  grantType: 'authorization_code',
  parse,
  load,
  decide,
  commit,
}

/** The authorization_code grant type. */
export const authorizationCode: OpenGrantType = grantTypeOf(grantType)
