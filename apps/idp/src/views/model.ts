// Owns the data that a page is made of: one readonly union, `PageModel`, and the context of a rendering.
// Never holds a text of ours (those live in the message catalogue), HTML, or anything about HTTP.
//
// Texts that came from an operator, a client or a person go in raw: rendering makes them inert. Addresses of foreign
// sites go in raw too: rendering drops what is not https. Paths (`action`, `...Url` of our own) are server-made; a bad
// one is a programmer error and throws.

/** A language that the message catalogue has; more are added with their catalogue. */
export type Locale = 'en'

/** What a rendering needs besides the page: the nonce of this response's CSP, language, brand, and where we are mounted. */
export interface PageContext {
  /** The nonce for the one script we ever send (form_post); without it the page waits for its visible button. */
  readonly nonce?: string | undefined
  readonly locale: Locale
  /** The name in header and title; "Vouchsafe" when absent. */
  readonly brand?: string | undefined
  /** Path under which the app is mounted, without a trailing slash; '' for the root. */
  readonly basePath: string
}

/** A hidden input of a form. */
export interface FormField {
  readonly name: string
  readonly value: string
}

/** Where a form of ours goes, and what travels with it besides what the person types. */
export interface FormTarget {
  /** A path on this server, starting with one slash. */
  readonly action: string
  /** Becomes the hidden input `csrf`. */
  readonly csrf: string
  /** Further hidden inputs, for example the interaction's handle. */
  readonly fields?: readonly FormField[] | undefined
}

/** Where the answer of this request will be sent, in the words that a person can check. */
export type Destination =
  /** An https (or development http) site: shown by its host. */
  | { readonly kind: 'web'; readonly host: string }
  /** An app on this device, listening on a loopback address: always warned about (RFC 8252 §8.6). */
  | { readonly kind: 'loopback'; readonly host: string }
  /** An app on this device that claims a URI scheme, which any other app may claim too: always warned about. */
  | { readonly kind: 'customScheme'; readonly scheme: string }

/** A client as people see it. */
export interface ClientDisplay {
  /** The registered name; an empty or invisible one is shown as an app without a name. */
  readonly name: string
  readonly destination: Destination
  /** `unverified` when nobody of this server's operators vouches for it (it registered itself): a warning is shown. */
  readonly standing: 'known' | 'unverified'
  /** Shown only when `mayShow` (the operator trusts this client with an image) and the address is https. */
  readonly logo?: { readonly url: string; readonly mayShow: boolean } | undefined
  readonly policyUrl?: string | undefined
  readonly termsUrl?: string | undefined
}

/** A person as shown to that person. The round badge shows initials made from the name. */
export interface AccountDisplay {
  readonly displayName: string
  readonly username: string
}

/** Why the last attempt to sign in did not succeed; the wording is the same for known and unknown names. */
export type SignInProblem =
  | { readonly kind: 'invalidCredentials' }
  | { readonly kind: 'throttled'; readonly waitSeconds: number }
  /** The hashing queue is full. */
  | { readonly kind: 'busy' }
  /** The form's token was missing, old or of another browser. */
  | { readonly kind: 'expiredForm' }

/** Why somebody who is signed in already is asked again. */
export type SignInReason =
  /** prompt=login */
  | 'appAsked'
  /** max_age */
  | 'tooLongAgo'
  /** acr_values or a step-up */
  | 'strongerNeeded'
  /** The session that the request was waiting for is over. */
  | 'sessionEnded'

/** Asks for name and password. Inputs `username`, `password`; button `action=sign-in`. */
export interface SignInPage {
  readonly kind: 'signIn'
  /** Absent when somebody signs in to this server itself. */
  readonly client?: ClientDisplay | undefined
  /** What the name field starts with (login_hint, or what was typed before); '' for nothing. */
  readonly username: string
  readonly problem?: SignInProblem | undefined
  readonly reason?: SignInReason | undefined
  /** When exactly this person must sign in again: the name is then fixed (still posted as `username`). */
  readonly knownAccount?: AccountDisplay | undefined
  readonly form: FormTarget
  /** Own path of the account chooser. */
  readonly chooseAccountUrl?: string | undefined
}

