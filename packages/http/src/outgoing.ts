// Owns turning a reply into status, headers and text, the same for every door. Never writes to a socket and never decides anything.

import { type Cookie, exhaustive, type PresentedInteraction, type Reply } from '@vouchsafe/core'
import { setCookie } from './cookies.ts'
import { errorPage, formPostPage, formPostPolicy } from './html.ts'
import { logoutPage } from './html-logout.ts'
import type { DoorOptions, Html } from './options.ts'
import { commonHeaders, contentSecurityPolicy, NO_PAGE_POLICY, pageHeaders } from './security-headers.ts'

/** An answer as every runtime can send it. `Set-Cookie` may occur several times among the headers, every other name once. */
export interface Outgoing {
  readonly status: number
  readonly headers: readonly (readonly [string, string])[]
  readonly body: string
}

/** A page that an embedder draws and a door sends. */
export interface OwnPage extends Html {
  readonly status?: number
  readonly cookies?: readonly Cookie[]
}

/** Draws the prompt of an interaction. */
export type DrawPrompt = (interaction: PresentedInteraction) => Html

/** Turns replies and pages into answers. */
export interface Writer {
  reply(reply: Reply): Outgoing
  page(page: OwnPage): Outgoing
  /** A visit to an interaction's own page: the prompt is drawn, where `reply` would lead to this very page again. */
  visit(reply: Reply, draw: DrawPrompt): Outgoing
}

type Headers = readonly (readonly [string, string])[]

const NO_STORE: Headers = [['Cache-Control', 'no-store']]
const HTML: Headers = [['Content-Type', 'text/html; charset=utf-8']]

const hex = (byte: number): string => `%${byte.toString(16).toUpperCase().padStart(2, '0')}`

/** Percent-encodes what no header can carry, line breaks above all. */
const asLocation = (location: string): string =>
  location.replace(/[^\x21-\x7e]/gu, (c) => Array.from(new TextEncoder().encode(c), hex).join(''))

const newNonce = (): string => btoa(String.fromCharCode(...crypto.getRandomValues(new Uint8Array(16))))

/** Later entries replace earlier ones of the same name, so that a reply's own cache headers win over the door's. */
const merged = (...lists: readonly Headers[]): Headers => {
  const byName = new Map<string, readonly [string, string]>()
  for (const [name, value] of lists.flat()) byName.set(name.toLowerCase(), [name, value])
  return [...byName.values()]
}

const defaultInteractionUrl =
  (issuer: string) =>
  (id: string): string =>
    `${issuer.replace(/\/$/, '')}/interaction/${encodeURIComponent(id)}`

/** A writer for one issuer. */
export const createWriter = (issuer: string, options: DoorOptions): Writer => {
  const secure = issuer.startsWith('https:')
  const common = commonHeaders(secure)
  const interactionUrl = options.interactionUrl ?? defaultInteractionUrl(issuer)
  const drawPage = options.render?.page ?? errorPage
  const drawForm = options.render?.formPost ?? formPostPage
  const drawLogout = options.render?.logout ?? logoutPage
  const cookieLines = (cookies: readonly Cookie[]): Headers =>
    cookies.map((cookie) => ['Set-Cookie', setCookie(cookie, secure)])

  const plain = (status: number, headers: Headers, body: string): Outgoing => ({
    status,
    headers: merged(common, [['Content-Security-Policy', NO_PAGE_POLICY]], headers),
    body,
  })
  const redirect = (location: string, cookies: readonly Cookie[], extra: Headers = []): Outgoing => {
    // 303 turns a post into a get and never repeats a body that held a password (RFC 9700 §4.12).
    const { headers, ...rest } = plain(303, [...extra, ...NO_STORE, ['Location', asLocation(location)]], '')
    return { ...rest, headers: [...headers, ...cookieLines(cookies)] }
  }
  const page = (from: OwnPage, extra: Headers = []): Outgoing => {
    const csp = from.csp ?? contentSecurityPolicy({ style: ["'self'"], image: ["'self'"] })
    const headers = merged(common, pageHeaders(options), NO_STORE, extra, HTML, [['Content-Security-Policy', csp]])
    return { status: from.status ?? 200, headers: [...headers, ...cookieLines(from.cookies ?? [])], body: from.html }
  }

  const reply = (from: Reply): Outgoing => {
    switch (from.kind) {
      case 'json':
        return plain(from.status, [...from.headers, ['Content-Type', from.contentType]], from.body)
      case 'empty':
        return plain(from.status, [...from.headers], '')
      case 'redirect':
        return redirect(from.location, from.cookies, [...(from.headers ?? [])])
      case 'interact':
        return redirect(interactionUrl(from.interaction.id), from.cookies)
      case 'resume':
        return redirect(interactionUrl(from.interactionId), from.cookies)
      case 'formPost': {
        const nonce = newNonce()
        const csp = formPostPolicy(from.action, nonce)
        return page({ html: drawForm(from, nonce), csp, cookies: from.cookies })
      }
      case 'logout':
        return page({ ...drawLogout(from), cookies: from.cookies }, [...from.headers])
      case 'page':
        return page({ ...drawPage(from), status: from.status, cookies: from.cookies }, [...from.headers])
      default:
        return exhaustive(from)
    }
  }
  const visit = (from: Reply, draw: DrawPrompt): Outgoing =>
    from.kind === 'interact' ? page({ ...draw(from.interaction), cookies: from.cookies }) : reply(from)
  return { reply, page, visit }
}
