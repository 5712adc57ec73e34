// Owns what an administrator does to clients. Never shows a secret twice and never saves what registration would refuse.

import { auditEntry } from '../audit/index.ts'
import { type ClientId, clientId, err, type JsonObject, ok, type Result, type Secret } from '../base/index.ts'
import { changeSecrets, mintClientId } from '../client/credentials.ts'
import {
  type ClientDescription,
  changedMembers,
  describeClient,
  mergeMetadata,
  metadataOf,
} from '../client/metadata.ts'
import { type ClientWarning, type RegistrationPolicy, validateClient } from '../client/registration.ts'
import type { ClientRejection } from '../client/registration-rejection.ts'
import { LIMITS } from '../spec/index.ts'
import type { ClientRecord, Page } from '../store/index.ts'
import { type AdminDeps, type Commission, nowOf } from './deps.ts'

/** Why a change of a client did not happen; nothing was written. */
export type ClientRefusal =
  | { readonly kind: 'rejected'; readonly rejection: ClientRejection }
  /** Another client has this id. */
  | { readonly kind: 'taken' }
  | { readonly kind: 'unknown' }
  /** Somebody changed it in between (WEB-093). */
  | { readonly kind: 'stale' }

/** A client after a change. */
export interface ChangedClient {
  readonly client: ClientDescription
  /** In clear, for this one answer; undefined where no secret was made. */
  readonly secret: Secret | undefined
  readonly warnings: readonly ClientWarning[]
}

/** What a new client is made of. */
export interface ClientCreation extends Commission {
  readonly metadata: JsonObject
  readonly policy: RegistrationPolicy
  /** An id of the administrator's choice, 1 to 255 unreserved characters; undefined generates one. */
  readonly clientId: string | undefined
}

/** What an existing client is changed by. */
export interface ClientUpdate extends Commission {
  readonly clientId: ClientId
  /** Members to replace; null takes a member away. */
  readonly change: JsonObject
  readonly policy: RegistrationPolicy
  /** Version that the administrator saw; undefined changes whatever is there. */
  readonly version: number | undefined
}

const UNRESERVED = /^[A-Za-z0-9._~-]+$/

const rejected = (rejection: ClientRejection): Result<never, ClientRefusal> => err({ kind: 'rejected', rejection })

/**
 * Registers a client. Its id and, where it authenticates by one, its 256-bit secret are generated; the secret is in the answer and
 * kept as a digest only (RFC 6819 §5.1.4.1.3), so it cannot be shown again.
 */
export const createClient = async (
  deps: AdminDeps,
  creation: ClientCreation,
): Promise<Result<ChangedClient, ClientRefusal>> => {
  const id = creation.clientId ?? mintClientId(deps)
  if (!UNRESERVED.test(id)) return rejected({ reason: 'unsafeCharacter', field: 'client_id', item: undefined })
  if (id.length > LIMITS.clientId) return rejected({ reason: 'tooLong', field: 'client_id', item: undefined })
  const validated = validateClient(creation.metadata, creation.policy)
  if (!validated.ok) return rejected(validated.error)
  const now = nowOf(deps)
  const { secret, records } = await changeSecrets(deps, undefined, validated.value.settings)
  const client: ClientRecord = {
    ...validated.value.settings,
    clientId: clientId(id),
    version: 1,
    disabled: false,
    origin: 'operator',
    registrationTokenDigest: undefined,
    unusedExpiresAt: undefined,
    secrets: records,
    createdAt: now,
    updatedAt: now,
  }
  const events = [auditEntry('client.created', now, { clientId: client.clientId, actor: creation.actor })]
  const outcome = await deps.stores.clients.createClient(client, { now, events })
  if (outcome === 'taken') return err({ kind: 'taken' })
  return ok({ client: describeClient(client), secret, warnings: validated.value.warnings })
}

/**
 * Changes members of a client and judges the whole of it anew. A client that begins to authenticate by secret gets one, in the
 * answer; one that stops loses its own. Without a change nothing is written and the version stays.
 */
export const updateClient = async (
  deps: AdminDeps,
  update: ClientUpdate,
): Promise<Result<ChangedClient, ClientRefusal>> => {
  const before = await deps.stores.clients.findClient(update.clientId)
  if (before === undefined) return err({ kind: 'unknown' })
  if (update.version !== undefined && update.version !== before.version) return err({ kind: 'stale' })
  const validated = validateClient(mergeMetadata(metadataOf(before), update.change), update.policy)
  if (!validated.ok) return rejected(validated.error)
  const { settings, warnings } = validated.value
  if (before.origin !== 'operator' && settings.trusted) {
    return rejected({ reason: 'operatorsClientsOnly', field: 'trusted', item: undefined })
  }
  const { secret, records } = await changeSecrets(deps, before, settings)
  const now = nowOf(deps)
  const after: ClientRecord = { ...before, ...settings, secrets: records, version: before.version + 1, updatedAt: now }
  const changed = changedMembers(metadataOf(before), metadataOf(after))
  if (changed.length === 0) return ok({ client: describeClient(before), secret: undefined, warnings })
  const events = [auditEntry('client.updated', now, { clientId: after.clientId, actor: update.actor, changed })]
  const outcome = await deps.stores.clients.updateClient(after, { now, events })
  return outcome === 'updated' ? ok({ client: describeClient(after), secret, warnings }) : err({ kind: outcome })
}

/** Tries of a change that does not rest on what it replaces. */
const TRIES = 5

/**
 * Switches a client off or on: off, it is refused everywhere at once (a running code of it, too). `stale` when others kept changing
 * it; to switch what is already so writes nothing.
 */
export const setClientDisabled = async (
  deps: AdminDeps,
  change: Commission & { readonly clientId: ClientId; readonly disabled: boolean },
): Promise<'changed' | 'unchanged' | 'unknown' | 'stale'> => {
  for (let tries = 0; tries < TRIES; tries++) {
    const before = await deps.stores.clients.findClient(change.clientId)
    if (before === undefined) return 'unknown'
    if (before.disabled === change.disabled) return 'unchanged'
    const now = nowOf(deps)
    const { actor, disabled } = change
    const after: ClientRecord = { ...before, disabled, version: before.version + 1, updatedAt: now }
    const events = [auditEntry('client.updated', now, { clientId: after.clientId, actor, changed: ['disabled'] })]
    const outcome = await deps.stores.clients.updateClient(after, { now, events })
    if (outcome !== 'stale') return outcome === 'updated' ? 'changed' : 'unknown'
  }
  return 'stale'
}

/** Deletes a client; everything that was issued to it is dead from then on, and stays so if its id is given again. */
export const deleteClient = async (
  deps: AdminDeps,
  deletion: Commission & { readonly clientId: ClientId },
): Promise<'deleted' | 'unknown'> => {
  const now = nowOf(deps)
  const events = [auditEntry('client.deleted', now, { clientId: deletion.clientId, actor: deletion.actor })]
  return deps.stores.clients.deleteClient(deletion.clientId, { now, events })
}

/** A client as an administrator reads it; undefined where there is none. */
export const showClient = async (deps: AdminDeps, id: ClientId): Promise<ClientDescription | undefined> => {
  const client = await deps.stores.clients.findClient(id)
  return client === undefined ? undefined : describeClient(client)
}

/** A page of clients in the order of their ids, without their secrets. */
export const listClients = async (
  deps: AdminDeps,
  page: { readonly after: string | undefined; readonly limit: number },
): Promise<Page<ClientDescription>> => {
  const { items, next } = await deps.stores.clients.listClients(page)
  return { items: items.map(describeClient), next }
}
