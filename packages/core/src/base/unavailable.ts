// Owns telling a dependency that cannot be reached from a fault of ours. Never decides what is answered.

const UNAVAILABLE: ReadonlySet<unknown> = new Set(['store_unavailable', 'dependency_unavailable'])

/** Whether an error says that a dependency cannot be reached, rather than that we are wrong. */
export const isUnavailable = (error: unknown): boolean =>
  typeof error === 'object' && error !== null && 'code' in error && UNAVAILABLE.has(error.code)
