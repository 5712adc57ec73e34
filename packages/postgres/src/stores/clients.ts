// Owns the statements on clients. Never judges a client's metadata.

import type { ClientId, ClientRecord, ClientStore, Digest, Instant, JsonObject, TlsClientName } from '@vouchsafe/core'
import { clientId } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import {
  type ArrayColumn,
  bytes,
  bytesArray,
  bytesOrNull,
  digestOf,
  digestsOf,
  type Int8,
  instantOf,
  instantOrUndefined,
  isStorable,
  numberArray,
  orUndefined,
  parseStored,
  textArray,
  textsOf,
} from '../values.ts'
import { insertEvents, type Part } from './events.ts'

interface ClientRow {
  readonly client_id: string
  readonly version: number
  readonly disabled: boolean
  readonly origin: ClientRecord['origin']
  readonly registration_token_digest: Buffer | null
  readonly unused_expires_at: Int8 | null
  readonly name: string
  readonly application_type: ClientRecord['applicationType']
  readonly auth_method: ClientRecord['authMethod']
  readonly secret_digests: ArrayColumn<Buffer>
  readonly secret_expiries: string
  readonly jwks: string
  readonly tls_name_kind: TlsClientName['kind'] | null
  readonly tls_name: string | null
  readonly certificate_bound_tokens: boolean
  readonly dpop_bound_tokens: boolean
  readonly jwks_uri: string | null
  readonly redirect_uris: ArrayColumn<string>
  readonly localhost_any_port: boolean
  readonly scopes: ArrayColumn<string>
  readonly grant_types: ArrayColumn<string>
  readonly pkce: ClientRecord['pkce']
  readonly nonce: ClientRecord['nonce']
  readonly id_token_alg: ClientRecord['idTokenAlg']
  readonly id_token_claims: ClientRecord['idTokenClaims']
  readonly trusted: boolean
  readonly default_max_age: Int8 | null
  readonly require_pushed_requests: boolean
  readonly refresh_tokens: ClientRecord['refreshTokens']
  readonly post_logout_redirect_uris: ArrayColumn<string>
  readonly backchannel_logout_uri: string | null
  readonly backchannel_logout_session_required: boolean
  readonly request_object_alg: string | null
  readonly require_signed_requests: boolean
  readonly request_uris: ArrayColumn<string>
  readonly authorization_response_alg: ClientRecord['idTokenAlg'] | null
  readonly cors_origins: ArrayColumn<string>
  readonly client_uri: string | null
  readonly logo_uri: string | null
  readonly policy_uri: string | null
  readonly tos_uri: string | null
  readonly initiate_login_uri: string | null
  readonly contacts: ArrayColumn<string>
  readonly created_at: Int8
  readonly updated_at: Int8
}

const secretsOf = (row: ClientRow): ClientRecord['secrets'] => {
  const expiries = parseStored<readonly (number | null)[]>(row.secret_expiries)
  return digestsOf(row.secret_digests).map((digest, index) => ({
    digest,
    expiresAt: instantOrUndefined(expiries[index] ?? null),
  }))
}

const logoutOf = (row: ClientRow): ClientRecord['logout'] => ({
  postLogoutRedirectUris: textsOf(row.post_logout_redirect_uris),
  backchannelUri: orUndefined(row.backchannel_logout_uri),
  backchannelSessionRequired: row.backchannel_logout_session_required,
})

const recordOf = (row: ClientRow): ClientRecord => ({
  clientId: clientId(row.client_id),
  version: row.version,
  disabled: row.disabled,
  origin: row.origin,
  registrationTokenDigest: row.registration_token_digest === null ? undefined : digestOf(row.registration_token_digest),
  unusedExpiresAt: instantOrUndefined(row.unused_expires_at),
  name: row.name,
  applicationType: row.application_type,
  authMethod: row.auth_method,
  secrets: secretsOf(row),
  jwks: parseStored<readonly JsonObject[]>(row.jwks),
  tlsClientName:
    row.tls_name_kind === null || row.tls_name === null ? undefined : { kind: row.tls_name_kind, value: row.tls_name },
  certificateBoundTokens: row.certificate_bound_tokens,
  dpopBoundTokens: row.dpop_bound_tokens,
  jwksUri: orUndefined(row.jwks_uri),
  redirectUris: textsOf(row.redirect_uris),
  localhostAnyPort: row.localhost_any_port,
  scopes: textsOf(row.scopes),
  grantTypes: textsOf(row.grant_types),
  pkce: row.pkce,
  nonce: row.nonce,
  idTokenAlg: row.id_token_alg,
  idTokenClaims: row.id_token_claims,
  trusted: row.trusted,
  defaultMaxAge: row.default_max_age === null ? undefined : Number(row.default_max_age),
  requirePushedRequests: row.require_pushed_requests,
  refreshTokens: row.refresh_tokens,
  logout: logoutOf(row),
  requestObjectAlg: orUndefined(row.request_object_alg),
  requireSignedRequests: row.require_signed_requests,
  requestUris: textsOf(row.request_uris),
  authorizationResponseAlg: orUndefined(row.authorization_response_alg),
  corsOrigins: textsOf(row.cors_origins),
  clientUri: orUndefined(row.client_uri),
  logoUri: orUndefined(row.logo_uri),
  policyUri: orUndefined(row.policy_uri),
  tosUri: orUndefined(row.tos_uri),
  initiateLoginUri: orUndefined(row.initiate_login_uri),
  contacts: textsOf(row.contacts),
  createdAt: instantOf(row.created_at),
  updatedAt: instantOf(row.updated_at),
})

