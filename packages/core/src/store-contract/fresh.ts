// Owns new identifiers and plausible records for cases. Never random: the same case sees the same values in every run.

import {
  base64url,
  type ClientId,
  clientId,
  type Digest,
  digest,
  type GrantHandle,
  grantHandle,
  type Instant,
  instant,
  type JsonObject,
  later,
  type SessionId,
  type Subject,
  sessionId,
  subject,
} from '../base/index.ts'
import type {
  AuditEntry,
  ClientRecord,
  Occasion,
  RegistrationTokenRecord,
  ReservationRecord,
  ResourceRecord,
  SessionRecord,
  StoredKey,
} from '../store/index.ts'

/** The instant that every case begins at. */
export const START: Instant = instant(1_800_000_000)

/** The instant `seconds` after the beginning of the case. */
export const at = (seconds: number): Instant => later(START, seconds)

/** An occasion `seconds` after the beginning of the case, with the events to be written. */
export const on = (seconds: number, ...events: readonly AuditEntry[]): Occasion => ({ now: at(seconds), events })

/** Maker of values that no other call of the same maker returns. */
export interface Fresh {
  /** 43 characters of canonical base64url. */
  digest(): Digest
  /** 22 characters of canonical base64url. */
  handle(): GrantHandle
  subject(): Subject
  clientId(): ClientId
  sessionId(): SessionId
  /** A short text, unique within the case. */
  text(): string
  event(): AuditEntry
  /** A confidential client at version 1. */
  client(changes?: Partial<ClientRecord>): ClientRecord
  /** An initial access token with three uses that lives 300 seconds. */
  registrationToken(changes?: Partial<RegistrationTokenRecord>): RegistrationTokenRecord
  /** A session that begins at the start of the case: 12 hours idle, 30 days absolute. */
  session(changes?: Partial<SessionRecord>): SessionRecord
  resource(changes?: Partial<ResourceRecord>): ResourceRecord
  /** A proof that lives 300 seconds. */
  reservation(changes?: Partial<ReservationRecord>): ReservationRecord
  key(changes?: Partial<StoredKey>): StoredKey
}

const bytesFrom = (serial: number, length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  let mixed = serial
  for (let i = 0; i < length; i++) {
    mixed = (Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    bytes[i] = mixed >>> 24
  }
  new DataView(bytes.buffer).setUint32(length - 4, serial)
  return bytes
}

const JWK: JsonObject = { kty: 'EC', crv: 'P-256', x: 'contract-x', y: 'contract-y', key_ops: ['verify'], ext: true }

const clientFrom = (id: ClientId, secret: Digest): ClientRecord => ({
  clientId: id,
  version: 1,
  disabled: false,
  origin: 'operator',
  registrationTokenDigest: undefined,
  unusedExpiresAt: undefined,
  name: `Client ${id} – “naïve” 名前`,
  applicationType: 'web',
  authMethod: 'client_secret_basic',
  secrets: [{ digest: secret, expiresAt: undefined }],
  jwks: [JWK],
  tlsClientName: undefined,
  certificateBoundTokens: false,
  dpopBoundTokens: false,
  jwksUri: undefined,
  redirectUris: [`https://${id}.example/callback`, `https://${id}.example/second?with=query`],
  localhostAnyPort: false,
  scopes: ['openid', 'profile', 'email'],
  grantTypes: ['authorization_code'],
  pkce: 'required',
  nonce: 'optional',
  idTokenAlg: 'RS256',
  idTokenClaims: 'minimal',
  trusted: false,
  defaultMaxAge: undefined,
  requirePushedRequests: false,
  refreshTokens: 'offline',
  logout: {
    postLogoutRedirectUris: ['https://client.example/signed-out', 'https://client.example/bye?x=1'],
    backchannelUri: 'https://client.example/backchannel-logout',
    backchannelSessionRequired: true,
  },
  requestObjectAlg: undefined,
  requireSignedRequests: false,
  requestUris: [],
  authorizationResponseAlg: undefined,
  corsOrigins: [`https://${id}.example`],
  clientUri: undefined,
  logoUri: undefined,
  policyUri: undefined,
  tosUri: undefined,
  initiateLoginUri: undefined,
  contacts: [],
  createdAt: START,
  updatedAt: START,
})

/** A new maker; two makers make the same values. */
export const createFresh = (): Fresh => {
  let serial = 0
  const text = (): string => `v${(++serial).toString(36).padStart(4, '0')}`
  const newDigest = (): Digest => digest(base64url(bytesFrom(++serial, 32)))
  return {
    digest: newDigest,
    handle: () => grantHandle(base64url(bytesFrom(++serial, 16))),
    subject: () => subject(`person-${text()}`),
    clientId: () => clientId(`client-${text()}`),
    sessionId: () => sessionId(base64url(bytesFrom(++serial, 16))),
    text,
    event: () => ({ name: 'contract.checked', at: START, fields: { mark: text(), count: 3, flags: [true, null] } }),
    client: (changes = {}) => ({ ...clientFrom(clientId(`client-${text()}`), newDigest()), ...changes }),
    registrationToken: (changes = {}) => ({
      id: text(),
      digest: newDigest(),
      label: 'for the workshop – “now”',
      scopes: undefined,
      usesLeft: 3,
      createdAt: START,
      expiresAt: at(300),
      ...changes,
    }),
    session: (changes = {}) => ({
      sid: sessionId(base64url(bytesFrom(++serial, 16))),
      secretDigest: newDigest(),
      subject: subject(`person-${text()}`),
      authTime: START,
      amr: ['pwd'],
      acr: undefined,
      startedAt: START,
      idleExpiresAt: at(12 * 3600),
      absoluteExpiresAt: at(30 * 86400),
      endedAt: undefined,
      ...changes,
    }),
    resource: (changes = {}) => ({
      identifier: `https://api.example/${text()}`,
      version: 1,
      name: 'An API',
      scopes: [{ name: 'read', description: 'Read things', sensitive: false }],
      tokenFormat: 'opaque',
      accessTokenLifetime: undefined,
      signingAlg: 'RS256',
      introspectionClients: [],
      ...changes,
    }),
    reservation: (changes = {}) => ({
      namespace: `client_assertion:${text()}`,
      digest: newDigest(),
      expiresAt: at(300),
      ...changes,
    }),
    key: (changes = {}) => ({
      kid: text(),
      alg: 'RS256',
      state: 'active',
      publicJwk: JWK,
      sealedPrivateKey: `sealed-${text()}`,
      createdAt: START,
      since: START,
      ...changes,
    }),
  }
}
