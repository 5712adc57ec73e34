// Owns the members of client metadata about certificates (RFC 8705 §2.1.2). Never sees a certificate.

import { type JsonObject, ok } from '../base/index.ts'
import type { ClientRecord, TlsClientName } from '../store/index.ts'
import { canonicalName } from './distinguished-name.ts'
import { type Read, readText, refuse } from './registration-fields.ts'

/** The members that name the subject of a certificate, and what each compares. */
export const TLS_NAME_MEMBERS: Readonly<Record<TlsClientName['kind'], string>> = {
  subjectDn: 'tls_client_auth_subject_dn',
  sanDns: 'tls_client_auth_san_dns',
  sanUri: 'tls_client_auth_san_uri',
  sanIp: 'tls_client_auth_san_ip',
  sanEmail: 'tls_client_auth_san_email',
}

const KINDS = ['subjectDn', 'sanDns', 'sanUri', 'sanIp', 'sanEmail'] as const

const HOST = /^(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.)*[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/

/** An IP address in its one usual form; undefined for anything else. */
export const canonicalAddress = (text: string): string | undefined => {
  if (/^(?:0|[1-9]\d{0,2})(?:\.(?:0|[1-9]\d{0,2})){3}$/.test(text))
    return URL.canParse(`http://${text}/`) ? new URL(`http://${text}/`).hostname : undefined
  if (!/^[0-9A-Fa-f:.]+$/.test(text) || !URL.canParse(`http://[${text}]/`)) return undefined
  return new URL(`http://[${text}]/`).hostname
}

const CHECKS: Readonly<Record<TlsClientName['kind'], (value: string) => boolean>> = {
  subjectDn: (value) => canonicalName(value) !== undefined,
  // A whole host name: a pattern would let every host under it sign in as the client.
  sanDns: (value) => HOST.test(value) && value.length <= 253,
  sanUri: (value) => /^[A-Za-z][A-Za-z0-9+.-]*:[\x21-\x7e]+$/.test(value),
  sanIp: (value) => canonicalAddress(value) !== undefined,
  sanEmail: (value) => /^[^\s@]+@[^\s@]+$/.test(value),
}

/** The one name that a client's certificate must have; more than one is refused, since it would not be clear whether one is enough. */
export const readTlsName = (metadata: JsonObject): Read<TlsClientName | undefined> => {
  let name: TlsClientName | undefined
  for (const kind of KINDS) {
    const field = TLS_NAME_MEMBERS[kind]
    const value = readText(metadata, field, 1024)
    if (!value.ok) return value
    if (value.value === undefined) continue
    if (name !== undefined) return refuse(field, 'tooMany')
    if (!CHECKS[kind](value.value)) return refuse(field, 'malformed')
    name = { kind, value: value.value }
  }
  return ok(name)
}

/** What authentication by certificate needs and nothing else has a use for, and that tokens have one binding. */
export const checkProofs = (
  settings: Pick<
    ClientRecord,
    'authMethod' | 'tlsClientName' | 'jwks' | 'jwksUri' | 'certificateBoundTokens' | 'dpopBoundTokens'
  >,
): Read<undefined> => {
  const { authMethod, tlsClientName } = settings
  const keyless = settings.jwks.length === 0 && settings.jwksUri === undefined
  if (authMethod === 'tls_client_auth' && tlsClientName === undefined)
    return refuse(TLS_NAME_MEMBERS.subjectDn, 'missing')
  if (authMethod !== 'tls_client_auth' && tlsClientName !== undefined) {
    return refuse(TLS_NAME_MEMBERS[tlsClientName.kind], 'unsupportedValue')
  }
  // A token is bound to one of the two.
  if (settings.certificateBoundTokens && settings.dpopBoundTokens) {
    return refuse('dpop_bound_access_tokens', 'unsupportedValue')
  }
  if (authMethod === 'self_signed_tls_client_auth' && keyless) return refuse('jwks', 'keysNeeded')
  return ok(undefined)
}
