// Owns the plain built-in pages of signing out. Never prints anything unescaped, and works without scripts.

import { exhaustive, type LogoutPage } from '@vouchsafe/core'
import { document, escapeHtml } from './html.ts'
import type { Html, LogoutReply } from './options.ts'
import { contentSecurityPolicy } from './security-headers.ts'

const confirm = (page: Extract<LogoutPage, { readonly step: 'confirm' }>): string => {
  const who = page.accounts.map(({ name, username, subject }) => `<li>${escapeHtml(name ?? username ?? subject)}</li>`)
  const fields = page.fields.map(
    ([name, value]) => `<input type="hidden" name="${escapeHtml(name)}" value="${escapeHtml(value)}">`,
  )
  const asks = page.client === undefined ? '' : `<p>${escapeHtml(page.client.name)} asks to sign you out.</p>`
  return document(
    'Sign out?',
    `<main><h1>Sign out?</h1>${asks}<p>To be signed out in this browser:</p><ul>${who.join('')}</ul><form method="post" action="${escapeHtml(page.action)}">${fields.join('')}<button type="submit" name="action" value="sign-out">Sign out</button></form></main>`,
  )
}

const done = (page: Extract<LogoutPage, { readonly step: 'done' }>): string => {
  const others = page.remaining === 0 ? '' : '<p>Other accounts are still signed in in this browser.</p>'
  return document('You are signed out', `<main><h1>You are signed out</h1>${others}</main>`)
}

/** The built-in page of signing out. */
export const logoutPage = ({ page }: LogoutReply): Html => {
  switch (page.step) {
    case 'confirm':
      // No form-action: the form may lead back to the client, and browsers hold the redirect against it.
      return { html: confirm(page), csp: contentSecurityPolicy() }
    case 'done':
      return { html: done(page), csp: contentSecurityPolicy({ formAction: [] }) }
    default:
      return exhaustive(page)
  }
}
