// Owns the words for what the core reports as a page. Never shows anything that came with the request.

import type { ClientDisplay, PageProblem, ErrorPage as Reported } from '@vouchsafe/core'
import type { FormPostReply } from '@vouchsafe/http/node'
import type { ErrorPage, ErrorProblem, FormPostPage } from '../views/render.ts'

const PROBLEMS: Readonly<Record<PageProblem, ErrorProblem>> = {
  invalidRequest: 'requestInvalid',
  unknownClient: 'clientUnknown',
  unregisteredRedirectUri: 'redirectUriInvalid',
  unregisteredLogoutUri: 'logoutUriInvalid',
  interactionUnknown: 'expired',
  interactionExpired: 'expired',
  interactionElsewhere: 'otherBrowser',
  interactionFinished: 'alreadyFinished',
  formForged: 'formRefused',
  notSentBack: 'notSentBack',
  methodNotAllowed: 'methodNotAllowed',
  unavailable: 'unavailable',
  fault: 'unexpected',
}

const backTo = (client: ClientDisplay | undefined): ErrorPage['back'] =>
  // The link of a client that registered itself leads wherever it likes.
  client?.clientUri === undefined || client.origin !== 'operator'
    ? undefined
    : { clientName: client.name, url: client.clientUri }

/** The page for a problem that the core reports. */
export const presentProblem = (reported: Reported, basePath: string): ErrorPage => ({
  kind: 'error',
  problem: PROBLEMS[reported.problem],
  reference: reported.reference,
  details: [{ kind: 'description', value: reported.detail }],
  back: backTo(reported.client),
  // Whoever wanted to sign out still can, if not at the app's word.
  signOutUrl: reported.problem === 'unregisteredLogoutUri' ? `${basePath}/sign-out` : undefined,
})

/** The page that carries an answer to the client by a post. */
export const presentFormPost = (reply: FormPostReply): FormPostPage => ({
  kind: 'formPost',
  action: reply.action,
  fields: reply.parameters.map(([name, value]) => ({ name, value })),
})
