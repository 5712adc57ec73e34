// Owns the jwt-bearer grant type (RFC 7523 §2.1) as far as it is the second front door of token exchange: the assertion is an access token
// that an API received, to be used on behalf of the person. Never takes assertions of other issuers: they are refused.

import { err, type MultiMap, ok, type Result, secret, single } from '../base/index.ts'
import { JWT_BEARER, TOKEN_TYPES } from '../spec/index.ts'
import { exchangeEngine, type ParsedExchange } from './exchange.ts'
import { grantTypeOf, type OpenGrantType } from './grant-type.ts'
import type { TokenRejection } from './rejection.ts'

const parse = (form: MultiMap): Result<ParsedExchange, TokenRejection> => {
  if (single(form, 'requested_token_use') !== 'on_behalf_of') return err({ reason: 'tokenUseUnsupported' })
  const assertion = single(form, 'assertion')
  if (assertion === undefined) return err({ reason: 'parameterMissing', name: 'assertion' })
  return ok({
    subjectToken: { token: secret(assertion), type: TOKEN_TYPES.accessToken },
    actorToken: undefined,
    audience: [],
    requestedType: undefined,
    door: 'jwt-bearer',
  })
}

/** The jwt-bearer grant type with `requested_token_use=on_behalf_of` (RFC 7523 §2.1): the same exchange, asked for in other words. */
export const onBehalfOf: OpenGrantType = grantTypeOf({ grantType: JWT_BEARER, parse, ...exchangeEngine })
