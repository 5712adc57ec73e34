// Owns the revocation endpoint (RFC 7009 §2): a client gives back a token of its own. Never tells whether there was one: unknown, expired and
// other clients' tokens are answered as if they had been revoked.

import { auditEntry } from '../../audit/index.ts'
import { err, ok, type Result, reveal, type Secret, secret, single } from '../../base/index.ts'
import { loadAccessToken } from '../../bearer/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import type { TokenRejection } from '../../grant-types/index.ts'
import { LIMITS } from '../../spec/index.ts'
import type { AccessTokenRecord, ClientRecord } from '../../store/index.ts'
import { isMintedFor, type PresentedRefresh, parseRefreshToken } from '../../tokens/index.ts'
import type { Reply, WireRequest } from '../../wire/index.ts'
import {
  authenticateForm,
  type ClientForm,
  type Occasion,
  parseClientForm,
  refuseForm,
  spendProofs,
} from '../client-form.ts'
import type { Addressee } from '../cross-origin.ts'

// JSON with nothing in it: some clients fail on any other type, and none on this one.
const REVOKED: Reply = {
  kind: 'json',
  status: 200,
  contentType: 'application/json',
  body: '',
  headers: new Map([['Cache-Control', 'no-store']]),
}

const parseToken = ({ form }: ClientForm): Result<Secret, TokenRejection> => {
  const token = single(form, 'token')
  if (token === undefined) return err({ reason: 'parameterMissing', name: 'token' })
  return ok(secret(token.length > LIMITS.jwt ? '' : token))
}

/** Revokes the whole grant: a refresh token stands for all that came of it (RFC 7009 §2.1). */
const revokeRefresh = async (
  context: Context,
  presented: PresentedRefresh,
  { clientId }: ClientRecord,
  { now, network }: Occasion,
): Promise<void> => {
  const found = await context.stores.grants.findRefresh(presented.handle)
  if (found === undefined || found.grant.clientId !== clientId) return
  if (!(await isMintedFor(context, presented, found.refresh))) return
  const fields = { clientId, grant: presented.handle, kind: 'refresh_token', network } as const
  await context.stores.grants.revokeGrant(presented.handle, { now, events: [auditEntry('token.revoked', now, fields)] })
}

const revokeAccess = async (context: Context, token: AccessTokenRecord, { now, network }: Occasion): Promise<void> => {
  const { clientId, handle, format } = token
  const fields = { clientId, grant: handle, kind: 'access_token', network } as const
  const occasion = { now, events: [auditEntry('token.revoked', now, fields)] }
  if (format === 'jwt') await context.stores.accessTokens.revokeJwt(token, occasion)
  else await context.stores.accessTokens.revokeAccessToken(token, occasion)
}

/** Finds the token by its own form, whatever the hint says (RFC 7009 §2.1). */
const revoke = async (context: Context, token: Secret, client: ClientRecord, occasion: Occasion): Promise<void> => {
  const refresh = parseRefreshToken(reveal(token))
  if (refresh !== undefined) return revokeRefresh(context, refresh, client, occasion)
  const found = await loadAccessToken(context, token)
  if (found?.token.clientId === client.clientId) await revokeAccess(context, found.token, occasion)
}

/** Answers a revocation. Only POST reaches it. */
export const revocationEndpoint =
  (context: Context): ((request: WireRequest) => Promise<Answer<Reply> & Addressee>) =>
  async (request) => {
    const occasion: Occasion = { network: request.remoteAddress, now: context.ports.clock.now() }
    const parsed = parseClientForm(request)
    const form = await authenticateForm(context, parsed, occasion)
    if (!form.ok) return refuseForm(request, parsed, form.error, occasion)
    const token = parseToken(form.value)
    if (!token.ok) return refuseForm(request, parsed, token.error, occasion)
    const spent = await spendProofs(context, form.value.client, occasion.now)
    if (!spent.ok) return refuseForm(request, parsed, spent.error, occasion)
    const { client } = form.value.client
    await revoke(context, token.value, client, occasion)
    return { reply: REVOKED, events: [], client }
  }
