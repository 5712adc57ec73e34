// Owns what happens to a session, and to what was issued in it, when its person proves again who he is.

import t from 'tap'
import { authorizationRequest, bodyOf, claimsOf, obtainCode, passThrough, redeem, userinfo } from './flows.ts'
import { createWorld } from './world.ts'

t.test(
  '[WEB-007, ADV-005, ADV-159] signing in again makes a new secret, keeps the session, and leaves what was issued in it alive',
  async (t) => {
    const world = createWorld()
    await world.client()
    const first = await obtainCode(world)
    const before = bodyOf(await redeem(world, first))
    const { browser } = first
    const oldCookie = browser.cookies.get('__Host-vouchsafe_session')
    world.clock.advance(100)
    const second = await obtainCode(world, { prompt: 'login' }, browser)
    const after = claimsOf(bodyOf(await redeem(world, second))['id_token'])
    const earlier = claimsOf(before['id_token'])
    t.equal(after['sid'], earlier['sid'])
    t.equal(after['auth_time'], Number(earlier['auth_time']) + 100)
    t.match(await userinfo(world, String(before['access_token'])), { kind: 'json', status: 200 })
    t.not(browser.cookies.get('__Host-vouchsafe_session'), oldCookie)
    const thief = world.browser()
    thief.cookies.set('__Host-vouchsafe_session', oldCookie ?? '')
    const asked = await thief.get('/authorize', authorizationRequest().parameters)
    t.match(asked, { kind: 'interact', interaction: { prompt: { kind: 'login', reason: 'signedOut' } } })
  },
)

t.test('[unit] two tabs that renew one session at once both end signed in', async (t) => {
  const world = createWorld()
  await world.client({ trusted: true })
  const { browser } = await obtainCode(world)
  const asked = await Promise.all(
    ['a', 'b'].map((state) => browser.get('/authorize', authorizationRequest({ state, prompt: 'login' }).parameters)),
  )
  const answers = await Promise.all(asked.map((reply) => passThrough(browser, reply)))
  for (const answer of answers) t.match(answer, { kind: 'redirect', location: /[?&]code=/ })
  const silent = await browser.get('/authorize', authorizationRequest({ prompt: 'none' }).parameters)
  t.match(silent, { kind: 'redirect', location: /[?&]code=/ })
})
