// Owns the life of the process: configuration, start, the first words to an operator, and an orderly end. Never serves anything itself.

import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { firstAdministratorUrl } from './accounts/index.ts'
import { compose, type IdentityProvider } from './compose.ts'
import { type Config, describeProblem, loadConfig } from './config/index.ts'
import { DatabaseError } from './database/index.ts'
import { loggerOptions } from './logging/index.ts'
import { buildServer } from './server/server.ts'
import { welcome } from './server/welcome.ts'

const fail = (message: string): never => {
  process.stderr.write(`${message}\n`)
  process.exit(1)
}

const readConfig = async (): Promise<Config> => {
  const config = await loadConfig(process.env)
  if (config.ok) return config.value
  return fail(
    `The configuration is not usable:\n${config.error.map((problem) => `  ${describeProblem(problem)}`).join('\n')}`,
  )
}

interface Running {
  readonly idp: IdentityProvider
  readonly app: FastifyInstance
}

// Between failing readiness and refusing connections: a load balancer that asks every second or two has noticed by then.
const NOTICE = 2000

const sleep = (milliseconds: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, milliseconds))

/** Ends in order: not ready, no new connections, running requests finished, everything written and closed. */
const endOnSignals = (config: Config, { idp, app }: Running): void => {
  let ending = false
  const end = async (signal: NodeJS.Signals): Promise<void> => {
    // Whoever asks a second time does not want to wait.
    if (ending) process.exit(1)
    ending = true
    app.log.info({ signal }, 'stopping')
    idp.drain()
    if (config.production && signal === 'SIGTERM') await sleep(NOTICE)
    const overdue = setTimeout(() => app.server.closeAllConnections(), config.shutdownGrace * 1000)
    await app.close()
    clearTimeout(overdue)
    await idp.close()
    process.exit(0)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void end(signal))
  idp.database.ended?.then((how) => {
    if (!ending) fail(`The database ended by itself: ${how}`)
  })
}

const start = async (): Promise<void> => {
  const config = await readConfig()
  const log = pino(loggerOptions(config))
  // Signals during the start end it: nothing is acknowledged yet.
  const idp = await compose(config, log)
  const app = await buildServer({ config, around: idp.around, readiness: idp.readiness, log })
  endOnSignals(config, { idp, app })
  await app.listen({ host: config.host, port: config.port })
  const link = await idp.accounts.issueFirstAdministratorLink()
  // To the terminal alone: the link is a credential, and logs are kept.
  process.stderr.write(welcome(config, link === undefined ? undefined : firstAdministratorUrl(config.issuer, link)))
}

process.on('unhandledRejection', (error) => {
  fail(`A promise was rejected that nobody waited for: ${error instanceof Error ? error.stack : String(error)}`)
})

try {
  await start()
} catch (error) {
  if (error instanceof DatabaseError) fail(error.message)
  throw error
}
