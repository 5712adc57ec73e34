// Owns the client_credentials grant type (RFC 6749 §4.4): tokens that a client is given in its own name. Never speaks of a person: it
// gives no ID token, no refresh token and no scope of OpenID Connect.

import { auditEntry } from '../audit/index.ts'
import { err, ok, type Result } from '../base/index.ts'
import { isConfidentialClient } from '../client/index.ts'
import type { Context } from '../context/index.ts'
import { PERSONAL_SCOPES } from '../spec/index.ts'
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

type Nothing = Readonly<Record<string, never>>

const decide = ({
  client: { client },
  asked,
}: DecideFacts<Nothing, Nothing>): Result<TokenDecision, TokenRejection> => {
  // Anybody can name a public client, and a secret that every copy of an app holds is none (RFC 6749 §4.4).
  if (!isConfidentialClient(client)) return err({ reason: 'clientIsPublic' })
  const allowed = client.scopes.filter((value) => !PERSONAL_SCOPES.includes(value))
  if (allowed.length === 0) return err({ reason: 'scopeMissing' })
  if (asked.scope?.some((value) => !allowed.includes(value))) return err({ reason: 'scopeExceeded' })
  return ok({
    grant: undefined,
    scope: asked.scope ?? allowed,
    resources: [],
    idTokenOf: undefined,
    refresh: { kind: 'none' },
    doomed: false,
  })
}

const commit = async (
  context: Context,
  { client, accessToken, now, network }: CommitFacts<Nothing, Nothing>,
): Promise<Result<Committed, TokenRejection | 'stale'>> => {
  const { clientId, version } = client.client
  const scope = accessToken.scope.join(' ')
  const events = [auditEntry('client_token.issued', now, { clientId, scope, format: accessToken.format, network })]
  if (accessToken.format === 'jwt') {
    // Nothing is stored of a JWT; what proves the client is used up last.
    const { proofs } = client
    if (proofs.length > 0 && (await context.stores.reservations.reserve(proofs, now)) === 'replayed') {
      return err({ reason: 'proofReplayed' })
    }
    return ok({ refreshToken: undefined, events })
  }
  const issue = { token: accessToken, basis: { clientVersion: version }, proofs: client.proofs }
  const outcome = await context.stores.accessTokens.issueOwnToken(issue, { now, events })
  switch (outcome) {
    case 'issued':
      return ok({ refreshToken: undefined, events: [] })
    case 'stale':
      return err('stale')
    case 'proofReplayed':
      return err({ reason: 'proofReplayed' })
  }
}

const grantType: GrantType<Nothing, Nothing> = {
  grantType: 'client_credentials',
  parse: () => ok({}),
  load: async () => ({}),
  decide,
  commit,
}

/** The client_credentials grant type. */
export const clientCredentials: OpenGrantType = grantTypeOf(grantType)
