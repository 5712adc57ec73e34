// Owns the race of one pushed request at two processes: rounds of parallel visits by a person who is signed in, and what came of them.
// Asserts nothing.

import { createHash, randomBytes } from 'node:crypto'
import http from 'node:http'
import type { TestClient, TestIssuer } from '../support/idp.ts'
import { createVisitor, type Visitor } from '../support/person.ts'
import { obtainCode, REDIRECT_URI } from './redemption-rounds.ts'

/** Pushes a request of this client at one process; answers its reference. */
export const pushAt = async (origin: string, client: TestClient): Promise<string> => {
  const challenge = createHash('sha256').update(randomBytes(32)).digest('base64url')
  const answer = await fetch(`${origin}/par`, {
    method: 'POST',
    headers: {
      authorization: `Basic ${Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')}`,
    },
    body: new URLSearchParams({
      response_type: 'code',
      client_id: client.clientId,
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      nonce: randomBytes(8).toString('hex'),
      code_challenge: challenge,
      code_challenge_method: 'S256',
    }),
  })
  const body = (await answer.json()) as Record<string, string>
  if (answer.status !== 201) throw new Error(`not pushed: ${answer.status} ${JSON.stringify(body)}`)
  return body['request_uri'] ?? ''
}

interface Visit {
  readonly issuer: string
  readonly visitor: Visitor
  readonly client: TestClient
  readonly requestUri: string
}

/** One visit at one process, under the issuer's host as a load balancer passes it on: a code, or the status of the page. */
const visitAt = (origin: string, { issuer, visitor, client, requestUri }: Visit): Promise<string> =>
  new Promise((resolve, reject) => {
    const query = new URLSearchParams({ client_id: client.clientId, request_uri: requestUri })
    const cookie = [...visitor.cookies].map(([name, value]) => `${name}=${value}`).join('; ')
    const headers = { host: new URL(issuer).host, cookie }
    http
      .get(`${origin}/authorize?${query}`, { headers, agent: false }, (answer) => {
        answer.resume()
        const { location } = answer.headers
        const code = location === undefined ? null : new URL(location, issuer).searchParams.get('code')
        resolve(code === null ? String(answer.statusCode) : 'code')
      })
      .once('error', reject)
  })

/** Plays rounds at two processes of one issuer; answers, round by round, how the visits ended, in the order of the alphabet. */
export const playVisits = async (
  issuer: TestIssuer,
  rounds: number,
  parallel: number,
): Promise<readonly (readonly string[])[]> => {
  const nodes = [await issuer.start(), await issuer.start()]
  const client = await issuer.client({ client_name: 'Racer', redirect_uris: [REDIRECT_URI] })
  await issuer.person('alice')
  const visitor = createVisitor(issuer.issuer)
  await obtainCode(issuer.issuer, visitor, client)
  const played: (readonly string[])[] = []
  for (let at = 0; at < rounds; at++) {
    const originOf = (turn: number): string => nodes[turn % nodes.length]?.origin ?? ''
    const requestUri = await pushAt(originOf(at), client)
    const visit = { issuer: issuer.issuer, visitor, client, requestUri }
    const ends = await Promise.all(Array.from({ length: parallel }, (_, turn) => visitAt(originOf(turn), visit)))
    played.push(ends.sort())
  }
  return played
}
