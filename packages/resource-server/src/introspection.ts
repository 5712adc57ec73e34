// Owns access tokens that the issuer is asked about (RFC 7662). Fails closed: no answer is no token. Never remembers that a token was
// inactive, since it would be the attacker who decides what is remembered.

import { CompactSign } from 'jose'
import type { IntrospectedTokens, IntrospectionCredentials } from './config.ts'
import { toBase64url, utf8 } from './encoding.ts'
import { cacheKeyOf, createIntrospectionCache } from './introspection-cache.ts'
import type { FindEndpoint } from './issuer-metadata.ts'
import { type JsonObject, member } from './json.ts'
import type { VerifyToken } from './jwt-token.ts'
import type { Ask, Question } from './outbound.ts'
import type { Rejection } from './rejection.ts'
import { err, ok, type Result } from './result.ts'
import { parseToken } from './token.ts'

/** What introspection is done with. */
export interface IntrospectionPolicy {
  readonly issuer: string
  readonly audience: string
  readonly tokens: IntrospectedTokens & { readonly cacheSeconds: number; readonly audienceMayBeAbsent: boolean }
  readonly ask: Ask
  readonly findEndpoint: FindEndpoint
}

// Made for one question, so it need not live longer than the question's own timeout and two clocks' difference.
const ASSERTION_LIFETIME = 60

// RFC 6749 §2.3.1: both parts are form-encoded before they are joined.
const formEncode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1)

const basicOf = (clientId: string, clientSecret: string): string =>
  `Basic ${btoa(`${formEncode(clientId)}:${formEncode(clientSecret)}`)}`

type PrivateKeyJwt = Extract<IntrospectionCredentials, { readonly method: 'private_key_jwt' }>

const assertionOf = async (
  { clientId, key, alg, kid }: PrivateKeyJwt,
  audience: string,
  now: number,
): Promise<string> => {
  const jti = toBase64url(crypto.getRandomValues(new Uint8Array(16)))
  const claims = { iss: clientId, sub: clientId, aud: audience, jti, iat: now, exp: now + ASSERTION_LIFETIME }
  const header = { alg, ...(kid === undefined ? {} : { kid }) }
  return new CompactSign(utf8(JSON.stringify(claims))).setProtectedHeader(header).sign(key)
}

/** The question about one token, with this API's proof of itself (RFC 7662 §2.1, RFC 7523 §2.2). */
const questionOf = async (
  { tokens: { credentials }, issuer }: IntrospectionPolicy,
  asked: { readonly url: string; readonly token: string; readonly now: number },
): Promise<Question> => {
  const form = new URLSearchParams({ token: asked.token, token_type_hint: 'access_token' })
  if (credentials.method === 'client_secret_basic') {
    return { url: asked.url, form, authorization: basicOf(credentials.clientId, credentials.clientSecret) }
  }
  form.set('client_id', credentials.clientId)
  form.set('client_assertion_type', 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
  form.set('client_assertion', await assertionOf(credentials, issuer, asked.now))
  return { url: asked.url, form }
}

const introspect = async (
  policy: IntrospectionPolicy,
  token: string,
  now: number,
): Promise<Result<JsonObject, Rejection>> => {
  const { endpoint } = policy.tokens
  const url = endpoint === undefined ? await policy.findEndpoint('introspection_endpoint') : ok(endpoint)
  if (!url.ok) return url
  const answer = await policy.ask(await questionOf(policy, { url: url.value, token, now }))
  if (answer.ok) return answer
  // Our own credentials are wrong: that says nothing of the token, and whoever runs this API must learn of it.
  const refused = answer.error.reason === 'issuerAnswerMalformed' && [401, 403].includes(answer.error.status)
  return err(refused ? { reason: 'introspectionRefused', cause: answer.error.cause } : answer.error)
}

/** Makes the judge of access tokens that the issuer is asked about. */
export const createIntrospectionVerifier = (policy: IntrospectionPolicy): VerifyToken => {
  const cache = createIntrospectionCache(policy.tokens.cacheSeconds)
  const { issuer, audience } = policy
  const { audienceMayBeAbsent } = policy.tokens
  return async (token, now) => {
    const digest = await cacheKeyOf(token)
    const remembered = cache.find(digest, now)
    if (remembered !== undefined) return ok(remembered)
    const answer = await introspect(policy, token, now)
    if (!answer.ok) return answer
    const active = member(answer.value, 'active')
    if (active === false) return err({ reason: 'tokenInactive' })
    if (active !== true)
      return err({ reason: 'issuerAnswerMalformed', cause: 'introspection does not say whether it is active' })
    const parsed = parseToken(answer.value, { issuer, audience, audienceMayBeAbsent, required: [], now })
    if (parsed.ok) cache.keep(digest, parsed.value, now)
    return parsed
  }
}
