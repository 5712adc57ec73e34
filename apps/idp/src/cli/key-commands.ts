// Owns the commands on signing keys and on the schema. Never prints a private key.

import { SIGNING_ALGS } from '@vouchsafe/core'
import { type KeyDescription, listKeys, type RotationRefusal, rotateKeys } from '@vouchsafe/core/admin'
import { migrateDatabase } from '../database/index.ts'
import { sealedKeyMaker, sealerFor } from '../keys/index.ts'
import { withAdmin } from './admin.ts'
import { type Command, type CommandOutcome, EXIT, ended, type Output } from './command.ts'
import { timeText } from './output.ts'

const COLUMNS = ['kid', 'alg', 'state', 'since', 'created_at']

const outputOf = (keys: readonly KeyDescription[]): Output => {
  const items = keys.map(({ kid, alg, state, since, createdAt }) => ({
    kid,
    alg,
    state,
    since: timeText(since),
    created_at: timeText(createdAt),
  }))
  return {
    json: items,
    columns: COLUMNS,
    rows: items.map(({ kid, alg, state, since, created_at }) => [kid, alg, state, since, created_at]),
  }
}

const list: Command = {
  path: ['keys', 'list'],
  summary: 'Lists the signing keys and where each stands: next, active, retiring, retired.',
  positionals: [],
  options: {},
  needsSchema: true,
  run: async ({ database }) => ({ code: EXIT.done, output: outputOf(await listKeys(database)) }),
}

const refused = (refusal: RotationRefusal): CommandOutcome => {
  if (refusal.reason === 'alreadyWaiting') {
    return ended(
      EXIT.conflict,
      `Key ${refusal.kid} waits already; it signs from ${timeText(refusal.signsFrom)}. --now makes one that signs at once.`,
    )
  }
  return ended(EXIT.conflict, 'Another node changed the keys meanwhile; nothing was changed.')
}

const rotate: Command = {
  path: ['keys', 'rotate'],
  summary: 'Makes new signing keys, which sign once every cache knows them.',
  positionals: [],
  options: {
    alg: {
      kind: 'list',
      value: SIGNING_ALGS.join('|'),
      choices: SIGNING_ALGS,
      words: 'Algorithm to make a key for; may be repeated; all unless set.',
    },
    now: {
      kind: 'flag',
      words:
        'The new keys sign at once: for a key that got into wrong hands. Apps that keep the old set too long refuse tokens for a while.',
    },
  },
  needsSchema: true,
  run: async (call) => {
    const { actor, args, config } = call
    const named = args.list('alg') ?? SIGNING_ALGS
    const algs = SIGNING_ALGS.filter((alg) => named.includes(alg))
    const makeKey = sealedKeyMaker(await sealerFor(config))
    const urgency = args.flag('now') ? 'immediate' : 'planned'
    const outcome = await withAdmin(call, (admin) =>
      rotateKeys(admin, { actor, makeKey, timing: config.keyTiming, algs, urgency }),
    )
    return outcome.ok ? { code: EXIT.done, output: outputOf(outcome.value) } : refused(outcome.error)
  },
}

const migrate: Command = {
  path: ['migrate'],
  summary: 'Brings the database to the schema of this version; changes nothing where it is so already.',
  positionals: [],
  options: {},
  needsSchema: false,
  run: async ({ database }) => {
    const applied = await migrateDatabase(database)
    const rows = applied.map((name) => [name])
    const said = applied.length === 0 ? ['The database is at the schema of this version.'] : []
    return { ...ended(EXIT.done, ...said), output: { json: applied, columns: ['migration'], rows } }
  },
}

/** The commands on keys. */
export const KEY_COMMANDS: readonly Command[] = [list, rotate]

/** The command on the schema. */
export const SCHEMA_COMMANDS: readonly Command[] = [migrate]
