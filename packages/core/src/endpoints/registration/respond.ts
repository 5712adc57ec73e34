// Owns the answers of the registration endpoint (RFC 7591 §3.2, RFC 7592 §3). Never cached; a secret is in the one answer that made it.

import { type Instant, type JsonObject, reveal, type Secret } from '../../base/index.ts'
import { registeredMetadataOf } from '../../client/self-registration.ts'
import { retryAfter } from '../../client-auth/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import { jsonReply, type Reply } from '../../wire/index.ts'
import { type RegistrationRejection, toWireRegistrationError } from './rejection.ts'

/** A registration to tell. */
export interface ToldRegistration {
  readonly client: ClientRecord
  /** Where the client manages it (RFC 7592 §3). */
  readonly managedAt: string
  /** The token that manages it, as it is from now on. */
  readonly token: Secret
  /** A secret that was just made. */
  readonly secret: Secret | undefined
}

const secretMembers = (secret: Secret | undefined): JsonObject =>
  // 0 means that it does not expire (RFC 7591 §3.2.1).
  secret === undefined ? {} : { client_secret: reveal(secret), client_secret_expires_at: 0 }

/** Tells a client its registration. */
export const respondRegistration = (status: 200 | 201, told: ToldRegistration): Reply =>
  jsonReply(status, {
    client_id: told.client.clientId,
    client_id_issued_at: told.client.createdAt,
    ...secretMembers(told.secret),
    registration_client_uri: told.managedAt,
    registration_access_token: reveal(told.token),
    ...registeredMetadataOf(told.client),
  })

/** Refuses a request. */
export const respondRejection = (rejection: RegistrationRejection, now: Instant): Reply => {
  const told = toWireRegistrationError(rejection)
  const headers = new Map<string, string>()
  if (told.challenge !== undefined) headers.set('WWW-Authenticate', told.challenge)
  if (told.until !== undefined) headers.set('Retry-After', String(retryAfter(told.until, now)))
  if (told.status === 503) headers.set('Retry-After', '1')
  return jsonReply(told.status, { error: told.error, error_description: told.description }, headers)
}
