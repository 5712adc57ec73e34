// Owns the step from what the core asks (data of the protocol) to what a page shows (data of the views). Never renders, never decides.

import type {
  ClientDisplay,
  ScopeDisplay as CoreScope,
  InteractionPrompt,
  Json,
  JsonObject,
  PresentedInteraction,
  Subject,
} from '@vouchsafe/core'
import { isJsonObject } from '@vouchsafe/core'
import type {
  AccountDisplay,
  ClaimDisplay,
  ClaimValue,
  ConsentPage,
  Destination,
  FormTarget,
  SelectAccountPage,
  SignInPage,
  SignInProblem,
  SignInReason,
  ClientDisplay as ViewClient,
} from '../views/render.ts'

/** How pages learn the names of people; undefined for somebody who is gone. */
export interface People {
  displayOf(subject: Subject): Promise<AccountDisplay | undefined>
}

const destinationOf = (client: ClientDisplay): Destination => {
  if (client.destination.endsWith(':') && !client.destination.startsWith('[')) {
    return { kind: 'customScheme', scheme: client.destination }
  }
  return { kind: client.unproven ? 'loopback' : 'web', host: client.destination }
}

/** A client in the words of the views. */
export const presentClient = (client: ClientDisplay): ViewClient => ({
  name: client.name,
  destination: destinationOf(client),
  standing: client.origin === 'operator' ? 'known' : 'unverified',
  // A picture of its own choice would make an app look like another one.
  logo: client.logoUri === undefined ? undefined : { url: client.logoUri, mayShow: client.origin === 'operator' },
  policyUrl: client.policyUri,
  termsUrl: client.tosUri,
})

/** What presenting needs of its surroundings. */
export interface Presenter {
  readonly people: People
  /** Path of the issuer without a trailing slash; empty at the root. */
  readonly basePath: string
}

// A form posts to the address of its own page: reloaded, or opened again from a bookmark, that is a page and never a dead end.
const formOf = (presenter: Presenter, interaction: PresentedInteraction): FormTarget => ({
  action: `${presenter.basePath}/interaction/${interaction.id}`,
  csrf: interaction.csrf,
})

type LoginPrompt = Extract<InteractionPrompt, { readonly kind: 'login' }>

const reasonOf = (prompt: LoginPrompt): SignInReason | undefined => {
  switch (prompt.reason) {
    case 'requested':
    case 'otherPersonNeeded':
      return 'appAsked'
    case 'tooLongAgo':
      return 'tooLongAgo'
    case 'strongerNeeded':
      return 'strongerNeeded'
    default:
      return undefined
  }
}

/** What the person typed before, and what came of it. */
export interface SignInAttempt {
  readonly username: string
  readonly problem: SignInProblem
}

/** The sign-in page of an interaction. */
export const presentSignIn = async (
  presenter: Presenter,
  interaction: PresentedInteraction,
  prompt: LoginPrompt,
  attempt: SignInAttempt | undefined,
): Promise<SignInPage> => {
  const known = prompt.subject === undefined ? undefined : await presenter.people.displayOf(prompt.subject)
  return {
    kind: 'signIn',
    client: presentClient(interaction.client),
    username: attempt?.username ?? interaction.loginHint ?? known?.username ?? '',
    problem: attempt?.problem,
    reason: reasonOf(prompt),
    form: formOf(presenter, interaction),
  }
}

/** The account chooser of an interaction. */
export const presentSelection = async (
  presenter: Presenter,
  interaction: PresentedInteraction,
  prompt: Extract<InteractionPrompt, { readonly kind: 'selectAccount' }>,
): Promise<SelectAccountPage> => {
  const accounts: (AccountDisplay & { readonly value: string })[] = []
  for (const { sid, subject } of prompt.accounts) {
    const display = await presenter.people.displayOf(subject)
    if (display !== undefined) accounts.push({ ...display, value: sid })
  }
  return {
    kind: 'selectAccount',
    client: presentClient(interaction.client),
    accounts,
    form: formOf(presenter, interaction),
  }
}

const textOf = (value: Json): string => (typeof value === 'string' ? value : JSON.stringify(value))

const linesOf = (address: JsonObject): readonly string[] => {
  const formatted = address['formatted']
  if (typeof formatted === 'string') return formatted.split('\n')
  return Object.values(address).filter((part) => typeof part === 'string')
}

const claimValueOf = (claim: string, value: Json): ClaimValue => {
  if (typeof value === 'boolean') return { kind: 'flag', value }
  if (typeof value === 'number')
    return claim === 'updated_at' ? { kind: 'instant', seconds: value } : { kind: 'text', text: String(value) }
  if (Array.isArray(value)) return { kind: 'list', items: value.map(textOf) }
  return isJsonObject(value) ? { kind: 'lines', lines: linesOf(value) } : { kind: 'text', text: textOf(value) }
}

const claimsOf = (names: readonly string[], values: JsonObject): readonly ClaimDisplay[] =>
  names.flatMap((claim) => {
    const value = values[claim]
    return value === undefined ? [] : [{ claim, value: claimValueOf(claim, value) }]
  })

/** Scopes as pages show them, with the actual values that they share. */
export const scopesOf = (
  asked: { readonly scopes: readonly CoreScope[]; readonly values: JsonObject },
  subject: Subject,
): ConsentPage['scopes'] =>
  asked.scopes.map((scope) => ({
    scope: scope.name,
    description: scope.description,
    // `openid` shares the identifier, which is no claim of the account.
    claims:
      scope.name === 'openid'
        ? [{ claim: 'sub', value: { kind: 'text', text: subject } }]
        : claimsOf(scope.claims, asked.values),
    sensitive: scope.sensitive,
    alreadyAllowed: false,
  }))

/** The consent page: the actual values that will be shared, scope by scope. */
export const presentConsent = async (
  presenter: Presenter,
  interaction: PresentedInteraction,
  prompt: Extract<InteractionPrompt, { readonly kind: 'consent' }>,
): Promise<ConsentPage> => {
  const account = await presenter.people.displayOf(prompt.account.subject)
  return {
    kind: 'consent',
    client: presentClient(interaction.client),
    account: account ?? { displayName: '', username: '' },
    scopes: scopesOf(prompt, prompt.account.subject),
    offline: false,
    form: formOf(presenter, interaction),
  }
}
