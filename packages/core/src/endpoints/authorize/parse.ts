// Owns turning an authorization request into a typed one. Never answers: what it cannot parse it names. Client and redirect URI come
// first, because until both are known nothing may leave for the client (RFC 9700 §4.1.3).

import {
  type ClientId,
  type Digest,
  digest,
  err,
  isBase64urlOf,
  type MultiMap,
  clientId as namedClient,
  subject as namedSubject,
  ok,
  type Result,
  repeated,
  type Subject,
  single,
  type VerifiedRedirectUri,
} from '../../base/index.ts'
import { parseClaims } from '../../claims/index.ts'
import { matchRedirectUri } from '../../client/index.ts'
import type { Context } from '../../context/index.ts'
import { decideTarget, parseResources } from '../../resource/index.ts'
import { parseScope } from '../../scope/index.ts'
import {
  LIMITS,
  PROMPTS,
  type Prompt,
  RESPONSE_MODES,
  type ResponseMode,
  SIGNED_RESPONSE_MODES,
} from '../../spec/index.ts'
import type { AuthorizationRequestRecord, ClaimsRequest, ClientRecord } from '../../store/index.ts'
import { verifyIdTokenHint } from '../../tokens/index.ts'
import { decideByClient } from './client-rules.ts'
import type { AuthorizationRejection, PageRejection, UnsupportedParameter } from './rejection.ts'

/** Where an answer may go: known before anything else of the request is looked at. */
export interface AnswerAddress {
  readonly client: ClientRecord
  readonly clientId: ClientId
  readonly redirectUri: VerifiedRedirectUri
  readonly responseMode: ResponseMode
  readonly state: string | undefined
}

const KNOWN: ReadonlySet<string> = new Set(
  `client_id redirect_uri response_type response_mode scope state nonce code_challenge code_challenge_method prompt max_age
  login_hint id_token_hint ui_locales claims_locales claims acr_values display request request_uri registration resource
  authorization_details`.split(/\s+/),
)

/** Whether a parameter means something to this server; the others are ignored (OIDC Core §3.1.2.1). */
export const isKnownParameter = (name: string): boolean => KNOWN.has(name)

const oneOf = <T extends string>(values: readonly T[], value: string | undefined): T | undefined =>
  values.find((known) => known === value)

/** Finds the client; a disabled one is as unknown as one that never was. */
export const locateClient = async (context: Context, form: MultiMap): Promise<Result<ClientRecord, PageRejection>> => {
  const id = single(form, 'client_id')
  if (id === undefined || id.length > LIMITS.clientId) return err({ reason: 'clientIdMissing' })
  const client = await context.stores.clients.findClient(namedClient(id))
  if (client === undefined || client.disabled) return err({ reason: 'clientUnknown' })
  return ok(client)
}

const isSignedMode = (word: string): word is keyof typeof SIGNED_RESPONSE_MODES =>
  Object.hasOwn(SIGNED_RESPONSE_MODES, word)

/** How a request wants to be answered; undefined for a way that is not built or switched off. */
const responseModeOf = (context: Context, form: MultiMap): ResponseMode | undefined => {
  const word = single(form, 'response_mode') ?? 'query'
  if (context.features.jarm && isSignedMode(word)) return SIGNED_RESPONSE_MODES[word]
  return oneOf(RESPONSE_MODES, word)
}

/** Finds where this client may be answered. */
export const locateAnswer = (
  context: Context,
  client: ClientRecord,
  form: MultiMap,
): Result<AnswerAddress, PageRejection> => {
  const requested = single(form, 'redirect_uri')
  if (requested === undefined) return err({ reason: 'redirectUriMissing' })
  const redirectUri = matchRedirectUri(client, requested)
  if (redirectUri === undefined) return err({ reason: 'redirectUriUnregistered' })
  const state = single(form, 'state')
  return ok({
    client,
    clientId: client.clientId,
    redirectUri,
    responseMode: responseModeOf(context, form) ?? 'query',
    state: state !== undefined && state.length <= LIMITS.state ? state : undefined,
  })
}

