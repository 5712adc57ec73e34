// Owns the configuration of sender-constrained tokens: what an embedder says, and what it must hold. Never holds a rule of the protocol.

import { err, ok, type Result } from './base/index.ts'
import type { DpopSettings, MtlsSettings } from './context/index.ts'

/**
 * DPoP, without nonces or with them in every proof (RFC 9449 §8). `secrets` are at least 32 random bytes each, the same on every node; nonces are
 * made from the first and accepted from all, so that a change of secrets refuses nobody twice.
 */
export type DpopConfig =
  | { readonly nonce: 'never' }
  | { readonly nonce: 'required'; readonly secrets: readonly Uint8Array[] }

/** Client certificates: what a provider has to know of them besides what its doors do. */
export interface MtlsConfig {
  /**
   * Where the endpoints ask for a certificate, published as `mtls_endpoint_aliases` (RFC 8705 §5): an https URL that the issuer's path
   * is appended to by whoever sets it, without a slash at the end. Left out where the issuer's own endpoints ask.
   */
  readonly endpointBase?: string
}

interface Fault {
  readonly setting: string
  readonly message: string
}

const SECRET_BYTES = 32

/** Checks what is said of DPoP. */
export const parseDpop = (config: DpopConfig | undefined): Result<DpopSettings | undefined, Fault> => {
  if (config === undefined) return ok(undefined)
  if (config.nonce === 'never') return ok({ nonceSecrets: [] })
  const wrong = (message: string): Result<never, Fault> => err({ setting: 'features.dpop.secrets', message })
  if (config.secrets.length === 0) return wrong('must hold a secret where nonces are required')
  if (config.secrets.some((secret) => secret.length < SECRET_BYTES)) {
    return wrong(`must be at least ${SECRET_BYTES} random bytes each`)
  }
  return ok({ nonceSecrets: config.secrets })
}

/** Checks what is said of client certificates. */
export const parseMtls = (config: MtlsConfig | undefined): Result<MtlsSettings | undefined, Fault> => {
  const base = config?.endpointBase
  if (config === undefined) return ok(undefined)
  if (base === undefined) return ok({ endpointBase: undefined })
  const url = URL.canParse(base) ? new URL(base) : undefined
  const canonical = url === undefined || url.pathname === '/' ? url?.origin : `${url.origin}${url.pathname}`
  if (url?.protocol !== 'https:' || base !== canonical || base.endsWith('/')) {
    return err({
      setting: 'features.mtls.endpointBase',
      message: 'must be an https URL without query, fragment, user or slash at the end',
    })
  }
  return ok({ endpointBase: base })
}
