// The door of the grant-types room, and the subpath that an embedder takes grant types from or adds his own by.

import { authorizationCode } from './authorization-code.ts'
import { clientCredentials } from './client-credentials.ts'
import type { OpenGrantType } from './grant-type.ts'
import { onBehalfOf } from './jwt-bearer.ts'
import { refreshToken } from './refresh-token.ts'
import { tokenExchange } from './token-exchange.ts'

export * from './authorization-code.ts'
export * from './client-credentials.ts'
export * from './device-code.ts'
export * from './grant-type.ts'
export * from './jwt-bearer.ts'
export * from './refresh-token.ts'
export * from './rejection.ts'
export * from './token-exchange.ts'

/** The grant types of a provider whose embedder names none; a client uses those that it is registered for. */
export const DEFAULT_GRANT_TYPES: readonly OpenGrantType[] = [
  authorizationCode,
  refreshToken,
  clientCredentials,
  tokenExchange,
  onBehalfOf,
]
