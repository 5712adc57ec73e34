// Owns values that must not be printed. Never logs, never compares: comparing is by digest or by `equalInConstantTime`.

const revealed = new WeakMap<Secret, string>()

/** A credential in clear that prints as `[secret]` wherever it is logged, serialised or put into a string. */
export interface Secret {
  readonly kind: 'secret'
  /** Prints the placeholder, so that a template or a log line cannot leak the value. */
  toString(): string
  /** Serialises as the placeholder. */
  toJSON(): string
}

const prototype = Object.freeze({
  kind: 'secret' as const,
  toString: (): string => '[secret]',
  toJSON: (): string => '[secret]',
})

/** Hides a credential from every printer; only `reveal` gives it back. */
export const secret = (value: string): Secret => {
  const hidden: Secret = Object.freeze(Object.create(prototype) as Secret)
  revealed.set(hidden, value)
  return hidden
}

/** Gives the credential back, for hashing it or for the one answer that carries it. */
export const reveal = (hidden: Secret): string => {
  const value = revealed.get(hidden)
  if (value === undefined) throw new TypeError('not a secret made by this module')
  return value
}
