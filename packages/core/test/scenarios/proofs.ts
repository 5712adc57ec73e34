// Owns the making of DPoP proofs, right ones and wrong ones. Asserts nothing.

import type { JsonObject } from '@vouchsafe/core'
import { parsePublicJwk } from '#src/base/jwk.js'
import { type ClientKey, clientKey, part, signatureOf, signedBy } from './assertions.ts'
import { sha256 } from './world.ts'

/** The public members of a key, as a proof shows them. */
export const shown = (key: ClientKey): JsonObject => {
  const parsed = parsePublicJwk(key.jwk)
  if (!parsed.ok) throw new Error(parsed.error)
  return parsed.value.members
}

/** The thumbprint of a key (RFC 7638 §3). */
export const thumbprintOf = (key: ClientKey): string => sha256(JSON.stringify(shown(key)))

let counter = 0

/** What a proof is for. */
export interface Use {
  readonly now: number
  readonly htm?: string
  readonly htu?: string
  /** The access token that goes with it. */
  readonly token?: string
  readonly nonce?: string
}

/** Claims of a proof that holds, changed as given (undefined leaves one out). */
export const proofClaims = (use: Use, over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  jti: `proof-${counter++}`,
  htm: use.htm ?? 'POST',
  htu: use.htu ?? 'https://op.example/token',
  iat: use.now,
  ...(use.token === undefined ? {} : { ath: sha256(use.token) }),
  ...(use.nonce === undefined ? {} : { nonce: use.nonce }),
  ...over,
})

/** A proof by a key; header and claims are changed as given. */
export const proofOf = (
  key: ClientKey,
  use: Use,
  over: Readonly<Record<string, unknown>> = {},
  header: Readonly<Record<string, unknown>> = {},
): string => signedBy(key, proofClaims(use, over), { kid: undefined, typ: 'dpop+jwt', jwk: shown(key), ...header })

const OTHER = clientKey('ES256')
const WEAK = clientKey('weak')

/** A proof that must be refused. */
export interface WrongProof {
  /** Why, as the rejection names it. */
  readonly reason: string
  readonly title: string
  readonly make: (key: ClientKey, use: Use) => string
}

const claims = (reason: string, title: string, over: Readonly<Record<string, unknown>>): WrongProof => ({
  reason,
  title,
  make: (key, use) => proofOf(key, use, over),
})
const header = (reason: string, title: string, over: Readonly<Record<string, unknown>>): WrongProof => ({
  reason,
  title,
  make: (key, use) => proofOf(key, use, {}, over),
})

/** Every way in which the form, the header and the signature of a proof can be wrong (RFC 9449 §4.3). */
export const WRONG_FORMS: readonly WrongProof[] = [
  { reason: 'dpopMalformed', title: 'nothing', make: () => '' },
  { reason: 'dpopMalformed', title: 'no JWT', make: () => 'proof' },
  { reason: 'dpopMalformed', title: 'two of them', make: (key, use) => `${proofOf(key, use)}, ${proofOf(key, use)}` },
  {
    reason: 'dpopMalformed',
    title: 'one that is too long',
    make: (key, use) => proofOf(key, use, { x: 'x'.repeat(9000) }),
  },
  header('dpopTypeWrong', 'no typ', { typ: undefined }),
  header('dpopTypeWrong', 'another typ', { typ: 'JWT' }),
  header('dpopAlgorithmRefused', 'no alg', { alg: undefined }),
  header('dpopAlgorithmRefused', 'alg none', { alg: 'none' }),
  header('dpopAlgorithmRefused', 'a symmetric alg', { alg: 'HS256' }),
  header('dpopAlgorithmRefused', 'an alg of another kind of key', { alg: 'EdDSA' }),
  header('dpopKeyRefused', 'no key', { jwk: undefined }),
  header('dpopKeyRefused', 'a key that is no object', { jwk: 'key' }),
  header('dpopKeyRefused', 'a symmetric key', { jwk: { kty: 'oct', k: 'AAAA' } }),
  {
    reason: 'dpopKeyRefused',
    title: 'the private key',
    make: (key, use) => proofOf(key, use, {}, { jwk: { ...key.privateKey.export({ format: 'jwk' }) } }),
  },
  header('dpopSignatureInvalid', 'the key of somebody else', { jwk: shown(OTHER) }),
  header('dpopMalformed', 'an extension that must be understood', { crit: ['x'], x: 1 }),
  {
    reason: 'dpopKeyRefused',
    title: 'a weak key',
    make: (_, use) => signedBy(WEAK, proofClaims(use), { kid: undefined, typ: 'dpop+jwt', jwk: WEAK.jwk }),
  },
  {
    reason: 'dpopAlgorithmRefused',
    title: 'RS256',
    make: (_, use) => {
      const key = clientKey('RS256')
      return proofOf(key, use)
    },
  },
  {
    reason: 'dpopSignatureInvalid',
    title: 'a changed claim',
    make: (key, use) => {
      const [head = '', , signature = ''] = proofOf(key, use).split('.')
      return `${head}.${part(proofClaims(use))}.${signature}`
    },
  },
  {
    reason: 'dpopSignatureInvalid',
    title: 'a signature with HMAC by the public key',
    make: (key, use) => {
      const input = `${part({ alg: 'ES256', typ: 'dpop+jwt', jwk: shown(key) })}.${part(proofClaims(use))}`
      return `${input}.${signatureOf(OTHER, input).toString('base64url')}`
    },
  },
]

/** Every way in which the claims can be wrong, but for the time, which nonces change. */
export const WRONG_CLAIMS: readonly WrongProof[] = [
  ...['jti', 'htm', 'htu', 'iat'].map((name) => claims('dpopClaimMissing', `no ${name}`, { [name]: undefined })),
  claims('dpopClaimMissing', 'a jti that is no text', { jti: 1 }),
  claims('dpopClaimMissing', 'an empty jti', { jti: '' }),
  claims('dpopClaimMissing', 'a long jti', { jti: 'x'.repeat(257) }),
  claims('dpopClaimMissing', 'an iat that is no number', { iat: '1900000000' }),
  claims('dpopClaimMissing', 'an htu that is no text', { htu: ['https://op.example/token'] }),
  claims('dpopMethodWrong', 'another method', { htm: 'PUT' }),
  claims('dpopMethodWrong', 'a method in small letters', { htm: 'post' }),
  claims('dpopUrlWrong', 'another endpoint', { htu: 'https://op.example/authorize' }),
  claims('dpopUrlWrong', 'another host', { htu: 'https://op.example.net/token' }),
  claims('dpopUrlWrong', 'another scheme', { htu: 'http://op.example/token' }),
  claims('dpopUrlWrong', 'another port', { htu: 'https://op.example:8443/token' }),
  claims('dpopUrlWrong', 'a user in it', { htu: 'https://a@op.example/token' }),
  claims('dpopUrlWrong', 'a path beneath', { htu: 'https://op.example/token/more' }),
  claims('dpopUrlWrong', 'a path in other letters', { htu: 'https://op.example/TOKEN' }),
  claims('dpopUrlWrong', 'no address', { htu: '/token' }),
  claims('dpopUrlWrong', 'blanks in it', { htu: ' https://op.example/token' }),
]

/** Ways to write the same address (RFC 9449 §4.3). */
export const SAME_URLS: readonly string[] = [
  'https://op.example/token',
  'https://op.example/token?a=b',
  'https://op.example/token#part',
  'https://OP.Example/token',
  'HTTPS://op.example:443/token',
]
