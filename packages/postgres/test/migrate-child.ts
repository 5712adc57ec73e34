// Owns a process that migrates until it is killed; see migrate.test.ts. Never run by itself.

import { type ConnectOptions, connect, type MigrationSource, migrate } from '@vouchsafe/postgres'

const { database, source } = JSON.parse(process.argv[2] ?? '') as {
  readonly database: ConnectOptions['database']
  readonly source: MigrationSource
}
await migrate(connect({ database, applicationName: 'to-be-killed' }), [source])
