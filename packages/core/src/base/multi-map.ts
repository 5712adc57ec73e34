// Owns names with zero, one or several values. Never picks "the first": presence is decided by the number of values.

/** Names with their values in order of arrival; a `Map`, so that no name can reach a prototype. */
export type MultiMap = ReadonlyMap<string, readonly string[]>

/** Collects pairs by name, in order. */
export const multiMap = (pairs: Iterable<readonly [string, string]>): MultiMap => {
  const map = new Map<string, string[]>()
  for (const [name, value] of pairs) {
    const values = map.get(name)
    if (values === undefined) map.set(name, [value])
    else values.push(value)
  }
  return map
}

/** The value of a name that has exactly one, not empty: an empty value counts as absent (RFC 6749 §3.1). Undefined otherwise. */
export const single = (map: MultiMap, name: string): string | undefined => {
  const values = map.get(name)
  return values?.length === 1 && values[0] !== '' ? values[0] : undefined
}

/** The names that occur more than once, leaving out those that may repeat. */
export const repeated = (map: MultiMap, except: ReadonlySet<string>): readonly string[] =>
  [...map].filter(([name, values]) => values.length > 1 && !except.has(name)).map(([name]) => name)
