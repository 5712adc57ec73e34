// Owns the statements on protected resources. Never judges a resource.

import { clientId, type ResourceRecord, type ResourceScope, type ResourceStore } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { type ArrayColumn, type Int8, parseStored, textArray, textsOf } from '../values.ts'
import { insertEvents, type Part } from './events.ts'

interface ResourceRow {
  readonly identifier: string
  readonly version: number
  readonly name: string
  readonly scopes: string
  readonly token_format: ResourceRecord['tokenFormat']
  readonly access_token_lifetime: Int8 | null
  readonly signing_alg: ResourceRecord['signingAlg']
  readonly introspection_clients: ArrayColumn<string>
}

const recordOf = (row: ResourceRow): ResourceRecord => ({
  identifier: row.identifier,
  version: row.version,
  name: row.name,
  scopes: parseStored<readonly ResourceScope[]>(row.scopes),
  tokenFormat: row.token_format,
  accessTokenLifetime: row.access_token_lifetime === null ? undefined : Number(row.access_token_lifetime),
  signingAlg: row.signing_alg,
  introspectionClients: textsOf(row.introspection_clients).map(clientId),
})

const columns = (sql: Queries): Part =>
  sql`version, name, scopes, token_format, access_token_lifetime, signing_alg, introspection_clients`

const values = (sql: Queries, resource: ResourceRecord): Part => sql`
  ${resource.version}::integer, ${resource.name}::text, ${JSON.stringify(resource.scopes)}::text::json,
  ${resource.tokenFormat}::text, ${resource.accessTokenLifetime ?? null}::bigint, ${resource.signingAlg}::text,
  ${textArray(resource.introspectionClients)}::text[]`

/** The write that wins from version 0, and the one that wins from any other. */
const save = (sql: Queries, resource: ResourceRecord): Part =>
  resource.version === 1
    ? sql`
      insert into resources (identifier, ${columns(sql)}) values (${resource.identifier}, ${values(sql, resource)})
      on conflict (identifier) do nothing
      returning 1`
    : sql`
      update resources set (${columns(sql)}) = row (${values(sql, resource)})
      where identifier = ${resource.identifier} and version = ${resource.version - 1}::integer
      returning 1`

/** The store of protected resources in Postgres. */
export const createResourceStore = (database: Database): ResourceStore => ({
  listResources: async () => {
    const rows = await database.statement<ResourceRow>(
      (sql) => sql`
        select identifier, version, name, scopes::text as scopes, token_format, access_token_lifetime, signing_alg,
          introspection_clients
        from resources order by identifier`,
    )
    return rows.map(recordOf)
  },

  saveResource: async (resource, occasion) => {
    const rows = await database.statement(
      (sql) => sql`
        with saved as (${save(sql, resource)}), written as (${insertEvents(sql, sql`saved`, occasion.events)})
        select 1 from saved`,
    )
    return rows.length === 1 ? 'saved' : 'stale'
  },

  deleteResource: async (identifier, occasion) => {
    const rows = await database.statement(
      (sql) => sql`
        with deleted as (delete from resources where identifier = ${identifier} returning 1),
        written as (${insertEvents(sql, sql`deleted`, occasion.events)})
        select 1 from deleted`,
    )
    return rows.length === 1 ? 'deleted' : 'unknown'
  },
})
