// Owns the pushed requests of the in-memory store. Never parses one: what is kept was parsed and judged before.

import type { Digest } from '../base/index.ts'
import type { PushedRequestStore } from '../store/index.ts'
import { anyReserved, canSpend } from './judge.ts'
import { insertNew, keep, type MemoryState, record, spend } from './state.ts'
import { reserveAll } from './writes.ts'

const find = (state: MemoryState, digest: Digest) => {
  const entry = state.pushedRequests.get(digest)
  const client = entry && state.clients.get(entry.pushed.request.clientId)
  return client !== undefined && client.incarnation === entry?.clientIncarnation ? entry : undefined
}

/** Pushed requests over a shared state. */
export const memoryPushedRequests = (state: MemoryState): PushedRequestStore => ({
  pushRequest: async ({ pushed, clientVersion, proofs }, { now, events }) => {
    const client = state.clients.get(pushed.request.clientId)
    if (client === undefined || client.record.disabled || client.record.version !== clientVersion) return 'stale'
    if (anyReserved(state, proofs, now)) return 'proofReplayed'
    const entry = { pushed: keep(pushed), clientIncarnation: client.incarnation }
    insertNew(state.pushedRequests, pushed.digest, entry)
    reserveAll(state, proofs)
    record(state, events)
    return 'pushed'
  },

  findPushedRequest: async (digest) => find(state, digest)?.pushed,

  spendPushedRequest: async (digest, { now, events }) => {
    if (find(state, digest) === undefined) return 'unknown'
    if (!canSpend(state, digest)) return 'alreadySpent'
    spend(state, digest, now)
    record(state, events)
    return 'spent'
  },
})
