// Owns the one way from a page as data to a page as HTML. Pure: same page, same context, same text.
// Never sets a header and never reads a request. What a page needs of the Content-Security-Policy besides
// `default-src 'none'; style-src 'self'; img-src 'self'`: `form-action 'self'` for forms of ours (and the client's origin on
// the pages whose answer may redirect there); for form_post a script nonce and the target as form-action; for a shown
// logo its origin in img-src. `Referrer-Policy` should be same-origin: with no-referrer a browser posts our own forms with
// `Origin: null`, and the check of the origin would refuse them.

import { exhaustive } from '@vouchsafe/core'
import { icon, stylesheet } from './assets.ts'
import { ownPath } from './links.ts'
import { type Messages, messagesFor } from './messages.ts'
import type { PageContext, PageModel } from './model.ts'
import { presentConsent } from './present/consent.ts'
import { presentDeviceCode, presentDeviceConfirm, presentDeviceDone } from './present/device.ts'
import { presentError } from './present/error.ts'
import { presentFormPost } from './present/form-post.ts'
import { presentDone, presentSetUp } from './present/set-up.ts'
import {
  presentHome,
  presentSelectAccount,
  presentSignedOut,
  presentSignIn,
  presentSignOut,
} from './present/sign-in.ts'
import type { PresentContext, View } from './present/view.ts'
import { renderTemplate } from './templates.ts'
import { displayName } from './text.ts'

export { type Asset, assets, stylesheet } from './assets.ts'
export type * from './model.ts'

const present = (page: PageModel, context: PresentContext): View => {
  switch (page.kind) {
    case 'signIn':
      return presentSignIn(page, context)
    case 'selectAccount':
      return presentSelectAccount(page, context)
    case 'consent':
      return presentConsent(page, context)
    case 'error':
      return presentError(page, context)
    case 'signOut':
      return presentSignOut(page, context)
    case 'signedOut':
      return presentSignedOut(page, context)
    case 'setUp':
      return presentSetUp(page, context)
    case 'done':
      return presentDone(page, context)
    case 'home':
      return presentHome(page, context)
    case 'deviceCode':
      return presentDeviceCode(page, context)
    case 'deviceConfirm':
      return presentDeviceConfirm(page, context)
    case 'deviceDone':
      return presentDeviceDone(page, context)
    case 'formPost':
      return presentFormPost(page, context)
    default:
      return exhaustive(page)
  }
}

const basePath = (context: PageContext): string => (context.basePath === '' ? '' : ownPath(context.basePath))

const documentData = (view: View, context: PageContext, m: Messages): object => {
  const brand = displayName(context.brand ?? '') ?? m.brand
  const base = basePath(context)
  return {
    lang: m.lang,
    dir: m.dir,
    title: `${view.title} · ${brand}`,
    brand,
    stylesheet: `${base}${stylesheet.path}`,
    icon: `${base}${icon.path}`,
    wide: view.wide === true,
  }
}

/**
 * Renders a page to a whole HTML document (UTF-8).
 *
 * Throws a TypeError when a form or link of ours would leave this server, or a form_post target is not http(s): both are
 * mistakes of the caller, not of the visitor.
 */
export const renderPage = (page: PageModel, context: PageContext): string => {
  const m = messagesFor(context.locale)
  const view = present(page, { m, context })
  const body = renderTemplate(view.template, { ...view.data, m })
  return renderTemplate('document', { ...documentData(view, context, m), body })
}