// One list of columns for reading and for writing, so that a new column cannot be read and never written.
const writtenColumns = (sql: Queries): Part => sql`
  version, disabled, origin, registration_token_digest, unused_expires_at, initiate_login_uri, contacts,
  name, application_type, auth_method, secret_digests, secret_expiries, jwks, jwks_uri, redirect_uris,
  tls_name_kind, tls_name, certificate_bound_tokens, dpop_bound_tokens,
  localhost_any_port, scopes, grant_types, pkce, nonce, id_token_alg, id_token_claims, trusted, default_max_age,
  require_pushed_requests, refresh_tokens, request_object_alg, require_signed_requests, request_uris,
  authorization_response_alg, cors_origins, client_uri, logo_uri, policy_uri, tos_uri, created_at, updated_at,
  post_logout_redirect_uris, backchannel_logout_uri, backchannel_logout_session_required`

const writtenValues = (sql: Queries, client: ClientRecord): Part => sql`
  ${client.version}::integer, ${client.disabled}::boolean, ${client.origin}::text,
  ${bytesOrNull(client.registrationTokenDigest)}::bytea,
  ${client.unusedExpiresAt ?? null}::bigint, ${client.initiateLoginUri ?? null}::text, ${textArray(client.contacts)}::text[],
  ${client.name}::text, ${client.applicationType}::text,
  ${client.authMethod}::text, ${bytesArray(client.secrets.map((secret) => secret.digest))}::bytea[],
  ${numberArray(client.secrets.map((secret) => secret.expiresAt))}::bigint[], ${JSON.stringify(client.jwks)}::text::json,
  ${client.jwksUri ?? null}::text,
  ${textArray(client.redirectUris)}::text[],
  ${client.tlsClientName?.kind ?? null}::text, ${client.tlsClientName?.value ?? null}::text,
  ${client.certificateBoundTokens}::boolean, ${client.dpopBoundTokens}::boolean,
  ${client.localhostAnyPort}::boolean, ${textArray(client.scopes)}::text[],
  ${textArray(client.grantTypes)}::text[], ${client.pkce}::text, ${client.nonce}::text, ${client.idTokenAlg}::text,
  ${client.idTokenClaims}::text, ${client.trusted}::boolean, ${client.defaultMaxAge ?? null}::bigint,
  ${client.requirePushedRequests}::boolean, ${client.refreshTokens}::text, ${client.requestObjectAlg ?? null}::text,
  ${client.requireSignedRequests}::boolean, ${textArray(client.requestUris)}::text[],
  ${client.authorizationResponseAlg ?? null}::text, ${textArray(client.corsOrigins)}::text[], ${client.clientUri ?? null}::text,
  ${client.logoUri ?? null}::text, ${client.policyUri ?? null}::text, ${client.tosUri ?? null}::text,
  ${client.createdAt}::bigint, ${client.updatedAt}::bigint, ${textArray(client.logout.postLogoutRedirectUris)}::text[],
  ${client.logout.backchannelUri ?? null}::text, ${client.logout.backchannelSessionRequired}::boolean`

const readColumns = (sql: Queries): Part => sql`
  client_id, version, disabled, origin, registration_token_digest, unused_expires_at, initiate_login_uri, contacts,
  name, application_type, auth_method, secret_digests,
  to_json(secret_expiries)::text as secret_expiries, jwks::text as jwks, jwks_uri, redirect_uris,
  tls_name_kind, tls_name, certificate_bound_tokens, dpop_bound_tokens,
  localhost_any_port, scopes, grant_types, pkce, nonce, id_token_alg, id_token_claims, trusted,
  default_max_age, require_pushed_requests, refresh_tokens, request_object_alg, require_signed_requests, request_uris,
  authorization_response_alg, cors_origins, client_uri, logo_uri, policy_uri, tos_uri, created_at, updated_at,
  post_logout_redirect_uris, backchannel_logout_uri, backchannel_logout_session_required`

const insertClient = (sql: Queries, client: ClientRecord): Part => sql`
  insert into clients (client_id, ${writtenColumns(sql)}) values (${client.clientId}, ${writtenValues(sql, client)})
  on conflict (client_id) do nothing
  returning 1`

