// Owns what a verified access token says, typed, from the claims of a JWT or of an introspection answer alike. Never asks who sent it.

import { type ClaimsReader, readerOf } from './claims.ts'
import { type JsonObject, member } from './json.ts'
import type { Rejection } from './rejection.ts'
import { err, ok, type Result } from './result.ts'

/** Who acts for the subject, and for whom he in turn acts (RFC 8693 §4.1). */
export interface Actor {
  readonly subject: string | undefined
  readonly clientId: string | undefined
  readonly issuer: string | undefined
  /** The actor before this one; informative, an API decides by the outermost alone. */
  readonly act: Actor | undefined
}

/** What a token is bound to: thumbprints, both undefined for a bearer token (RFC 7800 §3.1). */
export interface Confirmation {
  /** SHA-256 thumbprint of the key of DPoP proofs (RFC 9449 §6). */
  readonly jkt: string | undefined
  /** SHA-256 of the client's certificate (RFC 8705 §3.1). */
  readonly x5tS256: string | undefined
}

/** An access token that was verified: issuer, audience, time, signature or activity, and binding. */
export interface VerifiedToken {
  readonly issuer: string
  /** The person, or the client itself where it acts for nobody; an introspection answer may leave it out. */
  readonly subject: string | undefined
  readonly clientId: string | undefined
  readonly audience: readonly string[]
  readonly scope: readonly string[]
  /** Seconds since 1970. */
  readonly expiresAt: number | undefined
  readonly notBefore: number | undefined
  readonly issuedAt: number | undefined
  readonly jti: string | undefined
  /** When the person signed in, in seconds since 1970. */
  readonly authTime: number | undefined
  readonly acr: string | undefined
  readonly amr: readonly string[]
  /** Who uses the token in the subject's place; undefined where it is the subject's own. */
  readonly act: Actor | undefined
  readonly confirmation: Confirmation
  /** All claims as the issuer wrote them, deeply frozen. */
  readonly claims: JsonObject
}

/** What claims are checked against. */
export interface ClaimsPolicy {
  readonly issuer: string
  readonly audience: string
  readonly audienceMayBeAbsent: boolean
  /** Claims that must be there and not empty; the audience has a rule of its own. */
  readonly required: readonly string[]
  /** Integer seconds since 1970. */
  readonly now: number
}

// The issuer's clock may be ahead of ours by a little. An end is not stretched: a client whose token ended too early refreshes it.
const CLOCK_TOLERANCE = 10

// Longer chains are refused by our own issuer long before.
const MAX_ACTORS = 10

const actorOf = (claims: ClaimsReader, depth: number): Actor | undefined => {
  const act = claims.object('act')
  if (act === undefined) return undefined
  if (depth >= MAX_ACTORS) {
    claims.spoil()
    return undefined
  }
  return {
    subject: act.text('sub'),
    clientId: act.text('client_id'),
    issuer: act.text('iss'),
    act: actorOf(act, depth + 1),
  }
}

const confirmationOf = (claims: ClaimsReader): Confirmation => {
  const cnf = claims.object('cnf')
  const confirmation = { jkt: cnf?.text('jkt'), x5tS256: cnf?.text('x5t#S256') }
  // A binding of another kind alone is one that nobody would check; beside one that is checked it is ignored (RFC 7800 §3.1).
  if (cnf !== undefined && !confirmation.jkt && !confirmation.x5tS256) claims.spoil()
  return confirmation
}

const read = (from: ClaimsReader, claims: JsonObject, issuer: string): VerifiedToken => ({
  issuer,
  subject: from.text('sub'),
  clientId: from.text('client_id'),
  audience: from.texts('aud'),
  scope: (from.text('scope') ?? '').split(' ').filter((one) => one !== ''),
  expiresAt: from.seconds('exp'),
  notBefore: from.seconds('nbf'),
  issuedAt: from.seconds('iat'),
  jti: from.text('jti'),
  authTime: from.seconds('auth_time'),
  acr: from.text('acr'),
  amr: from.texts('amr'),
  act: actorOf(from, 0),
  confirmation: confirmationOf(from),
  claims,
})

/** Whether a token that was read is of use now; pure. */
export const judgeTime = (token: VerifiedToken, now: number): Result<VerifiedToken, Rejection> => {
  if (token.expiresAt !== undefined && token.expiresAt <= now) return err({ reason: 'tokenExpired' })
  const earliest = Math.max(token.issuedAt ?? 0, token.notBefore ?? 0)
  return earliest > now + CLOCK_TOLERANCE ? err({ reason: 'tokenNotYetValid' }) : ok(token)
}

const isMissing = (claims: JsonObject, name: string): boolean => {
  const value = member(claims, name)
  return value === undefined || value === ''
}

/** Checks claims that were verified and types them (RFC 9068 §4, RFC 7662 §2.2). */
export const parseToken = (claims: JsonObject, policy: ClaimsPolicy): Result<VerifiedToken, Rejection> => {
  const issuer = member(claims, 'iss')
  if (issuer !== undefined && issuer !== policy.issuer) return err({ reason: 'tokenIssuerWrong' })
  const from = readerOf(claims)
  const token = read(from, claims, policy.issuer)
  const complete = !policy.required.some((name) => isMissing(claims, name))
  if (!from.isSound() || !complete) return err({ reason: 'tokenClaimsMalformed' })
  const anybody = policy.audienceMayBeAbsent && token.audience.length === 0
  if (!anybody && !token.audience.includes(policy.audience)) return err({ reason: 'tokenAudienceWrong' })
  return judgeTime(token, policy.now)
}
