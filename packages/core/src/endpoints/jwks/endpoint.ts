// Owns the JWK Set endpoint (RFC 7517 §5). Never shows a private member: the published form names what it copies.

import { isUnavailable } from '../../base/index.ts'
import type { Answer, Context } from '../../context/index.ts'
import { JWKS_MAX_AGE, publicJwks } from '../../keys/index.ts'
import type { PublicSigningKey } from '../../ports/index.ts'
import type { Reply } from '../../wire/index.ts'

const readKeys = async (
  context: Context,
  last: readonly PublicSigningKey[] | undefined,
): Promise<readonly PublicSigningKey[]> => {
  try {
    return await context.ports.keys.keys()
  } catch (error) {
    if (last === undefined || !isUnavailable(error)) throw error
    return last
  }
}

/**
 * Answers with the public keys; the text is made again only when the ring changes. While the store cannot be reached, with those that
 * were read last: whoever verifies a token with them would have them in his cache, and nothing is signed meanwhile.
 */
export const jwksEndpoint = (context: Context): (() => Promise<Answer<Reply>>) => {
  let of: readonly PublicSigningKey[] | undefined
  let body = ''
  return async () => {
    const keys = await readKeys(context, of)
    if (of !== keys) {
      of = keys
      body = JSON.stringify(publicJwks(keys))
    }
    const headers = new Map([['Cache-Control', `public, max-age=${JWKS_MAX_AGE}`]])
    return { reply: { kind: 'json', status: 200, contentType: 'application/jwk-set+json', body, headers }, events: [] }
  }
}
