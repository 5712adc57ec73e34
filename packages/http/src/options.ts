// Owns what an embedder may choose about a door. Never holds a default that depends on a request.

import type { Reply } from '@vouchsafe/core'

/** A reply that is a page on the server itself. */
export type PageReply = Extract<Reply, { readonly kind: 'page' }>

/** A reply that posts parameters to the client. */
export type FormPostReply = Extract<Reply, { readonly kind: 'formPost' }>

/** A reply that is a page of signing out. */
export type LogoutReply = Extract<Reply, { readonly kind: 'logout' }>

/** A rendered page. Whoever renders escapes. */
export interface Html {
  readonly html: string
  /** Content-Security-Policy of this page; undefined for the strict one, which lets style and images of this origin in. See `contentSecurityPolicy`. */
  readonly csp?: string | undefined
}

/** Pages that an embedder draws himself; what is left out has a plain built-in form. */
export interface Render {
  /** An error page. */
  readonly page?: (reply: PageReply) => Html
  /**
   * A page of signing out. Its form may end in a redirect to the client, which browsers hold against `form-action`: leave that out of
   * its CSP.
   */
  readonly logout?: (reply: LogoutReply) => Html
  /** The self-submitting form (OAuth 2.0 Form Post Response Mode §2). Its script must carry `nonce`; its CSP is the door's. */
  readonly formPost?: (reply: FormPostReply, nonce: string) => string
}

/** How paths of requests differ from those of the issuer's URLs. */
export interface Mount {
  /** Prefix that requests carry and the issuer's URLs do not, for instance one that a proxy adds. */
  readonly strip?: string
  /** Prefix that the issuer's URLs carry and requests no longer do, for instance one that a framework's mounting took away. */
  readonly add?: string
}

/** What was refused before the core saw it, for a log. */
export interface DoorRefusal {
  readonly reason: RefusalReason
  /** The code that the person was shown; undefined for an answer to a machine. */
  readonly reference: string | undefined
  readonly path: string
  readonly remoteAddress: string
}

/** Why a door refused a request. */
export type RefusalReason =
  | 'urlTooLong'
  | 'bodyTooLarge'
  | 'bodyCompressed'
  | 'bodyMultipart'
  | 'bodyNotUtf8'
  | 'bodyIncomplete'
  | 'hostRepeated'
  | 'hostOfOthers'
  | 'plainHttp'
  | 'foreignPost'

/** Options that every door takes. */
export interface DoorOptions {
  /** Address of the page that shows an interaction; by default `<issuer>/interaction/<id>`. */
  readonly interactionUrl?: (id: string) => string
  readonly render?: Render
  readonly mount?: Mount
  /** Serves pages whatever Host a request names; by default a Host other than the issuer's is answered with 421 (RFC 9110 §15.5.20). */
  readonly anyHost?: boolean
  /** Refuses requests that came over plain http, whoever terminated TLS. */
  readonly requireHttps?: boolean
  /**
   * Whether pages stay reachable for a window that opened them. By default they are not (Cross-Origin-Opener-Policy `same-origin`), which
   * ends sign-in in a popup window: a relying party that uses one needs `allowed`.
   */
  readonly popups?: 'isolated' | 'allowed'
  /** Told of every request that the door refused by itself. */
  readonly onRefused?: (refusal: DoorRefusal) => void
}
