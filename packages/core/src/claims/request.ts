// Owns the claims parameter: its shape and which of it counts. Never releases a claim.

import { err, isJsonObject, type Json, member, ok, parseJson, type Result } from '../base/index.ts'
import { LIMITS } from '../spec/index.ts'
import type { ClaimRequest, ClaimsRequest } from '../store/index.ts'
import { claimsOfScope } from './standard.ts'

/** Why a claims parameter was refused (OIDC Core §5.5). */
export type ClaimsRejection = { readonly reason: 'claimsMalformed' }

type Scalar = string | number | boolean

const isScalar = (value: Json | undefined): value is Scalar =>
  typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'

const parseMember = (name: string, value: Json | undefined): ClaimRequest | undefined => {
  if (value === null) return { name, essential: false, values: [] }
  if (!isJsonObject(value)) return undefined
  const essential = member(value, 'essential') ?? false
  const one = member(value, 'value')
  const many = member(value, 'values')
  if (typeof essential !== 'boolean') return undefined
  if (one !== undefined && !isScalar(one)) return undefined
  if (many !== undefined && !(Array.isArray(many) && many.length > 0 && many.every(isScalar))) return undefined
  const values: readonly Scalar[] = Array.isArray(many) ? many.filter(isScalar) : []
  return { name, essential, values: one === undefined ? values : [one, ...values] }
}

const parseSection = (section: Json | undefined): readonly ClaimRequest[] | undefined => {
  if (section === undefined || section === null) return []
  if (!isJsonObject(section)) return undefined
  const requests = Object.entries(section).map(([name, value]) => parseMember(name, value))
  return requests.every((request) => request !== undefined) ? requests : undefined
}

/** Parses the parameter whole: a member that is neither null nor of the defined shape refuses it (OIDC Core §5.5.1). */
export const parseClaims = (text: string): Result<ClaimsRequest, ClaimsRejection> => {
  const document: Json | undefined = parseJson(text, LIMITS.claims)
  if (!isJsonObject(document)) return err({ reason: 'claimsMalformed' })
  const section = (name: string): readonly ClaimRequest[] | undefined => parseSection(member(document, name))
  const userinfo = section('userinfo')
  const idToken = section('id_token')
  if (userinfo === undefined || idToken === undefined) return err({ reason: 'claimsMalformed' })
  return ok({ userinfo, idToken })
}

const PROTOCOL_CLAIMS: ReadonlySet<string> = new Set(['sub', 'acr', 'auth_time'])

/** Leaves out what this client may not ask for: claims outside the scopes it is registered for are ignored, like unknown ones. */
export const limitClaims = (request: ClaimsRequest, allowedScopes: readonly string[]): ClaimsRequest => {
  const allowed = new Set([...claimsOfScope(allowedScopes), ...PROTOCOL_CLAIMS])
  const limit = (requests: readonly ClaimRequest[]): readonly ClaimRequest[] =>
    requests.filter((claim) => allowed.has(claim.name))
  return { userinfo: limit(request.userinfo), idToken: limit(request.idToken) }
}

/** Names of claims about the person that are asked for beyond those of the scopes: consent must cover them by name. */
export const claimsBeyondScope = (request: ClaimsRequest | undefined, scope: readonly string[]): readonly string[] => {
  const covered = new Set([...claimsOfScope(scope), ...PROTOCOL_CLAIMS])
  const names = [...(request?.userinfo ?? []), ...(request?.idToken ?? [])].map((claim) => claim.name)
  return [...new Set(names)].filter((name) => !covered.has(name))
}

/** How a protocol claim was asked for in the ID token, for `acr` and `sub` (OIDC Core §5.5.1.1). */
export const idTokenClaim = (request: ClaimsRequest | undefined, name: string): ClaimRequest | undefined =>
  request?.idToken.find((claim) => claim.name === name)

/** The whole parameter as JSON text size guard: whether anything is asked at all. */
export const isEmptyRequest = (request: ClaimsRequest): boolean =>
  request.userinfo.length === 0 && request.idToken.length === 0

/**
 * Claims of a person for one place: those of the scopes where `scoped`, and those asked for by name. What the protocol itself says
 * (who signed in, when and how) is never taken from an account.
 */
export const claimNamesFor = (place: {
  readonly scoped: boolean
  readonly scope: readonly string[]
  readonly requested: readonly ClaimRequest[]
}): readonly string[] => [
  ...(place.scoped ? claimsOfScope(place.scope) : []),
  ...place.requested.map((claim) => claim.name).filter((name) => !PROTOCOL_CLAIMS.has(name)),
]
