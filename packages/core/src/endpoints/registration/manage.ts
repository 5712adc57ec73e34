// Owns what a client does to its own registration: read, replace, delete (RFC 7592 §2). Never tells a wrong token from a client that is not there.

import { auditEntry } from '../../audit/index.ts'
import {
  type ClientId,
  clientId,
  digest,
  equalInConstantTime,
  err,
  type Instant,
  type JsonObject,
  member,
  ok,
  type Result,
  type Secret,
  secret,
  single,
} from '../../base/index.ts'
import { changeSecrets, digestOfSecret, mintSecret } from '../../client/credentials.ts'
import { changedMembers, metadataOf } from '../../client/metadata.ts'
import { validateSelfRegistered } from '../../client/self-registration.ts'
import type { Context } from '../../context/index.ts'
import { LIMITS } from '../../spec/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import { parseForm, type WireRequest } from '../../wire/index.ts'
import type { RegistrationRules } from './endpoint.ts'
import { parseMetadata, parseToken } from './parse.ts'
import type { RegistrationRejection } from './rejection.ts'
import type { ToldRegistration } from './respond.ts'

/** A client that proved by its token that the registration is its own. */
export interface OwnRegistration {
  readonly client: ClientRecord
  readonly token: Secret
}

const NOBODY = digest('-'.repeat(43))

/** The client that a request names in its query. */
export const namedClient = (request: WireRequest): ClientId | undefined => {
  const query = parseForm(request.query)
  const id = query.ok ? single(query.value, 'client_id') : undefined
  return id === undefined || id.length > LIMITS.clientId ? undefined : clientId(id)
}

/** Finds the client whose registration a request may manage. */
export const ownRegistration = async (
  context: Context,
  request: WireRequest,
): Promise<Result<OwnRegistration, RegistrationRejection>> => {
  const token = parseToken(request)
  if (!token.ok) return token
  if (token.value === undefined) return err({ reason: 'tokenMissing' })
  const id = namedClient(request)
  const client = id === undefined ? undefined : await context.stores.clients.findClient(id)
  // The same comparison is made where there is none, so that timing names no clients.
  const held = client?.registrationTokenDigest
  const holds = equalInConstantTime(held ?? NOBODY, await digestOfSecret(context, token.value))
  if (client === undefined) return err({ reason: 'clientUnknown' })
  if (held === undefined || !holds) return err({ reason: 'tokenWrong' })
  return client.disabled ? err({ reason: 'clientDisabled' }) : ok({ client, token: token.value })
}

// What the server alone says (RFC 7592 §2.2).
const SERVER_MEMBERS = [
  'registration_access_token',
  'registration_client_uri',
  'client_secret_expires_at',
  'client_id_issued_at',
] as const

const checkIdentity = async (
  context: Context,
  client: ClientRecord,
  metadata: JsonObject,
): Promise<RegistrationRejection | undefined> => {
  const name = SERVER_MEMBERS.find((one) => member(metadata, one) !== undefined)
  if (name !== undefined) return { reason: 'memberNotAllowed', name }
  if (member(metadata, 'client_id') !== client.clientId) return { reason: 'clientIdDiffers' }
  const sent = member(metadata, 'client_secret')
  if (sent === undefined) return undefined
  if (typeof sent !== 'string') return { reason: 'secretDiffers' }
  const sentDigest = await digestOfSecret(context, secret(sent))
  return client.secrets.some((record) => equalInConstantTime(record.digest, sentDigest))
    ? undefined
    : { reason: 'secretDiffers' }
}

/** Reads a registration (RFC 7592 §2.1): as it is, without the secret, of which only a digest is kept. */
export const readRegistration = (rules: RegistrationRules, { client, token }: OwnRegistration): ToldRegistration => ({
  client,
  managedAt: rules.managedAt(client.clientId),
  token,
  secret: undefined,
})

/**
 * Replaces a registration (RFC 7592 §2.2): what is left out is reset, the whole of it is judged anew, scopes can only become fewer, and what an
 * operator had added is gone. The token that manages it is replaced too; of two replacements from one state, one counts.
 */
export const replaceRegistration = async (
  context: Context,
  rules: RegistrationRules,
  { own, request, now }: { readonly own: OwnRegistration; readonly request: WireRequest; readonly now: Instant },
): Promise<Result<ToldRegistration, RegistrationRejection>> => {
  const before = own.client
  const metadata = parseMetadata(request)
  if (!metadata.ok) return metadata
  const refused = await checkIdentity(context, before, metadata.value)
  if (refused !== undefined) return err(refused)
  const scopes = rules.scopes.filter((scope) => before.scopes.includes(scope))
  const validated = validateSelfRegistered(metadata.value, { ...rules, scopes })
  if (!validated.ok) return err({ reason: 'metadataRejected', rejection: validated.error })
  const { settings } = validated.value
  const managing = mintSecret(context, 'vcr')
  const made = await changeSecrets(context, before, settings)
  const after: ClientRecord = {
    ...before,
    ...settings,
    secrets: made.records,
    registrationTokenDigest: await digestOfSecret(context, managing),
    version: before.version + 1,
    updatedAt: now,
  }
  const changed = changedMembers(metadataOf(before), metadataOf(after))
  const fields = { clientId: before.clientId, actor: 'client', changed, network: request.remoteAddress }
  const events = [auditEntry('client.updated', now, fields)]
  const outcome = await context.stores.clients.updateClient(after, { now, events })
  if (outcome !== 'updated') return err({ reason: outcome === 'unknown' ? 'clientUnknown' : 'stateChanged' })
  return ok({ client: after, managedAt: rules.managedAt(after.clientId), token: managing, secret: made.secret })
}

/** Deletes a registration with all that was issued to it (RFC 7592 §2.3). */
export const deleteRegistration = async (
  context: Context,
  { client }: OwnRegistration,
  { network, now }: { readonly network: string; readonly now: Instant },
): Promise<Result<undefined, RegistrationRejection>> => {
  const fields = { clientId: client.clientId, actor: 'client', network }
  const events = [auditEntry('client.deleted', now, fields)]
  const outcome = await context.stores.clients.deleteClient(client.clientId, { now, events })
  return outcome === 'deleted' ? ok(undefined) : err({ reason: 'clientUnknown' })
}
