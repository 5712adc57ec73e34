// Owns the engine of token exchange (RFC 8693), behind both of its doors: an API that received a token gets one for the API behind it, for
// the same person and on the same grant. Never gives more than the client that exchanges may have, nor for longer than what it received,
// nor to anybody but the API that the received token was for.

import { auditEntry } from '../audit/index.ts'
import { type ClientId, err, exhaustive, ok, type Result, type Secret } from '../base/index.ts'
import { loadAccessToken } from '../bearer/index.ts'
import { isConfidentialClient } from '../client/index.ts'
import type { Context } from '../context/index.ts'
import { scopesOf } from '../resource/index.ts'
import { PERSONAL_SCOPES, TOKEN_TYPES } from '../spec/index.ts'
import { decideToken } from '../standing/index.ts'
import type { AccessTokenSnapshot, GrantRecord, ResourceRecord } from '../store/index.ts'
import type { CommitFacts, Committed, DecideFacts, GrantType, TokenDecision } from './grant-type.ts'
import type { TokenRejection } from './rejection.ts'

// Each is one more that a token passed through; a longer chain is more likely a loop than a design.
const MOST_ACTORS = 4

/** A token as presented, with the type that the request gives it. */
export interface PresentedToken {
  readonly token: Secret
  readonly type: string
}

/** An exchange as either door reads it. */
export interface ParsedExchange {
  readonly subjectToken: PresentedToken
  readonly actorToken: PresentedToken | undefined
  /** Resources named as `audience`. */
  readonly audience: readonly string[]
  /** Undefined where any will do. */
  readonly requestedType: string | undefined
  /** Whether the answer says the type of what was issued. */
  readonly door: 'token-exchange' | 'jwt-bearer'
}

/** What an exchange rests on. */
export interface LoadedExchange {
  readonly subjectToken: AccessTokenSnapshot | undefined
  readonly actorToken: AccessTokenSnapshot | undefined
  readonly resources: readonly ResourceRecord[]
}

type Facts = DecideFacts<ParsedExchange, LoadedExchange>

interface Exchangeable {
  readonly snapshot: AccessTokenSnapshot
  readonly grant: GrantRecord
  /** The resources that the token was for. */
  readonly own: readonly ResourceRecord[]
}

const isOfType = ({ token }: AccessTokenSnapshot, { type }: PresentedToken): boolean =>
  type === TOKEN_TYPES.accessToken || token.format === 'jwt'

const load = async (context: Context, parsed: ParsedExchange): Promise<LoadedExchange> => ({
  subjectToken: await loadAccessToken(context, parsed.subjectToken.token),
  actorToken: parsed.actorToken && (await loadAccessToken(context, parsed.actorToken.token)),
  resources: await context.stores.resources.listResources(),
})

/** Whether this client may exchange what it presents. */
const decideSubject = ({ client: { client }, parsed, loaded, now }: Facts): Result<Exchangeable, TokenRejection> => {
  const { subjectToken: snapshot, resources } = loaded
  if (snapshot === undefined || !isOfType(snapshot, parsed.subjectToken)) return err({ reason: 'subjectTokenUnknown' })
  const { token, family } = snapshot
  const dead = decideToken(token, snapshot, now)
  if (dead !== undefined) return err({ reason: 'subjectTokenDead', because: dead.reason })
  if (family === undefined) return err({ reason: 'subjectTokenOfAClient' })
  const own = resources.filter(({ identifier }) => token.audience.includes(identifier))
  // Whoever saw a token could else have it turned into what he may not have; only the API that it was sent to may (RFC 8693 §1.1).
  if (!own.some(({ introspectionClients }) => introspectionClients.includes(client.clientId))) {
    return err({ reason: 'subjectTokenOfAnotherApi' })
  }
  // The API cannot prove its caller's key, and a token without it would be the bound one set free (RFC 8693 §5).
  if (token.binding !== undefined) return err({ reason: 'subjectTokenBound' })
  return ok({ snapshot, grant: family.grant, own })
}

/** An actor is the client itself, so its token may only be one that the client holds in its own name (RFC 8693 §2.1). */
const isActorProven = ({ client: { client }, parsed, loaded, now }: Facts): boolean => {
  const { actorToken: presented } = parsed
  if (presented === undefined) return true
  const { actorToken: snapshot } = loaded
  return (
    snapshot !== undefined &&
    isOfType(snapshot, presented) &&
    decideToken(snapshot.token, snapshot, now) === undefined &&
    snapshot.token.owner === 'client' &&
    snapshot.token.clientId === client.clientId &&
    snapshot.token.binding === undefined
  )
}

