// Owns the authorization response: code or error, at the verified redirect URI or on our own page. Never sends anything to a URI
// that was not verified: the type does not allow it.

import { type ClientId, later, type VerifiedRedirectUri } from '../../base/index.ts'
import { type Context, referenceCode } from '../../context/index.ts'
import { activeKey } from '../../keys/index.ts'
import { type ResponseMode, SIGNED_RESPONSE_LIFETIME } from '../../spec/index.ts'
import { signJws } from '../../tokens/index.ts'
import {
  type ClientDisplay,
  type Cookie,
  formEncode,
  NO_HEADERS,
  pageReply,
  type Reply,
  type ReplyHeaders,
} from '../../wire/index.ts'
import {
  type AuthorizationRejection,
  type PageRejection,
  type PageWords,
  toPageWords,
  toWireError,
} from './rejection.ts'

/** Where and how a client is answered. */
export interface ResponseAddress {
  readonly clientId: ClientId
  readonly redirectUri: VerifiedRedirectUri
  readonly responseMode: ResponseMode
  readonly state: string | undefined
}

type ResponseParameters = readonly (readonly [string, string])[]

/** The answer as one JWT for this client (JARM §2.1): nobody else's answer, and nothing of it changed on the way. */
const sign = async (
  context: Context,
  { clientId }: ResponseAddress,
  parameters: ResponseParameters,
): Promise<ResponseParameters> => {
  const { ports, stores } = context
  const client = await stores.clients.findClient(clientId)
  const alg = client?.authorizationResponseAlg ?? client?.idTokenAlg ?? 'RS256'
  const key = activeKey(await ports.keys.keys(), alg)
  if (key === undefined) throw new Error(`no active signing key for ${alg}`)
  const now = ports.clock.now()
  const times = { iat: now, exp: later(now, SIGNED_RESPONSE_LIFETIME) }
  const claims = { ...Object.fromEntries(parameters), aud: clientId, ...times }
  return [['response', await signJws(ports.signer, key, { typ: 'JWT', claims })]]
}

const respondWith = async (
  context: Context,
  address: ResponseAddress,
  answer: ResponseParameters,
  cookies: readonly Cookie[],
): Promise<Reply> => {
  const { redirectUri, responseMode, state } = address
  const plain: ResponseParameters = [
    ...answer,
    ...(state === undefined ? [] : [['state', state] as const]),
    ['iss', context.issuer],
  ]
  const isSigned = responseMode === 'query.jwt' || responseMode === 'form_post.jwt'
  const parameters = isSigned ? await sign(context, address, plain) : plain
  if (responseMode === 'form_post' || responseMode === 'form_post.jwt') {
    return { kind: 'formPost', action: redirectUri, parameters, cookies }
  }
  const query = parameters.map(([name, value]) => `${name}=${formEncode(value)}`).join('&')
  // The registered query stays as it is (RFC 6749 §3.1.2).
  const joint = redirectUri.includes('?') ? '&' : '?'
  return { kind: 'redirect', location: `${redirectUri}${joint}${query}`, cookies }
}

/** Answers with a code (RFC 6749 §4.1.2, RFC 9207 §2). */
export const respondCode = (
  context: Context,
  address: ResponseAddress,
  code: string,
  cookies: readonly Cookie[],
): Promise<Reply> => respondWith(context, address, [['code', code]], cookies)

/** Answers with an error, in the same response mode (RFC 6749 §4.1.2.1). */
export const respondError = (
  context: Context,
  address: ResponseAddress,
  rejection: AuthorizationRejection,
  cookies: readonly Cookie[],
): Promise<Reply> => {
  const { error, description } = toWireError(rejection)
  return respondWith(
    context,
    address,
    [
      ['error', error],
      ['error_description', description],
    ],
    cookies,
  )
}

/** A page with its reference, which the audit event carries too. */
export interface ProblemReply {
  readonly reply: Reply
  readonly reference: string
}

/** A page for a problem that has no client to be told. */
export const respondProblem = (
  context: Context,
  page: PageWords & { readonly client?: ClientDisplay; readonly cookies: readonly Cookie[] },
  headers: ReplyHeaders = NO_HEADERS,
): ProblemReply => {
  const reference = referenceCode(context)
  const { problem, detail, client } = page
  return { reply: pageReply(page.status, { problem, reference, detail, client }, headers, page.cookies), reference }
}

/** The page for a rejection that may not be redirected. */
export const respondPage = (
  context: Context,
  rejection: PageRejection,
  cookies: readonly Cookie[] = [],
): ProblemReply => {
  const headers = rejection.reason === 'methodNotAllowed' ? new Map([['Allow', 'GET, POST']]) : NO_HEADERS
  return respondProblem(context, { ...toPageWords(rejection), cookies }, headers)
}
