// Owns the answers of the introspection endpoint: JSON, or a signed JWT for a caller that asks for one (RFC 9701 §5). Never cached.

import type { Instant, JsonObject } from '../../base/index.ts'
import type { Context } from '../../context/index.ts'
import { activeKey } from '../../keys/index.ts'
import type { ClientRecord } from '../../store/index.ts'
import { signJws } from '../../tokens/index.ts'
import { jsonReply, type Reply, singleHeader, type WireRequest } from '../../wire/index.ts'

const JWT_TYPE = 'token-introspection+jwt'
const JWT_MEDIA_TYPE = `application/${JWT_TYPE}`

const wantsJwt = (request: WireRequest): boolean =>
  (singleHeader(request, 'accept') ?? '')
    .split(',')
    .some((range) => range.split(';', 1)[0]?.trim().toLowerCase() === JWT_MEDIA_TYPE)

/** What is told of a token; of one that is worth nothing to this caller, that alone (RFC 7662 §2.2). */
export const respondIntrospection = async (
  context: Context,
  request: WireRequest,
  caller: ClientRecord,
  described: JsonObject | undefined,
  now: Instant,
): Promise<Reply> => {
  const body = described ?? { active: false }
  if (!wantsJwt(request)) return jsonReply(200, body)
  const key = activeKey(await context.ports.keys.keys(), caller.idTokenAlg)
  if (key === undefined) throw new Error(`no active signing key for ${caller.idTokenAlg}`)
  // The audience keeps one caller's answer from being shown to another (RFC 9701 §8.1).
  const claims = { iss: context.issuer, aud: caller.clientId, iat: now, token_introspection: body }
  const jwt = await signJws(context.ports.signer, key, { typ: JWT_TYPE, claims })
  const headers = new Map([
    ['Cache-Control', 'no-store'],
    ['Pragma', 'no-cache'],
  ])
  return { kind: 'json', status: 200, contentType: JWT_MEDIA_TYPE, body: jwt, headers }
}
