// Owns signing out at an app's word, in Chromium: the question, its answer, several accounts in one browser, and the way back.

import t from 'tap'
import { heading, openSite, openWorld, press, signIn, signInAt } from './world.ts'

const world = await openWorld()
t.teardown(() => world.close())
await world.issuer.person('alice')
await world.issuer.person('bob', { name: 'Bob Baker', email: 'bob@example.net', emailVerified: true })
const rp = await world.relyingParty()
const endSession = `${world.issuer.issuer}/end_session`

t.test(
  '[OUT-11, WEB-039] an app without proof is asked for: one may stay, or go and be back at the app, and going back shows nothing',
  async (test) => {
    const { page, findings } = await world.view(test)
    await signInAt(page, rp, 'alice')
    await page.goto(`${world.issuer.issuer}/`)
    const after = encodeURIComponent(`${rp.origin}/`)
    const url = `${endSession}?client_id=${rp.clientId}&post_logout_redirect_uri=${after}&state=s1`
    await page.goto(url)
    await heading(page, 'Sign out?')
    test.ok(await page.getByText('Demo app').first().isVisible(), 'who asks')
    test.ok(await page.getByText('Alice Example').isVisible(), 'who would be signed out')
    await page.getByRole('link', { name: 'Stay signed in' }).click()
    await heading(page, 'You are signed in')
    await page.goto(url)
    await press(page, 'Sign out')
    await page.waitForURL(`${rp.origin}/?state=s1`)
    // The question is asked anew, and there is nobody left to ask.
    await page.goBack()
    test.equal(page.url(), `${rp.origin}/?state=s1`)
    await page.goto(endSession)
    await heading(page, 'You are signed out')
    test.same(findings, [])
  },
)

t.test(
  '[OUT-01, OUT-04, OUT-11] of several accounts one app signs out its own, also by a form that its page posts',
  async (test) => {
    const { page, findings } = await world.view(test)
    await page.goto(`${rp.origin}/login`)
    await signIn(page, 'alice')
    await heading(page, 'You are signed in')
    await page.goto(`${rp.origin}/login?prompt=select_account`)
    await press(page, 'Use another account')
    await signIn(page, 'bob')
    await press(page, 'Allow')
    await heading(page, 'You are signed in')
    await press(page, 'Sign out')
    await page.getByText('You are not signed in here.').waitFor()
    await page.goto(`${world.issuer.issuer}/`)
    test.ok(await page.getByText('Alice Example').isVisible())
    test.equal(await page.getByText('Bob Baker').count(), 0)
    // Another site, whose post brings no cookies of ours.
    const site = await openSite(
      test,
      `<form method="post" action="${endSession}"><input type="hidden" name="client_id" value="${rp.clientId}"><button>Out</button></form>`,
    )
    await page.goto(site)
    await press(page, 'Out')
    await heading(page, 'Sign out?')
    test.ok(await page.getByText('Alice Example').isVisible(), 'she is known again, and asked')
    await press(page, 'Sign out')
    await heading(page, 'You are signed out')
    test.same(findings, [])
  },
)
