// Owns the plain built-in pages. Never prints anything unescaped, and never loads anything.

import type { PageProblem } from '@vouchsafe/core'
import type { FormPostReply, Html, PageReply } from './options.ts'
import { contentSecurityPolicy } from './security-headers.ts'

const ENTITIES: ReadonlyMap<string, string> = new Map([
  ['&', '&amp;'],
  ['<', '&lt;'],
  ['>', '&gt;'],
  ['"', '&quot;'],
  ["'", '&#39;'],
])

/** Makes text inert in HTML, in content and in quoted attributes. */
export const escapeHtml = (text: string): string => text.replace(/[&<>"']/g, (c) => ENTITIES.get(c) ?? '')

const WORDS: Readonly<Record<PageProblem, string>> = {
  invalidRequest: 'The app that sent you here made a request that cannot be answered.',
  unknownClient: 'The app that sent you here is not known to this server.',
  unregisteredRedirectUri: 'The app that sent you here asked for an answer at an address that it did not register.',
  unregisteredLogoutUri:
    'The app that sent you here asked to send you to an address that it did not register. You are still signed in.',
  interactionUnknown: 'This sign-in is not known, or it is long over. Please start again in the app.',
  interactionExpired: 'This sign-in took too long. Please start again in the app.',
  interactionElsewhere: 'This sign-in was started in another browser. Please start again in the app.',
  interactionFinished: 'This sign-in is finished. Please go back to the app.',
  formForged: 'This form was not sent from a page of this server. Please start again in the app.',
  notSentBack:
    'The app that sent you here made a request that cannot be answered. Nobody here has checked that app, so you are not sent on to it.',
  methodNotAllowed: 'This address cannot be used in this way.',
  unavailable: 'The server cannot answer just now. Please try again in a moment.',
  fault: 'Something went wrong on the server.',
}

/** A whole document; `body` is markup. */
export const document = (title: string, body: string): string =>
  `<!doctype html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${title}</title></head><body>${body}</body></html>`

/** The built-in error page. */
export const errorPage = (reply: PageReply): Html => ({
  html: document(
    'This did not work',
    `<main><h1>This did not work</h1><p>${escapeHtml(WORDS[reply.page.problem])}</p><p>For whoever runs the app: ${escapeHtml(reply.page.detail)}</p><p>Reference: <code>${escapeHtml(reply.page.reference)}</code></p></main>`,
  ),
  csp: contentSecurityPolicy({ formAction: [] }),
})

/** The built-in self-submitting form: a nonced script, and a button for browsers without scripts. */
export const formPostPage = (reply: FormPostReply, nonce: string): string => {
  const fields = reply.parameters
    .map(([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`)
    .join('')
  return document(
    'Back to the app',
    `<main><form method="post" action="${escapeHtml(reply.action)}">${fields}<button type="submit">Continue to the app</button></form></main><script nonce="${nonce}">document.forms[0].submit()</script>`,
  )
}

/** The one target of a form as a CSP source; browsers know no query there and no IPv6 address, for which its scheme must do. */
const actionSource = (action: string): string => {
  const url = new URL(action)
  const web = url.protocol === 'https:' || url.protocol === 'http:'
  if (!web || url.hostname.startsWith('[')) return url.protocol
  return `${url.origin}${url.pathname.replaceAll(';', '%3B').replaceAll(',', '%2C')}`
}

/** The policy of a self-submitting form: its own script, its own target, and this server's style, since without scripts people read it. */
export const formPostPolicy = (action: string, nonce: string): string =>
  contentSecurityPolicy({
    style: ["'self'"],
    script: [`'nonce-${nonce}'`],
    image: ["'self'"],
    formAction: [actionSource(action)],
  })
