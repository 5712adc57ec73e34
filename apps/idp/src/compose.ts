// Owns wiring everything together; the only file that knows every package. Never holds a rule: what is decided, is decided elsewhere.

import { createProvider, type Provider, type MtlsConfig as ProviderMtls, reveal } from '@vouchsafe/core'
import { cryptoRandom, nodeHasher } from '@vouchsafe/core/ports-node'
import { createFetcher } from '@vouchsafe/fetcher'
import { createDatabase, createDatabaseClock, type DatabaseClock } from '@vouchsafe/postgres'
import type { FastifyBaseLogger } from 'fastify'
import { type AccountService, createAccounts } from './accounts/index.ts'
import { type AuditBatch, createAuditBatch } from './audit/batch.ts'
import type { Config, MtlsConfig } from './config/index.ts'
import { assertMigrated, migrateDatabase, type OpenDatabase, openDatabase } from './database/index.ts'
import { deliverLogouts } from './jobs/deliver-logouts.ts'
import { every } from './jobs/every.ts'
import { sweep } from './jobs/sweep.ts'
import { nonceSecrets, openKeys } from './keys/index.ts'
import { createFirstAdministrator } from './pages/first-administrator.ts'
import { ACR_VALUES, type Surroundings } from './pages/surroundings.ts'
import type { Readiness } from './server/health.ts'

/** The composed identity provider, without its HTTP server. */
export interface IdentityProvider {
  readonly provider: Provider
  readonly accounts: AccountService
  readonly database: OpenDatabase
  readonly around: Surroundings
  readonly readiness: Readiness
  /** Fails readiness from now on, so that no more requests are sent here. */
  drain(): void
  /** Writes what is left, stops the jobs and ends the database; safe to repeat. */
  close(): Promise<void>
}

/** What operators are told by the parts that have no request. */
export type Log = Pick<FastifyBaseLogger, 'info' | 'warn' | 'error'>

const openMigrated = async (config: Config, log: Log): Promise<OpenDatabase> => {
  const database = await openDatabase(config, { role: 'server', log: (line) => log.info(line) })
  try {
    if (config.database.migrateOnStart) {
      const applied = await migrateDatabase({ sql: database.patientSql })
      if (applied.length > 0) log.info({ applied }, 'the database was migrated')
    }
    await assertMigrated(database)
    return database
  } catch (error) {
    await database.close()
    throw error
  }
}

// Seconds: who asks for readiness gives up soon himself, and a database that takes longer is none to send people to.
const READINESS_PATIENCE = 2

const readinessOf = ({ sql }: OpenDatabase, clock: DatabaseClock, isDraining: () => boolean): Readiness => ({
  missing: async () => {
    if (isDraining()) return 'draining'
    if (!clock.ready()) return 'clock'
    try {
      await createDatabase(sql, READINESS_PATIENCE).statement((queries) => queries`select 1`)
      return undefined
    } catch {
      return 'database'
    }
  },
})

const surroundingsOf = (
  config: Config,
  provider: Provider,
  accounts: AccountService,
  audit: AuditBatch,
): Surroundings => {
  const { pathname } = new URL(config.issuer)
  return {
    provider,
    brand: config.brandName,
    basePath: pathname === '/' ? '' : pathname,
    people: {
      displayOf: async (subject) => {
        const person = await accounts.findPerson({ subject })
        return person === undefined
          ? undefined
          : { displayName: person.profile.name ?? person.username, username: person.username }
      },
    },
    verifyPassword: async ({ username, password, network }) => {
      const { events, ...outcome } = await accounts.verifyPassword({
        username,
        password: reveal(password),
        remoteAddress: network,
      })
      audit.record(events)
      return outcome
    },
    ...createFirstAdministrator(accounts),
  }
}

const mtlsOf = ({ endpointBase }: MtlsConfig): ProviderMtls => (endpointBase === undefined ? {} : { endpointBase })

const assemble = async (config: Config, database: OpenDatabase, log: Log): Promise<IdentityProvider> => {
  const { stores } = database
  const clock = await createDatabaseClock(database.sql)
  const ports = { clock, random: cryptoRandom, hasher: nodeHasher }
  const { keys, signer, keep } = await openKeys({ config, stores, ports })
  const accounts = await createAccounts({ database: database.database, stores, ports, config })
  const audit = createAuditBatch(stores.audit, ({ lost, error }) =>
    log.error({ err: error, lost }, 'audit events were not written'),
  )
  const fetcher = createFetcher({ allowLoopback: config.outgoing.loopback, allowedNetworks: config.outgoing.networks })
  const provider = createProvider({
    issuer: config.issuer,
    lifetimes: config.lifetimes,
    features: {
      par: true,
      revocation: true,
      introspection: true,
      device: { verificationUri: `${config.issuer}/device` },
      dpop:
        config.dpopNonce === 'never' ? { nonce: 'never' } : { nonce: 'required', secrets: await nonceSecrets(config) },
      endSession: true,
      backchannelLogout: true,
      requestObjects: true,
      jarm: true,
      ...(config.mtls === undefined ? {} : { mtls: mtlsOf(config.mtls) }),
    },
    acrValues: ACR_VALUES,
    uiLocales: ['en'],
    ...(config.registration === undefined ? {} : { registration: config.registration }),
    stores,
    ports: { ...ports, keys, signer, accounts, fetcher },
    onEvents: audit.record,
    onFault: (error) => log.error({ err: error }, 'a request met a fault'),
  })
  const jobs = [
    every(
      60,
      () => sweep(stores, clock),
      (error) => log.error({ err: error }, 'expired rows were not swept'),
    ),
    every(
      5,
      () => deliverLogouts(provider),
      (error) => log.error({ err: error }, 'clients were not told of ended sessions'),
    ),
    every(60, keep, (error) => log.error({ err: error }, 'the signing keys were not kept')),
  ]
  let draining = false
  let closing: Promise<void> | undefined
  const end = async (): Promise<void> => {
    for (const job of jobs) job.stop()
    await audit.flush()
    clock.stop()
    await database.close()
  }
  return {
    provider,
    accounts,
    database,
    around: surroundingsOf(config, provider, accounts, audit),
    readiness: readinessOf(database, clock, () => draining),
    drain: () => {
      draining = true
    },
    close: () => {
      closing ??= end()
      return closing
    },
  }
}

/** Composes the identity provider; rejects, with everything closed again, when a part cannot start. */
export const compose = async (config: Config, log: Log): Promise<IdentityProvider> => {
  const database = await openMigrated(config, log)
  try {
    return await assemble(config, database, log)
  } catch (error) {
    await database.close()
    throw error
  }
}