/** Takes a use off an initial access token; answers why it has none. Whoever calls undoes it when nothing is registered. */
const spendIn = async (
  sql: Queries,
  tokenDigest: Digest,
  now: Instant,
): Promise<'tokenUnknown' | 'tokenExpired' | 'tokenSpent' | undefined> => {
  const spent = await sql`
    update registration_tokens set uses_left = uses_left - 1
    where digest = ${bytes(tokenDigest)} and expires_at > ${now}::bigint and uses_left > 0
    returning 1`
  if (spent.length === 1) return undefined
  const [known] = await sql<{ expires_at: Int8 }[]>`
    select expires_at from registration_tokens where digest = ${bytes(tokenDigest)}`
  if (known === undefined) return 'tokenUnknown'
  return instantOf(known.expires_at) <= now ? 'tokenExpired' : 'tokenSpent'
}

/** Deletes in two steps: the consents that an interaction committed while the first one waited are seen by the second alone. */
const deleteIn = async (sql: Queries, id: ClientId, write: (won: Part) => Part): Promise<'deleted' | 'unknown'> => {
  const held = await sql`select 1 from clients where client_id = ${id} for update`
  if (held.length === 0) return 'unknown'
  await sql`
    with gone as (delete from consents where client_id = ${id}),
    deleted as (delete from clients where client_id = ${id} returning 1),
    written as (${write(sql`deleted`)})
    select 1 from deleted`
  return 'deleted'
}

/** The store of clients in Postgres. */
export const createClientStore = (database: Database): ClientStore => ({
  findClient: async (id) => {
    if (!isStorable(id)) return undefined
    const [row] = await database.statement<ClientRow>(
      (sql) => sql`select ${readColumns(sql)} from clients where client_id = ${id}`,
    )
    return row === undefined ? undefined : recordOf(row)
  },

  isRegisteredOrigin: async (origin) => {
    if (!isStorable(origin)) return false
    const [row] = await database.statement<{ registered: boolean }>(
      (sql) => sql`
        select exists (
          select from clients where cors_origins @> ${textArray([origin])}::text[] and not disabled
        ) as registered`,
    )
    return row?.registered === true
  },

  listClients: async ({ after, limit }) => {
    const rows = await database.statement<ClientRow>(
      (sql) => sql`
        select ${readColumns(sql)} from clients where client_id > ${after ?? ''} order by client_id limit ${limit + 1}::integer`,
    )
    const items = rows.slice(0, limit).map(recordOf)
    return { items, next: rows.length > limit ? items.at(-1)?.clientId : undefined }
  },

  createClient: async (client, occasion) => {
    const [row] = await database.statement<{ outcome: 'created' | 'taken' }>(
      (sql) => sql`
        with created as (${insertClient(sql, client)}), written as (${insertEvents(sql, sql`created`, occasion.events)})
        select case when exists (select from created) then 'created' else 'taken' end as outcome`,
    )
    return row?.outcome ?? 'taken'
  },

  registerClient: ({ client, tokenDigest }, occasion) =>
    database.undoable(
      async (sql) => {
        const rows = await sql`
          with created as (${insertClient(sql, client)}), written as (${insertEvents(sql, sql`created`, occasion.events)})
          select 1 from created`
        const refused = tokenDigest === undefined ? undefined : await spendIn(sql, tokenDigest, occasion.now)
        return refused ?? (rows.length === 1 ? 'registered' : 'taken')
      },
      (outcome) => outcome !== 'registered',
    ),

  keepClient: async (id) => {
    const [row] = await database.statement<{ outcome: 'kept' | 'alreadyKept' | 'unknown' }>(
      (sql) => sql`
        with kept as (
          update clients set unused_expires_at = null, version = version + 1
          where client_id = ${id} and unused_expires_at is not null
          returning 1
        )
        select case
          when exists (select from kept) then 'kept'
          when exists (select from clients where client_id = ${id}) then 'alreadyKept'
          else 'unknown'
        end as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },

  updateClient: async (client, occasion) => {
    const [row] = await database.statement<{ outcome: 'updated' | 'stale' | 'unknown' }>(
      (sql) => sql`
        with updated as (
          update clients set (${writtenColumns(sql)}) = row (${writtenValues(sql, client)})
          where client_id = ${client.clientId} and version = ${client.version - 1}::integer
          returning 1
        ), written as (${insertEvents(sql, sql`updated`, occasion.events)})
        select case
          when exists (select from updated) then 'updated'
          when exists (select from clients where client_id = ${client.clientId}) then 'stale'
          else 'unknown'
        end as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },

  deleteClient: (id, occasion) =>
    database.transaction((sql) => deleteIn(sql, id, (won) => insertEvents(sql, won, occasion.events))),
})
