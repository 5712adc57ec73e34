// Owns the statements on remembered consents. Never records one: an interaction's settlement does.

import { type ClientId, type ConsentRecord, type ConsentStore, clientId, type Subject, subject } from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { type ArrayColumn, type Int8, instantOf, textsOf } from '../values.ts'
import { insertEvents, type Part } from './events.ts'

interface ConsentRow {
  readonly subject: string
  readonly client_id: string
  readonly version: Int8
  readonly scope: ArrayColumn<string>
  readonly claims: ArrayColumn<string>
  readonly resources: ArrayColumn<string>
  readonly granted_at: Int8
  readonly expires_at: Int8
}

const recordOf = (row: ConsentRow): ConsentRecord => ({
  subject: subject(row.subject),
  clientId: clientId(row.client_id),
  version: Number(row.version),
  scope: textsOf(row.scope),
  claims: textsOf(row.claims),
  resources: textsOf(row.resources),
  grantedAt: instantOf(row.granted_at),
  expiresAt: instantOf(row.expires_at),
})

interface ConsentKey {
  readonly subject: Subject
  readonly clientId: ClientId
}

/** Withdraws in two steps: grants that were issued on the consent while the first one waited are seen by the second alone. */
const withdrawIn = async (
  sql: Queries,
  key: ConsentKey,
  write: { readonly at: number; readonly events: (won: Part) => Part },
): Promise<'withdrawn' | 'unknown'> => {
  await sql`select 1 from consents where subject = ${key.subject} and client_id = ${key.clientId} for update`
  const rows = await sql`
    with withdrawn as (
      delete from consents where subject = ${key.subject} and client_id = ${key.clientId}
      returning 1
    ), held as materialized (
      select handle from grants
      where subject = ${key.subject} and client_id = ${key.clientId} and revoked_at is null
      order by handle for update
    ), revoked as (
      update grants g set revoked_at = ${write.at}::bigint from held where g.handle = held.handle and g.revoked_at is null
      returning 1
    ), won as materialized (select 1 where exists (select from withdrawn) or exists (select from revoked)),
    written as (${write.events(sql`won`)})
    select 1 from won`
  return rows.length === 1 ? 'withdrawn' : 'unknown'
}

/** The store of remembered consents in Postgres. */
export const createConsentStore = (database: Database): ConsentStore => ({
  findConsent: async (key) => {
    const [row] = await database.statement<ConsentRow>(
      (sql) => sql`
        select subject, client_id, version, scope, claims, resources, granted_at, expires_at from consents
        where subject = ${key.subject} and client_id = ${key.clientId}`,
    )
    return row === undefined ? undefined : recordOf(row)
  },

  withdrawConsent: (key, occasion) =>
    database.transaction((sql) =>
      withdrawIn(sql, key, { at: occasion.now, events: (won) => insertEvents(sql, won, occasion.events) }),
    ),
})