const LENGTHS: ReadonlyMap<string, number> = new Map([
  ['state', LIMITS.state],
  ['nonce', LIMITS.nonce],
  ['scope', LIMITS.scope],
  ['claims', LIMITS.claims],
  ['login_hint', LIMITS.loginHint],
  ['ui_locales', LIMITS.uiLocales],
  ['acr_values', LIMITS.acrValues],
  ['id_token_hint', LIMITS.jwt],
])

// RFC 8707 §2: one request may name several resources.
const MAY_REPEAT: ReadonlySet<string> = new Set(['resource'])

/** Checks that hold for the request as a whole: nothing repeated, nothing too long, nothing that is not built. */
const parseWhole = (context: Context, form: MultiMap): Result<true, AuthorizationRejection> => {
  const name = repeated(form, MAY_REPEAT)[0]
  if (name !== undefined) return err({ reason: 'parameterRepeated', name: KNOWN.has(name) ? name : 'a parameter' })
  for (const [limited, limit] of LENGTHS) {
    if ((single(form, limited)?.length ?? 0) > limit) return err({ reason: 'parameterTooLong', name: limited })
  }
  const asked = (parameter: UnsupportedParameter): boolean => single(form, parameter) !== undefined
  for (const parameter of ['request', 'request_uri', 'registration', 'authorization_details'] as const) {
    if (asked(parameter)) return err({ reason: 'notSupported', name: parameter })
  }
  if (responseModeOf(context, form) === undefined) return err({ reason: 'responseModeUnsupported' })
  const responseType = single(form, 'response_type')
  if (responseType === undefined) return err({ reason: 'responseTypeMissing' })
  return responseType === 'code' ? ok(true) : err({ reason: 'responseTypeUnsupported' })
}

/** The key that a code is to be bound to; where DPoP is not offered, the parameter has no meaning (RFC 9449 §10). */
const parseJkt = (context: Context, text: string | undefined): Result<Digest | undefined, AuthorizationRejection> => {
  if (text === undefined || context.features.dpop === undefined) return ok(undefined)
  return isBase64urlOf(text, 43) ? ok(digest(text)) : err({ reason: 'dpopJktMalformed' })
}

const parsePrompts = (text: string | undefined): Result<readonly Prompt[], AuthorizationRejection> => {
  const prompts: Prompt[] = []
  for (const value of text === undefined ? [] : text.split(' ')) {
    const prompt = oneOf(PROMPTS, value)
    if (prompt === undefined) return err({ reason: 'promptMalformed' })
    prompts.push(prompt)
  }
  if (prompts.includes('none') && prompts.length > 1) return err({ reason: 'promptNoneNotAlone' })
  return ok(prompts)
}

const parseMaxAge = (text: string | undefined): Result<number | undefined, AuthorizationRejection> => {
  if (text === undefined) return ok(undefined)
  return /^[0-9]{1,10}$/.test(text) ? ok(Number(text)) : err({ reason: 'maxAgeMalformed' })
}

const parseClaimsOf = (text: string | undefined): Result<ClaimsRequest | undefined, AuthorizationRejection> =>
  text === undefined ? ok(undefined) : parseClaims(text)

const parseScopeOf = (text: string | undefined): Result<readonly string[], AuthorizationRejection> =>
  text === undefined ? err({ reason: 'scopeMissing' }) : parseScope(text)

/** The person that an ID token of ours names; an expired one will do, one that we did not sign will not (OIDC Core §3.1.2.1). */
const subjectOfHint = async (
  context: Context,
  client: ClientRecord,
  hint: string | undefined,
): Promise<Result<Subject | undefined, AuthorizationRejection>> => {
  if (hint === undefined) return ok(undefined)
  const named = await verifyIdTokenHint(context, hint)
  return named?.clientId === client.clientId ? ok(named.subject) : err({ reason: 'idTokenHintInvalid' })
}

