// A person signs in through a relying party in Chromium: the ways that lead there, and those that end elsewhere.

import t from 'tap'
import { PASSWORD } from '../support/idp.ts'
import { claim, heading, openWorld, press, signIn, signInAt } from './world.ts'

t.setTimeout(240_000)

const world = await openWorld({ LOGIN_FREE_ATTEMPTS: '100' })
t.teardown(() => world.close())
const rp = await world.relyingParty()
const alice = await world.issuer.person('alice')
await world.issuer.person('bob', { name: 'Bob Example', email: 'bob@example.org', emailVerified: false })

t.test('[unit] a person signs in, sees the claims, and signs out here and there', async (test) => {
  const { page, findings } = await world.view(test)
  await page.goto(rp.origin)
  await page.getByRole('link', { name: `Sign in with ${world.issuer.issuer}` }).click()
  await heading(page, 'Sign in')
  test.equal(await page.getByText('to continue to Demo app').count(), 1)
  test.equal(await page.locator(':focus').getAttribute('name'), 'username', 'one may type at once')
  await signIn(page, 'alice')

  await heading(page, 'Share your account with Demo app?')
  for (const value of ['Alice Example', 'alice@example.org', '+44 20 7946 0000', '1 Road', 'admins', 'Europe/Kyiv']) {
    test.ok(await page.getByText(value, { exact: false }).first().isVisible(), `${value} is named before it is shared`)
  }
  await press(page, 'Allow')
  await heading(page, 'You are signed in')
  test.equal(new URL(page.url()).origin, rp.origin)
  test.equal(await claim(page, 'sub'), alice)
  test.equal(await claim(page, 'name'), 'Alice Example')
  test.match(await claim(page, 'address'), '1 Road')
  test.equal(await claim(page, 'groups'), '["admins","staff"]')
  test.equal(await claim(page, 'iss'), world.issuer.issuer)

  await page.goto(`${rp.origin}/login`)
  await heading(page, 'You are signed in')
  test.equal(new URL(page.url()).origin, rp.origin, 'signed in at the provider, and remembered: nothing is asked')
  await press(page, 'Sign out')
  await page.getByText('You are not signed in here.').waitFor()
  test.equal(page.url(), `${rp.origin}/`, 'back at the app, by way of the provider')
  await page.goto(`${rp.origin}/login?prompt=none`)
  test.match(await page.locator('#reason').innerText(), /^login_required/, 'and signed out there too')

  await page.goto(`${rp.origin}/login`)
  await signIn(page, 'alice')
  await heading(page, 'You are signed in')
  await page.goto(`${world.issuer.issuer}/sign-out`)
  await heading(page, 'Sign out?')
  test.ok(await page.getByText('Alice Example').isVisible())
  await press(page, 'Sign out')
  await heading(page, 'You are signed out')
  test.equal(new URL(page.url()).pathname, '/signed-out')
  await page.goto(`${rp.origin}/login`)
  await heading(page, 'Sign in')
  await page.goto(`${rp.origin}/login?prompt=none`)
  test.match(await page.locator('#reason').innerText(), /^login_required/)
  test.same(findings, [])
})

t.test(
  '[WEB-026] a wrong password and an unknown name say the same, keep the name, and put the focus where to go on',
  async (test) => {
    const { page, findings } = await world.view(test)
    const said: string[] = []
    for (const name of ['alice', 'nobody']) {
      await page.goto(`${rp.origin}/login`)
      await signIn(page, name, 'not the password')
      said.push(await page.getByRole('alert').innerText())
      test.equal(await page.getByLabel('Username').inputValue(), name)
      test.equal(await page.getByLabel('Password').inputValue(), '')
      await page.locator('[autofocus]:focus').waitFor()
      test.equal(await page.locator(':focus').getAttribute('name'), 'password')
      test.equal(await page.getByLabel('Password').getAttribute('aria-describedby'), 'problem')
      test.match(await page.title(), /^Error: /)
    }
    test.equal(said[0], said[1])
    await signIn(page, 'alice')
    await heading(page, 'You are signed in')
    test.same(findings, [])
  },
)

t.test('[unit] Deny sends the person back to the app, which is told access_denied and its own state', async (test) => {
  const { page } = await world.view(test)
  const asked = page.waitForRequest((request) => request.url().startsWith(`${world.origin}/authorize?`))
  await page.goto(`${rp.origin}/login?prompt=consent`)
  const state = new URL((await asked).url()).searchParams.get('state')
  await signIn(page, 'alice')
  await press(page, 'Deny')
  await heading(page, 'The sign-in did not succeed')
  test.match(await page.locator('#reason').innerText(), /^access_denied/)
  const back = new URL(page.url())
  test.equal(`${back.origin}${back.pathname}`, `${rp.origin}/callback`)
  test.ok(state !== null && state.length > 0)
  test.equal(back.searchParams.get('state'), state)
  test.equal(back.searchParams.get('iss'), world.issuer.issuer)
  test.notOk(back.searchParams.has('code'))
})

