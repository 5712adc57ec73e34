// Owns the making of client assertions, right ones and wrong ones. Asserts nothing.

import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { clientId, type JsonObject, type Reply } from '@vouchsafe/core'
import { exchange, type Parameters } from './flows.ts'
import type { World } from './world.ts'

/** A key pair of a client. */
export interface ClientKey {
  readonly alg: string
  readonly kid: string
  readonly privateKey: KeyObject
  readonly publicKey: KeyObject
  /** The public JWK as registered. */
  readonly jwk: JsonObject
}

const pairOf = (alg: string): { readonly privateKey: KeyObject; readonly publicKey: KeyObject } => {
  const pem = {
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  } as const
  const curves: Readonly<Record<string, string>> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
  const made =
    alg === 'EdDSA' || alg === 'Ed25519'
      ? generateKeyPairSync('ed25519', pem)
      : curves[alg] !== undefined
        ? generateKeyPairSync('ec', { namedCurve: curves[alg], ...pem })
        : generateKeyPairSync('rsa', { modulusLength: alg === 'weak' ? 1024 : 2048, ...pem })
  return { privateKey: createPrivateKey(String(made.privateKey)), publicKey: createPublicKey(String(made.publicKey)) }
}

/** Makes a key pair; `weak` is RSA of 1024 bits for RS256. */
export const clientKey = (alg: string, kid = `key-${alg}`): ClientKey => {
  const { privateKey, publicKey } = pairOf(alg)
  const signs = alg === 'weak' ? 'RS256' : alg
  const jwk = { ...(publicKey.export({ format: 'jwk' }) as JsonObject), kid, alg: signs, use: 'sig' }
  return { alg: signs, kid, privateKey, publicKey, jwk }
}

/** A part of a JWT. */
export const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

const HASHES: Readonly<Record<string, string | undefined>> = {
  RS256: 'sha256',
  PS256: 'sha256',
  ES256: 'sha256',
  ES384: 'sha384',
  ES512: 'sha512',
}

/** The signature of a key over a signing input, by the key's own algorithm. */
export const signatureOf = (key: ClientKey, input: string): Buffer => {
  const options = key.alg === 'PS256' ? { padding: 6, saltLength: 32 } : { dsaEncoding: 'ieee-p1363' as const }
  return sign(HASHES[key.alg], Buffer.from(input), { key: key.privateKey, ...options })
}

/** A signed JWT; the header names the key's algorithm and kid unless it says otherwise (undefined leaves a member out). */
export const signedBy = (key: ClientKey, claims: unknown, header: Readonly<Record<string, unknown>> = {}): string => {
  const input = `${part({ alg: key.alg, kid: key.kid, ...header })}.${part(claims)}`
  return `${input}.${signatureOf(key, input).toString('base64url')}`
}

let counter = 0

/** Claims of an assertion that holds, changed as given (undefined leaves one out). */
export const claimsFor = (world: World, over: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  iss: 'app',
  sub: 'app',
  aud: 'https://op.example/token',
  exp: world.clock.now() + 60,
  iat: world.clock.now(),
  jti: `jti-${counter++}`,
  ...over,
})

/** A client that authenticates by these keys. */
export const keyedClient = (world: World, keys: readonly (ClientKey | JsonObject)[], id = 'app'): Promise<unknown> =>
  world.client({
    clientId: clientId(id),
    authMethod: 'private_key_jwt',
    secrets: [],
    jwks: keys.map((key) => ('jwk' in key && 'privateKey' in key ? (key as ClientKey).jwk : (key as JsonObject))),
  })

/** Redeems a code with an assertion. */
export const redeemBy = (
  world: World,
  got: { readonly code: string; readonly verifier: string; readonly redirectUri: string },
  assertion: string,
  over: Parameters = {},
): Promise<Reply> =>
  exchange(
    world,
    {
      grant_type: 'authorization_code',
      code: got.code,
      redirect_uri: got.redirectUri,
      code_verifier: got.verifier,
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: assertion,
      ...over,
    },
    { authorization: '' },
  )
