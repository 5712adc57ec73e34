// Owns the commands on clients: from a line to a use case, from outcomes to exit codes. Never holds a rule about clients.

import { clientId, type Json, reveal } from '@vouchsafe/core'
import {
  type AdminDeps,
  type ChangedClient,
  type ClientDescription,
  type ClientRefusal,
  type ClientWarning,
  createClient,
  deleteClient,
  describeClientRejection,
  listClients,
  type RegistrationPolicy,
  setClientDisabled,
  showClient,
  updateClient,
} from '@vouchsafe/core/admin'
import { DEFAULT_GRANT_TYPES, deviceCode } from '@vouchsafe/core/grant-types'
import type { Config } from '../config/index.ts'
import { withAdmin } from './admin.ts'
import { metadataFrom, optionOf, SETTING_OPTIONS, unsetMembers } from './client-options.ts'
import { type Command, type CommandCall, type CommandOutcome, EXIT, ended } from './command.ts'
import { fieldsOf, timeText, valueText } from './output.ts'

const CLIENT_ID = { name: 'CLIENT_ID', words: 'Identifier of the client.' }

const WARNINGS: Readonly<Record<ClientWarning, string>> = {
  localhostByName: 'Warning: localhost can be made to point elsewhere; 127.0.0.1 and [::1] cannot.',
  pkceOptional: 'Warning: without PKCE, a code that leaks can be used by whoever has it and the secret.',
  nonceOptional:
    'Warning: without PKCE and without a nonce, a stolen code can be slipped into another person’s sign-in.',
  secretInNativeApp:
    'Warning: a secret that is shipped in an app is known to everybody who has the app; consider --auth none.',
}

const policyOf = (config: Config): RegistrationPolicy => ({
  development: !config.production,
  grantTypes: [...DEFAULT_GRANT_TYPES, deviceCode].map(({ grantType }) => grantType),
  scopes: 'any',
  unknownFields: 'refuse',
  fetches: true,
})

const jsonOf = (client: ClientDescription): Readonly<Record<string, Json | undefined>> => ({
  client_id: client.clientId,
  disabled: client.disabled,
  origin: client.origin,
  version: client.version,
  secrets: client.secrets.length,
  created_at: timeText(client.createdAt),
  updated_at: timeText(client.updatedAt),
  ...(client.unusedExpiresAt === undefined ? {} : { unused_expires_at: timeText(client.unusedExpiresAt) }),
  ...client.metadata,
})

const changed = ({ client, secret, warnings }: ChangedClient): CommandOutcome => {
  const shown = secret === undefined ? {} : { client_secret: reveal(secret) }
  const notes = warnings.map((warning) => WARNINGS[warning])
  return {
    code: EXIT.done,
    output: fieldsOf({ ...jsonOf(client), ...shown }),
    notes: secret === undefined ? notes : [...notes, 'The client secret is shown this once: only its digest is kept.'],
  }
}

const refused = (refusal: ClientRefusal): CommandOutcome => {
  switch (refusal.kind) {
    case 'rejected':
      return ended(EXIT.refused, `${optionOf(refusal.rejection.field)}: ${describeClientRejection(refusal.rejection)}`)
    case 'taken':
      return ended(EXIT.conflict, 'There is a client with this id.')
    case 'stale':
      return ended(EXIT.conflict, 'Somebody changed the client meanwhile; nothing was changed.')
    case 'unknown':
      return unknown()
  }
}

const unknown = (): CommandOutcome => ended(EXIT.notFound, 'There is no such client.')

const create: Command = {
  path: ['client', 'create'],
  summary: 'Registers a client, and prints its secret this once.',
  positionals: [],
  options: {
    ...SETTING_OPTIONS,
    id: { kind: 'text', value: 'ID', words: 'An identifier of your choice; generated unless set.' },
  },
  required: ['name', 'redirect-uri'],
  needsSchema: true,
  run: async (call) => {
    const metadata = await metadataFrom(call.args)
    if (!metadata.ok) return ended(EXIT.usage, metadata.error)
    const { actor, args, config } = call
    const creation = { actor, metadata: metadata.value, policy: policyOf(config), clientId: args.text('id') }
    const outcome = await withAdmin(call, (admin) => createClient(admin, creation))
    return outcome.ok ? changed(outcome.value) : refused(outcome.error)
  },
}

