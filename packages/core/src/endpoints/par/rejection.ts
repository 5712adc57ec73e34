// Owns every reason to refuse a pushed request, and what its client is told. Never a word of its own for what the token endpoint and the
// authorization endpoint have words for: the same fault reads the same everywhere.

import type { Instant } from '../../base/index.ts'
import type { TokenRejection } from '../../grant-types/index.ts'
import { type AuthorizationRejection, type PageRejection, toPageWords, toWireError } from '../authorize/rejection.ts'

/** Reasons that only a push can be refused for. */
export type OwnPushRejection =
  | { readonly reason: 'requestUriPushed' }
  /** Too many pushes by clients that prove nothing. */
  | { readonly reason: 'pushesThrottled'; readonly until: Instant }

/** Why a push was refused, by whose rules. */
export type PushRejection =
  /** The client, or the form that it came in: as at the token endpoint (RFC 9126 §2.3). */
  | { readonly by: 'client'; readonly rejection: TokenRejection }
  /** The request in it: as at the authorization endpoint. */
  | { readonly by: 'request'; readonly rejection: AuthorizationRejection }
  /** The redirect URI in it, which the authorization endpoint would show on a page. */
  | { readonly by: 'address'; readonly rejection: PageRejection }
  | { readonly by: 'push'; readonly rejection: OwnPushRejection }

/** What a client is told of its request. */
export interface WirePushError {
  readonly status: number
  readonly error: string
  readonly description: string
  /** When a throttled client may try again. */
  readonly until: Instant | undefined
}

const told = (status: number, error: string, description: string): WirePushError => ({
  status,
  error,
  description,
  until: undefined,
})

/** What a client is told for a reason that is not the client's own (RFC 9126 §2.3). */
export const toWirePushError = (refused: Exclude<PushRejection, { readonly by: 'client' }>): WirePushError => {
  switch (refused.by) {
    case 'request': {
      const { error, description } = toWireError(refused.rejection)
      return told(error === 'temporarily_unavailable' ? 503 : 400, error, description)
    }
    case 'address':
      return told(400, 'invalid_request', toPageWords(refused.rejection).detail)
    case 'push':
      return refused.rejection.reason === 'requestUriPushed'
        ? told(400, 'invalid_request', 'request_uri is not allowed in a pushed request')
        : { ...told(429, 'temporarily_unavailable', 'too many requests'), until: refused.rejection.until }
  }
}
