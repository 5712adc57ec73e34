// The door of the database room.

export { DatabaseError, type OpenDatabase, type OpenOptions, openDatabase } from './open.ts'
export { assertMigrated, MIGRATIONS, migrateDatabase } from './schema.ts'
