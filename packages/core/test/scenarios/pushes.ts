// Owns the steps of pushing an authorization request, for the scenarios that do. Asserts nothing.

import type { Reply, WireRequest } from '@vouchsafe/core'
import { authorizationRequest, basic, bodyOf, type Parameters } from './flows.ts'
import { type Browser, CLIENT_SECRET, createWorld, encode, type World } from './world.ts'

/** A provider that takes pushed requests, with everything as given besides. */
export const pushingWorld = (over: WorldConfig = {}, ports: WorldPorts = {}): World =>
  createWorld({ ...over, features: { par: true, ...over.features } }, ports)

type WorldConfig = NonNullable<globalThis.Parameters<typeof createWorld>[0]>
type WorldPorts = NonNullable<globalThis.Parameters<typeof createWorld>[1]>

/** Sends a form to the pushed request endpoint, with client_secret_basic unless `authorization` says otherwise (empty leaves it out). */
export const pushForm = (
  world: World,
  body: string,
  { authorization = basic('app', CLIENT_SECRET), ...over }: Partial<WireRequest> & { authorization?: string } = {},
): Promise<Reply> =>
  world.send({
    path: '/par',
    method: 'POST',
    body,
    ...over,
    headers: new Map([
      ['content-type', ['application/x-www-form-urlencoded']],
      ...(authorization === '' ? [] : [['authorization', [authorization]] as [string, string[]]]),
      ...(over.headers ?? []),
    ]),
  })

/** Pushes a request that holds, changed as given. */
export const push = (world: World, over: Parameters = {}, options: globalThis.Parameters<typeof pushForm>[2] = {}) =>
  pushForm(world, encode(authorizationRequest(over).parameters), options)

/** What a push was answered with, which must be a reference. */
export const requestUriOf = (reply: Reply): string => {
  const { request_uri: requestUri } = bodyOf(reply)
  if (typeof requestUri !== 'string') throw new Error(`no reference but ${JSON.stringify(reply)}`)
  return requestUri
}

/** Pushes a request that holds, and answers its reference with the verifier that goes with it. */
export const pushed = async (
  world: World,
  over: Parameters = {},
): Promise<{ readonly requestUri: string; readonly verifier: string }> => {
  const { parameters, verifier } = authorizationRequest(over)
  return { requestUri: requestUriOf(await pushForm(world, encode(parameters))), verifier }
}

/** Brings a reference to the authorization endpoint. */
export const visit = (browser: Browser, requestUri: string, over: Parameters = {}): Promise<Reply> =>
  browser.get('/authorize', { client_id: 'app', request_uri: requestUri, ...over })
