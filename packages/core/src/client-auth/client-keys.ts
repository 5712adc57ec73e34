// Owns looking for the key of a client among those it registered or publishes. Never checks claims and never reserves anything.

import type { JsonObject, Result } from '../base/index.ts'
import type { Context, RemoteKeysRejection } from '../context/index.ts'
import type { MaybePromise } from '../ports/index.ts'
import type { ClientRecord } from '../store/index.ts'
import { type DecodedJws, type JwsPolicy, type JwsRejection, verifyJws } from '../tokens/index.ts'

/** Whose keys: by value, or where they are published. */
export type KeyedClient = Pick<ClientRecord, 'jwks' | 'jwksUri'>

/** What is tried with a set of keys, and which of its refusals another set could turn into success. */
export interface KeyTrial<Value, Rejection> {
  readonly attempt: (keys: readonly JsonObject[]) => MaybePromise<Result<Value, Rejection>>
  readonly lacksKey: (rejection: Rejection) => boolean
}

/**
 * Tries the keys of a client. Those under a jwks_uri are fetched only for what some key could turn into success, and once more, under a cool-down,
 * when none that is known does: that is how clients rotate (OIDC Core §10.1.1).
 */
export const tryClientKeys = async <Value, Rejection>(
  context: Pick<Context, 'remoteKeys'>,
  client: KeyedClient,
  { attempt, lacksKey }: KeyTrial<Value, Rejection>,
): Promise<Result<Value, Rejection | RemoteKeysRejection>> => {
  const { jwksUri } = client
  const local = await attempt(client.jwks)
  if (jwksUri === undefined || local.ok || !lacksKey(local.error)) return local
  const known = await context.remoteKeys.find(jwksUri, 'known')
  if (!known.ok) return known
  const tried = await attempt(known.value)
  if (tried.ok || !lacksKey(tried.error)) return tried
  const newer = await context.remoteKeys.find(jwksUri, 'newer')
  return newer.ok && newer.value !== known.value ? attempt(newer.value) : tried
}

/** Why something that a client signed was refused. */
export type ClientJwsRejection = JwsRejection | RemoteKeysRejection

/** Verifies a JWS against the keys of a client, published ones too (RFC 7515 §5.2). */
export const verifyClientJws = (
  context: Pick<Context, 'remoteKeys'>,
  client: KeyedClient,
  jwt: string,
  policy: Omit<JwsPolicy, 'keys'>,
): Promise<Result<DecodedJws, ClientJwsRejection>> =>
  tryClientKeys<DecodedJws, JwsRejection>(context, client, {
    attempt: (keys) => verifyJws(jwt, { ...policy, keys }),
    // Without a kid every key of a set is tried and none fits.
    lacksKey: ({ reason }) => reason === 'jwtKeyUnknown' || reason === 'jwtSignatureInvalid',
  })
