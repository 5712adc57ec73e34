// Owns the commands on people: from options to accounts, from outcomes to exit codes. Never takes a password as an argument.

import { err, type Json, ok, type Result, reveal, subject } from '@vouchsafe/core'
import type { AccountRejection, AccountService, Person, Profile } from '../accounts/index.ts'
import { withAccounts } from './admin.ts'
import type { Arguments } from './arguments.ts'
import { type Command, type CommandCall, type CommandOutcome, EXIT, ended, type OptionSpec } from './command.ts'
import { fieldsOf, timeText, valueText } from './output.ts'

type TextField = Exclude<keyof Profile, 'groups' | 'emailVerified' | 'phoneNumberVerified'>

const TEXTS: readonly (readonly [string, TextField, string])[] = [
  ['name', 'name', 'Full name as it is shown.'],
  ['given-name', 'givenName', 'First name or names.'],
  ['family-name', 'familyName', 'Last name.'],
  ['middle-name', 'middleName', 'Names in between.'],
  ['nickname', 'nickname', 'What friends say.'],
  ['email', 'email', 'E-mail address.'],
  ['phone-number', 'phoneNumber', 'Phone number, such as +44 20 7946 0000.'],
  ['website', 'website', 'Web page.'],
  ['profile', 'profile', 'Page about the person.'],
  ['picture', 'picture', 'Address of a picture.'],
  ['gender', 'gender', 'Gender, in any words.'],
  ['birthdate', 'birthdate', 'Date of birth as YYYY-MM-DD, 0000-MM-DD or YYYY.'],
  ['zoneinfo', 'zoneinfo', 'Time zone, such as Europe/Berlin.'],
  ['locale', 'locale', 'Language, such as en-GB.'],
  ['street-address', 'streetAddress', 'Street and number.'],
  ['locality', 'locality', 'Town.'],
  ['region', 'region', 'Region or state.'],
  ['postal-code', 'postalCode', 'Postal code.'],
  ['country', 'country', 'Country.'],
]

const PASSWORD_STDIN: OptionSpec = { kind: 'flag', words: 'Read the password from standard input instead of asking.' }

const CREATE_OPTIONS: Readonly<Record<string, OptionSpec>> = {
  ...Object.fromEntries(
    TEXTS.map(([option, , words]): [string, OptionSpec] => [option, { kind: 'text', value: 'TEXT', words }]),
  ),
  'email-verified': { kind: 'flag', words: 'The address is known to be theirs.' },
  'phone-number-verified': { kind: 'flag', words: 'The number is known to be theirs.' },
  group: { kind: 'list', value: 'GROUP', words: 'Group they belong to; may be repeated.' },
  admin: { kind: 'flag', words: 'An administrator.' },
  'password-stdin': PASSWORD_STDIN,
  'no-password': { kind: 'flag', words: 'Set no password yet: nobody can sign in by one.' },
}

const USERNAME = { name: 'USERNAME', words: 'Name they sign in with; with --subject, their subject identifier.' }
const BY_SUBJECT: OptionSpec = { kind: 'flag', words: 'USERNAME is a subject identifier.' }

const WORDS: Readonly<Record<AccountRejection['reason'], string>> = {
  malformed: 'has the wrong form',
  tooLong: 'is too long',
  tooShort: 'is too short',
  tooMany: 'has too many values',
  unsafeCharacter: 'holds a character that is not allowed there',
  trivial: 'is one that everybody tries first',
  taken: 'is taken',
  busy: 'too many passwords are being hashed',
}

const optionOf = (field: string): string => {
  if (field === 'username') return 'USERNAME'
  if (field === 'password') return 'The password'
  if (field === 'groups') return '--group'
  return `--${TEXTS.find(([, name]) => name === field)?.[0] ?? field}`
}

const refused = ({ field, reason }: AccountRejection): CommandOutcome =>
  ended(
    reason === 'taken' ? EXIT.conflict : EXIT.refused,
    `${optionOf(field ?? 'password')} ${WORDS[reason]}; nothing was changed.`,
  )

const unknown = (): CommandOutcome => ended(EXIT.notFound, 'There is no such person.')

const profileFrom = (args: Arguments): Partial<Profile> => ({
  ...Object.fromEntries(TEXTS.map(([option, field]) => [field, args.text(option)])),
  emailVerified: args.flag('email-verified'),
  phoneNumberVerified: args.flag('phone-number-verified'),
  groups: args.list('group') ?? [],
})

const jsonOf = ({ profile, ...person }: Person): Readonly<Record<string, Json | undefined>> => {
  const texts = TEXTS.map(([option, field]) => [option.replaceAll('-', '_'), profile[field]] as const)
  return {
    subject: person.subject,
    username: person.username,
    status: person.status,
    admin: person.isAdmin,
    has_password: person.hasPassword,
    ...Object.fromEntries(texts.filter(([, value]) => value !== undefined)),
    ...(profile.email === undefined ? {} : { email_verified: profile.emailVerified }),
    ...(profile.phoneNumber === undefined ? {} : { phone_number_verified: profile.phoneNumberVerified }),
    groups: profile.groups,
    created_at: timeText(person.createdAt),
    updated_at: timeText(person.updatedAt),
  }
}

