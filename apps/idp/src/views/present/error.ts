// Owns who can mend which problem. Never explains more than the catalogue does: no stack, path, host or version.

import { ownPath } from '../links.ts'
import type { ErrorPage, ErrorProblem } from '../model.ts'
import { presentBack } from './parts.ts'
import type { PresentContext, View } from './view.ts'

const WHO: Readonly<Record<ErrorProblem, 'you' | 'app' | 'operator'>> = {
  requestInvalid: 'app',
  clientUnknown: 'app',
  clientDisabled: 'operator',
  redirectUriInvalid: 'app',
  logoutUriInvalid: 'app',
  expired: 'you',
  otherBrowser: 'you',
  alreadyFinished: 'you',
  formRefused: 'you',
  notSentBack: 'app',
  accountDisabled: 'operator',
  setUpLinkInvalid: 'you',
  notFound: 'you',
  methodNotAllowed: 'you',
  tooManyRequests: 'you',
  requestTooLarge: 'app',
  unavailable: 'operator',
  unexpected: 'operator',
}

/** The error page. */
export const presentError = (page: ErrorPage, { m }: PresentContext): View => ({
  template: 'error',
  title: m.errors[page.problem].title,
  data: {
    words: m.errors[page.problem],
    who: m.errorPage.who[WHO[page.problem]],
    reference: page.reference,
    details: (page.details ?? []).map(({ kind, value }) => ({ label: m.errorPage.details[kind], value })),
    back: presentBack(page.back, m),
    signOutUrl: page.signOutUrl === undefined ? undefined : ownPath(page.signOutUrl),
  },
})
