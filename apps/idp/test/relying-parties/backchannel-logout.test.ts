// Owns an app that is told, over real HTTP, that a session ended: it verifies the logout token by jose, as an app would.

import type { IncomingMessage } from 'node:http'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import * as client from 'openid-client'
import t from 'tap'
import { createVisitor } from '../support/person.ts'
import { claimsOf, register, signIn } from './openid-client.ts'
import { openWorld, serve } from './world.ts'

const world = await openWorld(t)
const { issuer } = world
const EVENT = 'http://schemas.openid.net/event/backchannel-logout'

const bodyOf = async (request: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of request) text += String(chunk)
  return text
}

interface Receiver {
  readonly origin: string
  readonly received: { readonly body: string; readonly type: string | undefined }[]
  answers: number
}

const openReceiver = async (status: number): Promise<Receiver> => {
  const receiver: { origin: string; received: Receiver['received']; answers: number } = {
    origin: '',
    received: [],
    answers: status,
  }
  receiver.origin = await serve(t, () => async (request, response) => {
    receiver.received.push({ body: await bodyOf(request), type: request.headers['content-type'] })
    response.writeHead(receiver.answers).end()
  })
  return receiver
}

const until = async (isSo: () => boolean | Promise<boolean>): Promise<void> => {
  for (let turns = 0; turns < 400 && !(await isSo()); turns++) await new Promise((done) => setTimeout(done, 25))
}

/** Verified as OIDC Back-Channel Logout §2.6 tells an app to. */
const verify = async (receiver: Receiver, audience: string): Promise<JWTPayload> => {
  const form = new URLSearchParams(receiver.received[0]?.body)
  const { payload } = await jwtVerify(form.get('logout_token') ?? '', createRemoteJWKSet(new URL(`${issuer}/jwks`)), {
    issuer,
    audience,
    typ: 'logout+jwt',
    algorithms: ['RS256'],
    requiredClaims: ['iat', 'exp', 'jti', 'events'],
    maxTokenAge: 120,
  })
  return payload
}

const stateOf = async (clientId: string): Promise<string> => {
  const { items } = await world.database.stores.logouts.listDeliveries({
    state: undefined,
    after: undefined,
    limit: 100,
  })
  const found = items.find((one) => one.clientId === clientId)
  return found === undefined ? 'none' : `${found.state} ${found.failure ?? ''}`.trim()
}

t.test(
  '[OUT-12, OUT-13, CONF-F-oidcc-backchannel-rp-initiated-logout] an app verifies what it is told with the published keys, and the person is not held up by it',
  async (t) => {
    const receiver = await openReceiver(204)
    const metadata = {
      backchannel_logout_uri: `${receiver.origin}/logout?app=1`,
      backchannel_logout_session_required: true,
    }
    const config = await register(world, metadata)
    const visitor = createVisitor(issuer)
    const tokens = await signIn(config, visitor)
    const url = client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? '' })
    const arrival = await visitor.open(url.href)
    t.match(arrival.body, 'You are signed out')
    await until(() => receiver.received.length > 0)
    t.equal(receiver.received[0]?.type, 'application/x-www-form-urlencoded')
    const { client_id } = config.clientMetadata()
    const said = await verify(receiver, client_id)
    const { sub, sid } = claimsOf(tokens)
    t.match(said, { sub, sid, events: { [EVENT]: {} } })
    t.same(Object.keys(said).sort(), ['aud', 'events', 'exp', 'iat', 'iss', 'jti', 'sid', 'sub'])
    await until(async () => (await stateOf(client_id)) === 'delivered')
    t.equal(await stateOf(client_id), 'delivered')
    t.equal(receiver.received.length, 1)
  },
)

t.test('[OUT-13] an app that refuses is not told again, and one that fails waits for its next turn', async (t) => {
  for (const [status, state] of [
    [400, 'dead answered400'],
    [503, 'waiting answered503'],
  ] as const) {
    const receiver = await openReceiver(status)
    const config = await register(world, { backchannel_logout_uri: `${receiver.origin}/logout` })
    const visitor = createVisitor(issuer)
    const tokens = await signIn(config, visitor)
    await visitor.open(client.buildEndSessionUrl(config, { id_token_hint: tokens.id_token ?? '' }).href)
    const { client_id } = config.clientMetadata()
    await until(async () => (await stateOf(client_id)) === state)
    t.equal(await stateOf(client_id), state)
    t.equal(receiver.received.length, 1)
  }
})

t.test(
  '[OUT-16] an administrator at the command line ends sessions too: a node that is there tells the apps',
  async (t) => {
    const receiver = await openReceiver(200)
    const config = await register(world, { backchannel_logout_uri: `${receiver.origin}/logout` })
    const tokens = await signIn(config, createVisitor(issuer))
    // As the command does: in another process than the server's, which finds the row by itself.
    await world.database.stores.sessions.endSessionsOf(
      { subject: world.alice as never, except: undefined },
      { now: Math.floor(Date.now() / 1000) as never, events: [] },
    )
    await until(() => receiver.received.length > 0)
    const said = await verify(receiver, config.clientMetadata().client_id)
    t.equal(said['sid'], claimsOf(tokens)['sid'])
  },
)
