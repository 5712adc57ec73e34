// Owns the seeded fault: any transition of the in-memory store with an `await` between its checks and its writes, as a store would
// have that reads, decides in JavaScript and writes later. Never part of what ships.

import { emptyState, type MemoryState } from '#src/memory/state.js'
import { storesOver } from '#src/memory/stores.js'
import type { Stores } from '#src/store/index.js'
import type { MethodName, StoreFactory } from '#src/store-contract/index.js'

const copyOf = (state: MemoryState): MemoryState => ({
  ...state,
  clients: new Map(state.clients),
  registrationTokens: new Map(state.registrationTokens),
  resources: new Map(state.resources),
  subjects: new Map(state.subjects),
  sessions: new Map(state.sessions),
  sessionIds: new Map(state.sessionIds),
  consents: new Map(state.consents),
  grants: new Map(state.grants),
  tokens: new Map(state.tokens),
  revokedJwts: new Map(state.revokedJwts),
  interactions: new Map(state.interactions),
  pushedRequests: new Map(state.pushedRequests),
  reservations: new Map(state.reservations),
  attempts: new Map(state.attempts),
  devices: new Map(state.devices),
  sessionClients: new Map(state.sessionClients),
  deliveries: new Map(state.deliveries),
  events: [...state.events],
})

const writeMap = <K, V>(from: Map<K, V>, to: Map<K, V>, target: Map<K, V>): void => {
  for (const key of from.keys()) if (!to.has(key)) target.delete(key)
  for (const [key, value] of to) if (from.get(key) !== value) target.set(key, value)
}

/** Writes into `state` what changed between two copies: blindly, as a late write does. */
const writeChanges = (before: MemoryState, after: MemoryState, state: MemoryState): void => {
  writeMap(before.clients, after.clients, state.clients)
  writeMap(before.registrationTokens, after.registrationTokens, state.registrationTokens)
  writeMap(before.resources, after.resources, state.resources)
  writeMap(before.subjects, after.subjects, state.subjects)
  writeMap(before.sessions, after.sessions, state.sessions)
  writeMap(before.sessionIds, after.sessionIds, state.sessionIds)
  writeMap(before.consents, after.consents, state.consents)
  writeMap(before.grants, after.grants, state.grants)
  writeMap(before.tokens, after.tokens, state.tokens)
  writeMap(before.revokedJwts, after.revokedJwts, state.revokedJwts)
  writeMap(before.interactions, after.interactions, state.interactions)
  writeMap(before.pushedRequests, after.pushedRequests, state.pushedRequests)
  writeMap(before.reservations, after.reservations, state.reservations)
  writeMap(before.attempts, after.attempts, state.attempts)
  writeMap(before.devices, after.devices, state.devices)
  writeMap(before.sessionClients, after.sessionClients, state.sessionClients)
  writeMap(before.deliveries, after.deliveries, state.deliveries)
  state.events.push(...after.events.slice(before.events.length))
  if (after.ring !== before.ring) state.ring = after.ring
  state.serial = Math.max(state.serial, after.serial)
}

const memberOf = (holder: object, name: string): object => {
  const found: unknown = Reflect.get(holder, name)
  if (typeof found === 'function' || (typeof found === 'object' && found !== null)) return found
  throw new Error(`the contract has no ${name}`)
}

const call = async (stores: Stores, method: MethodName, given: readonly unknown[]): Promise<unknown> => {
  const [storeName = '', name = ''] = method.split('.')
  const store = memberOf(stores, storeName)
  const found = memberOf(store, name)
  if (typeof found !== 'function') throw new Error(`${method} is no method`)
  return Reflect.apply(found, store, given)
}

/** The same object but for one member. */
const replaced = <T extends object>(target: T, name: string, member: unknown): T =>
  new Proxy(target, { get: (inner, key): unknown => (key === name ? member : Reflect.get(inner, key)) })

/** Opens an in-memory store of which one method judges on a copy, lets everybody else go first, and then writes what it had judged. */
export const openAwaited =
  (method: MethodName): StoreFactory =>
  async () => {
    const state = emptyState()
    const stores = storesOver(state)
    const [storeName = '', name = ''] = method.split('.')
    const faulty = async (...given: readonly unknown[]): Promise<unknown> => {
      const before = copyOf(state)
      const after = copyOf(state)
      const answer = await call(storesOver(after), method, given)
      await new Promise((resolve) => setImmediate(resolve))
      writeChanges(before, after, state)
      return answer
    }
    const store = replaced(memberOf(stores, storeName), name, faulty)
    return {
      stores: replaced(stores, storeName, store),
      readEvents: async () => [...state.events],
      close: async () => undefined,
    }
  }
