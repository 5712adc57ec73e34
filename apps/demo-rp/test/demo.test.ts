// The demonstration as a process: what it says can be followed, it ends cleanly, and it begins again where it stopped.

import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'

t.setTimeout(110_000)

const PROGRAM = fileURLToPath(new URL('../dist/demo.js', import.meta.url))

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

interface Demo {
  readonly said: () => string
  readonly end: (signal: NodeJS.Signals) => void
  readonly ended: Promise<number | null>
}

const start = (folder: string, env: Readonly<Record<string, string>>): Demo => {
  const child = spawn(process.execPath, [PROGRAM], {
    cwd: folder,
    // A DATABASE_URL of this machine's user must not be touched: this one would fail the start.
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  return {
    said: () => text,
    end: (signal) => child.kill(signal),
    ended: new Promise((resolve) => child.once('exit', (code) => resolve(code))),
  }
}

const untilSaid = async (demo: Demo, words: string): Promise<void> => {
  let over = false
  void demo.ended.then(() => {
    over = true
  })
  while (!demo.said().includes(words)) {
    if (over) throw new Error(`it ended: ${demo.said()}`)
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
}

const passwordOf = (demo: Demo, username: string): string =>
  new RegExp(`${username} +password: (\\S+)`).exec(demo.said())?.[1] ?? ''

/** Follows links and forms as a browser without scripts would, with one jar: cookies know no ports. */
const createBrowser = () => {
  const cookies = new Map<string, string>()
  const open = async (url: string, form?: URLSearchParams): Promise<{ url: string; body: string }> => {
    let at = url
    let body = form
    for (let hops = 0; hops < 12; hops++) {
      const response = await fetch(at, {
        redirect: 'manual',
        headers: { cookie: [...cookies].map(([name, value]) => `${name}=${value}`).join('; ') },
        ...(body === undefined ? {} : { method: 'POST', body }),
      })
      body = undefined
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        cookies.set(name, value)
      }
      const location = response.headers.get('location')
      if (location === null) return { url: at, body: await response.text() }
      at = new URL(location, at).href
    }
    throw new Error('too many redirects')
  }
  const submit = (page: { url: string; body: string }, values: Readonly<Record<string, string>>) => {
    const action = /<form method="post" action="([^"]+)"/.exec(page.body)?.[1] ?? ''
    const csrf = /name="csrf" value="([^"]+)"/.exec(page.body)?.[1] ?? ''
    return open(new URL(action, page.url).href, new URLSearchParams({ csrf, ...values }))
  }
  return { open, submit }
}

t.test(
  '[unit] the demonstration starts, lets both people in as it says, ends cleanly, and starts again on what is there',
  async (test) => {
    const folder = await mkdtemp(join(tmpdir(), 'vouchsafe-demo-'))
    const [port, appPort, otherPort] = [await freePort(), await freePort(), await freePort()]
    const demos: Demo[] = []
    test.teardown(async () => {
      for (const demo of demos) demo.end('SIGTERM')
      await Promise.all(demos.map(({ ended }) => ended))
      await rm(folder, { recursive: true, force: true })
    })
    const first = start(folder, { PORT: String(port), APP_PORT: String(appPort) })
    demos.push(first)
    await untilSaid(first, 'Ctrl-C ends both')
    const app = `http://localhost:${appPort}`
    test.match(first.said(), `\n  ${app}\n`)
    test.match(first.said(), `http://localhost:${port}\n`)
    test.equal((await stat(join(folder, '.data/demo/demo.json'))).mode & 0o077, 0, 'passwords are the user’s own')
    test.notMatch(await readFile(join(folder, '.data/demo/idp.log'), 'utf8'), passwordOf(first, 'alice'))

    const seen: string[] = []
    for (const username of ['alice', 'bob']) {
      const browser = createBrowser()
      const asked = await browser.open(`${app}/login`)
      test.equal(new URL(asked.url).port, String(port))
      const password = passwordOf(first, username)
      const consent = await browser.submit(asked, { username, password, action: 'sign-in' })
      const done = await browser.submit(consent, { action: 'allow' })
      test.equal(done.url, `${app}/`)
      test.match(done.body, 'You are signed in')
      seen.push(done.body)
    }
    test.match(seen[0], 'alice@example.org')
    test.match(seen[1], 'bob@example.net')
    test.notMatch(seen[1], 'phone_number', 'they have different claims')

    const busy = start(folder, { PORT: String(port) })
    demos.push(busy)
    test.equal(await busy.ended, 1)
    test.match(busy.said(), `Port ${port} is taken`)

    first.end('SIGINT')
    // From a terminal, npm passes on what the process got already.
    first.end('SIGINT')
    test.equal(await first.ended, 0, first.said())
    for (const ended of [app, `http://localhost:${port}`]) await test.rejects(fetch(ended), ended)

    const second = start(folder, { PORT: String(port), APP_PORT: String(otherPort) })
    demos.push(second)
    await untilSaid(second, 'Ctrl-C ends both')
    test.equal(passwordOf(second, 'alice'), passwordOf(first, 'alice'))
    const browser = createBrowser()
    const asked = await browser.open(`http://localhost:${otherPort}/login`)
    const values = { username: 'alice', password: passwordOf(second, 'alice'), action: 'sign-in' }
    const done = await browser.submit(asked, values)
    test.equal(done.url, `http://localhost:${otherPort}/`, 'the app has another port, and consent is remembered')
    test.match(done.body, 'You are signed in')
    second.end('SIGTERM')
    test.equal(await second.ended, 0, second.said())
  },
)
