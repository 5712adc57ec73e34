// Owns sending a page of ours: rendering, status and content security policy. Never decides which page it is.

import type { Cookie } from '@vouchsafe/core'
import { contentSecurityPolicy, type OwnPage } from '@vouchsafe/fastify'
import { newReference } from '@vouchsafe/http/node'
import type { FastifyInstance, FastifyReply } from 'fastify'
import { type ErrorProblem, type PageModel, renderPage } from '../views/render.ts'
import type { Surroundings } from './surroundings.ts'

/** What may differ from one sending to the next. */
export interface SendOptions {
  readonly status?: number
  readonly cookies?: readonly Cookie[]
  /** Address of a logo that the page shows: its origin is let in as an image. */
  readonly logoUri?: string | undefined
  /** Whether what this page posts may end in a redirect to a client, which browsers hold against `form-action`. */
  readonly leadsAway?: boolean
}

const logoOrigin = (logoUri: string | undefined): readonly string[] =>
  logoUri !== undefined && URL.canParse(logoUri) ? [new URL(logoUri).origin] : []

/** A page ready for the door. */
export const pageOf = (around: Surroundings, model: PageModel, options: SendOptions = {}): OwnPage => ({
  html: renderPage(model, { locale: 'en', brand: around.brand, basePath: around.basePath }),
  status: options.status ?? 200,
  cookies: options.cookies ?? [],
  csp: contentSecurityPolicy({
    style: ["'self'"],
    image: ["'self'", ...logoOrigin(options.logoUri)],
    ...(options.leadsAway === true ? {} : { formAction: ["'self'"] }),
  }),
})

/** Sends an error page of this program's own, and logs its reference: whoever is told the code must be able to find what happened. */
export const sendProblem = (
  app: FastifyInstance,
  around: Surroundings,
  to: FastifyReply,
  told: { readonly problem: ErrorProblem; readonly status: number; readonly reference?: string },
): FastifyReply => {
  const { problem, status, reference = newReference() } = told
  to.log.info({ problem, status, reference }, 'an error page was shown')
  return app.sendPage(pageOf(around, { kind: 'error', problem, reference }, { status }), to)
}
