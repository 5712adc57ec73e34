// Owns the routes of an interaction's pages. Each submission checks browser and token first, reports one fact to the core, and sends
// whatever the core answers. Never decides what comes next.

import { type PresentedInteraction, type Reply, type Secret, sessionId, type WireRequest } from '@vouchsafe/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { SignInProblem } from '../views/render.ts'
import { presentConsent, presentSelection, presentSignIn, type SignInAttempt } from './present.ts'
import { pageOf, type SendOptions, sendProblem } from './send.ts'
import { parseSubmission, type Submitted } from './submission.ts'
import { type PasswordOutcome, passwordFacts, type Surroundings } from './surroundings.ts'

interface Exchange {
  readonly app: FastifyInstance
  readonly around: Surroundings
  readonly wire: WireRequest
  readonly to: FastifyReply
}

/** Shows what an interaction asks. */
const show = async (
  { app, around, to }: Exchange,
  interaction: PresentedInteraction,
  options: SendOptions = {},
  attempt?: SignInAttempt,
): Promise<FastifyReply> => {
  const { prompt, client } = interaction
  const whole: SendOptions = { leadsAway: true, logoUri: client.logoUri, ...options }
  switch (prompt.kind) {
    case 'login':
      return app.sendPage(pageOf(around, await presentSignIn(around, interaction, prompt, attempt), whole), to)
    case 'selectAccount':
      return app.sendPage(pageOf(around, await presentSelection(around, interaction, prompt), whole), to)
    case 'consent':
      return app.sendPage(pageOf(around, await presentConsent(around, interaction, prompt), whole), to)
  }
}

/** A submission that came from elsewhere, or is no form. */
export const refuseForm = (app: FastifyInstance, around: Surroundings, to: FastifyReply): FastifyReply =>
  sendProblem(app, around, to, { problem: 'formRefused', status: 403 })

type Action = (exchange: Exchange, id: string, form: Submitted) => Promise<FastifyReply>

const submitted = (app: FastifyInstance, around: Surroundings, action: Action) => {
  return async (
    request: FastifyRequest<{ Params: { readonly id: string } }>,
    to: FastifyReply,
  ): Promise<FastifyReply> => {
    const wire = app.wireRequest(request)
    if (!wire.ok) return app.sendReply(wire.error, to)
    const form = parseSubmission(wire.value)
    if (!form.ok) return refuseForm(app, around, to)
    return action({ app, around, wire: wire.value, to }, request.params.id, form.value)
  }
}

const problemOf = (outcome: Exclude<PasswordOutcome, { outcome: 'verified' }>, now: number): SignInProblem => {
  switch (outcome.outcome) {
    case 'refused':
      return { kind: 'invalidCredentials' }
    case 'throttled':
      return { kind: 'throttled', waitSeconds: Math.max(1, outcome.until - now) }
    case 'busy':
      return { kind: 'busy' }
  }
}

const STATUS: Readonly<Record<Exclude<PasswordOutcome['outcome'], 'verified'>, number>> = {
  refused: 401,
  throttled: 429,
  busy: 503,
}

const verify = (
  exchange: Exchange,
  form: Submitted,
): { readonly username: string; readonly outcome: Promise<PasswordOutcome> } => {
  const username = form.text('username')
  const password: Secret = form.secret('password')
  return {
    username,
    outcome: exchange.around.verifyPassword({ username, password, network: exchange.wire.remoteAddress }),
  }
}

const signIn: Action = async (exchange, id, form) => {
  const { app, around, wire, to } = exchange
  const submission = { id, csrf: form.text('csrf') }
  const open = await around.provider.interactions.check(wire, submission)
  if (!open.ok) return app.sendReply(open.error, to)
  const { username, outcome } = verify(exchange, form)
  const verified = await outcome
  if (verified.outcome === 'verified') {
    const report = { ...submission, facts: passwordFacts(verified.subject) }
    return app.sendReply(await around.provider.interactions.authenticated(wire, report), to)
  }
  const problem = problemOf(verified, around.provider.now())
  if (problem.kind === 'throttled') to.header('Retry-After', String(problem.waitSeconds))
  if (problem.kind === 'busy') to.header('Retry-After', '5')
  // Whatever else could be asked by now: this form is what was sent, and what is shown again.
  const { prompt } = open.value
  const login =
    prompt.kind === 'login' ? prompt : ({ kind: 'login', reason: 'otherAccount', subject: undefined } as const)
  const attempt = { username, problem }
  return show(exchange, { ...open.value, prompt: login }, { status: STATUS[verified.outcome] }, attempt)
}

/** What the person answered, told by the button; the core holds it against what was asked. */
const answer: Action = async (exchange, id, form) => {
  const { app, around, wire, to } = exchange
  const { interactions } = around.provider
  const submission = { id, csrf: form.text('csrf') }
  switch (form.text('action')) {
    case 'sign-in':
      return signIn(exchange, id, form)
    case 'allow':
      return app.sendReply(await interactions.consented(wire, submission), to)
    case 'deny':
      return app.sendReply(await interactions.denied(wire, submission), to)
    case 'other-account':
      return app.sendReply(await interactions.accountSelected(wire, { ...submission, sid: 'other' }), to)
    default: {
      const sid = form.text('account')
      if (sid !== '') {
        return app.sendReply(await interactions.accountSelected(wire, { ...submission, sid: sessionId(sid) }), to)
      }
      // A password manager sends the form without its button.
      return form.text('username') === '' ? refuseForm(app, around, to) : signIn(exchange, id, form)
    }
  }
}

const resume = (app: FastifyInstance, around: Surroundings) => {
  return async (
    request: FastifyRequest<{ Params: { readonly id: string } }>,
    to: FastifyReply,
  ): Promise<FastifyReply> => {
    const wire = app.wireRequest(request)
    if (!wire.ok) return app.sendReply(wire.error, to)
    const { id } = request.params
    const reply: Reply = await around.provider.interactions.resume(wire.value, id)
    if (reply.kind !== 'interact' || reply.interaction.id !== id) return app.sendReply(reply, to)
    return show({ app, around, wire: wire.value, to }, reply.interaction, { cookies: reply.cookies })
  }
}

/** Adds the routes: a page, and at the same address what its form sends. */
export const addInteractionRoutes = (app: FastifyInstance, around: Surroundings): void => {
  const base = `${around.basePath}/interaction/:id`
  app.get(base, { config: { access: 'thisBrowser' } }, resume(app, around))
  app.post(base, { config: { access: 'ownForm' } }, submitted(app, around, answer))
}
