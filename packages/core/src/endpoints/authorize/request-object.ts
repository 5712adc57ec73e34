// Owns what a signed request object must be, and the parameters in it (RFC 9101 §4, §6; OIDC Core §6). Never believes what stands beside
// it but who the client is, and keeps no `jti`: an object is a request, which may be sent again as any other, and what is answered
// once is the pushed request or the interaction that it comes in.

import {
  err,
  type Instant,
  type Json,
  type JsonObject,
  type MultiMap,
  member,
  multiMap,
  ok,
  type Result,
} from '../../base/index.ts'
import { type ClientJwsRejection, verifyClientJws } from '../../client-auth/index.ts'
import type { Context } from '../../context/index.ts'
import { ASSERTION_ALGS, CLOCK_TOLERANCE } from '../../spec/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import { isFormText } from '../../wire/index.ts'
import { isKnownParameter } from './parse.ts'

/** Why a request object was refused. */
export type RequestObjectRejection =
  | ClientJwsRejection
  | {
      readonly reason:
        | 'objectIssuerWrong'
        | 'objectAudienceWrong'
        | 'objectHasSubject'
        | 'objectClientWrong'
        | 'objectNested'
        | 'objectExpired'
        | 'objectNotYetValid'
        | 'objectLifetimeMissing'
        | 'objectLifetimeTooLong'
        | 'objectResponseTypeDiffers'
        | 'objectParameterMalformed'
    }

/** What an object is judged against. */
export interface ObjectExpectation {
  readonly client: ClientRecord
  /** What stands beside it. */
  readonly outside: MultiMap
  /** Whether it was pushed: made for this one request then. */
  readonly pushed: boolean
  readonly now: Instant
}

// FAPI 2.0 Message Signing §5.3: no longer than an hour, and so, since it has not expired, not older.
const MAX_LIFETIME = 3600

// Claims of the JWT itself (RFC 7519 §4.1), which are no parameters.
const CLAIMS: ReadonlySet<string> = new Set(['iss', 'sub', 'aud', 'exp', 'nbf', 'iat', 'jti'])

const isSeconds = (value: Json | undefined): value is number => typeof value === 'number' && Number.isFinite(value)

const names = (aud: Json | undefined, issuer: string): boolean =>
  Array.isArray(aud) ? aud.includes(issuer) : aud === issuer

/** Whose it is and for whom. An object without these could be another kind of JWT by the same key (RFC 9101 §10.8, RFC 8725 §3.9). */
const checkParties = (
  claims: JsonObject,
  { client, outside }: ObjectExpectation,
  issuer: string,
): RequestObjectRejection | undefined => {
  if (member(claims, 'iss') !== client.clientId) return { reason: 'objectIssuerWrong' }
  if (!names(member(claims, 'aud'), issuer)) return { reason: 'objectAudienceWrong' }
  // What a client signs about itself has a subject: an assertion must never pass for a request, nor a request for an assertion.
  if (member(claims, 'sub') !== undefined) return { reason: 'objectHasSubject' }
  if (member(claims, 'client_id') !== client.clientId) return { reason: 'objectClientWrong' }
  if (member(claims, 'request') !== undefined || member(claims, 'request_uri') !== undefined) {
    return { reason: 'objectNested' }
  }
  const asked = outside.get('response_type')?.filter((value) => value !== '') ?? []
  // OIDC Core §6.1: where it stands on both sides, it is one.
  return asked.every((value) => value === member(claims, 'response_type'))
    ? undefined
    : { reason: 'objectResponseTypeDiffers' }
}

const checkTimes = (
  claims: JsonObject,
  { client, pushed, now }: ObjectExpectation,
): RequestObjectRejection | undefined => {
  const [exp, nbf, iat] = [member(claims, 'exp'), member(claims, 'nbf'), member(claims, 'iat')]
  if (exp !== undefined && !(isSeconds(exp) && exp > now - CLOCK_TOLERANCE)) return { reason: 'objectExpired' }
  for (const value of [nbf, iat]) {
    if (value !== undefined && !(isSeconds(value) && value <= now + CLOCK_TOLERANCE)) {
      return { reason: 'objectNotYetValid' }
    }
  }
  // A client that signs everything it pushes signs it for the occasion, so that it can be held to what it said when.
  if (!client.requireSignedRequests || !pushed) return undefined
  if (!isSeconds(exp) || !isSeconds(nbf)) return { reason: 'objectLifetimeMissing' }
  return exp - nbf > MAX_LIFETIME ? { reason: 'objectLifetimeTooLong' } : undefined
}

/** The values of one parameter as a form would have them; undefined for what no form can hold. */
const valuesOf = (name: string, value: Json): readonly string[] | undefined => {
  if (typeof value === 'string') return isFormText(value) ? [value] : undefined
  if (typeof value === 'number') return Number.isFinite(value) ? [String(value)] : undefined
  // RFC 9101 §4: `claims` and `authorization_details` are JSON where they stand in JSON; `resource` may stand there several times.
  if (name === 'claims' || name === 'authorization_details') return [JSON.stringify(value)]
  if (name !== 'resource' || !Array.isArray(value)) return undefined
  const texts = value.filter((one) => typeof one === 'string')
  return texts.length === value.length && texts.every(isFormText) ? texts : undefined
}

const parametersIn = (claims: JsonObject): Result<MultiMap, RequestObjectRejection> => {
  const pairs: (readonly [string, string])[] = []
  for (const [name, value] of Object.entries(claims)) {
    if (CLAIMS.has(name) || value === undefined || !isKnownParameter(name)) continue
    const values = valuesOf(name, value)
    if (values === undefined) return err({ reason: 'objectParameterMalformed' })
    for (const one of values) pairs.push([name, one])
  }
  return ok(multiMap(pairs))
}

/** Verifies a request object and takes its parameters out: they are the whole request (RFC 9101 §6.3). Unsigned and encrypted ones are refused. */
export const openRequestObject = async (
  context: Pick<Context, 'issuer' | 'remoteKeys'>,
  jwt: string,
  expected: ObjectExpectation,
): Promise<Result<MultiMap, RequestObjectRejection>> => {
  const { client } = expected
  const verified = await verifyClientJws(context, client, jwt, {
    algs: client.requestObjectAlg === undefined ? ASSERTION_ALGS : [client.requestObjectAlg],
    types: [undefined, 'jwt', 'oauth-authz-req+jwt'],
  })
  if (!verified.ok) return verified
  const { claims } = verified.value
  const refused = checkParties(claims, expected, context.issuer) ?? checkTimes(claims, expected)
  return refused === undefined ? parametersIn(claims) : err(refused)
}
