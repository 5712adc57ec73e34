// Every page as the running server sends it: accessible, as wide as the screen, in the theme of the device, and without a complaint of
// the browser about policies.

import t from 'tap'
import { inspect, looks } from '../gallery/inspect.ts'
import { setUpTour, TOUR_SETTINGS, tour } from './tour.ts'
import { heading, openWorld, press, signIn } from './world.ts'

t.setTimeout(280_000)

const world = await openWorld(TOUR_SETTINGS)
t.teardown(() => world.close())
const link = /http:\S+\/set-up\/\S+/.exec(world.printed())?.[0] ?? ''

t.test(
  '[WEB-091] the link of the first start makes one administrator, once, and there is no account before',
  async (test) => {
    const { page, findings } = await world.view(test, { viewport: { width: 360, height: 740 } })
    test.same(await world.issuer.database.sql`select username from users`, [], 'no account is there by default')
    for (const { name, go } of setUpTour(link)) {
      await go(page)
      test.same(await inspect(page), [], name)
      if (name === 'set-up-problems') {
        test.equal(await page.getByLabel('Email').inputValue(), 'ruth@example.org', 'what was typed is kept')
        test.equal(await page.getByLabel('Password', { exact: true }).inputValue(), '', 'but for the passwords')
        test.equal(await page.getByLabel('Password', { exact: true }).getAttribute('aria-invalid'), 'true')
      }
    }
    await page.getByRole('link', { name: 'Go to the front page' }).click()
    await heading(page, 'You are signed in')
    const other = await world.view(test)
    await other.page.goto(link)
    await heading(other.page, 'This link no longer works')
    await page.goto(link)
    await heading(page, 'This link no longer works')
    const rows = await world.issuer.database.sql<{ username: string; is_admin: boolean }[]>`
    select username, is_admin from users`
    test.same([...rows], [{ username: 'root', is_admin: true }])
    test.same(findings, [])
  },
)

const luminance = (colour: string): number => {
  const [red = 0, green = 0, blue = 0] = (colour.match(/[\d.]+/g) ?? []).map(Number)
  return (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255
}

// Two looks meet both sizes and both themes.
for (const look of looks.filter(({ name }) => name === 'phone-light' || name === 'desk-dark')) {
  t.test(
    `[WEB-035] on ${look.name} every page of the running server is accessible, fits, and breaks no policy`,
    async (test) => {
      const rp = await world.relyingParty({
        policy_uri: 'https://app.example/privacy',
        tos_uri: 'https://app.example/terms',
        client_uri: 'https://app.example/',
      })
      if (look.scheme === 'light') {
        await world.issuer.person('alice')
        await world.issuer.person('bob', { name: 'Bob Example' })
      }
      const { page, findings } = await world.view(test, {
        viewport: { width: look.width, height: look.height },
        colorScheme: look.scheme,
      })
      for (const { name, go } of tour(world, rp)) {
        await go(page)
        test.equal(new URL(page.url()).origin, world.origin, name)
        test.same(await inspect(page), [], name)
        const colour = await page.evaluate<string>('getComputedStyle(document.body).backgroundColor')
        test.equal(luminance(colour) < 0.5, look.scheme === 'dark', `${name}: ${colour}`)
        test.same(findings.splice(0), [], name)
      }
    },
  )
}

t.test('[unit] the page of form_post is as good as the others where it is read', async (test) => {
  const rp = await world.relyingParty()
  const phone = { viewport: { width: 360, height: 740 } }
  const { page, findings } = await world.view(test, phone)
  // The page stays, as it does where scripts are off; without any script nobody could inspect it.
  await page.addInitScript('HTMLFormElement.prototype.submit = () => undefined')
  await page.goto(`${rp.origin}/login?response_mode=form_post`)
  await signIn(page, 'alice')
  await press(page, 'Allow')
  await heading(page, 'One moment')
  test.same(await inspect(page), [])
  test.same(findings, [])
})
