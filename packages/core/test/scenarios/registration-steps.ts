// Owns the steps of clients that register themselves. Asserts nothing.

import type { ClientId, JsonObject, ProviderConfig, Reply } from '@vouchsafe/core'
import { clientId, reveal } from '@vouchsafe/core'
import { createRegistrationToken } from '@vouchsafe/core/admin'
import { cryptoRandom, nodeHasher } from '@vouchsafe/core/ports-node'
import { bodyOf } from './flows.ts'
import { createWorld, REDIRECT_URI, type World } from './world.ts'

/** Where clients register. */
export const REGISTER = '/register'

/** A world where anybody may register. */
export const openWorld = (over: Partial<ProviderConfig> = {}): World =>
  createWorld({ registration: { mode: 'open' }, ...over })

/** Sends JSON, or a text as it is, to the registration endpoint. */
export const sendTo = (
  world: World,
  request: {
    readonly method?: string
    readonly query?: string
    readonly body?: JsonObject | string
    readonly token?: string | undefined
    readonly contentType?: string
    readonly from?: string
  },
): Promise<Reply> =>
  world.send({
    path: REGISTER,
    method: request.method ?? 'POST',
    query: request.query ?? '',
    remoteAddress: request.from ?? '192.0.2.1',
    headers: new Map([
      ...(request.body === undefined
        ? []
        : [['content-type', [request.contentType ?? 'application/json']] as [string, string[]]]),
      ...(request.token === undefined ? [] : [['authorization', [`Bearer ${request.token}`]] as [string, string[]]]),
    ]),
    body: typeof request.body === 'object' ? JSON.stringify(request.body) : request.body,
  })

/** Metadata that holds. */
export const METADATA: JsonObject = { client_name: 'Self-made', redirect_uris: [REDIRECT_URI] }

/** A registration as the client was told it. */
export interface Registered {
  readonly told: JsonObject
  readonly id: ClientId
  /** The query of the URL at which it is managed. */
  readonly query: string
  readonly token: string
}

/** Reads the answer to a registration. */
export const registeredOf = (reply: Reply): Registered => {
  const told = bodyOf(reply)
  if (typeof told['client_id'] !== 'string') throw new Error(`not registered but ${JSON.stringify(told)}`)
  const { search } = new URL(String(told['registration_client_uri']))
  return {
    told,
    id: clientId(told['client_id']),
    query: search.slice(1),
    token: String(told['registration_access_token']),
  }
}

/** Registers a client where anybody may. */
export const registerIn = async (world: World, metadata: JsonObject = {}): Promise<Registered> =>
  registeredOf(await sendTo(world, { body: { ...METADATA, ...metadata } }))

/** Manages a registration. */
export const manage = (
  world: World,
  method: 'GET' | 'PUT' | 'DELETE',
  registered: Pick<Registered, 'query' | 'token'>,
  body?: JsonObject,
): Promise<Reply> =>
  sendTo(world, {
    method,
    query: registered.query,
    token: registered.token,
    ...(body === undefined ? {} : { body }),
  })

/** An initial access token, in clear. */
export const initialToken = async (
  world: World,
  over: { readonly uses?: number; readonly lifetime?: number; readonly scopes?: readonly string[] } = {},
): Promise<string> => {
  const ports = { clock: world.clock, random: cryptoRandom, hasher: nodeHasher }
  const creation = { actor: 'test', label: 'a test', uses: 1, lifetime: 3600, scopes: undefined, ...over }
  const made = await createRegistrationToken({ stores: world.stores, ports }, creation)
  if (!made.ok) throw new Error(made.error)
  return reveal(made.value.token)
}

/** The status of an answer with one. */
export const statusOf = (reply: Reply): number => {
  if (!('status' in reply)) throw new Error(`no status in ${reply.kind}`)
  return reply.status
}
