// Owns how Chromium is started for the pages' checks. Fails, and never skips, where there is no Chromium.

import { existsSync } from 'node:fs'
import { type Browser, chromium } from 'playwright-core'

const PATH = process.env['CHROMIUM_PATH'] ?? '/usr/bin/chromium'

const QUIET = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/** Starts a headless Chromium that talks to nobody by itself; with `pageCache` it keeps whole pages for going back, as people's do. */
export const launchChromium = async (how: { readonly pageCache?: boolean } = {}): Promise<Browser> => {
  if (!existsSync(PATH)) {
    throw new Error(`There is no Chromium at ${PATH}: install the package chromium, or name one in CHROMIUM_PATH.`)
  }
  const ignored = how.pageCache === true ? { ignoreDefaultArgs: ['--disable-back-forward-cache'] } : {}
  return chromium.launch({ executablePath: PATH, headless: true, args: QUIET, ...ignored })
}