t.test('[unit] a sign-in that took too long says so, and leads back to the app', async (test) => {
  const app = await world.relyingParty({ client_name: 'Slow app', client_uri: 'https://slow.example/' })
  for (const at of ['sign-in', 'consent'] as const) {
    const { page } = await world.view(test)
    await page.goto(`${app.origin}/login`)
    if (at === 'consent') {
      await signIn(page, 'alice')
      await heading(page, 'Share your account with Slow app?')
    }
    // The interaction's end passes.
    await world.issuer.database.sql`update interactions set expires_at = created_at where settled_at is null`
    if (at === 'consent') await press(page, 'Allow')
    else await signIn(page, 'alice')
    await heading(page, 'Too much time has passed')
    test.equal(await page.getByRole('link', { name: 'Back to Slow app' }).getAttribute('href'), 'https://slow.example/')
    await page.goto(`${app.origin}/login`)
    await heading(page, at === 'consent' ? 'Share your account with Slow app?' : 'Sign in')
  }
})

t.test(
  '[unit] going back from the consent page, and from the app, never asks twice for what was answered',
  async (test) => {
    const { page } = await world.view(test)
    await page.goto(`${rp.origin}/login?prompt=consent`)
    await signIn(page, 'alice')
    await heading(page, 'Share your account with Demo app?')
    await page.goBack()
    await heading(page, 'Share your account with Demo app?')
    test.equal(await page.getByLabel('Password').count(), 0, 'the person is signed in already')
    await press(page, 'Allow')
    await heading(page, 'You are signed in')
    test.equal(new URL(page.url()).origin, rp.origin)
    await page.goBack()
    await heading(page, 'This sign-in is already finished')
    test.notMatch(await page.content(), 'alice@example.org')
    await page.goForward()
    await heading(page, 'You are signed in')
  },
)

t.test(
  '[unit] going back after a wrong password, and opening its address anew, leads to the form and on from there',
  async (test) => {
    const { page } = await world.view(test)
    await page.goto(`${rp.origin}/login?prompt=login`)
    await signIn(page, 'bob', 'not the password')
    await page.getByRole('alert').waitFor()
    await page.goto(page.url())
    await heading(page, 'Sign in')
    await signIn(page, 'bob', 'not the password')
    await page.getByRole('alert').waitFor()
    await page.goBack()
    await heading(page, /^Sign in/)
    test.equal(await page.getByRole('alert').count(), 0)
    await signIn(page, 'bob')
    await heading(page, 'Share your account with Demo app?')
    await press(page, 'Allow')
    test.equal(await claim(page, 'name'), 'Bob Example')
  },
)

t.test('[unit] a link to a consent page shows nothing in another browser, and takes nothing there', async (test) => {
  const here = await world.view(test)
  await here.page.goto(`${rp.origin}/login?prompt=consent`)
  await signIn(here.page, 'alice')
  await heading(here.page, 'Share your account with Demo app?')
  const elsewhere = await world.view(test)
  await elsewhere.page.goto(here.page.url())
  await heading(elsewhere.page, 'This sign-in was started in another browser')
  test.notMatch(await elsewhere.page.content(), /alice|Demo app/i)
  await press(here.page, 'Allow')
  await heading(here.page, 'You are signed in')
})

t.test(
  '[CONF-B-oidcc-prompt-login, CONF-B-oidcc-max-age-1] prompt=login and max_age ask for the password again, and auth_time moves',
  async (test) => {
    const { page } = await world.view(test)
    await page.goto(`${rp.origin}/login`)
    await signIn(page, 'alice')
    await heading(page, 'You are signed in')
    const first = Number(await claim(page, 'auth_time'))
    for (const query of ['prompt=login', 'max_age=1']) {
      await new Promise((resolve) => setTimeout(resolve, 2100))
      await page.goto(`${rp.origin}/login?${query}`)
      await heading(page, 'Sign in')
      test.ok(await page.locator('#reason').isVisible(), 'the page says why')
      test.equal(await page.getByLabel('Username').inputValue(), 'alice')
      await signIn(page, 'alice')
      await heading(page, 'You are signed in')
      test.ok(Number(await claim(page, 'auth_time')) >= first + 2, query)
    }
    await page.goto(`${rp.origin}/login?max_age=1000`)
    await heading(page, 'You are signed in')
    await page.goto(`${rp.origin}/login?prompt=none`)
    await heading(page, 'You are signed in')
    test.equal(new URL(page.url()).origin, rp.origin, 'nothing was asked')
  },
)

