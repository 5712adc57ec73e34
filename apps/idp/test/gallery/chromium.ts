// Owns how Chromium is started for the pages' checks. Fails, and never skips, where there is no Chromium.

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

/** Starts a headless Chromium that talks to nobody by itself. */
export const launchChromium = (): Promise<Browser> =>
  chromium.launch({ executablePath: PATH, headless: true, args: QUIET })
