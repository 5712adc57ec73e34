// Owns the race of one code at two processes: rounds of parallel redemptions and what came of them. Asserts nothing.

import { createHash, randomBytes } from 'node:crypto'
import type { TestClient, TestIssuer } from '../support/idp.ts'
import { PASSWORD } from '../support/idp.ts'
import { createVisitor, type Visitor } from '../support/person.ts'

/** A redirect URI that nothing listens on: the person is stopped where he leaves the server. */
export const REDIRECT_URI = 'http://127.0.0.1:9/callback'

/** A code with all that its redemption needs. */
export interface IssuedCode {
  readonly code: string
  readonly verifier: string
  readonly client: TestClient
}

/** Asks for a code as a person who is signed in and has consented, or signs in and consents first. */
export const obtainCode = async (
  issuer: string,
  visitor: Visitor,
  client: TestClient,
  over: Readonly<Record<string, string>> = {},
): Promise<IssuedCode> => {
  const verifier = randomBytes(32).toString('base64url')
  const parameters = new URLSearchParams({
    response_type: 'code',
    client_id: client.clientId,
    redirect_uri: REDIRECT_URI,
    scope: 'openid',
    nonce: randomBytes(8).toString('hex'),
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...over,
  })
  const arrival = await visitor.signIn(`${issuer}/authorize?${parameters}`, { username: 'alice', password: PASSWORD })
  const code = new URL(arrival.url).searchParams.get('code')
  if (code === null) throw new Error(`no code at ${arrival.url} (${arrival.status}): ${arrival.body.slice(0, 500)}`)
  return { code, verifier, client }
}

/** Redeems a code at one process. */
export const redeemAt = (
  origin: string,
  issued: IssuedCode,
  over: Readonly<Record<string, string>> = {},
  headers: Readonly<Record<string, string>> = {},
): Promise<Response> =>
  fetch(`${origin}/token`, {
    method: 'POST',
    headers: {
      ...headers,
      authorization: `Basic ${Buffer.from(`${issued.client.clientId}:${over['client_secret'] ?? issued.client.clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      grant_type: 'authorization_code',
      code: issued.code,
      redirect_uri: REDIRECT_URI,
      code_verifier: issued.verifier,
      ...Object.fromEntries(Object.entries(over).filter(([name]) => name !== 'client_secret')),
    }),
  })

/** Userinfo at one process. */
export const userinfoAt = (origin: string, token: string): Promise<Response> =>
  fetch(`${origin}/userinfo`, { headers: { authorization: `Bearer ${token}` } })

/** How one round ended. */
export interface Round {
  readonly statuses: ReadonlyMap<number, number>
  /** Error codes of the answers that were no 200. */
  readonly errors: ReadonlySet<string>
  /** Statuses of userinfo with the winner's token, at each process. */
  readonly afterwards: readonly number[]
}

const countBy = (values: readonly number[]): Map<number, number> => {
  const counts = new Map<number, number>()
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1)
  return counts
}

const round = async (origins: readonly string[], issued: IssuedCode, parallel: number): Promise<Round> => {
  const answers = await Promise.all(
    Array.from({ length: parallel }, async (_, at) => {
      const response = await redeemAt(origins[at % origins.length] ?? '', issued)
      return { status: response.status, body: (await response.json()) as Record<string, string> }
    }),
  )
  const winner = answers.find(({ status }) => status === 200)
  const token = winner?.body['access_token'] ?? ''
  const afterwards = await Promise.all(
    origins.map(async (origin) => {
      const response = await userinfoAt(origin, token)
      await response.arrayBuffer()
      return response.status
    }),
  )
  return {
    statuses: countBy(answers.map(({ status }) => status)),
    errors: new Set(answers.flatMap(({ status, body }) => (status === 200 ? [] : [body['error'] ?? '']))),
    afterwards,
  }
}

/** Plays rounds at two processes of one issuer, with a person who signed in once. */
export const playRounds = async (issuer: TestIssuer, rounds: number, parallel: number): Promise<readonly Round[]> => {
  const [first, second] = [await issuer.start(), await issuer.start()]
  const client = await issuer.client({ client_name: 'Racer', redirect_uris: [REDIRECT_URI] })
  await issuer.person('alice')
  const visitor = createVisitor(issuer.issuer)
  const played: Round[] = []
  for (let at = 0; at < rounds; at++) {
    const issued = await obtainCode(issuer.issuer, visitor, client)
    played.push(await round([first.origin, second.origin], issued, parallel))
  }
  return played
}
