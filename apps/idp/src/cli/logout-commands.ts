// Owns the command on apps that were, are to be, or could not be told that a session ended. Never tells one, and changes nothing.

import type { LogoutDeliveryRecord } from '@vouchsafe/core'
import { type Command, EXIT, type Output } from './command.ts'
import { timeText, valueText } from './output.ts'

const STATES = ['waiting', 'delivered', 'dead'] as const

const COLUMNS = ['client_id', 'subject', 'sid', 'state', 'attempts', 'failure', 'ended_at', 'due_at']

const outputOf = (deliveries: readonly LogoutDeliveryRecord[]): Output => {
  const items = deliveries.map((one) => ({
    client_id: one.clientId,
    subject: one.subject,
    sid: one.sid,
    state: one.state,
    attempts: one.attempts,
    failure: one.failure ?? null,
    ended_at: timeText(one.createdAt),
    due_at: timeText(one.dueAt),
  }))
  return {
    json: items,
    columns: COLUMNS,
    rows: items.map((item) => Object.values(item).map((value) => valueText(value))),
  }
}

// Whole pages, so that a list of any length takes little memory in the database.
const PAGE = 500

const list: Command = {
  path: ['logout-deliveries', 'list'],
  summary: 'Lists which apps were told that a session ended, are to be told, or could not be told (dead).',
  positionals: [],
  options: {
    state: { kind: 'choice', choices: STATES, words: 'Only those in this state; all unless set.' },
  },
  needsSchema: true,
  run: async ({ args, database }) => {
    const state = STATES.find((known) => known === args.text('state'))
    const found: LogoutDeliveryRecord[] = []
    let after: string | undefined
    do {
      const page = await database.stores.logouts.listDeliveries({ state, after, limit: PAGE })
      found.push(...page.items)
      after = page.next
    } while (after !== undefined)
    return { code: EXIT.done, output: outputOf(found) }
  },
}

/** The commands on deliveries. */
export const LOGOUT_COMMANDS: readonly Command[] = [list]
