// Owns giving commands what the use cases need: stores, randomness and the database's time. Never outlives one command.

import type { AdminDeps, RegistrationTokenDeps } from '@vouchsafe/core/admin'
import { cryptoRandom, nodeHasher } from '@vouchsafe/core/ports-node'
import { createDatabaseClock } from '@vouchsafe/postgres'
import { type AccountService, createAccounts } from '../accounts/index.ts'
import type { CommandCall } from './command.ts'

/** Runs a use case with the database's time, since this machine's clock may differ from the servers'. */
export const withAdmin = async <T>(
  call: Pick<CommandCall, 'database'>,
  use: (admin: AdminDeps & RegistrationTokenDeps) => Promise<T>,
): Promise<T> => {
  const clock = await createDatabaseClock(call.database.sql)
  try {
    return await use({ stores: call.database.stores, ports: { clock, random: cryptoRandom, hasher: nodeHasher } })
  } finally {
    clock.stop()
  }
}

/** Runs a use case on accounts. */
export const withAccounts = <T>(
  call: Pick<CommandCall, 'database' | 'config'>,
  use: (accounts: AccountService) => Promise<T>,
): Promise<T> =>
  withAdmin(call, async ({ ports }) => {
    const { database, stores } = call.database
    return use(await createAccounts({ database, stores, ports, config: call.config }))
  })
