// Owns signing in through openid-client, the way its own guide puts the calls together. Asserts nothing: the library refuses what is
// wrong by itself.

import type { JsonWebKey } from 'node:crypto'
import { type CryptoKey, exportJWK, generateKeyPair } from 'jose'
import * as client from 'openid-client'
import type { Behaviour, Visitor } from '../support/person.ts'
import { AS_ALICE, type World } from './world.ts'

/** The redirect URI of a relying party that need not be there: the person stops at its door. */
export const CALLBACK = 'http://127.0.0.1:9/callback'

/** Client metadata beyond name and redirect URI. */
export type Metadata = Parameters<World['client']>[0]

/** A client in both eyes: registered here, discovered there. Signatures of ID tokens are verified too, which the library leaves out by default. */
export const register = async (
  world: World,
  metadata: Metadata = {},
  auth: (secret: string) => client.ClientAuth = client.ClientSecretBasic,
): Promise<client.Configuration> => {
  const registered: Metadata = { client_name: 'openid-client', redirect_uris: [CALLBACK], ...metadata }
  const { clientId, clientSecret } = await world.client(registered)
  const [maxAge, alg] = [registered['default_max_age'], registered['id_token_signed_response_alg']]
  const answerAlg = registered['authorization_signed_response_alg']
  const known = {
    ...(typeof maxAge === 'number' ? { default_max_age: maxAge } : {}),
    ...(typeof alg === 'string' ? { id_token_signed_response_alg: alg } : {}),
    ...(typeof answerAlg === 'string' ? { authorization_signed_response_alg: answerAlg } : {}),
  }
  return client.discovery(new URL(world.issuer), clientId, known, auth(clientSecret), {
    execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks],
  })
}

/** An authorization request, with what its answer must fit. */
export interface Prepared {
  readonly url: string
  readonly checks: client.AuthorizationCodeGrantChecks & { readonly expectedNonce: string }
}

/** A request with PKCE, state and nonce; further parameters replace these. */
export const prepare = async (
  config: client.Configuration,
  more: Readonly<Record<string, string>> = {},
): Promise<Prepared> => {
  const pkceCodeVerifier = client.randomPKCECodeVerifier()
  const [expectedState, expectedNonce] = [client.randomState(), client.randomNonce()]
  const { href } = client.buildAuthorizationUrl(config, {
    redirect_uri: CALLBACK,
    scope: 'openid',
    state: expectedState,
    nonce: expectedNonce,
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    ...more,
  })
  const maxAge = more['max_age'] === undefined ? {} : { maxAge: Number(more['max_age']) }
  return {
    url: href,
    checks: { pkceCodeVerifier, expectedState, expectedNonce, idTokenExpected: true, ...maxAge },
  }
}

/** Tokens of one sign-in. */
export type Tokens = Awaited<ReturnType<typeof client.authorizationCodeGrant>>

/** One sign-in from the first redirect to the tokens. */
export const signIn = async (
  config: client.Configuration,
  visitor: Visitor,
  more: Readonly<Record<string, string>> = {},
  behaviour: Behaviour = AS_ALICE,
): Promise<Tokens> => {
  const { url, checks } = await prepare(config, more)
  const arrival = await visitor.signIn(url, behaviour)
  return client.authorizationCodeGrant(config, new URL(arrival.url), checks)
}

/** The claims of an ID token; throws where there is none. */
export const claimsOf = (tokens: Tokens): client.IDToken => {
  const claims = tokens.claims()
  if (claims === undefined) throw new Error('there is no ID token')
  return claims
}

/** What the library refused with; undefined when it did not. */
export const refusalOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (reason: unknown) => reason,
  )

/** A key for assertions by an algorithm, and its public half for the registration. */
export const assertionKey = async (alg: string): Promise<{ readonly key: CryptoKey; readonly jwk: JsonWebKey }> => {
  const { privateKey, publicKey } = await generateKeyPair(alg, { extractable: true })
  return { key: privateKey, jwk: { ...(await exportJWK(publicKey)), kid: `by-${alg}`, alg } }
}
