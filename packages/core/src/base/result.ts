// Owns the two-armed value that every rule answers with. Never throws, never carries protocol knowledge.

/** A successful outcome that carries its value. */
export interface Ok<T> {
  readonly ok: true
  readonly value: T
}

/** A refused outcome that carries the reason. */
export interface Err<E> {
  readonly ok: false
  readonly error: E
}

/** Either a value or the reason why there is none; expected refusals are values, never exceptions. */
export type Result<T, E> = Ok<T> | Err<E>

/** Wraps a value as a success. */
export const ok = <T>(value: T): Ok<T> => ({ ok: true, value })

/** Wraps a reason as a refusal. */
export const err = <E>(error: E): Err<E> => ({ ok: false, error })
