// Owns a server with a Postgres of its own, from its first start on. The launcher itself is tested in packages/embedded-postgres.

import { execFile } from 'node:child_process'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import t from 'tap'
import { freePort, type Node, startNode } from '../support/idp.ts'
import { createVisitor } from '../support/person.ts'
import { ask, cookieHeader, openForm, setUpLinkOf } from '../web/wire.ts'
import { makeDataFolder, startToFail } from './processes.ts'

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))
const folder = await makeDataFolder()
const port = await freePort()
const origin = `http://localhost:${port}`
const env = { DATA_FOLDER: folder.path, PORT: String(port), HASH_MEMORY: '8192', LOG_LEVEL: 'warn' }
const running: Node[] = []
t.teardown(async () => {
  await Promise.all(running.map((node) => node.stop('SIGTERM')))
  await folder.remove()
})

const start = async (): Promise<Node> => {
  const node = await startNode(origin, env)
  running.push(node)
  return node
}

const cli = async (...words: readonly string[]): Promise<Record<string, unknown>> => {
  const { stdout } = await promisify(execFile)(process.execPath, [CLI, ...words, '--format', 'json'], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
  })
  return JSON.parse(stdout)
}

const isSignedIn = async (cookie: string): Promise<boolean> =>
  (await ask(origin, { path: '/', headers: { cookie } })).body.includes('Root Person')

t.test(
  '[WEB-091, OPS-052, OPS-023] a server with a Postgres of its own starts from nothing, and keeps people, sessions, clients and keys over an end, a kill and a second server',
  async (t) => {
    const first = await start()
    const discovery = JSON.parse((await ask(origin, { path: '/.well-known/openid-configuration' })).body)
    t.equal(discovery.issuer, origin, 'it answers discovery with nothing configured but its port')
    const link = await setUpLinkOf(first)
    t.match(first.output(), new RegExp(`Vouchsafe answers at ${origin}`))
    t.match(link, origin, 'and prints the link of the first administrator')
    t.equal((await stat(join(folder.path, 'key-encryption-secret'))).mode & 0o777, 0o600, 'its key file is its owner’s')

    const visitor = createVisitor(origin)
    const { action, fields } = await openForm(visitor, link)
    const typed = {
      username: 'root-person',
      displayName: 'Root Person',
      email: 'root@example.org',
      password: 'correct horse battery staple',
      passwordRepeat: 'correct horse battery staple',
    }
    t.equal((await visitor.open(action, new Map([...fields, ...Object.entries(typed)]))).status, 200)
    const cookie = cookieHeader(visitor)
    t.ok(await isSignedIn(cookie))
    const keys = (await ask(origin, { path: '/jwks' })).body

    const refused = await startToFail({ ...env, PORT: '0' })
    t.equal(refused.code, 1, 'a second server on the folder is refused')
    t.match(refused.output, /in use|already|another/i)
    t.notMatch(refused.output, /\bat .*\.js/, 'in words')
    t.ok(await isSignedIn(cookie), 'and the first one is not disturbed')

    t.equal(await first.stop(), 0)
    await t.rejects(ask(origin, { path: '/healthz' }))
    const second = await start()
    t.notMatch(second.output(), /set-up/, 'no link any more')
    t.ok(await isSignedIn(cookie), 'the session is there')
    t.equal((await ask(origin, { path: '/jwks' })).body, keys, 'and the keys')

    const made = await cli(
      'client',
      'create',
      '--name',
      'Acknowledged',
      '--redirect-uri',
      'https://app.example/callback',
    )
    second.process.kill('SIGKILL')
    await second.stop('SIGKILL')
    await start()
    t.ok(await isSignedIn(cookie), 'the session is there after a kill')
    t.equal((await ask(origin, { path: '/jwks' })).body, keys, 'and the keys')
    const id = String(made['clientId'] ?? made['client_id'])
    t.match(JSON.stringify(await cli('client', 'show', id)), 'Acknowledged', 'and what was acknowledged just before it')
  },
)
