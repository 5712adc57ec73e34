// Owns the browser's own secret: what interactions and forms are bound to before anybody signed in. Never says who somebody is.

import { base64url, type Digest, equalInConstantTime, fromBase64url, isBase64urlOf, utf8 } from '../base/index.ts'
import { type Context, digestOf, randomText } from '../context/index.ts'
import { type Cookie, readCookie, type WireRequest } from '../wire/index.ts'

const SECRET_BYTES = 32
const SECRET_LENGTH = 43

/** A browser that holds our cookie, or is being given it. */
export interface Browser {
  readonly secret: string
  readonly digest: Digest
  /** The cookie to set, for a browser that had none. */
  readonly cookies: readonly Cookie[]
}

/** The browser's secret, if it sent one in our form. */
export const findBrowser = async (context: Context, request: WireRequest): Promise<Browser | undefined> => {
  const secret = readCookie(request, context.cookies.browser)
  if (secret === undefined || !isBase64urlOf(secret, SECRET_LENGTH)) return undefined
  return { secret, digest: await digestOf(context, secret), cookies: [] }
}

/** The browser's secret, a fresh one where it has none. */
export const ensureBrowser = async (context: Context, request: WireRequest): Promise<Browser> => {
  const found = await findBrowser(context, request)
  if (found !== undefined) return found
  const secret = randomText(context, SECRET_BYTES)
  const cookie: Cookie = { name: context.cookies.browser, value: secret, maxAge: context.lifetimes.sessionAbsolute }
  return { secret, digest: await digestOf(context, secret), cookies: [cookie] }
}

/** The token of one form in one browser: nobody else's browser and no other form can use it (login CSRF, RFC 9700 §4.7). */
export const formToken = async (context: Context, browser: Browser, form: string): Promise<string> =>
  base64url(await context.ports.hasher.hmacSha256(fromBase64url(browser.secret) ?? utf8(''), utf8(`form:${form}`)))

/** Whether a form brought back its own token. */
export const isFormToken = async (
  context: Context,
  browser: Browser,
  submitted: { readonly form: string; readonly csrf: string },
): Promise<boolean> => equalInConstantTime(await formToken(context, browser, submitted.form), submitted.csrf)
