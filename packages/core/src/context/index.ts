// Owns what every endpoint is given: checked configuration, ports and stores. Never composes them: see provider.ts.

import { base64url, type Digest, digest, type JsonObject, type Result, type SessionId, utf8 } from '../base/index.ts'
import type { Ports } from '../ports/index.ts'
import type { Lifetimes } from '../spec/index.ts'
import type { AuditEntry, Stores } from '../store/index.ts'

/** Names of the two cookies; with `__Host-` under https, so that no other host and no plain-http page can set them. */
export interface CookieNames {
  /** Random secret of the browser, before and after sign-in: what interactions and forms are bound to. */
  readonly browser: string
  /** Secrets of the browser's sessions, the current one first. */
  readonly session: string
}

/** What holds for DPoP at this provider. */
export interface DpopSettings {
  /** Secrets that nonces are made from, the current one first; empty where proofs need no nonce. */
  readonly nonceSecrets: readonly Uint8Array[]
}

/** What holds for client certificates at this provider. */
export interface MtlsSettings {
  /** Where endpoints ask for a certificate, as a URL to append their names to; undefined where the issuer's own do. */
  readonly endpointBase: string | undefined
}

/** Which parts of the protocol that may be left out are switched on. */
export interface EnabledFeatures {
  /** Pushed authorization requests (RFC 9126 §2); `required` refuses every other request. */
  readonly par: 'off' | 'on' | 'required'
  /** Whether clients can give back their tokens (RFC 7009 §2). */
  readonly revocation: boolean
  /** Whether clients can ask what a token is worth (RFC 7662 §2). */
  readonly introspection: boolean
  /** Where people let devices in (RFC 8628 §3.2); undefined when that is not offered. */
  readonly device: { readonly verificationUri: string } | undefined
  /** How tokens are bound to keys (RFC 9449); undefined when that is not offered. */
  readonly dpop: DpopSettings | undefined
  /** How client certificates are used (RFC 8705); undefined when that is not offered. */
  readonly mtls: MtlsSettings | undefined
  /** The logout endpoint (OIDC RP-Initiated Logout §2). */
  readonly endSession: boolean
  /** Telling clients, server to server, that a session ended (OIDC Back-Channel Logout §2.5). */
  readonly backchannelLogout: boolean
  /** Signed request objects, by value and by reference (RFC 9101 §5). */
  readonly requestObjects: boolean
  /** Signed authorization responses (JARM). */
  readonly jarm: boolean
}

/** Why the keys under a client's jwks_uri cannot be had. */
export type RemoteKeysRejection = {
  readonly reason: 'clientKeysUnreachable' | 'clientKeysForbidden' | 'clientKeysMalformed'
}

/** Where the keys of clients with a jwks_uri come from. */
export interface RemoteKeys {
  /** The keys under a URI, minutes old at most; `newer` asks for them again, unless that was done a moment ago. Never rejects. */
  find(uri: string, wanted: 'known' | 'newer'): Promise<Result<readonly JsonObject[], RemoteKeysRejection>>
}

/** What every endpoint is given. */
export interface Context {
  /** The issuer identifier, byte for byte (RFC 9207 §2). */
  readonly issuer: string
  readonly tokenEndpoint: string
  readonly lifetimes: Lifetimes
  readonly features: EnabledFeatures
  /** Authentication context classes that the embedder can reach, weakest first. */
  readonly acrValues: readonly string[]
  readonly cookies: CookieNames
  readonly ports: Ports
  readonly stores: Stores
  readonly remoteKeys: RemoteKeys
  /** Told of sessions that just ended: begins to tell their clients, and returns at once. Never throws. */
  readonly onEnded: (sids: readonly SessionId[]) => void
}

/** What an endpoint answers: the reply, and the events that rode in no transition. */
export interface Answer<R> {
  readonly reply: R
  readonly events: readonly AuditEntry[]
}

/** SHA-256 of a text, base64url: how every credential is kept. */
export const digestOf = async (context: Pick<Context, 'ports'>, text: string): Promise<Digest> =>
  digest(base64url(await context.ports.hasher.sha256(utf8(text))))

/** A random text of `bytes` bytes, base64url. */
export const randomText = (context: Pick<Context, 'ports'>, bytes: number): string =>
  base64url(context.ports.random.bytes(bytes))

/** A short code of unambiguous letters that a person can read out (40 bits). */
export const referenceCode = (context: Pick<Context, 'ports'>): string => {
  const letters = 'ABCDEFGHJKLMNPQRSTUVWXYZ23456789'
  const code = [...context.ports.random.bytes(8)].map((byte) => letters.charAt(byte % 32)).join('')
  return `${code.slice(0, 4)}-${code.slice(4)}`
}

/** The URLs that an endpoint is reached at, by its name: under the issuer, and where certificates are asked for (RFC 8705 §5). */
export const urlsOf = (context: Pick<Context, 'issuer' | 'features'>, name: string): readonly string[] => {
  const alias = context.features.mtls?.endpointBase
  return [`${context.issuer}/${name}`, ...(alias === undefined ? [] : [`${alias}/${name}`])]
}
