// Owns the proof of the guide's examples: the very text of the page, each in a process of its own, over HTTP.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import t, { type Test } from 'tap'
import { call, challengesOf, createClock } from './api.ts'
import { startIssuer, type TestIssuer } from './issuer.ts'

const EXAMPLES = ['node-example', 'fastify-example'] as const
const GUIDE = new URL('../../../docs/guide/protecting-an-api.md', import.meta.url)

const freePort = async (): Promise<number> => {
  const server = createServer().listen(0, 'localhost')
  await once(server, 'listening')
  const address = server.address()
  await new Promise((resolve) => server.close(resolve))
  return typeof address === 'object' && address !== null ? address.port : 0
}

const start = async (t: Test, name: string): Promise<{ readonly url: string; readonly issuer: TestIssuer }> => {
  const issuer = await startIssuer(t, createClock())
  const port = await freePort()
  const file = new URL(`./${name}.js`, import.meta.url)
  const env = { PORT: String(port), ISSUER: issuer.url }
  const child = spawn(process.execPath, [file.pathname], { env, stdio: 'inherit' })
  t.teardown(async () => {
    child.kill()
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  })
  const url = `http://localhost:${port}`
  for (let tries = 0; tries < 200 && child.exitCode === null; tries++) {
    const up = await call(url).then(
      () => true,
      () => false,
    )
    if (up) return { url, issuer }
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the example does not answer')
}

t.test('[unit] the guide shows the examples that are tested', async (t) => {
  const guide = await readFile(GUIDE, 'utf8')
  for (const name of EXAMPLES) {
    const source = await readFile(new URL(`../test/${name}.ts`, import.meta.url), 'utf8')
    t.ok(guide.includes(`\`\`\`ts compiled\n${source.slice(source.indexOf('import '))}\`\`\`\n`), name)
  }
})

t.test('[unit] each example answers rightly', async (t) => {
  for (const name of EXAMPLES) {
    const { url, issuer } = await start(t, name)
    const note = `${url}/notes/1`
    const claims = { aud: `${url}/notes`, scope: 'notes:read' }
    const metadata = await call(`${url}/.well-known/oauth-protected-resource/notes`)
    t.match(JSON.parse(metadata.body), { resource: `${url}/notes`, authorization_servers: [issuer.url] })
    const none = await call(note)
    t.equal(none.status, 401)
    t.notOk((await challengesOf(none)).some(({ parameters }) => 'error' in parameters))
    t.match(JSON.parse((await call(note, await issuer.mint(claims))).body), { owner: 'alice' })
    t.equal((await call(note, await issuer.mint({ ...claims, exp: 1 }))).status, 401)
    t.equal((await call(note, await issuer.mint({ ...claims, scope: 'other' }))).status, 403)
    if (name === 'node-example') {
      const others = await call(note, await issuer.mint({ ...claims, sub: 'bob' }))
      t.match(
        { ...others, error: others.headers.get('www-authenticate') },
        { status: 403, body: /not your/, error: null },
      )
    }
  }
})
