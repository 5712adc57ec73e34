// Owns the order of steps by which a request is let through: find the token, check the proof, verify the token, its binding, what the
// endpoint demands, and last reserve the proof. Never lets through what could not be checked.

import { judgeBinding } from './binding.ts'
import type { ResourceServerConfig } from './config.ts'
import { type Presented, parseCredentials, type Scheme } from './credentials.ts'
import { createNonces, type Nonces } from './dpop-nonce.ts'
import { AHEAD, type VerifiedProof, verifyProof } from './dpop-proof.ts'
import { digestOf, utf8 } from './encoding.ts'
import { createIntrospectionVerifier } from './introspection.ts'
import { createKeyFinder } from './issuer-keys.ts'
import { createEndpointFinder } from './issuer-metadata.ts'
import { createJwtVerifier, type VerifyToken } from './jwt-token.ts'
import { createMetadata, type ResourceMetadata } from './metadata.ts'
import { createAsk } from './outbound.ts'
import type { Rejection } from './rejection.ts'
import { type ApiRequest, headerValues, targetOf } from './request.ts'
import { judgeRequirement, type ParsedRequirement, parseRequirement, type Requirement } from './requirement.ts'
import { type Refusal, respondRefused } from './respond.ts'
import { err, ok, type Result } from './result.ts'
import { type DpopSettings, parseSettings, type Settings } from './settings.ts'
import type { VerifiedToken } from './token.ts'

/** A request that may go on. */
export interface Authorized {
  readonly ok: true
  readonly token: VerifiedToken
  /** Headers to send with the answer, whatever it is: a newer nonce for DPoP, or none. */
  readonly headers: Readonly<Record<string, string>>
}

/** Whether a request may go on; where not, the answer to send. */
export type Authorization = Authorized | Refusal

/** An API's own guard. */
export interface ResourceServer {
  /** Judges one request; throws only `ResourceServerConfigError`, for a requirement that no token can meet. */
  readonly authorize: (request: ApiRequest, requirement?: Requirement) => Promise<Authorization>
  readonly metadata: ResourceMetadata
}

const createVerifier = (config: ResourceServerConfig, settings: Settings): VerifyToken => {
  const { issuer, audience, tokens, now } = settings
  const ask = createAsk(config.fetch, settings.timeoutMs)
  const findEndpoint = createEndpointFinder(ask, { issuer, now })
  if (tokens.format === 'introspection')
    return createIntrospectionVerifier({ issuer, audience, tokens, ask, findEndpoint })
  const findKeys = createKeyFinder({ ask, findEndpoint, jwksUri: tokens.jwksUri, now })
  return createJwtVerifier({ issuer, audience, algorithms: tokens.algorithms, findKeys })
}

// A Bearer token is judged even where every token must be bound to a key: the answer then says what is wrong with it.
const acceptedSchemes = ({ dpop }: Settings): readonly Scheme[] =>
  dpop === undefined ? ['Bearer'] : ['Bearer', 'DPoP']

const offeredSchemes = (settings: Settings): readonly Scheme[] =>
  settings.senderConstraint === 'dpop' ? ['DPoP'] : acceptedSchemes(settings)

/** One request on its way through the steps. */
interface Visit {
  readonly request: ApiRequest
  readonly requirement: ParsedRequirement
  readonly now: number
}

interface Guard {
  readonly settings: Settings
  readonly verifyToken: VerifyToken
  readonly nonces: Nonces | undefined
}

/** Where a request goes and what it presents. */
interface Found {
  readonly presented: Presented
  readonly target: URL
}

const checkNonce = async (nonces: Nonces, proof: VerifiedProof, now: number): Promise<Rejection | undefined> => {
  const judged = await nonces.judge(proof.nonce, now)
  if (judged === 'missing') return { reason: 'nonceMissing' }
  return judged === 'stale' ? { reason: 'nonceStale' } : undefined
}

const checkProof = async (
  { settings, nonces }: Guard,
  { request, now }: Visit,
  { presented, target }: Found,
): Promise<Result<VerifiedProof | undefined, Rejection>> => {
  if (presented.scheme !== 'DPoP' || settings.dpop === undefined) return ok(undefined)
  const expected = { method: request.method, target, token: presented.token, now }
  const proof = await verifyProof(headerValues(request.headers, 'dpop'), expected, settings.dpop)
  if (!proof.ok || nonces === undefined) return proof
  const fault = await checkNonce(nonces, proof.value, now)
  return fault === undefined ? proof : err(fault)
}

