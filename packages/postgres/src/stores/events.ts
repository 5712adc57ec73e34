// Owns how audit events ride in a transition. Never decides whether they do: the row source of the insert does.

import type { AuditEntry } from '@vouchsafe/core'
import type postgres from 'postgres'
import type { Queries } from '../database.ts'
import { jsonbText } from '../values.ts'

/** A query part: SQL with its parameters, to be put into a statement. */
export type Part = postgres.Fragment

/** The parameter that holds events. */
export const eventsText = (events: readonly AuditEntry[]): string =>
  jsonbText(events.map((event) => ({ at: event.at, name: event.name, fields: event.fields })))

/** An `insert` of events, once per row of the table or subquery `won`: none when there is no row. */
export const insertEvents = (sql: Queries, won: Part, events: readonly AuditEntry[]): Part => sql`
  insert into audit_events (at, name, fields)
  select e.at, e.name, e.fields
  from ${won} as won, jsonb_to_recordset(${eventsText(events)}::text::jsonb) as e (at bigint, name text, fields jsonb)`
