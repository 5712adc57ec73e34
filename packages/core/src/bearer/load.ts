// Owns finding an access token that was presented, opaque or JWT, with everything that bears on it now. Never decides whether it counts.

import type { Secret } from '../base/index.ts'
import { reveal } from '../base/index.ts'
import { type Context, digestOf } from '../context/index.ts'
import type { AccessTokenSnapshot } from '../store/index.ts'
import { parseCredential, verifyJwtAccessToken } from '../tokens/index.ts'

const loadJwt = async (context: Context, text: string): Promise<AccessTokenSnapshot | undefined> => {
  const verified = await verifyJwtAccessToken(context, text, (jti) => digestOf(context, jti))
  if (verified === undefined) return undefined
  const { record, actors } = verified
  return { token: record, actors, ...(await context.stores.accessTokens.findTokenStanding(record)) }
}

/** The token as it stands now; undefined for one that was never issued here, or whose grant was swept. */
export const loadAccessToken = async (context: Context, token: Secret): Promise<AccessTokenSnapshot | undefined> => {
  const text = reveal(token)
  const handle = parseCredential(text)
  if (handle === undefined) return loadJwt(context, text)
  return context.stores.accessTokens.findAccessToken({ handle, digest: await digestOf(context, text) })
}
