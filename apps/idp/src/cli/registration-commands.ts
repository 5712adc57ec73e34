// Owns the commands on initial access tokens: what an operator hands out so that apps can register themselves. Never prints one twice.

import { type Json, reveal } from '@vouchsafe/core'
import {
  createRegistrationToken,
  listRegistrationTokens,
  type RegistrationTokenDeps,
  type RegistrationTokenDescription,
  type RegistrationTokenRefusal,
  revokeRegistrationToken,
} from '@vouchsafe/core/admin'
import { parseDuration } from '../config/setting.ts'
import { withAdmin } from './admin.ts'
import { type Command, type CommandOutcome, EXIT, ended } from './command.ts'
import { fieldsOf, timeText, valueText } from './output.ts'

const REFUSALS: Readonly<Record<RegistrationTokenRefusal, string>> = {
  label: '--label must be at most 100 printable characters.',
  uses: '--uses must be from 1 to 10000.',
  lifetime: '--lifetime must be from 1m to 365d.',
  scopes: '--scope holds what is no scope.',
}

const jsonOf = (token: RegistrationTokenDescription): Readonly<Record<string, Json>> => ({
  id: token.id,
  label: token.label,
  uses_left: token.usesLeft,
  scope: token.scopes?.join(' ') ?? null,
  created_at: timeText(token.createdAt),
  expires_at: timeText(token.expiresAt),
})

const DAY = 24 * 60 * 60

const create: Command = {
  path: ['registration-token', 'create'],
  summary: 'Makes a token with which apps can register themselves, and prints it this once.',
  positionals: [],
  options: {
    label: { kind: 'text', value: 'WORDS', words: 'What it is meant for.' },
    uses: { kind: 'number', value: 'NUMBER', words: 'How many apps may be registered with it; 1 unless set.' },
    lifetime: { kind: 'text', value: 'TIME', words: 'How long it can be used, as 90m, 12h, 30d; 1d unless set.' },
    scope: {
      kind: 'text',
      value: '"SCOPE ..."',
      words: 'Scopes that these apps may have, of DYNAMIC_CLIENT_SCOPES; all of them unless set.',
    },
  },
  needsSchema: true,
  run: async (call): Promise<CommandOutcome> => {
    const { args, actor, config } = call
    const lifetime = parseDuration(args.text('lifetime') ?? DAY)
    const scopes = args
      .text('scope')
      ?.split(' ')
      .filter((scope) => scope !== '')
    const creation = {
      actor,
      label: args.text('label') ?? '',
      uses: Number(args.text('uses') ?? 1),
      lifetime: typeof lifetime === 'number' ? lifetime : Number.NaN,
      scopes,
    }
    const made = await withAdmin(call, (admin) => createRegistrationToken(admin, creation))
    if (!made.ok) return ended(EXIT.refused, REFUSALS[made.error])
    const { token, record } = made.value
    const off = config.registration === undefined ? ['DYNAMIC_CLIENTS is off: no app can register itself now.'] : []
    return {
      code: EXIT.done,
      output: fieldsOf({ ...jsonOf(record), token: reveal(token) }),
      notes: [...off, 'The token is shown this once: only its digest is kept.'],
    }
  },
}

const PAGE = 200

const allTokens = async (admin: RegistrationTokenDeps): Promise<readonly RegistrationTokenDescription[]> => {
  const found: RegistrationTokenDescription[] = []
  let after: string | undefined
  do {
    const { items, next } = await listRegistrationTokens(admin, { after, limit: PAGE })
    found.push(...items)
    after = next
  } while (after !== undefined)
  return found
}

const list: Command = {
  path: ['registration-token', 'list'],
  summary: 'Lists the tokens with which apps can register themselves, spent ones too.',
  positionals: [],
  options: {},
  needsSchema: true,
  run: async (call) => {
    const items = (await withAdmin(call, allTokens)).map(jsonOf)
    const columns = ['id', 'label', 'uses_left', 'scope', 'created_at', 'expires_at']
    const rows = items.map((item) => columns.map((column) => valueText(item[column])))
    return { code: EXIT.done, output: { json: items, columns, rows } }
  },
}

const revoke: Command = {
  path: ['registration-token', 'revoke'],
  summary: 'Revokes such a token at once; apps that were registered with it stay.',
  positionals: [{ name: 'TOKEN_ID', words: 'Identifier of the token, as the list has it; not the token itself.' }],
  options: {},
  needsSchema: true,
  run: async (call) => {
    const revocation = { actor: call.actor, id: call.args.positionals[0] ?? '' }
    const outcome = await withAdmin(call, (admin) => revokeRegistrationToken(admin, revocation))
    return outcome === 'revoked'
      ? { ...ended(EXIT.done, 'The token is revoked.'), output: fieldsOf({ id: revocation.id, revoked: true }) }
      : ended(EXIT.notFound, 'There is no such token.')
  },
}

/** The commands on initial access tokens. */
export const REGISTRATION_COMMANDS: readonly Command[] = [create, list, revoke]
