// Owns what the routes of the pages are given. Never makes any of it: see compose.ts.

import type { AuthenticationFacts, Instant, Provider, Secret, Subject } from '@vouchsafe/core'
import type { SetUpProblems } from '../views/render.ts'
import type { People } from './present.ts'

/** How a sign-in by password ended. */
export type PasswordOutcome =
  | { readonly outcome: 'verified'; readonly subject: Subject }
  | { readonly outcome: 'refused' }
  | { readonly outcome: 'throttled'; readonly until: Instant }
  | { readonly outcome: 'busy' }

/** What the person who sets up the server typed. */
export interface SetUpForm {
  readonly username: string
  readonly displayName: string
  readonly email: string
  readonly password: Secret
  readonly passwordRepeat: Secret
}

/** How making the first administrator ended. */
export type SetUpOutcome =
  | { readonly outcome: 'created'; readonly subject: Subject; readonly username: string }
  | { readonly outcome: 'linkInvalid' }
  | { readonly outcome: 'problems'; readonly problems: SetUpProblems }

/** Everything the pages' routes call. */
export interface Surroundings {
  readonly provider: Provider
  readonly people: People
  readonly brand: string
  /** Path of the issuer without a trailing slash; empty at the root. */
  readonly basePath: string
  readonly passwordMinLength: number
  readonly verifyPassword: (attempt: {
    readonly username: string
    readonly password: Secret
    readonly network: string
  }) => Promise<PasswordOutcome>
  /** Whether the link of the first start still works. */
  readonly isSetUpLink: (token: string) => Promise<boolean>
  readonly createFirstAdministrator: (token: string, form: SetUpForm) => Promise<SetUpOutcome>
}

/** What a sign-in by password proves (RFC 8176 §2; one factor is the first class of this server). */
export const passwordFacts = (subject: Subject): AuthenticationFacts => ({ subject, amr: ['pwd'], acr: '1' })

/** Authentication context classes that this server's pages can reach. */
export const ACR_VALUES: readonly string[] = ['1']
