// Owns the ID token: its claims, its hash of the access token and its signature. Never reads a clock or a store.

import { base64url, type Instant, type JsonObject, type Secret, secret, utf8 } from '../base/index.ts'
import type { Context } from '../context/index.ts'
import type { PublicSigningKey } from '../ports/index.ts'
import type { SigningAlg } from '../spec/index.ts'
import type { GrantRecord } from '../store/index.ts'
import { signJws } from './jws.ts'

/** What an ID token says. */
export interface IdTokenContent {
  readonly grant: GrantRecord
  /** Claims about the person that belong into the ID token; already released. */
  readonly claims: JsonObject
  readonly accessToken: string
  readonly jti: string
  readonly now: Instant
}

/** Left half of the hash that goes with the signature algorithm (OIDC Core §3.1.3.6; SHA-512 for Ed25519). */
const leftHalfHash = async (context: Context, alg: SigningAlg, token: string): Promise<string> => {
  const { hasher } = context.ports
  const hash = await (alg === 'EdDSA' ? hasher.sha512(utf8(token)) : hasher.sha256(utf8(token)))
  return base64url(hash.subarray(0, hash.length / 2))
}

/** Mints an ID token (OIDC Core §2). `nonce` and `acr` are present exactly when the grant has them. */
export const mintIdToken = async (
  context: Context,
  key: PublicSigningKey,
  content: IdTokenContent,
): Promise<Secret> => {
  const { grant, now } = content
  const claims: JsonObject = {
    ...content.claims,
    iss: context.issuer,
    sub: grant.subject,
    aud: grant.clientId,
    exp: now + context.lifetimes.idToken,
    iat: now,
    jti: content.jti,
    auth_time: grant.authTime,
    sid: grant.sid,
    at_hash: await leftHalfHash(context, key.alg, content.accessToken),
    ...(grant.nonce === undefined ? {} : { nonce: grant.nonce }),
    ...(grant.acr === undefined ? {} : { acr: grant.acr }),
    ...(grant.amr.length === 0 ? {} : { amr: grant.amr }),
  }
  return secret(await signJws(context.ports.signer, key, { typ: 'JWT', claims }))
}
