// What only a browser can say of the pages: accessibility, sizes, order of focus, and that hostile texts do nothing.

import { createServer } from 'node:http'
import t from 'tap'
import { renderPage } from '#src/views/render.js'
import { launchChromium } from '../gallery/chromium.ts'
import { inspect, type Look, looks, openPage } from '../gallery/inspect.ts'
import { openGallery } from '../gallery/server.ts'
import { hostileTexts, withText } from './hostile.ts'
import { context, form, type Sample, samples } from './samples.ts'

t.setTimeout(300_000)

const browser = await launchChromium()
t.teardown(() => browser.close())

const [phone] = looks
if (phone === undefined) throw new Error('no look is left')

// Two looks meet both sizes and both themes; the command that takes the screenshots inspects all four.
for (const look of looks.filter(({ name }) => name === 'phone-light' || name === 'desk-dark')) {
  t.test(
    `[unit] on ${look.name} every page satisfies axe, fits its width, and has targets of 44 pixels`,
    async (test) => {
      const gallery = await openGallery()
      test.teardown(() => gallery.close())
      const { page, findings } = await openPage(browser, look)
      test.teardown(() => page.context().close())
      for (const { name } of samples) {
        await page.goto(`${gallery.origin}/${name}`)
        findings.push(...(await inspect(page)))
        test.same(findings.splice(0), [], name)
      }
    },
  )
}

t.test('[unit] at 320 pixels, and with text twice as large, no page scrolls sideways', async (test) => {
  const gallery = await openGallery()
  test.teardown(() => gallery.close())
  const narrow: Look = { ...phone, name: 'narrow', width: 320 }
  const { page } = await openPage(browser, narrow)
  test.teardown(() => page.context().close())
  for (const { name } of samples) {
    await page.goto(`${gallery.origin}/${name}`)
    for (const size of ['100%', '200%']) {
      const width = await page.evaluate<number>(
        `(document.documentElement.style.fontSize = '${size}', document.scrollingElement.scrollWidth)`,
      )
      test.ok(width <= 320, `${name} at ${size}: ${width}`)
    }
  }
})

