// Owns the step from a client's request to sign out, as the core reports it, to what a page shows. Never renders, never decides.

import { exhaustive, type LogoutPage, type SignedInAccount } from '@vouchsafe/core'
import type { AccountDisplay, PageModel } from '../views/render.ts'
import { presentClient } from './present.ts'

const accountOf = ({ name, username }: SignedInAccount): AccountDisplay => ({
  displayName: name ?? username ?? '',
  username: username ?? '',
})

const confirmOf = (page: Extract<LogoutPage, { readonly step: 'confirm' }>, basePath: string): PageModel => ({
  kind: 'signOut',
  accounts: page.accounts.map(accountOf),
  client: page.client === undefined ? undefined : presentClient(page.client),
  form: {
    action: page.action,
    csrf: page.fields.find(([name]) => name === 'csrf')?.[1] ?? '',
    fields: page.fields.flatMap(([name, value]) => (name === 'csrf' ? [] : [{ name, value }])),
  },
  stayUrl: `${basePath}/`,
})

/** The page of a step of signing out. */
export const presentLogout = (page: LogoutPage, basePath: string): PageModel => {
  switch (page.step) {
    case 'confirm':
      return confirmOf(page, basePath)
    case 'done': {
      const back =
        page.client?.clientUri === undefined ? undefined : { clientName: page.client.name, url: page.client.clientUri }
      return page.remaining === 0
        ? { kind: 'signedOut', signInUrl: `${basePath}/sign-in`, back }
        : { kind: 'signedOut', othersUrl: `${basePath}/`, back }
    }
    default:
      return exhaustive(page)
  }
}
