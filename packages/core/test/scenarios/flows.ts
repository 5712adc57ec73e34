// Owns the steps that most scenarios share: ask, sign in, allow, exchange. Asserts nothing: what comes back is the scenario's to judge.

import type { ErrorPage, InteractionPrompt, JsonObject, PresentedInteraction, Reply } from '@vouchsafe/core'
import { type Browser, CLIENT_SECRET, encode, pkcePair, REDIRECT_URI, type World } from './world.ts'

/** Parameters by name; undefined leaves one out, an array repeats it. */
export type Parameters = Readonly<Record<string, string | readonly string[] | undefined>>

/** An authorization request that holds, with the verifier that goes with it. */
export const authorizationRequest = (
  over: Parameters = {},
): { readonly parameters: Parameters; readonly verifier: string } => {
  const { verifier, challenge } = pkcePair()
  return {
    verifier,
    parameters: {
      response_type: 'code',
      client_id: 'app',
      redirect_uri: REDIRECT_URI,
      scope: 'openid',
      state: 'state-1',
      nonce: 'nonce-1',
      code_challenge: challenge,
      code_challenge_method: 'S256',
      ...over,
    },
  }
}

/** Parameters of an answer to the client, by redirect or by form. */
export const answerOf = (reply: Reply): Map<string, string> => {
  if (reply.kind === 'redirect') return new Map(new URL(reply.location).searchParams)
  if (reply.kind === 'formPost') return new Map(reply.parameters)
  throw new Error(`no answer to the client but ${JSON.stringify(reply)}`)
}

/** The error that a client is answered with; undefined for a code. */
export const errorOf = (reply: Reply): string | undefined => answerOf(reply).get('error')

/** The page that a person is shown instead of being sent anywhere. */
export const pageOf = (reply: Reply): ErrorPage & { readonly status: number } => {
  if (reply.kind !== 'page') throw new Error(`no page but ${JSON.stringify(reply)}`)
  return { ...reply.page, status: reply.status }
}

/** What a person is asked. */
export const askedOf = (reply: Reply): PresentedInteraction => {
  if (reply.kind !== 'interact') throw new Error(`no question but ${JSON.stringify(reply)}`)
  return reply.interaction
}

/** The kind of question that a person is asked, or what came instead. */
export const kindOf = (reply: Reply): InteractionPrompt['kind'] | Reply['kind'] =>
  reply.kind === 'interact' ? reply.interaction.prompt.kind : reply.kind

/** Sends an authorization request that holds, changed as given. */
export const ask = (browser: Browser, over: Parameters = {}): Promise<Reply> =>
  browser.get('/authorize', authorizationRequest(over).parameters)

/** A JSON body. */
export const bodyOf = (reply: Reply): JsonObject => {
  if (reply.kind !== 'json') throw new Error(`no JSON but ${JSON.stringify(reply)}`)
  return JSON.parse(reply.body) as JsonObject
}

/** Goes through sign-in and consent as far as they are asked, and answers what the client gets. */
export const passThrough = async (browser: Browser, first: Reply): Promise<Reply> => {
  let reply = first
  for (let steps = 0; reply.kind === 'interact' && steps < 4; steps++) {
    reply = reply.interaction.prompt.kind === 'consent' ? await browser.allow(reply) : await browser.signIn(reply)
  }
  return reply
}

/** A whole authorization in a browser, up to the code. */
export const obtainCode = async (
  world: World,
  over: Parameters = {},
  browser: Browser = world.browser(),
): Promise<{
  readonly code: string
  readonly verifier: string
  readonly browser: Browser
  readonly redirectUri: string
}> => {
  const { parameters, verifier } = authorizationRequest(over)
  const reply = await passThrough(browser, await browser.get('/authorize', parameters))
  const code = answerOf(reply).get('code')
  if (code === undefined) throw new Error(`no code but ${JSON.stringify(reply)}`)
  return { code, verifier, browser, redirectUri: String(parameters['redirect_uri']) }
}

/** The Basic header of RFC 6749 §2.3.1. */
export const basic = (id: string, secret: string): string =>
  `Basic ${Buffer.from(`${encodeURIComponent(id)}:${encodeURIComponent(secret)}`).toString('base64')}`

/** A token request with client_secret_basic unless `authorization` says otherwise (undefined leaves it out). */
export const exchange = async (
  world: World,
  parameters: Parameters,
  { authorization = basic('app', CLIENT_SECRET) as string | undefined, headers = [] as [string, string[]][] } = {},
): Promise<Reply> =>
  world.send({
    path: '/token',
    method: 'POST',
    headers: new Map([
      ['content-type', ['application/x-www-form-urlencoded']],
      ...(authorization === undefined || authorization === ''
        ? []
        : [['authorization', [authorization]] as [string, string[]]]),
      ...headers,
    ]),
    body: encode(parameters),
  })

/** Redeems a code with everything right. */
export const redeem = (
  world: World,
  got: { readonly code: string; readonly verifier: string; readonly redirectUri: string },
  over: Parameters = {},
): Promise<Reply> =>
  exchange(world, {
    grant_type: 'authorization_code',
    code: got.code,
    redirect_uri: got.redirectUri,
    code_verifier: got.verifier,
    ...over,
  })

/** Calls userinfo with a bearer header. */
export const userinfo = (world: World, token: string): Promise<Reply> =>
  world.send({ path: '/userinfo', headers: new Map([['authorization', [`Bearer ${token}`]]]) })

/** The claims of a JWT, not verified. */
export const claimsOf = (jwt: unknown): JsonObject =>
  JSON.parse(Buffer.from(String(jwt).split('.')[1] ?? '', 'base64url').toString()) as JsonObject
