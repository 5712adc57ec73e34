// Owns the end of an interaction: settled, with the code and the remembered consent or without, in one statement. Never writes a
// part of that: if the basis does not hold, the interaction stays open.

import type {
  CodeIssue,
  ConsentRecord,
  Instant,
  InteractionMove,
  InteractionRefusal,
  InteractionSettlement,
  Occasion,
} from '@vouchsafe/core'
import type { Database, Queries } from '../database.ts'
import { textArray } from '../values.ts'
import { basisLocks } from './basis.ts'
import { insertEvents, type Part } from './events.ts'
import { insertGrant } from './issue.ts'
import { judgeMove } from './judge-move.ts'
import { spendPart } from './pushed-requests.ts'

/** What was and what is allowed without repetition, in the order of first appearance; what expired is not allowed any more. */
const united = (sql: Queries, column: 'scope' | 'claims' | 'resources', now: Instant): Part => sql`
  array(
    select member
    from unnest(
      case when known.expires_at > ${now}::bigint then known.${sql(column)} else '{}' end || excluded.${sql(column)}
    ) with ordinality as listed (member, position)
    group by member order by min(position)
  )`

/** Nothing was to be spent, or it was, by this very statement. */
const PAID = (sql: Queries): Part => sql`((select pushed_request from ruling) is null or exists (select from spent))`

/** Remembers a consent, once per row of `basis`, together with what was remembered. */
const rememberConsent = (sql: Queries, consent: Omit<ConsentRecord, 'version'> | undefined, now: Instant): Part =>
  consent === undefined
    ? sql`select`
    : sql`
      insert into consents as known (subject, client_id, scope, claims, resources, granted_at, expires_at)
      select ${consent.subject}, ${consent.clientId}, ${textArray(consent.scope)}::text[],
        ${textArray(consent.claims)}::text[], ${textArray(consent.resources)}::text[], ${consent.grantedAt}::bigint, ${consent.expiresAt}::bigint
      from basis where ${PAID(sql)}
      on conflict (subject, client_id) do update set
        version = nextval('consent_versions'), scope = ${united(sql, 'scope', now)},
        claims = ${united(sql, 'claims', now)}, resources = ${united(sql, 'resources', now)},
        granted_at = excluded.granted_at, expires_at = excluded.expires_at
      returning 1`

const CAN_SETTLE = (sql: Queries): Part => sql`select from ruling where outcome = 'settled'`

/** `basis` for a settlement: the issue's, or, where nothing is issued, the client's presence alone. */
const basisOf = (sql: Queries, settlement: InteractionSettlement, now: Occasion['now']): Part => {
  const { issue, consent } = settlement
  if (issue === undefined) return sql`basis as materialized (select 1 from ruling where outcome = 'settled')`
  const consentVersion = consent === undefined ? issue.basis.consentVersion : undefined
  const check = { ...issue.basis, consentVersion, clientId: issue.grant.clientId, subject: issue.grant.subject, now }
  return basisLocks(sql, check, CAN_SETTLE(sql))
}

const grantPart = (sql: Queries, issue: CodeIssue | undefined): Part =>
  issue === undefined ? sql`issued as (select)` : insertGrant(sql, issue, PAID(sql))

/** Settles an interaction. */
export const settle = async (
  database: Database,
  move: InteractionMove & { readonly settlement: InteractionSettlement },
  occasion: Occasion,
): Promise<'settled' | InteractionRefusal | 'requestSpent'> => {
  const { settlement } = move
  const [row] = await database.statement<{ outcome: 'settled' | InteractionRefusal | 'requestSpent' | null }>(
    (sql) => sql`
      with ${judgeMove(sql, move, { now: occasion.now, verdict: 'settled' })},
      ${basisOf(sql, settlement, occasion.now)},
      ${spendPart(sql, sql`(select pushed_request from ruling)`, { now: occasion.now, gate: sql`select from basis` })},
      settled as (
        update interactions i set settled_at = ${occasion.now}::bigint, revision = i.revision + 1
        from ruling, basis where i.id = ruling.id and ${PAID(sql)}
        returning 1
      ),
      remembered as (${rememberConsent(sql, settlement.consent, occasion.now)}),
      ${grantPart(sql, settlement.issue)},
      written as (${insertEvents(sql, sql`settled`, occasion.events)})
      select case
        when exists (select from settled) then 'settled'
        when exists (select from basis) then 'requestSpent'
        else (select case outcome when 'settled' then 'stale' else outcome end from ruling)
      end as outcome`,
  )
  return row?.outcome ?? 'unknown'
}