t.test(
  '[ADV-023, ADV-144, WEB-050] hostile texts run nothing and add nothing, even where no policy stops them',
  async (test) => {
    const hostile: readonly Sample[] = samples
      .filter(({ page }) => page.kind !== 'formPost')
      .map(({ name, page }, index) => ({ name, page: withText(page, hostileTexts[index % 11] ?? '') }))
    const server = createServer((request, reply) => {
      const sample = hostile.find(({ name }) => `/${name}` === request.url)
      reply.setHeader('content-type', 'text/html; charset=utf-8')
      reply.end(sample === undefined ? '' : renderPage(sample.page, context))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    const { page } = await openPage(browser, phone)
    test.teardown(async () => {
      await page.context().close()
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    })
    const dialogs: string[] = []
    page.on('dialog', (dialog) => {
      dialogs.push(dialog.message())
      void dialog.dismiss()
    })
    for (const { name } of hostile) {
      await page.goto(`http://127.0.0.1:${address.port}/${name}`)
      const foreign = await page.evaluate<readonly string[]>(
        `[...document.querySelectorAll('script, img, iframe, style, base, main form form, [onload], [onerror], [onfocus], [onmouseover]')].map((item) => item.outerHTML)`,
      )
      test.same(foreign, [], name)
      test.not(await page.title(), 'owned', name)
    }
    test.same(dialogs, [])
  },
)

const focusOrder = `(() => {
  const item = document.activeElement
  const outline = getComputedStyle(item)
  return (item.name ? item.name + '=' + (item.tagName === 'BUTTON' ? item.value : '') : item.textContent.trim())
    + (outline.outlineStyle === 'none' || parseFloat(outline.outlineWidth) < 2 ? ' (invisible)' : '')
})()`

const tabThrough = async (name: string, presses: number): Promise<readonly string[]> => {
  const gallery = await openGallery()
  const { page } = await openPage(browser, phone)
  try {
    await page.goto(`${gallery.origin}/${name}`)
    // The browser moves the focus when it first paints, which may be after the load event.
    if ((await page.locator('[autofocus]').count()) > 0) await page.locator('[autofocus]:focus').waitFor()
    const order: string[] = []
    for (let press = 0; press < presses; press++) {
      await page.keyboard.press('Tab')
      order.push(await page.evaluate<string>(focusOrder))
    }
    return order
  } finally {
    await page.context().close()
    await gallery.close()
  }
}

t.test('[unit] by keyboard the focus is visible and goes through each page in reading order', async (test) => {
  test.same(await tabThrough('consent', 5), [
    'action=other-account',
    'action=deny',
    'action=allow',
    'Privacy policy',
    'Terms of service',
  ])
  // The focus starts in the name field, so that the first Tab leaves it.
  test.same(await tabThrough('sign-in', 2), ['password=', 'action=sign-in'])
  test.same(await tabThrough('sign-in-again', 2), ['action=sign-in', 'Choose another account'])
  test.same(await tabThrough('select-account', 3), ['account=a1', 'account=a2', 'action=other-account'])
  test.same(await tabThrough('consent-many-groups', 3), ['action=other-account', 'Show 37 more', 'action=deny'])
})

t.test('[unit] Deny and Allow are equally big', async (test) => {
  const gallery = await openGallery()
  test.teardown(() => gallery.close())
  for (const look of looks) {
    const { page } = await openPage(browser, look)
    await page.goto(`${gallery.origin}/consent`)
    const [deny, allow] = await Promise.all(
      ['Deny', 'Allow'].map((name) => page.getByRole('button', { name, exact: true }).boundingBox()),
    )
    test.ok(deny !== null && deny !== undefined && deny.width > 100, look.name)
    test.same([deny?.width, deny?.height, deny?.y], [allow?.width, allow?.height, allow?.y], look.name)
    await page.context().close()
  }
})

t.test('[unit] forms send their stable names without scripts', async (test) => {
  const bodies: string[] = []
  const server = createServer((request, reply) => {
    request.setEncoding('utf8')
    request.on('data', (part: string) => bodies.push(part))
    request.on('end', () => {
      const sample = samples.find(({ name }) => `/${name}` === request.url)
      reply.setHeader('content-type', 'text/html; charset=utf-8')
      reply.end(sample === undefined ? 'received' : renderPage(sample.page, context))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const view = await browser.newContext({ javaScriptEnabled: false })
  test.teardown(async () => {
    await view.close()
    server.closeAllConnections()
    await new Promise<void>((resolve) => server.close(() => resolve()))
  })
  const page = await view.newPage()
  const send = async (
    sample: string,
    button: string,
    fill: Readonly<Record<string, string>> = {},
  ): Promise<unknown> => {
    await page.goto(`http://127.0.0.1:${address.port}/${sample}`)
    for (const [label, value] of Object.entries(fill)) await page.getByLabel(label, { exact: true }).fill(value)
    await page.getByRole('button', { name: button, exact: true }).click()
    await page.getByText('received').waitFor()
    return Object.fromEntries(new URLSearchParams(bodies.splice(0).join('')))
  }
  const hidden = { csrf: form.csrf, interaction: '7f3c1c1e9a' }
  test.same(await send('sign-in', 'Sign in', { Username: 'ada', Password: 'pass word' }), {
    ...hidden,
    username: 'ada',
    password: 'pass word',
    action: 'sign-in',
  })
  test.same(await send('sign-in-again', 'Sign in', { Password: 'x' }), {
    ...hidden,
    username: 'ada',
    password: 'x',
    action: 'sign-in',
  })
  test.same(await send('consent', 'Deny'), { ...hidden, action: 'deny' })
  test.same(await send('consent', 'Allow'), { ...hidden, action: 'allow' })
  test.same(await send('select-account', 'Ada Lovelace ada'), { ...hidden, account: 'a1' })
  test.same(await send('sign-out', 'Sign out'), { ...hidden, action: 'sign-out' })
})

t.test(
  '[WEB-037] a form_post page sends its parameters by itself under the policy, and by its button without scripts',
  async (test) => {
    const bodies: string[] = []
    const server = createServer((request, reply) => {
      if (request.method === 'POST') {
        request.setEncoding('utf8')
        request.on('data', (part: string) => bodies.push(part))
        request.on('end', () => reply.end('received'))
        return
      }
      const target = `http://${request.headers.host ?? ''}/callback`
      reply.setHeader('content-type', 'text/html; charset=utf-8')
      reply.setHeader(
        'content-security-policy',
        `default-src 'none'; script-src 'nonce-abc'; form-action ${target}; base-uri 'none'`,
      )
      const fields = [
        { name: 'code', value: 'c0de' },
        { name: 'state', value: '<"&\' state' },
      ]
      reply.end(renderPage({ kind: 'formPost', action: target, fields }, { ...context, nonce: 'abc' }))
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
    const address = server.address()
    if (address === null || typeof address === 'string') throw new Error('no port')
    test.teardown(async () => {
      server.closeAllConnections()
      await new Promise<void>((resolve) => server.close(() => resolve()))
    })
    for (const javaScriptEnabled of [true, false]) {
      const view = await browser.newContext({ javaScriptEnabled })
      const page = await view.newPage()
      await page.goto(`http://127.0.0.1:${address.port}/`)
      if (!javaScriptEnabled) await page.getByRole('button', { name: 'Continue' }).click()
      await page.getByText('received').waitFor()
      test.same(Object.fromEntries(new URLSearchParams(bodies.splice(0).join(''))), {
        code: 'c0de',
        state: '<"&\' state',
      })
      await view.close()
    }
  },
)
