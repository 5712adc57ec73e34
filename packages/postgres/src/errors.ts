// Owns the errors that leave this package and how the driver's errors become them. Never lets a host, a user, a statement or a
// parameter through: an error may end in a log or, by mistake, in an answer.

/** Stable codes of the errors of this package. */
export type PostgresErrorCode =
  /** The database cannot be reached, or did not answer in time; what was asked may or may not have happened. */
  | 'store_unavailable'
  /** The database refused a statement: a broken invariant or a fault in this package. */
  | 'store_fault'
  /** The driver was set up in a way these stores cannot work with. */
  | 'store_misconfigured'
  /** A migration that was applied reads differently now. */
  | 'migration_changed'
  /** The database has migrations that this code does not know: the schema is newer than the code. */
  | 'migration_unknown'
  /** A new migration has a lower number than one that was applied. */
  | 'migration_out_of_order'
  /** The migrations folder holds something that is no migration. */
  | 'migration_invalid'

/** An error with a stable `code`; `reason` is the SQLSTATE or the system's code behind it. */
export interface PostgresStoreError extends Error {
  readonly code: PostgresErrorCode
  readonly reason: string | undefined
}

/** Makes an error of this package. */
export const storeError = (code: PostgresErrorCode, message: string, reason?: string): PostgresStoreError =>
  Object.assign(new Error(message), { code, reason })

/** Whether an error was made by this package. */
export const isStoreError = (thrown: unknown): thrown is PostgresStoreError =>
  thrown instanceof Error && 'code' in thrown && 'reason' in thrown

/** The driver's, the system's or the database's own code of an error, where it has one. */
export const codeOf = (thrown: unknown): string | undefined =>
  typeof thrown === 'object' && thrown !== null && 'code' in thrown && typeof thrown.code === 'string'
    ? thrown.code
    : undefined

const SQLSTATE = /^[0-9A-Z]{5}$/

// Classes 08, 53, 57, 58 (connection, resources, operator, system), 28 and 3D (credentials or database gone), 55P03 (lock
// timeout), 25006 (a node that was demoted to a replica), and conflicts that outlasted their retries.
const UNAVAILABLE = /^(08|53|57|58|28|3D)|^(55P03|25006|25P03|40001|40P01)$/

// Errors of the driver and of the system's sockets and resolver.
const UNREACHABLE = /^(CONNECT|E[A-Z]+$|ERR_(SSL|TLS|SOCKET)|CERT_|SELF_SIGNED|DEPTH_ZERO|UNABLE_TO|SASL_)/

/** The error of this package that stands for one of the driver; programmer errors come back as they are. */
export const translateError = (thrown: unknown): unknown => {
  if (isStoreError(thrown)) return thrown
  const code = codeOf(thrown)
  if (code === undefined) return thrown
  if (UNREACHABLE.test(code) || UNAVAILABLE.test(code)) {
    return storeError('store_unavailable', `the database did not answer (${code})`, code)
  }
  return SQLSTATE.test(code) ? storeError('store_fault', `the database refused a statement (${code})`, code) : thrown
}