/** The one person that a hint and the claims parameter ask for, if they ask for one (OIDC Core §5.5.1). */
const decideSubject = (
  hinted: Subject | undefined,
  claims: ClaimsRequest | undefined,
): Result<Subject | undefined, AuthorizationRejection> => {
  const asked = [...(claims?.idToken ?? []), ...(claims?.userinfo ?? [])].filter((claim) => claim.name === 'sub')
  const wanted = new Set([...(hinted === undefined ? [] : [hinted]), ...asked.flatMap((claim) => claim.values)])
  const [only, ...others] = wanted
  if (others.length > 0) return err({ reason: 'subjectsDiffer' })
  if (only === undefined) return ok(undefined)
  // A number is nobody's identifier: ignoring it would answer for whoever is signed in.
  return typeof only === 'string' ? ok(namedSubject(only)) : err({ reason: 'claimsMalformed' })
}

/** Resources that exist, with a scope of theirs among what is asked: a token for less than was named would be worse than none (RFC 8707 §2). */
const parseTargets = async (
  context: Context,
  values: readonly string[],
  scope: readonly string[],
): Promise<Result<readonly string[], AuthorizationRejection>> => {
  const named = parseResources(values)
  if (!named.ok || named.value.length === 0) return named
  const known = await context.stores.resources.listResources()
  const target = decideTarget({ scope, asked: [], granted: named.value }, known, context.lifetimes)
  // Several may be named at once here; which one a token is for is said at the token endpoint.
  return target.ok || target.error.reason === 'resourcesIncompatible' ? named : target
}

const words = (text: string | undefined): readonly string[] => text?.split(' ').filter((word) => word !== '') ?? []

/** Parses all that is left once the answer has an address; unknown parameters, `display` and odd locales are ignored (OIDC Core §3.1.2.1). */
export const parseAuthorizationRequest = async (
  context: Context,
  form: MultiMap,
  address: AnswerAddress,
): Promise<Result<AuthorizationRequestRecord, AuthorizationRejection>> => {
  const { client } = address
  const value = (name: string): string | undefined => single(form, name)
  const whole = parseWhole(context, form)
  if (!whole.ok) return whole
  const requested = parseScopeOf(value('scope'))
  if (!requested.ok) return requested
  const dpopJkt = parseJkt(context, value('dpop_jkt'))
  if (!dpopJkt.ok) return dpopJkt
  const prompts = parsePrompts(value('prompt'))
  if (!prompts.ok) return prompts
  const maxAge = parseMaxAge(value('max_age'))
  if (!maxAge.ok) return maxAge
  const claims = parseClaimsOf(value('claims'))
  if (!claims.ok) return claims
  const allowed = decideByClient(client, {
    scope: requested.value,
    challenge: value('code_challenge'),
    method: value('code_challenge_method'),
    nonce: value('nonce'),
    claims: claims.value,
  })
  if (!allowed.ok) return allowed
  const hinted = await subjectOfHint(context, client, value('id_token_hint'))
  if (!hinted.ok) return hinted
  const requiredSubject = decideSubject(hinted.value, claims.value)
  if (!requiredSubject.ok) return requiredSubject
  const resources = await parseTargets(context, form.get('resource') ?? [], allowed.value.scope)
  if (!resources.ok) return resources
  return ok({
    clientId: client.clientId,
    redirectUri: address.redirectUri,
    responseMode: address.responseMode,
    ...allowed.value,
    dpopJkt: dpopJkt.value,
    state: address.state,
    nonce: value('nonce'),
    prompts: prompts.value,
    maxAge: maxAge.value,
    loginHint: value('login_hint'),
    requiredSubject: requiredSubject.value,
    uiLocales: words(value('ui_locales')),
    acrValues: words(value('acr_values')),
    resources: resources.value,
  })
}