/** A password from standard input, or typed twice in hiding. */
const readPassword = async ({ args, terminal }: CommandCall): Promise<Result<string, CommandOutcome>> => {
  if (args.flag('password-stdin')) {
    const read = await terminal.readInput()
    if (read === undefined) return err(ended(EXIT.usage, 'Standard input is too long for a password.'))
    return reveal(read) === '' ? err(ended(EXIT.usage, 'Standard input holds no password.')) : ok(reveal(read))
  }
  if (!terminal.canAsk)
    return err(ended(EXIT.usage, 'There is no terminal to ask at; give the password with --password-stdin.'))
  const typed = await terminal.askHidden('Password: ')
  const again = typed === undefined ? undefined : await terminal.askHidden('Again: ')
  if (typed === undefined || again === undefined) return err(ended(EXIT.refused, 'Nothing was changed.'))
  return reveal(typed) === reveal(again)
    ? ok(reveal(typed))
    : err(ended(EXIT.refused, 'The two differ; nothing was changed.'))
}

const create: Command = {
  path: ['user', 'create'],
  summary: 'Makes an account.',
  positionals: [{ name: 'USERNAME', words: 'Name they sign in with.' }],
  options: CREATE_OPTIONS,
  needsSchema: true,
  run: async (call) => {
    const { args, actor } = call
    if (args.flag('no-password') && args.flag('password-stdin')) {
      return ended(EXIT.usage, '--no-password and --password-stdin exclude one another.')
    }
    const password = args.flag('no-password') ? ok(undefined) : await readPassword(call)
    if (!password.ok) return password.error
    const [username = ''] = args.positionals
    const account = {
      username,
      password: password.value,
      profile: profileFrom(args),
      isAdmin: args.flag('admin'),
      actor,
    }
    const created = await withAccounts(call, (accounts) => accounts.create(account))
    return created.ok ? { code: EXIT.done, output: fieldsOf(jsonOf(created.value)) } : refused(created.error)
  },
}

const find = (accounts: AccountService, args: Arguments): Promise<Person | undefined> => {
  const [name = ''] = args.positionals
  return accounts.findPerson(args.flag('subject') ? { subject: subject(name) } : { username: name })
}

const PAGE = 200

const allPeople = async (accounts: AccountService): Promise<readonly Person[]> => {
  const found: Person[] = []
  let after: string | undefined
  do {
    const { items, next } = await accounts.listPeople({ after, limit: PAGE })
    found.push(...items)
    after = next
  } while (after !== undefined)
  return found
}

const list: Command = {
  path: ['user', 'list'],
  summary: 'Lists everybody in the order of their names.',
  positionals: [],
  options: {},
  needsSchema: true,
  run: async (call) => {
    const items = (await withAccounts(call, allPeople)).map(jsonOf)
    const columns = ['username', 'name', 'email', 'status', 'admin', 'groups', 'subject']
    const rows = items.map((item) => columns.map((column) => valueText(item[column])))
    return { code: EXIT.done, output: { json: items, columns, rows } }
  },
}

const show: Command = {
  path: ['user', 'show'],
  summary: 'Shows an account.',
  positionals: [USERNAME],
  options: { subject: BY_SUBJECT },
  needsSchema: true,
  run: async (call) => {
    const person = await withAccounts(call, (accounts) => find(accounts, call.args))
    return person === undefined ? unknown() : { code: EXIT.done, output: fieldsOf(jsonOf(person)) }
  },
}

const setPassword: Command = {
  path: ['user', 'set-password'],
  summary: 'Sets a password and signs the person out everywhere.',
  positionals: [USERNAME],
  options: { subject: BY_SUBJECT, 'password-stdin': PASSWORD_STDIN },
  needsSchema: true,
  run: (call) =>
    withAccounts(call, async (accounts) => {
      const person = await find(accounts, call.args)
      if (person === undefined) return unknown()
      const password = await readPassword(call)
      if (!password.ok) return password.error
      const change = { subject: person.subject, password: password.value, except: undefined, actor: call.actor }
      const outcome = await accounts.setPassword(change)
      if (outcome.ok) {
        const output = fieldsOf({ subject: person.subject, username: person.username, has_password: true })
        return { ...ended(EXIT.done, 'The password is set.'), output }
      }
      return outcome.error.field === 'subject' ? unknown() : refused(outcome.error)
    }),
}

const switching = (verb: 'disable' | 'enable', summary: string): Command => ({
  path: ['user', verb],
  summary,
  positionals: [USERNAME],
  options: { subject: BY_SUBJECT },
  needsSchema: true,
  run: (call) =>
    withAccounts(call, async (accounts) => {
      const person = await find(accounts, call.args)
      if (person === undefined) return unknown()
      const status = verb === 'disable' ? 'disabled' : 'active'
      const outcome = await accounts.setStatus({ subject: person.subject, status, actor: call.actor })
      if (outcome === 'unknown') return unknown()
      const output = fieldsOf({ subject: person.subject, username: person.username, status })
      return { ...ended(EXIT.done, `The account is ${verb}d.`), output }
    }),
})

/** The commands on people. */
export const USER_COMMANDS: readonly Command[] = [
  create,
  list,
  show,
  setPassword,
  switching('disable', 'Stops somebody at once, everywhere, and ends their sessions.'),
  switching('enable', 'Lets somebody in again.'),
]
