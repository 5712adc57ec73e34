// Owns the insert of audit events that ride in no transition. Never reads them back.

import type { AuditStore } from '@vouchsafe/core'
import type { Database } from '../database.ts'
import { insertEvents } from './events.ts'

/** The audit log in Postgres. */
export const createAuditStore = (database: Database): AuditStore => ({
  appendEvents: async (events) => {
    if (events.length === 0) return
    await database.statement((sql) => insertEvents(sql, sql`(select)`, events))
  },
})
