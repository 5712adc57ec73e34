// Owns `npm run demo`: an identity provider of its own, sample people, this relying party, and the words that say where to begin.
// Never touches a database or a folder other than its own.

import { existsSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:http'
import { resolve } from 'node:path'
import { createCommands } from './demo/commands.ts'
import { type IdpProcess, startIdp } from './demo/idp-process.ts'
import { createKeeper } from './demo/keeper.ts'
import { choosePort } from './demo/ports.ts'
import { DEMO_SCOPE, prepare, type Sample } from './demo/samples.ts'
import { createRelyingParty } from './relying-party.ts'

const FOLDER = resolve('.data/demo')

const say = (text: string): boolean => process.stdout.write(`${text}\n`)

const closeServer = (server: Server): Promise<void> =>
  new Promise((done) => {
    server.close(() => done())
    // A browser keeps its connections open, and would keep this process with them.
    server.closeAllConnections()
  })

const listen = (server: Server, port: number): Promise<void> =>
  new Promise((done, fail) => {
    server.once('error', fail)
    server.listen(port, 'localhost', () => done())
  })

/** Ends both on the first signal; the second one does not wait any more. */
const endOnSignals = (idp: IdpProcess, app: Server): void => {
  let first: number | undefined
  const end = async (): Promise<void> => {
    // Ctrl-C reaches this process from the terminal and once more from npm.
    if (first !== undefined) return Date.now() - first > 1000 ? process.exit(1) : undefined
    first = Date.now()
    say('\nEnding the demonstration ...')
    await Promise.all([closeServer(app), idp.stop()])
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => void end())
  void idp.ended.then((told) => {
    if (first !== undefined) return
    process.stderr.write(`The identity provider ended by itself:\n${told}\n`)
    process.exit(1)
  })
}

const welcome = (issuer: string, origin: string, people: readonly Sample[]): string => {
  const width = Math.max(...people.map(({ username }) => username.length))
  return `
The demonstration runs. Open the demo app and sign in:

  ${origin}

${people.map(({ username, password }) => `  ${username.padEnd(width)}  password: ${password}`).join('\n')}

The identity provider is at ${issuer}
Everything is kept in ${FOLDER}; delete the folder to begin anew.
Ctrl-C ends both.
`
}

const run = async (): Promise<void> => {
  const fresh = !existsSync(FOLDER)
  await mkdir(FOLDER, { recursive: true, mode: 0o700 })
  const idpPort = await choosePort({ wanted: process.env['PORT'], from: 3000, taken: [] })
  const appPort = await choosePort({ wanted: process.env['APP_PORT'], from: 3001, taken: [idpPort] })
  const issuer = `http://localhost:${idpPort}`
  const origin = `http://localhost:${appPort}`
  say(fresh ? 'Making a database, which takes a moment ...' : 'Starting ...')
  const idp = await startIdp({ folder: FOLDER, issuer, port: idpPort })
  try {
    const { people, client } = await prepare({
      commands: createCommands({ folder: FOLDER, issuer }),
      keeper: createKeeper(FOLDER),
      origin,
    })
    const app = await createRelyingParty({ issuer, origin, scope: DEMO_SCOPE, ...client })
    await listen(app, appPort)
    endOnSignals(idp, app)
    say(welcome(issuer, origin, people))
  } catch (error) {
    await idp.stop()
    throw error
  }
}

try {
  await run()
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
