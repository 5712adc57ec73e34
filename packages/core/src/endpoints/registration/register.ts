// Owns the registration of a client by itself (RFC 7591 §3). Never makes it more than a client nobody vouches for.

import { auditEntry } from '../../audit/index.ts'
import { clientId, err, type Instant, later, ok, type Result, type Secret } from '../../base/index.ts'
import { changeSecrets, digestOfSecret, mintClientId, mintSecret } from '../../client/credentials.ts'
import { validateSelfRegistered } from '../../client/self-registration.ts'
import { type Context, digestOf } from '../../context/index.ts'
import type { AttemptPolicy, ClientRecord, RegistrationTokenRecord } from '../../store/index.ts'
import { networkOf, type WireRequest } from '../../wire/index.ts'
import type { RegistrationRules } from './endpoint.ts'
import { parseMetadata, parseToken } from './parse.ts'
import type { RegistrationRejection } from './rejection.ts'
import type { ToldRegistration } from './respond.ts'

/**
 * Registrations from one network where anybody may register: a household or an office passes, a script comes to one an hour. With the
 * lifetime of unused clients this bounds how many a network can leave behind.
 */
const OPEN_POLICY: AttemptPolicy = { free: 20, baseDelay: 60, maxDelay: 3600, forgetAfter: 24 * 60 * 60 }

/** The initial access token that was presented, as it is kept; undefined where none is needed. */
const findToken = async (
  context: Context,
  rules: RegistrationRules,
  presented: Secret | undefined,
  now: Instant,
): Promise<Result<RegistrationTokenRecord | undefined, RegistrationRejection>> => {
  if (presented === undefined) return rules.mode === 'open' ? ok(undefined) : err({ reason: 'tokenMissing' })
  const digest = await digestOfSecret(context, presented)
  const token = await context.stores.registrationTokens.findRegistrationToken(digest)
  if (token === undefined) return err({ reason: 'tokenUnknown' })
  if (token.expiresAt <= now) return err({ reason: 'tokenExpired' })
  return token.usesLeft > 0 ? ok(token) : err({ reason: 'tokenSpent' })
}

const admit = async (context: Context, network: string, now: Instant): Promise<RegistrationRejection | undefined> => {
  const key = await digestOf(context, `registration:${networkOf(network)}`)
  const counted = await context.stores.attempts.admitAttempt([{ key, policy: OPEN_POLICY }], now)
  return counted.outcome === 'throttled' ? { reason: 'throttled', until: counted.until } : undefined
}

/** Scopes that may be registered: the token can only narrow what the operator lets clients have. */
const scopesFor = (rules: RegistrationRules, token: RegistrationTokenRecord | undefined): readonly string[] =>
  token?.scopes === undefined ? rules.scopes : rules.scopes.filter((scope) => token.scopes?.includes(scope))

/** Registers a client; the request's token, where it has one, is spent by the write that creates the client, and by no refusal. */
export const register = async (
  context: Context,
  rules: RegistrationRules,
  request: WireRequest,
  now: Instant,
): Promise<Result<ToldRegistration, RegistrationRejection>> => {
  const presented = parseToken(request)
  if (!presented.ok) return presented
  const token = await findToken(context, rules, presented.value, now)
  if (!token.ok) return token
  const metadata = parseMetadata(request)
  if (!metadata.ok) return metadata
  const validated = validateSelfRegistered(metadata.value, { ...rules, scopes: scopesFor(rules, token.value) })
  if (!validated.ok) return err({ reason: 'metadataRejected', rejection: validated.error })
  const throttled = token.value === undefined ? await admit(context, request.remoteAddress, now) : undefined
  if (throttled !== undefined) return err(throttled)
  const managing = mintSecret(context, 'vcr')
  const { secret, records } = await changeSecrets(context, undefined, validated.value.settings)
  const client: ClientRecord = {
    ...validated.value.settings,
    clientId: clientId(mintClientId(context)),
    version: 1,
    disabled: false,
    origin: 'registered',
    registrationTokenDigest: await digestOfSecret(context, managing),
    unusedExpiresAt: later(now, context.lifetimes.unusedClient),
    secrets: records,
    createdAt: now,
    updatedAt: now,
  }
  const named = token.value === undefined ? {} : { token: token.value.id }
  const fields = { clientId: client.clientId, ...named, network: request.remoteAddress }
  const outcome = await context.stores.clients.registerClient(
    { client, tokenDigest: token.value?.digest },
    { now, events: [auditEntry('client.registered', now, fields)] },
  )
  // An id of 120 random bits that is taken means that the randomness is none.
  if (outcome === 'taken') throw new Error('a random identifier was taken')
  if (outcome !== 'registered') return err({ reason: outcome })
  return ok({ client, managedAt: rules.managedAt(client.clientId), token: managing, secret })
}
