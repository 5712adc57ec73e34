// Owns the headers that keep answers from being framed, sniffed, leaked or scripted. Never loosens them for a single page.

import type { DoorOptions } from './options.ts'

/** Sources that one page lets in besides nothing at all. */
export interface PagePolicy {
  readonly style?: readonly string[]
  readonly script?: readonly string[]
  readonly image?: readonly string[]
  /**
   * Where forms may post. Left out, there is no limit: a browser applies it to every redirect that follows the post as well, to the
   * client and wherever the client goes on to, so that only a page whose post ends on this server can name its targets.
   */
  readonly formAction?: readonly string[]
}

/** A Content-Security-Policy that allows nothing but what is named (Content Security Policy Level 3 §6). */
export const contentSecurityPolicy = (policy: PagePolicy = {}): string => {
  const named: readonly (readonly [string, readonly string[] | undefined])[] = [
    ['style-src', policy.style],
    ['script-src', policy.script],
    ['img-src', policy.image],
    ['form-action', policy.formAction],
  ]
  return [
    "default-src 'none'",
    ...named.flatMap(([name, sources]) => (sources === undefined ? [] : [`${name} ${sources.join(' ') || "'none'"}`])),
    "object-src 'none'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
  ].join('; ')
}

/** The policy of an answer that is no page. */
export const NO_PAGE_POLICY: string = "default-src 'none'; frame-ancestors 'none'"

// Features that no page here has a use for. Passkeys (publickey-credentials-*) keep their default, which is this origin alone.
const PERMISSIONS = 'camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()'

/** Headers of every answer, by the scheme of the issuer (RFC 6797 §7.1: over https only). */
export const commonHeaders = (secure: boolean): readonly (readonly [string, string])[] => [
  ['X-Content-Type-Options', 'nosniff'],
  ['Referrer-Policy', 'no-referrer'],
  ['Permissions-Policy', PERMISSIONS],
  ['X-Frame-Options', 'DENY'],
  // Answers for other origins are read through CORS, which this does not touch; it bars <img> and <script> from them.
  ['Cross-Origin-Resource-Policy', 'same-origin'],
  ...(secure ? [['Strict-Transport-Security', 'max-age=31536000'] as const] : []),
]

/** Headers of every page besides; never on a redirect, where they would cut off a popup that is only passing through. */
export const pageHeaders = (options: Pick<DoorOptions, 'popups'>): readonly (readonly [string, string])[] =>
  options.popups === 'allowed' ? [] : [['Cross-Origin-Opener-Policy', 'same-origin']]
