// Owns what the token side's scenarios share: judging a refusal whole, and composing stores that fail or change meanwhile.

import type { ClientRecord, JsonObject, Reply, Stores, Subject } from '@vouchsafe/core'
import { clientId, subject } from '@vouchsafe/core'
import type { Test } from 'tap'
import { emptyState, type MemoryState } from '#src/memory/state.js'
import { storesOver } from '#src/memory/stores.js'
import { bodyOf } from './flows.ts'
import type { World } from './world.ts'

/** In-memory stores whose state can be looked at. */
export const openStores = (): { readonly stores: Stores; readonly state: MemoryState } => {
  const state = emptyState()
  return { stores: storesOver(state), state }
}

/** A header of a reply. */
export const headerOf = (reply: Reply, name: string): string | undefined =>
  'headers' in reply ? reply.headers.get(name) : undefined

/** What RFC 6749 §5.2 lets an error be written in. */
const TOLD = /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/

/** Judges a refusal whole: status, error, JSON, nothing but the two members, in the letters allowed, kept out of caches. */
export const refused = (t: Test, reply: Reply, status: number, error: string, why: string = error): void => {
  if (reply.kind !== 'json') throw new Error(`no JSON but ${JSON.stringify(reply)} (${why})`)
  const body = bodyOf(reply)
  t.same(
    {
      status: reply.status,
      type: reply.contentType,
      error: body['error'],
      members: Object.keys(body),
      told: TOLD.test(String(body['error_description'])),
      cache: headerOf(reply, 'Cache-Control'),
      challenged: reply.status === 401 || headerOf(reply, 'WWW-Authenticate') === undefined,
    },
    {
      status,
      type: 'application/json',
      error,
      members: ['error', 'error_description'],
      told: true,
      cache: 'no-store',
      challenged: true,
    },
    why,
  )
}

/** The tokens of an answer that must be one. */
export const tokensOf = (
  reply: Reply,
): { readonly accessToken: string; readonly idToken: string; body: JsonObject } => {
  if (reply.kind !== 'json' || reply.status !== 200) throw new Error(`no tokens but ${JSON.stringify(reply)}`)
  const body = bodyOf(reply)
  return { accessToken: String(body['access_token']), idToken: String(body['id_token']), body }
}

/** HTTP status of a reply that has one. */
export const statusOf = (reply: Reply): number => ('status' in reply ? reply.status : 0)

/** An occasion without events, at the world's time. */
export const occasionIn = (world: World): { readonly now: ReturnType<World['clock']['now']>; readonly events: [] } => ({
  now: world.clock.now(),
  events: [],
})

/** Changes a client as an administrator does. */
export const changeClient = async (world: World, changes: Partial<ClientRecord>, id = 'app'): Promise<void> => {
  const before = await world.stores.clients.findClient(clientId(id))
  if (before === undefined) throw new Error(`no client ${id}`)
  const after = { ...before, ...changes, version: before.version + 1 }
  const outcome = await world.stores.clients.updateClient(after, occasionIn(world))
  if (outcome !== 'updated') throw new Error(outcome)
}

/** Disables Alice, or enables her again. */
export const setPerson = async (
  world: World,
  status: 'active' | 'disabled',
  who: Subject = subject('alice'),
): Promise<void> => {
  const outcome = await world.stores.subjects.changeSubject({ subject: who, status }, occasionIn(world))
  if (outcome !== 'changed') throw new Error(outcome)
}

/** Ends every session of Alice. */
export const endSessions = async (world: World): Promise<void> => {
  const ended = await world.stores.sessions.endSessionsOf(
    { subject: subject('alice'), except: undefined },
    occasionIn(world),
  )
  if (ended === 0) throw new Error('no session')
}

/** An error as a store rejects with when its database cannot be reached, with details that nobody may see. */
export const unreachable = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED db.internal:5432 user=vouchsafe select * from grants'), {
    code: 'store_unavailable',
  })
