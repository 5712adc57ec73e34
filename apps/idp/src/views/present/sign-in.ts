// Owns the pages around a person's session: signing in, choosing an account, signing out, the front page.

import { exhaustive } from '@vouchsafe/core'
import { ownPath } from '../links.ts'
import type { Messages } from '../messages.ts'
import type { HomePage, SelectAccountPage, SignedOutPage, SignInPage, SignInProblem, SignOutPage } from '../model.ts'
import { exact } from '../text.ts'
import { presentAccount, presentBack, presentClient, presentForm } from './parts.ts'
import type { PresentContext, View } from './view.ts'

const optionalPath = (path: string | undefined): string | undefined => (path === undefined ? undefined : ownPath(path))

const sayProblem = (problem: SignInProblem, m: Messages): string => {
  switch (problem.kind) {
    case 'throttled':
      return m.signIn.problem.throttled(problem.waitSeconds)
    case 'invalidCredentials':
    case 'busy':
    case 'expiredForm':
      return m.signIn.problem[problem.kind]
    default:
      return exhaustive(problem)
  }
}

/** The sign-in form; the focus starts where typing is needed first. */
export const presentSignIn = (page: SignInPage, { m }: PresentContext): View => {
  const problem = page.problem === undefined ? undefined : sayProblem(page.problem, m)
  const title = page.knownAccount === undefined ? m.signIn.title : m.signIn.titleAgain
  const username = page.knownAccount?.username ?? page.username
  return {
    template: 'sign-in',
    title: `${problem === undefined ? '' : m.common.errorPrefix}${title}`,
    data: {
      heading: title,
      client: page.client === undefined ? undefined : presentClient(page.client, m),
      account: page.knownAccount === undefined ? undefined : presentAccount(page.knownAccount, m),
      username,
      focus: username === '' ? 'username' : 'password',
      problem,
      fieldsWrong: page.problem?.kind === 'invalidCredentials',
      reason: page.reason === undefined ? undefined : m.signIn.reason[page.reason],
      form: presentForm(page.form),
      chooseAccountUrl: optionalPath(page.chooseAccountUrl),
    },
  }
}

/** The account chooser. */
export const presentSelectAccount = (page: SelectAccountPage, { m }: PresentContext): View => ({
  template: 'select-account',
  title: m.selectAccount.title,
  data: {
    heading: m.selectAccount.title,
    client: page.client === undefined ? undefined : presentClient(page.client, m),
    accounts: page.accounts.map((account) => ({ ...presentAccount(account, m), value: exact(account.value) })),
    form: presentForm(page.form),
  },
})

/** The question before signing out. */
export const presentSignOut = (page: SignOutPage, { m }: PresentContext): View => ({
  template: 'sign-out',
  title: m.signOut.title,
  data: {
    client: page.client === undefined ? undefined : presentClient(page.client, m),
    accounts: page.accounts.map((account) => presentAccount(account, m)),
    form: presentForm(page.form),
    stayUrl: ownPath(page.stayUrl),
  },
})

/** The confirmation after signing out. */
export const presentSignedOut = (page: SignedOutPage, { m }: PresentContext): View => ({
  template: 'signed-out',
  title: m.signedOut.title,
  data: {
    what: page.othersUrl === undefined ? m.signedOut.what : m.signedOut.others,
    othersUrl: optionalPath(page.othersUrl),
    signInUrl: optionalPath(page.signInUrl),
    back: presentBack(page.back, m),
  },
})

/** The front page. */
export const presentHome = (page: HomePage, { m }: PresentContext): View => {
  const title = page.accounts.length === 0 ? m.home.titleNobody : m.home.titleSignedIn
  return {
    template: 'home',
    title,
    data: {
      heading: title,
      accounts: page.accounts.map((account) => presentAccount(account, m)),
      form: page.signOutForm === undefined ? undefined : presentForm(page.signOutForm),
      signInUrl: optionalPath(page.signInUrl),
      signInText: page.accounts.length === 0 ? m.home.signIn : m.common.otherAccount,
    },
  }
}
