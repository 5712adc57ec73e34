// Owns the JWK Set endpoint (RFC 7517 §5). Never shows a private member: the published form names what it copies.

import type { Answer, Context } from '../../context/index.ts'
import { JWKS_MAX_AGE, publicJwks } from '../../keys/index.ts'
import type { PublicSigningKey } from '../../ports/index.ts'
import type { Reply } from '../../wire/index.ts'

/** Answers with the public keys; the text is made again only when the ring changes. */
export const jwksEndpoint = (context: Context): (() => Promise<Answer<Reply>>) => {
  let of: readonly PublicSigningKey[] | undefined
  let body = ''
  return async () => {
    const keys = await context.ports.keys.keys()
    if (of !== keys) {
      of = keys
      body = JSON.stringify(publicJwks(keys))
    }
    const headers = new Map([['Cache-Control', `public, max-age=${JWKS_MAX_AGE}`]])
    return { reply: { kind: 'json', status: 200, contentType: 'application/jwk-set+json', body, headers }, events: [] }
  }
}
