// Owns the command that photographs every page into screenshots/ and fails on any finding.

import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { samples } from '../views/samples.ts'
import { launchChromium } from './chromium.ts'
import { inspect, looks, openPage } from './inspect.ts'
import { openGallery } from './server.ts'

const FOLDER = 'screenshots'

const photograph = async (wanted: (name: string) => boolean): Promise<readonly string[]> => {
  const gallery = await openGallery()
  const browser = await launchChromium()
  const all: string[] = []
  try {
    for (const look of looks) {
      const { page, findings } = await openPage(browser, look)
      for (const { name } of samples.filter((sample) => wanted(sample.name))) {
        await page.goto(`${gallery.origin}/${name}`)
        await page.screenshot({ path: join(FOLDER, `${name}.${look.name}.png`), fullPage: true })
        findings.push(...(await inspect(page)))
        all.push(...findings.splice(0).map((finding) => `${name}, ${look.name}: ${finding}`))
      }
      await page.context().close()
    }
  } finally {
    await browser.close()
    await gallery.close()
  }
  return all
}

const names = process.argv.slice(2)
if (names.length === 0) await rm(FOLDER, { recursive: true, force: true })
await mkdir(FOLDER, { recursive: true })
const findings = await photograph((name) => names.length === 0 || names.includes(name))
for (const finding of findings) process.stderr.write(`${finding}\n`)
process.stdout.write(`${FOLDER}/: ${findings.length} findings\n`)
process.exitCode = findings.length === 0 ? 0 : 1