/** Asks which signed-in account to use. Buttons `account=<value>` and `action=other-account`. */
export interface SelectAccountPage {
  readonly kind: 'selectAccount'
  readonly client?: ClientDisplay | undefined
  /** `value` is an opaque handle of the session, never a session id that could be spent elsewhere. */
  readonly accounts: readonly (AccountDisplay & { readonly value: string })[]
  readonly form: FormTarget
}

/** The value of one claim, as it will be shared. */
export type ClaimValue =
  | { readonly kind: 'text'; readonly text: string }
  /** Several lines that belong together, such as a postal address. */
  | { readonly kind: 'lines'; readonly lines: readonly string[] }
  /** Separate values, such as groups; long lists are folded. */
  | { readonly kind: 'list'; readonly items: readonly string[] }
  | { readonly kind: 'flag'; readonly value: boolean }
  /** A moment in seconds since 1970 (NumericDate), shown as a date in UTC. */
  | { readonly kind: 'instant'; readonly seconds: number }

/** One claim with its value. Claims without a value are not shared and must be left out. */
export interface ClaimDisplay {
  /** The claim's protocol name; its label comes from the catalogue. */
  readonly claim: string
  /** Label for a claim that the catalogue does not know; its protocol name when absent. */
  readonly label?: string | undefined
  readonly value: ClaimValue
}

/** One scope that is asked for, with what it would share. */
export interface ScopeDisplay {
  readonly scope: string
  /** For scopes that the catalogue does not know; the standard ones cannot be relabelled. */
  readonly label?: string | undefined
  readonly description?: string | undefined
  readonly claims: readonly ClaimDisplay[]
  readonly sensitive: boolean
  /** The person allowed this scope to this client before. */
  readonly alreadyAllowed: boolean
}

/** Asks whether the client may have what it asks for. Buttons `action=deny`, `action=allow`, `action=other-account`. */
export interface ConsentPage {
  readonly kind: 'consent'
  readonly client: ClientDisplay
  readonly account: AccountDisplay
  readonly scopes: readonly ScopeDisplay[]
  /** The client would keep access while the person is away (offline_access). Do not list that scope as well. */
  readonly offline: boolean
  readonly form: FormTarget
}

/** What went wrong, as a person would say it; who can mend it and what to do follow from this. */
export type ErrorProblem =
  /** The client's request is wrong in a way that cannot be told to the client by redirect. */
  | 'requestInvalid'
  | 'clientUnknown'
  | 'clientDisabled'
  /** The redirect URI is missing or is not one of the registered. */
  | 'redirectUriInvalid'
  /** The address after signing out is not one of the registered; nobody was signed out. */
  | 'logoutUriInvalid'
  /** The interaction ran out of time. */
  | 'expired'
  /** The interaction belongs to another browser, or its cookie is gone. */
  | 'otherBrowser'
  | 'alreadyFinished'
  /** A form came without its token, or from another site. */
  | 'formRefused'
  /** The answer is for an app that registered itself, and nobody is signed in. */
  | 'notSentBack'
  | 'accountDisabled'
  | 'setUpLinkInvalid'
  | 'notFound'
  | 'methodNotAllowed'
  | 'tooManyRequests'
  | 'requestTooLarge'
  /** A dependency (the database, a policy) cannot be reached for now. */
  | 'unavailable'
  | 'unexpected'

/** A technical detail for those who will look into it; server-made text only, never what a request called an error. */
export interface ErrorDetail {
  readonly kind: 'error' | 'description' | 'clientId' | 'occurredAt'
  readonly value: string
}

/** Says what happened, who can mend it, what to do, and the reference code to quote. */
export interface ErrorPage {
  readonly kind: 'error'
  readonly problem: ErrorProblem
  /** The code that an operator finds in the log. */
  readonly reference: string
  readonly details?: readonly ErrorDetail[] | undefined
  /** A registered address of the client; linked only if https, never followed by itself. */
  readonly back?: { readonly clientName: string; readonly url: string } | undefined
  /** Own path for signing out here, where that is what the person wanted. */
  readonly signOutUrl?: string | undefined
}

/** Asks whether to sign out of this browser's sessions. Button `action=sign-out`. */
export interface SignOutPage {
  readonly kind: 'signOut'
  readonly accounts: readonly AccountDisplay[]
  /** The client that asked for it, if one did. */
  readonly client?: ClientDisplay | undefined
  readonly form: FormTarget
  /** Own path for those who want to stay. */
  readonly stayUrl: string
}

