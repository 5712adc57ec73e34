// What the browser itself is asked to hold: cookies, frames, caches, and where a form may lead.

import { randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { launchChromium } from '../gallery/chromium.ts'
import { makeCertificate } from '../support/certificate.ts'
import { createIssuer, freePort } from '../support/idp.ts'
import { heading, openSite, openWorld, press, signIn } from './world.ts'

t.setTimeout(240_000)

const world = await openWorld()
t.teardown(() => world.close())
const rp = await world.relyingParty({}, 'openid profile email')
await world.issuer.person('alice')

t.test(
  '[WEB-016] over https every cookie is Secure, HttpOnly, Lax, and bound to this host by its name',
  async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-tls-'))
    const { cert, key } = makeCertificate()
    const [certFile, keyFile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
    await writeFile(certFile, cert)
    await writeFile(keyFile, key, { mode: 0o600 })
    const port = await freePort()
    const issuer = await createIssuer({
      VOUCHSAFE_ENV: 'production',
      ISSUER: `https://localhost:${port}`,
      PORT: String(port),
      TLS_CERT: certFile,
      TLS_KEY: keyFile,
      KEY_ENCRYPTION_SECRET: randomBytes(32).toString('base64'),
    })
    test.teardown(async () => {
      await issuer.close()
      await rm(folder, { recursive: true, force: true })
    })
    await issuer.person('alice')
    const client = await issuer.client({ client_name: 'App', redirect_uris: ['https://app.example/callback'] })
    const { origin } = await issuer.start()
    const { page, findings } = await world.view(test, { ignoreHTTPSErrors: true })
    const lines: string[] = []
    page.on('response', async (response) => {
      for (const { name, value } of await response.headersArray()) {
        if (name.toLowerCase() === 'set-cookie') lines.push(value)
      }
    })
    const request = new URLSearchParams({
      client_id: client.clientId,
      redirect_uri: 'https://app.example/callback',
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    await page.goto(`${origin}/authorize?${request}`)
    await signIn(page, 'alice')
    await heading(page, 'Share your account with App?')
    await page.goto(`${origin}/`)
    await heading(page, 'You are signed in')
    const cookies = await page.context().cookies()
    test.same(cookies.map(({ name }) => name).sort(), ['__Host-vouchsafe_browser', '__Host-vouchsafe_session'])
    for (const { name, domain, path, secure, httpOnly, sameSite } of cookies) {
      test.match(
        { domain, path, secure, httpOnly, sameSite },
        { domain: 'localhost', path: '/', secure: true, httpOnly: true, sameSite: 'Lax' },
        name,
      )
    }
    test.ok(lines.length >= 2)
    for (const line of lines.join('\n').split('\n')) {
      test.match(line, /^__Host-[^=]+=[^;]*; Path=\/; HttpOnly; SameSite=Lax; Secure(; Max-Age=\d+)?$/)
    }
    test.equal(await page.evaluate('document.cookie'), '', 'no script could read one')
    test.same(findings, [])
  },
)

t.test(
  '[WEB-034, R9700-46, R6819-03, R6819-20] no page is shown in a frame, of another site or of another port',
  async (test) => {
    const { page, tab } = await world.view(test)
    await page.goto(`${rp.origin}/login`)
    const signInPage = page.url()
    const two = await tab()
    await two.goto(`${rp.origin}/login?prompt=consent`)
    await signIn(two, 'alice')
    await heading(two, /^Share your account/)
    const addresses = [
      signInPage,
      two.url(),
      '/',
      '/sign-in',
      '/sign-out',
      '/signed-out',
      '/nothing',
      '/authorize',
    ].map((address) => new URL(address, world.origin).href)
    const frames = addresses.map((address) => `<iframe src="${address}"></iframe>`).join('')
    const site = await openSite(test, `<h1>Frames</h1>${frames}`)
    // Cookies go along under the site's own name only, so that both are tried: one with them, one without.
    for (const origin of [site, site.replace('127.0.0.1', 'localhost')]) {
      const outer = await tab()
      if (origin !== site) {
        // The same page, served by the name that shares the cookies.
        await outer.route(`${origin}/`, (route) =>
          route.fulfill({ contentType: 'text/html', body: `<h1>Frames</h1>${frames}` }),
        )
      }
      await outer.goto(`${origin}/`)
      const inner = outer.frames().filter((frame) => frame !== outer.mainFrame())
      test.equal(inner.length, addresses.length)
      for (const [index, frame] of inner.entries()) {
        // The browser's own page that says so comes a moment after the frame has loaded nothing.
        for (let tries = 0; tries < 100 && frame.url() === ''; tries++) await outer.waitForTimeout(50)
        test.match(frame.url(), /^chrome-error:/, `${addresses[index]} in ${origin}`)
        test.notMatch(await frame.content(), /<form|alice/i)
      }
    }
  },
)

t.test(
  '[WEB-039] going back after signing out shows nothing of the person, from no cache of the browser',
  async (test) => {
    // The cache of whole pages is off under automation; people have it.
    const browser = await launchChromium({ pageCache: true })
    test.teardown(() => browser.close())
    const context = await browser.newContext()
    context.setDefaultTimeout(15_000)
    const page = await context.newPage()
    await page.goto(`${rp.origin}/login?prompt=consent`)
    await signIn(page, 'alice')
    await heading(page, /^Share your account/)
    test.match(await page.content(), 'alice@example.org')
    await page.goto(`${world.origin}/`)
    test.match(await page.content(), 'Alice Example')
    await page.goto(`${world.origin}/sign-out`)
    await press(page, 'Sign out')
    await heading(page, 'You are signed out')
    for (let steps = 0; steps < 3; steps++) {
      // A page that is kept whole does not load again.
      await page.goBack({ waitUntil: 'commit' })
      await page.locator('h1').waitFor()
      test.notMatch(await page.content(), /alice/i, page.url())
    }
  },
)

t.test(
  '[WEB-036] what is posted here ends at the app, and wherever the app goes on to, under the policies of the pages',
  async (test) => {
    const { page, findings } = await world.view(test)
    const landing = await openSite(test, '<h1>Landed</h1>')
    const hop = await openSite(test, (to) => {
      to.writeHead(303, { location: `${landing}/` })
      to.end()
    })
    const client = await world.issuer.client({ client_name: 'Hopper', redirect_uris: [`${hop}/callback`] })
    test.not(hop, landing)
    const request = new URLSearchParams({
      client_id: client.clientId,
      redirect_uri: `${hop}/callback`,
      response_type: 'code',
      scope: 'openid',
      code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
      code_challenge_method: 'S256',
    })
    await page.goto(`${world.origin}/authorize?${request}`)
    await signIn(page, 'alice')
    await press(page, 'Allow')
    await page.waitForURL(`${landing}/`)
    await heading(page, 'Landed')
    // The sign-in form leads there as well, once consent is remembered; so does choosing an account.
    await page.goto(`${world.origin}/authorize?${request}&prompt=login`)
    await signIn(page, 'alice')
    await page.waitForURL(`${landing}/`)
    await page.goto(`${world.origin}/authorize?${request}&prompt=select_account`)
    await page.getByRole('button', { name: 'Alice Example alice' }).click()
    await page.waitForURL(`${landing}/`)
    await page.goto(`${world.origin}/authorize?${request}&prompt=consent`)
    await press(page, 'Deny')
    await page.waitForURL(`${landing}/`)
    test.same(findings, [], 'no policy stopped or reported anything')
  },
)