/** The resources named, by either parameter. */
const decideNamed = ({ asked, parsed }: Facts): Result<readonly string[], TokenRejection> => {
  const { resources } = asked
  if (resources.length === 0) return ok(parsed.audience)
  return parsed.audience.every((one) => resources.includes(one))
    ? ok(resources)
    : err({ reason: 'resourcesIncompatible' })
}

/** What the client may have of APIs; of the one that the token was for, no more than the token had (RFC 8693 §5). */
const decideScope = (
  { client: { client }, asked, loaded }: Facts,
  { snapshot, own }: Exchangeable,
  named: readonly string[],
): Result<readonly string[], TokenRejection> => {
  const ofApis = scopesOf(loaded.resources, client.scopes).filter((value) => !PERSONAL_SCOPES.includes(value))
  const allowed = ofApis.filter((value) => snapshot.token.scope.includes(value) || scopesOf(own, [value]).length === 0)
  if (asked.scope?.some((value) => !allowed.includes(value))) return err({ reason: 'scopeExceeded' })
  const scope = asked.scope ?? allowed
  if (scope.length > 0) return ok(scope)
  return err({ reason: named.length > 0 ? 'resourceNotGranted' : 'scopeMissing' })
}

const actorsAfter = (client: ClientId, snapshot: AccessTokenSnapshot): readonly ClientId[] => [
  client,
  ...snapshot.actors,
]

const decide = (facts: Facts): Result<TokenDecision, TokenRejection> => {
  const { client } = facts.client
  // Anybody can name a public client, and then anybody could exchange (RFC 8693 §2.1).
  if (!isConfidentialClient(client)) return err({ reason: 'clientIsPublic' })
  const subject = decideSubject(facts)
  if (!subject.ok) return subject
  if (!isActorProven(facts)) return err({ reason: 'actorTokenRefused' })
  const { snapshot, grant } = subject.value
  const actors = actorsAfter(client.clientId, snapshot)
  if (actors.length > MOST_ACTORS) return err({ reason: 'actorsTooMany' })
  const named = decideNamed(facts)
  if (!named.ok) return named
  const scope = decideScope(facts, subject.value, named.value)
  if (!scope.ok) return scope
  return ok({
    grant,
    scope: scope.value,
    resources: named.value,
    idTokenOf: undefined,
    refresh: { kind: 'none' },
    endsBy: snapshot.token.expiresAt,
    actors,
    doomed: false,
  })
}

const answered = ({ parsed }: Facts): Committed => ({
  refreshToken: undefined,
  events: [],
  ...(parsed.door === 'token-exchange' ? { issuedTokenType: parsed.requestedType ?? TOKEN_TYPES.accessToken } : {}),
})

const commit = async (
  context: Context,
  facts: CommitFacts<ParsedExchange, LoadedExchange>,
): Promise<Result<Committed, TokenRejection | 'stale'>> => {
  const { client, parsed, loaded, accessToken: token, now, network } = facts
  const { subjectToken: snapshot } = loaded
  if (snapshot?.family === undefined) return err({ reason: 'subjectTokenUnknown' })
  if (parsed.requestedType === TOKEN_TYPES.jwt && token.format !== 'jwt') return err({ reason: 'tokenTypeUnavailable' })
  const { grant, state } = snapshot.family
  const { clientId, version: clientVersion } = client.client
  const actors = actorsAfter(clientId, snapshot)
  const event = auditEntry('token.exchanged', now, {
    clientId,
    from: snapshot.token.clientId,
    subject: grant.subject,
    grant: grant.handle,
    parent: snapshot.token.digest,
    child: token.digest,
    actors,
    scope: token.scope.join(' '),
    audience: token.audience,
    network,
  })
  const outcome = await context.stores.accessTokens.issueExchangedToken(
    {
      token,
      actors,
      basis: { clientVersion, subjectVersion: state.subject?.version ?? 0 },
      proofs: client.proofs,
    },
    { now, events: [event] },
  )
  switch (outcome) {
    case 'issued':
      return ok(answered(facts))
    case 'stale':
      return err('stale')
    case 'revoked':
      return err({ reason: 'subjectTokenDead', because: 'grantRevoked' })
    case 'proofReplayed':
      return err({ reason: 'proofReplayed' })
    default:
      return exhaustive(outcome)
  }
}

/** Everything of a grant type but its door. */
export const exchangeEngine: Pick<GrantType<ParsedExchange, LoadedExchange>, 'load' | 'decide' | 'commit'> = {
  load,
  decide,
  commit,
}