/** Confirms that nobody is signed in here any more, or nobody of those who were to be signed out. */
export interface SignedOutPage {
  readonly kind: 'signedOut'
  /** Own path that shows who else is signed in here; given only where somebody is. */
  readonly othersUrl?: string | undefined
  readonly signInUrl?: string | undefined
  /** A registered address of the client; linked only if https. */
  readonly back?: { readonly clientName: string; readonly url: string } | undefined
}

/** What is wrong with each field of the set-up form; absent means nothing. */
export interface SetUpProblems {
  readonly username?: 'missing' | 'invalid' | 'taken' | 'tooLong' | undefined
  readonly displayName?: 'missing' | 'tooLong' | undefined
  readonly email?: 'missing' | 'invalid' | 'taken' | 'tooLong' | undefined
  readonly password?: 'missing' | 'tooShort' | 'tooLong' | 'tooCommon' | undefined
  readonly passwordRepeat?: 'missing' | 'different' | undefined
  /** What is wrong with the attempt as a whole. */
  readonly form?: 'expiredForm' | 'busy' | undefined
}

/** Makes the first administrator, once. Inputs `username`, `displayName`, `email`, `password`, `passwordRepeat`; button `action=create`. */
export interface SetUpPage {
  readonly kind: 'setUp'
  /** What was typed before; passwords are never sent back. */
  readonly values: { readonly username: string; readonly displayName: string; readonly email: string }
  readonly problems: SetUpProblems
  /** The shortest password that is accepted, in characters; told to the person beforehand. */
  readonly passwordMinLength: number
  readonly form: FormTarget
}

/** Confirms that the first administrator was made and says what comes next. */
export interface SetUpDonePage {
  readonly kind: 'done'
  readonly account: AccountDisplay
  readonly homeUrl: string
}

/** The front page: who is signed in in this browser (perhaps nobody). Button `action=sign-out`. */
export interface HomePage {
  readonly kind: 'home'
  readonly accounts: readonly AccountDisplay[]
  /** Needed when somebody is signed in. */
  readonly signOutForm?: FormTarget | undefined
  readonly signInUrl?: string | undefined
}

/** Carries an authorization response to the client by a POST (OAuth 2.0 Form Post Response Mode §2). */
export interface FormPostPage {
  readonly kind: 'formPost'
  /** The verified redirect URI; http or https. */
  readonly action: string
  /** The response parameters, sent exactly as they are. */
  readonly fields: readonly FormField[]
  readonly clientName?: string | undefined
}

/** Why a device's code was not taken; wrong, used and expired ones read the same. */
export type DeviceProblemDisplay =
  | { readonly kind: 'unknown' }
  /** Another person brought it first. */
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'throttled'; readonly waitSeconds: number }

/** Asks for the code that a device shows. Input `user_code`; button `action=continue`. */
export interface DeviceCodePage {
  readonly kind: 'deviceCode'
  readonly problem?: DeviceProblemDisplay | undefined
  readonly form: FormTarget
}

/** Asks whether to let a device in. Buttons `action=deny`, `action=allow`. */
export interface DeviceConfirmPage {
  readonly kind: 'deviceConfirm'
  readonly clientName: string
  /** What else the client is known by: the host of its home page, or its identifier. */
  readonly place:
    | { readonly kind: 'web'; readonly host: string }
    | { readonly kind: 'identifier'; readonly clientId: string }
  readonly policyUrl?: string | undefined
  readonly termsUrl?: string | undefined
  /** As the device shows it. */
  readonly userCode: string
  /** Address that the device asked from. */
  readonly network: string
  readonly account: AccountDisplay
  readonly scopes: readonly ScopeDisplay[]
  /** The device would keep access while the person is away (offline_access). Do not list that scope as well. */
  readonly offline: boolean
  readonly form: FormTarget
}

/** Says that the device was let in, or refused. */
export interface DeviceDonePage {
  readonly kind: 'deviceDone'
  readonly allowed: boolean
  readonly clientName: string
  readonly homeUrl: string
}

/** Every page that the identity provider shows. */
export type PageModel =
  | SignInPage
  | SelectAccountPage
  | ConsentPage
  | ErrorPage
  | SignOutPage
  | SignedOutPage
  | SetUpPage
  | SetUpDonePage
  | HomePage
  | DeviceCodePage
  | DeviceConfirmPage
  | DeviceDonePage
  | FormPostPage
