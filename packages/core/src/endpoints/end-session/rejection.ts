// Owns every reason to refuse a request to sign out, and what the person is told of each. Never redirects: an error stays here.

import type { FormRejection, PageProblem } from '../../wire/index.ts'

/** Why a request to sign out was refused; nobody was signed out. */
export type LogoutRejection =
  | FormRejection
  | { readonly reason: 'methodNotAllowed' }
  | { readonly reason: 'parameterRepeated' | 'parameterTooLong' }
  /** `client_id` names another client than the hint was issued to (OIDC RP-Initiated Logout §2). */
  | { readonly reason: 'clientsDiffer' }
  | { readonly reason: 'logoutUriUnregistered' }
  /** A form that did not come from the page that it pretends to. */
  | { readonly reason: 'formForged' }

/** What the person is told. */
export interface LogoutWords {
  readonly status: number
  readonly problem: PageProblem
  readonly detail: string
}

const badRequest = (detail: string): LogoutWords => ({ status: 400, problem: 'invalidRequest', detail })

const WORDS: Readonly<Record<LogoutRejection['reason'], LogoutWords>> = {
  formTooLarge: { status: 413, problem: 'invalidRequest', detail: 'the request is too large' },
  tooManyFields: badRequest('the request has too many parameters'),
  formIllEncoded: badRequest('the request is not valid form encoding'),
  notAForm: { status: 415, problem: 'invalidRequest', detail: 'the request body must be a form' },
  methodNotAllowed: { status: 405, problem: 'methodNotAllowed', detail: 'use GET or POST' },
  parameterRepeated: badRequest('a parameter is repeated'),
  parameterTooLong: badRequest('a parameter is too long'),
  clientsDiffer: badRequest('client_id names another client than id_token_hint'),
  logoutUriUnregistered: {
    status: 400,
    problem: 'unregisteredLogoutUri',
    detail: 'post_logout_redirect_uri is not registered for this client; it must be equal to the character',
  },
  formForged: { status: 403, problem: 'formForged', detail: 'the form did not come from a page of this server' },
}

/** What the person is told for a reason. */
export const toLogoutWords = (rejection: LogoutRejection): LogoutWords => WORDS[rejection.reason]
