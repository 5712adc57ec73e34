// Owns how a request for consent reads: what is new, what was allowed before, which values would be shared.
// Never hides a value that would be shared: long lists fold, they are not cut.

import { exhaustive } from '@vouchsafe/core'
import type { Messages } from '../messages.ts'
import type { ClaimDisplay, ClaimValue, ConsentPage, ScopeDisplay } from '../model.ts'
import { plain } from '../phrase.ts'
import { displayName } from '../text.ts'
import { presentAccount, presentClient, presentForm } from './parts.ts'
import type { PresentContext, View } from './view.ts'

/** Lists up to this long are shown whole; of longer ones, the first few and the rest folded. */
const LIST_WHOLE = 8
const LIST_SHOWN = 5

/** The pictures that the template has, by scope. */
const ICONS: ReadonlyMap<string, string> = new Map([
  ['openid', 'badge'],
  ['profile', 'person'],
  ['email', 'mail'],
  ['address', 'home'],
  ['phone', 'phone'],
  ['groups', 'group'],
])

/** A value, ready for its template. */
export interface ValueView {
  readonly lines: readonly string[]
  readonly items: readonly string[]
  readonly folded: readonly string[]
  readonly more: string
}

/** A scope, ready for its template. */
export interface ScopeView {
  readonly icon: string
  readonly label: string
  readonly description: string
  readonly claims: readonly { readonly label: string; readonly value: ValueView }[]
  readonly sensitive: boolean
}

const asLines = (lines: readonly string[], m: Messages): ValueView => {
  const filled = lines.filter((line) => line.trim() !== '')
  return { lines: filled.length === 0 ? [m.values.none] : filled, items: [], folded: [], more: '' }
}

const asList = (items: readonly string[], m: Messages): ValueView => {
  if (items.length === 0) return asLines([], m)
  const shown = items.length <= LIST_WHOLE ? items.length : LIST_SHOWN
  return {
    lines: [],
    items: items.slice(0, shown),
    folded: items.slice(shown),
    more: m.consent.showMore(items.length - shown),
  }
}

const LAST_MOMENT_SECONDS = 8_640_000_000_000

const asInstant = (seconds: number, m: Messages): string =>
  Math.abs(seconds) <= LAST_MOMENT_SECONDS
    ? new Intl.DateTimeFormat(m.lang, { dateStyle: 'long', timeZone: 'UTC' }).format(seconds * 1000)
    : m.values.none

const presentValue = (value: ClaimValue, m: Messages): ValueView => {
  switch (value.kind) {
    case 'text':
      return asLines([value.text], m)
    case 'lines':
      return asLines(value.lines, m)
    case 'list':
      return asList(value.items, m)
    case 'flag':
      return asLines([value.value ? m.values.yes : m.values.no], m)
    case 'instant':
      return asLines([asInstant(value.seconds, m)], m)
    default:
      return exhaustive(value)
  }
}

const own = (table: Readonly<Record<string, string>>, key: string): string | undefined =>
  Object.hasOwn(table, key) ? table[key] : undefined

const presentClaim = (claim: ClaimDisplay, m: Messages): ScopeView['claims'][number] => ({
  // The catalogue wins, so that no configuration can relabel what a standard claim is.
  label: own(m.claims, claim.claim) ?? displayName(claim.label ?? '') ?? claim.claim,
  value: presentValue(claim.value, m),
})

/** A scope in words, with what it shares. */
export const presentScope = (scope: ScopeDisplay, m: Messages): ScopeView => {
  const words = Object.hasOwn(m.scopes, scope.scope) ? m.scopes[scope.scope] : undefined
  return {
    icon: ICONS.get(scope.scope) ?? 'key',
    label: words?.label ?? displayName(scope.label ?? '') ?? m.consent.customScope(displayName(scope.scope) ?? '?'),
    description: words?.description ?? scope.description ?? '',
    claims: scope.claims.map((claim) => presentClaim(claim, m)),
    sensitive: scope.sensitive,
  }
}

/** Access while the person is away. */
export const presentOffline = (m: Messages): ScopeView => ({
  icon: 'clock',
  ...m.consent.offline,
  claims: [],
  sensitive: false,
})

/** The consent page: new permissions first, earlier ones folded, unless all were allowed before. */
export const presentConsent = (page: ConsentPage, { m }: PresentContext): View => {
  const client = presentClient(page.client, m)
  const allEarlier = page.scopes.length > 0 && page.scopes.every((scope) => scope.alreadyAllowed) && !page.offline
  const now = page.scopes.filter((scope) => allEarlier || !scope.alreadyAllowed)
  const earlier = allEarlier ? [] : page.scopes.filter((scope) => scope.alreadyAllowed)
  const { destination } = page.client
  return {
    template: 'consent',
    title: plain(m.consent.title(client.name)),
    wide: true,
    data: {
      client,
      heading: m.consent.title(client.name),
      account: presentAccount(page.account, m),
      question: earlier.length > 0 ? m.consent.questionAgain : m.consent.question,
      note: allEarlier ? m.consent.allEarlier : undefined,
      scopes: [...now.map((scope) => presentScope(scope, m)), ...(page.offline ? [presentOffline(m)] : [])],
      earlier: earlier.map((scope) => presentScope(scope, m)),
      after: destination.kind === 'web' ? m.consent.afterWeb(destination.host) : [m.consent.afterDevice],
      form: presentForm(page.form),
    },
  }
}
