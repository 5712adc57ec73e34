// Owns the decision that a certificate is a client's (RFC 8705 §2). Never parses one, and never believes one that the door did not vouch for.

import { err, ok, type Result } from '../base/index.ts'
import { parsePublicJwk } from '../base/jwk.ts'
import { canonicalAddress, canonicalName } from '../client/index.ts'
import type { ClientRecord, TlsClientName } from '../store/index.ts'
import type { ClientCertificate } from '../wire/index.ts'

/** Why a certificate authenticates nobody. */
export type CertificateRejection = {
  readonly reason: 'certificateMissing' | 'certificateUnverified' | 'certificateOfAnother'
}

// Several names of one kind may stand in a certificate; each was vouched for by its authority.
const holdsName = (certificate: ClientCertificate, { kind, value }: TlsClientName): boolean => {
  switch (kind) {
    case 'subjectDn': {
      const expected = canonicalName(value)
      return expected !== undefined && canonicalName(certificate.subject) === expected
    }
    case 'sanDns':
      return certificate.sanDns.some((name) => name.toLowerCase() === value.toLowerCase())
    case 'sanIp': {
      const expected = canonicalAddress(value)
      return expected !== undefined && certificate.sanIp.some((address) => canonicalAddress(address) === expected)
    }
    case 'sanUri':
      return certificate.sanUri.includes(value)
    case 'sanEmail':
      return certificate.sanEmail.includes(value)
  }
}

const keyOf = (jwk: ClientCertificate['publicJwk']): string | undefined => {
  const parsed = jwk === undefined ? undefined : parsePublicJwk(jwk)
  return parsed?.ok ? JSON.stringify(parsed.value.members) : undefined
}

/** Whether a certificate is the client's: by its registered name where an authority vouches for it, else by its registered key. */
export const checkCertificate = (
  client: Pick<ClientRecord, 'authMethod' | 'tlsClientName' | 'jwks'>,
  certificate: ClientCertificate | undefined,
): Result<undefined, CertificateRejection> => {
  if (certificate === undefined) return err({ reason: 'certificateMissing' })
  const another = err({ reason: 'certificateOfAnother' } as const)
  if (client.authMethod === 'self_signed_tls_client_auth') {
    // The TLS handshake proved the private key, so the key is the identity: no chain, no name, no date is asked for (RFC 8705 §2.2).
    const key = keyOf(certificate.publicJwk)
    return key !== undefined && client.jwks.some((jwk) => keyOf(jwk) === key) ? ok(undefined) : another
  }
  // Without a chain, anybody can write any name into a certificate of his own.
  if (!certificate.chainVerified) return err({ reason: 'certificateUnverified' })
  return client.tlsClientName !== undefined && holdsName(certificate, client.tlsClientName) ? ok(undefined) : another
}
