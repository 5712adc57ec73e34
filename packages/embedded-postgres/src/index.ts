// Owns: the public door of the launcher.
// Never: holds logic.
export {
  type AttachedPostgres,
  type AttachOptions,
  attachEmbeddedPostgres,
  type OpenedPostgres,
  openEmbeddedPostgres,
} from './attach.ts'
export type { EmbeddedConnection } from './connection.ts'
export { EmbeddedPostgresError, type EmbeddedPostgresErrorCode } from './errors.ts'
export { type EmbeddedPostgres, type EmbeddedPostgresOptions, startEmbeddedPostgres } from './start.ts'
