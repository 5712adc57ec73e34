// Owns the step from the set-up form to an account, and from its rejections to words for each field. Never makes a link.

import { equalInConstantTime, reveal } from '@vouchsafe/core'
import { type AccountRejection, type AccountService, PASSWORD_MIN_LENGTH } from '../accounts/index.ts'
import type { SetUpProblems } from '../views/render.ts'
import type { SetUpForm, Surroundings } from './surroundings.ts'

type Rejection = AccountRejection | { readonly field: undefined; readonly reason: 'refused' }

const missingOf = (form: SetUpForm): SetUpProblems => ({
  ...(form.username.trim() === '' ? { username: 'missing' } : {}),
  ...(form.displayName.trim() === '' ? { displayName: 'missing' } : {}),
  ...(form.email.trim() === '' ? { email: 'missing' } : {}),
  ...(reveal(form.password) === '' ? { password: 'missing' } : {}),
  ...(reveal(form.passwordRepeat) === '' ? { passwordRepeat: 'missing' } : {}),
})

const usernameProblem = (reason: string): SetUpProblems => {
  if (reason === 'taken') return { username: 'taken' }
  return { username: reason === 'tooLong' ? 'tooLong' : 'invalid' }
}

const passwordProblem = (reason: string): SetUpProblems => {
  if (reason === 'tooShort') return { password: 'tooShort' }
  return { password: reason === 'trivial' ? 'tooCommon' : 'tooLong' }
}

const emailProblem = (reason: string): SetUpProblems => {
  if (reason === 'taken') return { email: 'taken' }
  return { email: reason === 'tooLong' ? 'tooLong' : 'invalid' }
}

const problemsOf = ({ field, reason }: Rejection): SetUpProblems => {
  switch (field) {
    case 'username':
      return usernameProblem(reason)
    case 'password':
      return passwordProblem(reason)
    case 'email':
      return emailProblem(reason)
    case undefined:
      return { form: 'busy' }
    default:
      return { displayName: 'tooLong' }
  }
}

/** The part of the pages' surroundings that makes the first administrator. */
export const createFirstAdministrator = (
  accounts: AccountService,
): Pick<Surroundings, 'passwordMinLength' | 'isSetUpLink' | 'createFirstAdministrator'> => ({
  passwordMinLength: PASSWORD_MIN_LENGTH,
  isSetUpLink: (token) => accounts.isFirstAdministratorLink(token),
  createFirstAdministrator: async (token, form) => {
    const missing = missingOf(form)
    if (Object.keys(missing).length > 0) return { outcome: 'problems', problems: missing }
    const password = reveal(form.password)
    if (!equalInConstantTime(password, reveal(form.passwordRepeat))) {
      return { outcome: 'problems', problems: { passwordRepeat: 'different' } }
    }
    const made = await accounts.createFirstAdministrator(token, {
      username: form.username,
      password,
      // The operator who holds the link vouches for what he types.
      profile: { name: form.displayName, email: form.email, emailVerified: true },
    })
    if (made.ok) return { outcome: 'created', subject: made.value, username: form.username }
    if (made.error.field === undefined && made.error.reason === 'refused') return { outcome: 'linkInvalid' }
    return { outcome: 'problems', problems: problemsOf(made.error) }
  },
})
