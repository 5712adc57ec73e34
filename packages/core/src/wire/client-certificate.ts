// Owns what the core knows of a client's certificate, as plain data. Never parses one: doors do, and they alone decide whether there is any.

import type { Digest, JsonObject } from '../base/index.ts'

/** The certificate that a client proved possession of in its TLS handshake (RFC 8705 §2, §3). */
export interface ClientCertificate {
  /** SHA-256 of the DER form, base64url (RFC 8705 §3.1 `x5t#S256`). */
  readonly thumbprint: Digest
  /** Whether its chain was verified against the authorities that the operator configured for clients, by our TLS or by a trusted proxy. */
  readonly chainVerified: boolean
  /** Subject as a distinguished name (RFC 4514 §2); empty when it has none. */
  readonly subject: string
  readonly sanDns: readonly string[]
  readonly sanUri: readonly string[]
  readonly sanIp: readonly string[]
  readonly sanEmail: readonly string[]
  /** Members of its public key as a JWK; undefined for a kind of key that has none. */
  readonly publicJwk: JsonObject | undefined
}