t.test('[unit] with prompt=select_account a browser with two accounts chooses one, or another', async (test) => {
  const { page, findings } = await world.view(test)
  const app = await world.relyingParty({ client_name: 'Chooser' }, 'openid profile')
  await signInAt(page, app, 'alice')
  await page.goto(`${app.origin}/login?prompt=select_account`)
  await heading(page, 'Choose an account')
  await page.getByRole('button', { name: 'Use another account' }).click()
  await heading(page, 'Sign in')
  test.equal(await page.getByLabel('Username').inputValue(), '')
  await signIn(page, 'bob')
  await press(page, 'Allow')
  test.equal(await claim(page, 'name'), 'Bob Example')
  for (const [label, name] of [
    ['Alice Example alice', 'Alice Example'],
    ['Bob Example bob', 'Bob Example'],
  ] as const) {
    await page.goto(`${app.origin}/login?prompt=select_account`)
    await heading(page, 'Choose an account')
    await page.getByRole('button', { name: label }).click()
    await heading(page, 'You are signed in')
    test.equal(await claim(page, 'name'), name)
    await page.goto(`${app.origin}/login`)
    test.equal(await claim(page, 'name'), name, 'and it is the current one from then on')
  }
  await page.goto(world.origin)
  test.ok(await page.getByText('Alice Example').isVisible())
  test.ok(await page.getByText('Bob Example').isVisible())
  await press(page, 'Sign out')
  await page.goto(`${app.origin}/login?prompt=select_account`)
  await heading(page, 'Sign in')
  test.same(findings, [])
})

t.test('[unit] from the consent page another account can be taken', async (test) => {
  const { page } = await world.view(test)
  await page.goto(`${rp.origin}/login?prompt=consent`)
  await signIn(page, 'alice')
  await page.getByRole('button', { name: 'Not you? Use another account' }).click()
  await heading(page, 'Sign in')
  test.equal(await page.getByLabel('Username').inputValue(), '')
  await signIn(page, 'bob')
  await heading(page, 'Share your account with Demo app?')
  test.notMatch(await page.content(), 'alice@example.org')
  await press(page, 'Allow')
  test.equal(await claim(page, 'name'), 'Bob Example')
})

t.test(
  '[CONF-B-form-post, WEB-037] with form_post the answer is sent by itself, and by a button where scripts are off',
  async (test) => {
    for (const javaScriptEnabled of [true, false]) {
      const { page, findings } = await world.view(test, { javaScriptEnabled })
      const posted = page.waitForRequest(
        (request) => request.method() === 'POST' && request.url().startsWith(rp.origin),
      )
      await page.goto(`${rp.origin}/login?response_mode=form_post&prompt=consent`)
      await signIn(page, 'alice')
      await press(page, 'Allow')
      if (!javaScriptEnabled) {
        await heading(page, 'One moment')
        await press(page, 'Continue')
      }
      const answer = new URLSearchParams((await posted).postData() ?? '')
      test.ok(answer.has('code'))
      test.equal(answer.get('iss'), world.issuer.issuer)
      test.notMatch((await posted).url(), /code|state/)
      test.same(findings, [], `scripts ${javaScriptEnabled}`)
    }
  },
)

t.test('[unit] everything works without scripts', async (test) => {
  const { page, findings } = await world.view(test, { javaScriptEnabled: false })
  await page.goto(`${rp.origin}/login?prompt=consent`)
  await signIn(page, 'alice', 'not the password')
  await page.getByRole('alert').waitFor()
  await signIn(page, 'alice')
  await press(page, 'Allow')
  await heading(page, 'You are signed in')
  await page.goto(`${rp.origin}/login?prompt=select_account`)
  await page.getByRole('button', { name: 'Alice Example alice' }).click()
  await heading(page, 'You are signed in')
  await page.goto(`${world.origin}/sign-out`)
  await press(page, 'Sign out')
  await heading(page, 'You are signed out')
  await page.getByRole('link', { name: 'Sign in again' }).click()
  await signIn(page, 'alice')
  await heading(page, 'You are signed in')
  test.equal(page.url(), `${world.origin}/`)
  test.same(findings, [])
})

t.test('[unit] everything works by keyboard alone', async (test) => {
  const { page } = await world.view(test)
  await page.goto(`${rp.origin}/login?prompt=consent`)
  await page.locator('[autofocus]:focus').waitFor()
  const focused = (): Promise<string> =>
    page.evaluate<string>('document.activeElement.value || document.activeElement.textContent.trim()')
  await page.keyboard.type('alice')
  await page.keyboard.press('Tab')
  await page.keyboard.type(PASSWORD)
  await page.keyboard.press('Enter')
  await heading(page, 'Share your account with Demo app?')
  for (let presses = 0; presses < 10 && (await focused()) !== 'allow'; presses++) await page.keyboard.press('Tab')
  test.equal(await focused(), 'allow')
  await page.keyboard.press('Enter')
  await heading(page, 'You are signed in')
  await page.goto(`${world.origin}/sign-out`)
  for (let presses = 0; presses < 10 && (await focused()) !== 'sign-out'; presses++) await page.keyboard.press('Tab')
  await page.keyboard.press('Space')
  await heading(page, 'You are signed out')
})
