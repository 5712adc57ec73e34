// Owns: the one error type of this package and its closed list of codes.
// Never: decides what a caller does about a failure.

/** The closed list of failures; the code is stable, the message is for a person. */
export type EmbeddedPostgresErrorCode =
  | 'unsupported_platform'
  | 'binaries_unusable'
  | 'cannot_drop_root'
  | 'data_folder_unusable'
  | 'folder_in_use'
  | 'version_mismatch'
  | 'init_failed'
  | 'start_failed'
  | 'stop_failed'
  | 'query_failed'

/** A failure of the launcher, with a stable `code`; thrown, since none of them can be mended by the request at hand. */
export class EmbeddedPostgresError extends Error {
  readonly code: EmbeddedPostgresErrorCode

  constructor(code: EmbeddedPostgresErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.name = 'EmbeddedPostgresError'
    this.code = code
  }
}

/** Gives the `code` of a Node system error (`ENOENT`, `EACCES` ...), or undefined for anything else. */
export const systemCodeOf = (error: unknown): string | undefined =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined

/** Gives the message of whatever was thrown. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))
