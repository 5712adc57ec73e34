// Owns telling clients that a session ended (OIDC Back-Channel Logout §2.5): at once by the node that ended it, later by any node. Never
// holds up a person, and never tells one client because of another.

import { auditEntry } from '../audit/index.ts'
import type { SessionId } from '../base/index.ts'
import { later } from '../base/index.ts'
import type { Context } from '../context/index.ts'
import { activeKey } from '../keys/index.ts'
import type { Fetcher } from '../ports/index.ts'
import { LOGOUT_DELIVERY } from '../spec/index.ts'
import type { ClientRecord, LogoutDeliveryRecord } from '../store/index.ts'
import { mintLogoutToken } from '../tokens/index.ts'
import { type AttemptVerdict, decideSettlement, judgeAttempt } from './decide.ts'

// What a client answers is not looked at; more than a page of it is not even read.
const MAX_ANSWER = 65_536

const HEADERS: ReadonlyMap<string, string> = new Map([['Content-Type', 'application/x-www-form-urlencoded']])

const tell = async (
  context: Context,
  fetcher: Fetcher,
  delivery: LogoutDeliveryRecord,
  client: ClientRecord | undefined,
): Promise<AttemptVerdict> => {
  const url = client?.logout.backchannelUri
  if (client === undefined || client.disabled || url === undefined) {
    return { kind: 'failed', reason: 'clientGone', retry: false }
  }
  // By the algorithm of its ID tokens, which is the one that the client can verify.
  const key = activeKey(await context.ports.keys.keys(), client.idTokenAlg)
  if (key === undefined) throw new Error(`no active signing key for ${client.idTokenAlg}`)
  const { clientId, subject, sid } = delivery
  const token = await mintLogoutToken(context, key, { clientId, subject, sid, now: context.ports.clock.now() })
  const request = {
    url,
    method: 'POST',
    headers: HEADERS,
    body: `logout_token=${token}`,
    maxBytes: MAX_ANSWER,
  } as const
  return judgeAttempt(await fetcher.fetch(request))
}

const attempt = async (context: Context, fetcher: Fetcher, delivery: LogoutDeliveryRecord): Promise<void> => {
  const { clientId, sid, subject, attempts } = delivery
  const client = await context.stores.clients.findClient(clientId)
  const verdict = await tell(context, fetcher, delivery, client)
  const now = context.ports.clock.now()
  const settlement = decideSettlement(verdict, attempts, now)
  const about = { clientId, subject, sid, attempts }
  const events =
    settlement.state === 'waiting'
      ? []
      : settlement.state === 'delivered'
        ? [auditEntry('logout_token.delivered', now, about)]
        : [auditEntry('logout_token.given_up', now, { ...about, reason: settlement.failure ?? '' })]
  await context.stores.logouts.settleDelivery({ sid, clientId, attempt: attempts, ...settlement }, { now, events })
}

/** What tells clients. */
export interface Deliveries {
  /** Takes up what is due, of these sessions or of any, and tries each once, all at the same time; answers how many. Rejects when one of them met a fault. */
  deliver(sids: readonly SessionId[] | 'any'): Promise<number>
}

/** Tells clients through the guarded way out. */
export const createDeliveries = (context: Context, fetcher: Fetcher): Deliveries => ({
  deliver: async (sids) => {
    const now = context.ports.clock.now()
    const leaseUntil = later(now, LOGOUT_DELIVERY.lease)
    const taken = await context.stores.logouts.claimDeliveries({ sids, limit: LOGOUT_DELIVERY.batch, now, leaseUntil })
    const endings = await Promise.allSettled(taken.map((delivery) => attempt(context, fetcher, delivery)))
    const fault = endings.find((ending) => ending.status === 'rejected')
    // What met a fault is taken up again when its lease is over.
    if (fault !== undefined) throw fault.reason
    return taken.length
  },
})
