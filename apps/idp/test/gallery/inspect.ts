// Owns what is looked for in a page that Chromium shows: accessibility, sideways scrolling, small targets, blocked
// resources. Never changes the page beyond unfolding it. Scripts run as strings, since the pages' own policy allows none.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, Page } from 'playwright-core'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** One way of looking at a page. */
export interface Look {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly scale: number
  readonly scheme: 'light' | 'dark'
}

/** Phone and desk, light and dark. */
export const looks: readonly Look[] = (['light', 'dark'] as const).flatMap((scheme) => [
  { name: `phone-${scheme}`, width: 360, height: 740, scale: 2, scheme },
  { name: `desk-${scheme}`, width: 1280, height: 900, scale: 1, scheme },
])

/** Opens a page with a look; findings of the console and of failed requests are gathered in `findings`. */
export const openPage = async (browser: Browser, look: Look): Promise<{ page: Page; findings: string[] }> => {
  const findings: string[] = []
  const view = await browser.newContext({
    viewport: { width: look.width, height: look.height },
    deviceScaleFactor: look.scale,
    colorScheme: look.scheme,
    reducedMotion: 'reduce',
  })
  const page = await view.newPage()
  // Logos come from the clients' sites, which do not exist here.
  await page.route(/^https:/u, (route) => route.fulfill({ contentType: 'image/svg+xml', body: LOGO }))
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') findings.push(`console: ${message.text()}`)
  })
  page.on('pageerror', (error) => findings.push(`script: ${error.message}`))
  page.on('requestfailed', (request) => findings.push(`request failed: ${request.url()}`))
  return { page, findings }
}

const LOGO =
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 48 48"><rect width="48" height="48" rx="10" fill="#e8590c"/><circle cx="24" cy="24" r="11" fill="none" stroke="#fff" stroke-width="5"/></svg>'

interface AxeOutcome {
  readonly violations: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
  readonly incomplete: readonly { readonly id: string; readonly nodes: readonly { readonly html: string }[] }[]
}

const axeFindings = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate(AXE)
  const outcome = await page.evaluate<AxeOutcome>('axe.run(document)')
  // What axe could not decide counts too: a contrast that cannot be computed is one that nobody checked.
  return [...outcome.violations, ...outcome.incomplete].map(
    ({ id, nodes }) => `axe ${id}: ${nodes.map((node) => node.html.slice(0, 120)).join(' | ')}`,
  )
}

const SIDEWAYS = `(() => {
  const limit = window.innerWidth
  const root = document.scrollingElement
  if (root.scrollWidth <= limit) return []
  return [...document.body.querySelectorAll('*')]
    .filter((element) => element.getBoundingClientRect().right > limit + 0.5)
    .map((element) => element.outerHTML.slice(0, 80))
    .concat('page is ' + root.scrollWidth + ' wide in ' + limit)
})()`

const SMALL = `[...document.querySelectorAll('a, button, summary, input:not([type=hidden]):not(.unseen)')]
  .map((element) => ({ box: element.getBoundingClientRect(), html: element.outerHTML.slice(0, 100) }))
  .filter(({ box }) => box.height < 44 || box.width < 44)
  .map(({ box, html }) => Math.round(box.width) + 'x' + Math.round(box.height) + ' ' + html)`

const CLIPPED = `[...document.querySelectorAll('main *:not(.unseen)')]
  .filter((element) => element.scrollWidth > element.clientWidth + 1 && element.clientWidth > 0 && getComputedStyle(element).display !== 'inline' && !element.matches('input'))
  .map((element) => element.outerHTML.slice(0, 80))`

const list = async (page: Page, title: string, script: string): Promise<readonly string[]> =>
  (await page.evaluate<readonly string[]>(script)).map((finding) => `${title}: ${finding}`)

/** Everything that is wrong with the page as it stands, with all that is folded unfolded; empty when it is good. */
export const inspect = async (page: Page): Promise<readonly string[]> => {
  await page.evaluate('document.querySelectorAll("details").forEach((item) => { item.open = true })')
  return [
    ...(await axeFindings(page)),
    ...(await list(page, 'scrolls sideways', SIDEWAYS)),
    ...(await list(page, 'content leaves its box', CLIPPED)),
    ...(await list(page, 'small target', SMALL)),
  ]
}
