// Owns the race of one DPoP proof at two processes: rounds of parallel requests with it and what came of them. Asserts nothing.

import { randomUUID } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import type { TestIssuer } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { obtainCode, REDIRECT_URI, redeemAt } from './redemption-rounds.ts'

interface Key {
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

const proofOf = ({ privateKey, jwk }: Key, claims: Readonly<Record<string, string>>): Promise<string> =>
  new SignJWT({ ...claims, jti: randomUUID() })
    .setProtectedHeader({ alg: 'ES256', typ: 'dpop+jwt', jwk })
    .setIssuedAt()
    .sign(privateKey)

const digestOf = async (text: string): Promise<string> =>
  Buffer.from(await crypto.subtle.digest('SHA-256', Buffer.from(text))).toString('base64url')

/** How many requests of a round were answered, and what the others were told. */
export interface ProofRound {
  readonly answered: number
  readonly errors: readonly string[]
}

const count = async (answers: readonly Promise<Response>[]): Promise<ProofRound> => {
  const ended = await Promise.all(
    answers.map(async (answer) => {
      const { ok, status } = await answer
      const body = (await (await answer).json()) as Record<string, string>
      return ok ? undefined : `${status} ${body['error']}`
    }),
  )
  return {
    answered: ended.filter((error) => error === undefined).length,
    errors: [...new Set(ended.filter((error) => error !== undefined))],
  }
}

/** Plays rounds at two processes: at userinfo, which writes nothing but the proof, and at a transition that takes it along (a push). */
export const playProofRounds = async (
  issuer: TestIssuer,
  rounds: number,
  parallel: number,
): Promise<{ readonly uses: readonly ProofRound[]; readonly pushes: readonly ProofRound[] }> => {
  const origins = [(await issuer.start()).origin, (await issuer.start()).origin]
  const { privateKey, publicKey } = await generateKeyPair('ES256')
  const key = { privateKey, jwk: await exportJWK(publicKey) }
  const client = await issuer.client({ client_name: 'Racer', redirect_uris: [REDIRECT_URI] })
  await issuer.person('alice')
  const code = await obtainCode(issuer.issuer, createVisitor(issuer.issuer), client, {
    dpop_jkt: await calculateJwkThumbprint(key.jwk),
  })
  const first = await proofOf(key, { htm: 'POST', htu: `${issuer.issuer}/token` })
  const { access_token: token } = (await (await redeemAt(origins[0] ?? '', code, {}, { dpop: first })).json()) as {
    access_token: string
  }
  const basic = `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`
  const push = {
    client_id: client.clientId,
    response_type: 'code',
    scope: 'openid',
    redirect_uri: REDIRECT_URI,
    code_challenge: await digestOf('verifier'),
    code_challenge_method: 'S256',
  }
  const everywhere = (ask: (origin: string) => Promise<Response>): readonly Promise<Response>[] =>
    Array.from({ length: parallel }, (_, at) => ask(origins[at % origins.length] ?? ''))
  const [uses, pushes]: [ProofRound[], ProofRound[]] = [[], []]
  for (let at = 0; at < rounds; at++) {
    const dpop = await proofOf(key, { htm: 'GET', htu: `${issuer.issuer}/userinfo`, ath: await digestOf(token) })
    const use = { headers: { authorization: `DPoP ${token}`, dpop } }
    uses.push(await count(everywhere((origin) => fetch(`${origin}/userinfo`, use))))
    const pushed = await proofOf(key, { htm: 'POST', htu: `${issuer.issuer}/par` })
    const headers = { authorization: basic, dpop: pushed }
    pushes.push(
      await count(
        everywhere((origin) => fetch(`${origin}/par`, { method: 'POST', headers, body: new URLSearchParams(push) })),
      ),
    )
  }
  return { uses, pushes }
}
