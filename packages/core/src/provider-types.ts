// Owns the type of a composed provider: what doors and embedders call. Never composes anything: see provider.ts.

import type { ClientId, Instant, JsonObject, Result, SessionId, Subject } from './base/index.ts'
import type { AuthenticationFacts } from './session/index.ts'
import type { SessionSnapshot } from './store/index.ts'
import type { Cookie, PresentedInteraction, Reply, ScopeDisplay, WireRequest } from './wire/index.ts'

/** Who may call a route (every route declares it; what is not declared is not served). */
export type RouteAccess = 'anyone' | 'browser' | 'client' | 'bearer'

/** One route of the provider. */
export interface Route {
  readonly name: string
  /** Absolute path on the issuer's origin, for instance `/oidc/token` for an issuer with the path `/oidc`. */
  readonly path: string
  readonly methods: readonly string[]
  readonly access: RouteAccess
  /** Whether browsers of other origins may read its answers (Fetch, CORS protocol). */
  readonly crossOrigin: boolean
}

/** A submission of a page: which interaction, and the token that page was given. */
export interface Submission {
  readonly id: string
  readonly csrf: string
}

/** What an embedder's pages call. Each answers a reply to send; a reply that interacts names the prompt to show next. */
export interface Interactions {
  /** Takes up an interaction in this browser and answers what is to be asked now, or the end of it. For GET. */
  resume(request: WireRequest, id: string): Promise<Reply>
  /**
   * Checks a submission before anything is done with what it holds: right browser, right token, still open. Answers a page to show again
   * when what it holds is wrong, and changes nothing: the request goes on by the call that reports what was said.
   */
  check(request: WireRequest, submission: Submission): Promise<Result<PresentedInteraction, Reply>>
  /** Reports who the person is: starts a session under a new identifier and goes on. */
  authenticated(request: WireRequest, submission: Submission & { readonly facts: AuthenticationFacts }): Promise<Reply>
  /** Goes on with a session of this browser, or asks for another account. */
  accountSelected(request: WireRequest, submission: Submission & { readonly sid: SessionId | 'other' }): Promise<Reply>
  /** The person allows what he was shown. */
  consented(request: WireRequest, submission: Submission): Promise<Reply>
  /** The person refuses: the client is answered `access_denied` (RFC 6749 §4.1.2.1). */
  denied(request: WireRequest, submission: Submission): Promise<Reply>
}

/** What an embedder's own pages (home, sign-out) need of the browser's sessions. */
export interface BrowserSessions {
  /** Live sessions of this browser with an active person, the current one first. */
  current(request: WireRequest): Promise<readonly SessionSnapshot[]>
  /** Starts a session outside any interaction, for instance after set-up. Answers the cookies to set. */
  start(request: WireRequest, facts: AuthenticationFacts): Promise<Result<readonly Cookie[], 'subjectDisabled'>>
  /** Ends sessions of this browser, one or all; answers the cookies to set. */
  end(request: WireRequest, sid: SessionId | 'all'): Promise<readonly Cookie[]>
  /** A token for a form outside any interaction, bound to this browser and the form's name; sets the browser's cookie where it has none. */
  formToken(request: WireRequest, form: string): Promise<{ readonly csrf: string; readonly cookies: readonly Cookie[] }>
  /** Whether a form brought back the token of this browser and that form. */
  isFormToken(request: WireRequest, form: string, csrf: string): Promise<boolean>
}

/** Why a user code was not taken: wrong, used and expired ones read the same (RFC 8628 §5.1). */
export type DeviceProblem =
  | { readonly reason: 'unknown' }
  /** Somebody else brought this code first (RFC 8628 §5.5). */
  | { readonly reason: 'elsewhere' }
  /** Too many wrong codes. */
  | { readonly reason: 'throttled'; readonly until: Instant }

/** What a person is asked before a device is let in (RFC 8628 §5.4). */
export interface DevicePrompt {
  /** To compare with what the device shows. */
  readonly userCode: string
  readonly clientId: ClientId
  readonly clientName: string
  readonly clientUri: string | undefined
  readonly policyUri: string | undefined
  readonly tosUri: string | undefined
  /** Address that the device asked from. */
  readonly network: string
  readonly account: { readonly sid: SessionId; readonly subject: Subject }
  readonly scopes: readonly ScopeDisplay[]
  /** The actual values that will be shared, by claim name. */
  readonly values: JsonObject
  readonly expiresAt: Instant
  /** Must come back with the answer; bound to this browser and this device. */
  readonly csrf: string
}

/** What a user code leads to. */
export type OpenedDevice =
  | { readonly kind: 'problem'; readonly problem: DeviceProblem }
  /** A person has to sign in first, and bring the code again. */
  | { readonly kind: 'signIn'; readonly userCode: string }
  | { readonly kind: 'confirm'; readonly prompt: DevicePrompt }

/** What a person said to a `DevicePrompt`. */
export interface DeviceSettlement {
  readonly userCode: string
  readonly csrf: string
  /** The session that the prompt named. */
  readonly sid: SessionId
  readonly answer: 'allow' | 'deny'
}

/** What an embedder's device pages call. */
export interface Devices {
  /** Looks a typed code up for this browser's current session, which from then on is the only one that can settle it. Lets nothing in. */
  open(request: WireRequest, typed: string): Promise<OpenedDevice>
  /** Lets the device in or refuses it; `forged` when the form did not come from the page of this prompt. */
  settle(
    request: WireRequest,
    said: DeviceSettlement,
  ): Promise<'allowed' | 'denied' | 'forged' | 'unknown' | 'elsewhere'>
}

/** A composed provider. */
export interface Provider {
  readonly issuer: string
  readonly routes: readonly Route[]
  /**
   * Answers a request for one of the routes; undefined when the path is none of them. Never rejects: a store that cannot be reached is
   * answered with 503, a fault with 500 and a reference.
   */
  respond(request: WireRequest): Promise<Reply | undefined>
  readonly interactions: Interactions
  readonly sessions: BrowserSessions
  /** Undefined where devices cannot be let in. */
  readonly devices: Devices | undefined
  /**
   * Tells clients of ended sessions what is due, each once, and answers how many were tried (OIDC Back-Channel Logout §2.5). To be called again
   * and again, every few seconds and until it answers 0, on any number of nodes: none does what another has in hand. Rejects when something
   * met a fault; what is left is taken up by a later call. Answers 0 where the feature is left out.
   */
  deliverLogouts(): Promise<number>
  /** The current instant by the provider's clock. */
  now(): Instant
}
