// Several tabs, several people and several sites at once: every request ends well, and none ends for somebody who was not asked.

import type { Page } from 'playwright-core'
import t from 'tap'
import { PASSWORD } from '../support/idp.ts'
import {
  claim,
  heading,
  hidden,
  openSite,
  openWorld,
  press,
  type RunningRelyingParty,
  signIn,
  signInAt,
} from './world.ts'

t.setTimeout(240_000)

const world = await openWorld()
t.teardown(() => world.close())
const rp = await world.relyingParty({}, 'openid profile email')
await world.issuer.person('alice')
await world.issuer.person('bob', { name: 'Bob Example', email: 'bob@example.org', emailVerified: false })

/** How many people have allowed the demonstration app anything. */
const consents = async (clientId: string): Promise<readonly string[]> => {
  const rows = await world.issuer.database.sql<{ username: string }[]>`
    select users.username from consents join users using (subject) where client_id = ${clientId} order by 1`
  return rows.map(({ username }) => username)
}

t.test('[unit] tabs that were all opened before the sign-in all end well', async (test) => {
  const { page: one, tab, findings } = await world.view(test)
  const app = await world.relyingParty({ client_name: 'First app' }, 'openid profile')
  const other = await world.relyingParty({ client_name: 'Other app' }, 'openid profile')
  const [two, three] = [await tab(), await tab()]
  await one.goto(`${app.origin}/login`)
  await two.goto(`${other.origin}/login`)
  await three.goto(`${app.origin}/login`)
  await signIn(one, 'alice')
  await heading(one, 'Share your account with First app?')
  await signIn(two, 'alice')
  await heading(two, 'Share your account with Other app?')
  await press(two, 'Allow')
  await heading(two, 'You are signed in')
  // Signing in again in the second tab changed the session's cookie, and not who is asked in the first.
  await press(one, 'Allow')
  await heading(one, 'You are signed in')
  test.equal(new URL(one.url()).origin, app.origin)
  await signIn(three, 'alice')
  await heading(three, 'You are signed in')
  test.equal(new URL(three.url()).origin, app.origin, 'allowed meanwhile: nothing is asked again')
  test.equal(await claim(three, 'name'), 'Alice Example')
  test.same(findings, [])
})

t.test('[unit] who types another name in a tab that waits is signed in there as that person', async (test) => {
  const { page: one, tab } = await world.view(test)
  const app = await world.relyingParty({ client_name: 'Shared' }, 'openid profile')
  for (const username of ['alice', 'bob']) {
    const { page } = await world.view(test)
    await signInAt(page, app, username)
  }
  const two = await tab()
  await one.goto(`${app.origin}/login`)
  await two.goto(`${app.origin}/login`)
  await signIn(one, 'alice')
  await heading(one, 'You are signed in')
  await signIn(two, 'bob', 'not the password')
  await two.getByRole('alert').waitFor()
  await signIn(two, 'bob')
  await heading(two, 'You are signed in')
  test.equal(await claim(two, 'name'), 'Bob Example')
})

t.test('[unit] a tab that waits for a sign-in goes on by itself when another tab has signed in', async (test) => {
  const { page: one, tab } = await world.view(test)
  const app = await world.relyingParty({ client_name: 'Both tabs' }, 'openid profile')
  const two = await tab()
  await one.goto(`${app.origin}/login`)
  await two.goto(`${app.origin}/login?prompt=consent`)
  await signIn(one, 'alice')
  await press(one, 'Allow')
  await heading(one, 'You are signed in')
  await two.reload()
  await heading(two, 'Share your account with Both tabs?')
  await press(two, 'Deny')
  test.match(await two.locator('#reason').innerText(), /^access_denied/)
})

t.test(
  '[OPS-016] consent in one tab and then in the other leaves one consent, and each gets what it asked for',
  async (test) => {
    const { page: one, tab } = await world.view(test)
    const app = await world.relyingParty({ client_name: 'Twice' }, 'openid profile')
    const wide = await world.relyingParty({ client_name: 'Wide' }, 'openid profile email')
    await signInAt(one, app, 'alice')
    const two = await tab()
    await one.goto(`${wide.origin}/login`)
    await heading(one, 'Share your account with Wide?')
    const address = one.url()
    await two.goto(address)
    await heading(two, 'Share your account with Wide?')
    await press(one, 'Allow')
    await heading(one, 'You are signed in')
    await press(two, 'Allow')
    await heading(two, 'This sign-in is already finished')
    test.same(await consents(wide.clientId), ['alice'])
  },
)

