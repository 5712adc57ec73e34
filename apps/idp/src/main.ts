// Owns the life of the process: configuration, start, the first words to an operator, and an orderly end. Never serves anything itself.

import type { FastifyInstance } from 'fastify'
import { pino } from 'pino'
import { firstAdministratorUrl } from './accounts/index.ts'
import { compose, type IdentityProvider } from './compose.ts'
import { type Config, describeProblem, loadConfig } from './config/index.ts'
import { DatabaseError } from './database/index.ts'
import { KeyFileError, SealError } from './keys/index.ts'
import { cleanText, loggerOptions } from './logging/index.ts'
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

// The text of a fault may quote what it was given.
const describeFault = (error: unknown): string =>
  cleanText(error instanceof Error ? (error.stack ?? error.message) : String(error), 'lines')

// Until the server listens there is nothing to finish.
let onStrayRejection = (error: unknown): void => fail(`A promise was rejected unheard: ${describeFault(error)}`)

/** Ends in order: not ready, no new connections, running requests finished, everything written and closed. */
const endInOrder = (config: Config, { idp, app }: Running): void => {
  let ending = false
  const end = async (code: number, notice: number): Promise<void> => {
    // Whoever asks a second time does not want to wait.
    if (ending) process.exit(1)
    ending = true
    idp.drain()
    await sleep(notice)
    const overdue = setTimeout(() => app.server.closeAllConnections(), config.shutdownGrace * 1000)
    await app.close()
    clearTimeout(overdue)
    await idp.close()
    process.exit(code)
  }
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      app.log.info({ signal }, 'stopping')
      void end(0, config.production && signal === 'SIGTERM' ? NOTICE : 0)
    })
  }
  // A fault of ours that no request is to blame for: what runs is finished, and whoever keeps this process running starts a new one.
  onStrayRejection = (error) => {
    app.log.fatal({ err: error }, 'a promise was rejected that nobody waited for; ending')
    void end(1, 0)
  }
  idp.database.ended?.then((how) => {
    if (!ending) fail(`The database ended by itself: ${how}`)
  })
}

/** A start that failed for a reason that an operator can mend; the message is for him. */
class StartError extends Error {
  readonly code = 'not_started'
}

const isForOperator = (error: unknown): error is Error =>
  [DatabaseError, KeyFileError, SealError, StartError].some((type) => error instanceof type)

// Of files that are no certificate, no key, or do not go together (`ERR_OSSL_...`), or that went since the settings were checked.
const isCertificateError = (error: unknown): error is Error =>
  error instanceof Error && 'code' in error && /^(?:ERR_OSSL_|ENOENT|EACCES)/.test(String(error.code))

const listen = async (config: Config, app: FastifyInstance): Promise<void> => {
  let { port } = config
  try {
    await app.listen({ host: config.host, port: config.port })
    port = config.mtls?.port ?? port
    await app.listenForCertificates()
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    const setting = port === config.port ? 'PORT' : 'MTLS_PORT'
    const why = code === 'EADDRINUSE' ? `another program has the port; set ${setting}` : code
    throw new StartError(`It cannot listen on ${config.host}:${port}: ${why}.`)
  }
}

const serve = async (config: Config, idp: IdentityProvider): Promise<void> => {
  const log = pino(loggerOptions(config))
  const app = await buildServer({ config, around: idp.around, readiness: idp.readiness, log }).catch(
    (error: unknown): never => {
      if (!isCertificateError(error)) throw error
      throw new StartError(`TLS_CERT, TLS_KEY or MTLS_CLIENT_CA cannot be used: ${cleanText(error.message)}.`)
    },
  )
  endInOrder(config, { idp, app })
  await listen(config, app)
  const link = await idp.accounts.issueFirstAdministratorLink()
  // To the terminal alone: the link is a credential, and logs are kept.
  process.stderr.write(welcome(config, link === undefined ? undefined : firstAdministratorUrl(config.issuer, link)))
}

const start = async (): Promise<void> => {
  const config = await readConfig()
  // Signals during the start end it: nothing is acknowledged yet.
  const idp = await compose(config, pino(loggerOptions(config)))
  try {
    await serve(config, idp)
  } catch (error) {
    await idp.close()
    throw error
  }
}

process.on('unhandledRejection', (error) => onStrayRejection(error))

try {
  await start()
} catch (error) {
  fail(isForOperator(error) ? error.message : describeFault(error))
}
