// Owns the race of one refresh token at two processes: rounds of parallel refreshes and what came of them. Asserts nothing.

import type { TestIssuer } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { obtainCode, REDIRECT_URI, redeemAt, userinfoAt } from './redemption-rounds.ts'

/** How one round ended. */
export interface RefreshRound {
  readonly statuses: readonly number[]
  /** Error codes of the answers that were no 200. */
  readonly errors: ReadonlySet<string>
  /** Refresh tokens in the answers that were a 200. */
  readonly tokens: ReadonlySet<string>
  /** Status of one more refresh with a token that was answered. */
  readonly afterwards: number
  /** Status of userinfo with an access token that was answered. */
  readonly userinfo: number
}

/** Plays rounds at two processes of one issuer that gives refresh tokens. */
export const playRefreshRounds = async (
  issuer: TestIssuer,
  rounds: number,
  parallel: number,
): Promise<readonly RefreshRound[]> => {
  const origins = [(await issuer.start()).origin, (await issuer.start()).origin]
  const client = await issuer.client({
    client_name: 'Racer',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
  })
  await issuer.person('alice')
  const visitor = createVisitor(issuer.issuer)
  const basic = Buffer.from(`${client.clientId}:${client.clientSecret}`).toString('base64')
  const refreshAt = async (at: number, token: string) => {
    const response = await fetch(`${origins[at % 2]}/token`, {
      method: 'POST',
      headers: { authorization: `Basic ${basic}` },
      body: new URLSearchParams({ grant_type: 'refresh_token', refresh_token: token }),
    })
    return { status: response.status, body: (await response.json()) as Record<string, string> }
  }
  const play = async (): Promise<RefreshRound> => {
    const issued = await obtainCode(issuer.issuer, visitor, client, { scope: 'openid offline_access' })
    const first = (await (await redeemAt(origins[0] ?? '', issued)).json()) as Record<string, string>
    const token = first['refresh_token'] ?? ''
    const answers = await Promise.all(Array.from({ length: parallel }, (_, at) => refreshAt(at, token)))
    const good = answers.filter(({ status }) => status === 200)
    const one = good[0]?.body
    const userinfo = await userinfoAt(origins[1] ?? '', one?.['access_token'] ?? '')
    await userinfo.arrayBuffer()
    return {
      statuses: answers.map(({ status }) => status).sort(),
      errors: new Set(answers.flatMap(({ status, body }) => (status === 200 ? [] : [body['error'] ?? '']))),
      tokens: new Set(good.map(({ body }) => body['refresh_token'] ?? '')),
      userinfo: userinfo.status,
      afterwards: (await refreshAt(1, one?.['refresh_token'] ?? '')).status,
    }
  }
  const played: RefreshRound[] = []
  for (let at = 0; at < rounds; at++) played.push(await play())
  return played
}

/** Whether a round ended as one with a window must: all are answered with one and the same token, which lives. */
export const keptOneToken = ({ statuses, tokens, afterwards, userinfo }: RefreshRound): boolean =>
  statuses.every((status) => status === 200) && tokens.size === 1 && afterwards === 200 && userinfo === 200

/** Whether a round ended as a strict one must: one 200, `invalid_grant` for the others, and a dead family, the winner included. */
export const endedStrictly = ({ statuses, errors, afterwards, userinfo }: RefreshRound): boolean =>
  statuses.filter((status) => status === 200).length === 1 &&
  statuses.filter((status) => status === 400).length === statuses.length - 1 &&
  [...errors].join() === 'invalid_grant' &&
  afterwards === 400 &&
  userinfo === 401
