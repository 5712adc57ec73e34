// Owns people's accounts as the rest of the identity provider calls them: creating, finding, passwords, claims. Never renders a page.

import {
  type Accounts,
  err,
  type Instant,
  ok,
  type Result,
  type SessionId,
  type Stores,
  type Subject,
} from '@vouchsafe/core'
import { setSubjectStatus } from '@vouchsafe/core/admin'
import type { Database } from '@vouchsafe/postgres'
import type { Config } from '../config/index.ts'
import { createFirstAdministrator, type FirstAdministratorLink } from './first-administrator.ts'
import { createPasswordHasher, type PasswordHasher } from './hashing.ts'
import { type PasswordRejection, parseNewPassword, parseUsername } from './names.ts'
import { createPeople, type PersonConflict } from './people.ts'
import type { Person } from './person.ts'
import { claimsOf, type Profile, type ProfileRejection, parseProfile } from './profile.ts'
import { createSignIn, type SignInAttempt, type SignInOutcome } from './sign-in.ts'

/** Why an account or a password was not written. */
export type AccountRejection =
  | { readonly field: 'username'; readonly reason: 'malformed' | 'tooLong' | 'taken' }
  | { readonly field: 'password'; readonly reason: PasswordRejection }
  | { readonly field: 'email'; readonly reason: 'taken' }
  | ProfileRejection
  /** Too many passwords are being hashed; try again soon. */
  | { readonly field: undefined; readonly reason: 'busy' }

/** A new account as it is typed in. */
export interface NewAccount {
  readonly username: string
  /** Undefined makes an account that nobody can sign in to by password yet. */
  readonly password: string | undefined
  readonly profile: Partial<Profile>
}

/** Everything about people's accounts. */
export interface AccountService extends Accounts {
  create(
    account: NewAccount & { readonly isAdmin: boolean; readonly actor: string },
  ): Promise<Result<Person, AccountRejection>>
  findPerson(by: { readonly subject: Subject } | { readonly username: string }): Promise<Person | undefined>
  listPeople(page: { readonly after: string | undefined; readonly limit: number }): Promise<{
    readonly items: readonly Person[]
    readonly next: string | undefined
  }>
  /** Sets a password and ends the person's sessions, but for one that is to stay. */
  setPassword(change: {
    readonly subject: Subject
    readonly password: string
    readonly except: SessionId | undefined
    readonly actor: string
  }): Promise<Result<'changed', AccountRejection | { readonly field: 'subject'; readonly reason: 'unknown' }>>
  /** Lets a person act or stops him at once, on every node; his sessions end. */
  setStatus(change: {
    readonly subject: Subject
    readonly status: 'active' | 'disabled'
    readonly actor: string
  }): Promise<'changed' | 'unknown'>
  verifyPassword(attempt: SignInAttempt): Promise<SignInOutcome>
  /** The one-time link to print at the start, if nobody has an account yet. */
  issueFirstAdministratorLink(): Promise<FirstAdministratorLink | undefined>
  isFirstAdministratorLink(token: string): Promise<boolean>
  /** Uses the link and makes the administrator, in one. `refused`: the link is used up, too old or none of ours. */
  createFirstAdministrator(
    token: string,
    account: NewAccount & { readonly password: string },
  ): Promise<Result<Subject, AccountRejection | { readonly field: undefined; readonly reason: 'refused' }>>
}

/** What accounts work with. */
export interface AccountDeps {
  readonly database: Database
  readonly stores: Pick<Stores, 'clients' | 'sessions' | 'subjects' | 'keys' | 'attempts'>
  readonly ports: Parameters<typeof setSubjectStatus>[0]['ports']
  readonly config: Pick<Config, 'hashing' | 'throttle'>
}

interface Prepared {
  readonly username: string
  readonly profile: Profile
  readonly passwordHash: string | undefined
}

const conflict = (outcome: PersonConflict): AccountRejection =>
  outcome === 'usernameTaken' ? { field: 'username', reason: 'taken' } : { field: 'email', reason: 'taken' }

