// Owns the decision that a client is who it says. Never issues anything and consumes nothing: a failed authentication leaves code,
// assertion and client as they were.

import {
  type Brand,
  type ClientId,
  clientId,
  type Digest,
  digest,
  equalInConstantTime,
  err,
  exhaustive,
  type Instant,
  instant,
  ok,
  type Result,
  reveal,
} from '../base/index.ts'
import { type Context, digestOf } from '../context/index.ts'
import { assertionReservation } from '../replay/index.ts'
import { ASSERTION_ALGS, type ClientAuthMethod, TLS_AUTH_METHODS } from '../spec/index.ts'
import type { AttemptPolicy, ClientRecord, ReservationRecord } from '../store/index.ts'
import { type AssertionRejection, checkAssertion } from './assertion.ts'
import { type CertificateRejection, checkCertificate } from './certificate.ts'
import { type ClientJwsRejection, tryClientKeys, verifyClientJws } from './client-keys.ts'
import type { PresentedCredentials } from './credentials.ts'

/** A client that proved who it is, by the method it is registered for; made in this room alone. */
export type AuthenticatedClient = Brand<
  {
    readonly client: ClientRecord
    readonly method: ClientAuthMethod
    /** One-time proofs that the transition to come must reserve. */
    readonly proofs: readonly ReservationRecord[]
  },
  'AuthenticatedClient'
>

/** A client with one more proof for the transition to reserve. */
export const withProof = (
  authenticated: AuthenticatedClient,
  proof: ReservationRecord | undefined,
): AuthenticatedClient =>
  proof === undefined
    ? authenticated
    : ({ ...authenticated, proofs: [...authenticated.proofs, proof] } as AuthenticatedClient)

/** Why a client is not authenticated. */
export type ClientAuthRejection =
  | { readonly reason: 'clientUnknown' | 'clientDisabled' | 'clientSecretWrong' }
  | { readonly reason: 'clientAuthMethodWrong'; readonly registered: ClientAuthMethod }
  | { readonly reason: 'clientThrottled'; readonly until: Instant }
  | AssertionRejection
  | CertificateRejection
  | ClientJwsRejection

/** Guesses at a secret: per client and network, so that nobody slows the client's own servers. */
const SECRET_POLICY: AttemptPolicy = { free: 10, baseDelay: 1, maxDelay: 60, forgetAfter: 900 }
/** Guesses from one network over many clients. */
const NETWORK_POLICY: AttemptPolicy = { free: 50, baseDelay: 1, maxDelay: 60, forgetAfter: 900 }

const NOBODY: Digest = digest('-'.repeat(43))

const secretHolds = (client: ClientRecord | undefined, presented: Digest, now: Instant): boolean => {
  // The same comparison is made for an unknown client, so that timing names no clients.
  const records = client?.secrets ?? [{ digest: NOBODY, expiresAt: undefined }]
  let holds = false
  for (const record of records) {
    const live = record.expiresAt === undefined || record.expiresAt > now
    if (equalInConstantTime(record.digest, presented) && live) holds = true
  }
  return holds
}

const countFailure = async (
  context: Context,
  failure: {
    readonly clientId: ClientId
    readonly network: string
    readonly now: Instant
    readonly reason: 'clientUnknown' | 'clientSecretWrong'
  },
): Promise<ClientAuthRejection> => {
  const byClient = await digestOf(context, `client_secret:${failure.clientId}:${failure.network}`)
  const byNetwork = await digestOf(context, `client_secret:${failure.network}`)
  const counted = await context.stores.attempts.admitAttempt(
    [
      { key: byClient, policy: SECRET_POLICY },
      { key: byNetwork, policy: NETWORK_POLICY },
    ],
    failure.now,
  )
  return counted.outcome === 'throttled'
    ? { reason: 'clientThrottled', until: counted.until }
    : { reason: failure.reason }
}

const verifyAssertion = async (
  context: Context,
  client: ClientRecord,
  assertion: string,
  now: Instant,
): Promise<Result<readonly ReservationRecord[], ClientAuthRejection>> => {
  const verified = await verifyClientJws(context, client, assertion, {
    algs: ASSERTION_ALGS,
    types: [undefined, 'jwt', 'client-authentication+jwt'],
  })
  if (!verified.ok) return verified
  const typ = verified.value.header['typ']
  const checked = checkAssertion(verified.value.claims, {
    clientId: client.clientId,
    issuer: context.issuer,
    tokenEndpoint: context.tokenEndpoint,
    strictAudience: typeof typ === 'string' && typ.toLowerCase() === 'client-authentication+jwt',
    now,
  })
  if (!checked.ok) return checked
  const jti = await digestOf(context, checked.value.jti)
  return ok([assertionReservation(client.clientId, jti, checked.value.expiresAt)])
}

/** Authenticates a client by the one method it is registered for (RFC 6749 §2.3, OIDC Core §9). */
export const authenticateClient = async (
  context: Context,
  presented: PresentedCredentials,
  occasion: { readonly network: string; readonly now: Instant },
): Promise<Result<AuthenticatedClient, ClientAuthRejection>> => {
  const { now } = occasion
  const client = await context.stores.clients.findClient(clientId(presented.clientId))
  const secretDigest =
    presented.method === 'client_secret_basic' || presented.method === 'client_secret_post'
      ? await digestOf(context, reveal(presented.secret))
      : NOBODY
  const holds = secretHolds(client, secretDigest, now)
  if (client === undefined) {
    // Counted like a wrong secret: the same work and the same delays, so that neither tells which clients exist.
    const failure = { clientId: presented.clientId, ...occasion, reason: 'clientUnknown' } as const
    return err(secretDigest === NOBODY ? { reason: 'clientUnknown' } : await countFailure(context, failure))
  }
  if (client.disabled) return err({ reason: 'clientDisabled' })
  const authenticated = (proofs: readonly ReservationRecord[]): Result<AuthenticatedClient, never> =>
    ok({ client, method: client.authMethod, proofs } as AuthenticatedClient)
  if (
    presented.method === 'none' &&
    context.features.mtls !== undefined &&
    TLS_AUTH_METHODS.includes(client.authMethod)
  ) {
    const { certificate } = presented
    const certified = await tryClientKeys(context, client, {
      attempt: (jwks) => checkCertificate({ ...client, jwks }, certificate),
      lacksKey: ({ reason }) =>
        client.authMethod === 'self_signed_tls_client_auth' && reason === 'certificateOfAnother',
    })
    return certified.ok ? authenticated([]) : certified
  }
  // A probe of another style with the right secret is no guess: it is refused and counted nowhere.
  if (presented.method !== client.authMethod)
    return err({ reason: 'clientAuthMethodWrong', registered: client.authMethod })
  switch (presented.method) {
    case 'none':
      return authenticated([])
    case 'client_secret_basic':
    case 'client_secret_post':
      if (holds) return authenticated([])
      return err(await countFailure(context, { clientId: client.clientId, ...occasion, reason: 'clientSecretWrong' }))
    case 'private_key_jwt': {
      const proofs = await verifyAssertion(context, client, presented.assertion, now)
      return proofs.ok ? authenticated(proofs.value) : proofs
    }
    default:
      return exhaustive(presented)
  }
}

/** Seconds until a throttled client may try again, at least one. */
export const retryAfter = (until: Instant, now: Instant): number => Math.max(1, instant(until - now))
