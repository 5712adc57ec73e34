// Owns the commands on clients: from options to metadata, from outcomes to exit codes. Never holds a rule about clients.

import { readFile } from 'node:fs/promises'
import { clientId, err, type Json, type JsonObject, ok, parseJson, type Result, reveal } from '@vouchsafe/core'
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
import type { Config } from '../config/index.ts'
import { withAdmin } from './admin.ts'
import type { Arguments } from './arguments.ts'
import { type Command, type CommandCall, type CommandOutcome, EXIT, ended, type OptionSpec } from './command.ts'
import { fieldsOf, timeText, valueText } from './output.ts'

type Kind = 'text' | 'list' | 'toggle' | 'number'

/** Options and the member of the metadata that each sets (RFC 7591 §2, and our own). */
const MEMBERS: readonly {
  readonly option: string
  readonly member: string
  readonly kind: Kind
  readonly spec: OptionSpec
}[] = [
  {
    option: 'name',
    member: 'client_name',
    kind: 'text',
    spec: { kind: 'text', value: 'NAME', words: 'What people are told the app is called.' },
  },
  {
    option: 'redirect-uri',
    member: 'redirect_uris',
    kind: 'list',
    spec: { kind: 'list', value: 'URI', words: 'Where people are sent back to, exactly; may be repeated.' },
  },
  {
    option: 'type',
    member: 'application_type',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['web', 'native'],
      words: 'web (the default), or native for apps on a device, which may use loopback and schemes of their own.',
    },
  },
  {
    option: 'auth',
    member: 'token_endpoint_auth_method',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
      words: 'How the app authenticates; client_secret_basic unless set, none for an app that can keep no secret.',
    },
  },
  {
    option: 'scope',
    member: 'scope',
    kind: 'text',
    spec: { kind: 'text', value: '"SCOPE ..."', words: 'Scopes it may ask for; "openid profile email" unless set.' },
  },
  {
    option: 'pkce',
    member: 'pkce',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['required', 'optional'],
      words: 'optional lets a confidential app go without PKCE, with a nonce instead.',
    },
  },
  {
    option: 'nonce',
    member: 'nonce',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['required', 'optional'],
      words: 'optional lets a confidential app go without PKCE and without a nonce.',
    },
  },
  {
    option: 'id-token-alg',
    member: 'id_token_signed_response_alg',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['RS256', 'ES256', 'EdDSA'],
      words: 'What its ID tokens are signed with; RS256 unless set.',
    },
  },
  {
    option: 'id-token-claims',
    member: 'id_token_claims',
    kind: 'text',
    spec: {
      kind: 'choice',
      choices: ['minimal', 'scoped'],
      words: 'scoped puts the claims of the scopes into the ID token, for apps that never call userinfo.',
    },
  },
  {
    option: 'trusted',
    member: 'trusted',
    kind: 'toggle',
    spec: { kind: 'toggle', words: 'A trusted app asks nobody for consent.' },
  },
  {
    option: 'localhost-any-port',
    member: 'localhost_any_port',
    kind: 'toggle',
    spec: {
      kind: 'toggle',
      words: 'Whether http://localhost redirect URIs leave the port free, as loopback addresses do.',
    },
  },
  {
    option: 'default-max-age',
    member: 'default_max_age',
    kind: 'number',
    spec: { kind: 'number', value: 'SECONDS', words: 'Age of a sign-in beyond which it is asked for again.' },
  },
  {
    option: 'cors-origin',
    member: 'cors_origins',
    kind: 'list',
    spec: { kind: 'list', value: 'ORIGIN', words: 'Origin whose scripts may read answers; may be repeated.' },
  },
  {
    option: 'client-uri',
    member: 'client_uri',
    kind: 'text',
    spec: { kind: 'text', value: 'URL', words: 'Home page of the app.' },
  },
  { option: 'logo-uri', member: 'logo_uri', kind: 'text', spec: { kind: 'text', value: 'URL', words: 'Its logo.' } },
  {
    option: 'policy-uri',
    member: 'policy_uri',
    kind: 'text',
    spec: { kind: 'text', value: 'URL', words: 'Its privacy policy.' },
  },
  {
    option: 'tos-uri',
    member: 'tos_uri',
    kind: 'text',
    spec: { kind: 'text', value: 'URL', words: 'Its terms of service.' },
  },
]

const SETTING_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  ...Object.fromEntries(MEMBERS.map(({ option, spec }) => [option, spec])),
  'jwks-file': { kind: 'text', value: 'FILE', words: 'JWK Set with its public keys, for private_key_jwt.' },
}

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
  grantTypes: ['authorization_code'],
  scopes: 'any',
  unknownFields: 'refuse',
})

const memberValue = (args: Arguments, { option, kind }: (typeof MEMBERS)[number]): Json | undefined => {
  if (kind === 'list') return args.list(option)
  if (kind === 'toggle') return args.toggle(option)
  const text = args.text(option)
  return kind === 'number' && text !== undefined ? Number(text) : text
}

const readJwks = async (path: string): Promise<Result<Json, string>> => {
  try {
    const parsed = parseJson(await readFile(path, 'utf8'), 100_000)
    return parsed === undefined ? err(`${path} holds no JSON.`) : ok(parsed)
  } catch (error) {
    return err(
      `${path} cannot be read (${error instanceof Error && 'code' in error ? String(error.code) : 'unknown error'}).`,
    )
  }
}

/** The metadata that the options name, and nothing else. */
const metadataFrom = async (args: Arguments): Promise<Result<JsonObject, string>> => {
  const named = MEMBERS.map((each) => [each.member, memberValue(args, each)] as const).filter(
    ([, value]) => value !== undefined,
  )
  const file = args.text('jwks-file')
  const jwks = file === undefined ? undefined : await readJwks(file)
  if (jwks?.ok === false) return jwks
  return ok({ ...Object.fromEntries(named), ...(jwks === undefined ? {} : { jwks: jwks.value }) })
}

const jsonOf = (client: ClientDescription): Readonly<Record<string, Json | undefined>> => ({
  client_id: client.clientId,
  disabled: client.disabled,
  version: client.version,
  secrets: client.secrets.length,
  created_at: timeText(client.createdAt),
  updated_at: timeText(client.updatedAt),
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

const optionOf = (member: string): string => {
  const found = MEMBERS.find((each) => each.member === member)
  if (member === 'client_id') return '--id'
  return found === undefined ? '--jwks-file' : `--${found.option}`
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

const isUnset = (args: Arguments): JsonObject =>
  Object.fromEntries(
    (args.list('unset') ?? []).map((option) => [
      MEMBERS.find((each) => each.option === option)?.member ?? 'jwks',
      null,
    ]),
  )

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
    const change = { ...isUnset(args), ...metadata.value }
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