const reserve = async (
  { replay, maxAge }: DpopSettings,
  { jkt, jti }: VerifiedProof,
  now: number,
): Promise<Rejection | undefined> => {
  // A digest: what clients put into `jti` neither grows the store nor escapes into its keys.
  const key = await digestOf(utf8(JSON.stringify([jkt, jti])))
  const outcome = await replay.reserve(key, now + AHEAD + maxAge + 1, now)
  if (outcome === 'reserved') return undefined
  return { reason: outcome === 'full' ? 'replayStoreFull' : 'proofReplayed' }
}

const judge = async (guard: Guard, visit: Visit, found: Found): Promise<Result<VerifiedToken, Rejection>> => {
  const { settings, verifyToken } = guard
  const { request, requirement, now } = visit
  const { scheme, token: text } = found.presented
  const proof = await checkProof(guard, visit, found)
  if (!proof.ok) return proof
  const token = await verifyToken(text, now)
  if (!token.ok) return token
  const shown = { scheme, jkt: proof.value?.jkt, certificate: request.clientCertificate }
  const unbound = await judgeBinding(token.value, shown, settings.senderConstraint)
  if (unbound !== undefined) return err({ reason: unbound })
  const met = judgeRequirement(token.value, requirement, now)
  if (!met.ok || proof.value === undefined || settings.dpop === undefined) return met
  const used = await reserve(settings.dpop, proof.value, now)
  return used === undefined ? met : err(used)
}

const locate = ({ settings }: Guard, request: ApiRequest): Result<Found, Rejection> => {
  const target = targetOf(request.url, settings.origin)
  if (target === undefined) return err({ reason: 'requestMalformed' })
  const presented = parseCredentials(request, {
    schemes: acceptedSchemes(settings),
    bodyToken: settings.bodyToken,
    target,
  })
  return presented.ok ? ok({ presented: presented.value, target }) : presented
}

/** What a request came to, and what its answer depends on besides. */
interface Outcome {
  readonly judged: Result<VerifiedToken, Rejection>
  readonly scheme: Scheme | undefined
  readonly nonce: string | undefined
}

const attempt = async (guard: Guard, request: ApiRequest, requirement: ParsedRequirement): Promise<Outcome> => {
  let scheme: Scheme | undefined
  try {
    const found = locate(guard, request)
    if (!found.ok) return { judged: found, scheme, nonce: undefined }
    scheme = found.value.presented.scheme
    const now = guard.settings.now()
    const judged = await judge(guard, { request, requirement, now }, found.value)
    // Each answer brings the newest nonce, so that a client rarely meets a stale one (RFC 9449 §8.2).
    return { judged, scheme, nonce: scheme === 'DPoP' ? await guard.nonces?.current(now) : undefined }
  } catch (cause) {
    // A clock, a store or a runtime that fails lets nobody in.
    return { judged: err({ reason: 'dependencyFailed', cause }), scheme, nonce: undefined }
  }
}

/**
 * Makes the guard of one API. Throws `ResourceServerConfigError` where the configuration cannot be right; asks the issuer nothing before the
 * first request.
 *
 * ```ts compiled
 * import { createResourceServer } from '@vouchsafe/resource-server'
 *
 * const api = createResourceServer({
 *   issuer: 'https://id.example.org',
 *   resource: 'https://api.example.org/v1',
 *   tokens: { format: 'jwt' },
 * })
 *
 * export const answer = async (request: Request): Promise<Response> => {
 *   const allowed = await api.authorize(request, { scope: 'notes:read' })
 *   if (!allowed.ok) return new Response(allowed.body, { status: allowed.status, headers: allowed.headers })
 *   return Response.json({ hello: allowed.token.subject }, { headers: allowed.headers })
 * }
 * ```
 */
export const createResourceServer = (config: ResourceServerConfig): ResourceServer => {
  const settings = parseSettings(config)
  const metadata = createMetadata(config, settings)
  const schemes = offeredSchemes(settings)
  const secret = settings.dpop?.nonceSecret
  const nonces = secret === undefined ? undefined : createNonces(secret)
  const guard = { settings, verifyToken: createVerifier(config, settings), nonces }
  const proofAlgorithms = settings.dpop?.algorithms ?? []
  return {
    metadata,
    authorize: async (request, requirement = {}) => {
      const parsed = parseRequirement(requirement)
      const { judged, scheme, nonce } = await attempt(guard, request, parsed)
      if (judged.ok)
        return { ok: true, token: judged.value, headers: nonce === undefined ? {} : { 'DPoP-Nonce': nonce } }
      const context = { schemes, scheme, proofAlgorithms, metadataUrl: metadata.url, requirement: parsed, nonce }
      return respondRefused(judged.error, context)
    },
  }
}