t.test('[unit] consent posted after somebody else signed in restarts the prompts and records nothing', async (test) => {
  const { page: one, tab } = await world.view(test)
  const app = await world.relyingParty({ client_name: 'Swap' }, 'openid profile email')
  await one.goto(`${app.origin}/login`)
  await signIn(one, 'alice')
  await heading(one, 'Share your account with Swap?')
  test.ok(await one.getByText('alice@example.org').isVisible())
  const two = await tab()
  await two.goto(`${world.origin}/sign-out`)
  await press(two, 'Sign out')
  await heading(two, 'You are signed out')
  await two.goto(`${world.origin}/sign-in`)
  await signIn(two, 'bob')
  await heading(two, 'You are signed in')
  await press(one, 'Allow')
  await heading(one, /^(Share your account|Sign in)/)
  test.notMatch(await one.content(), 'alice@example.org')
  test.same(await consents(app.clientId), [], 'nothing was recorded for either')
  await heading(one, 'Share your account with Swap?')
  test.ok(await one.getByText('bob@example.org').isVisible(), 'Bob is asked for himself')
  await press(one, 'Allow')
  await heading(one, 'You are signed in')
  test.equal(await claim(one, 'name'), 'Bob Example')
  test.same(await consents(app.clientId), ['bob'])
})

t.test(
  '[unit] signing in with a second account in another tab does not change who a consent page was shown to',
  async (test) => {
    const { page: one, tab } = await world.view(test)
    const app = await world.relyingParty({ client_name: 'Beside' }, 'openid profile email')
    await one.goto(`${app.origin}/login`)
    await signIn(one, 'alice')
    await heading(one, 'Share your account with Beside?')
    const two = await tab()
    await two.goto(`${rp.origin}/login?prompt=select_account`)
    await two.getByRole('button', { name: 'Use another account' }).click()
    await signIn(two, 'bob')
    await heading(two, 'Share your account with Demo app?')
    await press(one, 'Allow')
    await heading(one, 'You are signed in')
    test.equal(await claim(one, 'name'), 'Alice Example')
    test.same(await consents(app.clientId), ['alice'])
    await press(two, 'Allow')
    await heading(two, 'You are signed in')
    test.equal(await claim(two, 'name'), 'Bob Example', 'a tab keeps the person that signed in there')
  },
)

/** The parameters of an authorization request of a relying party in this browser. */
const requestOf = async (page: Page, app: RunningRelyingParty): Promise<URLSearchParams> => {
  const asked = page.waitForRequest((request) => request.url().startsWith(`${world.origin}/authorize?`))
  await page.goto(`${app.origin}/login`)
  return new URL((await asked).url()).searchParams
}

t.test(
  '[unit] an authorization request posted from another site reaches the sign-in, and a session that is there',
  async (test) => {
    const { page, tab, findings } = await world.view(test)
    const app = await world.relyingParty({ client_name: 'Poster' }, 'openid profile')
    const two = await tab()
    for (const known of [false, true]) {
      const parameters = await requestOf(page, app)
      const site = await openSite(
        test,
        `<form method="post" action="${world.origin}/authorize">${hidden(parameters)}<button>Go</button></form>`,
      )
      await two.goto(site)
      const sent = two.waitForRequest((request) => request.method() === 'POST')
      await press(two, 'Go')
      test.notOk((await (await sent).allHeaders())['cookie'], 'a browser leaves Lax cookies out of this post')
      test.equal((await (await sent).response())?.status(), 303)
      if (known) {
        // The app used this request up already; what counts here is the code that comes without a question.
        await two.waitForURL(`${app.origin}/callback?**`)
        test.ok(new URL(two.url()).searchParams.has('code'), 'the session that is there is used')
      } else {
        await signIn(two, 'alice')
        await press(two, 'Allow')
        await heading(two, 'You are signed in')
        test.equal(new URL(two.url()).origin, app.origin)
      }
    }
    test.same(findings, [])
  },
)

