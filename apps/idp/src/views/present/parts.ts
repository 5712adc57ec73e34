// Owns the parts that several pages share: a client, an account, a form, a link back.
// Never decides what a client may do; it only decides what of it is fit to be shown.

import { exhaustive } from '@vouchsafe/core'
import { httpsLink, ownPath } from '../links.ts'
import type { Messages } from '../messages.ts'
import type { AccountDisplay, ClientDisplay, Destination, FormTarget } from '../model.ts'
import { type Phrase, phrase } from '../phrase.ts'
import { displayName, type ExactText, exact, initials } from '../text.ts'

/** A note set apart from the text around it. */
export interface NoteView {
  readonly title: string
  readonly text: Phrase
}

/** A link to a foreign site; `href` is https. */
export interface LinkView {
  readonly text: string
  readonly href: string
}

/** A client, ready to be shown. */
export interface ClientView {
  readonly name: string
  readonly monogram: string
  readonly logo: string | undefined
  readonly destination: Phrase
  readonly warnings: readonly NoteView[]
  readonly links: readonly LinkView[]
}

/** An account, ready to be shown. */
export interface AccountView {
  readonly name: string
  readonly username: string
  readonly initials: string
}

/** A form's target and hidden inputs. */
export interface FormView {
  readonly action: string
  readonly csrf: ExactText
  readonly fields: readonly { readonly name: ExactText; readonly value: ExactText }[]
}

/** The name of a client on one line, never empty. */
export const clientName = (name: string, m: Messages): string => displayName(name) ?? m.common.unnamedClient

const presentDestination = (destination: Destination, m: Messages): Phrase => {
  switch (destination.kind) {
    case 'web':
      return phrase`${destination.host}`
    case 'loopback':
      return m.client.onThisDeviceAt(destination.host)
    case 'customScheme':
      return m.client.onThisDeviceScheme(destination.scheme)
    default:
      return exhaustive(destination)
  }
}

const presentWarnings = (client: ClientDisplay, m: Messages): readonly NoteView[] => {
  const { destination } = client
  const unverified =
    destination.kind === 'web' ? m.client.unverified(destination.host) : ([m.client.unverifiedDevice] as const)
  const standing = client.standing === 'unverified' ? [{ title: m.client.unverifiedTitle, text: unverified }] : []
  switch (destination.kind) {
    case 'web':
      return standing
    case 'loopback':
      return [...standing, { title: m.client.deviceTitle, text: m.client.loopback(destination.host) }]
    case 'customScheme':
      return [...standing, { title: m.client.deviceTitle, text: m.client.customScheme(destination.scheme) }]
    default:
      return exhaustive(destination)
  }
}

const presentLinks = (client: ClientDisplay, m: Messages): readonly LinkView[] =>
  [
    { text: m.common.policy, href: httpsLink(client.policyUrl) },
    { text: m.common.terms, href: httpsLink(client.termsUrl) },
  ].flatMap(({ text, href }) => (href === undefined ? [] : [{ text, href }]))

/** A client with its name, place, warnings and links; a logo only where the operator allowed one (WEB-049). */
export const presentClient = (client: ClientDisplay, m: Messages): ClientView => {
  const name = clientName(client.name, m)
  return {
    name,
    monogram: initials(name),
    logo: client.logo?.mayShow === true ? httpsLink(client.logo.url) : undefined,
    destination: presentDestination(client.destination, m),
    warnings: presentWarnings(client, m),
    links: presentLinks(client, m),
  }
}

/** An account with a name that is never empty. */
export const presentAccount = (account: AccountDisplay, m: Messages): AccountView => {
  const username = displayName(account.username, 254) ?? ''
  const name = displayName(account.displayName) ?? (username === '' ? m.common.unnamedAccount : username)
  return { name, username: username === name ? '' : username, initials: initials(name) }
}

/** A form of ours; throws when it would post anywhere but here. */
export const presentForm = (form: FormTarget): FormView => ({
  action: ownPath(form.action),
  csrf: exact(form.csrf),
  fields: (form.fields ?? []).map(({ name, value }) => ({ name: exact(name), value: exact(value) })),
})

/** The way back to a client, if its address may be linked (WEB-033). */
export const presentBack = (
  back: { readonly clientName: string; readonly url: string } | undefined,
  m: Messages,
): { readonly text: Phrase; readonly href: string } | undefined => {
  const href = httpsLink(back?.url)
  return back === undefined || href === undefined
    ? undefined
    : { text: m.common.backTo(clientName(back.clientName, m)), href }
}
