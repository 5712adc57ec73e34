// Owns whom an access token is for: the resources that a request names, or the owners of its scopes (RFC 8707 §2). Never mints one.

import { err, ok, type Result } from '../base/index.ts'
import type { Lifetimes, SigningAlg } from '../spec/index.ts'
import type { ResourceRecord } from '../store/index.ts'
import { audienceOf } from './audience.ts'

/** Why a token cannot be made for what was named. */
export type TargetRejection = {
  readonly reason: 'resourceMalformed' | 'resourceUnknown' | 'resourceNotGranted' | 'resourcesIncompatible'
}

/** A token to be minted, as far as its resources decide it. */
export interface TokenTarget {
  readonly scope: readonly string[]
  /** Identifiers; empty means userinfo alone. */
  readonly audience: readonly string[]
  readonly format: 'opaque' | 'jwt'
  /** Seconds. */
  readonly lifetime: number
  /** Of a JWT. */
  readonly alg: SigningAlg | undefined
}

/** What is asked and what may be had. */
export interface WantedTarget {
  readonly scope: readonly string[]
  /** Resources that this request names. */
  readonly asked: readonly string[]
  /** Resources that the grant is limited to; empty where it named none. */
  readonly granted: readonly string[]
}

const MOST_RESOURCES = 10
const LONGEST = 2048

/** Reads resource parameters: absolute URIs without a fragment (RFC 8707 §2). Whether they exist is seen by `decideTarget`. */
export const parseResources = (values: readonly string[]): Result<readonly string[], TargetRejection> => {
  const named = [...new Set(values.filter((value) => value !== ''))]
  const sound = (uri: string): boolean => uri.length <= LONGEST && URL.canParse(uri) && !uri.includes('#')
  return named.length <= MOST_RESOURCES && named.every(sound) ? ok(named) : err({ reason: 'resourceMalformed' })
}

const namedRecords = (
  named: readonly string[],
  known: readonly ResourceRecord[],
): readonly ResourceRecord[] | undefined => {
  const records = named.flatMap((identifier) => known.find((resource) => resource.identifier === identifier) ?? [])
  return records.length === named.length ? records : undefined
}

/** Scopes of these resources among the given ones. */
export const scopesOf = (resources: readonly ResourceRecord[], scope: readonly string[]): readonly string[] =>
  scope.filter((value) => resources.some((resource) => resource.scopes.some((owned) => owned.name === value)))

/**
 * Decides whom a token is for. Named resources get their own scopes and no others; without a name a token is for the owners of all its
 * scopes. A JWT has one audience (RFC 9068 §5), so several resources of which one takes JWTs must be asked for one by one.
 */
export const decideTarget = (
  wanted: WantedTarget,
  known: readonly ResourceRecord[],
  lifetimes: Pick<Lifetimes, 'opaqueAccessToken' | 'jwtAccessToken'>,
): Result<TokenTarget, TargetRejection> => {
  const { asked, granted } = wanted
  if (granted.length > 0 && !asked.every((one) => granted.includes(one))) return err({ reason: 'resourceNotGranted' })
  const named = asked.length > 0 ? asked : granted
  const records = namedRecords(named.length > 0 ? named : audienceOf(wanted.scope, known), known)
  if (records === undefined) return err({ reason: 'resourceUnknown' })
  const scope = named.length > 0 ? scopesOf(records, wanted.scope) : wanted.scope
  if (scope.length === 0) return err({ reason: 'resourceNotGranted' })
  const jwt = records.some((resource) => resource.tokenFormat === 'jwt')
  if (jwt && records.length > 1) return err({ reason: 'resourcesIncompatible' })
  const fallback = jwt ? lifetimes.jwtAccessToken : lifetimes.opaqueAccessToken
  return ok({
    scope,
    audience: records.map((resource) => resource.identifier),
    format: jwt ? 'jwt' : 'opaque',
    lifetime:
      records.length === 0
        ? fallback
        : Math.min(...records.map((resource) => resource.accessTokenLifetime ?? fallback)),
    alg: jwt ? records[0]?.signingAlg : undefined,
  })
}