t.test(
  '[WEB-003, WEB-006, R9700-35, OIDC-12] forms posted from another site are refused, with the right token too, and begin no session',
  async (test) => {
    const { page, tab } = await world.view(test)
    await page.goto(`${rp.origin}/login`)
    await heading(page, 'Sign in')
    const form = page.locator('form')
    const action = new URL((await form.getAttribute('action')) ?? '', page.url()).href
    const csrf = await form.locator('input[name=csrf]').inputValue()
    const credentials: readonly (readonly [string, string])[] = [
      ['username', 'bob'],
      ['password', PASSWORD],
      ['action', 'sign-in'],
    ]
    const targets = [action, `${world.origin}/sign-in`, `${world.origin}/sign-out`]
    for (const target of targets) {
      const site = await openSite(
        test,
        `<form method="post" action="${target}">${hidden([['csrf', csrf], ...credentials])}<button>Go</button></form>`,
      )
      const two = await tab()
      await two.goto(site)
      const sent = two.waitForResponse((response) => response.request().method() === 'POST')
      await press(two, 'Go')
      test.equal((await sent).status(), 403, target)
      test.notOk((await (await sent).allHeaders())['set-cookie'], 'no session begins')
      await two.close()
    }
    await signIn(page, 'alice')
    await heading(page, /^(Share|You are)/)
  },
)

const BREAK: Readonly<Record<string, string>> = {
  'none at all': `document.querySelector('input[name=csrf]').remove()`,
  'an empty one': `document.querySelector('input[name=csrf]').value = ''`,
  'another one': `document.querySelector('input[name=csrf]').value = '${'A'.repeat(43)}'`,
}

t.test('[WEB-001, R6819-21] every form needs the token of its page: without it nothing changes', async (test) => {
  const { page } = await world.view(test)
  const app = await world.relyingParty({ client_name: 'Forms' }, 'openid profile')
  const refuseEach = async (title: string, submit: () => Promise<void>): Promise<void> => {
    for (const script of Object.values(BREAK)) {
      await heading(page, title)
      await page.evaluate(script)
      const answered = page.waitForResponse((response) => response.request().method() === 'POST')
      await submit()
      test.equal((await answered).status(), 403, title)
      await heading(page, 'The form could not be accepted')
      await page.goBack()
    }
  }
  await page.goto(`${world.origin}/sign-in`)
  await refuseEach('Sign in', () => signIn(page, 'alice'))
  await page.goto(`${app.origin}/login`)
  await refuseEach('Sign in', () => signIn(page, 'alice'))
  const names = (await page.context().cookies(world.origin)).map(({ name }) => name)
  test.notOk(names.includes('vouchsafe_session'), 'nobody is signed in')
  await signIn(page, 'alice')
  for (const button of ['Allow', 'Deny', 'Not you? Use another account']) {
    await refuseEach('Share your account with Forms?', () => press(page, button))
  }
  test.same(await consents(app.clientId), [])
  await press(page, 'Allow')
  await heading(page, 'You are signed in')
  await page.goto(`${app.origin}/login?prompt=select_account`)
  await refuseEach('Choose an account', () => page.getByRole('button', { name: 'Alice Example alice' }).click())
  await page.goto(`${world.origin}/sign-out`)
  await refuseEach('Sign out?', () => press(page, 'Sign out'))
  await page.goto(world.origin)
  test.ok(await page.getByText('Alice Example').isVisible(), 'and nobody was signed out')
})

t.test('[WEB-005] a browser that sends all cookies from everywhere is refused all the same', async (test) => {
  const { page } = await world.view(test)
  const app = await world.relyingParty({ client_name: 'Lax' }, 'openid profile')
  await page.goto(`${app.origin}/login`)
  await signIn(page, 'alice')
  await heading(page, 'Share your account with Lax?')
  const form = page.locator('form')
  const action = new URL((await form.getAttribute('action')) ?? '', page.url()).href
  const csrf = await form.locator('input[name=csrf]').inputValue()
  const cookie = (await page.context().cookies(world.origin)).map(({ name, value }) => `${name}=${value}`).join('; ')
  const post = async (token: string, headers: Readonly<Record<string, string>>): Promise<number> => {
    const body = new URLSearchParams({ csrf: token, action: 'allow' })
    return (await fetch(action, { method: 'POST', redirect: 'manual', headers: { cookie, ...headers }, body })).status
  }
  test.equal(await post(csrf, { origin: 'https://evil.example' }), 403)
  test.equal(await post(csrf, { 'sec-fetch-site': 'cross-site', origin: 'null' }), 403)
  test.equal(await post(csrf, { 'sec-fetch-site': 'same-site' }), 403)
  test.equal(
    await post('A'.repeat(43), {}),
    403,
    'and where it says nothing of its page, the token is what it cannot know',
  )
  test.same(await consents(app.clientId), [])
  test.equal(await post(csrf, { origin: world.origin }), 303)
})
