// Owns the compile-time proof that a union was handled whole. Reached at run time only through a type error elsewhere.

/** Marks the branch that no member of a union may reach. */
export const exhaustive = (value: never): never => {
  throw new TypeError(`unhandled case: ${JSON.stringify(value)}`)
}
