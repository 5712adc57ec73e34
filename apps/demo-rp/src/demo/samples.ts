// Owns the sample people and the demo app's registration: made where they are missing, left alone where they are there. Never starts
// anything.

import { randomInt } from 'node:crypto'
import { CONFLICT, type Commands, printedBy } from './commands.ts'
import type { Keeper, Kept } from './keeper.ts'

/** What the demo app asks for. */
export const DEMO_SCOPE = 'openid profile email address phone groups'

/** Somebody to sign in as. */
export interface Sample {
  readonly username: string
  readonly password: string
}

const PEOPLE: Readonly<Record<string, readonly string[]>> = {
  alice: [
    ...['--name', 'Alice Archer', '--given-name', 'Alice', '--family-name', 'Archer', '--nickname', 'Al'],
    ...['--email', 'alice@example.org', '--email-verified', '--locale', 'en-GB', '--zoneinfo', 'Europe/London'],
    ...['--phone-number', '+44 20 7946 0123', '--phone-number-verified'],
    ...['--street-address', '1 Mill Lane', '--locality', 'Cambridge', '--postal-code', 'CB2 1RX', '--country', 'GB'],
    ...['--group', 'staff', '--group', 'editors'],
  ],
  bob: [
    ...['--name', 'Bob Baker', '--given-name', 'Bob', '--family-name', 'Baker'],
    ...['--email', 'bob@example.net', '--locale', 'de-DE', '--birthdate', '1984-06-15', '--group', 'guests'],
  ],
}

// Without letters that look alike.
const LETTERS = 'abcdefghjkmnpqrstuvwxyz23456789'

/** A password of sixty random bits that can be typed. */
const newPassword = (): string =>
  Array.from({ length: 3 }, () =>
    Array.from({ length: 4 }, () => LETTERS.charAt(randomInt(LETTERS.length))).join(''),
  ).join('-')

const textOf = (value: unknown, name: string): string => {
  const member: unknown =
    typeof value === 'object' && value !== null ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined
  return typeof member === 'string' ? member : ''
}

const namesOf = (list: unknown, member: string): readonly string[] =>
  Array.isArray(list) ? list.map((item) => textOf(item, member)) : []

interface Preparation {
  readonly commands: Commands
  readonly keeper: Keeper
  /** Origin of the demo app. */
  readonly origin: string
}

/** Makes somebody, or gives somebody whose password nobody remembers a new one. */
const preparePerson = async (
  commands: Commands,
  username: string,
  details: readonly string[],
  exists: boolean,
): Promise<Sample> => {
  const password = newPassword()
  const creation = ['user', 'create', username, ...details, '--password-stdin']
  const created = exists ? undefined : await commands(creation, password)
  if (created?.code === 0) return { username, password }
  if (created !== undefined && created.code !== CONFLICT) throw new Error(`No ${username}: ${created.told.trim()}`)
  await printedBy(commands, ['user', 'set-password', username, '--password-stdin'], password)
  return { username, password }
}

const preparePeople = async ({ commands, keeper }: Preparation): Promise<readonly Sample[]> => {
  const existing = namesOf(await printedBy(commands, ['user', 'list']), 'username')
  const people: Sample[] = []
  for (const [username, details] of Object.entries(PEOPLE)) {
    const exists = existing.includes(username)
    const kept = await keeper.read()
    const password = kept.passwords[username]
    if (exists && password !== undefined) {
      people.push({ username, password })
      continue
    }
    const made = await preparePerson(commands, username, details, exists)
    await keeper.write({ ...kept, passwords: { ...kept.passwords, [username]: made.password } })
    people.push(made)
  }
  return people
}

const prepareClient = async ({ commands, keeper, origin }: Preparation): Promise<NonNullable<Kept['client']>> => {
  const kept = await keeper.read()
  const known = namesOf(await printedBy(commands, ['client', 'list']), 'client_id')
  const uris = ['--redirect-uri', `${origin}/callback`, '--post-logout-redirect-uri', `${origin}/`]
  const settings = [...uris, '--scope', DEMO_SCOPE]
  if (kept.client !== undefined && known.includes(kept.client.clientId)) {
    // The app may have had to take another port.
    await printedBy(commands, ['client', 'update', kept.client.clientId, ...settings])
    return kept.client
  }
  const made = await printedBy(commands, ['client', 'create', '--name', 'Demo app', ...settings])
  const client = { clientId: textOf(made, 'client_id'), clientSecret: textOf(made, 'client_secret') }
  await keeper.write({ ...kept, client })
  return client
}

/** Makes what is missing; a second call finds everything there. Rejects with the words of the command that failed. */
export const prepare = async (
  preparation: Preparation,
): Promise<{ readonly people: readonly Sample[]; readonly client: NonNullable<Kept['client']> }> => {
  const people = await preparePeople(preparation)
  return { people, client: await prepareClient(preparation) }
}
