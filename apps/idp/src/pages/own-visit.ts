// Owns how a request becomes a visit of this server's own pages, and how a form of them is told from a forged one. Never acts on one.

import type { WireRequest } from '@vouchsafe/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { ErrorProblem, FormTarget, PageModel } from '../views/render.ts'
import { refuseForm } from './interaction-routes.ts'
import { pageOf, type SendOptions, sendProblem } from './send.ts'
import { parseSubmission, type Submitted } from './submission.ts'
import type { Surroundings } from './surroundings.ts'

/** One visit of a browser to a page of ours. */
export interface Visit {
  readonly wire: WireRequest
  readonly send: (page: PageModel, options?: SendOptions) => FastifyReply
  /** A form of ours, with its token; the page that shows it must set the cookies. */
  readonly form: (
    name: string,
    action: string,
  ) => Promise<{ readonly target: FormTarget; readonly cookies: SendOptions['cookies'] }>
  readonly refuse: (problem: ErrorProblem, status: number) => FastifyReply
  readonly redirect: (path: string, cookies?: SendOptions['cookies']) => FastifyReply
  readonly to: FastifyReply
}

const visitOf = (app: FastifyInstance, around: Surroundings, wire: WireRequest, to: FastifyReply): Visit => ({
  wire,
  to,
  send: (page, options) => app.sendPage(pageOf(around, page, options), to),
  refuse: (problem, status) => sendProblem(app, around, to, { problem, status }),
  form: async (name, action) => {
    const { csrf, cookies } = await around.provider.sessions.formToken(wire, name)
    return { target: { action: `${around.basePath}${action}`, csrf }, cookies }
  },
  redirect: (path, cookies = []) =>
    app.sendReply({ kind: 'redirect', location: `${around.basePath}${path}`, cookies }, to),
})

/** Shows a page. */
export type Shown = (visit: Visit, request: FastifyRequest) => Promise<FastifyReply>
/** Acts on a form of ours, after its token was checked. */
export type Posted = (visit: Visit, form: Submitted, request: FastifyRequest) => Promise<FastifyReply>

/** A route that shows something. */
export const onGet = (app: FastifyInstance, around: Surroundings, show: Shown) => {
  return async (request: FastifyRequest, to: FastifyReply): Promise<FastifyReply> => {
    const wire = app.wireRequest(request)
    return wire.ok ? show(visitOf(app, around, wire.value, to), request) : app.sendReply(wire.error, to)
  }
}

/** A route that takes a form with the token of this browser and of the form `name`; without a name the form's token is checked by who acts on it. */
export const onPost = (app: FastifyInstance, around: Surroundings, name: string | undefined, act: Posted) => {
  return async (request: FastifyRequest, to: FastifyReply): Promise<FastifyReply> => {
    const wire = app.wireRequest(request)
    if (!wire.ok) return app.sendReply(wire.error, to)
    const form = parseSubmission(wire.value)
    const genuine =
      form.ok &&
      (name === undefined || (await around.provider.sessions.isFormToken(wire.value, name, form.value.text('csrf'))))
    if (!form.ok || !genuine) return refuseForm(app, around, to)
    return act(visitOf(app, around, wire.value, to), form.value, request)
  }
}
