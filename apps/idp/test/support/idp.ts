// Owns running the identity provider in tests: the built program as a process of its own, against a fresh database. Asserts nothing.

import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { get as getPlainly } from 'node:http'
import { get as getSecurely } from 'node:https'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type JsonObject, reveal } from '@vouchsafe/core'
import { createClient } from '@vouchsafe/core/admin'
import { DEFAULT_GRANT_TYPES, deviceCode } from '@vouchsafe/core/grant-types'
import { cryptoRandom, nodeHasher, systemClock } from '@vouchsafe/core/ports-node'
import { acquireTestDatabase } from '@vouchsafe/embedded-postgres/testing'
import { createAccounts } from '#src/accounts/index.js'
import { runCli } from '#src/cli/run.js'
import type { Terminal } from '#src/cli/terminal.js'
import { loadConfig } from '#src/config/index.js'
import { migrateDatabase, type OpenDatabase, openDatabase } from '#src/database/index.js'

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url))

/** A port that was free a moment ago. */
export const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once('error', reject)
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })

const POLICY = {
  development: true,
  grantTypes: [...DEFAULT_GRANT_TYPES, deviceCode].map(({ grantType }) => grantType),
  scopes: 'any',
  unknownFields: 'refuse',
  fetches: true,
} as const

/** The password of everybody in tests. */
export const PASSWORD = 'correct horse battery staple'

/** A person that every standard claim is known of. */
export const ALICE = {
  name: 'Alice Example',
  givenName: 'Alice',
  familyName: 'Example',
  middleName: 'B.',
  nickname: 'al',
  profile: 'https://people.example/alice',
  picture: 'https://people.example/alice.png',
  website: 'https://alice.example',
  email: 'alice@example.org',
  emailVerified: true,
  gender: 'female',
  birthdate: '1990-02-03',
  zoneinfo: 'Europe/Kyiv',
  locale: 'en-GB',
  phoneNumber: '+44 20 7946 0000',
  phoneNumberVerified: true,
  streetAddress: '1 Road',
  locality: 'Town',
  region: 'Shire',
  postalCode: 'AB1 2CD',
  country: 'GB',
  groups: ['staff', 'admins'],
} as const

/** A client with its secret, shown once. */
export interface TestClient {
  readonly clientId: string
  readonly clientSecret: string
}

/** A running process of the identity provider. */
export interface Node {
  readonly process: ChildProcess
  /** Everything it printed. */
  readonly output: () => string
  stop(signal?: NodeJS.Signals): Promise<number | null>
}

/** An issuer with its database, and as many processes as asked for. */
export interface TestIssuer {
  readonly issuer: string
  readonly database: OpenDatabase
  /** Adds a person; the same name twice rejects. */
  person(username: string, profile?: Parameters<typeof createPerson>[2]): Promise<string>
  client(metadata: JsonObject): Promise<TestClient>
  /** Runs the command line on its database, and answers what it printed as JSON; rejects when it refuses. */
  command(...argv: readonly string[]): Promise<JsonObject>
  /** Starts a further process on its own port, under the same issuer. */
  start(env?: Readonly<Record<string, string>>): Promise<Node & { readonly origin: string }>
  close(): Promise<void>
}

const createPerson = async (
  issuer: { readonly accounts: Awaited<ReturnType<typeof createAccounts>> },
  username: string,
  profile: Parameters<Awaited<ReturnType<typeof createAccounts>>['create']>[0]['profile'] = ALICE,
): Promise<string> => {
  const made = await issuer.accounts.create({ username, password: PASSWORD, profile, isAdmin: false, actor: 'test' })
  if (!made.ok) throw new Error(`no person: ${JSON.stringify(made.error)}`)
  return made.value.subject
}

