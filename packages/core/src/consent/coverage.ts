// Owns when a person must be asked, and what his answer is remembered as. Never shows anything.

import type { Instant } from '../base/index.ts'
import { claimsBeyondScope } from '../claims/index.ts'
import { isConfidentialClient, isOnDevice } from '../client/index.ts'
import type { AuthorizationRequestRecord, ClientRecord, ConsentRecord } from '../store/index.ts'

/**
 * Whether nobody can prove to be this client: answered on the person's own device, and public or with a secret that every copy of the
 * app holds (RFC 8252 §8.5, §8.6).
 */
export const isUnproven = (client: ClientRecord, redirectUri: string): boolean =>
  !isConfidentialClient(client) && isOnDevice(redirectUri)

const covers = (consent: ConsentRecord, request: AuthorizationRequestRecord, now: Instant): boolean =>
  consent.expiresAt > now &&
  request.scope.every((value) => consent.scope.includes(value)) &&
  request.resources.every((resource) => consent.resources.includes(resource)) &&
  claimsBeyondScope(request.claims, request.scope).every((name) => consent.claims.includes(name))

/** What stands in for asking now. */
export type ConsentCoverage =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'remembered'; readonly version: number }
  | { readonly kind: 'needed' }

/** Whether a request must be confirmed by the person (OIDC Core §3.1.2.4); remembered consent never covers an unproven client, nor one that registered itself. */
export const coverageOf = (
  request: AuthorizationRequestRecord,
  known: { readonly client: ClientRecord; readonly consent: ConsentRecord | undefined; readonly now: Instant },
): ConsentCoverage => {
  if (request.prompts.includes('consent')) return { kind: 'needed' }
  if (isUnproven(known.client, request.redirectUri)) return { kind: 'needed' }
  // Nobody vouches for it: what was allowed once to somebody's word is shown again each time (RFC 7591 §5).
  if (known.client.origin !== 'operator') return { kind: 'needed' }
  if (known.client.trusted) return { kind: 'trusted' }
  return known.consent !== undefined && covers(known.consent, request, known.now)
    ? { kind: 'remembered', version: known.consent.version }
    : { kind: 'needed' }
}
