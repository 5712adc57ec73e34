// Owns the judgement of who moves an interaction from which state. Never writes.

import type { Instant, InteractionMove } from '@vouchsafe/core'
import type { Queries } from '../database.ts'
import { bytes } from '../values.ts'
import type { Part } from './events.ts'

/**
 * Common table expressions `held`, the locked row, and `ruling`, with the outcome: the first refusal that applies, or `verdict`. No
 * row in `ruling` means that the interaction is unknown.
 */
export const judgeMove = (
  sql: Queries,
  move: InteractionMove,
  on: { readonly now: Instant; readonly verdict: string },
): Part => sql`
  held as materialized (
    select id, browser_digest, revision, pushed_request, expires_at, settled_at from interactions where id = ${move.id} for update
  ), ruling as materialized (
    select id, pushed_request, case
      when browser_digest is distinct from ${bytes(move.browserDigest)}::bytea then 'mismatched'
      when settled_at is not null then 'alreadySettled'
      when expires_at <= ${on.now}::bigint then 'expired'
      when revision <> ${move.revision}::integer then 'stale'
      else ${on.verdict}::text
    end as outcome
    from held
  )`
