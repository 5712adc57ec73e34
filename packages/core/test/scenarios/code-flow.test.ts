// Owns the main story of the code flow, from the request to userinfo.

import t from 'tap'
import { answerOf, authorizationRequest, bodyOf, claimsOf, obtainCode, redeem, userinfo } from './flows.ts'
import { createWorld } from './world.ts'

t.test('[CONF-B-oidcc-server] a person signs in, allows, and the client learns who it is', async (t) => {
  const world = createWorld()
  await world.client()
  const browser = world.browser()
  const { parameters, verifier } = authorizationRequest({ scope: 'openid email' })
  const login = await browser.get('/authorize', parameters)
  t.match(login, { kind: 'interact', interaction: { prompt: { kind: 'login', reason: 'signedOut' } } })
  const consent = await browser.signIn(login)
  t.match(consent, {
    kind: 'interact',
    interaction: { prompt: { kind: 'consent', values: { email: 'alice@example.org', email_verified: true } } },
  })
  const answer = answerOf(await browser.allow(consent))
  t.equal(answer.get('state'), 'state-1')
  t.equal(answer.get('iss'), 'https://op.example')
  const code = answer.get('code') ?? ''
  const tokens = await redeem(world, { code, verifier, redirectUri: 'https://rp.example/callback' })
  t.match(tokens, { kind: 'json', status: 200 })
  const body = bodyOf(tokens)
  const claims = claimsOf(body['id_token'])
  t.match(claims, { iss: 'https://op.example', sub: 'alice', aud: 'app', nonce: 'nonce-1' })
  t.notOk('email' in claims, 'the ID token is minimal')
  const info = await userinfo(world, String(body['access_token']))
  t.same(bodyOf(info), { sub: 'alice', email: 'alice@example.org', email_verified: true })
  t.same(world.faults, [])
})

t.test('[CONF-B-oidcc-prompt-none-logged-in] a second request is answered silently, by the same session', async (t) => {
  const world = createWorld()
  await world.client()
  const first = await obtainCode(world)
  const before = claimsOf(bodyOf(await redeem(world, first))['id_token'])
  world.clock.advance(60)
  const second = await obtainCode(world, { prompt: 'none' }, first.browser)
  const after = claimsOf(bodyOf(await redeem(world, second))['id_token'])
  t.equal(after['auth_time'], before['auth_time'])
  t.equal(after['sub'], before['sub'])
  t.same(world.faults, [])
})
