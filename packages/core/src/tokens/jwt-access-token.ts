// Owns access tokens as JWTs (RFC 9068): what they say and how it is read back. Never decides whether one counts.

import {
  type ClientId,
  clientId,
  type Digest,
  digest,
  grantHandle,
  instant,
  isBase64urlOf,
  isJsonObject,
  type JsonObject,
  member,
  type Secret,
  type Subject,
  secret,
  subject,
} from '../base/index.ts'
import type { Context } from '../context/index.ts'
import type { PublicSigningKey } from '../ports/index.ts'
import { SIGNING_ALGS } from '../spec/index.ts'
import type { AccessTokenRecord, GrantRecord, TokenBinding } from '../store/index.ts'
import { signJws, verifyJws } from './jws.ts'

const TYPE = 'at+jwt'
const JTI_LENGTH = 22

/** What a JWT access token says beyond its record. */
export interface JwtAccessTokenContent {
  readonly record: AccessTokenRecord
  /** 16 random bytes, base64url; a client's own token hangs on it instead of a grant. */
  readonly jti: string
  /** The person, or the client itself where it acts in its own name (RFC 9068 §2.2). */
  readonly subject: Subject | AccessTokenRecord['clientId']
  /** The sign-in that stands behind it (RFC 9068 §2.2.1). */
  readonly grant: GrantRecord | undefined
  /** Clients that act for the person by it, the latest first. */
  readonly actors: readonly ClientId[]
}

/** The `cnf` claim of a bound token (RFC 7800 §3.1). */
export const confirmationOf = (binding: TokenBinding | undefined): JsonObject =>
  binding === undefined ? {} : { cnf: { [binding.method]: binding.thumbprint } }

const signInOf = (grant: GrantRecord | undefined): JsonObject =>
  grant === undefined
    ? {}
    : {
        gid: grant.handle,
        auth_time: grant.authTime,
        ...(grant.acr === undefined ? {} : { acr: grant.acr }),
        ...(grant.amr.length === 0 ? {} : { amr: grant.amr }),
      }

/** The `act` claim of a token that somebody acts by: who does now, within it who did before (RFC 8693 §4.1). */
export const actingOf = ([actor, ...before]: readonly ClientId[]): JsonObject =>
  actor === undefined ? {} : { act: { sub: actor, client_id: actor, ...actingOf(before) } }

/** Mints a JWT access token (RFC 9068 §2). */
export const mintJwtAccessToken = async (
  context: Context,
  key: PublicSigningKey,
  { record, jti, subject: sub, grant, actors }: JwtAccessTokenContent,
): Promise<Secret> => {
  const [audience, ...others] = record.audience
  if (audience === undefined || others.length > 0) throw new TypeError('a JWT access token is for one resource')
  const claims: JsonObject = {
    iss: context.issuer,
    sub,
    aud: audience,
    client_id: record.clientId,
    exp: record.expiresAt,
    iat: record.issuedAt,
    jti,
    scope: record.scope.join(' '),
    ...signInOf(grant),
    ...actingOf(actors),
    ...confirmationOf(record.binding),
  }
  return secret(await signJws(context.ports.signer, key, { typ: TYPE, claims }))
}

/** A JWT access token of ours, verified: its record, and whom it is about. */
export interface VerifiedJwtAccessToken {
  readonly record: AccessTokenRecord
  readonly subject: string
  readonly jti: string
  /** Clients that act for the person by it, the latest first. */
  readonly actors: readonly ClientId[]
}

/** The chain of an `act` claim; what is no chain ends it. */
const actorsOf = (claims: JsonObject): readonly ClientId[] => {
  const act = member(claims, 'act')
  if (!isJsonObject(act)) return []
  const actor = member(act, 'client_id')
  return typeof actor === 'string' ? [clientId(actor), ...actorsOf(act)] : []
}

const bindingOf = (claims: JsonObject): TokenBinding | undefined => {
  const cnf = member(claims, 'cnf')
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf)) return undefined
  for (const method of ['jkt', 'x5t#S256'] as const) {
    const thumbprint = member(cnf as JsonObject, method)
    if (typeof thumbprint === 'string') return { method, thumbprint: digest(thumbprint) }
  }
  return undefined
}

const recordOf = (
  claims: JsonObject,
  jti: { readonly text: string; readonly digest: Digest },
): AccessTokenRecord | undefined => {
  const [client, aud, scope] = [member(claims, 'client_id'), member(claims, 'aud'), member(claims, 'scope')]
  const [iat, exp, gid] = [member(claims, 'iat'), member(claims, 'exp'), member(claims, 'gid')]
  if (typeof client !== 'string' || typeof aud !== 'string' || typeof scope !== 'string') return undefined
  if (typeof iat !== 'number' || typeof exp !== 'number') return undefined
  if (gid !== undefined && typeof gid !== 'string') return undefined
  return {
    handle: grantHandle(gid ?? jti.text),
    digest: jti.digest,
    format: 'jwt',
    owner: gid === undefined ? 'client' : 'grant',
    clientId: clientId(client),
    scope: scope === '' ? [] : scope.split(' '),
    audience: [aud],
    binding: bindingOf(claims),
    issuedAt: instant(iat),
    expiresAt: instant(exp),
  }
}

/** Reads a JWT access token that this server signed with a key that it still publishes; undefined for everything else (RFC 9068 §4). */
export const verifyJwtAccessToken = async (
  context: Context,
  jwt: string,
  digestOfJti: (jti: string) => Promise<Digest>,
): Promise<VerifiedJwtAccessToken | undefined> => {
  const ring = await context.ports.keys.keys()
  const keys = ring.filter((key) => key.state !== 'retired').map((key) => key.publicJwk)
  const verified = await verifyJws(jwt, { keys, algs: SIGNING_ALGS, types: [TYPE] })
  if (!verified.ok) return undefined
  const { claims } = verified.value
  const [iss, sub, jti] = [member(claims, 'iss'), member(claims, 'sub'), member(claims, 'jti')]
  if (iss !== context.issuer || typeof sub !== 'string') return undefined
  if (typeof jti !== 'string' || !isBase64urlOf(jti, JTI_LENGTH)) return undefined
  const record = recordOf(claims, { text: jti, digest: await digestOfJti(jti) })
  return record && { record, subject: subject(sub), jti, actors: actorsOf(claims) }
}
