// Owns the statements on interactions. Never lets two browsers, two tabs or two answers win one state: the row is locked, judged
// and written in one statement.

import {
  type InteractionRecord,
  type InteractionRefusal,
  type InteractionStore,
  sessionId,
  subject,
} from '@vouchsafe/core'
import type { Database } from '../database.ts'
import { bytes, bytesOrNull, digestOf, type Int8, instantOf, instantOrUndefined, isStorable } from '../values.ts'
import { judgeMove } from './judge-move.ts'
import { requestOf } from './requests.ts'
import { settle } from './settle.ts'

interface InteractionRow {
  readonly id: string
  readonly browser_digest: Buffer | null
  readonly revision: number
  readonly request: string
  readonly pushed_request: Buffer | null
  readonly authenticated_sid: string | null
  readonly selected_sid: string | null
  readonly other_account: boolean
  readonly consent_sid: string | null
  readonly consent_subject: string | null
  readonly created_at: Int8
  readonly expires_at: Int8
  readonly settled_at: Int8 | null
}

const recordOf = (row: InteractionRow): InteractionRecord => ({
  id: row.id,
  browserDigest: row.browser_digest === null ? undefined : digestOf(row.browser_digest),
  revision: row.revision,
  request: requestOf(row.request),
  pushedRequest: row.pushed_request === null ? undefined : digestOf(row.pushed_request),
  progress: {
    authenticated: row.authenticated_sid === null ? undefined : sessionId(row.authenticated_sid),
    selected: row.selected_sid === null ? undefined : sessionId(row.selected_sid),
    otherAccount: row.other_account,
    consentShownTo:
      row.consent_sid === null || row.consent_subject === null
        ? undefined
        : { sid: sessionId(row.consent_sid), subject: subject(row.consent_subject) },
  },
  createdAt: instantOf(row.created_at),
  expiresAt: instantOf(row.expires_at),
  settledAt: instantOrUndefined(row.settled_at),
})

/** The store of interactions in Postgres. */
export const createInteractionStore = (database: Database): InteractionStore => ({
  openInteraction: async (interaction) => {
    const { progress } = interaction
    await database.statement(
      (sql) => sql`
        insert into interactions (id, browser_digest, revision, request, pushed_request, authenticated_sid, selected_sid, other_account,
          consent_sid, consent_subject, created_at, expires_at, settled_at)
        values (${interaction.id}, ${bytesOrNull(interaction.browserDigest)}::bytea, ${interaction.revision}::integer,
          ${JSON.stringify(interaction.request)}::text::json, ${bytesOrNull(interaction.pushedRequest)}::bytea,
          ${progress.authenticated ?? null}::text,
          ${progress.selected ?? null}::text, ${progress.otherAccount}::boolean, ${progress.consentShownTo?.sid ?? null}::text,
          ${progress.consentShownTo?.subject ?? null}::text, ${interaction.createdAt}::bigint,
          ${interaction.expiresAt}::bigint, ${interaction.settledAt ?? null}::bigint)`,
    )
    return 'opened'
  },

  findInteraction: async (id) => {
    if (!isStorable(id)) return undefined
    const [row] = await database.statement<InteractionRow>(
      (sql) => sql`
        select id, browser_digest, revision, request::text as request, pushed_request, authenticated_sid, selected_sid, other_account, consent_sid,
          consent_subject, created_at, expires_at, settled_at
        from interactions where id = ${id}`,
    )
    return row === undefined ? undefined : recordOf(row)
  },

  bindInteraction: async ({ id, browserDigest, now }) => {
    if (!isStorable(id)) return 'unknown'
    const [row] = await database.statement<{ outcome: 'bound' | Exclude<InteractionRefusal, 'stale'> | null }>(
      (sql) => sql`
        with held as materialized (
          select id, browser_digest, expires_at, settled_at from interactions where id = ${id} for update
        ), ruling as materialized (
          select id, browser_digest is null as unbound, case
            when browser_digest <> ${bytes(browserDigest)}::bytea then 'mismatched'
            when settled_at is not null then 'alreadySettled'
            when expires_at <= ${now}::bigint then 'expired'
            else 'bound'
          end as outcome
          from held
        ), bound as (
          update interactions i set browser_digest = ${bytes(browserDigest)}::bytea
          from ruling where i.id = ruling.id and ruling.outcome = 'bound' and ruling.unbound
        )
        select (select outcome from ruling) as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },

  advanceInteraction: async ({ progress, now, ...move }) => {
    if (!isStorable(move.id)) return 'unknown'
    const [row] = await database.statement<{ outcome: 'advanced' | InteractionRefusal | null }>(
      (sql) => sql`
        with ${judgeMove(sql, move, { now, verdict: 'advanced' })}, advanced as (
          update interactions i set
            revision = i.revision + 1,
            authenticated_sid = ${progress.authenticated ?? null}::text,
            selected_sid = ${progress.selected ?? null}::text,
            other_account = ${progress.otherAccount}::boolean,
            consent_sid = ${progress.consentShownTo?.sid ?? null}::text,
            consent_subject = ${progress.consentShownTo?.subject ?? null}::text
          from ruling where i.id = ruling.id and ruling.outcome = 'advanced'
        )
        select (select outcome from ruling) as outcome`,
    )
    return row?.outcome ?? 'unknown'
  },

  settleInteraction: async (move, occasion) => {
    if (!isStorable(move.id)) return 'unknown'
    return settle(database, move, occasion)
  },
})
