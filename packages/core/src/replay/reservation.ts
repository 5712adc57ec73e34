// Owns the naming of one-time identifiers. Never reserves one: transitions take reservations along.

import type { ClientId, Digest, Instant } from '../base/index.ts'
import type { ReservationRecord } from '../store/index.ts'

/** The one use of a client assertion, by client and `jti` (RFC 7523 §3 item 7). */
export const assertionReservation = (clientId: ClientId, jti: Digest, expiresAt: Instant): ReservationRecord => ({
  namespace: `client_assertion:${clientId}`,
  digest: jti,
  expiresAt,
})

/** The one use of a DPoP proof, by the thumbprint of its key and `jti` (RFC 9449 §11.1): another key's `jti` is another proof. */
export const dpopReservation = (jkt: Digest, jti: Digest, expiresAt: Instant): ReservationRecord => ({
  namespace: `dpop:${jkt}`,
  digest: jti,
  expiresAt,
})
