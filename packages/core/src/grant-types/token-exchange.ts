// Owns the front door of token exchange by its own name (RFC 8693 §2.1). Never decides: the engine does.

import { err, type MultiMap, ok, type Result, secret, single } from '../base/index.ts'
import { parseResources } from '../resource/index.ts'
import { TOKEN_EXCHANGE, TOKEN_TYPES } from '../spec/index.ts'
import { exchangeEngine, type ParsedExchange, type PresentedToken } from './exchange.ts'
import { grantTypeOf, type OpenGrantType } from './grant-type.ts'
import type { TokenRejection } from './rejection.ts'

const isKnownType = (type: string): boolean => type === TOKEN_TYPES.accessToken || type === TOKEN_TYPES.jwt

/** A token and its type: both or neither, and only types that are taken. */
const parseToken = (
  form: MultiMap,
  name: 'subject_token' | 'actor_token',
): Result<PresentedToken | undefined, TokenRejection> => {
  const typeName = `${name}_type` as const
  const [token, type] = [single(form, name), single(form, typeName)]
  if (token === undefined && type === undefined) return ok(undefined)
  if (token === undefined) return err({ reason: 'parameterMissing', name })
  if (type === undefined) return err({ reason: 'parameterMissing', name: typeName })
  return isKnownType(type) ? ok({ token: secret(token), type }) : err({ reason: 'tokenTypeUnsupported' })
}

const parse = (form: MultiMap): Result<ParsedExchange, TokenRejection> => {
  const subjectToken = parseToken(form, 'subject_token')
  if (!subjectToken.ok) return subjectToken
  if (subjectToken.value === undefined) return err({ reason: 'parameterMissing', name: 'subject_token' })
  const actorToken = parseToken(form, 'actor_token')
  if (!actorToken.ok) return actorToken
  const requestedType = single(form, 'requested_token_type')
  if (requestedType !== undefined && !isKnownType(requestedType)) return err({ reason: 'tokenTypeUnsupported' })
  const audience = parseResources(form.get('audience') ?? [])
  if (!audience.ok) return audience
  return ok({
    subjectToken: subjectToken.value,
    actorToken: actorToken.value,
    audience: audience.value,
    requestedType,
    door: 'token-exchange',
  })
}

/** The token-exchange grant type (RFC 8693 §2.1). */
export const tokenExchange: OpenGrantType = grantTypeOf({ grantType: TOKEN_EXCHANGE, parse, ...exchangeEngine })
