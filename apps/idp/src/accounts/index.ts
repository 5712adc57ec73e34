// The door of the accounts room.

export { networkOf } from '@vouchsafe/core'
export {
  type AccountDeps,
  type AccountRejection,
  type AccountService,
  createAccounts,
  type NewAccount,
} from './accounts.ts'
export { type FirstAdministratorLink, firstAdministratorUrl } from './first-administrator.ts'
export { PASSWORD_MIN_LENGTH } from './names.ts'
export type { Person } from './person.ts'
export type { Profile } from './profile.ts'
export type { SignInAttempt, SignInOutcome } from './sign-in.ts'
