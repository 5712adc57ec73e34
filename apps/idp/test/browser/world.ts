// Owns what the browser tests share: an issuer with its process, demonstration relying parties, Chromium, and how a person goes through
// the pages. Gathers what a page complains of; asserts nothing.

import { createServer, type Server, type ServerResponse } from 'node:http'
import type { JsonObject } from '@vouchsafe/core'
import { createRelyingParty } from '@vouchsafe/demo-rp'
import type { Browser, BrowserContext, BrowserContextOptions, Page } from 'playwright-core'
import { launchChromium } from '../gallery/chromium.ts'
import { createIssuer, freePort, PASSWORD, type TestIssuer } from '../support/idp.ts'

/** Every scope that a person can be asked for. */
export const EVERY_SCOPE = 'openid profile email address phone groups'

/** A relying party that listens. */
export interface RunningRelyingParty {
  readonly origin: string
  readonly clientId: string
}

/** A browser of one person: its cookies are its own. */
export interface View {
  readonly context: BrowserContext
  readonly page: Page
  /** Opens another tab. */
  readonly tab: () => Promise<Page>
  /** What the console and failed requests said, policies that blocked something above all. */
  readonly findings: string[]
}

/** What registers an end with a test. */
export interface Test {
  teardown(end: () => Promise<void>): void
}

/** All that a file of browser tests needs. */
export interface World {
  readonly browser: Browser
  readonly issuer: TestIssuer
  readonly origin: string
  /** All that the identity provider printed. */
  readonly printed: () => string
  readonly relyingParty: (metadata?: JsonObject, scope?: string) => Promise<RunningRelyingParty>
  /** A browser that is closed with the test. */
  readonly view: (test: Test, options?: BrowserContextOptions) => Promise<View>
  readonly close: () => Promise<void>
}

// The console's word for a status that the test itself asked for is no finding.
const STATUS = /^Failed to load resource: the server responded with a status of (?:4\d\d|503)/

const watch = (page: Page, findings: string[]): void => {
  page.on('console', (message) => {
    const text = message.text()
    if ((message.type() === 'error' || message.type() === 'warning') && !STATUS.test(text)) findings.push(text)
  })
  page.on('pageerror', (error) => findings.push(`script: ${error.message}`))
}

/** Ends a server with the connections that it holds. */
export const closeServer = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

/** Hidden inputs with what a test knows to need no escaping. */
export const hidden = (fields: Iterable<readonly [string, string]>): string =>
  [...fields].map(([name, value]) => `<input type="hidden" name="${name}" value="${value}">`).join('')

/** A site of its own, closed with the test: 127.0.0.1 and localhost are different sites to a browser. Answers its origin. */
export const openSite = async (test: Test, answer: string | ((to: ServerResponse) => void)): Promise<string> => {
  const port = await freePort()
  const server = createServer((_request, to) => {
    if (typeof answer !== 'string') return answer(to)
    to.setHeader('content-type', 'text/html; charset=utf-8')
    to.end(answer)
  })
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()))
  test.teardown(() => closeServer(server))
  return `http://127.0.0.1:${port}`
}

/** Starts everything; `env` are settings of the identity provider. */
export const openWorld = async (env: Readonly<Record<string, string>> = {}): Promise<World> => {
  const issuer = await createIssuer(env)
  const node = await issuer.start()
  const browser = await launchChromium()
  const servers: Server[] = []
  const relyingParty: World['relyingParty'] = async (metadata = {}, scope = EVERY_SCOPE) => {
    const port = await freePort()
    const origin = `http://localhost:${port}`
    const client = await issuer.client({
      client_name: 'Demo app',
      redirect_uris: [`${origin}/callback`],
      post_logout_redirect_uris: [`${origin}/`],
      scope,
      ...metadata,
    })
    const server = await createRelyingParty({ issuer: issuer.issuer, origin, scope, ...client })
    await new Promise<void>((resolve) => server.listen(port, 'localhost', () => resolve()))
    servers.push(server)
    return { origin, clientId: client.clientId }
  }
  const view: World['view'] = async (test, options = {}) => {
    const findings: string[] = []
    const context = await browser.newContext({ reducedMotion: 'reduce', ...options })
    test.teardown(() => context.close())
    context.setDefaultTimeout(15_000)
    context.on('page', (page) => watch(page, findings))
    return { context, page: await context.newPage(), tab: () => context.newPage(), findings }
  }
  const close = async (): Promise<void> => {
    await browser.close()
    await Promise.all(servers.map(closeServer))
    await issuer.close()
  }
  return { browser, issuer, origin: node.origin, printed: node.output, relyingParty, view, close }
}

/** Fills in the sign-in form and sends it. */
export const signIn = async (page: Page, username: string, password: string = PASSWORD): Promise<void> => {
  const name = page.getByLabel('Username')
  if (await name.isEditable()) await name.fill(username)
  await page.getByLabel('Password').fill(password)
  await page.getByRole('button', { name: 'Sign in' }).click()
}

/** Presses a button by its whole name. */
export const press = (page: Page, name: string): Promise<void> =>
  page.getByRole('button', { name, exact: true }).click()

/** Waits for the heading of a page; rejects with what the page shows instead. */
export const heading = async (page: Page, name: string | RegExp): Promise<void> => {
  try {
    await page.getByRole('heading', { name, level: 1 }).waitFor()
  } catch {
    throw new Error(`no heading ${String(name)} at ${page.url()}: ${await page.locator('body').innerText()}`)
  }
}

/** Signs in at a relying party and allows all. */
export const signInAt = async (page: Page, rp: RunningRelyingParty, username: string): Promise<void> => {
  await page.goto(`${rp.origin}/login`)
  await signIn(page, username)
  await press(page, 'Allow')
  await heading(page, 'You are signed in')
}

/** What the relying party shows of a claim; the one of userinfo comes first. */
export const claim = async (page: Page, name: string): Promise<string> =>
  (
    await page
      .getByRole('row', { name: new RegExp(`^${name} `) })
      .first()
      .getByRole('cell')
      .innerText()
  ).trim()
