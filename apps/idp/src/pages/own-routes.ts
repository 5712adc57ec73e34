// Owns the routes of this server's own pages: front page, sign-in without a client, sign-out, set-up. Every form carries a token of
// this browser and this form; nothing is changed by GET.

import type { SessionSnapshot } from '@vouchsafe/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { AccountDisplay, PageModel, SetUpProblems, SignInProblem } from '../views/render.ts'
import { onGet, onPost, type Posted, type Shown, type Visit } from './own-visit.ts'
import { passwordFacts, type Surroundings } from './surroundings.ts'

const accountsOf = async (
  around: Surroundings,
  sessions: readonly SessionSnapshot[],
): Promise<readonly AccountDisplay[]> => {
  const accounts: AccountDisplay[] = []
  for (const { subject } of sessions) {
    const display = await around.people.displayOf(subject.subject)
    if (display !== undefined) accounts.push(display)
  }
  return accounts
}

const home =
  (around: Surroundings): Shown =>
  async (visit) => {
    const accounts = await accountsOf(around, await around.provider.sessions.current(visit.wire))
    if (accounts.length === 0) return visit.send({ kind: 'home', accounts, signInUrl: `${around.basePath}/sign-in` })
    const { target, cookies } = await visit.form('sign-out', '/sign-out')
    return visit.send({ kind: 'home', accounts, signOutForm: target }, { cookies: cookies ?? [] })
  }

const showSignIn = async (
  visit: Visit,
  attempt?: { readonly username: string; readonly problem: SignInProblem },
  status = 200,
): Promise<FastifyReply> => {
  const { target, cookies } = await visit.form('sign-in', '/sign-in')
  const page: PageModel = { kind: 'signIn', username: attempt?.username ?? '', problem: attempt?.problem, form: target }
  return visit.send(page, { status, cookies: cookies ?? [] })
}

const signIn =
  (around: Surroundings): Posted =>
  async (visit, form) => {
    const username = form.text('username')
    const attempt = { username, password: form.secret('password'), network: visit.wire.remoteAddress }
    const verified = await around.verifyPassword(attempt)
    switch (verified.outcome) {
      case 'verified': {
        const started = await around.provider.sessions.start(visit.wire, passwordFacts(verified.subject))
        if (started.ok) return visit.redirect('/', started.value)
        return showSignIn(visit, { username, problem: { kind: 'invalidCredentials' } }, 401)
      }
      case 'refused':
        return showSignIn(visit, { username, problem: { kind: 'invalidCredentials' } }, 401)
      case 'throttled': {
        const waitSeconds = Math.max(1, verified.until - around.provider.now())
        visit.to.header('Retry-After', String(waitSeconds))
        return showSignIn(visit, { username, problem: { kind: 'throttled', waitSeconds } }, 429)
      }
      case 'busy':
        visit.to.header('Retry-After', '5')
        return showSignIn(visit, { username, problem: { kind: 'busy' } }, 503)
    }
  }

const showSignOut =
  (around: Surroundings): Shown =>
  async (visit) => {
    const accounts = await accountsOf(around, await around.provider.sessions.current(visit.wire))
    if (accounts.length === 0) return visit.send({ kind: 'signedOut', signInUrl: `${around.basePath}/sign-in` })
    const { target, cookies } = await visit.form('sign-out', '/sign-out')
    return visit.send(
      { kind: 'signOut', accounts, form: target, stayUrl: `${around.basePath}/` },
      { cookies: cookies ?? [] },
    )
  }

const signOut =
  (around: Surroundings): Posted =>
  async (visit) => {
    const cookies = await around.provider.sessions.end(visit.wire, 'all')
    // Browsers keep whole pages for going back, `no-store` or not; this drops them (W3C Clear Site Data).
    visit.to.header('Clear-Site-Data', '"cache"')
    return visit.redirect('/signed-out', cookies)
  }

// The token stands in the path, so that it is in no query that a log might keep; the page sends no referrer.
const tokenOf = (request: FastifyRequest<{ Params?: unknown }>): string => {
  const { params } = request
  return typeof params === 'object' && params !== null && 'token' in params && typeof params.token === 'string'
    ? params.token
    : ''
}

const NOTHING_TYPED = { username: '', displayName: '', email: '' }

const showSetUp = async (
  around: Surroundings,
  visit: Visit,
  token: string,
  again?: { readonly values: typeof NOTHING_TYPED; readonly problems: SetUpProblems },
): Promise<FastifyReply> => {
  if (!(await around.isSetUpLink(token))) {
    return visit.refuse('setUpLinkInvalid', 410)
  }
  const { target, cookies } = await visit.form('set-up', `/set-up/${token}`)
  const page: PageModel = {
    kind: 'setUp',
    values: again?.values ?? NOTHING_TYPED,
    problems: again?.problems ?? {},
    passwordMinLength: around.passwordMinLength,
    form: target,
  }
  return visit.send(page, { status: again === undefined ? 200 : 422, cookies: cookies ?? [] })
}

const setUp =
  (around: Surroundings): Posted =>
  async (visit, form, request) => {
    const token = tokenOf(request)
    const values = {
      username: form.text('username'),
      displayName: form.text('displayName'),
      email: form.text('email'),
    }
    const passwords = { password: form.secret('password'), passwordRepeat: form.secret('passwordRepeat') }
    const made = await around.createFirstAdministrator(token, { ...values, ...passwords })
    if (made.outcome === 'problems') return showSetUp(around, visit, token, { values, problems: made.problems })
    if (made.outcome === 'linkInvalid') return showSetUp(around, visit, token)
    const started = await around.provider.sessions.start(visit.wire, passwordFacts(made.subject))
    const account = { displayName: values.displayName, username: made.username }
    return visit.send(
      { kind: 'done', account, homeUrl: `${around.basePath}/` },
      { cookies: started.ok ? started.value : [] },
    )
  }

/** Adds the routes. */
export const addOwnRoutes = (app: FastifyInstance, around: Surroundings): void => {
  const path = (name: string): string => `${around.basePath}${name}`
  const page = { config: { access: 'thisBrowser' } } as const
  const ownForm = { config: { access: 'ownForm' } } as const
  const link = { config: { access: 'setUpLink' } } as const
  app.get(path('/'), page, onGet(app, around, home(around)))
  app.get(
    path('/sign-in'),
    page,
    onGet(app, around, (visit) => showSignIn(visit)),
  )
  app.post(path('/sign-in'), ownForm, onPost(app, around, 'sign-in', signIn(around)))
  app.get(path('/sign-out'), page, onGet(app, around, showSignOut(around)))
  app.post(path('/sign-out'), ownForm, onPost(app, around, 'sign-out', signOut(around)))
  app.get(
    path('/signed-out'),
    page,
    onGet(app, around, async (visit) => visit.send({ kind: 'signedOut', signInUrl: `${around.basePath}/sign-in` })),
  )
  app.get(
    path('/set-up/:token'),
    link,
    onGet(app, around, (visit, request) => showSetUp(around, visit, tokenOf(request))),
  )
  app.post(path('/set-up/:token'), ownForm, onPost(app, around, 'set-up', setUp(around)))
}
