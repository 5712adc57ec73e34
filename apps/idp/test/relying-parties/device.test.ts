// Owns the device grant as openid-client and a person with a browser meet it, over HTTP. What the protocol says is in packages/core.

import * as client from 'openid-client'
import t from 'tap'
import { createVisitor, formOf, type Visitor } from '../support/person.ts'
import { claimsOf, register } from './openid-client.ts'
import { AS_ALICE, openWorld } from './world.ts'

const world = await openWorld(t)
const { issuer, alice } = world

const DEVICE_CODE = 'urn:ietf:params:oauth:grant-type:device_code'

const party = () =>
  register(world, {
    client_name: 'Living Room TV',
    grant_types: [DEVICE_CODE, 'refresh_token', 'authorization_code'],
  })

/** Fills in the form of a page and sends it. */
const send = (visitor: Visitor, html: string, typed: Readonly<Record<string, string>>) => {
  const { action, fields } = formOf(html)
  return visitor.open(new URL(action, issuer).href, new Map([...fields, ...Object.entries(typed)]))
}

t.test(
  '[R8628-02, R8628-03, R8628-05, R8628-09, R8628-15] openid-client gets tokens once its person typed the code, signed in and allowed',
  async (t) => {
    const config = await party()
    const asked = await client.initiateDeviceAuthorization(config, { scope: 'openid email offline_access' })
    t.equal(asked.verification_uri, `${issuer}/device`)
    const visitor = createVisitor(issuer)
    const entry = await visitor.open(asked.verification_uri)
    const wrong = await send(visitor, entry.body, { user_code: 'BBBB-BBBB' })
    t.equal(wrong.status, 422)
    t.match(wrong.body, /role="alert"/)
    const typed = asked.user_code.toLowerCase().replace('-', ' ')
    const signIn = await send(visitor, wrong.body, { user_code: typed })
    t.match(signIn.body, /name="password"/)
    t.notMatch(signIn.body, 'Living Room TV', 'who only guesses learns nothing')
    const question = await send(visitor, signIn.body, AS_ALICE)
    t.equal(question.status, 200)
    for (const told of ['Living Room TV', asked.user_code, 'Deny', 'Allow', 'alice@example.org', '127.0.0.1']) {
      t.ok(question.body.includes(told), told)
    }
    t.match(question.body, /Did somebody send you here\?/)
    const done = await send(visitor, question.body, { action: 'allow' })
    t.match(done.body, /The device is connected/)
    const tokens = await client.pollDeviceAuthorizationGrant(config, asked)
    t.match(claimsOf(tokens), { sub: alice })
    const refreshed = await client.refreshTokenGrant(config, tokens.refresh_token ?? '')
    t.ok(refreshed.access_token)
    const late = await visitor.open(asked.verification_uri_complete ?? '')
    t.equal(late.status, 422)
  },
)

t.test(
  '[R8628-05, R8628-07] an address with the code in it shows the question and lets nothing in; a refusal is told',
  async (t) => {
    const config = await party()
    const asked = await client.initiateDeviceAuthorization(config, { scope: 'openid' })
    const visitor = createVisitor(issuer)
    const signIn = await visitor.open(asked.verification_uri_complete ?? '')
    const question = await send(visitor, signIn.body, AS_ALICE)
    t.ok(question.body.includes(asked.user_code))
    const again = await visitor.open(asked.verification_uri_complete ?? '')
    const forged = await send(visitor, again.body, { action: 'allow', csrf: '' })
    t.equal(forged.status, 403)
    const pending = await client
      .genericGrantRequest(config, DEVICE_CODE, { device_code: asked.device_code })
      .catch((error: unknown) => error)
    t.match(pending, { error: 'authorization_pending' })
    const done = await send(visitor, again.body, { action: 'deny' })
    t.match(done.body, /was not connected/)
    const told = await client.pollDeviceAuthorizationGrant(config, asked).catch((error: unknown) => error)
    t.match(told, { error: 'access_denied' })
  },
)
