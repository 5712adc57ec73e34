// Owns the scenarios of what a client that registered itself may do: always asked, never silent, and answered by redirect only where somebody
// is signed in. How it registers is in registration.test.ts.

import t from 'tap'
import { answerOf, ask, askedOf, authorizationRequest, errorOf, kindOf, pageOf, passThrough } from './flows.ts'
import { openWorld, registerIn } from './registration-steps.ts'
import { REDIRECT_URI } from './world.ts'

t.test(
  '[DCR-14] a client that registered itself is always asked for, whatever was allowed before, and shown as nobody’s',
  async (t) => {
    const world = openWorld()
    await world.client({ name: 'Bank', trusted: true })
    const { id } = await registerIn(world, { client_name: 'Bank' })
    const browser = world.browser()
    const first = await browser.signIn(await ask(browser, { client_id: id }))
    t.equal(kindOf(first), 'consent')
    t.match(askedOf(first).client, { name: 'Bank', origin: 'registered', destination: 'rp.example' })
    t.ok(answerOf(await browser.allow(first)).get('code'))
    t.equal(kindOf(await ask(browser, { client_id: id })), 'consent', 'what was allowed is shown again')
    const silent = await ask(browser, { client_id: id, prompt: 'none' })
    t.equal(errorOf(silent), 'consent_required')
    const trusted = await ask(browser)
    t.ok(answerOf(trusted).get('code'), 'its namesake asks nobody')
  },
)

t.test('[unit] a client that nobody used goes, and one that somebody allowed stays', async (t) => {
  const world = openWorld()
  const [used, unused] = [await registerIn(world), await registerIn(world)]
  const browser = world.browser()
  t.ok(answerOf(await passThrough(browser, await ask(browser, { client_id: used.id }))).get('code'))
  world.clock.advance(31 * 24 * 60 * 60)
  await world.stores.sweeps.sweepExpired({ before: world.clock.now(), limit: 100 })
  t.ok(await world.stores.clients.findClient(used.id))
  t.equal(await world.stores.clients.findClient(unused.id), undefined)
})

t.test('[unit] a mistaken request of such a client is answered on a page until somebody is signed in', async (t) => {
  const world = openWorld()
  const { id } = await registerIn(world, { client_uri: 'https://rp.example/' })
  for (const [over, error] of [
    [{ scope: 'openid other' }, 'invalid_scope'],
    [{ response_type: 'token' }, 'unsupported_response_type'],
    [{ code_challenge: undefined, code_challenge_method: undefined }, 'invalid_request'],
    [{ prompt: 'none' }, 'login_required'],
    [{ request: 'e30.e30.' }, 'request_not_supported'],
  ] as const) {
    const stranger = world.browser()
    for (const reply of [
      await ask(stranger, { client_id: id, ...over }),
      await stranger.post('/authorize', authorizationRequest({ client_id: id, ...over }).parameters),
    ]) {
      // A post without cookies comes back by GET before anybody is asked.
      const ending = reply.kind === 'resume' ? await stranger.resume(reply.interactionId) : reply
      const page = pageOf(ending)
      t.match(page, { problem: 'notSentBack', status: 400 })
      t.ok(page.detail.startsWith(`${error}: `), page.detail)
      const kept = world.events.some(({ fields }) => fields['reference'] === page.reference)
      // The event of an interaction that ends is written with its ending.
      t.ok(kept || reply.kind === 'resume', 'it can be looked up')
    }
    const known = world.browser()
    await passThrough(known, await ask(known, { client_id: id }))
    const told = await ask(known, { client_id: id, ...over })
    if (error !== 'login_required') t.equal(errorOf(told), error, 'whoever is signed in is sent on')
  }
  await world.client()
  t.equal(
    errorOf(await ask(world.browser(), { prompt: 'none' })),
    'login_required',
    'as is anybody to an operator’s client',
  )
})

t.test('[unit] whoever refuses such a client is told on a page before he signed in, and sent on after', async (t) => {
  const world = openWorld()
  const { id } = await registerIn(world)
  const stranger = world.browser()
  t.match(pageOf(await stranger.deny(await ask(stranger, { client_id: id }))), { problem: 'notSentBack' })
  const known = world.browser()
  const denied = await known.deny(await known.signIn(await ask(known, { client_id: id })))
  t.equal(errorOf(denied), 'access_denied')
  t.match(denied, { kind: 'redirect' })
  if (denied.kind === 'redirect') t.ok(denied.location.startsWith(REDIRECT_URI))
})
