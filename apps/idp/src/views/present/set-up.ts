// Owns the form that makes the first administrator, and its confirmation. Never sends a password back.

import { ownPath } from '../links.ts'
import type { Messages } from '../messages.ts'
import type { SetUpDonePage, SetUpPage, SetUpProblems } from '../model.ts'
import { presentAccount, presentForm } from './parts.ts'
import type { PresentContext, View } from './view.ts'

interface FieldView {
  readonly name: string
  readonly label: string
  readonly type: 'text' | 'email' | 'password'
  readonly autocomplete: string
  readonly value: string
  readonly hint: string
  readonly problem: string
}

const sayProblems = (problems: SetUpProblems, minLength: number, m: Messages): Readonly<Record<string, string>> => {
  const say = m.setUp.problem
  const { username, displayName, email, password, passwordRepeat } = problems
  return {
    username: username === undefined ? '' : say.username[username],
    displayName: displayName === undefined ? '' : say.displayName[displayName],
    email: email === undefined ? '' : say.email[email],
    password:
      password === undefined ? '' : password === 'tooShort' ? say.password.tooShort(minLength) : say.password[password],
    passwordRepeat: passwordRepeat === undefined ? '' : say.passwordRepeat[passwordRepeat],
  }
}

const presentFields = (page: SetUpPage, m: Messages): readonly FieldView[] => {
  const problems = sayProblems(page.problems, page.passwordMinLength, m)
  const field = (name: string, label: string, rest: Partial<FieldView> = {}): FieldView => ({
    name,
    label,
    type: 'text',
    autocomplete: 'off',
    value: '',
    hint: '',
    problem: problems[name] ?? '',
    ...rest,
  })
  const { values } = page
  const secret = { type: 'password', autocomplete: 'new-password' } as const
  return [
    field('username', m.setUp.username, {
      autocomplete: 'username',
      value: values.username,
      hint: m.setUp.usernameHint,
    }),
    field('displayName', m.setUp.displayName, {
      autocomplete: 'name',
      value: values.displayName,
      hint: m.setUp.displayNameHint,
    }),
    field('email', m.setUp.email, { type: 'email', autocomplete: 'email', value: values.email }),
    field('password', m.setUp.password, { ...secret, hint: m.setUp.passwordHint(page.passwordMinLength) }),
    field('passwordRepeat', m.setUp.passwordRepeat, secret),
  ]
}

/** The set-up form; after a failed attempt, a summary links to each field that needs a change. */
export const presentSetUp = (page: SetUpPage, { m }: PresentContext): View => {
  const fields = presentFields(page, m)
  const wrong = fields.filter((field) => field.problem !== '')
  const general = page.problems.form === undefined ? undefined : m.setUp.problem.form[page.problems.form]
  const failed = wrong.length > 0 || general !== undefined
  return {
    template: 'set-up',
    title: `${failed ? m.common.errorPrefix : ''}${m.setUp.title}`,
    data: {
      fields,
      wrong,
      general,
      failed,
      focus: wrong[0]?.name ?? (failed ? 'password' : 'username'),
      form: presentForm(page.form),
    },
  }
}

/** The confirmation of set-up, with the next commands. */
export const presentDone = (page: SetUpDonePage, { m }: PresentContext): View => ({
  template: 'done',
  title: m.done.title,
  data: { account: presentAccount(page.account, m), homeUrl: ownPath(page.homeUrl) },
})