/** Whether it may be sent requests; a test's own certificate is not verified, since nothing is told and nothing else believed. */
const isReady = (origin: string): Promise<boolean> =>
  new Promise((resolve) => {
    const get = origin.startsWith('https:') ? getSecurely : getPlainly
    const asked = get(`${origin}/readyz`, { rejectUnauthorized: false, agent: false }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asked.once('error', () => resolve(false))
  })

const untilReady = async (origin: string, child: ChildProcess, output: () => string): Promise<void> => {
  for (let tries = 0; tries < 600; tries++) {
    if (child.exitCode !== null) throw new Error(`the server ended: ${output()}`)
    if (await isReady(origin)) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`the server was not ready in 30 s: ${output()}`)
}

/** Starts the program with exactly these settings besides PATH; readiness is asked at `origin`. */
export const startNode = async (origin: string, env: Readonly<Record<string, string>>): Promise<Node> => {
  const child = spawn(process.execPath, [MAIN], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let text = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (text += chunk.toString()))
  const output = (): string => text
  const ended = new Promise<number | null>((resolve) => child.once('exit', (code) => resolve(code)))
  const stop = async (signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> => {
    if (child.exitCode === null && child.signalCode === null) child.kill(signal)
    return ended
  }
  try {
    await untilReady(origin, child, output)
  } catch (error) {
    await stop('SIGKILL')
    throw error
  }
  return { process: child, output, stop }
}

const runCommand = async (env: Readonly<Record<string, string>>, argv: readonly string[]): Promise<JsonObject> => {
  const [printed, told]: [string[], string[]] = [[], []]
  const terminal: Terminal = {
    print: (text) => void printed.push(text),
    tell: (text) => void told.push(text),
    canAsk: false,
    askHidden: async () => undefined,
    confirm: async () => false,
    readInput: async () => undefined,
  }
  const code = await runCli({ argv: [...argv, '--format', 'json'], env, terminal })
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}: ${told.join(' ')}`)
  return JSON.parse(printed.join('')) as JsonObject
}

/** A connection to a test database as a URL. */
export const urlOf = (connection: Awaited<ReturnType<typeof acquireTestDatabase>>['connection']): string => {
  const parts = { host: undefined, port: undefined, path: undefined, password: undefined, ...connection }
  const login = `${encodeURIComponent(parts.user)}${parts.password === undefined ? '' : `:${encodeURIComponent(String(parts.password))}`}`
  return parts.path === undefined
    ? `postgres://${login}@${parts.host}:${parts.port ?? 5432}/${parts.database}`
    : `postgres://${login}@localhost/${parts.database}?host=${encodeURIComponent(dirname(String(parts.path)))}`
}

/**
 * A fresh database for one issuer on a free loopback port, migrated, without a process yet; `path` is the issuer's path, with its slash
 * in front. An ISSUER among the settings needs its PORT beside it.
 */
export const createIssuer = async (env: Readonly<Record<string, string>> = {}, path = ''): Promise<TestIssuer> => {
  const acquired = await acquireTestDatabase()
  const dataFolder = await mkdtemp(join(tmpdir(), 'vouchsafe-idp-'))
  const port = env['PORT'] === undefined ? await freePort() : Number(env['PORT'])
  const settings = {
    ISSUER: `${env['TLS_CERT'] === undefined ? 'http' : 'https'}://localhost:${port}${path}`,
    DATABASE_URL: urlOf(acquired.connection),
    DATA_FOLDER: dataFolder,
    // Tests open many pages from one address, and hash many passwords.
    PAGES_PER_MINUTE: '100000',
    HASH_MEMORY: '8192',
    LOG_LEVEL: 'warn',
    ...env,
  }
  const issuer = settings.ISSUER
  const config = await loadConfig(settings)
  if (!config.ok) throw new Error(JSON.stringify(config.error))
  const database = await openDatabase(config.value, { role: 'command', log: () => undefined })
  await migrateDatabase(database)
  const { stores } = database
  const ports = { clock: systemClock, random: cryptoRandom, hasher: nodeHasher }
  const accounts = await createAccounts({ database: database.database, stores, ports, config: config.value })
  const nodes: Node[] = []
  return {
    issuer,
    database,
    person: (username, profile) => createPerson({ accounts }, username, profile),
    client: async (metadata) => {
      const made = await createClient(
        { stores, ports },
        { metadata, actor: 'test', clientId: undefined, policy: POLICY },
      )
      if (!made.ok) throw new Error(`no client: ${JSON.stringify(made.error)}`)
      const { client, secret } = made.value
      return { clientId: client.clientId, clientSecret: secret === undefined ? '' : reveal(secret) }
    },
    command: (...argv) => runCommand(settings, argv),
    start: async (more = {}) => {
      const own = nodes.length === 0 ? port : await freePort()
      const protocol = issuer.startsWith('https:') ? 'https' : 'http'
      const origin = `${protocol}://localhost:${own}`
      const node = await startNode(origin, { ...settings, PORT: String(own), ...more })
      nodes.push(node)
      return { ...node, origin }
    },
    close: async () => {
      await Promise.all(nodes.map((node) => node.stop()))
      await database.close()
      await acquired.release()
      await rm(dataFolder, { recursive: true, force: true })
    },
  }
}