const hashNew = async (
  hasher: PasswordHasher,
  password: string,
  about: readonly string[],
): Promise<Result<string, AccountRejection>> => {
  const parsed = parseNewPassword(password, about)
  if (!parsed.ok) return err({ field: 'password', reason: parsed.error })
  const hash = await hasher.hash(parsed.value)
  return hash === 'busy' ? err({ field: undefined, reason: 'busy' }) : ok(hash)
}

const prepare = async (hasher: PasswordHasher, account: NewAccount): Promise<Result<Prepared, AccountRejection>> => {
  const username = parseUsername(account.username)
  if (!username.ok) return err({ field: 'username', reason: username.error })
  const profile = parseProfile(account.profile)
  if (!profile.ok) return profile
  if (account.password === undefined)
    return ok({ username: username.value, profile: profile.value, passwordHash: undefined })
  const { email = '' } = profile.value
  const hash = await hashNew(hasher, account.password, [username.value, email, email.split('@')[0] ?? ''])
  return hash.ok ? ok({ username: username.value, profile: profile.value, passwordHash: hash.value }) : hash
}

/** Accounts over a database that has both ledgers. */
export const createAccounts = async (deps: AccountDeps): Promise<AccountService> => {
  const people = createPeople(deps.database)
  const hasher = await createPasswordHasher(deps.config.hashing)
  const firstAdministrator = createFirstAdministrator(deps.database)
  const now = (): Instant => deps.ports.clock.now()
  return {
    find: async (subject) => {
      const person = await people.findBySubject(subject)
      return person === undefined ? undefined : { claims: claimsOf(person) }
    },
    create: async ({ actor, isAdmin, ...account }) => {
      const prepared = await prepare(hasher, account)
      if (!prepared.ok) return prepared
      const at = now()
      const written = await people.create({ ...prepared.value, isAdmin }, { now: at, actor })
      if (written.outcome !== 'created') return err(conflict(written.outcome))
      const { username, profile, passwordHash } = prepared.value
      const hasPassword = passwordHash !== undefined
      return ok({
        subject: written.subject,
        username,
        status: 'active',
        isAdmin,
        hasPassword,
        profile,
        createdAt: at,
        updatedAt: at,
      })
    },
    findPerson: (by) => ('subject' in by ? people.findBySubject(by.subject) : people.findByUsername(by.username)),
    listPeople: (page) => people.list(page),
    setPassword: async ({ subject, password, except, actor }) => {
      const person = await people.findBySubject(subject)
      if (person === undefined) return err({ field: 'subject', reason: 'unknown' })
      const hash = await hashNew(hasher, password, [person.username, person.profile.email ?? ''])
      if (!hash.ok) return hash
      const outcome = await people.replacePassword({ subject, passwordHash: hash.value, except }, { now: now(), actor })
      return outcome === 'changed' ? ok('changed') : err({ field: 'subject', reason: 'unknown' })
    },
    setStatus: (change) => setSubjectStatus(deps, change),
    verifyPassword: createSignIn({
      people,
      hasher,
      attempts: deps.stores.attempts,
      clock: deps.ports.clock,
      throttle: deps.config.throttle,
    }),
    issueFirstAdministratorLink: () => firstAdministrator.issueLink(now()),
    isFirstAdministratorLink: (token) => firstAdministrator.isOpen(token, now()),
    createFirstAdministrator: async (token, account) => {
      // Looked at first, so that who has no link cannot make the server hash.
      if (!(await firstAdministrator.isOpen(token, now()))) return err({ field: undefined, reason: 'refused' })
      const prepared = await prepare(hasher, account)
      if (!prepared.ok) return prepared
      const created = await firstAdministrator.create(token, prepared.value, now())
      if (created.outcome === 'created') return ok(created.subject)
      return created.outcome === 'refused'
        ? err({ field: undefined, reason: 'refused' })
        : err(conflict(created.outcome))
    },
  }
}