const update: Command = {
  path: ['client', 'update'],
  summary: 'Changes what is named and leaves the rest; lists are replaced whole.',
  positionals: [CLIENT_ID],
  options: {
    ...SETTING_OPTIONS,
    unset: {
      kind: 'list',
      value: 'OPTION',
      choices: Object.keys(SETTING_OPTIONS),
      words: 'Takes a setting away, by the name of its option; may be repeated.',
    },
    version: { kind: 'number', value: 'NUMBER', words: 'Only if the client still has this version.' },
  },
  needsSchema: true,
  run: async (call) => {
    const { actor, args, config } = call
    const metadata = await metadataFrom(args)
    if (!metadata.ok) return ended(EXIT.usage, metadata.error)
    const version = args.text('version')
    const change = { ...unsetMembers(args), ...metadata.value }
    const outcome = await withAdmin(call, (admin) =>
      updateClient(admin, {
        actor,
        change,
        clientId: clientId(args.positionals[0] ?? ''),
        policy: policyOf(config),
        version: version === undefined ? undefined : Number(version),
      }),
    )
    return outcome.ok ? changed(outcome.value) : refused(outcome.error)
  },
}

const PAGE = 200

const allClients = async (admin: AdminDeps): Promise<readonly ClientDescription[]> => {
  const found: ClientDescription[] = []
  let after: string | undefined
  do {
    const { items, next } = await listClients(admin, { after, limit: PAGE })
    found.push(...items)
    after = next
  } while (after !== undefined)
  return found
}

const list: Command = {
  path: ['client', 'list'],
  summary: 'Lists all clients in the order of their ids.',
  positionals: [],
  options: {},
  needsSchema: true,
  run: async (call) => {
    const clients = await withAdmin(call, allClients)
    const columns = [
      'client_id',
      'client_name',
      'application_type',
      'token_endpoint_auth_method',
      'disabled',
      'origin',
      'redirect_uris',
    ]
    const items = clients.map(jsonOf)
    const rows = items.map((item) => columns.map((column) => valueText(item[column])))
    return { code: EXIT.done, output: { json: items, columns, rows } }
  },
}

const show: Command = {
  path: ['client', 'show'],
  summary: 'Shows a client; its secret cannot be shown again.',
  positionals: [CLIENT_ID],
  options: {},
  needsSchema: true,
  run: async (call) => {
    const client = await withAdmin(call, (admin) => showClient(admin, clientId(call.args.positionals[0] ?? '')))
    return client === undefined ? unknown() : { code: EXIT.done, output: fieldsOf(jsonOf(client)) }
  },
}

const switching = (verb: 'disable' | 'enable', summary: string): Command => ({
  path: ['client', verb],
  summary,
  positionals: [CLIENT_ID],
  options: {},
  needsSchema: true,
  run: async (call) => {
    const change = {
      actor: call.actor,
      clientId: clientId(call.args.positionals[0] ?? ''),
      disabled: verb === 'disable',
    }
    const outcome = await withAdmin(call, (admin) => setClientDisabled(admin, change))
    if (outcome === 'unknown') return unknown()
    if (outcome === 'stale') return refused({ kind: 'stale' })
    const said = outcome === 'changed' ? `The client is ${verb}d.` : `The client was ${verb}d already.`
    return { ...ended(EXIT.done, said), output: fieldsOf({ client_id: change.clientId, disabled: change.disabled }) }
  },
})

const confirmDeletion = async ({ args, terminal }: CommandCall): Promise<boolean> => {
  if (args.flag('yes')) return true
  return terminal.canAsk && terminal.confirm(`Deleting ${args.positionals[0]} ends everything that was issued to it.`)
}

const remove: Command = {
  path: ['client', 'delete'],
  summary: 'Deletes a client; everything that was issued to it is dead at once.',
  positionals: [CLIENT_ID],
  options: { yes: { kind: 'flag', words: 'Do not ask.' } },
  needsSchema: true,
  run: async (call) => {
    if (!(await confirmDeletion(call))) return ended(EXIT.refused, 'Nothing was deleted; --yes deletes without asking.')
    const deletion = { actor: call.actor, clientId: clientId(call.args.positionals[0] ?? '') }
    const outcome = await withAdmin(call, (admin) => deleteClient(admin, deletion))
    if (outcome === 'unknown') return unknown()
    return {
      ...ended(EXIT.done, 'The client is deleted.'),
      output: fieldsOf({ client_id: deletion.clientId, deleted: true }),
    }
  },
}

/** The commands on clients. */
export const CLIENT_COMMANDS: readonly Command[] = [
  create,
  list,
  show,
  update,
  switching('disable', 'Switches a client off at once, everywhere.'),
  switching('enable', 'Switches a client on again.'),
  remove,
]
