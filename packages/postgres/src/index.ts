// The door of the Postgres package: the stores, the migrations, the clock, and the settings to connect with.

export { createDatabaseClock, type DatabaseClock, type DatabaseClockOptions } from './clock.ts'
export { type ConnectOptions, connect, type DatabaseAddress } from './connect.ts'
export { createDatabase, type Database, DEFAULT_DEADLINE, type Queries } from './database.ts'
export { isStoreError, type PostgresErrorCode, type PostgresStoreError } from './errors.ts'
export { checkMigrations, type MigrationStatus, migrate } from './migrate.ts'
export { type MigrationSource, protocolMigrations } from './migration-files.ts'
export { createPostgresStores, type PostgresStoresOptions } from './stores.ts'
