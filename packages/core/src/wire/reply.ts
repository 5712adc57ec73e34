// Owns the neutral replies that endpoints give and doors write. Never writes to a socket and never renders a page.

import type { ClientId, Instant, JsonObject, SessionId, Subject, VerifiedRedirectUri } from '../base/index.ts'
import type { ClientOrigin } from '../spec/index.ts'

/** A cookie to set. Attributes are fixed by the door: HttpOnly, SameSite=Lax, Path=/, and Secure with `__Host-` under https. */
export interface Cookie {
  readonly name: string
  /** Empty deletes it. */
  readonly value: string
  /** Seconds; undefined lets it end with the browser. */
  readonly maxAge: number | undefined
}

/** Headers of a reply, by the name to send. */
export type ReplyHeaders = ReadonlyMap<string, string>

/** What a page may say of a client. Text that a client set stays text. */
export interface ClientDisplay {
  readonly clientId: ClientId
  readonly name: string
  /** Host that the person will be sent to, or the scheme for an app on this device. */
  readonly destination: string
  /** Origin of the redirect URI, or its scheme with the colon: what a page's `form-action` must let through. */
  readonly redirectOrigin: string
  /** Whether anybody could take this client's name: a public client on loopback or a private-use scheme. */
  readonly unproven: boolean
  /** Who vouches for it; nobody does for a client that registered itself, whose name is its own claim. */
  readonly origin: ClientOrigin
  readonly clientUri: string | undefined
  readonly logoUri: string | undefined
  readonly policyUri: string | undefined
  readonly tosUri: string | undefined
}

/** Why a person is asked to sign in. */
export type LoginReason =
  | 'signedOut'
  | 'requested'
  | 'tooLongAgo'
  | 'strongerNeeded'
  | 'otherPersonNeeded'
  | 'otherAccount'

/** One scope that consent is asked for. */
export interface ScopeDisplay {
  readonly name: string
  /** The words of the resource that owns it; undefined for the standard scopes, whose words are the page's. */
  readonly description: string | undefined
  readonly sensitive: boolean
  /** Names of the claims that it releases, among those in `values`. */
  readonly claims: readonly string[]
}

/** What a person is asked, as data. */
export type InteractionPrompt =
  | { readonly kind: 'login'; readonly reason: LoginReason; readonly subject: Subject | undefined }
  | {
      readonly kind: 'selectAccount'
      readonly accounts: readonly { readonly sid: SessionId; readonly subject: Subject }[]
    }
  | {
      readonly kind: 'consent'
      readonly account: { readonly sid: SessionId; readonly subject: Subject }
      readonly scopes: readonly ScopeDisplay[]
      /** The actual values that will be shared, by claim name. */
      readonly values: JsonObject
    }

/** An interaction as an embedder shows it. */
export interface PresentedInteraction {
  readonly id: string
  readonly prompt: InteractionPrompt
  readonly client: ClientDisplay
  readonly loginHint: string | undefined
  readonly uiLocales: readonly string[]
  readonly expiresAt: Instant
  /** Must come back with every submission; bound to this browser and this interaction. */
  readonly csrf: string
}

/** A signed-in account as a page may name it; names are missing where they cannot be known now. */
export interface SignedInAccount {
  readonly sid: SessionId
  readonly subject: Subject
  readonly name: string | undefined
  readonly username: string | undefined
}

/** What a person is shown while he signs out. */
export type LogoutPage =
  /** Whether to sign out, where the request does not prove that he himself asked (OIDC RP-Initiated Logout §2). */
  | {
      readonly step: 'confirm'
      /** Those who would be signed out. */
      readonly accounts: readonly SignedInAccount[]
      /** The client that asks, where it is known. */
      readonly client: ClientDisplay | undefined
      /** Path on this server that the form posts to. */
      readonly action: string
      /** Hidden fields that must come back as they are, with `action=sign-out` from the button. */
      readonly fields: readonly (readonly [string, string])[]
      readonly uiLocales: readonly string[]
    }
  /** Done, and there is nowhere to go back to. */
  | {
      readonly step: 'done'
      readonly client: ClientDisplay | undefined
      /** How many other accounts stay signed in in this browser. */
      readonly remaining: number
      readonly uiLocales: readonly string[]
    }

/** What went wrong, for a page on the server itself; what may not be told is not in it. */
export type PageProblem =
  | 'invalidRequest'
  | 'unknownClient'
  | 'unregisteredRedirectUri'
  | 'unregisteredLogoutUri'
  | 'interactionUnknown'
  | 'interactionExpired'
  | 'interactionElsewhere'
  | 'interactionFinished'
  | 'formForged'
  /** The answer is for a client that registered itself, and nobody is signed in: nobody is sent on to it. */
  | 'notSentBack'
  | 'methodNotAllowed'
  | 'unavailable'
  | 'fault'

/** A page on the server itself: never a redirect. */
export interface ErrorPage {
  readonly problem: PageProblem
  /** Short random code that the person can pass on and the operator can look up. */
  readonly reference: string
  /** Words for a developer, made by the server alone. */
  readonly detail: string
  /** The client that the person came from, where it is known for sure. */
  readonly client: ClientDisplay | undefined
}

/** Everything an endpoint can answer. */
export type Reply =
  | {
      readonly kind: 'json'
      readonly status: number
      readonly contentType: string
      readonly body: string
      readonly headers: ReplyHeaders
    }
  /** 303 to `location` (RFC 9700 §4.12). */
  | {
      readonly kind: 'redirect'
      readonly location: string
      readonly cookies: readonly Cookie[]
      readonly headers?: ReplyHeaders
    }
  /** A page that posts `parameters` to the client (OAuth 2.0 Form Post Response Mode §2). */
  | {
      readonly kind: 'formPost'
      readonly action: VerifiedRedirectUri
      readonly parameters: readonly (readonly [string, string])[]
      readonly cookies: readonly Cookie[]
    }
  /** A person has to be asked something. */
  | { readonly kind: 'interact'; readonly interaction: PresentedInteraction; readonly cookies: readonly Cookie[] }
  /** The interaction has to be taken up again by GET, where the browser sends its cookies. */
  | { readonly kind: 'resume'; readonly interactionId: string; readonly cookies: readonly Cookie[] }
  | {
      readonly kind: 'page'
      readonly status: number
      readonly page: ErrorPage
      readonly headers: ReplyHeaders
      readonly cookies: readonly Cookie[]
    }
  /** A page of signing out, drawn at the address of the request. */
  | {
      readonly kind: 'logout'
      readonly page: LogoutPage
      readonly headers: ReplyHeaders
      readonly cookies: readonly Cookie[]
    }
  | { readonly kind: 'empty'; readonly status: number; readonly headers: ReplyHeaders }
